"""The demonstration's course: start the processes, post the notes over the real API, watch until all is settled."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings
from django.db.models import Count

from audit.models import AuditEvent
from delivery.demo.world import Ports
from delivery.models import Delivery, Note
from delivery.states import State
from portal.models import Part
from portal.supervisor import Child

START_SECONDS = 60.0
SETTLED = (State.VERIFIED, State.HELD, State.MISFILED, State.REJECTED, State.PARKED, State.CANCELLED)
COUNTED = (State.VERIFIED, State.HELD, State.MISFILED, State.REJECTED, State.UNKNOWN, State.PARKED)


UNMAPPED = ("unmapped_section", "caught_section", "no_catch_all")


class DemoFailed(Exception):
    """The demonstration could not go on; the message says what to look at."""


@dataclass(frozen=True)
class Tally:
    """How many notes stand in which state, and how far that is final."""

    by_state: dict[str, int]

    @property
    def settled(self) -> bool:
        return all(State(state) in SETTLED for state in self.by_state)


def start_sandbox(folder: Path, options: Sequence[str] = ()) -> tuple[Child, Ports]:
    """The simulated eCW as a process of its own; it says on which ports it listens."""
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    script = [sys.executable, "-m", "sandbox", "--mllp-port", "0", "--http-port", "0", "--data", str(folder), *options]
    child = SandboxChild("sandbox", script, ready_file=ready)
    child.start()
    line = wait_for(lambda: ready.read_text() if ready.exists() and ready.stat().st_size else "", "the simulated eCW")
    told = json.loads(line)
    child.arguments = with_ports(script, told)  # a restart listens where it did before
    return child, Ports(told["mllp"], told["http"])


def with_ports(script: list[str], told: dict[str, int]) -> list[str]:
    fixed = list(script)
    fixed[fixed.index("--mllp-port") + 1] = str(told["mllp"])
    fixed[fixed.index("--http-port") + 1] = str(told["http"])
    return fixed


class SandboxChild(Child):
    """A child whose first line of output is kept apart from its log."""

    def __init__(self, name: str, arguments: list[str], ready_file: Path) -> None:
        super().__init__(name, arguments)
        self.ready_file = ready_file

    def start(self) -> None:
        folder = settings.DATA_DIR / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / "sandbox.log").open("ab") as sink, self.ready_file.open("wb") as said:
            self.process = subprocess.Popen(  # noqa: S603
                self.arguments,
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=sink,
                start_new_session=True,
            )


def wait_for(look: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
    """Poll until something comes; a name for what is missing when it does not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise DemoFailed(f"{what} did not come up within {seconds:.0f} seconds; see {settings.DATA_DIR / 'logs'}.")


def portal_answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/api/v1/schema", timeout=5).status_code < 500
    except httpx2.HTTPError:
        return False


def post_notes(url: str, secret: str, notes: Iterable[dict[str, Any]], say: Callable[[str], None]) -> list[str]:
    """Post each note as a scribe does; returns the ids. A refused note is named, with the reasons, and not counted.

    A demonstration started again on its own folder posts new notes: their ids carry the number of the run.
    """
    before = Note.objects.count()
    suffix = f"-{before}" if before else ""
    ids = []
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {secret}"}, timeout=30) as scribe:
        for given in notes:
            key = f"demo-{time.time_ns()}"
            note = {**given, "source_note_id": f"{given['source_note_id']}{suffix}"}
            # json.dumps alone: half a character is for the portal to refuse, with its place.
            headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
            answer = scribe.post("/api/v1/notes", content=json.dumps(note).encode(), headers=headers)
            if answer.status_code == 201:
                ids.append(answer.json()["id"])
            else:
                places = ", ".join(row["pointer"] or "the note" for row in answer.json()["problems"])
                named = note["source_note_id"].encode("ascii", "backslashreplace").decode()
                say(f"  refused with {answer.status_code}: {named} ({places})")
    return ids


def tally(ids: list[str]) -> Tally:
    """Where the `note` part of each of these notes stands."""
    rows = Delivery.objects.filter(note_id__in=ids, part=Part.NOTE).values_list("state").annotate(Count("pk"))
    return Tally(dict(rows))


def watch(ids: list[str], say: Callable[[str], None], alive: Callable[[], None], seconds: float) -> Tally:
    """Until every note is settled, or the time is up: what is not settled then is reported as it stands."""
    deadline, said = time.monotonic() + seconds, ""
    while True:
        alive()
        now = tally(ids)
        line = "  " + ", ".join(f"{count} {state}" for state, count in sorted(now.by_state.items()))
        if line != said:
            say(line)
            said = line
        if now.settled or time.monotonic() > deadline:
            return now
        time.sleep(0.2)


def unmapped_sections(ids: list[str]) -> int:
    """How many sections had no field of their own: filed under their title in the catch-all field, or held."""
    rows = Delivery.objects.filter(note_id__in=ids, part=Part.NOTE).values_list("problems", flat=True)
    return sum(problem["code"] in UNMAPPED for problems in rows for problem in problems)


def report(ids: list[str], end: Tally, seconds: float) -> dict[str, Any]:
    """The one object of `--json`."""
    return {
        "received": len(ids),
        **{state.value: end.by_state.get(state.value, 0) for state in COUNTED},
        "unmapped_sections": unmapped_sections(ids),
        "audit_events": AuditEvent.objects.count(),
        "seconds": round(seconds, 2),
    }


def misfiled_lines(ids: list[str]) -> list[str]:
    """Each misfiled note with the sections that are not as sent."""
    rows = Delivery.objects.filter(note_id__in=ids, state=State.MISFILED).select_related("note").order_by("pk")
    return [
        f"  {row.note.source_note_id}: "
        + ", ".join(
            f"{part['code'] or part['title']} {part['outcome']}"
            for part in row.section_outcomes
            if part["outcome"] != "verified"
        )
        for row in rows
    ]


def free_port(wanted: int) -> int:
    """The wanted port, or any free one when somebody listens there already."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            free: int = trial.getsockname()[1]
            return free
    raise DemoFailed("No free port on this machine.")
