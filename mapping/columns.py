"""What a practice's people said of columns nobody else names so: asked once, remembered, and used at every import."""

import string
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from mapping.importers.headers import meaning, words
from mapping.importers.reading import Reading, unmatched, with_header
from mapping.importers.table import likely_header
from mapping.models import ColumnMeaning, ColumnName
from portal.models import Practice

SHOWN_ROWS = 6
LONGEST = 60
LONGEST_HEADER = 200
NO_ROW = -1  # no row of the file names its columns
NEEDED = (ColumnMeaning.FIELD_ID, ColumnMeaning.LABEL)


class CannotMatch(Exception):
    """The columns as given make no template; the message says what to change."""


@dataclass(frozen=True)
class Column:
    """One column as a person is asked about it. `place` is its index, `said` what stands there or was chosen."""

    place: int
    header: str
    samples: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Asked:
    """A sheet's columns under one of its rows; `row` is the number of that row in the file, or NO_ROW."""

    row: int
    rows: tuple[tuple[int, str], ...]
    columns: tuple[Column, ...]
    unit: str

    @property
    def named(self) -> bool:
        """Whether a row of the file names the columns: only such names can be remembered."""
        return self.row != NO_ROW


def remembered(practice: Practice) -> dict[str, str]:
    """By header what the practice's people said it means; "" where they set the column aside."""
    return dict(ColumnName.objects.filter(practice=practice).values_list("header", "meaning"))


def asked(reading: Reading, known: Mapping[str, str], row: int | None = None) -> Asked:
    """What to ask of the sheet that is not understood, its header being `row`, or the likeliest row."""
    sheet = unmatched(reading)
    numbers = [one.number for one in sheet.rows]
    chosen = row if row is not None and (row in numbers or row == NO_ROW) else numbers[likely_header(sheet.rows, known)]
    at = numbers.index(chosen) if chosen != NO_ROW else -1
    below = sheet.rows[at + 1 : at + 1 + SHOWN_ROWS]
    width = max(len(one.cells) for one in sheet.rows)
    headers = [*sheet.rows[at].cells, *[""] * width][:width] if chosen != NO_ROW else _letters(width)
    columns = (
        Column(
            place,
            header.strip(),
            tuple(one.cells[place][:LONGEST] for one in below if place < len(one.cells) and one.cells[place].strip()),
            meaning(header, known) if chosen != NO_ROW else "",
        )
        for place, header in enumerate(headers)
    )
    rows = ((one.number, " · ".join(filter(str.strip, one.cells))[:LONGEST]) for one in sheet.rows[:10])
    return Asked(chosen, tuple(rows), tuple(columns), sheet.unit)


def matched(reading: Reading, under: Asked, said: Mapping[int, str]) -> tuple[Reading, dict[str, str]]:
    """The reading and what its headers mean by what a person `said` of each column. Raises CannotMatch."""
    given = {column.place: said.get(column.place, "") for column in under.columns}
    for needed in NEEDED:
        if needed not in given.values():
            raise CannotMatch(f"Say which column holds the {needed.label.lower()}.")
    named: dict[str, str] = {}
    for column in under.columns:
        meant, header = given[column.place], words(column.header)
        if meant and sum(other == meant for other in given.values()) > 1:
            raise CannotMatch(f"Two columns cannot both be the {ColumnMeaning(meant).label.lower()}.")
        if meant and not header:
            raise CannotMatch("A column without a name cannot be remembered: name it, or say that no row has names.")
        if header and named.setdefault(header, meant) != meant:
            raise CannotMatch(f"Two columns are called “{column.header}”: rename one, or say that no row has names.")
    if not under.named:
        return with_header(reading, [column.header for column in under.columns]), named
    return reading, named


@transaction.atomic
def remember(practice: Practice, named: Mapping[str, str]) -> None:
    """Keep what was said of each header, but for those that are understood so by themselves."""
    kept = {row.header: row for row in ColumnName.objects.select_for_update().filter(practice=practice)}
    for header, meant in named.items():
        row = kept.get(header)
        if row is None and len(header) <= LONGEST_HEADER and (not meant or meaning(header) != meant):
            ColumnName.objects.create(practice=practice, header=header, meaning=meant)
        elif row is not None and row.meaning != meant:
            row.meaning = meant
            row.save(update_fields=["meaning"])


def _letters(width: int) -> list[str]:
    """Column A, B, … AA, as spreadsheets call them."""
    first = string.ascii_uppercase
    return [f"Column {first[place // 26 - 1] if place >= 26 else ''}{first[place % 26]}" for place in range(width)]
