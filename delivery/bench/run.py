"""The course of one measurement: limits, start, idle memory, load, and what became of every note."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import httpx2
import psutil
from django.conf import settings
from django.db import connection

from delivery.bench import limits, results
from delivery.bench.load import Order, Posted
from delivery.bench.meter import Meter, backends, tree
from delivery.bench.notes import CLINICS
from delivery.bench.site import Site
from delivery.bench.stored import multiply
from delivery.demo import run as course
from delivery.demo.world import set_up, teach_sandbox
from delivery.models import Heartbeat
from portal.supervisor import Child, Supervisor, web, worker

WARM_UP = 64
IDLE_SECONDS = 3.0
CLIENTS = (1, 4, 8)
OURS = ("web", "worker")


class Bench:
    """One measurement on a migrated database."""

    def __init__(self, site: Site, port: int, say: Callable[[str], None]) -> None:
        self.site = site
        self.port = port
        self.say = say
        self.supervisor = Supervisor([web("127.0.0.1", port), worker()])
        self.sandbox, self.ports = course.start_sandbox(site.folder / "sandbox")

    def close(self) -> None:
        self.supervisor.stop()
        Supervisor([self.sandbox]).stop()

    def measure(self, notes: int, rate: float, clients: int, seconds: float, stored: int = 0) -> dict[str, Any]:
        """The whole object; `seconds` bounds each limit's measurement, and sixty times it the run's settling. The same
        notes are sent once more where so many are `stored`."""
        self.say("Setting up …")
        teach_sandbox(self.ports, CLINICS)
        key, _ = set_up(self.ports, CLINICS)
        machine = self.machine()
        self.say("Measuring what the machine can do at all …")
        found = self.limits(seconds)
        started = self.start(key)
        meter = self.meter()
        time.sleep(IDLE_SECONDS)
        idle = meter.memory()
        self.load(Order("127.0.0.1", self.port, key, "warm", WARM_UP, min(clients, WARM_UP), 0.0))
        self.settle("warm", 60.0)
        self.say("Posting …")
        order = Order("127.0.0.1", self.port, key, "run", notes, clients, rate)
        run = self.run(order, meter, 60 * seconds)
        later = self.again(replace(order, prefix="again"), meter, 60 * seconds, stored, run) if stored else {}
        meter.stop()
        return {
            "mode": "rate" if rate else "flood",
            "offered_per_second": rate or None,
            "notes": notes,
            "clients": clients,
            **run,
            "restarts": sum(child.restarts for child in self.supervisor.children),
            "start_seconds": round(started, 2),
            "idle_pss_mib": memory(idle),
            "peak_pss_mib": memory(meter.peak),
            **later,
            **found,
            "machine": machine | {"load_after": round(os.getloadavg()[0], 2)},
        }

    def again(self, order: Order, meter: Meter, seconds: float, wanted: int, first: dict[str, Any]) -> dict[str, Any]:
        """The same with so many notes stored, and what each costs as a multiple of the first run's."""
        self.say(f"Storing {wanted:,} notes …")
        stored = multiply("run", wanted, self.say)
        second = self.run(order, meter, seconds)
        before, now = first["cpu_seconds_per_1000"], second["cpu_seconds_per_1000"]
        times = {name: round(now[name] / before[name], 2) for name in before if before[name]}
        return {"stored": {"notes": stored, "cost_to_first_run": times, **second}}

    def machine(self) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version" if connection.vendor == "postgresql" else "SELECT sqlite_version()")
            version = cursor.fetchone()[0]
        return {
            "cores": psutil.cpu_count(),
            "python": sys.version.split()[0],
            "database": f"{connection.vendor} {version}",
            "broker": "redis" if settings.REDIS_URL else "files",
            "load_before": round(os.getloadavg()[0], 2),
        }

    def limits(self, seconds: float) -> dict[str, Any]:
        micros, size = limits.message_build(self.ports.mllp)
        url = self.site.database_url
        return {
            "message_build_us": round(micros, 1),
            "message_bytes": size,
            "commits_per_second": {str(count): round(limits.commits(url, count, seconds)) for count in CLIENTS},
            "mllp_round_trips_per_second": {
                str(count): round(limits.round_trips(self.ports.mllp, count, seconds)) for count in CLIENTS
            },
        }

    def start(self, key: str) -> float:
        """Start web and worker; seconds until the API answers a scribe and the worker's loop has beaten."""
        connection.close()
        begun = time.monotonic()
        self.supervisor.start()
        course.wait_for(lambda: self.answers(key) and Heartbeat.objects.exists(), "the portal")
        return time.monotonic() - begun

    def answers(self, key: str) -> bool:
        """A note that is not there is a good answer: the key was looked up, the database asked."""
        try:
            url = f"http://127.0.0.1:{self.port}/api/v1/notes?source_note_id=none"
            return httpx2.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=5).status_code == 404
        except httpx2.HTTPError:
            return False

    def meter(self) -> Meter:
        groups = {child.name: family(child) for child in [*self.supervisor.children, self.sandbox]}
        if self.site.server:
            groups["postgres"] = lambda: backends(self.site.database)
        meter = Meter(groups, OURS)
        meter.start()
        return meter

    def load(self, order: Order) -> list[Posted]:
        """Have the load generator, a process of its own, carry an order out."""
        done = subprocess.run(
            [sys.executable, "-m", "delivery.bench.load"],
            input=json.dumps(asdict(order)) + "\n",
            capture_output=True,
            text=True,
            cwd=settings.BASE_DIR,
        )
        if done.returncode:
            raise course.DemoFailed(f"The load generator ended with {done.returncode}: {done.stderr[-500:]}")
        return [Posted(*row) for row in json.loads(done.stdout)]

    def settle(self, prefix: str, seconds: float) -> None:
        """Wait until every note is verified, or needs somebody, or the time is up."""
        deadline = time.monotonic() + seconds
        while results.unsettled(prefix) and time.monotonic() < deadline:
            self.supervisor.watch_once()
            time.sleep(0.5)

    def run(self, order: Order, meter: Meter, seconds: float) -> dict[str, Any]:
        before = meter.cpu()
        posted = self.load(order)
        self.settle(order.prefix, seconds)
        used = {name: value - before[name] for name, value in meter.cpu().items()}
        ways = results.journeys(order.prefix, posted)
        per_thousand = {name: round(value / order.notes * 1000, 3) for name, value in used.items()}
        return {
            **results.times(posted, ways),
            **results.losses(posted, ways, results.filings(self.ports)),
            "cpu_seconds_per_1000": per_thousand | {"sum": round(sum(per_thousand.values()), 3)},
        }


def family(child: Child) -> Callable[[], list[psutil.Process]]:
    return lambda: tree(child.process.pid) if child.process else []


def memory(found: dict[str, float]) -> dict[str, float]:
    """MiB of each process with its children, and their sum."""
    return {**{name: round(value, 1) for name, value in found.items()}, "sum": round(sum(found.values()), 1)}
