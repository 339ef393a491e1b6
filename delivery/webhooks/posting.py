"""Posts one signed message to a scribe's endpoint: a checked address, no redirect followed, fifteen seconds in all."""

import logging
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from delivery.channels import http
from delivery.webhooks.models import ScribeEndpoint
from delivery.webhooks.signing import headers
from portal.models import Environment
from portal.targets import TargetRefused, check_target, check_url

log = logging.getLogger(__name__)
SECONDS = 15.0


@dataclass(frozen=True)
class Said:
    """What came of one try. `reason` "" where it was taken; of the answer only its status is kept."""

    status: int = 0
    reason: str = ""
    ms: int = 0

    @property
    def taken(self) -> bool:
        return not self.reason


def post(endpoint: ScribeEndpoint, secrets: Sequence[str], message: str, body: bytes) -> Said:
    """One try at a scribe's endpoint: in production over TLS only."""
    return post_to(endpoint.url, endpoint.environment == Environment.PRODUCTION, secrets, message, body)


def post_to(url: str, tls_required: bool, secrets: Sequence[str], message: str, body: bytes) -> Said:
    """One try; asks no database, and never raises for what the network or the endpoint does."""
    began = time.monotonic()
    status, reason = 0, ""
    try:
        status = _status(url, tls_required, headers(secrets, message, body, timezone.now()), body)
        reason = _reason(status)
    except http.NotAnswered as error:
        reason = error.reason
    except (TargetRefused, OSError) as error:
        reason = "target_not_allowed" if isinstance(error, TargetRefused) else "dns"
    except Exception as error:
        log.error("an endpoint could not be told: %s", type(error))
        reason = "webhook_failed"
    return Said(status, reason, int((time.monotonic() - began) * 1000))


def _status(url: str, tls_required: bool, signed: dict[str, str], body: bytes) -> int:
    # Asked before each try, not only when it was typed: networks that are allowed may have changed.
    check_url(url, tls_required=tls_required)
    context = ssl.create_default_context() if url.startswith("https:") else None
    client = http.client(check_target, SECONDS, context, guard=lambda: True)
    try:
        return client.post(url, content=body, headers=signed).status_code
    finally:
        client.close()


def _reason(status: int) -> str:
    if 200 <= status < 300:
        return ""
    return "webhook_redirect" if 300 <= status < 400 else "webhook_refused"
