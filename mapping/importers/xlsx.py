"""Worksheets of an Excel workbook as rows of text. What could do harm is refused before openpyxl looks at it.

A workbook is an archive of XML: it may unfold to any size, hold macros, or declare entities. Run it through
limited.py, which also bounds time and memory.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.utils import column_index_from_string

from mapping.importers.base import ImportRefused
from mapping.importers.sheets import MADE_DATE, MADE_LOGICAL, Row, Sheet, bounded

MOST_PARTS = 500
MOST_UNFOLDED = 20 * 1024 * 1024
_OLD = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of workbooks with a password
_MACROS = re.compile(r"vbaProject|macrosheets/|vbaData|activeX/|dialogsheets/", re.IGNORECASE)
_DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<\0!\0(?:D|E)|\0<\0!\0(?:D|E)")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
MOST_MERGED = 5000
_PLACES = re.compile(r"0+")
_CHUNK = 1024 * 1024
DECIMALS = "is a number with decimals, where a spreadsheet drops a last zero"
LONG = "is a number of more than 15 digits, which a spreadsheet rounds"


def read(content: bytes) -> tuple[Sheet, ...]:
    """The worksheets that can be seen, hidden ones only named. Raises ImportRefused."""
    _check(content)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        hidden = [sheet.title for sheet in book.worksheets if sheet not in shown]
        notes = (f"Hidden sheets were not read: {', '.join(hidden)}.",) if hidden else ()
        names = [sheet.title if len(shown) > 1 else "" for sheet in shown]
        rows = [tuple(bounded(_filled(_rows(sheet), _merged_down(archive, sheet)))) for sheet in shown]
        return tuple(Sheet(name, listed, notes) for name, listed in zip(names, rows, strict=True))
    except (ImportRefused, MemoryError):
        raise
    except Exception:
        # openpyxl raises whatever its parts raise; none of it says anything to a director.
        raise ImportRefused(
            "The workbook is damaged, or its XML is not what Excel writes. Open it in Excel, save it as .xlsx again."
        ) from None


def _check(content: bytes) -> None:
    """Refuse what is no workbook, unfolds too far, or holds macros or declared entities."""
    if content.startswith(_OLD):
        raise ImportRefused("The workbook has a password, or is in the old Excel format. Save it as .xlsx without one.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_parts(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise ImportRefused("This is not an Excel workbook, or it is damaged. Save it as .xlsx again.") from None


def _check_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNFOLDED:
        raise ImportRefused(
            f"The workbook unfolds to more than {MOST_UNFOLDED // 1024 // 1024} MB or {MOST_PARTS} parts. "
            "Copy the template's rows into a new workbook."
        )
    names = [part.filename for part in parts]
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise ImportRefused("This archive is not an Excel workbook. Save the template as .xlsx.")
    types = archive.read("[Content_Types].xml")
    if any(_MACROS.search(name) for name in names) or b"macroEnabled" in types or b"vbaProject" in types:
        raise ImportRefused("The workbook holds macros, and no macro is taken in. Save it as .xlsx without macros.")
    for part in parts:
        if part.filename.lower().endswith((".xml", ".rels", ".vml")) and _declares(archive, part):
            raise ImportRefused("The workbook declares XML entities, which no spreadsheet does. It was not opened.")


def _declares(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Whether a part declares a document type or entities, in any of the encodings XML may stand in."""
    with archive.open(part) as stream:
        last = b""
        while chunk := stream.read(_CHUNK):
            if _DECLARED.search(last + chunk):
                return True
            last = chunk[-16:]
    return False


def _rows(sheet: Any) -> Iterator[Row]:
    """The rows of a read-only worksheet as text. The size it claims is not believed: it may be the largest there is."""
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts: list[str] = []
        doubtful: dict[int, str] = {}
        for column, cell in enumerate(cells):
            if cell.data_type == "f":
                raise ImportRefused(
                    f"Cell {cell.coordinate} of sheet “{sheet.title}” holds a formula: what it shows cannot be known "
                    "here. Copy the sheet, paste it as values, and import again."
                )
            text, doubt = _text(cell.value, str(cell.number_format or ""))
            texts.append(text)
            if doubt:
                doubtful[column] = doubt
        yield Row(number, _without_end(texts), doubtful)


def _merged_down(archive: zipfile.ZipFile, sheet: Any) -> dict[int, list[tuple[int, int]]]:
    """Per column (from 0) the rows that one cell is merged over; Excel keeps its value in the first of them alone."""
    merged: dict[int, list[tuple[int, int]]] = {}
    for found in islice(_MERGED.finditer(archive.read(sheet._worksheet_path)), MOST_MERGED):
        first, last = int(found[2]), int(found[3])
        if last > first:
            merged.setdefault(column_index_from_string(found[1].decode()) - 1, []).append((first, last))
    return merged


def _filled(rows: Iterable[Row], merged: Mapping[int, Sequence[tuple[int, int]]]) -> Iterator[Row]:
    """The rows with the value of a merged cell in each row it stands over: a group beside its fields."""
    seen: dict[tuple[int, int], str] = {}
    for row in rows:
        cells = list(row.cells)
        for column, spans in merged.items():
            first = next((first for first, last in spans if first <= row.number <= last), None)
            if first is None or row.blank:
                continue
            if row.number == first:
                seen[column, first] = cells[column] if column < len(cells) else ""
            elif column >= len(cells) or not cells[column].strip():
                cells += [""] * (column + 1 - len(cells))
                cells[column] = seen.get((column, first), "")
        yield replace(row, cells=_without_end(cells))


def _text(value: object, shown_as: str) -> tuple[str, str]:
    """A cell's value as it was typed, and why it may not be that. Text is what was typed, whatever it looks like."""
    if value is None:
        return "", ""
    if isinstance(value, bool):
        return str(value).upper(), MADE_LOGICAL
    if isinstance(value, int | float):
        return _number(value, shown_as)
    if isinstance(value, datetime | date | time | timedelta):
        return str(value), MADE_DATE
    return str(value), ""


def _number(value: float, shown_as: str) -> tuple[str, str]:
    if value != int(value) if abs(value) < 1e300 else True:
        return repr(value), DECIMALS
    text = str(int(value))
    if _PLACES.fullmatch(shown_as):  # "000" shows 7 as 007
        text = text.zfill(len(shown_as))
    return text, LONG if abs(value) >= 10**15 else ""


def _without_end(texts: Sequence[str]) -> tuple[str, ...]:
    """Without empty cells at the end: whole rows are formatted up to the last column there is."""
    last = max((place for place, text in enumerate(texts, start=1) if text.strip()), default=0)
    return tuple(texts[:last])
