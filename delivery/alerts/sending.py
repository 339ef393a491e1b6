"""Empties the outbox of alerts: all that waits for a recipient goes in one message; what came of it is written down.

At least once: a worker that dies between the message and its writing down sends it again after CLAIM. A try that fails
is made again on the schedule of webhooks; what a recipient refuses for good is given up, and the page says so.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery import lanes
from delivery.alerts.messages import send
from delivery.alerts.models import AlertNotice
from delivery.alerts.telling import Reached
from delivery.webhooks.sending import WAITS
from portal.mail import Sent

log = logging.getLogger(__name__)
CLAIM = timedelta(minutes=3)  # longer than any try


def send_due() -> int:
    """Tell whoever is due; how many messages were tried."""
    now = timezone.now()
    keys = AlertNotice.objects.filter(state=AlertNotice.WAITING, not_before__lte=now).order_by()
    tried = 0
    with acting(Actor("worker", lanes.owner())):
        for key in list(keys.values_list("key", flat=True).distinct()):
            notices = claim(key, now)
            if notices:
                first = notices[0]
                conclude(notices, send(Reached(first.recipient, first.user), notices))
                tried += 1
    return tried


def claim(key: str, now: datetime) -> list[AlertNotice]:
    """Everything that waits for this recipient, for one worker; what is not due yet goes along."""
    free = Q(batch=None) | Q(not_before__lte=now)
    with transaction.atomic():
        rows = AlertNotice.objects.select_for_update().filter(free, key=key, state=AlertNotice.WAITING)
        taken = [row.pk for row in rows]
        AlertNotice.objects.filter(pk__in=taken).update(
            batch=uuid4(), not_before=now + CLAIM, attempts=F("attempts") + 1
        )
    found = AlertNotice.objects.filter(pk__in=taken).select_related("alert__practice", "recipient", "user")
    return list(found.order_by("created_at", "pk"))


def conclude(notices: Sequence[AlertNotice], sent: Sent) -> None:
    """Write down what came of one message."""
    now = timezone.now()
    rows = AlertNotice.objects.filter(pk__in=[one.pk for one in notices])
    attempts = max(one.attempts for one in notices)
    with transaction.atomic():
        if sent.taken:
            rows.update(state=AlertNotice.SENT, sent_at=now, reason="")
        elif sent.final or attempts > len(WAITS):
            rows.update(state=AlertNotice.GIVEN_UP, reason=sent.reason)
        else:
            rows.update(not_before=now + WAITS[attempts - 1], batch=None, reason=sent.reason)
        alert = notices[0].alert
        record(
            "alert.tell",
            practice=alert.practice.code,
            object_type="alert_recipient",
            object_id=notices[0].key,
            outcome="ok" if sent.taken else "error",
            detail={"recipient": notices[0].key, "alerts": len(notices), "outcome": sent.reason or "ok"},
        )
