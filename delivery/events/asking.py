"""Looks a visit up at eCW before capture is asked for: what a webhook told may be old, or have come out of order.

Through the location's polling source, or a reading connection that is set to look encounters up. Where neither is,
or eCW cannot say, the event is believed. One round's worth: a connection that failed is not asked again in it.
"""

import json
import logging
from contextlib import closing
from dataclasses import replace

from delivery import rate
from delivery.channels.base import Unavailable
from delivery.channels.fhir_search import FhirClient
from delivery.channels.fhir_settings import FhirSettings
from delivery.events.models import Event, EventSource, Way
from delivery.opening import Credentials
from portal import crypto
from portal.models import Connection, ConnectionKind, Location
from portal.targets import check_target

log = logging.getLogger(__name__)
OVER = ("finished", "cancelled", "entered-in-error")
CALL_SECONDS = 5.0  # at most: others wait to be told meanwhile


class Asking:
    """One round of questions; each visit is asked for once."""

    def __init__(self) -> None:
        self._silent: set[int] = set()
        self._said: dict[tuple[int, str], bool] = {}

    def over(self, event: Event) -> bool:
        """Whether eCW says that the visit is over, or never was; False where it is not asked or cannot say."""
        key = (event.location_id, event.encounter_bidx)
        if key not in self._said:
            self._said[key] = self._ask(event)
        return self._said[key]

    def _ask(self, event: Event) -> bool:
        connection = source_of(event.location)
        if connection is None or connection.pk in self._silent or not rate.granted(connection):
            return False
        try:
            return status_of(connection, encounter_of(event)) in OVER
        except (Unavailable, ValueError, crypto.CannotOpen) as error:
            self._silent.add(connection.pk)
            log.info("a visit could not be looked up: %s", type(error))
            return False


def source_of(location: Location) -> Connection | None:
    """The FHIR connection that a location's visits are looked up by; None where none is set to."""
    polls = EventSource.objects.filter(location=location, way=Way.POLL, enabled=True, connection__enabled=True)
    source = polls.select_related("connection__practice").first()
    if source is not None:
        return source.connection
    reading = location.reading_connection
    looks = reading is not None and reading.kind == ConnectionKind.FHIR and reading.enabled
    return reading if reading is not None and looks and reading.settings.get("check_encounter") is True else None


def encounter_of(event: Event) -> str:
    visit = json.loads(crypto.unseal(event.sealed_visit, table="event", column="visit", row=event.pk))
    return str(visit["encounter_id"])


def status_of(connection: Connection, encounter_id: str) -> str:
    """What eCW says of the encounter now; "" for one it does not show. Raises Unavailable or ValueError."""
    own = FhirSettings.read(connection.settings, connection.secrets(), connection.environment)
    quick = replace(own, call_seconds=min(own.call_seconds, CALL_SECONDS))
    with closing(FhirClient(quick, Credentials(connection), check_target)) as client:
        found = client.one("Encounter", encounter_id)
    return str((found or {}).get("status", ""))
