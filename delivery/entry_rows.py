"""The entries of a part as its page shows them, opened: what was posted, and what is known of each code."""

from collections.abc import Callable
from dataclasses import dataclass

from delivery.diagnosis_checks import judged
from delivery.entries import Entries
from delivery.medication_checks import WORDS, looked_up
from delivery.models import Delivery
from delivery.outgoing import open_body
from delivery.posted import PostedNote
from delivery.states import State
from mapping.codes.code_lists import words_of
from portal.models import Part


@dataclass(frozen=True)
class EntryRow:
    """One entry: its codes and text, what is wrong or right with it in a few words, and what may have been meant."""

    codes: tuple[str, ...]
    text: str
    trouble: str = ""
    right: str = ""
    suggestions: tuple[tuple[str, str], ...] = ()
    more: int = 0
    index: int | None = None  # of a drug that can be decided on


def entry_rows(delivery: Delivery) -> list[EntryRow]:
    """Every entry of a delivery's part; the caller records the view. Raises CannotOpen."""
    posted = open_body(delivery)
    if delivery.part == Part.DIAGNOSES:
        return _diagnoses(delivery, posted)
    if delivery.part == Part.MEDICATIONS:
        return _medications(delivery, posted.entries)
    plain = PLAIN.get(delivery.part)
    return plain(posted.entries) if plain else []


def _begun(words: str) -> str:
    """With a capital first letter, and the others as they are: ICD-10-CM, NDC."""
    return words[:1].upper() + words[1:]


def _diagnoses(delivery: Delivery, posted: PostedNote) -> list[EntryRow]:
    start = posted.visit.start or delivery.created_at
    return [
        EntryRow(
            codes=(one.diagnosis.code,),
            text=one.diagnosis.text,
            trouble=_begun(one.words.partition(":")[0]),
            right="" if one.words else "Billable" if one.diagnosis.system == "icd-10-cm" else "SNOMED CT",
            suggestions=tuple((code, words_of(code)) for code in one.verdict.suggestions),
            more=one.verdict.more,
        )
        for one in judged(posted.entries.diagnoses, delivery.practice_id, start.date())
    ]


def _medications(delivery: Delivery, entries: Entries) -> list[EntryRow]:
    listed = entries.medications
    return [
        EntryRow(
            codes=tuple(f"{name} {code}" for name, code in (("NDC", one.ndc), ("RxNorm", one.rxcui)) if code),
            text=one.text,
            trouble="" if found.drug else _begun(WORDS[found.reason][1]),
            right=f"eCW {found.drug.ecw_id}" if found.drug else "",
            index=index if found.key and delivery.state == State.HELD else None,
        )
        for index, (one, found) in enumerate(zip(listed, looked_up(listed, delivery.practice_id), strict=True))
    ]


def _allergies(entries: Entries) -> list[EntryRow]:
    return [EntryRow((), f"{one.text}: {one.reaction}" if one.reaction else one.text) for one in entries.allergies]


def _immunizations(entries: Entries) -> list[EntryRow]:
    return [EntryRow((f"CVX {one.cvx}",), f"{one.text} {one.date}".strip()) for one in entries.immunizations]


def _observations(entries: Entries) -> list[EntryRow]:
    return [EntryRow((one.loinc,), f"{one.value} {one.unit} {one.at}".strip()) for one in entries.observations]


PLAIN: dict[str, Callable[[Entries], list[EntryRow]]] = {
    Part.ALLERGIES: _allergies,
    Part.IMMUNIZATIONS: _immunizations,
    Part.OBSERVATIONS: _observations,
}
