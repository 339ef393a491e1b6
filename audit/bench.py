"""Measures the log: what recording costs a transaction, and how fast an exported log is verified.

Needs a database of its own (bench_audit makes one): what is recorded cannot be taken back.
"""

import base64
import multiprocessing
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from django.conf import settings
from django.db import connection, connections, transaction

from audit.canonical import canonical, encode_json
from audit.checkpoints import Statement, public_keys, sign
from audit.event import AuditEvent
from audit.log_file import APART, RUN
from audit.merkle import Frontier, leaf_hash
from audit.record import Actor, acting, record

TABLE = "bench_audit_deed"
AT = datetime(2026, 5, 2, 14, 3, 5, tzinfo=UTC)
TURNS = 3
WARM_UP = 10  # transactions before the clock starts: connections, statements, look-ups
MARK = "0badc0de-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Written:
    """What one writer did: the seconds each transaction took, processor seconds of all (its database's too)."""

    took: list[float]
    cpu: float


Writer = Callable[[float, bool], Written]  # so many seconds, with recording or without


@dataclass(frozen=True)
class Round:
    """What writers did in a time: transactions a second, each one's processor time, how long each took."""

    rate: float
    cpu_ms: float
    median_ms: float
    p99_ms: float


def make_table() -> None:
    with connection.cursor() as cursor:
        key = "BIGSERIAL" if connection.vendor == "postgresql" else "INTEGER"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (id {key} PRIMARY KEY, body TEXT)")


def measured(writers: int, seconds: float, writer: Writer, audited: bool) -> Round:
    """So many processes, each transaction after transaction."""
    connections.close_all()
    with multiprocessing.get_context("fork").Pool(writers) as pool:
        done = pool.starmap(writer, [(seconds, audited)] * writers)
    took = sorted(one for each in done for one in each.took)
    count = len(took)
    return Round(
        round(count / seconds, 1),
        round(1000 * sum(each.cpu for each in done) / count, 3) if count else 0.0,
        round(median(took) * 1000, 3) if took else 0.0,
        round(took[int(len(took) * 0.99)] * 1000, 3) if took else 0.0,
    )


def bare(seconds: float, audited: bool, busy: float = 0.0) -> Written:
    """One row of 500 bytes a transaction, beside an event, and `busy` seconds of waiting."""

    def deed() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO {TABLE} (body) VALUES (%s)", ["x" * 500])  # noqa: S608 (our name)
            if audited:
                record("note.view", practice="bench", location="NORTH", subject_bidx="a" * 32, detail={"what": "x"})
            time.sleep(busy)

    return repeated(seconds, deed)


def repeated(seconds: float, deed: Callable[[], object]) -> Written:
    """A deed again and again, under one actor."""
    took: list[float] = []
    with acting(Actor("worker", "bench")):
        for _ in range(WARM_UP):
            deed()
        before, end = cpu(), time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.perf_counter()
            deed()
            took.append(time.perf_counter() - begun)
    used = cpu() - before
    connections.close_all()
    return Written(took, used)


def cpu() -> float:
    """Processor seconds of this process, and of its connection's process of the database if that runs here."""
    own = time.process_time()
    if connection.vendor != "postgresql" or connection.connection is None:
        return own
    try:
        return own + float(sum(psutil.Process(connection.connection.info.backend_pid).cpu_times()[:2]))
    except psutil.Error:
        return own


def overhead(writers: int, seconds: float, name: str, writer: Writer) -> dict[str, Any]:
    """With and without recording in turn: the better of each counts, since others only ever slow it down."""
    rounds = [[measured(writers, seconds, writer, audited) for audited in (False, True)] for _ in range(TURNS)]
    plain, audited = (max(found, key=lambda one: one.rate) for found in zip(*rounds, strict=True))
    return {
        "transaction": name,
        "writers": writers,
        "plain_tx_s": plain.rate,
        "audited_tx_s": audited.rate,
        "lost_percent": lost(audited.rate, plain.rate),
        "plain_cpu_ms": plain.cpu_ms,
        "audited_cpu_ms": audited.cpu_ms,
        "plain_median_ms": plain.median_ms,
        "audited_median_ms": audited.median_ms,
        "added_median_ms": round(audited.median_ms - plain.median_ms, 3),
        "plain_p99_ms": plain.p99_ms,
        "audited_p99_ms": audited.p99_ms,
    }


def lost(rate: float, of: float) -> float:
    """The percentage by which a rate is lower than another one."""
    return round(100 * (1 - rate / of), 1) if of else 0.0


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
