"""Asks a scribe to start capture: by an event's ids alone, and only a scribe that may post notes for the location."""

from collections.abc import Mapping

from django.db.models import Q
from django.utils import timezone

from delivery.events.models import Event
from delivery.events.recording import record_of
from delivery.webhooks.kinds import CAPTURE
from delivery.webhooks.models import ScribeEndpoint
from delivery.webhooks.outbox import listening, message, put
from portal import agreements
from portal.models import ApiKey, Location


def start_capture(event: Event, visit: Mapping[str, str]) -> int:
    """Put `capture.start` into the outbox of every scribe that serves the location; how many there are.

    `visit` has encounter_id, patient_id and provider_id. Ids are what the scribe has to put into its note; no name
    and no reason for the visit goes out.
    """
    content = {"event_id": str(event.pk), "event": event.kind, "location": event.location.code, **visit}
    endpoints = serving(event.location)
    put(message(each, CAPTURE, content, at=event.happened_at, event=event) for each in endpoints)
    for each in endpoints:
        # Ids of a patient are about to leave for this recipient.
        record_of(event, "capture.start", recipient=each.scribe.name, endpoint=each.pk)
    return len(endpoints)


def serving(location: Location) -> list[ScribeEndpoint]:
    """The endpoints of scribes that have a key for this location and, in production, the agreements."""
    here = listening().filter(scribe__practice=location.practice_id, environment=location.environment)
    now = timezone.now()
    able = ApiKey.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        Q(locations=None) | Q(locations=location),
        environment=location.environment,
        revoked_at=None,
    )
    found = here.filter(scribe__in=able.values("scribe")).select_related("scribe")
    return [each for each in found if CAPTURE in each.types and not agreements.missing(location, each.scribe)]
