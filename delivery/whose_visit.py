"""Looks an encounter up before a note is sent into it: another patient's, or one that eCW does not know, gets nothing.

Where the sending or the reading connection is a FHIR one that is set to look (`check_encounter`). What cannot be said
holds nothing up: eCW refuses a wrong patient itself where it looks. What was found right is believed for ten minutes.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import closing

from delivery.channels.base import Unavailable
from delivery.channels.fhir_search import FhirClient
from delivery.channels.fhir_settings import FhirSettings
from delivery.events.encounters import referred
from delivery.models import Delivery
from delivery.opening import Credentials
from delivery.outgoing import Prepared, Stopped, open_body
from delivery.states import State
from portal.models import Connection, ConnectionKind
from portal.targets import check_target

log = logging.getLogger(__name__)
BELIEVED_SECONDS = 600.0
MOST_KEPT = 5000
# Which visits were right, by connection and the blind indexes of encounter and patient, and until when.
_right: dict[tuple[int, str, str], float] = {}


def checked(ready: Sequence[Prepared]) -> tuple[list[Prepared], list[Stopped]]:
    """Those that may go, and those whose visit is not what the note says. Outside any transaction."""
    going: list[Prepared] = []
    stopped: list[Stopped] = []
    for one in ready:
        asked = asks(one.delivery)
        reason = wrong(asked, one.delivery) if asked else ""
        if reason:
            stopped.append(Stopped(one.delivery, State.HELD, reason))
        else:
            going.append(one)
    return going, stopped


def asks(delivery: Delivery) -> Connection | None:
    """The connection that an encounter of this delivery is looked up by; None where none is set to."""
    known = (delivery.connection, delivery.location.reading_connection)
    return next((one for one in known if one is not None and _looks(one)), None)


def _looks(connection: Connection) -> bool:
    can = connection.kind == ConnectionKind.FHIR and connection.enabled
    return can and connection.settings.get("check_encounter") is True


def wrong(connection: Connection, delivery: Delivery) -> str:
    """The reason code for which the note may not go, or ""."""
    version = delivery.note_version
    key = (connection.pk, version.encounter_bidx, version.patient_bidx)
    if _right.get(key, 0.0) > time.monotonic():
        return ""
    visit = open_body(delivery).visit
    try:
        reason = _look(connection, visit.encounter_id, visit.patient.id)
    except (Unavailable, ValueError) as error:
        log.info("an encounter could not be looked up: %s", type(error))
        return ""
    if not reason:
        _believe(key)
    return reason


def _look(connection: Connection, encounter_id: str, patient_id: str) -> str:
    credentials = Credentials(connection)
    if not credentials.spend():
        raise Unavailable("rate_limited")
    settings = FhirSettings.read(connection.settings, connection.secrets(), connection.environment)
    with closing(FhirClient(settings, credentials, check_target)) as client:
        found = client.one("Encounter", encounter_id)
    if found is None:
        return "encounter_unknown"
    if found.get("status") in ("entered-in-error", "cancelled"):
        return "encounter_cancelled"
    owner = referred(found.get("subject"), "Patient")
    return "encounter_of_another_patient" if owner and owner != patient_id else ""


def _believe(key: tuple[int, str, str]) -> None:
    if len(_right) >= MOST_KEPT:
        _right.clear()
    _right[key] = time.monotonic() + BELIEVED_SECONDS
