"""Opens what is sealed of a delivery, for screens: every caller records the view in the same transaction."""

import json
from dataclasses import dataclass
from typing import Any

from delivery.models import Attempt, Delivery, NoteVersion, Reading, Wire
from delivery.patients import Patient, patient_in
from portal import crypto


@dataclass(frozen=True)
class Message:
    """What went (or will go) over the wire, decoded for the screen, one segment or line each."""

    lines: tuple[str, ...]
    sha256: str
    content_type: str


def patient(version: NoteVersion) -> Patient:
    """The patient in clear; raises CannotOpen."""
    return patient_in(version.pk, version.sealed_body)


def body(version: NoteVersion) -> dict[str, Any]:
    """The note as posted; raises CannotOpen."""
    opened = crypto.unseal(version.sealed_body, table="noteversion", column="body", row=version.pk)
    posted: dict[str, Any] = json.loads(opened)
    return posted


def posted_sections(version: NoteVersion) -> list[dict[str, str]]:
    """Title and text of each section as the scribe posted it; raises CannotOpen."""
    rows = body(version).get("sections") or []
    return [
        {"title": str(row.get("title") or row.get("code") or "Untitled section"), "text": str(row.get("text") or "")}
        for row in rows
    ]


def wire_of(delivery: Delivery) -> Wire | None:
    return Wire.objects.filter(delivery=delivery).first()


def message(wire: Wire) -> Message:
    """The frozen bytes; HL7 segments end with CR, other kinds with LF. Raises CannotOpen."""
    raw = crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=wire.pk)
    return Message(lines(raw), wire.sha256, wire.content_type)


def lines(raw: bytes) -> tuple[str, ...]:
    text = raw.decode("utf-8", "replace").strip("\x0b\x1c\r\n")
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def plan(wire: Wire) -> list[dict[str, Any]]:
    """The field values the message carries, in their order; raises CannotOpen."""
    values: list[dict[str, Any]] = json.loads(crypto.unseal(wire.sealed_plan, table="wire", column="plan", row=wire.pk))
    return values


def last_reading(delivery: Delivery) -> Reading | None:
    """The newest look that says something of the sections."""
    return delivery.readings.filter(sealed_sections__isnull=False).order_by("-at", "-pk").first()


def sections_read(reading: Reading) -> list[dict[str, Any]]:
    """Per section what was sent, what the chart holds and the outcome; raises CannotOpen.

    A reading is sealed under its number among the delivery's readings, counted when it was made. Rows do not carry
    that number, so each it can have had is tried, the likeliest first.
    """
    sealed, looks = reading.sealed_sections or b"", Reading.objects.filter(delivery=reading.delivery_id).count()
    for number in range(max(looks, reading.delivery.readings_made), 0, -1):
        try:
            opened = crypto.unseal(sealed, table="reading", column="sections", row=f"{reading.delivery_id}:{number}")
        except crypto.CannotOpen:
            continue
        sections: list[dict[str, Any]] = json.loads(opened)
        return sections
    raise crypto.CannotOpen("reading.sections does not belong to this row, or was altered")


def answer(attempt: Attempt) -> tuple[str, ...]:
    """The receiver's answer to one attempt; raises CannotOpen."""
    if not attempt.sealed_answer:
        return ()
    row = f"{attempt.delivery_id}:{attempt.number}"
    return lines(crypto.unseal(attempt.sealed_answer, table="attempt", column="answer", row=row))
