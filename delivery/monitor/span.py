"""The stretch of time a screen speaks of, cut into bars of one length."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from delivery.filters import RANGES, Filters

DEFAULT = "24h"  # what the figures speak of while the list is not narrowed to a time
SIZES = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400, 28 * 86400)  # seconds a bar
MOST_BARS = 31
DAY = 86400
GREENWICH = ZoneInfo("UTC")
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
LONGEST = timedelta(days=800)


@dataclass(frozen=True)
class Span:
    """From `start` (included) to `end` (excluded). Bars of `size` seconds begin at `origin`; the first may be cut."""

    start: datetime
    end: datetime
    size: int
    origin: datetime
    label: str
    zone: ZoneInfo = GREENWICH  # the place's, by which an address names its times

    @property
    def bars(self) -> int:
        return max(1, -int((self.origin - self.end).total_seconds() // self.size))

    def bar(self, index: int) -> tuple[datetime, datetime]:
        """When a bar begins and ends, within the span."""
        begins = self.origin + timedelta(seconds=index * self.size)
        return max(begins, self.start), min(begins + timedelta(seconds=self.size), self.end)

    def a_week_earlier(self) -> "Span":
        """The same hours of the same weekdays, of the week before (a longer span: just before this one)."""
        weeks = WEEK * -(-(self.end - self.start) // WEEK)
        return replace(self, start=self.start - weeks, end=self.end - weeks, origin=self.origin - weeks)


def span_of(chosen: Filters, zone: ZoneInfo, now: datetime) -> Span:
    """The time the filters name; the last 24 hours where they name none."""
    if not (chosen.range or chosen.since or chosen.until):
        chosen = replace(chosen, range=DEFAULT)
    start, end = chosen.span(zone, now)
    label = RANGES[chosen.range][0] if chosen.range else "The chosen time"
    end = min(end or now, now)
    start = max(start or end - timedelta(days=30), end - LONGEST)
    return cut(min(start, end - timedelta(minutes=1)), end, zone, label)


def cut(start: datetime, end: datetime, zone: ZoneInfo, label: str = "") -> Span:
    """A span with the shortest bars of which not too many are needed; long ones begin at midnight of the place."""
    length = (end - start).total_seconds()
    size = next((size for size in SIZES if length / size <= MOST_BARS), SIZES[-1])
    return Span(start, end, size, _floor(start, size, zone), label, zone)


def _floor(at: datetime, size: int, zone: ZoneInfo) -> datetime:
    if size <= HOUR.total_seconds():
        return at - timedelta(seconds=at.timestamp() % size)
    local = at.astimezone(zone)  # by the clock on its wall: a day has 23 or 25 hours now and then
    hour = local.hour // (size // 3600) * (size // 3600) if size < DAY else 0
    begins = local.replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
    origin = whole_hour(begins.astimezone(UTC))
    # A quarter of a day in which the clocks went back is longer than a bar.
    return origin + (at - origin) // timedelta(seconds=size) * timedelta(seconds=size)


def whole_hour(at: datetime) -> datetime:
    """The full hour (UTC) at or before a time."""
    return at - timedelta(seconds=at.timestamp() % 3600)


def next_hour(at: datetime) -> datetime:
    """The full hour (UTC) at or after a time."""
    floor = whole_hour(at)
    return floor if floor == at else floor + HOUR
