"""Create and change a scribe's endpoint: its secret shown once and replaced without a gap, each change recorded."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from audit.record import record
from delivery import two_secrets
from delivery.events.sources import new_secret
from delivery.webhooks.models import EndpointState, ScribeEndpoint, WebhookMessage
from portal.models import Scribe


def create(scribe: Scribe, environment: str, url: str, types: Sequence[str]) -> tuple[ScribeEndpoint, str]:
    """A new endpoint and, this once, the secret that signs what it is sent."""
    secret = new_secret()
    with transaction.atomic():
        endpoint = ScribeEndpoint.objects.create(scribe=scribe, environment=environment, url=url, types=list(types))
        EndpointState.objects.create(endpoint=endpoint)
        two_secrets.replace(endpoint, secret)
        endpoint.save(update_fields=["sealed_secrets", "previous_until"])
        _record(endpoint, "created")
    return endpoint, secret


def change(endpoint: ScribeEndpoint, url: str, types: Sequence[str], enabled: bool) -> None:
    """Another address or other events; what waits already goes to the new address."""
    with transaction.atomic():
        endpoint.url, endpoint.types, endpoint.enabled = url, list(types), enabled
        endpoint.save(update_fields=["url", "types", "enabled"])
        _record(endpoint, "changed" if enabled else "off")


def rotate(endpoint: ScribeEndpoint) -> str:
    """A new secret, shown this once; for a day every message is signed with both."""
    secret = new_secret()
    with transaction.atomic():
        two_secrets.replace(endpoint, secret)
        endpoint.save(update_fields=["sealed_secrets", "previous_until"])
        _record(endpoint, "secret", "endpoint.secret")
    return secret


def resume(endpoint: ScribeEndpoint) -> int:
    """A person has repaired the cause: what waits, and what was given up, goes again; how many there are."""
    with transaction.atomic():
        EndpointState.objects.filter(pk=endpoint.pk).update(stopped_at=None, failing_since=None, reason="")
        left = WebhookMessage.objects.filter(endpoint=endpoint).exclude(state=WebhookMessage.DELIVERED)
        again = left.update(state=WebhookMessage.WAITING, attempts=0, not_before=timezone.now(), finished_at=None)
        _record(endpoint, "resumed", "endpoint.resume")
    return again


def _record(endpoint: ScribeEndpoint, deed: str, event: str = "endpoint.change") -> None:
    record(
        event,
        practice=endpoint.scribe.practice.code,
        object_type="scribe_endpoint",
        object_id=str(endpoint.pk),
        detail={"endpoint": endpoint.pk, "deed": deed, "environment": endpoint.environment},
    )
