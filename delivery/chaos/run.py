"""The course of a chaos run: set up, post and kill at once, let everything settle, hold the chart against the notes."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from delivery.bench.site import Site
from delivery.chaos import nursery, receivers, web, worker
from delivery.chaos.fates import ahead, names_of
from delivery.chaos.mortals import Forked, Spawned
from delivery.chaos.notes import Posted, plan
from delivery.chaos.reaper import Reaper
from delivery.chaos.receivers import Charts, Receiver
from delivery.chaos.scribes import Scribes
from delivery.chaos.verdict import Verdict, judge, unresolved
from delivery.demo import run as course
from delivery.demo.clinics import CLINICS
from delivery.demo.world import set_up, teach_sandbox
from delivery.models import Delivery
from delivery.states import State
from portal.supervisor import Supervisor

SCRIBES = 6
WORKERS = 2
ROUND = 0.02  # seconds between two looks at the processes
SAY_EVERY = 3.0
SETTLE_LIMIT = 600.0  # seconds the last note may take after the last kill
END_SECONDS = 15.0


class Interrupted(Exception):
    """Somebody asked the run to stop."""


class NothingLearnt(Exception):
    """The run could not be made or finished; the message says why."""


@dataclass(frozen=True)
class Order:
    """What to do."""

    notes: int
    kills: int
    receiver: Receiver
    seed: int


@dataclass(frozen=True)
class Standing:
    """What the portal says of each mark at one moment."""

    states: dict[str, str]
    reasons: dict[str, str]


class Chaos:
    """One run on a migrated database."""

    def __init__(
        self, site: Site, order: Order, port: int, say: Callable[[str], None], asked_to_stop: threading.Event
    ) -> None:
        self.asked_to_stop = asked_to_stop
        self.order = order
        self.port = port
        self.say = say
        self.sandbox, self.ports = course.start_sandbox(site.folder / "sandbox", order.receiver.options)
        self.logs = settings.DATA_DIR / "logs"
        self.mortals = [
            Forked("web", "web", web.serve, (port,), self.logs / "web.log"),
            *(
                Forked(f"worker {number}", "worker", worker.work, (), self.logs / f"worker-{number}.log")
                for number in range(1, WORKERS + 1)
            ),
            Spawned("receiver", "receiver", self.sandbox),
        ]
        self.reaper = Reaper(self.mortals, order.kills, order.seed, self.may_kill, self.receiver_up)
        self.scribes: Scribes | None = None
        self.said_at = 0.0

    def close(self) -> None:
        if self.scribes:
            self.scribes.stopping.set()
        for mortal in self.mortals:
            mortal.kill()
        if self.scribes:
            self.scribes.stop()
        Supervisor([self.sandbox]).stop()

    def run(self) -> dict[str, Any]:
        """The whole object."""
        self.say("Setting up …")
        key = self.set_up()
        nursery.prepare()
        begun = time.monotonic()
        self.scribes = Scribes(self.port, key, [clinic.code for clinic in CLINICS], self.visits(), self.may_post)
        self.reaper.start()
        self.scribes.start(SCRIBES)
        self.kill_while_posting(self.scribes)
        self.say("All notes are taken in and the last kill is done; waiting until every note has settled …")
        standing = self.settled()
        seconds = time.monotonic() - begun
        for mortal in self.mortals[:-1]:
            mortal.end(END_SECONDS)
        return self.outcome(self.scribes, standing, receivers.charts(self.ports), seconds)

    def set_up(self) -> str:
        """Two clinics as a director sets them up; the scribe's key."""
        teach_sandbox(self.ports)
        key, _ = set_up(self.ports)
        receivers.make_it(self.order.receiver)
        connection.close()
        return key

    def visits(self) -> Iterator[list[Posted]]:
        return plan(self.order.notes, self.order.seed)

    def may_post(self, posted: int) -> bool:
        """Notes wait for kills, so that the kills are spread over all of them."""
        return not ahead(posted, self.order.notes, self.reaper.done, self.order.kills)

    def may_kill(self, killed: int) -> bool:
        posted = len(self.scribes.accepted) if self.scribes else 0
        return not ahead(killed, self.order.kills, posted, self.order.notes)

    def receiver_up(self) -> bool:
        """A receiver that was killed comes back healthy; its faults are switched on again, each time others strike."""
        seed = self.order.seed + self.reaper.done
        wanted = receivers.faults(seed, settings.ACK_SECONDS, settings.DOUBT_SETTLE_SECONDS)
        return receivers.switch_on(self.ports, wanted)

    def kill_while_posting(self, scribes: Scribes) -> None:
        while scribes.at_work or self.reaper.done < self.order.kills:
            if scribes.refused:
                raise NothingLearnt(f"The portal is not as it should be: {scribes.refused}. See {self.logs}.")
            self.go_on()
            self.reaper.look()
            self.tell()
            time.sleep(ROUND)

    def go_on(self) -> None:
        """Raises Interrupted once somebody asked for it: here, and never in the middle of a process's birth."""
        if self.asked_to_stop.is_set():
            raise Interrupted

    def tell(self) -> None:
        if time.monotonic() < self.said_at + SAY_EVERY or self.scribes is None:
            return
        self.said_at = time.monotonic()
        words = ", ".join(f"{count} {state}" for state, count in sorted(Counter(look().states.values()).items()))
        killed = f"{self.reaper.done} of {self.order.kills} kills"
        self.say(f"  {len(self.scribes.accepted)} of {self.order.notes} notes taken in, {killed}; {words}")

    def settled(self) -> Standing:
        """Until every note has come to an end, or the time is up: what has not is reported as it stands."""
        accepted = self.scribes.accepted if self.scribes else []
        deadline = time.monotonic() + SETTLE_LIMIT
        while unresolved(accepted, look().states, self.order.receiver.readable) and time.monotonic() < deadline:
            self.go_on()
            self.reaper.look()
            self.tell()
            time.sleep(0.2)
        time.sleep(2 * settings.DOUBT_SETTLE_SECONDS)  # a filing that the receiver has put off comes before the count
        return look()

    def outcome(self, scribes: Scribes, standing: Standing, charts: Charts, seconds: float) -> dict[str, Any]:
        readable = self.order.receiver.readable
        verdict = judge(scribes.accepted, charts.filed, standing.states, readable=readable, torn=charts.torn)
        self.tell_verdict(verdict, standing, charts)
        parked = [mark for mark, state in standing.states.items() if state == State.PARKED]
        return {
            "notes": len(scribes.accepted),
            "kills": self.reaper.done,
            "lost": len(verdict.lost),
            "duplicated": len(verdict.duplicated),
            "out_of_order": len(verdict.out_of_order),
            "unresolved": len(verdict.unresolved),
            "parked": len(parked),
            "seconds": round(seconds, 1),
            "receiver": self.order.receiver.name,
            "database": connection.vendor,
            "lease_seconds": settings.LEASE_SECONDS,
            "settle_seconds": settings.SETTLE_SECONDS,
            "doubt_settle_seconds": settings.DOUBT_SETTLE_SECONDS,
            "seed": self.order.seed,
            "states": dict(sorted(Counter(standing.states.values()).items())),
            "parked_for": dict(sorted(Counter(standing.reasons[mark] for mark in parked).items())),
            "parked_in_chart": len(set(parked) & set(charts.filed)),
            "killed_at": names_of(self.reaper.killed),
            "freezes": self.reaper.freezes,
            "posts_repeated": scribes.repeated,
            "ended_unasked": len(self.reaper.ended),
        }

    def tell_verdict(self, verdict: Verdict, standing: Standing, charts: Charts) -> None:
        """Name each note for which a promise was broken (all are synthetic), so that it can be looked up."""
        for line in self.reaper.ended:
            self.say(f"  {line}, and nobody had killed it; see {self.logs}")
        for word in ("lost", "duplicated", "out_of_order", "unresolved"):
            for mark in getattr(verdict, word):
                filed = charts.filed.count(mark)
                state = f"{standing.states.get(mark)} {standing.reasons.get(mark)}".strip()
                self.say(f"  {word}: {mark}, {state}, filed {filed} times")


def look() -> Standing:
    """The state of every version by its mark."""
    rows = Delivery.objects.values_list("note__source_note_id", "note_version__number", "state", "reason_code")
    found = [(f"[{note} v{number}]", state, reason) for note, number, state, reason in rows]
    return Standing({mark: state for mark, state, _ in found}, {mark: reason for mark, _, reason in found})
