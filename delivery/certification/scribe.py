"""The synthetic scribe of a run: a key for the location, an endpoint that listens, and notes posted over the API."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import transaction

from delivery import two_secrets
from delivery.certification.listener import Listener
from delivery.webhooks import endpoints
from delivery.webhooks.kinds import CAPTURE
from delivery.webhooks.models import EndpointState, ScribeEndpoint
from portal import keys
from portal.models import ApiKey, Environment, Location, Scribe

NAME = "Certification (synthetic)"
SECONDS = 60.0


def client(url: str = "") -> httpx2.Client:
    """Speaks to the portal at `url`, or, without one, to the portal's own application in this process.

    The application is the same: authentication, limits, signatures and storing. The headers are what our own proxy
    would set.
    """
    if url:
        return httpx2.Client(base_url=url, timeout=SECONDS, trust_env=False)
    host = next((name for name in settings.ALLOWED_HOSTS if name[0] not in "*."), "localhost")
    transport = httpx2.WSGITransport(app=get_wsgi_application(), raise_app_exceptions=False)
    headers = {"X-Forwarded-Proto": "https"}
    return httpx2.Client(transport=transport, base_url=f"http://{host}", headers=headers, timeout=SECONDS)


@dataclass
class SyntheticScribe:
    """Posts notes for one location; what it was told is in `listener`."""

    http: httpx2.Client
    scribe: Scribe
    key: ApiKey
    bearer: str = field(repr=False)
    endpoint: ScribeEndpoint
    listener: Listener
    posted: int = 0

    def post(self, note: dict[str, Any]) -> httpx2.Response:
        self.posted += 1
        name = f"{note['source_note_id']}-{note['version']}-{self.posted}"
        headers = {
            "Authorization": f"Bearer {self.bearer}",
            "Idempotency-Key": name,
            "Content-Type": "application/json",
        }
        return self.http.post("/api/v1/notes", content=json.dumps(note).encode(), headers=headers)

    def leave(self) -> None:
        """The key ends, and nothing is told any more."""
        with suppress(OSError):
            self.listener.close()
        with transaction.atomic():
            keys.revoke(self.key)
            endpoints.change(self.endpoint, self.endpoint.url, [CAPTURE], enabled=False)
        self.http.close()


def arrive(location: Location, url: str = "") -> SyntheticScribe:
    """The synthetic scribe of a practice, with a fresh key for this sandbox location alone, and an endpoint."""
    if location.environment != Environment.SANDBOX:
        raise ValueError("A synthetic scribe posts into the sandbox only.")
    listener = Listener()
    with transaction.atomic():
        scribe, _ = Scribe.objects.get_or_create(practice=location.practice, name=NAME, defaults={"synthetic": True})
        key, bearer = keys.create(scribe, Environment.SANDBOX, locations=[location])
        endpoint = ScribeEndpoint.objects.filter(scribe=scribe, environment=Environment.SANDBOX).first()
        if endpoint is None:
            endpoint, listener.secret = endpoints.create(scribe, Environment.SANDBOX, listener.url, [CAPTURE])
        else:
            endpoints.change(endpoint, listener.url, [CAPTURE], enabled=True)
            listener.secret = two_secrets.good(endpoint)[0]
            EndpointState.objects.filter(pk=endpoint.pk).update(stopped_at=None, failing_since=None, reason="")
    return SyntheticScribe(client(url), scribe, key, bearer, endpoint, listener)
