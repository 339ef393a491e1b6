"""One location's summary of a period: notes received and what became of them, times, causes, completeness.

Counted are notes, each version once, by its newest delivery; as they stand now, on whichever day they came to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, QuerySet

from delivery.completeness.counting import count
from delivery.completeness.days import bounds, day_of
from delivery.failures import failure
from delivery.models import Delivery
from delivery.monitor.cards import percentiles
from delivery.reports.periods import Period
from delivery.reports.tables import CountedReport
from delivery.states import WORDS, State
from delivery.words import ago
from portal.models import Location, Part

CAUSES = 8
BIG = 1000  # notes of a period; with fewer it is counted on the spot
SETTLED = (State.VERIFIED, State.ACCEPTED, State.SUPERSEDED, State.CANCELLED)


@dataclass(frozen=True)
class Complete:
    """The days' completeness added up. `unsure` days are those of which it cannot be said."""

    closed: int
    received: int
    verified: int
    missing: int
    days: int
    unsure: int


@dataclass(frozen=True)
class Summary:
    """What a report says of one location. Times run from the scribe's post to *verified*; None where none was."""

    location: Location
    received: int
    ends: tuple[tuple[str, int], ...]  # state in words, number; the verified first
    verified: int
    median: timedelta | None
    p95: timedelta | None
    causes: tuple[tuple[str, int], ...]
    complete: Complete
    counted_at: datetime | None = None  # by a worker; None: on the spot

    @property
    def share(self) -> str:
        return f"{100 * self.verified / self.received:.1f} %" if self.received else "–"

    @property
    def times(self) -> str:
        if self.median is None or self.p95 is None:
            return "nothing was verified"
        return f"median {ago(self.median)}, p95 {ago(self.p95)}"


def summary(location: Location, period: Period, now: datetime) -> Summary:
    """Of a period with many notes as a worker counted it last; else as it stands now."""
    zone = ZoneInfo(location.time_zone)
    kept = CountedReport.objects.filter(location=location, kind=period.kind, first=period.first).first()
    big = kept is not None and kept.counted_at is not None and received(kept.numbers) >= BIG
    found = kept.numbers if kept and big else numbers(location, period)
    states = found["states"]
    return Summary(
        location=location,
        received=received(found),
        ends=tuple((WORDS[state].label, states[state]) for state in _ORDER if states.get(state)),
        verified=states.get(State.VERIFIED, 0),
        median=_length(found["median"]),
        p95=_length(found["p95"]),
        causes=tuple((failure(code).title, number) for code, number in found["causes"]),
        complete=_complete(location, [day for day in period.days if day <= day_of(now, zone)], now),
        counted_at=kept.counted_at if kept and big else None,
    )


def received(found: Mapping[str, Any]) -> int:
    return sum(found["states"].values())


def numbers(location: Location, period: Period) -> dict[str, Any]:
    """Counted from the rows: states, seconds of the median and of p95 (null: nothing was verified), causes by code."""
    found = _notes(location, *bounds(period.first, period.last, ZoneInfo(location.time_zone)))
    median, p95 = percentiles(_lengths(found), 50, 95)
    return {
        "states": dict(found.order_by().values_list("state").annotate(Count("pk"))),
        "median": median.total_seconds() if median is not None else None,
        "p95": p95.total_seconds() if p95 is not None else None,
        "causes": _causes(found),
    }


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


_ORDER = (State.VERIFIED, *(state for state in State if state is not State.VERIFIED))


def _notes(location: Location, start: datetime, end: datetime) -> QuerySet[Delivery]:
    """Of each note version that came in this time the newest delivery of its sections."""
    later = Delivery.objects.filter(note_version=OuterRef("note_version"), part=Part.NOTE, pk__gt=OuterRef("pk"))
    came = Delivery.objects.filter(location=location, part=Part.NOTE)
    came = came.filter(note_version__received_at__gte=start, note_version__received_at__lt=end, created_at__gte=start)
    return came.filter(~Exists(later))


def _lengths(found: QuerySet[Delivery]) -> list[timedelta]:
    rows = found.filter(state=State.VERIFIED, verified_at__isnull=False, replay_of=None).order_by()
    times = rows.values_list("verified_at", "note_version__received_at")
    return sorted(verified - came for verified, came in times if verified is not None)


def _causes(found: QuerySet[Delivery]) -> list[list[Any]]:
    """Why what is not settled is not: the most frequent reasons."""
    rows = found.exclude(state__in=SETTLED).exclude(reason_code="").order_by()
    counted = rows.values_list("reason_code").annotate(number=Count("pk")).order_by("-number", "reason_code")
    return [[code, number] for code, number in counted[:CAUSES]]


def _complete(location: Location, days: Sequence[date], now: datetime) -> Complete:
    rows = count(location, days, now) if days else []
    return Complete(
        closed=sum(one.closed for one in rows),
        received=sum(one.received for one in rows),
        verified=sum(one.verified for one in rows),
        missing=sum(one.missing for one in rows),
        days=len(rows),
        unsure=sum(not one.says.sure for one in rows),
    )
