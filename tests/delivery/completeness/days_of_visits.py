"""Closed visits and their notes for the tests of completeness: events as a source tells them, on a day one names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from delivery.events import sources
from delivery.events.kinds import CLOSED, Happening
from delivery.events.models import Event, EventSource
from delivery.events.taking import take
from tests.cast import Cast
from tests.delivery.rows import make_delivery

DAY = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)  # a Thursday; 11 in the morning at NORTH
NEXT = DAY + timedelta(days=1)


def source_of(cast: Cast, location=None, way: str = "webhook") -> EventSource:
    """A source set up long ago."""
    made, _ = sources.create(location or cast.north, way, {})
    EventSource.objects.filter(pk=made.pk).update(created_at=DAY - timedelta(days=300))
    return EventSource.objects.select_related("state", "location__practice").get(pk=made.pk)


def closes(source: EventSource, visit: str, at: datetime = DAY, kind: str = CLOSED, patient: str = "P1001") -> Event:
    """The source tells, at that moment, that the visit has ended."""
    taken = take(source, Happening(kind, visit, patient, "DR7", at, f"{visit}:{kind}"))
    Event.objects.filter(pk=taken.event.pk).update(received_at=at)
    taken.event.refresh_from_db()
    return taken.event


def note_of(cast: Cast, visit: str, state: str = "verified", at: datetime = DAY, **more):
    """A note of the visit, come to that state."""
    return make_delivery(cast, state, encounter=visit, received_at=at, **more)
