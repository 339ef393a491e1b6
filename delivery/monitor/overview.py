"""What stands above the list: the cards and the chart of the locations in view, for the time the list speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from django.db.models import Max
from django.utils import timezone

from delivery.filters import Filters
from delivery.monitor.cards import Asked, Card, cards
from delivery.monitor.drawing import Chart, draw
from delivery.monitor.marks import marks
from delivery.monitor.outcomes import OUTCOMES, Bar, Outcome, counted_until, counts
from delivery.monitor.span import Span, span_of
from delivery.monitor.tables import Standing
from delivery.queries import Scope


@dataclass(frozen=True)
class Overview:
    """The figures of one moment."""

    span: Span
    cards: tuple[Card, ...]
    chart: Chart
    outcomes: tuple[Outcome, ...]
    made_at: datetime


def overview(scope: Scope, chosen: Filters, zone: ZoneInfo, now: datetime | None = None) -> Overview:
    """A dozen small queries, whatever the number of deliveries; the chart's times are those of `zone`."""
    now = now or timezone.now()
    span = span_of(chosen, scope.zone, now)
    known = cache(counted_until)  # asked once for both
    found = counts(scope, span, known)
    timed = chosen if chosen.range or chosen.since or chosen.until else replace(chosen, range="24h")
    asked = Asked(scope, span, timed, now)
    return Overview(
        span=span,
        cards=tuple(cards(asked, found, counts(scope, span.a_week_earlier(), known))),
        chart=draw(span, found, oldest(scope, span), marks(scope, span), zone),
        outcomes=OUTCOMES,
        made_at=now,
    )


def oldest(scope: Scope, span: Span) -> Mapping[int, int]:
    """For each bar of which something is known: the greatest age that anything waiting reached, in seconds."""
    rows = Standing.objects.filter(location__in=scope.locations, at__gte=span.start, at__lt=span.end)
    return dict(rows.order_by().annotate(bar=Bar("at", span)).values_list("bar").annotate(most=Max("oldest_seconds")))
