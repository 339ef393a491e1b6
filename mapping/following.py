"""Reads of practice defaults: which is in force for a template, its rules, and what it would change where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from mapping.difference import Difference, differences
from mapping.inheritance import Followed, followed, inherited, inherits
from mapping.models import MappingVersion, PracticeDefault, Template
from mapping.note import MappingSpec, RuleSpec
from mapping.queries import draft_of, field_specs, newest_version, published_of, spec_of
from portal.models import Practice


def defaults_of(practice: Practice) -> QuerySet[PracticeDefault]:
    """Every default of a practice: those for one template code first, of each the newest first."""
    listed = PracticeDefault.objects.filter(practice=practice).order_by("-template_code", "-number")
    return listed.select_related("practice", "published_by", "taken_from__template__location")


def default_for(template: Template) -> PracticeDefault | None:
    """The default in force for a template: the newest for its own code, else the newest for every template."""
    return defaults_of(template.location.practice).filter(template_code__in=["", template.code]).first()


def rules_of(default: PracticeDefault | None) -> tuple[RuleSpec, ...]:
    """A default's rules, as those have them who take them over; none without a default."""
    return shared(spec_of(default.taken_from), default.sections) if default else ()


def shared(spec: MappingSpec, sections: Sequence[str]) -> tuple[RuleSpec, ...]:
    """The rules that a default of these sections of a mapping has."""
    return inherited([rule for rule in spec.rules if rule.section_code in sections])


def is_newer(default: PracticeDefault | None, mapping: MappingVersion) -> bool:
    """Whether a mapping follows no default though there is one, or following this one would change a row of it."""
    if default is None or default.pk == mapping.follows_id:
        return False
    if mapping.follows is None:
        return True
    spec = spec_of(mapping)
    found = followed(spec.rules, rules_of(mapping.follows), rules_of(default), spec.fields)
    return _moves(spec, replace(spec, rules=found.rules))


@dataclass(frozen=True)
class Preview:
    """What a default makes of the mapping in force for one template, in the template's newest version.

    `drafted`: somebody works on a draft there, which no proposal touches. `errors` would keep it from going live.
    """

    template: Template
    follows: PracticeDefault | None
    drafted: bool
    found: Followed
    differences: tuple[Difference, ...]
    moves: bool

    @property
    def proposable(self) -> bool:
        return self.moves and not self.drafted


def previewed(template: Template, rules: Sequence[RuleSpec]) -> Preview | None:
    """The preview for a default of these rules; None for a template that was never imported."""
    newest, in_force = newest_version(template), published_of(template)
    if newest is None:
        return None
    fields = field_specs(newest.pk)
    spec = spec_of(in_force) if in_force else MappingSpec(template.code, template.name, fields, ())
    follows = in_force.follows if in_force else None
    found = followed(spec.rules, rules_of(follows), rules, fields)
    proposed = replace(spec, rules=found.rules)
    changed = _moves(spec, proposed)
    return Preview(template, follows, draft_of(template) is not None, found, differences(spec, proposed), changed)


def previews(source: MappingVersion, rules: Sequence[RuleSpec], template_code: str) -> list[Preview]:
    """What a default of these rules makes of every other template that it would apply to, by location."""
    practice = source.template.location.practice
    listed = Template.objects.filter(location__practice=practice, location__for_learning=False)
    listed = listed.exclude(pk=source.template_id)
    if template_code:
        listed = listed.filter(code=template_code)
    else:  # those with a default of their own code do not ask for this one
        listed = listed.exclude(code__in=PracticeDefault.objects.filter(practice=practice).values("template_code"))
    in_order = listed.select_related("location__practice").order_by("location__code", "code")
    return [one for one in (previewed(template, rules) for template in in_order) if one]


def _moves(old: MappingSpec, new: MappingSpec) -> bool:
    """Whether notes would be filed otherwise, or other rows be inherited."""
    return bool(differences(old, new)) or _inherited(old) != _inherited(new)


def _inherited(spec: MappingSpec) -> set[str]:
    return {rule.section_code for rule in spec.rules if inherits([rule])}
