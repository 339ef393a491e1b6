"""The course of alerts: opened with a condition, worse, escalated, recovered; each change written with its notices."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from audit.record import record
from delivery.alerts.conditions import Condition, conditions
from delivery.alerts.kinds import KINDS, LATE, OPENED, WELL, WORSE, AlertState
from delivery.alerts.models import Alert, AlertNotice, AlertRecipient, AlertSettings
from delivery.alerts.telling import tell, tell_again
from portal.models import Practice, User

log = logging.getLogger(__name__)
CALM = timedelta(minutes=2)  # so long a condition must be gone: what comes and goes is one alert
SLOW = timedelta(hours=24)  # until an alert without haste escalates


def look(practice: Practice, now: datetime) -> None:
    """One look at a practice: what is wrong against the alerts that are going on."""
    limits = settings_of(practice)
    found = conditions(practice, limits, now)
    going = {(one.kind, one.place, one.subject): one for one in Alert.objects.filter(practice=practice, going_on=True)}
    for condition in found:
        alert = going.pop(condition.key, None)
        if alert is None:
            open_one(practice, condition, now)
        else:
            see(alert, condition, now)
    for alert in going.values():
        if now - alert.seen_at >= CALM:
            recover(alert, now)
    escalate_late(practice, limits, now)


def settings_of(practice: Practice) -> AlertSettings:
    """The practice's limits, the usual ones where it has chosen none. (Not stored until somebody changes one.)"""
    return AlertSettings.objects.filter(practice=practice).first() or AlertSettings(practice=practice)


def open_one(practice: Practice, condition: Condition, now: datetime) -> Alert | None:
    """A new alert with its notices; None where another worker was faster."""
    try:
        with transaction.atomic():
            alert = Alert.objects.create(
                practice=practice,
                location=condition.location,
                place=condition.location.code if condition.location else "",
                kind=condition.kind,
                subject=condition.subject,
                label=condition.label,
                reason_code=condition.reason_code,
                count=condition.count,
                level=condition.level,
                opened_at=now,
                changed_at=now,
                seen_at=now,
            )
            tell(alert, OPENED, AlertRecipient.FIRST, now)
            _record(alert)
            return alert
    except IntegrityError:
        return None


def see(alert: Alert, condition: Condition, now: datetime) -> None:
    """It is still so. Worse is a change: what was acknowledged was less."""
    rows = Alert.objects.filter(pk=alert.pk, going_on=True)
    seen = {"seen_at": now, "count": condition.count, "reason_code": condition.reason_code, "label": condition.label}
    if condition.level <= alert.level:
        rows.update(**seen)
        return
    with transaction.atomic():
        worse = {"level": condition.level, "state": AlertState.OPEN, "changed_at": now}
        if rows.filter(level=alert.level).update(**seen, **worse):
            alert.refresh_from_db()
            tell(alert, WORSE, AlertRecipient.FIRST, now)
            _record(alert)


def recover(alert: Alert, now: datetime) -> None:
    """Its condition is gone: whoever was told of it hears that too."""
    with transaction.atomic():
        rows = Alert.objects.filter(pk=alert.pk, going_on=True)
        if rows.update(state=AlertState.RECOVERED, going_on=False, recovered_at=now):
            alert.refresh_from_db()
            tell_again(alert, WELL, now)
            _record(alert)


def escalate_late(practice: Practice, limits: AlertSettings, now: datetime) -> None:
    """Tell the next ones of what nobody has acknowledged in time; once."""
    for alert in Alert.objects.filter(practice=practice, going_on=True, state=AlertState.OPEN):
        soon = alert.kind in KINDS and KINDS[alert.kind].soon
        if now - alert.changed_at < (timedelta(minutes=limits.escalate_minutes) if soon else SLOW):
            continue
        if unheard(alert, now):
            continue
        with transaction.atomic():
            rows = Alert.objects.filter(pk=alert.pk, state=AlertState.OPEN, going_on=True)
            if rows.update(state=AlertState.ESCALATED):
                alert.refresh_from_db()
                tell(alert, LATE, AlertRecipient.NEXT, now)
                _record(alert)


def unheard(alert: Alert, now: datetime) -> bool:
    """Whether everybody who is to be told of it is left in quiet until later."""
    waiting = AlertNotice.WAITING
    notices = alert.notices.all()
    return notices.filter(state=waiting, not_before__gt=now).exists() and not notices.exclude(state=waiting).exists()


def acknowledge(alert: Alert, person: User, now: datetime) -> bool:
    """Somebody has it; False where it has recovered, or somebody had it before."""
    waiting = (AlertState.OPEN, AlertState.ESCALATED)
    with transaction.atomic():
        rows = Alert.objects.filter(pk=alert.pk, going_on=True, state__in=waiting)
        done = rows.update(state=AlertState.ACKNOWLEDGED, acknowledged_at=now, acknowledged_by=person)
        if done:
            alert.refresh_from_db()
            _record(alert)
    return bool(done)


def _record(alert: Alert) -> None:
    record(
        "alert.change",
        practice=alert.practice.code,
        location=alert.place,
        object_type="alert",
        object_id=str(alert.pk),
        detail={"kind": alert.kind, "state": str(alert.state), "reason_code": alert.reason_code, "count": alert.count},
    )


def acknowledge_all(alerts: Sequence[Alert], person: User, now: datetime) -> int:
    """How many were acknowledged."""
    return sum(acknowledge(alert, person, now) for alert in alerts)
