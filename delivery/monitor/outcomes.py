"""How many deliveries of a span stand in which state, bar by bar: from rows, or from hourly tallies.

A day is counted from its rows, by an index. Of a longer span only the broken hours at its ends are, and what the
worker has not tallied yet; the whole hours between come from delivery/monitor/tables.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Func, IntegerField, QuerySet, Sum

from delivery.models import Delivery
from delivery.monitor.span import Span, next_hour, whole_hour
from delivery.monitor.tables import Counted, Tally
from delivery.queries import Scope, whole
from delivery.states import NEEDS_ATTENTION, State

FROM_ROWS = timedelta(hours=25)
Counts = Mapping[tuple[int, State], int]  # (bar, state) -> how many


@dataclass(frozen=True)
class Outcome:
    """One layer of the chart and what it is called; `query` is the list's filter that shows it."""

    name: str
    label: str
    states: frozenset[State]
    query: str


OUTCOMES = (
    Outcome("verified", "Verified in the chart", frozenset({State.VERIFIED}), "state=verified"),
    Outcome("accepted", "Accepted, not read back", frozenset({State.ACCEPTED}), "state=accepted"),
    Outcome("waiting", "Waiting or being sent", frozenset({State.READY, State.SENDING}), "state=waiting"),
    Outcome("held", "Held", frozenset({State.HELD}), "state=held"),
    Outcome(
        "failed",
        "Rejected, unknown, not as sent, undecided",
        NEEDS_ATTENTION - {State.HELD},
        "state=rejected&state=unknown&state=misfiled&state=parked",
    ),
    Outcome(
        "ended",
        "Superseded or cancelled",
        frozenset({State.SUPERSEDED, State.CANCELLED}),
        "state=superseded&state=cancelled",
    ),
)
OUTCOME_OF = {state: outcome.name for outcome in OUTCOMES for state in outcome.states}


class Bar(Func):
    """Into which bar of a span a time falls, counted from 0: whole seconds, alike on both databases."""

    output_field = IntegerField()

    def __init__(self, column: str, span: Span) -> None:
        super().__init__(F(column))
        self.extra |= {"origin": int(span.origin.timestamp()), "size": span.size}

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "((CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) - %(origin)s) / %(size)s)"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        # date_part and not EXTRACT: that one counts in decimals, which takes twice as long.
        template = "FLOOR((DATE_PART('epoch', %(expressions)s) - %(origin)s) / %(size)s)::integer"
        return self.as_sql(compiler, connection, template=template, **more)


def received(scope: Scope, start: datetime, end: datetime) -> QuerySet[Delivery]:
    """The deliveries received within a time, by the lists' indexes."""
    return whole(
        Delivery.objects.filter(location__in=scope.locations, created_at__gte=start, created_at__lt=end), scope
    )


Known = Callable[[], datetime | None]  # up to when the tallies hold everything received


def counts(scope: Scope, span: Span, known: Known | None = None) -> Counts:
    """How many were received in each bar, by the state they are in now. `known` is asked where it matters."""
    found: Counter[tuple[int, State]] = Counter()
    if not scope.locations:
        return found
    for begins, ends, tallied in pieces(span, known or counted_until):
        rows = _tallied(scope, span, begins, ends) if tallied else _from_rows(scope, span, begins, ends)
        for bar, state, number in rows:
            found[(max(0, min(bar, span.bars - 1)), State(state))] += number
    return found


def counted_until() -> datetime | None:
    """Up to when the tallies hold everything received; None before the first counting."""
    row = Counted.objects.first()
    return whole_hour(row.at) if row else None


def pieces(span: Span, known: Known) -> Iterator[tuple[datetime, datetime, bool]]:
    """The span in parts: (from, to, whether its tallies may be taken). Of a short one nothing is asked."""
    until = known() if span.end - span.start > FROM_ROWS else None
    first, last = next_hour(span.start), whole_hour(min(span.end, until or span.start))
    if last <= first:
        yield span.start, span.end, False
        return
    yield first, last, True
    if span.start < first:
        yield span.start, first, False
    if last < span.end:
        yield last, span.end, False


def _from_rows(scope: Scope, span: Span, begins: datetime, ends: datetime) -> list[tuple[int, str, int]]:
    # By their states as well, all of them: so the index that has both answers alone, whatever the number of locations.
    found = Delivery.objects.filter(location__in=scope.locations, created_at__gte=begins, created_at__lt=ends)
    rows = found.filter(state__in=list(State)).order_by().annotate(bar=Bar("created_at", span))
    return list(rows.values_list("bar", "state").annotate(number=Count("pk")))


def _tallied(scope: Scope, span: Span, begins: datetime, ends: datetime) -> list[tuple[int, str, int]]:
    rows = Tally.objects.filter(location__in=scope.locations, hour__gte=begins, hour__lt=ends)
    rows = rows.order_by().annotate(bar=Bar("hour", span))
    return list(rows.values_list("bar", "state").annotate(sum=Sum("number")))


def by_state(found: Counts) -> Counter[State]:
    """The whole span's numbers."""
    total: Counter[State] = Counter()
    for (_, state), number in found.items():
        total[state] += number
    return total


def by_outcome(found: Counts, bar: int) -> dict[str, int]:
    """One bar's numbers, by layer, in the layers' order."""
    return {
        outcome.name: number
        for outcome in OUTCOMES
        if (number := sum(found.get((bar, state), 0) for state in outcome.states))
    }
