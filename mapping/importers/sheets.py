"""Sheets: the rows of a CSV file, a worksheet or a list, as text, before their columns are understood."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mapping.importers.base import MAX_COLUMNS, MAX_ROWS, ImportRefused

# Why an identifier may not be what was typed; the sentence begins with it.
MADE_DATE = "was made a date by a spreadsheet"
MADE_LOGICAL = "was made true or false by a spreadsheet"

# A header stands near the top: so many rows are looked through for it.
HEADER_WITHIN = 30


@dataclass(frozen=True)
class Row:
    """One row with its number in the file (from 1). `doubtful`: why the text of a column may not be what was typed."""

    number: int
    cells: tuple[str, ...]
    doubtful: Mapping[int, str] = field(default_factory=dict)

    @property
    def blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True)
class Sheet:
    """The rows that are not blank. `name` is the worksheet's where there are several; `unit` what a row is called."""

    name: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    unit: str = "row"

    def place(self, row: Row) -> str:
        """Where a row stands, for messages: "row 4", "sheet “North”, row 4"."""
        return f"sheet “{self.name}”, {self.unit} {row.number}" if self.name else f"{self.unit} {row.number}"


def bounded(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows that are not blank; raises ImportRefused over the limits before they fill the memory."""
    taken = 0
    for row in rows:
        if row.blank:
            continue
        if len(row.cells) > MAX_COLUMNS:
            raise ImportRefused(
                f"Row {row.number} has {len(row.cells)} columns; {MAX_COLUMNS} are the most. "
                "Is this the template list, saved with the right separator?"
            )
        taken += 1
        if taken > MAX_ROWS + HEADER_WITHIN:
            raise ImportRefused(f"The file has more than {MAX_ROWS} rows. Split it by template.")
        yield row


def sheet_in_json(sheet: Sheet) -> dict[str, Any]:
    """A sheet as JSON can carry it."""
    rows = [[row.number, row.cells, {str(column): why for column, why in row.doubtful.items()}] for row in sheet.rows]
    return {"name": sheet.name, "rows": rows, "notes": sheet.notes, "unit": sheet.unit}


def sheet_from_json(item: Mapping[str, Any]) -> Sheet:
    """The sheet again."""
    rows = (
        Row(number, tuple(cells), {int(column): why for column, why in doubtful.items()})
        for number, cells, doubtful in item["rows"]
    )
    return Sheet(item["name"], tuple(rows), tuple(item["notes"]), item["unit"])
