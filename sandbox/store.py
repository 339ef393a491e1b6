"""The chart store: SQLite, one writer, commits in groups before anything is answered.

What is committed has been handed to the operating system, and so outlives the process being killed at any moment. It is
not forced to the disk: a power cut may cost the charts, which are synthetic, and forcing would make the product wait
for our disk (a hundred milliseconds at times) where it measures itself.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox import documents
from sandbox.chart import EncounterLine, Filing
from sandbox.filing import Filed
from sandbox.oru import Note
from sandbox.template import Template, template_from_json

SCHEMA = """
CREATE TABLE IF NOT EXISTS template (
    facility TEXT NOT NULL, code TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (facility, code)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signed (
    facility TEXT NOT NULL, encounter TEXT NOT NULL, PRIMARY KEY (facility, encounter)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS visit_template (
    facility TEXT NOT NULL, encounter TEXT NOT NULL, patient TEXT NOT NULL, template TEXT NOT NULL,
    PRIMARY KEY (facility, encounter)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS filing (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    control_id TEXT NOT NULL, note_id TEXT NOT NULL, facility TEXT NOT NULL, encounter TEXT NOT NULL,
    patient TEXT NOT NULL, template TEXT NOT NULL, correction INTEGER NOT NULL, filed_at REAL NOT NULL,
    lost TEXT NOT NULL, fields TEXT NOT NULL, raw BLOB NOT NULL  -- the long ones last: lists need not read past them
);
CREATE INDEX IF NOT EXISTS filing_encounter ON filing (facility, encounter, sequence);
CREATE INDEX IF NOT EXISTS filing_control_id ON filing (control_id);
"""
as_text = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode

INSERT = """
INSERT INTO filing
    (control_id, note_id, facility, encounter, patient, template, correction, filed_at, lost, fields, raw)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
WHOLE = """
SELECT sequence, control_id, note_id, facility, encounter, patient, template, correction, filed_at, lost, fields
FROM filing
"""
LINE = """
SELECT sequence, control_id, note_id, facility, encounter, patient, template, correction, filed_at, lost, '{}'
FROM filing
"""
OF_ENCOUNTER = WHOLE + "WHERE facility = ? AND encounter = ? AND filed_at <= ? ORDER BY sequence"
AFTER = "WHERE sequence > ? AND (facility = ? OR '' = ?) ORDER BY sequence LIMIT ?"
ENCOUNTERS = """
SELECT encounter, patient, count(*) FROM filing WHERE facility = ? AND (instr(encounter, ?) OR instr(patient, ?))
GROUP BY encounter ORDER BY max(sequence) DESC LIMIT ? OFFSET ?
"""


class Store:
    """Charts and templates in one file.

    Charts are read on a connection of their own, which sees only what is committed: nobody is shown, nor verifies,
    a filing that a kill could undo. Templates and signatures are also kept in memory, for every message asks for them.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(folder / "charts.sqlite3", isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("PRAGMA wal_autocheckpoint=4000")
        self.db.executescript(SCHEMA + documents.SCHEMA)
        self.templates: dict[str, dict[str, Template]] = {}
        for facility, code, body in self.db.execute("SELECT facility, code, body FROM template"):
            self.templates.setdefault(facility, {})[code] = template_from_json(facility, code, json.loads(body))
        self.signed: set[tuple[str, str]] = set(self.db.execute("SELECT facility, encounter FROM signed"))
        self.committed = sqlite3.connect(folder / "charts.sqlite3", isolation_level=None)
        self.committed.execute("PRAGMA query_only=ON")

    def begin(self) -> None:
        if not self.db.in_transaction:
            self.db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        if self.db.in_transaction:
            self.db.execute("COMMIT")

    def rollback(self) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def close(self) -> None:
        self.commit()
        self.committed.close()
        self.db.close()

    def put_template(self, template: Template) -> None:
        row = (template.facility, template.code, as_text(template.as_json()))
        self.db.execute("INSERT OR REPLACE INTO template VALUES (?, ?, ?)", row)
        self.templates.setdefault(template.facility, {})[template.code] = template

    def sign(self, facility: str, encounter: str, signed: bool) -> None:
        """Signs an encounter's note, which locks it, or opens it again."""
        if signed:
            self.db.execute("INSERT OR IGNORE INTO signed VALUES (?, ?)", (facility, encounter))
            self.signed.add((facility, encounter))
        else:
            self.db.execute("DELETE FROM signed WHERE facility = ? AND encounter = ?", (facility, encounter))
            self.signed.discard((facility, encounter))

    def file(self, note: Note, filed: Filed, raw: bytes) -> None:
        """Adds a filing to the open group; it stands only after commit()."""
        self.begin()
        lost = [{"field_id": each.field_id, "reason": each.reason, "filed_as": each.filed_as} for each in filed.lost]
        identity = (note.control_id, note.note_id, note.facility, note.encounter, note.patient, note.template)
        self.db.execute(INSERT, (*identity, note.correction, time.time(), as_text(lost), as_text(filed.fields), raw))

    def file_documents(self, note: Note) -> None:
        """Adds documents to the open group; they stand only after commit()."""
        self.begin()
        identity = (note.control_id, note.facility, note.encounter, note.patient)
        documents.file_documents(self.db, identity, note.documents)

    def has_control_id(self, control_id: str) -> bool:
        """Whether a message of this control id was filed, the open group included."""
        found = self.db.execute(
            "SELECT 1 FROM filing WHERE control_id = ? UNION SELECT 1 FROM document WHERE control_id = ? LIMIT 1",
            (control_id, control_id),
        )
        return found.fetchone() is not None

    def patient_of(self, facility: str, encounter: str) -> str | None:
        """Whose encounter this is, as its template or its first filing said; the open group included."""
        found = self.db.execute(
            "SELECT patient FROM visit_template WHERE facility = ? AND encounter = ? UNION ALL "
            "SELECT patient FROM (SELECT patient FROM filing WHERE facility = ? AND encounter = ? "
            "ORDER BY sequence LIMIT 1) LIMIT 1",
            (facility, encounter, facility, encounter),
        ).fetchone()
        return found[0] if found else None

    def populate(self, facility: str, encounter: str, patient: str, template: str) -> None:
        """Makes a visit's note of a template, in the open group; one that is made of a template stays as it is."""
        self.begin()
        row = (facility, encounter, patient, template)
        self.db.execute("INSERT OR IGNORE INTO visit_template VALUES (?, ?, ?, ?)", row)

    def populated(self, facility: str, encounter: str) -> tuple[str, str]:
        """The template a visit's note is made of, and its patient; ("", "") where there is none. Committed only."""
        found = self.committed.execute(
            "SELECT template, patient FROM visit_template WHERE facility = ? AND encounter = ?", (facility, encounter)
        ).fetchone()
        return (str(found[0]), str(found[1])) if found else ("", "")

    def encounter_of(self, sequence: int, facility: str) -> str:
        """The encounter of a facility's filing; "" when there is no such filing."""
        found = self.committed.execute(
            "SELECT encounter FROM filing WHERE sequence = ? AND facility = ?", (sequence, facility)
        ).fetchone()
        return str(found[0]) if found else ""

    def filings(self, facility: str, encounter: str, until: float = float("inf")) -> list[Filing]:
        """The filings of an encounter made until then (seconds since 1970), oldest first."""
        return [as_filing(row) for row in self.committed.execute(OF_ENCOUNTER, (facility, encounter, until))]

    def filings_after(self, facility: str, after: int, limit: int, with_fields: bool) -> Iterator[Filing]:
        """The next filings in order of filing, of all facilities when `facility` is ""; `fields` empty unless asked."""
        rows = self.committed.execute((WHOLE if with_fields else LINE) + AFTER, (after, facility, facility, limit))
        return map(as_filing, rows.fetchall())

    def encounters(self, facility: str, search: str, limit: int, offset: int) -> list[EncounterLine]:
        """Encounters whose id or patient id contains `search`, the one filed to last comes first."""
        rows = self.committed.execute(ENCOUNTERS, (facility, search, search, limit, offset))
        return [
            EncounterLine(encounter, patient, filings, (facility, encounter) in self.signed)
            for encounter, patient, filings in rows
        ]

    def raw(self, sequence: int) -> bytes:
        """The message of a filing as it came; b"" when there is no such filing."""
        row = self.committed.execute("SELECT raw FROM filing WHERE sequence = ?", (sequence,)).fetchone()
        return row[0] if row else b""

    def count(self) -> int:
        return int(self.committed.execute("SELECT count(*) FROM filing").fetchone()[0])

    def clear(self, keep_templates: bool) -> None:
        """Forgets every filing and signature, and the templates too unless they are to be kept."""
        self.db.execute("DELETE FROM filing")
        self.db.execute("DELETE FROM document")
        self.db.execute("DELETE FROM visit_template")
        self.db.execute("DELETE FROM signed")
        self.signed.clear()
        if not keep_templates:
            self.db.execute("DELETE FROM template")
            self.templates.clear()


def as_filing(row: tuple[Any, ...]) -> Filing:
    """A row of WHOLE or LINE."""
    sequence, control_id, note_id, facility, encounter, patient, template, correction, filed_at, lost, fields = row
    identity = (control_id, note_id, facility, encounter, patient, template)
    return Filing(sequence, *identity, bool(correction), filed_at, json.loads(lost), json.loads(fields))
