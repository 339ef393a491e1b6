"""What the pages of alerts show: the alerts of the locations in view, and who is told of a practice's."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.urls import reverse

from delivery.alerts.kinds import AGREEMENT, ENDING, KINDS, STATE_WORDS, UNCERTAIN, AlertState, Kind
from delivery.alerts.models import Alert, AlertNotice, AlertRecipient
from delivery.alerts.telling import reached
from delivery.alerts.words import kinds_of, notice_words, quiet_of
from delivery.failures import CATALOGUE, failure
from delivery.words import ago
from portal.models import Location, Practice, User

KEPT = timedelta(days=30)  # recovered ones are listed for so long
MOST = 200


@dataclass(frozen=True)
class AlertRow:
    """One alert in words."""

    alert: Alert
    kind: Kind
    tone: str
    word: str
    where: str
    age: str
    why: str
    may_acknowledge: bool
    zone: str

    @property
    def about(self) -> str:
        """What it is about, in one line: the thing, the reason, how many."""
        return " · ".join(part for part in (self.alert.label, self.why, self.number) if part)

    @property
    def number(self) -> str:
        unit = {UNCERTAIN: "deliver", ENDING: "day", AGREEMENT: "day"}.get(self.alert.kind, "time")
        plural = self.alert.count != 1
        ending = ("ies" if plural else "y") if unit == "deliver" else "s" if plural else ""
        left = " left" if unit == "day" else ""
        return f"{self.alert.count} {unit}{ending}{left}" if self.alert.count else ""


@dataclass(frozen=True)
class Told:
    """One notice in words."""

    notice: AlertNotice
    whom: str
    tone: str
    word: str
    why: str


@dataclass(frozen=True)
class RecipientRow:
    """One recipient in words."""

    recipient: AlertRecipient
    where: str
    kinds: str
    quiet: str


def visible(locations: Sequence[Location], practices: Iterable[int]) -> QuerySet[Alert]:
    """The alerts of these locations, and those of a whole practice for whoever sees all of it."""
    here = Q(location__in=locations) | Q(location=None, practice__in=list(practices))
    return Alert.objects.filter(here).select_related("location", "practice", "acknowledged_by")


def listed(found: QuerySet[Alert], now: datetime) -> list[Alert]:
    """What goes on first, then what recovered lately; each the newest first."""
    kept = found.filter(Q(going_on=True) | Q(recovered_at__gt=now - KEPT))
    return list(kept.order_by("-going_on", "-opened_at", "-pk")[:MOST])


def version(found: Sequence[Alert], now: datetime) -> str:
    """Equal while the list need not change. Ages are said in minutes."""
    marks = [(one.pk, one.state, one.count, one.reason_code, one.label, one.acknowledged_by_id) for one in found]
    return hashlib.sha256(repr((marks, now.replace(second=0, microsecond=0))).encode()).hexdigest()[:24]


def row(alert: Alert, may_acknowledge: bool, now: datetime) -> AlertRow:
    tone, word = STATE_WORDS.get(alert.state, ("off", alert.state))
    ended = alert.recovered_at or now
    waits = alert.going_on and alert.state in (AlertState.OPEN, AlertState.ESCALATED)
    return AlertRow(
        alert=alert,
        kind=KINDS.get(alert.kind) or Kind(alert.kind, alert.kind, ""),
        tone=tone,
        word=word,
        where=alert.location.name if alert.location else "Whole practice",
        age=ago(ended - alert.opened_at),
        why=failure(alert.reason_code).title if alert.reason_code in CATALOGUE else alert.reason_code,
        may_acknowledge=may_acknowledge and waits,
        zone=alert.location.time_zone if alert.location else "UTC",
    )


def link_of(alert: Alert) -> tuple[str, str] | None:
    """Where it is put right: a button's word and address."""
    kind, _, number = alert.subject.partition(":")
    if kind == "connection" and number.isdecimal():
        return "Open the connection", reverse("portal:connection", args=[int(number)])
    if kind == "template" and number.isdecimal():
        return "Open the template", reverse("mapping:template", args=[int(number)])
    if kind == "agreement":
        return "Open the agreements", reverse("portal:agreements")
    if alert.kind == "uncertain":
        return (
            "Open the deliveries",
            f"{reverse('delivery:deliveries')}?location={alert.place}&state=unknown&state=parked",
        )
    if alert.kind == "no_traffic":
        return "Open completeness", reverse("delivery:completeness")
    return ("Open the connections", reverse("portal:connections")) if alert.kind == "ending" else None


def told_of(alert: Alert) -> list[Told]:
    """Who was told of the alert, is to be, or could not be; the newest first."""
    rows = alert.notices.select_related("recipient", "user").order_by("-created_at", "-pk")
    return [Told(one, whom(one), *notice_words(one)) for one in rows[:MOST]]


def whom(one: AlertNotice) -> str:
    """A recipient as the page names it: people by their user name, addresses as they were typed."""
    if one.recipient is not None:
        return one.recipient.address
    return one.user.get_username() if one.user else one.key


def recipient_rows(practice: Practice) -> list[RecipientRow]:
    rows = AlertRecipient.objects.filter(practice=practice).select_related("location")
    return [
        RecipientRow(one, one.location.name if one.location else "Every location", kinds_of(one), quiet_of(one))
        for one in rows
    ]


def standing_in(practice: Practice, locations: Iterable[Location]) -> list[tuple[Location, list[User]]]:
    """The locations for which nobody is named at first, with the directors who are told instead."""
    found = []
    for location in locations:
        asked = Alert(practice=practice, location=location, place=location.code, kind="")
        told = reached(asked, AlertRecipient.FIRST)
        if not any(one.recipient for one in told) and not _named_at_all(practice, location):
            found.append((location, [one.user for one in told if one.user]))
    return found


def _named_at_all(practice: Practice, location: Location) -> bool:
    here = Q(location=None) | Q(location=location)
    return AlertRecipient.objects.filter(here, practice=practice, enabled=True, level=AlertRecipient.FIRST).exists()


def zone_of(alert: Alert) -> ZoneInfo:
    return ZoneInfo(alert.location.time_zone if alert.location else "UTC")
