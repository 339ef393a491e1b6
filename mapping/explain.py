"""For each section of a template: the field in force, from where, since when, by whom; what the default says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mapping.difference import in_words, labels_of
from mapping.following import default_for, rules_of
from mapping.inheritance import Standing, standings
from mapping.models import MappingState, MappingVersion, PracticeDefault, Template
from mapping.note import MappingSpec, RuleSpec
from mapping.queries import published_of, spec_of
from mapping.sections import CODES, name_of
from mapping.transfer import INHERITED, MARKS

BY_HAND = "This location: mapped by hand"
BY_POLICY = "The location's rule for sections without a field"


@dataclass(frozen=True)
class Explained:
    """One section. `since` is the mapping that first had this very rule and every one after it; None: no rule.

    `source` is the practice default it is inherited from. `default` says what the default in force has for it, where
    that is something else; `refused` why the template cannot take that.
    """

    section_code: str
    value: str
    origin: str
    since: MappingVersion | None = None
    source: PracticeDefault | None = None
    default: str = ""
    refused: str = ""

    @property
    def name(self) -> str:
        return name_of(self.section_code)


def explained(template: Template) -> tuple[Explained, ...]:
    """Every section of the contract, of the mapping in force and of the practice default; empty before the first."""
    in_force = published_of(template)
    if in_force is None:
        return ()
    spec = spec_of(in_force)
    labels = labels_of(spec.fields)
    history, rules = _lived(template)
    others = _otherwise(template, spec)
    found = [_of_rule(rule, in_force, labels, _since(rule, history, rules)) for rule in spec.rules]
    mapped = {rule.section_code for rule in spec.rules}
    caught = labels.get(spec.catch_all_field_id, "")
    fate = f"Catch-all: {caught}" if template.location.unmapped_policy == "catch-all" else "Held for a person"
    open_codes = [code for code in dict.fromkeys([*CODES, *others]) if code not in mapped]
    found.extend(Explained(code, fate, BY_POLICY) for code in open_codes)
    nothing = ("", "")
    return tuple(
        replace(one, default=said, refused=why)
        for one in found
        for said, why in [others.get(one.section_code, nothing)]
    )


def _of_rule(
    rule: RuleSpec, in_force: MappingVersion, labels: Mapping[str, str], since: MappingVersion | None
) -> Explained:
    source = in_force.follows if rule.origin == INHERITED else None
    origin = str(source).capitalize() if source else MARKS.get(rule.origin, BY_HAND)
    return Explained(rule.section_code, in_words(rule, labels), origin, since, source)


def _otherwise(template: Template, spec: MappingSpec) -> dict[str, tuple[str, str]]:
    """Per section that is not as the default in force has it: what that one says, and why it cannot be taken."""
    default = default_for(template)
    if default is None:
        return {}
    labels = labels_of(spec_of(default.taken_from).fields) | labels_of(spec.fields)
    found = standings(spec.rules, rules_of(default), spec.fields)
    return {one.section_code: (default_in_words(one, labels), one.refused) for one in found if one.deviates}


def default_in_words(standing: Standing, labels: Mapping[str, str]) -> str:
    """What a default has for a section."""
    return "; ".join(in_words(rule, labels) for rule in standing.default)


def here_in_words(standing: Standing, labels: Mapping[str, str]) -> str:
    """What a location has for a section of the default."""
    return "; ".join(in_words(rule, labels) for rule in standing.here) or "no field"


def _lived(template: Template) -> tuple[list[MappingVersion], dict[int, set[RuleSpec]]]:
    """The template's mappings that were ever in force, the newest first, and per mapping its rules."""
    lived = MappingVersion.objects.filter(template=template, published_at__isnull=False).exclude(
        state=MappingState.DRAFT
    )
    history = list(lived.select_related("published_by").order_by("-published_at", "-number"))
    return history, {version.pk: {_same(rule) for rule in spec_of(version).rules} for version in history}


def _same(rule: RuleSpec) -> RuleSpec:
    """A rule without what may differ though it does the same."""
    return replace(rule, id=None, origin="", position=1)


def _since(rule: RuleSpec, history: Sequence[MappingVersion], rules: dict[int, set[RuleSpec]]) -> MappingVersion | None:
    """The oldest mapping from which on, without a break, this rule was in force; `history` begins with the newest."""
    since = None
    for version in history:
        if _same(rule) not in rules[version.pk]:
            break
        since = version
    return since
