"""Measures how fast an exported log is verified: a synthetic one, as large as wanted, without a database."""

import base64
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from audit.canonical import canonical, encode_json
from audit.checkpoints import Statement, public_keys, sign
from audit.event import AuditEvent
from audit.log_file import APART, RUN
from audit.merkle import Frontier, leaf_hash

AT = datetime(2026, 5, 2, 14, 3, 5, tzinfo=UTC)
MARK = "0badc0de-0000-7000-8000-000000000000"


def log_lines(events: int) -> Iterator[bytes]:
    """A whole log of so many events of one month, as export_audit writes it, without a database."""
    origin = f"{settings.AUDIT_ORIGIN}/bench/202605"
    model = canonical(_model())
    frontier, hashes, size = Frontier(), bytearray(), 0
    yield _said("log", {"version": 1, "practice": "bench", "made": "", "keys": [key.hex() for key in public_keys()]})
    yield _said("tree", origin)
    for number in range(events):
        line = model.replace(MARK.encode(), str(uuid.UUID(int=number)).encode())
        hashed = leaf_hash(line)
        frontier.append(hashed)
        hashes += hashed
        size += 1
        yield line
        last = number == events - 1
        if size == RUN or last or (number + 1) % APART == 0:
            yield _said("leaves", [number + 1 - size, base64.b64encode(hashes).decode()])
            hashes, size = bytearray(), 0
        if last or (number + 1) % APART == 0:
            said = Statement(origin=origin, size=number + 1, root=frontier.root(), at=AT, elapsed=AT)
            yield _said("checkpoint", sign(said.text()))
    yield _said("unsealed", 0)
    yield _said("end", {"events": events})


def _model() -> AuditEvent:
    """An event of usual size: a delivery's."""
    return AuditEvent(
        id=uuid.UUID(MARK), at=AT, schema=1, event="delivery.accepted", outcome="ok", actor_type="worker",
        actor_id="lane-7", practice="bench", location="NORTH", subject_bidx="a" * 32, encounter_bidx="b" * 32,
        object_type="delivery", object_id="123456", correlation_id="c" * 32, purpose_of_use="TREAT",
        data_category=["chief_complaint", "plan"], row_mac="0" * 64,
        detail={"delivery_id": 123456, "part": "note", "attempt": 1, "wire_sha256": "d" * 64, "connection": 3},
    )  # fmt: skip


def _said(name: str, value: Any) -> bytes:
    return encode_json({f"+{name}": value}).encode()


def verified(events: int, folder: Path) -> dict[str, Any]:
    """Write a log of so many events and let verify_log.py verify it, as an auditor would."""
    path = folder / "bench.jsonl"
    with path.open("wb") as file:
        for line in log_lines(events):
            file.write(line + b"\n")
    script = Path(__file__).with_name("verify_log.py")
    begun = time.monotonic()
    answer = subprocess.run([sys.executable, str(script), str(path), "--json"], capture_output=True, check=False)  # noqa: S603
    seconds = time.monotonic() - begun
    return {
        "events": events,
        "bytes": path.stat().st_size,
        "whole": answer.returncode == 0,
        "seconds": round(seconds, 1),
        "events_s": round(events / seconds),
        "ten_million_minutes": round(10_000_000 / (events / seconds) / 60, 1),
    }
