"""Create and change the sources of a location's events; secrets are shown once, each change is recorded."""

import base64
import secrets
from typing import Any

from django.db import transaction

from audit.record import record
from delivery import two_secrets
from delivery.events.models import EventSource, SourceState, Way
from delivery.events.settings import READ, Starting
from portal.models import Connection, Location


def new_secret() -> str:
    """256 random bits, written as Standard Webhooks writes a secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def create(
    location: Location, way: str, settings: dict[str, Any], connection: Connection | None = None
) -> tuple[EventSource, str]:
    """A new source and, this once, its secret ("" where it needs none). ValueError for settings that cannot be used."""
    Starting.read(settings)
    READ[way](settings)
    secret = new_secret() if way == Way.WEBHOOK else ""
    with transaction.atomic():
        source = EventSource.objects.create(location=location, way=way, settings=settings, connection=connection)
        SourceState.objects.create(source=source)
        if secret:
            two_secrets.replace(source, secret)
            source.save(update_fields=["sealed_secrets", "previous_until"])
        _record(source, "created")
    return source, secret


def change(source: EventSource, settings: dict[str, Any], connection: Connection | None, enabled: bool) -> None:
    """Other settings, from the next message on. ValueError for settings that cannot be used."""
    Starting.read(settings)
    READ[source.way](settings)
    with transaction.atomic():
        source.settings, source.connection, source.enabled = settings, connection, enabled
        source.save(update_fields=["settings", "connection", "enabled"])
        _record(source, "changed" if enabled else "off")


def rotate(source: EventSource) -> str:
    """A new secret, shown this once; the one before it is good for a day more."""
    secret = new_secret()
    with transaction.atomic():
        two_secrets.replace(source, secret)
        source.save(update_fields=["sealed_secrets", "previous_until"])
        _record(source, "secret", "event.secret")
    return secret


def _record(source: EventSource, deed: str, event: str = "event.source") -> None:
    record(
        event,
        practice=source.location.practice.code,
        location=source.location.code,
        object_type="event_source",
        object_id=str(source.pk),
        detail={"source": source.pk, "way": source.way, "deed": deed},
    )
