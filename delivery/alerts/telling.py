"""Who is told of a change, and from when on: written into the outbox in the change's own transaction. No network here.

Told together: what changes within GROUPED of each other goes in one message. Not too often: a recipient hears at most
every THROTTLED. Quiet hours hold a message back until they end, but urgent ones where the recipient lets them pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from delivery.alerts.kinds import KINDS
from delivery.alerts.models import Alert, AlertNotice, AlertRecipient
from portal.models import Membership, Role, User

GROUPED, GROUPED_URGENT = timedelta(seconds=60), timedelta(seconds=15)
UTC = ZoneInfo("UTC")
THROTTLED, THROTTLED_URGENT = timedelta(minutes=15), timedelta(minutes=2)


@dataclass(frozen=True)
class Quiet:
    """Hours in which a recipient is left alone, by its own clock; they may go past midnight."""

    begins: time | None = None
    ends: time | None = None
    zone: ZoneInfo = UTC
    urgent_passes: bool = True

    def until(self, at: datetime, urgent: bool) -> datetime:
        """`at`, or the moment the quiet ends that it falls into."""
        if self.begins is None or self.ends is None or self.begins == self.ends or (urgent and self.urgent_passes):
            return at
        local = at.astimezone(self.zone)
        clock = local.time().replace(tzinfo=None)
        over_midnight = self.begins > self.ends
        inside = clock >= self.begins or clock < self.ends if over_midnight else self.begins <= clock < self.ends
        if not inside:
            return at
        day = local.date() + timedelta(days=int(over_midnight and clock >= self.begins))
        return max(at, datetime.combine(day, self.ends, self.zone).astimezone(at.tzinfo))


@dataclass(frozen=True)
class Reached:
    """Somebody to be told: a recipient, or a director who stands in for one."""

    recipient: AlertRecipient | None = None
    user: User | None = None

    @property
    def key(self) -> str:
        return f"r:{self.recipient.pk}" if self.recipient else f"u:{self.user.pk if self.user else 0}"

    @property
    def quiet(self) -> Quiet:
        own = self.recipient
        if own is None:
            return Quiet()
        return Quiet(own.quiet_from, own.quiet_until, ZoneInfo(own.time_zone), own.urgent_passes)


def reached(alert: Alert, level: int) -> list[Reached]:
    """Who is told at this level. Nobody named: the directors; of those, at the next level, whom the first was not."""
    named = _named(alert, level)
    if named:
        return named
    first = _named(alert, AlertRecipient.FIRST)
    if level == AlertRecipient.NEXT:
        known = {one.recipient.address for one in first if one.recipient}
        return [one for one in _directors(alert) if one.user and one.user.email not in known] or first
    # Who has chosen kinds for everybody that leave this one out, has chosen: it stands on the page alone.
    chosen = AlertRecipient.objects.filter(_covering(alert), practice=alert.practice, enabled=True, level=level)
    return [] if chosen.exists() else _directors(alert)


def _covering(alert: Alert) -> Q:
    return Q(location=None) | Q(location=alert.location_id) if alert.location_id else Q(location=None)


def _named(alert: Alert, level: int) -> list[Reached]:
    rows = AlertRecipient.objects.filter(_covering(alert), practice=alert.practice, enabled=True, level=level)
    return [Reached(recipient=row) for row in rows if not row.kinds or alert.kind in row.kinds]


def _directors(alert: Alert) -> list[Reached]:
    held = Membership.objects.filter(_covering(alert), practice=alert.practice, role=Role.DIRECTOR)
    people = User.objects.filter(pk__in=held.values("user"), is_active=True).exclude(email="")
    return [Reached(user=person) for person in people.order_by("pk")]


def tell(alert: Alert, change: str, level: int, now: datetime) -> None:
    _put(alert, change, reached(alert, level), now)


def tell_again(alert: Alert, change: str, now: datetime) -> None:
    """Whoever was told, or was to be told, of the alert hears of this as well."""
    rows = AlertNotice.objects.filter(alert=alert).select_related("recipient", "user").order_by("pk")
    told = {row.key: Reached(row.recipient, row.user) for row in rows}
    _put(alert, change, told.values(), now)


def _put(alert: Alert, change: str, whom: Iterable[Reached], now: datetime) -> None:
    urgent = alert.kind in KINDS and KINDS[alert.kind].urgent
    AlertNotice.objects.bulk_create(
        AlertNotice(
            alert=alert,
            change=change,
            key=one.key,
            recipient=one.recipient,
            user=one.user,
            created_at=now,
            not_before=when(one, urgent, now),
        )
        for one in whom
    )


def when(one: Reached, urgent: bool, now: datetime) -> datetime:
    """From when on the recipient may be told."""
    at = now + (GROUPED_URGENT if urgent else GROUPED)
    last = AlertNotice.objects.filter(key=one.key).aggregate(last=Max("sent_at"))["last"]
    if last is not None:
        at = max(at, last + (THROTTLED_URGENT if urgent else THROTTLED))
    return one.quiet.until(at, urgent)
