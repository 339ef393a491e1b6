"""Carry a mapping's rules to another template: by field id, then by suggestion; what neither places stays without."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.when_called import when_called
from mapping.note import FieldSpec, MappingSpec, RuleSpec

if TYPE_CHECKING:
    from mapping.matching import Learned, suggest
else:
    suggest = when_called("mapping.matching.suggest")  # its vocabulary takes 10 MB of each process


BY_ID, SUGGESTED, INHERITED, NEW_FIELD = "id", "suggested", "default", "new"
MARKS = {
    BY_ID: "Copied, same field identifier",
    SUGGESTED: "Copied, field suggested: look at it",
    INHERITED: "From the practice default",
    NEW_FIELD: "New field, suggested: look at it",
}


@dataclass(frozen=True)
class Transfer:
    """The rules as the other template can have them, each marked with how it got there, and those that found none.

    `kept` of the rules were there before (see keeping).
    """

    rules: tuple[RuleSpec, ...]
    left: tuple[RuleSpec, ...]
    catch_all_field_id: str
    kept: tuple[RuleSpec, ...] = ()

    def count(self, origin: str) -> int:
        return sum(rule.origin == origin for rule in self.rules)

    @property
    def by_id(self) -> int:
        return self.count(BY_ID)

    @property
    def suggested(self) -> int:
        return self.count(SUGGESTED)


def transfer(
    spec: MappingSpec, fields: Sequence[FieldSpec], learned: "Learned", *, same_template: bool = False
) -> Transfer:
    """Place every rule of `spec` in `fields`. Nothing is guessed below the suggestions' threshold.

    A suggestion names the fields of a section; it is taken for a rule only where it names a single one that takes
    text and the section has a single rule, so that no part of a divided section goes astray. In a
    newer version of the same template a rule whose field is still there comes from where it came before.
    """
    usable = {field.field_id for field in fields if field.kind != "structured"}
    offered = suggest(fields, learned)
    rules: list[RuleSpec] = []
    left: list[RuleSpec] = []
    for rule in spec.rules:
        alone = sum(other.section_code == rule.section_code for other in spec.rules) == 1
        suggestion = offered.get(rule.section_code)
        if rule.field_id in usable:
            rules.append(replace(rule, id=None, origin=rule.origin if same_template else BY_ID))
        elif alone and suggestion and len(suggestion.field_ids) == 1 and suggestion.field_ids[0] in usable:
            rules.append(replace(rule, id=None, field_id=suggestion.field_ids[0], origin=SUGGESTED))
        else:
            left.append(rule)
    catch_all = spec.catch_all_field_id if spec.catch_all_field_id in usable else ""
    return Transfer(tuple(rules), tuple(left), catch_all)


def keeping(placed: Transfer, own: MappingSpec, fields: Sequence[FieldSpec]) -> Transfer:
    """What is placed, and of the mapping in force there what nothing placed takes over: no section loses its field.

    A section that is inherited there, and that the copy would file the same, goes on being inherited.
    """
    usable = {field.field_id for field in fields if field.kind != "structured"}
    alike = {rule.section_code for rule in own.rules if rule.origin == INHERITED and _alike(placed, own, rule)}
    copied = tuple(rule for rule in placed.rules if rule.section_code not in alike)
    taken = {rule.section_code for rule in copied}
    kept = tuple(
        replace(rule, id=None) for rule in own.rules if rule.section_code not in taken and rule.field_id in usable
    )
    codes = {rule.section_code for rule in kept}
    left = tuple(rule for rule in placed.left if rule.section_code not in codes)
    catch_all = own.catch_all_field_id if own.catch_all_field_id in usable else ""
    return Transfer((*copied, *kept), left, placed.catch_all_field_id or catch_all, kept)


def _alike(placed: Transfer, own: MappingSpec, rule: RuleSpec) -> bool:
    one, other = (
        [each for each in rules if each.section_code == rule.section_code] for rules in (placed.rules, own.rules)
    )
    return same(one, other)


def same(one: Sequence[RuleSpec], other: Sequence[RuleSpec]) -> bool:
    """Whether both do the same with a section. Its number among a field's sections is each location's own."""
    return _bare(one) == _bare(other)


def _bare(rules: Sequence[RuleSpec]) -> list[RuleSpec]:
    in_order = sorted(rules, key=lambda rule: rule.position)
    return [replace(rule, id=None, origin="", position=1) for rule in in_order]
