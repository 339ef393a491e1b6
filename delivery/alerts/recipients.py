"""Make, change, test and remove who is told of alerts: each recorded, a webhook's secret shown once."""

from dataclasses import dataclass
from datetime import time
from typing import Any

from django.db import transaction

from audit.record import record
from delivery import two_secrets
from delivery.alerts.kinds import EMAIL, WEBHOOK
from delivery.alerts.messages import hook
from delivery.alerts.models import AlertRecipient, AlertSettings
from delivery.events.sources import new_secret
from portal.mail import Sent, mail
from portal.models import Location, Practice

TEST_WORDS = "This is a test of Scribeport's alerts. Nothing is wrong.\n"


@dataclass(frozen=True)
class Wanted:
    """What a person has chosen for a recipient; the columns of AlertRecipient."""

    way: str
    address: str
    level: int = AlertRecipient.FIRST
    location: Location | None = None
    kinds: tuple[str, ...] = ()
    quiet_from: time | None = None
    quiet_until: time | None = None
    time_zone: str = "America/New_York"
    urgent_passes: bool = True
    enabled: bool = True

    def columns(self) -> dict[str, Any]:
        return {**vars(self), "kinds": list(self.kinds)}


def create(practice: Practice, wanted: Wanted) -> tuple[AlertRecipient, str]:
    """A new recipient and, this once, the secret that signs its webhooks ("" for an e-mail address)."""
    if wanted.location is not None and wanted.location.practice_id != practice.pk:
        raise ValueError("the location is another practice's")
    secret = new_secret() if wanted.way == WEBHOOK else ""
    with transaction.atomic():
        row = AlertRecipient.objects.create(practice=practice, **wanted.columns())
        if secret:
            two_secrets.replace(row, secret)
            row.save(update_fields=["sealed_secrets", "previous_until"])
        _record(row, "created")
    return row, secret


def change(row: AlertRecipient, wanted: Wanted) -> None:
    """What waits for it already goes to the new address. The way stays: a webhook has a secret, an address has none."""
    if wanted.way != row.way:
        raise ValueError("make a new recipient for another way")
    with transaction.atomic():
        for name, value in wanted.columns().items():
            setattr(row, name, value)
        row.save()
        _record(row, "changed" if row.enabled else "off")


def rotate(row: AlertRecipient) -> str:
    """A new secret, shown this once; for a day every message is signed with both."""
    secret = new_secret()
    with transaction.atomic():
        two_secrets.replace(row, secret)
        row.save(update_fields=["sealed_secrets", "previous_until"])
        _record(row, "secret", "alert.secret")
    return secret


def remove(row: AlertRecipient) -> None:
    """Nobody is told there any more, of what waits either."""
    with transaction.atomic():
        _record(row, "removed")
        row.delete()


def test(row: AlertRecipient) -> Sent:
    """One message that tells of nothing, now, quiet hours or not; what the server said of it."""
    if row.way == EMAIL:
        sent = mail(row.address, "Scribeport: test of alerts", TEST_WORDS)
    else:
        sent = hook(row, "alert.test", {})
    with transaction.atomic():
        record(
            "alert.test",
            practice=row.practice.code,
            location=row.location.code if row.location else "",
            object_type="alert_recipient",
            object_id=str(row.pk),
            outcome="ok" if sent.taken else "error",
            detail={"recipient": row.pk, "way": row.way, "outcome": sent.reason or "ok"},
        )
    return sent


def set_limits(limits: AlertSettings) -> None:
    with transaction.atomic():
        limits.save()
        record(
            "alert.settings",
            practice=limits.practice.code,
            object_type="practice",
            object_id=limits.practice.code,
            detail={
                "uncertain": limits.uncertain_minutes,
                "silence": limits.silence_minutes,
                "escalate": limits.escalate_minutes,
                "near": limits.near_days,
            },
        )


def _record(row: AlertRecipient, deed: str, event: str = "alert.recipient") -> None:
    record(
        event,
        practice=row.practice.code,
        location=row.location.code if row.location else "",
        object_type="alert_recipient",
        object_id=str(row.pk),
        detail={"recipient": row.pk, "deed": deed, "way": row.way},
    )
