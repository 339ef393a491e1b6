"""What the page of events shows: what arrived and what it started, and how each source is. No patient is named."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch

from delivery.events.kinds import LABELS, OUTCOMES, OutcomeWords
from delivery.events.models import Event, EventSource, SourceState, Way
from delivery.failures import Failure, failure
from delivery.webhooks.models import WebhookMessage
from delivery.webhooks.words import MessageWords, message_words
from portal.models import Location

NEWEST = 100


@dataclass(frozen=True)
class EventRow:
    """One event in words; `told` are the scribes it asked, each with what became of it."""

    event: Event
    label: str
    outcome: OutcomeWords
    told: tuple[tuple[str, MessageWords], ...]
    times: int  # how often it was told


@dataclass(frozen=True)
class SourceRow:
    """One source and how it is: tone and word, and what the catalogue says of its trouble."""

    source: EventSource
    state: SourceState
    tone: str
    word: str
    trouble: Failure | None


def recent(locations: Iterable[Location]) -> list[EventRow]:
    """The newest events of these locations; three queries whatever their number."""
    told = WebhookMessage.objects.select_related("endpoint__scribe").defer("sealed_body").order_by("created_at")
    found = (
        Event.objects.filter(location__in=list(locations))
        .select_related("location")
        .defer("sealed_visit")
        .prefetch_related(Prefetch("webhooks", told), "arrivals")
        .order_by("-received_at")[:NEWEST]
    )
    return [
        EventRow(
            event,
            LABELS.get(event.kind, event.kind),
            OUTCOMES[event.outcome],
            tuple((each.endpoint.scribe.name, message_words(each)) for each in event.webhooks.all()),
            len(event.arrivals.all()),
        )
        for event in found
    ]


def source_rows(locations: Iterable[Location]) -> list[SourceRow]:
    """Every source of these locations; one query."""
    found = EventSource.objects.filter(location__in=list(locations)).select_related("state", "location", "connection")
    return [source_row(source) for source in found.order_by("location__code", "way")]


def source_row(source: EventSource) -> SourceRow:
    state = source.state
    if not source.enabled:
        return SourceRow(source, state, "off", "Off", None)
    if state.trouble:
        return SourceRow(source, state, "act", "In trouble", failure(state.trouble))
    seen = state.looked_at if source.way == Way.POLL else state.arrived_at
    return SourceRow(source, state, *(("ok", "Works") if seen else ("wait", "Nothing yet")), None)


def ways_of(location: Location) -> list[tuple[Way, SourceRow | None]]:
    """Each way of a location with its source, None where it has none."""
    rows = {row.source.way: row for row in source_rows([location])}
    return [(way, rows.get(way)) for way in Way]
