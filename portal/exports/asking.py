"""Ask for an export, follow it, cancel it, fetch it: each under record, and only by whoever asked for it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import IO, Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.module_loading import import_string

from audit.record import record
from portal.access import practice_of
from portal.exports.tables import ExportJob, ExportState, open_piece
from portal.models import Practice, User
from portal.second_person import others

KEPT = timedelta(hours=24)
A_DAY = 5  # exports of everything that one practice may ask for in 24 hours
OPEN = (ExportState.ASKED, ExportState.WAITING, ExportState.RUNNING)


class TooMany(Exception):
    """The practice has asked for everything too often today."""


class Tell(Protocol):
    """How far it is: so many of so many. Raises where the export is no longer this worker's to make."""

    def __call__(self, done: int, total: int) -> None: ...


class Maker(Protocol):
    """One kind of export, named in settings.EXPORTS. Whatever `may` refuses is asked again at every step."""

    def name(self, job: ExportJob) -> str:
        """The file's name."""
        ...

    def says(self, job: ExportJob) -> str:
        """What is in it, in words for the page."""
        ...

    def may(self, user: User, asked: dict[str, Any]) -> None:
        """Raises Http404 or WrongRole where this person may not have it (any more)."""
        ...

    def everything(self, asked: dict[str, Any]) -> bool:
        """Whether it lets everything go that the practice has: then a second person approves, where there is one."""
        ...

    def write(self, job: ExportJob, out: IO[bytes], tell: Tell) -> dict[str, Any]:
        """Write the file; returns the detail of the event `event`. Raises CannotExport."""
        ...

    def event(self, job: ExportJob) -> tuple[str, dict[str, Any]]:
        """The event that records the finished export, and its columns."""
        ...


class CannotExport(Exception):
    """It cannot be made now; `code` says why and is shown in words."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@cache
def maker(kind: str) -> Maker:
    made: Maker = import_string(settings.EXPORTS[kind])()
    return made


def begin(user: User, kind: str, asked: dict[str, Any]) -> ExportJob:
    """Ask for an export; a worker makes it. Http404 or WrongRole where it is not this person's to have; TooMany."""
    maker(kind).may(user, asked)
    practice, now = practice_of(user), timezone.now()
    everything = maker(kind).everything(asked)
    with transaction.atomic():
        if everything:
            _not_too_often(practice, now)
        two = everything and others(practice, user).exists()
        job = ExportJob.objects.create(
            practice=practice,
            created_by=user,
            kind=kind,
            asked=asked,
            created_at=now,
            everything=everything,
            state=ExportState.ASKED if two else ExportState.WAITING,
            tell_after=now if two else None,
        )
        tell(job, "export.begin", kind=kind, format=str(asked.get("format", "")))
    return job


def _not_too_often(practice: Practice, now: datetime) -> None:
    Practice.objects.select_for_update(no_key=True).get(pk=practice.pk)  # two at once count each other
    lately = ExportJob.objects.filter(practice=practice, everything=True, created_at__gt=now - timedelta(hours=24))
    if lately.count() >= A_DAY:
        raise TooMany


def tell(job: ExportJob, event: str, **detail: Any) -> None:
    """Record a step of an export, in the caller's transaction."""
    record(
        event,
        practice=job.practice.code,
        object_type="export",
        object_id=str(job.pk),
        correlation_id=f"export-{job.pk}",
        detail=detail,
    )


def own(user: User, kind: str) -> QuerySet[ExportJob]:
    """What this person has asked for, the newest first."""
    mine = ExportJob.objects.filter(created_by=user, practice=practice_of(user), kind=kind)
    return mine.select_related("practice", "created_by", "approved_by").order_by("-pk")


def export_for(user: User, pk: int) -> ExportJob:
    """The person's own export, while they may still have it; Http404 for anybody else's."""
    mine = ExportJob.objects.filter(created_by=user, practice=practice_of(user), pk=pk)
    job = mine.select_related("practice", "created_by", "approved_by").first()
    if job is None:
        raise Http404("no such export")
    maker(job.kind).may(user, job.asked)
    return job


def cancel(job: ExportJob) -> bool:
    """End it; what was made of it is deleted. False where it had ended already."""
    with transaction.atomic():
        rows = ExportJob.objects.filter(pk=job.pk, state__in=[*OPEN, ExportState.DONE])
        if not rows.update(state=ExportState.CANCELLED, finished_at=timezone.now()):
            return False
        job.pieces.all().delete()
        tell(job, "export.end", word="cancelled")
    return True


def fetchable(job: ExportJob) -> bool:
    return job.state == ExportState.DONE and job.expires_at is not None and job.expires_at > timezone.now()


def fetch(job: ExportJob) -> Iterator[bytes]:
    """The file, piece by piece; that it was fetched is recorded before the first byte."""
    if not fetchable(job):
        raise Http404("there is no file (any more)")
    with transaction.atomic():
        tell(job, "export.fetch", size=job.size, sha256=job.sha256)
    return _pieces(job)


def _pieces(job: ExportJob) -> Iterator[bytes]:
    for piece in job.pieces.order_by("number").iterator(chunk_size=4):
        yield open_piece(piece)
