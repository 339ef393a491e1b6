"""Templates from CSV files as spreadsheets save them: any separator, UTF-8 with or without mark, or Windows-1252."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from mapping.importers.base import MAX_COLUMNS, ImportRefused
from mapping.importers.sheets import HEADER_WITHIN, Row, Sheet, bounded
from mapping.importers.table import understood

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "^": "caret", "~": "tilde"}
# The first line by which a spreadsheet is told the separator.
_SAID = re.compile(r"""^"?sep=(?P<mark>[^\w\s"]|\t)"?\s*(?:\r\n|\r|\n)""", re.IGNORECASE)


def read(content: bytes) -> Sheet:
    """The rows of a CSV file. Raises ImportRefused."""
    text, notes = decoded(content)
    if "\0" in text:
        raise ImportRefused("The file holds NUL bytes: it is not a CSV file. Save it as CSV (UTF-8) and import again.")
    said = _SAID.match(text)
    separator = said["mark"] if said else _likeliest(text)
    rows = _rows(text[said.end() :] if said else text, separator, 2 if said else 1)
    return Sheet("", tuple(bounded(rows)), tuple(notes))


def _likeliest(text: str) -> str:
    widest = max((line.count(mark) for line in io.StringIO(text) for mark in SEPARATORS), default=0)
    if widest > 10 * MAX_COLUMNS:
        raise ImportRefused(f"A row has {widest + 1} columns; {MAX_COLUMNS} are the most. Is this the template list?")
    return max(SEPARATORS, key=lambda mark: _score(text, mark))


def decoded(content: bytes) -> tuple[str, list[str]]:
    """The text and what is to be said about its encoding."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decode(content, "utf-16"), []
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        said = "The file is not UTF-8; it was read as Windows-1252. Check labels with accents."
        return _decode(content, "cp1252"), [said]


def _decode(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ImportRefused(
            f"Byte {error.start} is no text in any encoding known here. Save the file as CSV (UTF-8) and import again."
        ) from None


def _score(text: str, separator: str) -> tuple[int, int]:
    """How well a separator explains the top of the file: headers understood, then cells."""
    top: list[Row] = []
    with suppress(ImportRefused):  # the reading proper says it; here what stands before the fault is enough
        top.extend(islice(_rows(text, separator), HEADER_WITHIN))
    return understood(top), sum(len(row.cells) for row in top)


def _rows(text: str, separator: str, first: int = 1) -> Iterator[Row]:
    """The rows with their numbers, the text's own first line being `first`."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = first
    try:
        for cells in lines:
            yield Row(number, tuple(cells))
            number = lines.line_num + first
    except csv.Error as error:
        raise ImportRefused(
            f"Row {number} cannot be read ({error}): a quotation mark is open or misplaced, or a cell is "
            "too long. Repair the row and import again."
        ) from None
