"""Measures the export of everything a practice has: time, memory, size, and whether each word came out again."""

import base64
import json
import resource
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from lxml import etree

from delivery.bench import crowd, notes
from delivery.models import Note, NoteVersion
from portal import crypto
from portal.exports.asking import begin, fetch
from portal.exports.running import run_due
from portal.exports.tables import ExportJob

PREFIX = "release"
AT_ONCE = 1000
NS = "{urn:hl7-org:v3}"


def seed(number: int) -> crowd.Crowd:
    """A practice with so many notes of ten sections each, sealed as posted ones are."""
    with transaction.atomic():
        made = crowd.people(crowd.LOCATIONS)
    for first in range(0, number, AT_ONCE):
        rows = [_rows(made, each) for each in range(first, min(first + AT_ONCE, number))]
        with transaction.atomic():
            Note.objects.bulk_create(note for note, _ in rows)
            NoteVersion.objects.bulk_create(version for _, version in rows)
    return made


def _rows(made: crowd.Crowd, number: int) -> tuple[Note, NoteVersion]:
    location, now, key = made.locations[number % len(made.locations)], timezone.now(), uuid4()
    posted = notes.note(PREFIX, number)
    note = Note(
        id=uuid4(),
        practice_id=location.practice_id,
        location=location,
        scribe=made.scribe,
        source_note_id=posted["source_note_id"],
        created_at=now,
    )
    version = NoteVersion(
        id=key,
        note=note,
        number=1,
        received_at=now,
        sealed_body=crypto.seal(json.dumps(posted).encode(), table="noteversion", column="body", row=key),
        visit_type="in_person",
        provider_id="DR7",
        patient_bidx=crypto.blind_index("patient", posted["patient"]["id"]),
        encounter_bidx=crypto.blind_index("encounter", posted["encounter"]["id"]),
    )
    return note, version


def measure(made: crowd.Crowd, number: int) -> dict[str, Any]:
    """Export everything as a director does, then read the archive with other parsers than wrote it."""
    before, began = _peak(), time.monotonic()
    begin(made.director, "ehi", {"format": "zip", "patient": ""})
    run_due()
    seconds = time.monotonic() - began
    job = ExportJob.objects.latest("pk")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.zip"
        with path.open("wb") as file:
            file.writelines(fetch(job))
        found = equal(path, number)
    return {
        "state": job.state,
        "seconds": round(seconds, 1),
        "notes_s": round(number / seconds),
        "bytes": job.size,
        "peak_mib": _peak(),
        "peak_before_mib": before,
        **found,
    }


def _peak() -> int:
    """The most memory this process has had resident, MiB (Linux counts KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def equal(path: Path, number: int) -> dict[str, int]:
    """Of how many notes each form holds every section's words."""
    with zipfile.ZipFile(path) as archive:
        posted = {name.rsplit("/", 1)[0]: json.loads(archive.read(name)) for name in _named(archive, "note.json")}
        texts = {under: [section["text"] for section in one["sections"]] for under, one in posted.items()}
        resources = [json.loads(line) for line in archive.open("fhir/DocumentReference.ndjson")]
        return {
            "notes": len(posted),
            "text_equal": sum(
                _holds(archive.read(f"{under}/note.txt").decode(), words) for under, words in texts.items()
            ),
            "ccda_equal": sum(
                _sections(archive.read(f"{under}/ccda.xml")) == [one.replace("\n", "") for one in words]
                for under, words in texts.items()
            ),
            "fhir_equal": sum(_holds(_text(one), _of(texts, one)) for one in resources),
            "left_out": len(json.loads(archive.read("manifest.json"))["left_out"]),
            "files": len(archive.namelist()),
        }


def _named(archive: zipfile.ZipFile, end: str) -> Iterator[str]:
    return (name for name in archive.namelist() if name.endswith(end))


def _holds(text: str, words: list[str]) -> bool:
    return bool(words) and all(one in text for one in words)


def _sections(raw: bytes) -> list[str]:
    """The text of each section of a C-CDA, as any reader of XML finds it (a line break is an element there)."""
    root = etree.fromstring(raw)
    return ["".join(one.itertext()) for one in root.iter(f"{NS}paragraph")]


def _text(resource: dict[str, Any]) -> str:
    return base64.b64decode(resource["content"][0]["attachment"]["data"]).decode()


def _of(texts: dict[str, list[str]], resource: dict[str, Any]) -> list[str]:
    note = UUID(resource["identifier"][0]["value"])
    return texts.get(f"notes/{note}/v1", [])
