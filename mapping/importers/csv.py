"""Templates from CSV files as spreadsheets save them: any separator, UTF-8 with or without mark, or Windows-1252."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice

from mapping.importers.base import MAX_COLUMNS, ImportRefused
from mapping.importers.sheets import HEADER_WITHIN, MADE_DATE, MADE_LOGICAL, Row, Sheet, bounded
from mapping.importers.table import understood

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "^": "caret", "~": "tilde"}
# The first line by which a spreadsheet is told the separator.
_SAID = re.compile(r"""^"?sep=(?P<mark>[^\w\s"]|\t)"?\s*(?:\r\n|\r|\n)""", re.IGNORECASE)

_MONTH = (
    "(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz?|mrz|apr(?:il)?|ma[yi]|june?|juni|july?|juli|aug(?:ust)?"
    "|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)[.]?"
)
_DAY, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:19|20)[0-9]{2}"
# What spreadsheets write for a cell that they took for a date: 1-Feb, Feb-24, 2/1/2024, 2024-02-01, 01.02.2024 00:00.
_DATE = re.compile(
    rf"(?:{_DAY}[-/ .]{{1,2}}{_MONTH}(?:[-/ .](?:{_YEAR}|[0-9]{{2}}))?|{_MONTH}[-/ .](?:{_YEAR}|[0-9]{{2}})"
    rf"|{_DAY}/{_DAY}/(?:{_YEAR}|[0-9]{{2}})|{_DAY}([-.]){_DAY}\1{_YEAR}|{_YEAR}([-/.])[01]?[0-9]\2{_DAY})"
    r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?)?",
    re.IGNORECASE,
)
_LONGEST_DATE = 40
_CAPITALS = re.compile("[A-Z]{2}")
_LOGICAL = frozenset({"true", "false", "wahr", "falsch", "vrai", "faux", "verdadero", "falso"})


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


def _doubtful(cells: Sequence[str]) -> dict[int, str]:
    """The cells that may have been typed otherwise: a file of text does not say what a spreadsheet took them for."""
    doubts = ((column, _doubt(cell.strip())) for column, cell in enumerate(cells))
    return {column: doubt for column, doubt in doubts if doubt}


def _doubt(text: str) -> str:
    if text.casefold() in _LOGICAL:
        return MADE_LOGICAL
    # A spreadsheet writes Mar-01; MAR-01 was typed so.
    return MADE_DATE if len(text) <= _LONGEST_DATE and not _CAPITALS.search(text) and _DATE.fullmatch(text) else ""


def _rows(text: str, separator: str, first: int = 1) -> Iterator[Row]:
    """The rows with their numbers, the text's own first line being `first`."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = first
    try:
        for cells in lines:
            yield Row(number, tuple(cells), _doubtful(cells))
            number = lines.line_num + first
    except csv.Error as error:
        raise ImportRefused(
            f"Row {number} cannot be read ({error}): a quotation mark is open or misplaced, or a cell is "
            "too long. Repair the row and import again."
        ) from None
