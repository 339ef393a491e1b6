"""Measures a whole log: record so many events, seal them, export them as an auditor gets them, and verify the file.

Needs a database of its own (bench_audit makes one): what is recorded cannot be taken back.
"""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from audit.record import Actor, Entry, acting, record_many
from audit.sealed import Tree
from audit.sealing import check, seal_all, waiting

PRACTICE = "bench"
AT_ONCE = 2000  # events of one transaction
PATIENTS = 20_000
PATIENCE = 60  # seconds
MODEL = Entry(
    "delivery.accepted",
    practice=PRACTICE,
    location="NORTH",
    encounter_bidx="b" * 32,
    object_type="delivery",
    correlation_id="c" * 32,
    purpose_of_use="TREAT",
    data_category=("chief_complaint", "plan"),
    detail={"delivery_id": 123456, "part": "note", "attempt": 1, "wire_sha256": "d" * 64, "connection": 3},
)


def exported(events: int, folder: Path) -> dict[str, Any]:
    """Seconds of each step; of the whole log and one patient's, its size and what verify_log.py says."""
    whole, patient = folder / "audit.jsonl", folder / "patient.jsonl"
    seconds = {
        "record": _timed(lambda: _recorded(events)),
        "seal": _timed(_seal),
        "count_patients": _timed(_count_patients),
        "export": _timed(lambda: _export(whole)),
        "export_patient": _timed(lambda: _export(patient, "--subject", _patient(1))),
    }
    told = {"events": events, "database": connection.vendor, "seconds": seconds}
    for name, path in (("log", whole), ("patient", patient)):
        begun = time.monotonic()
        said = _verified(path)
        told[name] = {
            "whole": said["whole"],
            "events": said["events"],
            "bytes": path.stat().st_size,
            "verified_seconds": round(time.monotonic() - begun, 1),
        }
    return told


def _timed(deed: Callable[[], object]) -> float:
    begun = time.monotonic()
    deed()
    return round(time.monotonic() - begun, 1)


def _recorded(events: int) -> None:
    with acting(Actor("worker", "bench")):
        for first in range(0, events, AT_ONCE):
            with transaction.atomic():
                record_many([_entry(number) for number in range(first, min(first + AT_ONCE, events))])


def _entry(number: int) -> Entry:
    return replace(MODEL, subject_bidx=_patient(number % PATIENTS), object_id=str(number))


def _patient(number: int) -> str:
    return f"{number:032x}"


def _seal() -> None:
    """All of it: on PostgreSQL others' transactions, of whatever database, hold the sealer back until they end."""
    until = time.monotonic() + PATIENCE
    seal_all()
    while waiting().exists() and time.monotonic() < until:
        time.sleep(0.05)
        seal_all()


def _count_patients() -> None:
    """The checkpoint with the head map, as the sealer makes it each minute; no anchor is told of this database."""
    for tree in Tree.objects.filter(practice=PRACTICE):
        with transaction.atomic():
            check(tree, timezone.now(), heads=True)


def _export(path: Path, *more: str) -> None:
    with acting(Actor("worker", "bench")):
        call_command("export_audit", PRACTICE, str(path), *more, stdout=io.StringIO())


def _verified(path: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("verify_log.py")
    answer = subprocess.run([sys.executable, str(script), str(path), "--json"], capture_output=True, check=False)  # noqa: S603
    said: dict[str, Any] = json.loads(answer.stdout)
    return said
