"""Find events: always within one practice, newest first, page by page from a key instead of an offset."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from audit.event import AuditEvent

PAGE = 50
CHUNK = 2000


@dataclass(frozen=True)
class Scope:
    """What one reader may see: a practice (its code), and there all locations (None) or those of these codes."""

    practice: str
    locations: frozenset[str] | None = None


@dataclass(frozen=True)
class Search:
    """What to find within a scope; empty is any. `since` belongs to the range, `until` does not.

    `event` is a name, or a family with its dot ("note."). `subject` is a patient's blind index.
    """

    scope: Scope
    event: str = ""
    outcome: str = ""
    actor_type: str = ""
    actor_id: str = ""
    object_type: str = ""
    object_id: str = ""
    correlation_id: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Key:
    """The place of an event in the order of time."""

    at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"

    @classmethod
    def read(cls, text: str) -> "Key | None":
        """The key as str() wrote it; None for anything else."""
        at, _, key = text.partition("~")
        try:
            when = datetime.fromisoformat(at)
            return cls(when, uuid.UUID(key)) if when.tzinfo else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Page:
    """Events, newest first, and where the older ones begin (None at the end)."""

    events: tuple[AuditEvent, ...]
    older: Key | None = field(default=None)


def visible(scope: Scope) -> QuerySet[AuditEvent]:
    """Every event a reader may see."""
    seen = AuditEvent.objects.filter(practice=scope.practice)
    return seen if scope.locations is None else seen.filter(location__in=scope.locations)


def found(search: Search) -> QuerySet[AuditEvent]:
    """The events sought, newest first. An event's own columns only: nothing is joined."""
    exact = {
        "outcome": search.outcome,
        "actor_type": search.actor_type,
        "actor_id": search.actor_id,
        "object_type": search.object_type,
        "object_id": search.object_id,
        "correlation_id": search.correlation_id,
        "subject_bidx": search.subject,
        "at__gte": search.since,
        "at__lt": search.until,
    }
    events = visible(search.scope).filter(**{name: value for name, value in exact.items() if value})
    if search.event:
        events = events.filter(_named(search.event))
    return events.order_by("-at", "-id")


def _named(event: str) -> Q:
    # A range of names instead of LIKE: it uses the index on both databases. "/" is the character after ".".
    return Q(event__gte=event, event__lt=event[:-1] + "/") if event.endswith(".") else Q(event=event)


def before(events: QuerySet[AuditEvent], key: Key | None) -> QuerySet[AuditEvent]:
    """Those that come after this key when read newest first. `at <=` lets the index of time do the work."""
    if key is None:
        return events
    return events.filter(Q(at__lt=key.at) | Q(at=key.at, id__lt=key.id), at__lte=key.at)


def page(search: Search, key: Key | None = None, size: int = PAGE) -> Page:
    """One page of events, older than `key`."""
    events = tuple(before(found(search), key)[: size + 1])
    last = events[size - 1] if len(events) > size else None
    return Page(events[:size], Key(last.at, last.id) if last else None)


def every(search: Search, size: int = CHUNK) -> Iterator[AuditEvent]:
    """All events found, in constant memory and without holding a transaction open."""
    key: Key | None = None
    while True:
        part = page(search, key, size)
        yield from part.events
        key = part.older
        if key is None:
            return
