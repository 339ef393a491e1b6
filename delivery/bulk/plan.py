"""What a bulk action would do, counted before it is done, and the job that is made of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from audit.record import filter_detail, record
from delivery import actions, bell, other_way
from delivery.bulk.tables import Job, JobItem
from delivery.deeds import DEEDS, Deed
from delivery.failures import failure
from delivery.filters import Filters
from delivery.models import Delivery
from delivery.queries import Scope, matching
from delivery.states import WORDS, State
from portal.models import User

# Not among them: what only a look into the chart of that one visit can answer.
VERBS = ("release", "replay", "verify", "other-way", "hold", "cancel")
MOST = 10_000  # deliveries of one job; the oldest are taken first, and the rest is said
# Sent again as a new delivery, what these hold may stand in the chart twice.
MAY_DOUBLE = frozenset({State.MISFILED})
A_SECOND = 20.0  # deliveries, as a first guess of how long it takes


@dataclass(frozen=True)
class Plan:
    """The counts of a preview. `able` are taken, the others stand in a state that does not allow the deed."""

    deed: Deed
    total: int
    able: int
    verified: int
    doubled: int
    over: int
    by_state: tuple[tuple[str, int, bool], ...]  # words, how many, whether the deed is possible there
    by_place: tuple[tuple[str, str, int], ...]  # location, reason, how many of the able
    seconds: int


def deed_named(verb: str) -> Deed | None:
    return next((deed for deed in DEEDS if deed.verb == verb and verb in VERBS), None)


def able(found: QuerySet[Delivery], deed: Deed) -> QuerySet[Delivery]:
    """Those of the found that stand where the deed is possible."""
    rows = found.filter(state__in=deed.states)
    if deed.verb == "verify":
        rows = rows.filter(actions.SHOWN)
    if deed.verb == "other-way":
        rows = other_way.able(rows)
    if deed.verb == "replay":
        rows = rows.filter(lane__isnull=False)
    return rows


def plan(scope: Scope, chosen: Filters, deed: Deed) -> Plan:
    """Four counts, whatever the number of deliveries."""
    found = matching(scope, chosen).order_by()
    states = dict(found.values_list("state").annotate(Count("pk")))
    possible = able(found, deed)
    places = possible.values_list("location__code", "reason_code").annotate(number=Count("pk")).order_by("-number")
    number = possible.count()
    return Plan(
        deed=deed,
        total=sum(states.values()),
        able=number,
        verified=states.get(State.VERIFIED, 0) if State.VERIFIED not in deed.states else 0,
        doubled=possible.filter(state__in=MAY_DOUBLE).count() if deed.verb == "replay" else 0,
        over=max(0, number - MOST),
        by_state=tuple(
            (WORDS[state].label, states[state], state in deed.states) for state in State if states.get(state)
        ),
        by_place=tuple((code, failure(why).title if why else "no reason", count) for code, why, count in places[:20]),
        seconds=int(min(number, MOST) / A_SECOND) + 1,
    )


@dataclass(frozen=True)
class Wanted:
    """What the person says of the job; `way`: the connection by which everything shall go."""

    by: User
    reason: str
    dry: bool = False
    way: int | None = None


def begin(scope: Scope, chosen: Filters, deed: Deed, wanted: Wanted) -> Job | None:
    """Write the job and its items in one transaction and wake a worker; None where there is nothing to do."""
    rows = able(matching(scope, chosen), deed).order_by("created_at", "pk").values_list("pk", flat=True)
    with transaction.atomic():
        ids = list(rows[:MOST])
        if not ids:
            return None
        job = Job.objects.create(
            practice=scope.locations[0].practice,
            verb=deed.verb,
            reason=wanted.reason,
            dry=wanted.dry,
            way_id=wanted.way,
            query=chosen.query()[:2000],
            created_by=wanted.by,
            created_at=timezone.now(),
            total=len(ids),
        )
        JobItem.objects.bulk_create(items(job, ids), batch_size=200)
        _record(job, scope, chosen)
        transaction.on_commit(lambda: bell.publish("delivery.tasks.run_job", job.pk))
    return job


def items(job: Job, ids: Iterable[int]) -> Iterable[JobItem]:
    return (JobItem(job=job, position=position, delivery_id=pk) for position, pk in enumerate(ids, start=1))


def _record(job: Job, scope: Scope, chosen: Filters) -> None:
    way = {"connection": job.way_id} if job.way_id else {}
    record(
        "job.begin",
        practice=job.practice.code,
        location=scope.locations[0].code if len(scope.locations) == 1 else "",
        object_type="job",
        object_id=str(job.pk),
        reason=job.reason,
        detail={"deed": job.verb, "rows": job.total, "dry": job.dry, "filter": filter_detail(chosen.query())} | way,
    )
