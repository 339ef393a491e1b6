"""Makes the exports that were asked for, in a worker's periodic round, and deletes what has stood its day.

Whoever works holds a lease by the database's clock. A killed worker leaves sealed pieces that nobody can fetch (the
state says so); the next one deletes them and begins anew.
"""

import hashlib
import io
import logging
import os
import socket
from datetime import timedelta
from typing import IO, Any, cast

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.http import Http404
from django.utils import timezone

from audit.record import Actor, acting, record
from portal.exports.asking import KEPT, CannotExport, maker, tell
from portal.exports.tables import ExportJob, ExportPiece, ExportState, seal_piece

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
PIECE = 1 << 20
TRIES = 3
ASKED_FOR = timedelta(days=7)  # how long an export of everything waits for its second person


class Lost(Exception):
    """The export was cancelled, or another worker has it."""


def run_due() -> int:
    """Delete what has expired, then make the oldest export that nobody is making; how many were taken up."""
    expire()
    owner = f"{socket.gethostname()}:{os.getpid()}"
    for pk in ExportJob.objects.filter(_free(), state__in=("waiting", "running")).order_by("pk").values_list("pk"):
        if take(pk[0], owner):
            _work(pk[0], owner)
            return 1
    return 0


def _free() -> Q:
    return Q(held_until__isnull=True) | Q(held_until__lt=Now())


def take(pk: int, owner: str) -> bool:
    """Take the lease of an export that is due; after the last try it has failed."""
    due = ExportJob.objects.filter(_free(), pk=pk, state__in=("waiting", "running"))
    job = due.first()
    if job is not None and job.tries >= TRIES:
        _fail(job, "tries")
        return False
    return bool(
        job
        and due.filter(tries=job.tries).update(
            state=ExportState.RUNNING, held_by=owner, held_until=Now() + LEASE, tries=job.tries + 1, done=0
        )
    )


def _work(pk: int, owner: str) -> None:
    job = ExportJob.objects.select_related("practice", "created_by", "approved_by").get(pk=pk)
    job.pieces.all().delete()  # a killed worker's
    with acting(Actor("user", str(job.created_by_id), job.created_by.username), correlation_id=f"export-{pk}"):
        try:
            make(job, owner)
        except Lost:
            ExportPiece.objects.filter(job=pk, job__state=ExportState.CANCELLED).delete()
        except CannotExport as wrong:
            _fail(job, wrong.code)
        except (Http404, PermissionDenied):
            _fail(job, "not_allowed")
        except DatabaseError:
            raise
        except Exception as wrong:
            log.error("an export failed: %s", type(wrong), exc_info=True)
            _fail(job, "error")


def make(job: ExportJob, owner: str) -> None:
    """Make it, as the person who asked for it may have it now; the last step is the event and the state in one."""
    making = maker(job.kind)
    if not job.created_by.is_active:
        raise CannotExport("not_allowed")
    making.may(job.created_by, job.asked)
    out = Pieces(job.pk, owner)
    detail = making.write(job, cast(IO[bytes], out), out.say)
    out.close()
    now = timezone.now()
    with transaction.atomic():
        ours = ExportJob.objects.filter(pk=job.pk, state=ExportState.RUNNING, held_by=owner)
        if not ours.update(
            state=ExportState.DONE,
            finished_at=now,
            expires_at=now + KEPT,
            size=out.size,
            sha256=out.digest.hexdigest(),
            held_by="",
            held_until=None,
        ):
            raise Lost
        event, columns = making.event(job)
        record(event, practice=job.practice.code, **columns, detail=detail | {"sha256": out.digest.hexdigest()})


class Pieces(io.RawIOBase):
    """A file that is written into sealed pieces; renews the lease with each."""

    def __init__(self, job: int, owner: str) -> None:
        super().__init__()
        self.job, self.owner = job, owner
        self.digest, self.size, self.number = hashlib.sha256(), 0, 0
        self.kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.kept += content
        self.digest.update(content)
        self.size += len(content)
        while len(self.kept) >= PIECE:
            self._put(PIECE)
        return len(content)

    def _put(self, size: int) -> None:
        with transaction.atomic():
            self.renew()
            sealed = seal_piece(self.job, self.number, bytes(self.kept[:size]))
            ExportPiece.objects.create(job_id=self.job, number=self.number, sealed_body=sealed)
        self.number += 1
        del self.kept[:size]

    def close(self) -> None:
        if self.kept:
            self._put(len(self.kept))
        super().close()

    def renew(self, **columns: int) -> None:
        ours = ExportJob.objects.filter(pk=self.job, state=ExportState.RUNNING, held_by=self.owner)
        if not ours.update(held_until=Now() + LEASE, **columns):
            raise Lost

    def say(self, done: int, total: int) -> None:
        """How far the maker is; not `tell`, which a file has already."""
        self.renew(done=done, total=total)


def _fail(job: ExportJob, code: str) -> None:
    with transaction.atomic():
        rows = ExportJob.objects.filter(pk=job.pk, state__in=("waiting", "running"))
        if rows.update(state=ExportState.FAILED, trouble=code, finished_at=timezone.now(), held_until=None):
            ExportPiece.objects.filter(job=job.pk).delete()
            with acting(Actor("worker", "exports")):
                tell(job, "export.end", word="failed", reason_code=code)


def expire() -> int:
    """Delete the files that have stood their day, and end what no second person agreed to; how many."""
    now = timezone.now()
    stood = Q(state=ExportState.DONE, expires_at__lte=now)
    forgotten = Q(state=ExportState.ASKED, created_at__lte=now - ASKED_FOR)
    ended = 0
    for job in ExportJob.objects.filter(stood | forgotten).select_related("practice"):
        with transaction.atomic(), acting(Actor("worker", "exports")):
            if ExportJob.objects.filter(pk=job.pk, state=job.state).update(state=ExportState.EXPIRED):
                job.pieces.all().delete()
                tell(job, "export.end", word="expired")
                ended += 1
    return ended
