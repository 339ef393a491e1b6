"""The second person: who looks at what one should not do unseen, and agrees to what one should not do alone.

Told over every page, and once by mail: what happened and where to look, with no name and no reason (a reason may speak
of a patient, and a mail passes through others' servers). At least once: a worker killed between a mail and its writing
down, or a server that did not take one, means that all are told again after AGAIN; after a day it is given up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from audit.record import Actor, acting, record
from portal.exports.tables import ExportJob, ExportState
from portal.factors.tables import EmergencyAccess
from portal.mail import Sent, link, mail
from portal.models import Practice, Role, User

WATCHERS = (Role.DIRECTOR, Role.AUDITOR)
AGAIN, GIVEN_UP = timedelta(minutes=5), timedelta(hours=24)
SIGNED = "This mail names nobody: the page does, once you have signed in."


@dataclass(frozen=True)
class Matter:
    """Something others are to be told of: the row, whose deed it is, and the words."""

    about: str
    row: EmergencyAccess | ExportJob
    practice: Practice
    by: User
    at: datetime
    subject: str
    text: str


def others(practice: Practice, but: User) -> QuerySet[User]:
    """Everybody else who directs or audits the whole practice and can sign in."""
    held = {"memberships__practice": practice, "memberships__location": None, "memberships__role__in": WATCHERS}
    return User.objects.filter(**held, is_active=True).exclude(pk=but.pk).distinct().order_by("pk")


def due() -> Iterator[Matter]:
    """What nobody has been told of yet."""
    now = timezone.now()
    for access in EmergencyAccess.objects.filter(tell_after__lte=now).select_related("practice", "user"):
        at = f"{access.opened_at:%Y-%m-%d %H:%M} UTC"
        text = f"Somebody at {access.practice.name} opened an emergency access at {at}.\nLook at who and why: "
        subject = "an emergency access was opened"
        yield Matter("emergency", access, access.practice, access.user, access.opened_at, subject, text)
    asked = ExportJob.objects.filter(tell_after__lte=now, state=ExportState.ASKED)
    for job in asked.select_related("practice", "created_by"):
        text = f"Somebody at {job.practice.name} asks to export everything; it takes two.\nApprove or decline: "
        subject = "an export of everything waits for you"
        yield Matter("export", job, job.practice, job.created_by, job.created_at, subject, text)


def tell_due() -> int:
    """Mail everybody who is to know; how many matters were told."""
    return sum(_tell(matter) for matter in list(due()))


def _tell(matter: Matter) -> bool:
    rows, now = type(matter.row).objects.filter(pk=matter.row.pk), timezone.now()
    if not rows.filter(tell_after__lte=now).update(tell_after=now + AGAIN):
        return False  # another worker tells it
    words = f"{matter.text}{link(reverse('portal:home'))}\n\n{SIGNED}\n"
    people = others(matter.practice, matter.by).exclude(email="")
    sent = [mail(person.email, f"Scribeport: {matter.subject}", words) for person in people]
    again = any(not one.taken and not one.final for one in sent)
    with transaction.atomic(), acting(Actor("worker", "second person")):
        if not again or now - matter.at > GIVEN_UP:
            rows.update(tell_after=None)
        _record(matter, sent)
    return True


def _record(matter: Matter, sent: list[Sent]) -> None:
    wrong = next((one.reason for one in sent if not one.taken), "" if sent else "nobody")
    record(
        "second.tell",
        practice=matter.practice.code,
        outcome="error" if wrong else "ok",
        object_type=matter.about,
        object_id=str(matter.row.pk),
        detail={"about": matter.about, "mails": sum(one.taken for one in sent), "outcome": wrong or "ok"},
    )
