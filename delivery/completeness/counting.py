"""Counts per day of one location: visits closed, notes received, notes verified; and how far they can be believed.

A visit counts on the day it was closed, by the location's clock. Its note counts whenever it came. Verified: the newest
delivery of every part is verified, and the note's sections are among them. A few queries a location for each
run of days.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate

from delivery.completeness.days import bounds, day_of, within
from delivery.completeness.kept import CountedDay, big_days
from delivery.completeness.words import NEVER, NO_SOURCE, NOT_YET, SAYS, SILENT, TOLD, TROUBLE, UNTOLD, DayCount, Says
from delivery.events.kinds import CANCELLED, CLOSED
from delivery.events.models import Event, EventSource
from delivery.models import Delivery, NoteVersion
from delivery.states import STRUCK, State
from portal.models import Location, Part

GRACE = timedelta(hours=2)  # so long after its closing a visit without a note is not missed yet
# What became of these ends nothing: the newest of a part stands for it, and a cancelled part is nobody's task any more.
SETTLED_WELL = (State.VERIFIED, State.SUPERSEDED, State.CANCELLED)


def closed_visits(location: Location, start: datetime, end: datetime) -> QuerySet[Any]:
    """The visits that a source told of as closed in this time, without those cancelled, with `noted` and `proven`."""
    found = Event.objects.filter(location=location, kind=CLOSED, happened_at__gte=start, happened_at__lt=end)
    cancelled = Event.objects.filter(location=location, kind=CANCELLED, encounter_bidx=OuterRef("encounter_bidx"))
    versions = NoteVersion.objects.filter(encounter_bidx=OuterRef("encounter_bidx"), note__location=location)
    return (
        found.filter(~Exists(cancelled))
        .annotate(noted=Exists(versions), charted=Exists(_newest(location).filter(_CHARTED)))
        .annotate(open=Exists(_newest(location).exclude(state__in=SETTLED_WELL)))
        .defer("sealed_visit")
    )


# Withdrawn, it is to be struck out of the chart, or has been.
_CHARTED = Q(part=Part.NOTE, state=State.VERIFIED, withdrawn_at=None) & ~Q(reason_code=STRUCK)


def _newest(location: Location) -> QuerySet[Delivery]:
    """The visit's deliveries, each note's and part's newest: one sent again stands for what it was sent again from."""
    later = Delivery.objects.filter(note=OuterRef("note"), part=OuterRef("part"), pk__gt=OuterRef("pk"))
    rows = Delivery.objects.filter(note_version__encounter_bidx=OuterRef("encounter_bidx"), location=location)
    return rows.filter(~Exists(later))


@dataclass(frozen=True)
class Figures:
    """What is counted of one day of one location, whatever can be concluded from it: the columns of CountedDay.

    `told`: its source told of anything.
    """

    closed: int = 0
    waiting: int = 0
    received: int = 0
    verified: int = 0
    came: int = 0
    untold: int = 0
    told: bool = False


def count(location: Location, days: Sequence[date], now: datetime, fresh: bool = False) -> list[DayCount]:
    """The days' counts, in the order of `days`: of many visits as a worker counted them last, unless `fresh`."""
    zone = ZoneInfo(location.time_zone)
    ahead = {} if fresh else big_days(location.pk, days)
    found = {day: _kept(row) for day, row in ahead.items()}
    for run in _runs(day for day in days if day not in ahead):
        found |= figures(location, run, now)
    sources = list(EventSource.objects.filter(location=location).select_related("state"))
    never = bool(sources) and not Event.objects.filter(location=location, kind=CLOSED).exists()
    today = day_of(now, zone)
    since = {day: row.counted_at for day, row in ahead.items()}
    return [
        _day(day, found[day], _says(day, found[day], sources, never, zone, today), today, since.get(day))
        for day in days
    ]


def _kept(row: CountedDay) -> Figures:
    return Figures(*(getattr(row, one.name) for one in fields(Figures)))


