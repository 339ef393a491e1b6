"""Writes what a scribe is to be told into the outbox, in the transaction of what it tells of. No network here."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from delivery import sql
from delivery.models import Delivery
from delivery.states import State
from delivery.webhooks.kinds import OF_STATE
from delivery.webhooks.models import ScribeEndpoint, WebhookMessage
from portal import crypto

_ROWS = (
    "pk",
    "note_id",
    "note__scribe_id",
    "note__source_note_id",
    "note_version__number",
    "part",
    "location__code",
    "location__environment",
)


def listening() -> QuerySet[ScribeEndpoint]:
    """The endpoints that are told anything at present: switched on, and not stopped after days of failure."""
    return ScribeEndpoint.objects.filter(enabled=True, state__stopped_at=None)


def moved(reasons: Mapping[int, str], new: State) -> None:
    """Tell the scribes whose deliveries (each with its reason code) have just moved; one query where nobody listens."""
    kind = OF_STATE.get(new)
    if kind is None or not reasons:
        return
    by_scribe = {(each.scribe_id, each.environment): each for each in listening() if kind in each.types}
    if not by_scribe:
        return
    told = []
    rows = Delivery.objects.filter(pk__in=list(reasons)).values_list(*_ROWS)
    for pk, note, scribe, source_note, version, part, location, environment in rows:
        endpoint = by_scribe.get((scribe, environment))
        if endpoint is None:
            continue
        content = {
            "delivery_id": pk,
            "note_id": str(note),
            "source_note_id": source_note,
            "version": version,
            "part": part,
            "location": location,
            "state": new.value,
            "reason": reasons[pk],
        }
        told.append(message(endpoint, kind, content, delivery_id=pk))
    put(told)


def message(
    endpoint: ScribeEndpoint, kind: str, content: Mapping[str, Any], at: datetime | None = None, **of: Any
) -> WebhookMessage:
    """An unsaved message of the outbox: `type`, `timestamp` and `data`, as Standard Webhooks has them."""
    pk, now = uuid.uuid4(), timezone.now()
    stamp = (at or now).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = json.dumps({"type": kind, "timestamp": stamp, "data": dict(content)}, ensure_ascii=False)
    return WebhookMessage(
        id=pk,
        endpoint=endpoint,
        type=kind,
        sealed_body=crypto.seal(body.encode(), table="webhookmessage", column="body", row=pk),
        created_at=now,
        not_before=now,
        **of,
    )


def put(messages: Iterable[WebhookMessage]) -> None:
    """Into the outbox: the worker's next look, a second away at most, finds them."""
    sql.insert(list(messages))
