"""Mails reports to those who asked: figures and a link, on the morning after the period by the location's clock.

At least once: a worker that dies between the mail and its writing down mails it again after CLAIM. Whoever may no
longer see the location's deliveries gets nothing. No name of a person or a location stands in a mail, which passes
through others' servers: the location's code does.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from audit.record import Actor, acting, record
from audit.when_called import when_called
from delivery import lanes
from delivery.completeness.days import day_of
from delivery.doors import may
from delivery.reports.periods import MONTH, WEEK, Period, period_of
from delivery.reports.summary import Summary, summary
from delivery.reports.tables import ReportMail, ReportMailing
from delivery.webhooks.sending import WAITS
from portal.mail import Sent, link, mail
from portal.models import Location, User
from portal.navigation import SEES_NOTES

log = logging.getLogger(__name__)
if TYPE_CHECKING:
    from delivery.reports.files import lines
else:
    lines = when_called("delivery.reports.files.lines")

AT = time(7)  # of the morning after
CLAIM = timedelta(minutes=5)  # longer than any try
WORDS = {WEEK: "Weekly", MONTH: "Monthly"}


def choose(user: User, location: Location, weekly: bool, monthly: bool) -> None:
    """Keep what this person wishes for this location; recorded where it changes something."""
    kept = ReportMailing.objects.filter(user=user, location=location).first()
    if (kept.weekly, kept.monthly) == (weekly, monthly) if kept else not (weekly or monthly):
        return
    with transaction.atomic():
        wished = {"weekly": weekly, "monthly": monthly, "since": timezone.now()}
        ReportMailing.objects.update_or_create(user=user, location=location, defaults=wished)
        record(
            "report.mailing",
            practice=location.practice.code,
            location=location.code,
            object_type="location",
            object_id=location.code,
            detail={"weekly": weekly, "monthly": monthly},
        )


def wishes_of(user: User) -> dict[int, ReportMailing]:
    """By location."""
    return {one.location_id: one for one in ReportMailing.objects.filter(user=user)}


def mail_due() -> int:
    """One round of a worker: make what has come due, then mail one at a time; how many were tried."""
    now, tried = timezone.now(), 0
    enter_due(now)
    with acting(Actor("worker", lanes.owner())):
        waiting = ReportMail.objects.filter(state=ReportMail.WAITING, not_before__lte=now).order_by("not_before", "pk")
        for pk in list(waiting.values_list("pk", flat=True)):
            if one := claim(pk, now):
                conclude(one, send(one, now))
                tried += 1
    return tried


def enter_due(now: datetime) -> None:
    """A row for each report whose morning has come since its person asked for it; of several workers one makes it."""
    wished = list(ReportMailing.objects.filter(Q(weekly=True) | Q(monthly=True)).select_related("location"))
    known = ReportMail.objects.filter(mailing__in=wished, first__gte=(now - timedelta(days=100)).date())
    made = set(known.values_list("mailing", "kind", "first")) if wished else set()
    rows = [
        ReportMail(mailing=one, kind=kind, first=period.first, not_before=now)
        for one in wished
        for kind, period in ended(one.location, now)
        if one.wants(kind) and due_at(period, one.location) > one.since and (one.pk, kind, period.first) not in made
    ]
    if rows:
        ReportMail.objects.bulk_create(rows, ignore_conflicts=True)


def ended(location: Location, now: datetime) -> Iterator[tuple[str, Period]]:
    """The last week and the last month whose morning after has come there."""
    today = day_of(now, ZoneInfo(location.time_zone))
    for kind in (WEEK, MONTH):
        period = period_of(kind, today).before
        yield kind, period if due_at(period, location) <= now else period.before


def due_at(period: Period, location: Location) -> datetime:
    return datetime.combine(period.last + timedelta(days=1), AT, ZoneInfo(location.time_zone))


def claim(pk: int, now: datetime) -> ReportMail | None:
    """For one worker; another may try again after CLAIM."""
    rows = ReportMail.objects.filter(pk=pk, state=ReportMail.WAITING, not_before__lte=now)
    if not rows.update(not_before=now + CLAIM, attempts=F("attempts") + 1):
        return None
    return ReportMail.objects.select_related("mailing__user", "mailing__location__practice").get(pk=pk)


def send(one: ReportMail, now: datetime) -> Sent:
    """One mail; never raises for what a server does."""
    mailing = one.mailing
    if not mailing.wants(one.kind):
        return Sent("not_wanted", final=True)
    if not mailing.user.is_active or not may(mailing.user, mailing.location, SEES_NOTES):
        return Sent("not_allowed", final=True)
    period = period_of(one.kind, one.first)
    said = summary(mailing.location, period, now)
    return mail(mailing.user.email, subject(period, mailing.location), text(period, said))


def subject(period: Period, location: Location) -> str:
    return f"Scribeport: {WORDS[period.kind].lower()} report of {location.code}, {period.label}"


def text(period: Period, said: Summary) -> str:
    """The figures, one a line, and where to look."""
    address = f"{reverse('delivery:report')}?kind={period.kind}&day={period.first}&location={said.location.code}"
    figures = [f"{words}: {figure}" for words, figure in lines(said)]
    ends = "You asked for this on the page of reports and can switch it off there."
    return "\n".join(
        [
            f"{WORDS[period.kind]} report of {said.location.code}, {period.label}",
            f"Days of {said.location.time_zone}; as it stands now.",
            "",
            *figures,
            "",
            f"The same on screen: {link(address)}",
            ends,
            "",
        ]
    )


def conclude(one: ReportMail, sent: Sent) -> None:
    """Write down what came of it; tried again on the schedule of webhooks, given up where nothing can change it."""
    now = timezone.now()
    if sent.taken:
        one.state, one.sent_at, one.reason = ReportMail.SENT, now, ""
    elif sent.final or one.attempts > len(WAITS):
        one.state, one.reason = ReportMail.GIVEN_UP, sent.reason
    else:
        one.not_before, one.reason = now + WAITS[one.attempts - 1], sent.reason
    location = one.mailing.location
    with transaction.atomic():
        one.save(update_fields=["state", "sent_at", "reason", "not_before"])
        record(
            "report.mail",
            practice=location.practice.code,
            location=location.code,
            object_type="location",
            object_id=location.code,
            outcome="ok" if sent.taken else "error",
            detail={"recipient": one.mailing.user_id, "what": one.kind, "day": str(one.first), "outcome": sent.reason},
        )
