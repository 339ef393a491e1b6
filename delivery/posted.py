"""A posted note, read from its JSON: strict about what JSON means, exact about where something is wrong.

Line ends: CR LF is a line end and becomes LF. Other controls (C0 but tab, DEL, C1 but NEL), a lone CR, lone
surrogates and Unicode's non-characters are refused with their place, as in the texts of a rule (mapping/sendable.py):
HL7 frames and segments end with such bytes, XML cannot hold some of them, and no chart shows any. Ids, codes and names
stand on one line: in them no line break of any kind is taken.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from delivery.channels.base import Patient, Visit
from delivery.documents import Document, documents_of
from delivery.entries import Entries, entries_of
from mapping.note import Section
from mapping.sections import resolve_title
from mapping.sendable import CANNOT_TRAVEL
from portal.models import Part

FORBIDDEN = re.compile(f"{CANNOT_TRAVEL.pattern}|\r(?!\n)")
# Also tab, the line ends, and Unicode's line and paragraph separators.
NOT_IN_ONE_LINE = re.compile(f"{CANNOT_TRAVEL.pattern}|[\t\n\r\x85\u2028\u2029]")
ONE_LINE = re.compile(
    "/(?:source_note_id|location|template|(?:patient|encounter|provider)/.+"
    r"|[a-z]+/\d+/(?:code|system|rxcui|ndc|cvx|loinc|unit|content_type)|attachments/\d+/title)"
)
STRUCTURED_PARTS = tuple(part for part in Part.values if part != Part.NOTE)


@dataclass(frozen=True)
class Wrong:
    """One thing wrong with a request: where (a JSON pointer, RFC 6901) and what, without repeating content."""

    pointer: str
    message: str


class BadJson(Exception):
    """The body is not JSON we accept; `wrong` says where."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.wrong = Wrong("", message)


@dataclass(frozen=True)
class PostedNote:
    """A validated note, as mapping and channels use it."""

    source_note_id: str
    version: int
    location: str
    template: str
    visit_type: str
    visit: Visit
    sections: tuple[Section, ...]
    parts: tuple[str, ...]  # which of Part the note has something for; "note" first if it has sections
    entries: Entries = field(default_factory=Entries)
    documents: tuple[Document, ...] = ()


def load(body: bytes) -> Any:
    """Parse strictly: UTF-8, no duplicate keys, no NaN or Infinity, sane depth (RFC 8259; RFC 7493 section 2.3)."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadJson(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadJson(f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise BadJson("The JSON is nested too deeply.") from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise BadJson("A number has too many digits.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadJson("An object has the same key twice; which one is meant cannot be known.")
    return made


def _no_constant(name: str) -> Any:
    raise BadJson(f"{name} is not JSON.")


def strings(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a JSON value with its pointer, keys included."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{pointer}/(name)", key
            yield from strings(inner, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings(inner, f"{pointer}/{index}")


def forbidden_characters(value: Any) -> list[Wrong]:
    """Characters that can never travel, each with its place."""
    found = []
    for pointer, text in strings(value):
        one_line = ONE_LINE.fullmatch(pointer)
        match = (NOT_IN_ONE_LINE if one_line else FORBIDDEN).search(text)
        if match:
            code = f"U+{ord(match.group()[0]):04X}"
            cannot = "cannot stand in an id, a code or a name" if one_line else "cannot be charted"
            message = f"Character {code} at position {match.start()} {cannot}; remove it."
            found.append(Wrong(pointer.encode("utf-8", "replace").decode(), message))
    return found


def read(body: bytes) -> PostedNote:
    """The note in a body that has passed validation."""
    return note_of(load(body))


def note_of(data: dict[str, Any]) -> PostedNote:
    sections = tuple(_section(index, row) for index, row in enumerate(data.get("sections", [])))
    parts = [Part.NOTE.value] if sections else []
    return PostedNote(
        source_note_id=data["source_note_id"],
        version=data["version"],
        location=data["location"],
        template=data.get("template") or "",
        visit_type=data.get("visit_type") or "in_person",
        visit=_visit(data),
        sections=sections,
        parts=tuple(parts + [name for name in STRUCTURED_PARTS if data.get(name)]),
        entries=entries_of(data),
        documents=documents_of(data),
    )


def line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")


def _section(index: int, row: dict[str, Any]) -> Section:
    title = row.get("title") or ""
    code = row.get("code") or resolve_title(title)
    return Section(index=index, code=code, title=line_ends(title), text=line_ends(row.get("text") or ""))


def _visit(data: dict[str, Any]) -> Visit:
    patient, encounter, provider = data["patient"], data["encounter"], data.get("provider") or {}
    start = encounter.get("start")
    return Visit(
        encounter_id=encounter["id"],
        patient=Patient(
            id=patient["id"],
            family=patient.get("family") or "",
            given=patient.get("given") or "",
            birth_date=patient.get("birth_date") or "",
            sex=patient.get("sex") or "",
        ),
        start=datetime.fromisoformat(start) if start else None,
        provider_id=provider.get("id") or "",
        provider_npi=provider.get("npi") or "",
        provider_family=provider.get("family") or "",
        provider_given=provider.get("given") or "",
    )
