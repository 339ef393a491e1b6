"""What sends events in the tests: signed webhooks as eCW is assumed to post them, and a scribe that listens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid

from django.test import Client

from delivery.events import sources
from delivery.events.models import EventSource
from delivery.webhooks import endpoints
from delivery.webhooks.kinds import CAPTURE, LABELS
from portal import keys
from portal.models import Environment
from tests.cast import Cast

CHECKED_IN, OPENED, CLOSED = "patient.checked_in", "encounter.opened", "encounter.closed"


def told(kind: str = OPENED, encounter: str = "E5001", **more) -> dict:
    return {
        "type": kind,
        "encounter": {"id": encounter},
        "patient": {"id": "P1001"},
        "provider": {"id": "DR7"},
        **more,
    }


def signature(secret: str, content: bytes) -> str:
    """Written here a second time, from the brief's words: HMAC-SHA256, Base64, over the raw bytes."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


class Ecw:
    """Posts webhooks to one source."""

    def __init__(self, source: EventSource, secret: str) -> None:
        self.source, self.secret, self.client = source, secret, Client()
        self.address = f"/api/v1/events/{source.public_id}"

    def post(self, event, *, id: str = "", age: float = 0, signed: str | None = None, **headers):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        sent = {
            "X-Event-Id": id or f"evt-{uuid.uuid4().hex}",
            "X-Timestamp": str(int(time.time() - age)),
            "X-Signature": signature(self.secret, body) if signed is None else signed,
            **headers,
        }
        headers = {name: value for name, value in sent.items() if value is not None}
        return self.client.post(self.address, body, content_type="application/json", headers=headers)


def ecw(cast: Cast, **settings) -> Ecw:
    return Ecw(*sources.create(cast.north, "webhook", settings))


def listening_scribe(cast: Cast, url: str = "http://127.0.0.1:1/hook", types=(CAPTURE, *LABELS)):
    """A scribe with a key for every sandbox location and an endpoint: (the endpoint, its secret)."""
    keys.create(cast.scribe, Environment.SANDBOX)
    return endpoints.create(cast.scribe, Environment.SANDBOX, url, types)
