"""Which ICD-10-CM list counts for a practice on a day: the newest one it uploaded for that day, else the one carried.

Loaded when the first diagnosis is judged, never at a process's start. The list that comes along is read as a file of
simple-icd-10-cm: importing that package builds a tree of 177 MiB, which nothing here needs.
"""

import zlib
from datetime import date
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from mapping.codes.icd10 import WIDTH, CodeList, bare
from mapping.models import DiagnosisList
from portal.models import Practice, User

CARRIED = "April 2026, as carried"
FILE = "code-list-April-2026.txt"
TABLE = "icd10c-tabular-April-1-2026.xml"


def folder() -> Path:
    """Where simple-icd-10-cm keeps its files; it is found, not imported."""
    spec = find_spec("simple_icd_10_cm")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("simple-icd-10-cm is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


@cache
def carried() -> CodeList:
    """The list that comes with the program."""
    return CodeList.of(CARRIED, (folder() / FILE).read_text("ascii").splitlines())


@lru_cache(maxsize=4)
def _uploaded(pk: int, name: str) -> CodeList:
    """A row's list; rows never change, so that it is opened once a process."""
    packed = DiagnosisList.objects.values_list("records", flat=True).get(pk=pk)
    return CodeList(name, zlib.decompress(bytes(packed)))


def row_for(practice_id: int, day: date) -> tuple[int, str] | None:
    """Key and name of the uploaded list in force on a day; None where it is the carried one."""
    rows = DiagnosisList.objects.filter(practice=practice_id, in_force_from__lte=day)
    return rows.order_by("-in_force_from", "-pk").values_list("pk", "name").first()


def list_for(practice_id: int, day: date) -> CodeList:
    """What a diagnosis of that day is judged by."""
    row = row_for(practice_id, day)
    return _uploaded(*row) if row else carried()


def add(practice: Practice, codes: CodeList, in_force_from: date, user: User) -> DiagnosisList:
    """Keep an uploaded list; recorded like every configuration."""
    return DiagnosisList.objects.create(
        practice=practice,
        name=codes.name,
        in_force_from=in_force_from,
        records=zlib.compress(codes.records),
        codes=len(codes),
        billable=codes.billable_count(),
        uploaded_by=user,
    )


def words_of(code: str) -> str:
    """What the carried table calls a code; a code with a seventh character is called as the one it extends. "" if none.

    Looked up in the file itself: for the few codes a page shows.
    """
    table = (folder() / TABLE).read_bytes()
    extended = code[:-1].rstrip("X").rstrip(".") if len(bare(code)) == WIDTH else code
    for spelt in dict.fromkeys((code, extended)):
        at = table.find(f"<name>{spelt}</name>".encode())
        start = table.find(b"<desc>", at) + len(b"<desc>")
        if at >= 0 and start - at < 200:
            return table[start : table.find(b"</desc>", start)].decode().replace("&amp;", "&")
    return ""
