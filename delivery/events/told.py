"""Reads the JSON of a webhook into an event. Where each value stands is the source's settings' to say. Pure."""

import hashlib
from datetime import UTC, datetime, tzinfo
from typing import Any

from delivery.events.kinds import RANKS, Happening
from delivery.events.settings import WebhookSettings
from delivery.posted import BadJson, load

LONGEST = 120  # characters of an id
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # a year 1 or 1900 is a sender's way to say that it knows no time


class Unreadable(Exception):
    """The message is no event that can be read; `place` names the setting that found nothing. No content."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


def happening(settings: WebhookSettings, body: bytes, message: str, now: datetime) -> Happening | None:
    """The event; None for a kind that does not concern us. Raises Unreadable."""
    try:
        said = load(body)
    except BadJson:
        raise Unreadable("json") from None
    kind = at(said, settings.kind_path)
    if not isinstance(kind, str) or not kind:
        raise Unreadable("kind")
    if kind not in RANKS:
        return None
    return Happening(
        kind=kind,
        encounter_id=identifier(at(said, settings.encounter_path), "encounter"),
        patient_id=identifier(at(said, settings.patient_path), "patient", needed=False),
        provider_id=identifier(at(said, settings.provider_path), "provider", needed=False),
        at=moment(at(said, settings.time_path), now),
        # A sender without ids is known by its bytes: the same again is the same message.
        message=message or hashlib.sha256(body).hexdigest(),
    )


def at(said: Any, path: str) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for name in path.split("."):
        said = said.get(name) if isinstance(said, dict) else None
    return said


def identifier(value: Any, place: str, needed: bool = True) -> str:
    """An id as text; a whole number is one too. Raises Unreadable."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise Unreadable(place)
    if needed and not value.strip():
        raise Unreadable(place)
    return value.strip()


def moment(value: Any, now: datetime) -> datetime:
    """When it happened; now, where the message does not say. Raises Unreadable."""
    if value is None:
        return now
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unreadable("time") from None
    happened = credible(read, UTC, now)
    if happened is None:
        raise Unreadable("time")
    return happened


def credible(read: datetime, zone: tzinfo, now: datetime) -> datetime | None:
    """In UTC and never after now; None where no event can have happened: a page that shows it could not be drawn."""
    try:
        happened = (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # the first and the last day there is
        return None
    return min(happened, now) if happened >= EARLIEST else None
