"""Empties the outbox: claims what is due, posts it, writes down what came of it, and stops an endpoint that stays away.

At least once: the worker may die between the answer and its writing down, and then the scribe is told again under the
same id. The schedule is that of Standard Webhooks: now, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery import lanes, sql, two_secrets
from delivery.webhooks.models import EndpointState, ScribeEndpoint, WebhookMessage
from delivery.webhooks.outbox import listening
from delivery.webhooks.posting import Said, post
from delivery.webhooks.still_wanted import still_wanted
from portal import crypto

log = logging.getLogger(__name__)
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600))
STOP_AFTER = timedelta(days=5)
CLAIM = timedelta(seconds=60)  # longer than any try
BATCH = 8
THREADS = 8
SEALED = "cannot_open"  # why one was not tried at all: no fault of its endpoint


def send_due() -> int:
    """Tell what is due; how many were tried."""
    with acting(Actor("worker", lanes.owner())):
        due = still_wanted(claim())
        # Opened here, posted by threads that ask no database, written down here.
        opened = [_opened(each) for each in due]
        with ThreadPoolExecutor(THREADS) as pool:
            said = list(pool.map(lambda each: post(*each) if each else Said(reason=SEALED), opened))
        for message, answer in zip(due, said, strict=True):
            conclude(message, answer)
    return len(due)


def claim() -> list[WebhookMessage]:
    """Take due messages for a minute: of endpoints that are on, some of each, so that a slow one holds nobody up."""
    now = timezone.now()
    due = WebhookMessage.objects.filter(state=WebhookMessage.WAITING, not_before__lte=now, endpoint__in=listening())
    endpoints = due.order_by().values_list("endpoint", flat=True).distinct()
    taken = [key for endpoint in list(endpoints) for key in _claim_of(endpoint, now)]
    found = WebhookMessage.objects.filter(pk__in=taken).order_by("created_at")
    of_event = ("event__practice", "event__location__practice", "event__location__reading_connection__practice")
    return list(found.select_related("endpoint__scribe__practice", *of_event))


def _claim_of(endpoint: int, now: datetime) -> list[Any]:
    """The keys of one endpoint's due messages, each given to one worker only."""
    table = sql.table(WebhookMessage)
    with transaction.atomic():
        rows = sql.returning(
            f"UPDATE {table} SET not_before = %s, attempts = attempts + 1 WHERE id IN (SELECT id FROM {table} "  # noqa: S608
            f"WHERE endpoint_id = %s AND state = 'waiting' AND not_before <= %s ORDER BY not_before LIMIT {BATCH}) "
            f"AND state = 'waiting' AND not_before <= %s RETURNING id",
            [now + CLAIM, endpoint, now, now],
        )
    return [row[0] for row in rows]


def _opened(message: WebhookMessage) -> tuple[ScribeEndpoint, Sequence[str], str, bytes] | None:
    """What is posted, and where; None for one that does not open here: nobody else's messages wait for it."""
    try:
        return message.endpoint, two_secrets.good(message.endpoint), name_of(message), open_body(message)
    except crypto.CannotOpen:
        log.error("a message to a scribe cannot be opened: endpoint %s", message.endpoint_id)
        return None


def name_of(message: WebhookMessage) -> str:
    """Its webhook-id: without a dot, and the same at every try."""
    return f"msg_{message.pk.hex}"


def open_body(message: WebhookMessage) -> bytes:
    return crypto.unseal(message.sealed_body, table="webhookmessage", column="body", row=message.pk)


def conclude(message: WebhookMessage, said: Said) -> None:
    """Write one try down: taken, to be tried again, or given up after the eighth."""
    now = timezone.now()
    tries = [
        *message.tries,
        {"at": now.isoformat(timespec="seconds"), "status": said.status, "reason": said.reason, "ms": said.ms},
    ]
    message.tries = tries
    if said.taken:
        message.state, message.finished_at = WebhookMessage.DELIVERED, now
    elif message.attempts > len(WAITS):
        message.state, message.finished_at = WebhookMessage.GIVEN_UP, now
    else:
        message.not_before = now + WAITS[message.attempts - 1]
    with transaction.atomic():
        # Not saved but updated: its delivery may have been removed while it was posted, and it with it.
        WebhookMessage.objects.filter(pk=message.pk).update(
            tries=tries, state=message.state, finished_at=message.finished_at, not_before=message.not_before
        )
        if said.reason != SEALED:
            judge(message.endpoint, said)


def judge(endpoint: ScribeEndpoint, said: Said) -> None:
    """How the endpoint stands after a try: well again, failing since the first of a row, or stopped after five days."""
    now = timezone.now()
    rows = EndpointState.objects.filter(endpoint=endpoint)
    if said.taken:
        rows.update(failing_since=None, answered_at=now, reason="")
        return
    rows.filter(failing_since=None).update(failing_since=now)
    rows.update(reason=said.reason)
    if rows.filter(failing_since__lte=now - STOP_AFTER, stopped_at=None).update(stopped_at=now):
        record(
            "endpoint.stop",
            practice=endpoint.scribe.practice.code,
            object_type="scribe_endpoint",
            object_id=str(endpoint.pk),
            detail={"endpoint": endpoint.pk, "reason": said.reason},
        )
