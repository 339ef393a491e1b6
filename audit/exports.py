"""Export events as CSV that a spreadsheet cannot mistake for formulas, from which every value can be had back.

A cell that begins with one of STARTS gets a leading apostrophe (OWASP ASVS 5.0, 1.2.10), and the last column,
`prefixed`, names the columns where that happened. Every cell is quoted; yet where the semicolon or the tab separates,
a spreadsheet sees cells begin inside ours, so the same holds after every separator within a cell. `unsafe()` takes the
apostrophes away again.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from audit.canonical import encode_json, utc
from audit.event import AuditEvent

COLUMNS = tuple(field.name for field in AuditEvent._meta.concrete_fields)
# The full-width forms are read as formulas by some spreadsheets in East Asian locales.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_beginning = rf"(\A|[;\t\r\n\"])%s('*)(?=[{re.escape(''.join(STARTS))}])"
_bare = re.compile(_beginning % "")
_marked = re.compile(_beginning % "'")


@dataclass(frozen=True)
class Export:
    """What was written: rows without the heading, and the SHA-256 of the file's bytes."""

    rows: int
    sha256: str


def safe(cell: str) -> str:
    """The cell as it may stand in a CSV file; one more apostrophe wherever one could begin like a formula."""
    return _bare.sub(r"\1'\2", cell)


def unsafe(cell: str) -> str:
    """The value of a cell in a column that `prefixed` names."""
    return _marked.sub(r"\1\2", cell)


def texts(event: AuditEvent) -> list[str]:
    """The event's columns as text: times in UTC (ISO 8601), lists and details as JSON, nothing as ""."""
    special = {
        "at": utc(event.at),
        "data_category": encode_json(event.data_category),
        "detail": encode_json(event.detail),
        "xid": "" if event.xid is None else str(event.xid),
    }
    return [special.get(name, str(getattr(event, name))) for name in COLUMNS]


def lines(events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """The file line by line, UTF-8, CRLF (RFC 4180)."""
    yield _line([*COLUMNS, "prefixed"])
    for event in events:
        cells = texts(event)
        shown = [safe(cell) for cell in cells]
        prefixed = [name for name, cell, safe_cell in zip(COLUMNS, cells, shown, strict=True) if cell != safe_cell]
        yield _line([*shown, " ".join(prefixed)])


def _line(cells: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(cells)
    return text.getvalue().encode()


def write_csv(events: Iterable[AuditEvent], file: IO[Any]) -> Export:
    """Write the events into an open binary file; what was written, for the record of it."""
    digest = hashlib.sha256()
    written = 0
    for line in lines(events):
        digest.update(line)
        file.write(line)
        written += 1
    return Export(rows=written - 1, sha256=digest.hexdigest())
