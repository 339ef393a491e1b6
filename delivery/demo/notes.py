"""The notes of the demonstration: a handful written for it, or a file of real ones with the missing ids invented.

A file (`--notes`) has one JSON object a line: {"id", "patient": {…} or absent, "sections": [{"header", "text"}]}.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from delivery.demo.clinics import CLINICS

HERE = Path(__file__).parent
SHAPE = 'a note is an object with "sections", a list of objects with "header" and "text", and perhaps "patient".'
SEX = {"female": "F", "male": "M"}


def own_notes() -> list[dict[str, Any]]:
    """The synthetic notes that ship with the product."""
    rows = json.loads((HERE / "notes.json").read_text(encoding="utf-8"))
    return [complete(row, place) for place, row in enumerate(rows)]


def notes_from(path: Path) -> list[dict[str, Any]]:
    """Notes of a JSON-lines file; ValueError names a line that cannot be read, in words without its content."""
    notes = [complete(row, place) for place, row in enumerate(_lines(path))]
    if not notes:
        raise ValueError(f"{path.name} holds no note.")
    return notes


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line.decode("utf-8-sig"))
                row["sections"] = [_section(part) for part in row["sections"]]
                patient(row.get("patient") or {}, 0)
            except UnicodeDecodeError:
                raise ValueError(f"{path.name}, line {number} is no UTF-8 text.") from None
            except json.JSONDecodeError as error:
                raise ValueError(f"{path.name}, line {number} is no JSON: {error.msg} at {error.colno}.") from None
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ValueError(f"{path.name}, line {number}: {SHAPE}") from None
            yield row


def _section(part: dict[str, Any]) -> dict[str, str]:
    """Only the heading and the text: the portal resolves the heading, as it would a scribe's."""
    return {"title": str(part.get("title") or part.get("header") or "")[:200], "text": part.get("text") or ""}


def complete(row: dict[str, Any], place: int) -> dict[str, Any]:
    """Give a note the ids it lacks: encounter, provider, location, and a patient where it names none."""
    clinic = CLINICS[place % len(CLINICS)]
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30 + 7 * place)
    made: dict[str, Any] = {
        "source_note_id": str(row.get("source_note_id") or row.get("id") or f"demo-{place:04d}"),
        "version": 1,
        "location": clinic.code,
        "visit_type": row.get("visit_type", "in_person"),
        "patient": patient(row.get("patient") or {}, place),
        "encounter": {"id": f"E{50000 + place}", "start": start.isoformat()},
        "provider": {"id": f"DR{place % 3 + 1}", "family": ("Lee", "Okoye", "Brandt")[place % 3], "given": "Demo"},
        "sections": row["sections"],
    }
    return {**made, **{name: row[name] for name in ("diagnoses", "medications") if row.get(name)}}


def patient(given: dict[str, Any], place: int) -> dict[str, str]:
    """The posted patient's names and sex where the note has them; the id is always invented."""
    age = str(given.get("patient_age", ""))
    born = date(2026 - int(age), 1, 1).isoformat() if age.isdecimal() else "1970-01-01"
    return {
        "id": f"P{10000 + place}",
        "family": str(given.get("patient_familyname") or given.get("family") or "Demo"),
        "given": str(given.get("patient_firstname") or given.get("given") or f"Patient {place}"),
        "birth_date": str(given.get("birth_date") or born),
        "sex": SEX.get(str(given.get("patient_gender") or "").lower(), str(given.get("sex") or "U")),
    }


def batches(notes: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for note in notes:
        yield json.dumps(note, ensure_ascii=False).encode()
