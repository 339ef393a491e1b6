"""What a suggestion is: the fields for one section, how sure, why, and what else might be meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mapping.vocabulary.rungs import Rung

if TYPE_CHECKING:
    from mapping.labels import Meaning

THRESHOLD = 0.9
# Set from the tuning half of the synthetic templates: no rung claims more than it was right there, with one hit and one
# miss added (where it has cases enough); docs/suggestions.md says what became of it on the half nobody tuned on.
CONFIDENCE = {
    Rung.LEARNED: 0.97,
    Rung.NAME: 0.99,
    Rung.SAID: 0.98,
    Rung.COMPOSED: 0.96,
    Rung.SECOND: 0.94,
    Rung.SPELLED: 0.93,
    Rung.PARTLY: 0.92,
    Rung.CONTENT: 0.92,
    Rung.ONLY: 0.91,
    Rung.CONTAINER: 0.95,
    Rung.PERHAPS: 0.45,
    Rung.KIN: 0.25,
    Rung.SPARE: 0.1,
}
MOST_CANDIDATES = 5
STRUCTURED = "structured"
NO_SURE_FIELD = "No field is surely for it."


class TemplateField(Protocol):
    """What is known of a field: the importers' values and the queries' both have it."""

    @property
    def field_id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def group(self) -> str: ...


@dataclass(frozen=True)
class Taught:
    """The codes that the practice's published mappings file under a label, and how many of them, at how many places."""

    codes: frozenset[str]
    mappings: int = 1
    locations: int = 1

    def why(self, label: str) -> str:
        mappings = "1 published mapping" if self.mappings == 1 else f"{self.mappings} published mappings"
        places = "1 location" if self.locations == 1 else f"{self.locations} locations"
        return f"Learned from {mappings} at {places}: filed under “{label}”."


NOT_TAUGHT = Taught(frozenset(), 0, 0)


@dataclass(frozen=True)
class Candidate:
    """A field that may take a section, for a person to judge."""

    field_id: str
    label: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Suggestion:
    """Where a section should go. `mode` is one, split (several fields, each for a part), container, or none.

    `confidence` is that of the fields, or of the best candidate where there are none; 0 without any. `structured`:
    a field takes coded entries, so that dictated text cannot be filed there.
    """

    section_code: str
    field_ids: tuple[str, ...]
    confidence: float
    reason: str
    candidates: tuple[Candidate, ...] = ()
    mode: str = "none"
    structured: bool = False


@dataclass(frozen=True)
class Claim:
    """A field that a section may go to, by one meaning of its label; `spoken` is what the words alone are worth.

    `shared`: the label surely means other sections too. `remembered`: the practice files it so.
    """

    field: TemplateField
    meaning: "Meaning"
    spoken: Rung = Rung.SPARE
    shared: bool = False
    remembered: bool = False


def suggested(code: str, taken: Sequence[Claim], mode: str, reason: str, others: Sequence[Claim] = ()) -> Suggestion:
    """These fields, as sure as the least of them; what else is claimed becomes candidates."""
    rest = [claim for claim in others if claim not in taken]
    structured = any(claim.field.kind == STRUCTURED for claim in taken)
    return Suggestion(
        section_code=code,
        field_ids=tuple(claim.field.field_id for claim in taken),
        confidence=CONFIDENCE[max(claim.meaning.rung for claim in taken)],
        reason=f"{reason} The field is structured: it takes coded entries." if structured else reason,
        candidates=_candidates(rest),
        mode=mode,
        structured=structured,
    )


def doubtful(code: str, claims: Sequence[Claim], reason: str) -> Suggestion:
    """No field; the claims as candidates."""
    candidates = _candidates(claims)
    confidence = max((candidate.confidence for candidate in candidates), default=0.0)
    return Suggestion(code, (), confidence, reason, candidates)


def _candidates(claims: Sequence[Claim]) -> tuple[Candidate, ...]:
    """What was not chosen is at most a maybe, however well it is labelled."""
    most = CONFIDENCE[Rung.PERHAPS]
    return tuple(
        Candidate(claim.field.field_id, claim.field.label, min(CONFIDENCE[claim.meaning.rung], most), claim.meaning.why)
        for claim in claims[:MOST_CANDIDATES]
    )
