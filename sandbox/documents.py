"""Documents in an ORU^R01: OBX of type ED with Base64 in them, in the spellings that senders use."""

import base64
import binascii
import hashlib
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from sandbox.hl7 import Message, Segment
from sandbox.refusal import Refusal

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, control_id TEXT NOT NULL, facility TEXT NOT NULL,
    encounter TEXT NOT NULL, patient TEXT NOT NULL, field_id TEXT NOT NULL, title TEXT NOT NULL,
    content_type TEXT NOT NULL, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS document_encounter ON document (facility, encounter, sequence);
"""
# HL7 tables 0191 and 0291, and what senders write in their place.
KINDS = {"AP": "application", "APPLICATION": "application", "IM": "image", "TEXT": "text", "": "application"}


@dataclass(frozen=True, slots=True)
class Document:
    """One OBX of type ED."""

    field_id: str
    title: str
    content_type: str
    content: bytes = field(repr=False)


def read_document(message: Message, obx: Segment, number: int) -> Document:
    """Raises Refusal(AE) for what cannot be taken."""
    place = f"OBX^{number}^5"
    kind, subtype, encoding = (message.component(obx, 5, part) for part in (2, 3, 4))
    data = obx.raw(5).split(message.delimiters.component)[4:5]
    if encoding.casefold() != "base64" or not data:
        raise Refusal("AE", "102", f"OBX-5 is no Base64 document (OBX {number}).", place)
    try:
        content = base64.b64decode(data[0], validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("AE", "102", f"OBX-5 cannot be decoded (OBX {number}).", place) from None
    if not content:
        raise Refusal("AE", "101", f"OBX-5 is empty (OBX {number}).", place)
    spelled = f"{KINDS.get(kind.upper(), kind.lower())}/{subtype.lower()}"
    return Document(message.first(obx, 3), message.component(obx, 3, 2), spelled, content)


def file_documents(
    db: sqlite3.Connection, identity: tuple[str, str, str, str], documents: tuple[Document, ...]
) -> None:
    """`identity`: control id, facility, encounter, patient."""
    for one in documents:
        row = (*identity, one.field_id, one.title, one.content_type, one.content)
        db.execute(
            "INSERT INTO document (control_id, facility, encounter, patient, field_id, title, content_type, content) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )


def documents_of(db: sqlite3.Connection, facility: str, encounter: str) -> list[dict[str, Any]]:
    """What stands beside an encounter's note, in the order of filing; the content by its size and SHA-256."""
    rows = db.execute(
        "SELECT control_id, patient, field_id, title, content_type, content FROM document "
        "WHERE facility = ? AND encounter = ? ORDER BY sequence",
        (facility, encounter),
    )
    names = ("control_id", "patient", "field_id", "title", "content_type")
    return [
        dict(zip(names, row, strict=False)) | {"bytes": len(row[5]), "sha256": hashlib.sha256(row[5]).hexdigest()}
        for row in rows
    ]


def whole(db: sqlite3.Connection, facility: str, encounter: str) -> list[tuple[int, str, str, str, str, bytes]]:
    """Number, control id, patient, title, type and bytes of what stands beside an encounter's note, oldest first."""
    rows = db.execute(
        "SELECT sequence, control_id, patient, title, content_type, content FROM document "
        "WHERE facility = ? AND encounter = ? ORDER BY sequence",
        (facility, encounter),
    )
    return list(rows)


def encounter_of(db: sqlite3.Connection, number: int, facility: str) -> str:
    """The encounter of a facility's document; "" when there is no such document."""
    row = db.execute(
        "SELECT encounter FROM document WHERE sequence = ? AND facility = ?", (number, facility)
    ).fetchone()
    return str(row[0]) if row else ""
