"""The periods of reports: weeks from Monday, and months, by the location's own days."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

WEEK, MONTH = "week", "month"


@dataclass(frozen=True)
class Period:
    """From its first to its last day, both included."""

    kind: str
    first: date
    last: date

    @property
    def label(self) -> str:
        if self.kind == MONTH:
            return f"{self.first:%B %Y}"
        return f"Week of {self.first:%d %b} to {self.last:%d %b %Y}"

    @property
    def days(self) -> list[date]:
        return [self.last - timedelta(days=back) for back in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> "Period":
        return period_of(self.kind, self.first - timedelta(days=1))

    @property
    def after(self) -> "Period":
        return period_of(self.kind, self.last + timedelta(days=1))


def period_of(kind: str, day: date) -> Period:
    """The week or the month that a day lies in."""
    if kind == MONTH:
        return Period(MONTH, day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))
    first = day - timedelta(days=day.weekday())
    return Period(WEEK, first, first + timedelta(days=6))
