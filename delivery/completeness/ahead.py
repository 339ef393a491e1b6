"""Days counted ahead: a worker counts each location's days again and again, so that a page of many need not.

Derived rows, which the next round makes anew. A page takes them only of days with many visits; the others it counts on
the spot. They follow at the pace of WAITS: a late change of an old day is seen within hours here, at once on its page.
"""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from delivery.completeness.counting import figures
from delivery.completeness.days import day_of
from delivery.completeness.kept import CountedDay
from portal.models import Location

# A day so many days back is counted again after so long.
WAITS = ((1, timedelta(minutes=1)), (7, timedelta(minutes=15)), (31, timedelta(hours=6)), (100, timedelta(days=2)))
AT_ONCE = 20  # days a round


def count_due() -> int:
    """One round of a worker: the days that are due, the newest first; how many were counted."""
    now, done = timezone.now(), 0
    for location in Location.objects.order_by("pk"):
        for day in due_days(location, now):
            if claim(location, day, now):
                write(location, day, now)
                done += 1
            if done >= AT_ONCE:
                return done
    return done


def due_days(location: Location, now: datetime) -> list[date]:
    """The location's days that were never counted, or long ago."""
    today = day_of(now, ZoneInfo(location.time_zone))
    horizon = [today - timedelta(days=back) for back in range(WAITS[-1][0] + 1)]
    fresh = CountedDay.objects.filter(location=location, day__gte=horizon[-1], due_at__gt=now)
    known = set(fresh.values_list("day", flat=True))
    return [day for day in horizon if day not in known]


def claim(location: Location, day: date, now: datetime) -> bool:
    """Of several workers one counts a day; what a dead one had claimed is due again after its wait."""
    back = (day_of(now, ZoneInfo(location.time_zone)) - day).days
    wait = next(wait for most, wait in WAITS if back <= most)
    row, made = CountedDay.objects.get_or_create(location=location, day=day, defaults={"due_at": now + wait})
    again = CountedDay.objects.filter(pk=row.pk, due_at=row.due_at, due_at__lte=now)
    return made or bool(again.update(due_at=now + wait))


def write(location: Location, day: date, now: datetime) -> None:
    one = figures(location, [day], now)[day]
    CountedDay.objects.filter(location=location, day=day).update(counted_at=now, **asdict(one))
