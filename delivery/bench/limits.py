"""What this machine can do at all, measured in the same run: durable commits, MLLP round trips, building a message."""

import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from delivery.bench.notes import CLINICS, note
from delivery.channels.base import OutgoingNote
from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.mllp import Hl7Channel, MllpClient
from delivery.intake import new_control_id
from delivery.posted import note_of
from mapping.note import Contribution, FieldValue

PAYLOAD = "x" * 2500
BUILDS = 500
Deed = Callable[[], object]


def rate_of(clients: int, seconds: float, client: Callable[[], Deed]) -> float:
    """How often a second `clients` threads can do what `client()` returns, each with its own."""
    done, ready, over = [0] * clients, threading.Barrier(clients + 1), threading.Event()

    def work(place: int) -> None:
        deed = client()
        ready.wait()
        while not over.is_set():
            deed()
            done[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(clients)]
    for thread in threads:
        thread.start()
    ready.wait()
    started = time.perf_counter()
    over.wait(seconds)
    over.set()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def commits(url: str, clients: int, seconds: float) -> float:
    """Commits a second of one 2.5 kB insert each, as durable as the product's."""
    if url.startswith("sqlite"):
        return sqlite_commits(Path(url.removeprefix("sqlite:///")).with_name("limits.sqlite3"), clients, seconds)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS bench_limit (id bigserial PRIMARY KEY, body text)")

    def client() -> Deed:
        connection = psycopg.connect(url, autocommit=True)
        return lambda: connection.execute("INSERT INTO bench_limit (body) VALUES (%s)", [PAYLOAD])

    return rate_of(clients, seconds, client)


def sqlite_commits(path: Path, clients: int, seconds: float) -> float:
    def open_it() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, timeout=20, check_same_thread=False)
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        return connection

    open_it().execute("CREATE TABLE IF NOT EXISTS bench_limit (id integer PRIMARY KEY, body text)")

    def client() -> Deed:
        connection = open_it()
        return lambda: connection.execute("INSERT INTO bench_limit (body) VALUES (?)", [PAYLOAD])

    return rate_of(clients, seconds, client)


def outgoing(number: int) -> OutgoingNote:
    """A measured note after its mapping, for an encounter of its own."""
    posted = note_of(note("limit", number))
    lines = {code: (place, line) for place, line in enumerate(CLINICS[0].lines, start=1) for code in line.sections}
    values = [
        FieldValue(line.field_id, line.label, place, section.text, (Contribution(0, section.code, "", section.text),))
        for section in posted.sections
        for place, line in [lines[section.code]]
    ]
    return OutgoingNote(
        control_id=new_control_id(),
        note_id=f"limit-{number}",
        version=1,
        visit=posted.visit,
        template_code=CLINICS[0].template,
        template_name=CLINICS[0].template_name,
        values=tuple(sorted(values, key=lambda value: value.position)),
        correction=False,
        created_at=datetime.now(UTC),
    )


def hl7_settings(port: int) -> Hl7Settings:
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "tls": False,
        "sending_application": "SCRIBEPORT",
        "sending_facility": "LAKESIDE",
        "receiving_application": "ECW",
        "receiving_facility": CLINICS[0].code,
    }
    return Hl7Settings.read(settings, {}, "sandbox")


def same_address(host: str, port: int) -> tuple[str, int]:
    return host, port


def message_build(port: int) -> tuple[float, int]:
    """Microseconds of CPU to render a note and have the second parser agree, and the message's bytes."""
    channel = Hl7Channel(hl7_settings(port), same_address)
    notes = [outgoing(number) for number in range(BUILDS)]
    size = len(channel.render(notes[0]).body)
    started = time.thread_time()
    for each in notes:
        channel.render(each)
    return (time.thread_time() - started) / BUILDS * 1e6, size


def round_trips(port: int, clients: int, seconds: float) -> float:
    """MLLP exchanges a second with the simulated eCW, each socket waiting for every acknowledgement."""
    channel = Hl7Channel(hl7_settings(port), same_address)
    one = outgoing(0)
    template = channel.render(one).body

    def client() -> Deed:
        wire = MllpClient(hl7_settings(port), same_address)

        def exchange() -> None:
            control_id = new_control_id()
            wire.exchange(template.replace(one.control_id.encode(), control_id.encode()), control_id)

        return exchange

    return rate_of(clients, seconds, client)
