"""The round of alerts: every LOOK one worker looks at all conditions; every worker sends what is due."""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from audit.record import Actor, acting
from delivery import lanes
from delivery.alerts.course import look
from delivery.alerts.models import AlertRound
from delivery.alerts.sending import send_due
from portal.keyring import KeysUnavailable
from portal.models import Practice

log = logging.getLogger(__name__)
LOOK = timedelta(seconds=20)


def tend() -> int:
    """Look, where it is time; then send. How many messages were tried."""
    look_if_due(timezone.now())
    return send_due()


def look_if_due(now: datetime) -> bool:
    """Whether this worker looked. One practice that cannot be looked at keeps no other from it."""
    if not claim(now):
        return False
    with acting(Actor("worker", lanes.owner())):
        for practice in Practice.objects.order_by("pk"):
            try:
                look(practice, now)
            except (DatabaseError, InterfaceError, KeysUnavailable):
                raise
            except Exception as error:
                log.error("a practice's alerts could not be looked at: %s", type(error), exc_info=True)
    return True


def claim(now: datetime) -> bool:
    with transaction.atomic():
        row, made = AlertRound.objects.get_or_create(pk=1, defaults={"looked_at": now})
        due = AlertRound.objects.filter(pk=1, looked_at=row.looked_at, looked_at__lte=now - LOOK)
        return made or bool(due.update(looked_at=now))
