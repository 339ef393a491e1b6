"""Carries a job out: each delivery with its result in one transaction, so that a kill loses and repeats nothing.

Whoever works holds a lease by the database's clock; a worker that dies leaves it to run out, and the next one goes on
with the first item that has no result. Pausing and cancelling are seen before each delivery.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import InterfaceError, OperationalError, ProgrammingError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery.bulk.plan import deed_named
from delivery.bulk.tables import ItemResult, Job, JobItem, JobState
from delivery.deeds import Deed, by_way, deed_of
from delivery.doors import ACTS, may
from delivery.models import Delivery

log = logging.getLogger(__name__)

# Nothing the delivery can help: the database is away, or its tables are of another version. All of it is tried again.
AWAY = (OperationalError, InterfaceError, ProgrammingError)
LEASE = timedelta(seconds=30)
PORTION = 20  # deliveries between two renewals of the lease


def run_jobs(owner: str, stopping: Callable[[], bool]) -> int:
    """Work on every running job that nobody holds; returns how many deliveries were looked at."""
    return sum(
        run(pk, owner, stopping) for pk in Job.objects.filter(state=JobState.RUNNING).values_list("pk", flat=True)
    )


def run(job_id: int, owner: str, stopping: Callable[[], bool]) -> int:
    """Work on one job until it is through, paused, cancelled, somebody else's, or this process is to end."""
    looked_at = 0
    while not stopping() and take(job_id, owner):
        job = Job.objects.select_related("created_by", "practice").get(pk=job_id)
        deed = deed_named(job.verb)
        if deed is None:
            give_up(job)
            break
        number = portion(job, by_way(deed, job.way_id), owner)
        looked_at += number
        if number < PORTION:
            finish(job)
            break
    release(job_id, owner)
    return looked_at


def take(job_id: int, owner: str) -> bool:
    """Take or renew the lease of a running job."""
    free = Q(held_until__isnull=True) | Q(held_until__lt=Now()) | Q(held_by=owner)
    rows = Job.objects.filter(free, pk=job_id, state=JobState.RUNNING)
    return bool(rows.update(held_by=owner, held_until=Now() + LEASE))


def release(job_id: int, owner: str) -> None:
    Job.objects.filter(pk=job_id, held_by=owner).update(held_by="", held_until=None)


def give_up(job: Job) -> None:
    """A job of an older version, whose deed is none any more: nobody would ever do what is left of it."""
    log.error("a job's deed is not known any more: %s", job.pk)
    job.items.filter(result=ItemResult.WAITING).update(result=ItemResult.FAILED, at=timezone.now())
    finish(job)


def portion(job: Job, deed: Deed, owner: str) -> int:
    """The next items without a result, in order; returns how many there were."""
    waiting = list(job.items.filter(result=ItemResult.WAITING).order_by("position")[:PORTION])
    with acting(Actor("user", str(job.created_by_id), job.created_by.username), correlation_id=f"job-{job.pk}"):
        for item in waiting:
            if not one(job, item, deed, owner):
                break
    return len(waiting)


def one(job: Job, item: JobItem, deed: Deed, owner: str) -> bool:
    """One delivery; false where the job is no longer ours to carry on."""
    try:
        with transaction.atomic():
            ours = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, held_by=owner)
            if not ours.update(held_until=Now() + LEASE):
                return False
            rows = Delivery.objects.select_related("location__practice", "note_version")
            item.result, item.found, item.said = outcome(
                job, rows.defer("note_version__sealed_body").get(pk=item.delivery_id), deed
            )
            _note(item)
    except AWAY:
        raise
    except Exception as error:  # what the database refuses of this very delivery among it
        log.error("one delivery of a job failed: %s", type(error), exc_info=True)
        item.result, item.found, item.said = ItemResult.FAILED, "", ""
        _note(item)
    return True


def outcome(job: Job, delivery: Delivery, deed: Deed) -> tuple[ItemResult, str, str]:
    """Do it, where the delivery still stands where it can be done, and whoever began the job may still do it there."""
    found = delivery.state
    if not (job.created_by.is_active and may(job.created_by, delivery.location, ACTS)):
        return ItemResult.LEFT, found, ""
    possible, said = deed.verdict(delivery) if deed.verdict else (deed_of(delivery, deed.verb) is not None, "")
    if not possible:
        return ItemResult.LEFT, found, said[:200]
    if job.dry:
        return ItemResult.WOULD, found, said[:200]
    done = deed.carry_out([delivery.pk], job.reason)
    if done and deed.verb == "verify":  # the others are moves, which record themselves
        _record_asking(delivery, job.reason)
    return (ItemResult.DONE if done else ItemResult.LEFT), found, said[:200]


def _note(item: JobItem) -> None:
    item.at = timezone.now()
    item.save(update_fields=["result", "found", "said", "at"])


def _record_asking(one: Delivery, reason: str) -> None:
    record(
        "chart.ask",
        practice=one.location.practice.code,
        location=one.location.code,
        subject_bidx=one.note_version.patient_bidx,
        encounter_bidx=one.encounter_bidx,
        object_type="delivery",
        object_id=str(one.pk),
        reason=reason,
        detail={"delivery_id": one.pk},
    )


def finish(job: Job) -> None:
    """Through, unless it was paused or cancelled with the last of its deliveries."""
    if not job.items.filter(result=ItemResult.WAITING).exists():
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(state=JobState.DONE, finished_at=timezone.now())
