"""Counts what moved since it last looked: keeps hourly tallies and issues, and notes what stands waiting.

Run by the worker's poll beside the sending, never within its transactions: the deliveries' own writing pays nothing.
Each look reads the moves written since the last one, finds the hours they touch, counts those hours anew from the rows
and puts the numbers down. Counting anew and not adding up: a look that is cut off or made twice does no harm.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from django.db import transaction
from django.db.models import Count, Exists, Min, OuterRef
from django.utils import timezone

from delivery.models import Delivery, Move
from delivery.monitor.grouping import QUIET, Failed, failing, is_failure, standing, write_issues
from delivery.monitor.outcomes import Bar
from delivery.monitor.span import HOUR, Span, whole_hour
from delivery.monitor.tables import Counted, Issue, IssueState, Standing, Tally
from delivery.queries import EPOCH, needing
from delivery.states import State
from portal.models import Location

BATCH = 5000  # moves a look
# A move's key is given before it is committed: keys younger than this may still be missing, and are left for later.
SETTLED = timedelta(seconds=3)
EVERY = timedelta(minutes=20)  # between two notes of what stands
KEPT = timedelta(days=70)  # of what stood; the tallies are kept as long as the deliveries are
HOURS = Span(EPOCH, EPOCH + HOUR, 3600, EPOCH, "")  # bars of an hour, counted from the beginning of all clocks
Touched = set[tuple[int, datetime]]  # (location, hour)


def catch_up() -> int:
    """Count what has moved; returns how many moves were new. Nothing where another worker was faster."""
    counted = Counted.objects.first()
    if counted is None:
        return begin()
    settled_at = timezone.now()
    rows = moves_after(counted.move_id)
    ready = list(_settled(rows, settled_at - SETTLED))
    if not ready:
        _advance(counted, counted.move_id, counted.at if rows else settled_at - SETTLED)
        update_standing(settled_at)
        return 0
    touched: Touched = {(moved.location, whole_hour(moved.created_at)) for moved in ready}
    fresh, stands = list(count(touched)), standing()
    until = settled_at - SETTLED if len(ready) == len(rows) < BATCH else ready[-1].at
    with transaction.atomic():
        if not _advance(counted, ready[-1].id, until):
            return 0
        _write(fresh, touched)
        write_issues(failures_of(ready), stands, settled_at)
    return len(ready)


@dataclass(frozen=True)
class Moved:
    """What the counting needs of one move."""

    id: int
    at: datetime
    from_state: str
    to_state: str
    reason_code: str
    location: int
    created_at: datetime
    method: str | None


def moves_after(move_id: int) -> list[Moved]:
    rows = Move.objects.filter(pk__gt=move_id).order_by("pk")
    own = ("pk", "at", "from_state", "to_state", "reason_code")
    of_delivery = ("delivery__location", "delivery__created_at", "delivery__connection__kind")
    return [Moved(*row) for row in rows.values_list(*own, *of_delivery)[:BATCH]]


def _settled(rows: Iterable[Moved], before: datetime) -> Iterable[Moved]:
    """Up to the first that is too young."""
    return takewhile(lambda moved: moved.at <= before, rows)


def failures_of(moves: Iterable[Moved]) -> list[Failed]:
    return [
        Failed(moved.location, moved.method or "", moved.reason_code, moved.at)
        for moved in moves
        if is_failure(moved.from_state, moved.to_state, moved.reason_code)
    ]


def update_standing(now: datetime) -> None:
    """Nothing moved: an issue may have ended all the same, by the time that has gone by."""
    if Issue.objects.exclude(state=IssueState.RESOLVED).filter(affected=0, last_seen__lt=now - QUIET).exists():
        stands = standing()
        with transaction.atomic():
            write_issues([], stands, now)


def _advance(counted: Counted, move_id: int, until: datetime) -> bool:
    """Move the mark, unless another worker has moved it meanwhile."""
    return bool(Counted.objects.filter(pk=counted.pk, move_id=counted.move_id).update(move_id=move_id, at=until))


def begin() -> int:
    """The first look: every hour at once, in one statement. What is too young to be sure of is left for the next."""
    now = timezone.now()
    settled = Move.objects.filter(at__lte=now - SETTLED).order_by("-pk").values_list("pk", flat=True)
    newest = settled.first() or 0
    everything = Delivery.objects.order_by().annotate(bar=Bar("created_at", HOURS))
    rows = everything.values_list("location", "bar", "state").annotate(number=Count("pk"))
    with transaction.atomic():
        _, made = Counted.objects.get_or_create(pk=1, defaults={"move_id": newest, "at": now - SETTLED})
        if made:
            made_rows = [
                Tally(location_id=location, hour=EPOCH + bar * HOUR, state=state, number=number)
                for location, bar, state, number in rows
            ]
            write_issues(present_failures(newest), standing(), now)
            Tally.objects.all().delete()
            Tally.objects.bulk_create(made_rows, batch_size=200)
    return newest


def present_failures(newest: int) -> list[Failed]:
    """Of before the first look only what stands now is known: each failure with the time of its last change.

    What has moved since move `newest` is counted with that move.
    """
    later = Move.objects.filter(delivery=OuterRef("pk"), pk__gt=newest)
    rows = failing().exclude(Exists(later)).order_by("updated_at")
    found = rows.values_list("location", "connection__kind", "reason_code", "updated_at")
    return [Failed(location, method or "", code, at) for location, method, code, at in found]


def count(touched: Touched) -> Iterable[Tally]:
    """The tallies of these hours, counted from the deliveries."""
    for location, hour in sorted(touched):
        rows = Delivery.objects.filter(location=location, created_at__gte=hour, created_at__lt=hour + HOUR)
        for state, number in rows.order_by().values_list("state").annotate(Count("pk")):
            yield Tally(location_id=location, hour=hour, state=state, number=number)


def _write(fresh: Collection[Tally], touched: Touched) -> None:
    for location in {location for location, _ in touched}:
        hours = [hour for place, hour in touched if place == location]
        Tally.objects.filter(location=location, hour__in=hours).delete()
    Tally.objects.bulk_create(
        fresh,
        update_conflicts=True,
        unique_fields=["location", "hour", "state"],
        update_fields=["number"],
        batch_size=200,
    )


def note_standing(now: datetime | None = None) -> int:
    """Once in twenty minutes: what waits and what needs a person, at each location; returns how many were noted."""
    now = now or timezone.now()
    slot = now - timedelta(seconds=now.timestamp() % EVERY.total_seconds())
    if Standing.objects.filter(at=slot).exists():
        return 0
    waiting = _standing([State.READY, State.SENDING])
    attention = needing_attention(now)
    rows = [
        Standing(
            location_id=pk,
            at=slot,
            waiting=waiting.get(pk, (0, now))[0],
            oldest_seconds=max(0, int((now - waiting.get(pk, (0, now))[1]).total_seconds())),
            attention=attention.get(pk, 0),
        )
        for pk in Location.objects.values_list("pk", flat=True)
    ]
    Standing.objects.bulk_create(rows, ignore_conflicts=True)
    Standing.objects.filter(at__lt=now - KEPT).delete()
    return len(rows)


def needing_attention(now: datetime) -> Mapping[int, int]:
    """Per location, as the card counts it. Three statements: each has an index of its own."""
    numbers: Counter[int] = Counter()
    for why in needing(now):
        rows = Delivery.objects.filter(why).order_by().values_list("location").annotate(Count("pk"))
        numbers.update(dict(rows))
    return numbers


def _standing(states: Iterable[State]) -> dict[int, tuple[int, datetime]]:
    """Per location: how many deliveries stand in these states, and since when the oldest has been there."""
    numbers: Counter[int] = Counter()
    oldest: dict[int, datetime] = {}
    rows = Delivery.objects.filter(state__in=list(states)).order_by().values_list("location", "state")
    for location, _, number, first in rows.annotate(number=Count("pk"), first=Min("created_at")):
        numbers[location] += number
        oldest[location] = min(first, oldest.get(location, first))
    return {location: (number, oldest[location]) for location, number in numbers.items()}
