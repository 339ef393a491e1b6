"""Template files become ImportedTemplate values. A further format is one file here and one line below."""

from collections.abc import Callable, Sequence
from pathlib import PurePath

from audit.when_called import when_called
from mapping.importers import csv, json, oru
from mapping.importers.base import MAX_BYTES, ImportedTemplate, ImportRefused
from mapping.importers.fields import stem
from mapping.importers.headers import NOTHING, Known
from mapping.importers.reading import Reading, templates_of
from mapping.importers.sheets import Sheet

# By the ending of the file's name: what reads its rows, where columns have to be understood …
SHEETS: dict[str, Callable[[bytes], Sequence[Sheet]]] = {
    ".csv": lambda content: [csv.read(content)],
    ".tsv": lambda content: [csv.read(content)],
    ".txt": lambda content: [csv.read(content)],
    ".xlsx": when_called("mapping.importers.xlsx.read"),
}
# … and what reads templates from formats that name their fields themselves.
TEMPLATES: dict[str, Callable[[str, bytes, Known], Reading]] = {".json": json.read, ".hl7": oru.read}
READERS = frozenset({*SHEETS, *TEMPLATES})
# Endings that people try, and what to do instead.
INSTEAD = {
    ".xlsm": "The workbook may hold macros, and no macro is taken in. Save it without macros, as .xlsx.",
    ".xls": "This is the old Excel format. Save it as .xlsx.",
    ".xlsb": "This is Excel's binary format. Save it as .xlsx.",
    ".ods": "Save the spreadsheet as .xlsx or as CSV (UTF-8).",
    ".numbers": "Export the spreadsheet as .xlsx or as CSV.",
    ".xml": "XML is not taken in. Export the template as .xlsx, CSV or JSON.",
    ".zip": "Unpack the archive and choose the file inside it.",
}


def read(filename: str, content: bytes, known: Known = NOTHING) -> Reading:
    """What a file holds, its columns not yet understood. Raises ImportRefused with place and remedy in plain words."""
    ending = PurePath(filename).suffix.lower()
    if ending not in READERS:
        other = f"Export the template as one of: {', '.join(sorted(READERS))}."
        raise ImportRefused(f"Files ending in “{ending[:10]}” cannot be read. {INSTEAD.get(ending, other)}")
    if len(content) > MAX_BYTES:
        size = len(content) / 1024 / 1024
        raise ImportRefused(f"The file has {size:.1f} MB; {MAX_BYTES // 1024 // 1024} MB are the most.")
    if not content.strip():
        raise ImportRefused("The file is empty. Export the template again, with its field identifiers.")
    if ending in TEMPLATES:
        return TEMPLATES[ending](filename, content, known)
    if oru.looks_like(content):
        return oru.read(filename, content, known)
    return Reading(stem(filename), sheets=tuple(SHEETS[ending](content)))


def read_file(filename: str, content: bytes, known: Known = NOTHING) -> tuple[ImportedTemplate, ...]:
    """The templates of a file, read in this process: for files of our own. What others send, limited.py reads."""
    return templates_of(read(filename, content, known), known)
