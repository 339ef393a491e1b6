"""What every importer yields: templates with accepted fields and refused rows, or one plain refusal.

An importer turns bytes into ImportedTemplate values and touches neither database nor network.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 2000
MAX_COLUMNS = 200


class ImportRefused(Exception):
    """The file cannot be imported. The message says where the fault is and what to do; nothing was saved."""


@dataclass(frozen=True)
class ImportedField:
    """One accepted field; `position` is its 1-based place in the template, `max_length` in characters."""

    field_id: str
    label: str
    position: int
    kind: str = "free_text"
    max_length: int | None = None
    required: bool = False
    group: str = ""


@dataclass(frozen=True)
class RefusedRow:
    """A row that is not taken over: where it stands in the file, and why."""

    place: str
    reason: str


@dataclass(frozen=True)
class ImportedTemplate:
    """One template of a file. `notes` says what was understood rather than read: encoding, missing columns, sites."""

    name: str
    code: str
    fields: tuple[ImportedField, ...]
    refused: tuple[RefusedRow, ...] = ()
    notes: tuple[str, ...] = ()
    specialty: str = ""


def fingerprint(fields: Sequence[ImportedField]) -> str:
    """64 hex digits that change with any field, its order, label, kind, length, group or requirement."""
    rows = [astuple(field) for field in sorted(fields, key=lambda field: field.position)]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
