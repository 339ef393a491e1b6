"""What holds a part of coded entries before it is sent, whichever way it would go."""

from datetime import date

from delivery.diagnosis_checks import diagnosis_problems
from delivery.medication_checks import medication_problems
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
