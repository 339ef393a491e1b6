"""A whole installation of real processes, with the simulated eCW, for tests that kill them."""

import contextlib
import json
import sqlite3
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

import psycopg

from delivery.chaos.notes import Posted, body, mark_of, plan
from delivery.chaos.verdict import judge
from tests.processes import Process, Site, answers, free_port, wait_until
from tests.sandbox.desk import Process as Sandbox

SHORT_TIMES = {
    "SCRIBEPORT_LEASE_SECONDS": "4",
    "SCRIBEPORT_ACK_SECONDS": "1.5",
    "SCRIBEPORT_SETTLE_SECONDS": "0.8",
    "SCRIBEPORT_DOUBT_SETTLE_SECONDS": "0.8",
    "SCRIBEPORT_POLL_SECONDS": "0.2",
    "SCRIBEPORT_LINGER_SECONDS": "0.2",
}
SET_UP = """
from audit.record import Actor, acting
from delivery.demo.world import Ports, set_up, teach_sandbox
ports = Ports({mllp}, {http})
with acting(Actor("command", "tests", "tests")):
    teach_sandbox(ports)
    print(*set_up(ports))
"""
PARTY = "NORTH"


def rows(database_url: str, statement: str) -> list[tuple]:
    """Look into a site's database from outside."""
    if database_url.startswith("sqlite"):
        database = sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=20)
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()
    with psycopg.connect(database_url) as database:
        return database.execute(statement).fetchall()


def change(database_url: str, statement: str) -> None:
    """As `rows`, for a statement that changes some: an own process for it would cost two seconds of computing."""
    if database_url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), timeout=20)) as database:
            database.execute(statement)
            database.commit()
        return
    with psycopg.connect(database_url, autocommit=True) as database:
        database.execute(statement)


@dataclass
class Clinic:
    """A site with a readable receiver, its web process, and workers that come and go."""

    site: Site
    sandbox: Sandbox
    port: int = 0
    secret: str = ""
    password: str = ""  # the director's
    workers: list[Process] = field(default_factory=list)
    visits: int = 0

    def open(self) -> None:
        """Set two locations up as a director would, and start the portal."""
        made = self.site.manage(
            "shell", "--verbosity", "0", "-c", SET_UP.format(mllp=self.sandbox.mllp, http=self.sandbox.http)
        )
        self.secret, self.password = made.split()[-2:]
        self.port = free_port()
        self.web(self.port, "portal.wsgi:application")

    # What a scribe does

    def post(self, posted: Posted, port: int = 0, key: str = "", timeout: float = 30) -> dict:
        """One attempt; raises OSError when no answer came (an HTTP error is one: urllib raises HTTPError)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.port}/api/v1/notes",
            json.dumps(body(posted, PARTY)).encode(),
            {
                "Authorization": f"Bearer {self.secret}",
                "Idempotency-Key": key or posted.mark,
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            assert answer.status == 201
            return json.load(answer)

    def post_until_answered(self, posted: Posted, port: int = 0) -> dict:
        """As a scribe must: the same key again until an answer comes."""
        end = time.monotonic() + 60
        while True:
            try:
                return self.post(posted, port)
            except (urllib.error.HTTPError, OSError):
                assert time.monotonic() < end, "nobody ever took the note"
                time.sleep(0.1)

    def post_notes(self, count: int) -> list[Posted]:
        """So many versions of notes, some of one encounter, some amended; all of them accepted."""
        made = self.some(count)
        for posted in made:
            self.post_until_answered(posted)
        return made

    def some(self, count: int) -> list[Posted]:
        self.visits += 1
        return [posted for visit in plan(count, seed=self.visits, prefix=f"t{self.visits}") for posted in visit]

    # The processes

    def worker(self, *options: str) -> Process:
        """The product's worker, perhaps one that is to die at a named step."""
        process = self.site.module("worker", "delivery.chaos.worker", *options)
        self.workers.append(process)
        return process

    def dies(self, worker: Process, seconds: float = 60) -> None:
        wait_until(lambda: not worker.running(), seconds, lambda: f"it lives on:\n{worker.log()[-2000:]}")
        assert worker.popen.returncode == -9, worker.log()[-3000:]

    def web_that_dies_at(self, step: str) -> tuple[Process, int]:
        port = free_port()
        return self.web(port, f"delivery.chaos.web:dying('{step}')"), port

    def web(self, port: int, application: str) -> Process:
        """gunicorn with one process, which is enough and starts sooner."""
        return self.site.module(
            "web",
            *("gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"),
            *("--no-control-socket", application),
            ready=answers(f"http://127.0.0.1:{port}/healthz"),
            seconds=90,
        )

    def restart_sandbox(self) -> None:
        ports = ["--mllp-port", str(self.sandbox.mllp), "--http-port", str(self.sandbox.http)]
        self.sandbox = Sandbox(self.site.folder / "ecw", *ports)

    def end_workers(self) -> None:
        for process in self.workers:
            process.kill()
        self.workers.clear()

    # What became of it

    def look(self, statement: str) -> list[tuple]:
        return rows(self.site.database_url, statement)

    def states(self) -> dict[str, str]:
        """The state of every version, by its mark."""
        found = self.look(
            "SELECT n.source_note_id, v.number, d.state FROM delivery_delivery d "
            "JOIN delivery_noteversion v ON v.id = d.note_version_id JOIN delivery_note n ON n.id = v.note_id"
        )
        return {f"[{note} v{number}]": state for note, number, state in found}

    def of(self, posted: Posted, columns: str = "d.state, d.attempts, d.crashes") -> tuple:
        """Columns of one version's delivery (d)."""
        (row,) = self.look(
            f"SELECT {columns} FROM delivery_delivery d JOIN delivery_noteversion v ON v.id = d.note_version_id "
            f"JOIN delivery_note n ON n.id = v.note_id WHERE n.source_note_id = '{posted.note}' "
            f"AND v.number = {posted.version}"
        )
        return row

    def filed(self) -> list[str]:
        """The marks of what the simulated eCW holds, in the order of filing."""
        return [mark for mark in map(mark_of, (filing["fields"] for filing in self.filings())) if mark]

    def filings(self) -> list[dict]:
        return self.sandbox.filings(fields=1, limit=10000)

    def settled(self, accepted: list[Posted], seconds: float = 90) -> None:
        """Wait until every note is verified (or was overtaken by its newer version), then hold the chart against them."""
        marks = {posted.mark for posted in accepted}

        def standing() -> dict[str, str]:
            return {mark: state for mark, state in self.states().items() if mark in marks}

        wait_until(
            lambda: set(standing().values()) <= {"verified", "superseded"},
            seconds,
            lambda: f"{standing()}\n" + "\n".join(each.log()[-2000:] for each in self.workers),
        )
        verdict = judge(accepted, [mark for mark in self.filed() if mark in marks], standing(), readable=True)
        assert verdict.kept, verdict
