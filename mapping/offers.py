"""What the suggestions offer for the sections of a draft that have no rule, and the rules that accepting them makes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from audit.when_called import when_called
from mapping.models import FieldKind, RuleKind
from mapping.note import FieldSpec, MappingSpec, RuleSpec
from mapping.rules import heading_key
from mapping.sections import name_of
from mapping.suggestion import Candidate, Suggestion

if TYPE_CHECKING:
    from mapping.matching import Learned, suggest
else:
    suggest = when_called("mapping.matching.suggest")

# The headings at which a section is divided that was dictated as one and stands apart in the template.
_DIVIDED_AT = {"assessment_and_plan": ("Assessment", "Plan")}
NO_RESTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Offer:
    """A suggestion for a section without a rule. `rules` is empty where a person has to choose a candidate first."""

    suggestion: Suggestion
    fields: tuple[FieldSpec, ...]
    candidates: tuple[Candidate, ...]
    rules: tuple[RuleSpec, ...]

    @property
    def code(self) -> str:
        return self.suggestion.section_code

    @property
    def name(self) -> str:
        return name_of(self.code)

    @property
    def divided(self) -> bool:
        """Whether accepting divides the section by headings, so that somebody has to say where the rest goes."""
        return any(rule.kind == RuleKind.SPLIT for rule in self.rules)

    def resting_in(self, field_id: str) -> tuple[RuleSpec, ...]:
        """Its rules with, before them, one for what stands under none of the headings; none for any other field."""
        if not self.divided or field_id not in {field.field_id for field in self.fields}:
            return self.rules
        return (RuleSpec(self.code, field_id, kind=RuleKind.SPLIT.value), *self.rules)

    @property
    def percent(self) -> int:
        return round(self.suggestion.confidence * 100)


@dataclass(frozen=True)
class Offers:
    """`sure` may be accepted as they are; `open` have candidates to choose from; `coded` have coded fields only."""

    sure: tuple[Offer, ...]
    open: tuple[Offer, ...]
    coded: tuple[Offer, ...]
    without: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.sure or self.open or self.coded)


def offers(spec: MappingSpec, learned: "Learned") -> Offers:
    """What is offered for the sections that have no rule yet."""
    mapped = {rule.section_code for rule in spec.rules}
    found = suggest(spec.fields, learned)
    made = [_offer(suggestion, spec) for code, suggestion in found.items() if code not in mapped]
    sure = tuple(offer for offer in made if offer.rules)
    choosable = tuple(offer for offer in made if not offer.rules and offer.candidates)
    coded = tuple(offer for offer in made if not offer.rules and not offer.candidates and offer.fields)
    without = tuple(offer.name for offer in made if offer not in (*sure, *choosable, *coded))
    return Offers(sure, choosable, coded, without)


def accepted(
    offered: Offers, codes: Collection[str], picks: Mapping[str, str], rests: Mapping[str, str] = NO_RESTS
) -> list[RuleSpec]:
    """The rules of the sure offers in `codes`, and of the candidates picked by hand (code to field id).

    `rests`: the field of a divided section (code to field id) for text under none of its headings.
    """
    sure = [
        rule for offer in offered.sure if offer.code in codes for rule in offer.resting_in(rests.get(offer.code, ""))
    ]
    picked = [
        RuleSpec(offer.code, picks[offer.code])
        for offer in offered.open
        if picks.get(offer.code) in {candidate.field_id for candidate in offer.candidates}
    ]
    return [*sure, *picked]


def _offer(suggestion: Suggestion, spec: MappingSpec) -> Offer:
    by_id = {field.field_id: field for field in spec.fields}
    fields = tuple(by_id[field_id] for field_id in suggestion.field_ids)
    rules = tuple(_rules(suggestion, fields)) if all(_takes_text(field) for field in fields) else ()
    listed = (*suggestion.candidates, *(_part(suggestion, field) for field in fields if not rules))
    candidates = tuple(item for item in listed if _takes_text(by_id[item.field_id]))
    return Offer(suggestion, fields, () if rules else candidates, rules)


def _takes_text(field: FieldSpec) -> bool:
    return field.kind == FieldKind.FREE_TEXT


def _part(suggestion: Suggestion, field: FieldSpec) -> Candidate:
    return Candidate(field.field_id, field.label, suggestion.confidence, suggestion.reason)


def _rules(suggestion: Suggestion, fields: tuple[FieldSpec, ...]) -> Iterator[RuleSpec]:
    """A copy; in a field that takes several sections under its name; divided where the template has the parts apart."""
    code = suggestion.section_code
    if len(fields) == 1:
        prefix = f"{name_of(code)}:\n" if suggestion.mode == "container" else ""
        yield RuleSpec(code, fields[0].field_id, prefix=prefix)
        return
    headings = _DIVIDED_AT.get(code, tuple(field.label for field in fields))
    if len({heading_key(heading) for heading in headings}) == len(fields):  # else nothing tells the parts apart
        for field, heading in zip(fields, headings, strict=True):
            yield RuleSpec(code, field.field_id, kind=RuleKind.SPLIT.value, heading=heading)
