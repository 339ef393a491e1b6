"""Find out what a receiver does with a repeat, and whether its chart can be asked: the connection's profile.

One synthetic note for a probe patient is sent, looked for, sent again unchanged, and counted. Sandbox connections, or
a test patient named on the connection, only: nothing is ever probed into a real patient's chart.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.record import record
from delivery.breaker import state_of
from delivery.channels.base import Channel, ChannelError, ChartReader, OutgoingNote, Patient, Unavailable, Visit
from delivery.channels.registry import LEAVES_FILES
from delivery.intake import new_control_id
from delivery.models import ReceiverProfile
from delivery.opening import open_channel, open_reader
from mapping.models import Template
from mapping.note import Contribution, FieldSpec, FieldValue
from mapping.queries import field_specs, newest_version
from portal.models import Connection, Environment, Location

PAUSE = 0.05


class CannotProbe(Exception):
    """Why no probe was made, in words for the screen. Nothing was sent, or nothing was learnt.

    `code` is what the receiver answered instead, where it did.
    """

    def __init__(self, words: str, code: str = "") -> None:
        super().__init__(words)
        self.code = code


class NotAsked(CannotProbe):
    """Nothing was asked, so that nothing is known of what the connection can do; the message says what is missing."""


@dataclass(frozen=True)
class Finding:
    """What one probe showed. `seconds_to_appear` is how long the first copy took to be readable."""

    profile: ReceiverProfile
    filings: int
    seconds_to_appear: float | None
    said_not_there: bool
    code: str = ""  # of the first answer: AA, HTTP 201 …
    seconds_to_answer: float = 0.0


def probe(connection: Connection, location: Location) -> Finding:
    """Probe a sending connection with the reader of a location that uses it, and keep what was found."""
    if connection.kind in LEAVES_FILES:
        raise NotAsked("A file is known by its name: a repeat is recognised, and a doubt settled by looking for it.")
    visit = probe_visit(connection)
    channel = opened(connection)
    reader = reader_of(location)
    try:
        finding = find_out(channel, reader, outgoing(location, visit), visit)
    except ChannelError as error:
        words = f"The probe message was not answered as expected ({error.reason_code})."
        raise CannotProbe(words, f"{error.reason_code} {error.code}".strip()) from None
    finally:
        channel.close()
        if reader is not None:
            reader.close()
    keep(connection, finding)
    return finding


def probe_visit(connection: Connection) -> Visit:
    """A visit that cannot be a patient's: synthetic in the sandbox, the named test patient elsewhere."""
    patient_id = str(connection.settings.get("test_patient_id") or "")
    if connection.environment != Environment.SANDBOX and not patient_id:
        raise NotAsked("Name a test patient on this connection first: nothing is probed into a patient's chart.")
    encounter_id = str(connection.settings.get("test_encounter_id") or f"PROBE-{new_control_id()[:8]}")
    patient = Patient(patient_id or "PROBE-PATIENT", "Probe", "Scribeport", "1900-01-01", "U")
    return Visit(encounter_id, patient, datetime.now(UTC), "PROBE", "", "Probe", "Scribeport")


def opened(connection: Connection) -> Channel:
    channel = open_channel(connection)
    try:
        channel.open()
    except Unavailable as error:
        raise NotAsked(f"The receiver could not be reached ({error.reason_code}).") from None
    return channel


def reader_of(location: Location) -> ChartReader | None:
    connection = location.reading_connection
    if connection is None:
        return None
    return open_reader(connection)


def outgoing(location: Location, visit: Visit) -> OutgoingNote:
    """A note of one sentence in the first field of one of the location's templates."""
    template, field = first_field(location)
    text = "Scribeport connection probe. Synthetic; no patient."
    value = FieldValue(field.field_id, field.label, field.position, text, (Contribution(0, "", "Probe", text),))
    return OutgoingNote(
        control_id=new_control_id(),
        note_id=f"probe-{new_control_id()[:8]}",
        version=1,
        visit=visit,
        template_code=template.code,
        template_name=template.name,
        values=(value,),
        correction=False,
        created_at=timezone.now(),
    )


def first_field(location: Location) -> tuple[Template, FieldSpec]:
    for template in Template.objects.filter(location=location).order_by("code"):
        version = newest_version(template)
        specs = field_specs(version.pk) if version else ()
        free = [spec for spec in specs if spec.kind == "free_text"]
        if free:
            return template, free[0]
    raise NotAsked("Import a template for this location first: the probe needs a field to write to.")


def find_out(channel: Channel, reader: ChartReader | None, note: OutgoingNote, visit: Visit) -> Finding:
    """Send, look, send the same bytes again, count."""
    said_not_there = reader is not None and count(reader, visit, note.control_id) == 0
    rendered = channel.render(note)
    begun = time.monotonic()
    code = channel.send(rendered, note.control_id).code
    started = time.monotonic()
    blind = Finding(ReceiverProfile.BLIND, 0, None, said_not_there, code, started - begun)
    if reader is None or not wait_for(lambda: count(reader, visit, note.control_id) >= 1):
        return blind
    appeared = time.monotonic() - started
    channel.send(rendered, note.control_id)
    wait_for(lambda: count(reader, visit, note.control_id) >= 2)
    filings = count(reader, visit, note.control_id)
    found = profile(said_not_there, filings)
    return replace(blind, profile=found, filings=filings, seconds_to_appear=appeared)


def profile(said_not_there: bool, filings: int) -> ReceiverProfile:
    """A repeat filed once is ignored; a reader that found the note and had said *not there* can be asked."""
    dedupes = filings == 1
    if said_not_there:
        return ReceiverProfile.BOTH if dedupes else ReceiverProfile.READBACK
    return ReceiverProfile.DEDUPE if dedupes else ReceiverProfile.BLIND


def count(reader: ChartReader, visit: Visit, control_id: str) -> int:
    return sum(filing.control_id == control_id for filing in reader.read(visit).filings)


def wait_for(seen: Callable[[], bool]) -> bool:
    """Whether it is seen within the settle time. Late filing, slower than that, is profiled wrongly (decision 002)."""
    deadline = time.monotonic() + settings.SETTLE_SECONDS
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def keep(connection: Connection, finding: Finding) -> None:
    with transaction.atomic():
        state = state_of(connection.pk)
        state.profile = finding.profile
        state.probed_at = timezone.now()
        state.reader_proven_at = timezone.now() if finding.said_not_there and finding.filings else None
        state.save(update_fields=["profile", "probed_at", "reader_proven_at"])
        record(
            "connection.probe",
            practice=connection.practice.code,
            object_type="connection",
            object_id=str(connection.pk),
            detail={"connection": connection.pk, "profile": finding.profile.value},
        )
