"""The figures an operator's Prometheus asks for: what waits, what needs a person, who is alive. No patient, no text.

Read from the database at each scrape, so that every web process gives the same answer. Labels come from a closed list.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from delivery.bulk.tables import Job, JobState
from delivery.incarnation import in_recovery
from delivery.models import Breaker, ConnectionState, Delivery, Heartbeat
from delivery.monitor.tables import Counted, Issue, Tally
from delivery.panels import ALIVE
from delivery.queries import needing
from delivery.states import State

# What may tell figures apart: codes of ours. Never a person, a note, an address or anything that was posted.
LABELS = frozenset({"practice", "location", "state", "method", "breaker"})
Values = Mapping[tuple[str, ...], float]


class UnknownLabel(ValueError):
    """A label that is not in the closed list."""


def gauge(name: str, said: str, labels: Iterable[str], values: Values) -> GaugeMetricFamily:
    """One figure; `values` are by label values in the labels' order."""
    names = list(labels)
    if unknown := set(names) - LABELS:
        raise UnknownLabel(", ".join(sorted(unknown)))
    family = GaugeMetricFamily(f"scribeport_{name}", said, labels=names)
    for key, value in values.items():
        family.add_metric([str(part) for part in key], value)
    return family


def plain(name: str, said: str, value: float) -> GaugeMetricFamily:
    return gauge(name, said, (), {(): value})


PLACE = ("practice", "location")
WHERE = ("location__practice__code", "location__code")
REAL = {"location__for_learning": False}  # where somebody learns, nothing is counted


class Figures(Collector):
    """All figures of one scrape: a dozen small queries."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        yield from deliveries(now)
        yield from issues()
        yield from machinery(now)


def deliveries(now: datetime) -> Iterator[GaugeMetricFamily]:
    tallies = Tally.objects.filter(**REAL).order_by().values_list(*WHERE, "state").annotate(number=Sum("number"))
    said = "Deliveries by the state they are in, as last counted."
    yield gauge("deliveries", said, (*PLACE, "state"), {(*row[:3],): row[3] for row in tallies})
    waiting = Delivery.objects.filter(state__in=[State.READY, State.SENDING], **REAL).order_by().values_list(*WHERE)
    rows = list(waiting.annotate(number=Count("pk"), oldest=Min("created_at")))
    yield gauge("waiting", "Deliveries that wait to be sent.", PLACE, {row[:2]: row[2] for row in rows})
    ages = {row[:2]: (now - row[3]).total_seconds() for row in rows}
    yield gauge("waiting_oldest_seconds", "Age of the oldest delivery that waits to be sent.", PLACE, ages)
    yield gauge("needs_attention", "Deliveries that need a person.", (*PLACE, "state"), attention(now))


def attention(now: datetime) -> Counter[tuple[str, ...]]:
    """As the monitor's card counts it: the charted but withdrawn among it, and the accepted but unread."""
    found: Counter[tuple[str, ...]] = Counter()
    for why in needing(now):
        rows = Delivery.objects.filter(why, **REAL).order_by().values_list(*WHERE, "state").annotate(number=Count("pk"))
        found.update({row[:3]: row[3] for row in rows})
    return found


def issues() -> Iterator[GaugeMetricFamily]:
    rows = Issue.objects.filter(**REAL).order_by().values_list(*WHERE, "method", "state").annotate(number=Count("pk"))
    said = "Groups of failures, by what people know of them."
    yield gauge("issues", said, (*PLACE, "method", "state"), {row[:4]: row[4] for row in rows})


def machinery(now: datetime) -> Iterator[GaugeMetricFamily]:
    beats = Heartbeat.objects.aggregate(newest=Max("beat_at"))["newest"]
    alive = Heartbeat.objects.filter(beat_at__gt=now - ALIVE).count()
    yield plain("workers_alive", "Workers with a sign of life within the last minute.", alive)
    yield plain(
        "worker_beat_age_seconds", "Since the newest sign of life of any worker; -1 before any.", age(beats, now)
    )
    breakers = ConnectionState.objects.order_by().values_list("connection__kind", "breaker").annotate(Count("pk"))
    found = {row[:2]: row[2] for row in breakers if row[1] != Breaker.CLOSED}
    yield gauge("connections_stopped", "Connections nothing is sent by.", ("method", "breaker"), found)
    yield plain("recovery_mode", "1 while a restored database sends nothing.", float(in_recovery() is not None))
    counted = Counted.objects.first()
    said = "How far the monitor's counting lies behind; -1 before it began."
    yield plain("counting_lag_seconds", said, age(counted.at if counted else None, now))
    jobs = Job.objects.filter(state=JobState.RUNNING).count()
    yield plain("jobs_running", "Bulk actions that are being carried out.", jobs)


def age(since: datetime | None, now: datetime) -> float:
    return max(timedelta(0), now - since).total_seconds() if since else -1.0


def exposition() -> bytes:
    """Prometheus' text format. A registry of its own: the library's default one would tell of this very process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    return generate_latest(registry)
