"""The sections that are wrong with a delivery, as one text on its row: what the list is narrowed by (`section`).

Written with what it is made of: with the outcomes of a reading, or with the problems that hold it. ",hpi,plan," holds
the scribe's codes; a section without one, and a coded entry, is `uncoded`. "" where nothing is wrong that is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNCODED = "uncoded"
# Of the outcomes of a section (words.py) those that need a person; not yet read and not yet taken over are neither.
WRONG = frozenset({"missing", "moved", "altered", "duplicated", "cut", "left_behind", "unsent"})


def by_outcomes(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The columns for what was read of each section."""
    return {"section_outcomes": rows, "affected": text(row["code"] for row in rows if row["outcome"] in WRONG)}


def by_problems(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The columns for what holds it. A problem that names no place in the note affects no section."""
    return {"problems": rows, "affected": text(row["section_code"] for row in rows if _in_note(row))}


def _in_note(row: Mapping[str, Any]) -> bool:
    return bool(row.get("section_code") or str(row.get("pointer", "")).startswith("/sections/"))


def text(codes: Iterable[str]) -> str:
    named = dict.fromkeys(code or UNCODED for code in codes)
    return f",{','.join(named)}," if named else ""


def codes(affected: str) -> tuple[str, ...]:
    return tuple(code for code in affected.split(",") if code)
