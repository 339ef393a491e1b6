"""How long the monitor takes on a crowded database: whole requests through the site's own stack, and each query."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
from django.db import connection
from django.test import Client

from delivery import patients
from delivery.bench.crowd import Crowd
from delivery.bench.results import percentile
from delivery.models import Delivery
from delivery.queries import Cursor

ROUNDS, WARM = 30, 3
OVER = 0.1  # seconds: no query may take longer


@dataclass
class Timings:
    """Seconds per screen, and per query of each."""

    screens: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    queries: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    busy: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # CPU seconds of all rounds together

    @contextmanager
    def watching(self, screen: str) -> Iterator[None]:
        """Note how long each query takes."""

        def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            began = time.perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                self.queries[screen, sql].append(time.perf_counter() - began)

        with connection.execute_wrapper(timed):
            yield


def addresses(crowd: Crowd) -> dict[str, str]:
    """Every measured screen; those called filtered_… are one kind of page."""
    middle = Delivery.objects.order_by("-pk")[Delivery.objects.count() // 2]
    some = Delivery.objects.select_related("note_version").get(pk=middle.pk - 1)
    busy = crowd.mappings[crowd.templates[crowd.locations[-1].pk][0]][1]
    return {
        "first_screen": "/deliveries/?location=all",
        "first_screen_7d": "/deliveries/?location=all&range=7d",
        "first_screen_30d": "/deliveries/?location=all&range=30d",
        "first_screen_one_location": f"/deliveries/?location={crowd.locations[-1].code}",
        "filtered_state": "/deliveries/?location=all&state=attention",
        "filtered_state_30d": "/deliveries/?location=all&state=held&range=30d",
        "filtered_provider": "/deliveries/?location=all&provider=DR7",
        "filtered_ever_failed": "/deliveries/?location=all&failed=1&range=30d",
        "filtered_failed_provider": "/deliveries/?location=all&failed=1&provider=DR7",
        "filtered_reason": "/deliveries/?location=all&reason=no_answer",
        "filtered_method": "/deliveries/?location=all&method=hl7&state=waiting",
        "filtered_template": "/deliveries/?location=all&template=IM",
        "filtered_template_rare": "/deliveries/?location=all&template=SPORT",
        "filtered_specialty": "/deliveries/?location=all&specialty=Family+medicine&state=held",
        "filtered_mapping": f"/deliveries/?location=all&mapping={busy}",
        "filtered_section": "/deliveries/?location=all&section=plan",
        "filtered_section_none": "/deliveries/?location=all&section=social_history",
        "filtered_latency": "/deliveries/?location=all&took=1m",
        "filtered_latency_none": "/deliveries/?location=all&took=24h",
        "filtered_replayed": "/deliveries/?location=all&replayed=yes",
        "filtered_cohort": "/deliveries/?location=all&cohort=in",
        "filtered_not_in_cohort": "/deliveries/?location=all&cohort=out&state=held",
        "filtered_not_replayed": "/deliveries/?location=all&replayed=no&section=plan",
        "filtered_no_such_part": "/deliveries/?location=all&part=immunizations",
        "filtered_patient": f"/deliveries/?location=all&patient={some.note_version.patient_bidx}",
        "filtered_deep_page": f"/deliveries/?location=all&after={Cursor(middle.created_at, middle.pk)}",
        "tick": "/deliveries/rows/?location=all",
        "figures": "/deliveries/above/?location=all",
        "issues": "/deliveries/issues/?location=all",
        "alerts": "/deliveries/alerts/?location=all",
        "narrowing": "/deliveries/narrow/?location=all",
        "completeness": "/deliveries/completeness/?location=all",
        "completeness_month": "/deliveries/completeness/?location=all&days=31",
        "completeness_one_location": f"/deliveries/completeness/?location={crowd.locations[-1].code}",
        "report_week": "/deliveries/reports/?location=all&kind=week",
        "report_month": "/deliveries/reports/?location=all&kind=month",
    }


def measure(crowd: Crowd, rounds: int = ROUNDS) -> dict[str, Any]:
    """The object that is printed: p95 in milliseconds of each screen, and the slowest query by its own p95."""
    client, timings = Client(headers={"host": "localhost"}), Timings()
    client.force_login(crowd.director)
    asked = addresses(crowd)
    processes = at_work()
    warm = WARM if rounds > 1 else 0  # one round is a trial
    for number in range(warm + rounds):
        for name, address in asked.items():
            patients._masks.clear()  # as if this process had never shown these patients
            with timings.watching(name if number >= warm else ""):
                began, busy = time.perf_counter(), cpu(processes)
                status = client.get(address).status_code
                took, busy = time.perf_counter() - began, cpu(processes) - busy
            if status != 200:
                raise RuntimeError(f"{name} answered {status}")
            if number >= warm:
                timings.screens[name].append(took)
                timings.busy[name] += busy
    return figures(timings)


def at_work() -> list[psutil.Process]:
    """This process and, where it runs on this machine, its database's: what a screen costs whatever else goes on."""
    found = [psutil.Process()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
        if psutil.pid_exists(backend) and "postgres" in psutil.Process(backend).name():
            found.append(psutil.Process(backend))
    return found


def cpu(processes: list[psutil.Process]) -> float:
    """Seconds of processor time so far, to a hundredth."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def figures(timings: Timings) -> dict[str, Any]:
    """Milliseconds, by nearest rank."""
    found = {f"{name}_p95_ms": ms(percentile(took, 0.95)) for name, took in timings.screens.items()}
    filtered = [one for name, took in timings.screens.items() if name.startswith("filtered_") for one in took]
    shown = {key: took for key, took in timings.queries.items() if key[0]}
    slowest = max(shown, key=lambda key: percentile(shown[key], 0.95))
    return {
        **found,
        **{f"{name}_cpu_ms": ms(timings.busy[name] / len(took)) for name, took in timings.screens.items()},
        "filtered_page_p95_ms": ms(percentile(filtered, 0.95)),
        "slowest_query_p95_ms": ms(percentile(shown[slowest], 0.95)),
        "slowest_query_of": slowest[0],
        "slowest_query": slowest[1][:300],
        "queries_with_p95_over_100_ms": sum(percentile(took, 0.95) > OVER for took in shown.values()),
    }


def ms(seconds: float | None) -> float:
    return round(1000 * (seconds or 0.0), 1)
