"""Reports counted ahead: a worker counts the current and the last periods of each location, so that a page need not.

Derived rows, made anew at the pace below. A page takes them only of periods with many notes; others it counts itself.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from delivery.completeness.days import day_of
from delivery.reports.periods import MONTH, WEEK, Period, period_of
from delivery.reports.summary import numbers
from delivery.reports.tables import CountedReport
from portal.models import Location

CURRENT, PAST = timedelta(minutes=15), timedelta(hours=6)  # between two countings
BACK = 3  # periods before the current one


def count_due() -> int:
    """One round of a worker: the first report that is due; whether there was one."""
    now = timezone.now()
    known = set(CountedReport.objects.filter(due_at__gt=now).values_list("location", "kind", "first"))
    for location in Location.objects.order_by("pk"):
        for kind in (WEEK, MONTH):
            for period, wait in periods(location, kind, now):
                if (location.pk, kind, period.first) not in known and claim(location, period, now, wait):
                    found = numbers(location, period)
                    rows = CountedReport.objects.filter(location=location, kind=kind, first=period.first)
                    rows.update(numbers=found, counted_at=now)
                    return 1
    return 0


def periods(location: Location, kind: str, now: datetime) -> list[tuple[Period, timedelta]]:
    """The current one and those before it, with the time between two countings."""
    one = period_of(kind, day_of(now, ZoneInfo(location.time_zone)))
    found = [(one, CURRENT)]
    for _ in range(BACK):
        one = one.before
        found.append((one, PAST))
    return found


def claim(location: Location, period: Period, now: datetime, wait: timedelta) -> bool:
    """Of several workers one counts it; what a dead one had claimed is due again after its wait."""
    row, made = CountedReport.objects.get_or_create(
        location=location, kind=period.kind, first=period.first, defaults={"due_at": now + wait}
    )
    if made or row.due_at > now:
        return made
    return bool(CountedReport.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=now + wait))
