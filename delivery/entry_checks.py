"""What holds a part of coded entries before it is sent, whichever way it would go."""

from datetime import date

from delivery.diagnosis_checks import diagnosis_problems
from delivery.entries import CodedMedication, Entries, Entry
from delivery.medication_checks import looked_up, medication_problems
from delivery.posted import PostedNote
from mapping.note import Problem
from portal.models import Part


def entry_problems(part: str, posted: PostedNote, practice_id: int, received: date) -> tuple[Problem, ...]:
    """The problems of this part's entries; places and kinds, no content."""
    if part == Part.DIAGNOSES:
        return diagnosis_problems(posted, practice_id, received)
    if part == Part.MEDICATIONS:
        return medication_problems(posted.entries.medications, practice_id)
    return ()


def ready_entries(part: str, entries: Entries, practice_id: int) -> tuple[Entry, ...]:
    """The part's entries as they are sent; medications with the drug of eCW. (Checked before: none is unknown.)"""
    if part != Part.MEDICATIONS:
        found: tuple[Entry, ...] = getattr(entries, part)
        return found
    known = looked_up(entries.medications, practice_id)
    return tuple(
        CodedMedication(one, found.drug)
        for one, found in zip(entries.medications, known, strict=True)
        if found.drug is not None
    )
