"""Reads a list of ICD-10-CM codes as it is published or exported: order file, codes file, CSV, or a code a line.

Text alone, so nothing unfolds; sizes are bounded before anything is kept.
"""

import re
from collections.abc import Iterator

from mapping.codes.icd10 import BARE, CodeList, bare

MAX_BYTES = 20 * 1024 * 1024  # CMS's order file has about 14 MB
MAX_LINES = 200_000
FEWEST = 50_000  # the whole list had 74,000 billable codes in 2026
ENDINGS = (".csv", ".txt")
# CMS order file: "00001 A00     0 Cholera …"; codes file: "A000    Cholera due to …"
ORDER = re.compile(r"\d{5} ([A-Z0-9]{3,7}) *[01] ")
FIRST_CELL = re.compile(r'"?([A-Za-z0-9.]{3,8})"?(?=[\s,;|]|$)')


class ListRefused(Exception):
    """The file is not taken, in plain words. Nothing was saved."""


def read(filename: str, content: bytes, name: str) -> CodeList:
    """The codes of a file. Raises ListRefused."""
    if not filename.lower().endswith(ENDINGS):
        raise ListRefused("Only .txt and .csv files are taken: unpack an archive, save a workbook as CSV.")
    if len(content) > MAX_BYTES:
        raise ListRefused(f"The file has more than {MAX_BYTES // 1024 // 1024} MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "\0" in text:
        raise ListRefused("The file holds NUL bytes: it is not text. Save it as TXT or CSV (UTF-8).")
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise ListRefused(f"The file has more than {MAX_LINES:,} lines.")
    codes = CodeList.of(name, codes_in(lines))
    if len(codes) < FEWEST:
        raise ListRefused(
            f"Only {len(codes):,} codes were found, and a whole list has more than {FEWEST:,}. With a part of the "
            "list, right diagnoses would be held. Each line must begin with a code."
        )
    return codes


def codes_in(lines: list[str]) -> Iterator[str]:
    """The bare code each line begins with; headings, blocks (A00-A09) and empty lines have none."""
    for number, line in enumerate(lines, start=1):
        found = ORDER.match(line) or FIRST_CELL.match(line)
        code = bare(found[1]) if found else ""
        if BARE.fullmatch(code) and not code.isalpha():  # "Code" is a heading
            yield code
        elif number > 30 and line.strip() and "-" not in line[:10]:
            raise ListRefused(f"Line {number} does not begin with a code. Nothing was saved.")
