"""An export of everything takes two: whoever asks, and another who directs or audits the whole practice.

A practice where nobody else does is not kept from its own notes: there it goes at once, and says so.
"""

from django.db import transaction
from django.http import Http404, HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from portal.access import practice_for
from portal.exports.asking import maker, tell
from portal.exports.tables import ExportJob, ExportState
from portal.models import User
from portal.second_person import WATCHERS
from portal.selection import NOTHING


class SamePerson(Exception):
    """Whoever asked cannot approve."""


def to_decide(user: User, pk: int) -> ExportJob:
    """The export that waits for this person's word; Http404 for another practice's, or none that waits."""
    asked = ExportJob.objects.filter(practice=practice_for(user, *WATCHERS), pk=pk, state=ExportState.ASKED)
    job = asked.select_related("practice", "created_by").first()
    if job is None:
        raise Http404("no such export")
    if job.created_by_id == user.pk:
        raise SamePerson
    return job


def approve(job: ExportJob, by: User) -> bool:
    """Let a worker make it; False where it has been decided meanwhile."""
    with transaction.atomic():
        waiting = ExportJob.objects.filter(pk=job.pk, state=ExportState.ASKED).exclude(created_by=by)
        if not waiting.update(state=ExportState.WAITING, approved_by=by, approved_at=timezone.now()):
            return False
        tell(job, "export.approve", user_id=job.created_by_id)
    return True


def decline(job: ExportJob) -> bool:
    """End it; False where it has been decided meanwhile."""
    with transaction.atomic():
        waiting = ExportJob.objects.filter(pk=job.pk, state=ExportState.ASKED)
        if not waiting.update(state=ExportState.CANCELLED, trouble="declined", finished_at=timezone.now()):
            return False
        tell(job, "export.end", word="declined")
    return True


def banner(request: HttpRequest) -> SafeString | str:
    """Over every page of those who may decide: what waits for them."""
    user = request.user
    wide = getattr(request, "selection", NOTHING).wide
    if not isinstance(user, User) or not wide & set(WATCHERS):
        return ""
    asked = ExportJob.objects.filter(practice__memberships__user=user, state=ExportState.ASKED).exclude(created_by=user)
    jobs = asked.select_related("practice", "created_by").distinct().order_by("pk")[:5]
    rows = [{"job": job, "says": maker(job.kind).says(job)} for job in jobs]
    if not rows:
        return ""
    return render_to_string("portal/exports/banner.html", {"rows": rows, "csrf_token": get_token(request)})
