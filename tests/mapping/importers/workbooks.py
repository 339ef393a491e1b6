"""Excel workbooks for tests: as people make them, and as nobody should send them."""

import io
import zipfile
from collections.abc import Callable

import openpyxl

from mapping.importers import read_file
from mapping.importers.base import ImportedTemplate, ImportRefused

HEADER = ["Order", "Field ID", "Label", "Type", "Max Length"]
ROWS = [[1, "K1", "CC", "Free text", 500], [2, "K2", "HPI", "Free text", 6000]]


def saved(book) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def workbook(*sheets: tuple[str, list[list]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets or [("Sheet1", [HEADER, *ROWS])]:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return saved(book)


def changed(content: bytes, change: Callable[[str, bytes], bytes | None], **added: bytes) -> bytes:
    """The archive with every part as `change` has it (None: left out), and `added` ones."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = change(name, old.read(name))
            if part is not None:
                new.writestr(name, part)
        for name, part in added.items():
            new.writestr(name, part)
    return out.getvalue()


def in_sheet(content: bytes, before: bytes, after: bytes) -> bytes:
    """The workbook with a replacement in its first sheet's XML, which must hold `before`."""

    def change(name: str, part: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return part
        assert before in part
        return part.replace(before, after)

    return changed(content, change)


def outcome(name: str, content: bytes) -> tuple[ImportedTemplate, ...] | str:
    """What reading a file ends in: its templates, or why it is refused. Anything else raises."""
    try:
        return read_file(name, content)
    except ImportRefused as refused:
        return str(refused)