def _runs(days: Iterable[date]) -> list[list[date]]:
    """Days that follow on one another, together: each run is counted by the same few queries."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def figures(location: Location, days: Sequence[date], now: datetime) -> dict[date, Figures]:
    """Count these days, which follow on one another, from the rows. Three queries."""
    zone = ZoneInfo(location.time_zone)
    start, end = bounds(*within(days), zone)
    tally: dict[str, Counter[date]] = defaultdict(Counter)
    rows = closed_visits(location, start, end).values_list("happened_at", "noted", "charted", "open")
    for at, noted, charted, still_open in rows.order_by():
        day = day_of(at, zone)
        tally["closed"][day] += 1
        tally["received"][day] += noted
        tally["verified"][day] += noted and charted and not still_open
        tally["waiting"][day] += not noted and at > now - GRACE
    events = Event.objects.filter(location=location, received_at__gte=start, received_at__lt=end).order_by()
    told = set(events.annotate(day=TruncDate("received_at", tzinfo=zone)).values_list("day", flat=True).distinct())
    came = _came(location, start, end, zone)
    return {
        day: Figures(
            **{name: tally[name][day] for name in ("closed", "waiting", "received", "verified")},
            came=came.get(day, (0, 0))[0],
            untold=came.get(day, (0, 0))[1],
            told=day in told,
        )
        for day in days
    }


def _came(location: Location, start: datetime, end: datetime, zone: ZoneInfo) -> dict[date, tuple[int, int]]:
    """Per day: of how many visits a note came, and of how many of them no end was ever told."""
    ended = Event.objects.filter(
        location=location, kind__in=[CLOSED, CANCELLED], encounter_bidx=OuterRef("encounter_bidx")
    )
    rows = Delivery.objects.filter(location=location, part=Part.NOTE, created_at__gte=start, created_at__lt=end)
    rows = rows.filter(replay_of=None, replaces=None).annotate(day=TruncDate("created_at", tzinfo=zone))
    visits = Count("encounter_bidx", distinct=True)
    untold = Count("encounter_bidx", distinct=True, filter=~Q(ended=True))
    found = rows.annotate(ended=Exists(ended)).order_by().values("day").annotate(visits=visits, untold=untold)
    return {row["day"]: (row["visits"], row["untold"]) for row in found.values("day", "visits", "untold")}


def _says(day: date, one: Figures, sources: Sequence[EventSource], never: bool, zone: ZoneInfo, today: date) -> Says:
    """How far the day can be believed. What was told counts for more than what is set up now."""
    if not one.closed:
        if not any(source.enabled for source in sources) and not one.told:
            return SAYS[NO_SOURCE]
        if all(day_of(source.created_at, zone) > day for source in sources):
            return SAYS[NOT_YET]
        if never:
            return SAYS[NEVER]
        if not one.told:
            return SAYS[SILENT]
    if any(_troubled(source, day, zone) for source in sources):
        return SAYS[TROUBLE]
    # A visit of today may close after its note has come.
    return SAYS[UNTOLD if day < today and one.untold else TOLD]


def _troubled(source: EventSource, day: date, zone: ZoneInfo) -> bool:
    state = source.state
    return bool(source.enabled and state.trouble and state.trouble_at and day_of(state.trouble_at, zone) <= day)


def _day(day: date, one: Figures, says: Says, today: date, counted_at: datetime | None) -> DayCount:
    return DayCount(
        day=day,
        closed=one.closed,
        waiting=one.waiting,
        received=one.received,
        verified=one.verified,
        came=one.came,
        untold=one.untold,
        says=says,
        running=day >= today,
        counted_at=counted_at,
    )


def never_met(counts: Sequence[DayCount]) -> bool:
    """Whether many visits closed and notes came, and none belongs to the other: their ids are likely of two kinds."""
    closed, received = sum(one.closed for one in counts), sum(one.received for one in counts)
    return closed >= 5 and received == 0 and sum(one.came for one in counts) > 0
