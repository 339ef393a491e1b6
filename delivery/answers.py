"""What the API answers about a note and its deliveries: ids, states and reasons, no content."""

from collections.abc import Sequence
from typing import Any

from delivery.failures import failure
from delivery.models import Delivery, Note, NoteVersion
from delivery.words import state_words
from portal.models import Part


def note_answer(note: Note, version: NoteVersion, deliveries: Sequence[Delivery], location_code: str) -> dict[str, Any]:
    return {
        "id": str(note.id),
        "source_note_id": note.source_note_id,
        "version": version.number,
        "location": location_code,
        "received_at": version.received_at.isoformat(),
        "retract_requested_at": version.retract_requested_at.isoformat() if version.retract_requested_at else None,
        "deliveries": [delivery_answer(delivery) for delivery in deliveries],
    }


def delivery_answer(delivery: Delivery) -> dict[str, Any]:
    """One delivery's state, the reason in plain words, and the outcome of every section known so far."""
    return {
        "id": delivery.pk,
        "part": delivery.part,
        "state": str(delivery.state),
        "state_label": state_words(delivery).label,
        "proof": delivery.proof,
        "reason": reason(delivery.why),
        "replaces": delivery.replaces_id,
        "problems": [{"pointer": row["pointer"], "message": row["message"]} for row in delivery.problems],
        "sections": sections(delivery),
        "updated_at": delivery.updated_at.isoformat(),
    }


def sections(delivery: Delivery) -> list[dict[str, Any]]:
    """Every section known so far in the note's order, those without text as "empty"; text nobody sent comes last."""
    known = [
        {name: row[name] for name in ("index", "code", "field_id", "outcome")} for row in delivery.section_outcomes
    ]
    if delivery.part == Part.NOTE:
        empty = delivery.note_version.empty_sections or []
        known += [{"index": row["index"], "code": row["code"], "field_id": "", "outcome": "empty"} for row in empty]
    return sorted(known, key=lambda row: (row["index"] < 0, row["index"]))


def reason(code: str) -> dict[str, str] | None:
    entry = failure(code)
    return {"code": code, "message": entry.happened, "todo": entry.todo} if code else None
