"""Whose visit a note belongs to: all versions of a note are one patient's, of one encounter."""

from collections.abc import Collection

from delivery.posted import PostedNote, Wrong
from portal import crypto

PLACES = (("/patient/id", "patient"), ("/encounter/id", "visit"))
OTHER = "An earlier version of this note belongs to another {}; retract that note and post this as a new one."

VisitIndex = tuple[str, str]  # patient and encounter, blindly indexed


def visit_index(posted: PostedNote) -> VisitIndex:
    """The index key is rewrapped, never exchanged (portal/rotation.py): what was equal stays equal."""
    visit = posted.visit
    return crypto.blind_index("patient", visit.patient.id), crypto.blind_index("encounter", visit.encounter_id)


def other_visit(posted: PostedNote, versions: Collection[VisitIndex]) -> list[Wrong]:
    """What an amendment may not change: the version before would stay in the first patient's chart, nobody told."""
    now = visit_index(posted)
    return [
        Wrong(pointer, OTHER.format(belongs))
        for place, (pointer, belongs) in enumerate(PLACES)
        if any(before[place] != now[place] for before in versions)
    ]
