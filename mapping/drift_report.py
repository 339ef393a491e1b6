"""What stands between a template's mapping in force and its newest import: the changes, whom they hold, a proposal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mapping.drift import BROKEN, Change
from mapping.impact import Impact, impact
from mapping.models import FieldKind, MappingVersion, Template, TemplateVersion
from mapping.note import FieldSpec, MappingSpec, RuleSpec
from mapping.offers import offers
from mapping.queries import field_specs, learned_labels, newest_version, published_of, spec_of
from mapping.sections import name_of
from mapping.transfer import NEW_FIELD, SUGGESTED, Transfer, transfer

if TYPE_CHECKING:
    from mapping.matching import Learned


@dataclass(frozen=True)
class Proposed:
    """One rule as the new version can have it; without a label where no field is sure."""

    name: str
    field_id: str = ""
    label: str = ""
    suggested: bool = False
    new_field: bool = False


@dataclass(frozen=True)
class Report:
    """The mapping in force, the version it is for, the newest version, and what follows."""

    mapping: MappingVersion
    old: TemplateVersion
    new: TemplateVersion
    impact: Impact
    placed: Transfer
    fields: tuple[FieldSpec, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.impact.changes

    @property
    def broken(self) -> list[Change]:
        return [change for change in self.changes if change.severity == BROKEN]

    @property
    def affected(self) -> list[str]:
        """The sections that a rule sends to a broken field."""
        return list(dict.fromkeys(row.name for row in self.impact.broken))

    @property
    def unfilled(self) -> tuple[FieldSpec, ...]:
        """The fields that became required and that no rule of the mapping in force fills."""
        return self.impact.unfilled

    @property
    def unfilled_ids(self) -> set[str]:
        return {field.field_id for field in self.unfilled}

    @property
    def proposal(self) -> list[Proposed]:
        labels = {field.field_id: field.label for field in self.fields}
        return [
            *(self._proposed(rule, labels) for rule in self.placed.rules),
            *(Proposed(name_of(rule.section_code)) for rule in self.placed.left),
        ]

    def _proposed(self, rule: RuleSpec, labels: dict[str, str]) -> Proposed:
        name = name_of(rule.section_code)
        same = any(
            (old.section_code, old.field_id) == (rule.section_code, rule.field_id) for old in self.impact.spec.rules
        )
        suggested, added = rule.origin == SUGGESTED and not same, rule.origin == NEW_FIELD and not same
        return Proposed(name, rule.field_id, labels[rule.field_id], suggested, added)


def report_of(template: Template) -> Report | None:
    """The report; None where no mapping is in force, or it is for the newest version."""
    mapping, newest = published_of(template), newest_version(template)
    if mapping is None or newest is None or mapping.template_version_id == newest.pk:
        return None
    spec, fields = spec_of(mapping), field_specs(newest.pk)
    learned = learned_labels(template.location.practice)
    placed = transfer(spec, fields, learned, same_template=True)
    placed = replace(placed, rules=(*placed.rules, *additions(placed, spec, fields, learned)))
    return Report(mapping, mapping.template_version, newest, impact(spec, fields), placed, fields)


def additions(
    placed: Transfer, old: MappingSpec, fields: Sequence[FieldSpec], learned: "Learned"
) -> tuple[RuleSpec, ...]:
    """Rules for sections that had none, where a field that takes dictated text since is surely for them."""
    before = {field.field_id for field in old.fields if field.kind == FieldKind.FREE_TEXT}
    carried = replace(old, fields=tuple(fields), rules=(*placed.rules, *placed.left))
    sure = [offer.rules for offer in offers(carried, learned).sure]
    fitting = [rule for rules in sure if before.isdisjoint(rule.field_id for rule in rules) for rule in rules]
    last = max((rule.position for rule in placed.rules), default=0)
    return tuple(replace(rule, origin=NEW_FIELD, position=last + at) for at, rule in enumerate(fitting, start=1))
