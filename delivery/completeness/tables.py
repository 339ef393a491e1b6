"""Completeness as tables for a CSV file: the counts of days, and the visits of one day. Formula-safe."""

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.exports import safe
from delivery.completeness.visits import VisitRow
from delivery.completeness.words import DayCount
from portal.models import Location

COUNTS = ("day", "location", "closed", "with_note", "verified", "missing", "still_expected", "not_verified", "says")
VISITS = ("location", "closed_at", "visit", "patient", "provider", "state", "delivery")


@dataclass(frozen=True)
class Table:
    """A file's bytes (UTF-8, CRLF), its rows without the heading, and its SHA-256."""

    body: bytes
    rows: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def written(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Every cell quoted, and none that a spreadsheet could take for a formula."""
    text, number = io.StringIO(newline=""), 0
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(heading)
    for row in rows:
        writer.writerow([safe(str(cell)) for cell in row])
        number += 1
    return Table(text.getvalue().encode(), number)


def of_days(counts: Iterable[tuple[Location, DayCount]]) -> Table:
    return written(COUNTS, (_day(location, one) for location, one in counts))


def _day(location: Location, one: DayCount) -> tuple[object, ...]:
    head = (one.day.isoformat(), location.code)
    says = " ".join(part for part in (one.says.word + ":" if one.says.word else "", one.says.meaning) if part)
    if not one.known:
        return (*head, "", "", "", "", "", "", says)
    numbers = (one.closed, one.received, one.verified, one.missing, one.waiting, one.unproven)
    return (*head, *numbers, says)


def of_visits(location: Location, rows: Iterable[VisitRow]) -> Table:
    return written(
        VISITS,
        (
            (
                location.code,
                row.closed_at.isoformat(timespec="minutes"),
                row.visit,
                row.patient,
                row.provider,
                row.word,
                row.delivery.pk if row.delivery else "",
            )
            for row in rows
        ),
    )
