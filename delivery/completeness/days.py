"""Days of a place: they begin and end by its own clock, so that one has 23 or 25 hours twice a year."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST, LAST = date(2000, 1, 1), date(2199, 12, 31)  # days that any clock of ours can show
WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Bounds = tuple[datetime, datetime]


def bounds(first: date, last: date, zone: ZoneInfo) -> Bounds:
    """From the first moment of a day (included) to the first one after the last day (excluded), in UTC."""
    return midnight(first, zone), midnight(last + timedelta(days=1), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day. Where the clock skips midnight, it is the moment that is shown next."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def span(last: date, count: int) -> list[date]:
    """So many days, the newest first."""
    return [last - timedelta(days=back) for back in range(count)]


def read_day(text: str) -> date | None:
    """A day as addresses write it, YYYY-MM-DD; None for what is none."""
    try:
        day = date.fromisoformat(text) if WRITTEN.fullmatch(text) else None
    except ValueError:
        return None
    return day if day is not None and FIRST <= day <= LAST else None


def within(days: Iterable[date]) -> tuple[date, date]:
    """The first and the last of some days."""
    found = sorted(days)
    return found[0], found[-1]
