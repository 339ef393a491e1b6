"""Takes an event in, whichever way it came: its row, the visit's rank, what it starts and its audit event at once.

Nothing waits for the network here: what the scribe is to be told lies in the outbox when the sender gets its answer.
"""

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.record import current
from delivery.events import kinds
from delivery.events.kinds import RANKS, Happening
from delivery.events.models import Arrival, Event, EventSource, SourceState, VisitStage
from delivery.events.recording import record_of
from delivery.events.settings import Starting
from delivery.webhooks.capture import start_capture
from portal import crypto

REPEATED, KNOWN, NEW, IGNORED = "repeated", "known", "new", "ignored"


@dataclass(frozen=True)
class Taken:
    """What became of a message: new, known (another told it before), repeated, or ignored; and its event."""

    word: str
    event: Event | None = None


def take(source: EventSource, happening: Happening) -> Taken:
    """Take one event in. Safe against repeats, and against others that tell the same at the same moment."""
    now = timezone.now()
    with transaction.atomic():
        arrival = _arrival(source, happening.message, now)
        if arrival is None:
            return Taken(REPEATED)
        stage = _locked_stage(source, happening)
        encounter, kind = stage.encounter_bidx, happening.kind
        event = Event.objects.filter(location=source.location, encounter_bidx=encounter, kind=kind).first()
        word = KNOWN if event else NEW
        if event is None:
            event = _write(source, happening, stage, now)
        Arrival.objects.filter(pk=arrival.pk).update(event=event)
        _seen(source, now)
    return Taken(word, event)


def ignore(source: EventSource, message: str) -> Taken:
    """A message that tells of nothing we know: that it came is kept, nothing of what it said."""
    now = timezone.now()
    with transaction.atomic():
        arrival = _arrival(source, message, now)
        _seen(source, now)
    return Taken(IGNORED if arrival else REPEATED)


def _arrival(source: EventSource, message: str, now: datetime) -> Arrival | None:
    """The row of a message that has not come before; None where it has."""
    digest = hashlib.sha256(message.encode()).hexdigest()
    try:
        with transaction.atomic():
            return Arrival.objects.create(source=source, message=digest, received_at=now)
    except IntegrityError:
        return None


def _locked_stage(source: EventSource, happening: Happening) -> VisitStage:
    """The visit's row, nobody else's until the transaction ends: of two events of one visit one goes first."""
    encounter = crypto.blind_index("encounter", happening.encounter_id)
    row, _ = VisitStage.objects.get_or_create(location=source.location, encounter_bidx=encounter)
    return VisitStage.objects.select_for_update().get(pk=row.pk)


def _write(source: EventSource, happening: Happening, stage: VisitStage, now: datetime) -> Event:
    pk = uuid.uuid4()
    visit = {
        "encounter_id": happening.encounter_id,
        "patient_id": happening.patient_id,
        "provider_id": happening.provider_id,
    }
    event = Event(
        id=pk,
        practice=source.location.practice,
        location=source.location,
        kind=happening.kind,
        encounter_bidx=stage.encounter_bidx,
        patient_bidx=crypto.blind_index("patient", happening.patient_id) if happening.patient_id else "",
        sealed_visit=crypto.seal(json.dumps(visit).encode(), table="event", column="visit", row=pk),
        source=source,
        way=source.way,
        happened_at=happening.at,
        received_at=now,
        outcome=_hindrance(source, happening, stage, now),
        correlation_id=current().correlation_id,
    )
    event.save(force_insert=True)
    if not event.outcome:
        event.outcome = kinds.STARTED if start_capture(event, visit) else kinds.NO_SCRIBE
        event.save(update_fields=["outcome"])
    _advance(stage, event)
    record_of(event, "event.take", way=event.way, outcome=event.outcome, source=event.source_id or 0)
    return event


def _hindrance(source: EventSource, happening: Happening, stage: VisitStage, now: datetime) -> str:
    """Why this event starts no capture; "" where it may."""
    starting = Starting.read(source.settings)
    if happening.kind not in starting.starts_on:
        return kinds.RECORDED
    if stage.capture_id is not None:
        return kinds.ALREADY
    if stage.rank > RANKS[kinds.OPENED]:
        return kinds.LATE
    return kinds.TOO_OLD if happening.at < now - timedelta(minutes=starting.within_minutes) else ""


def _advance(stage: VisitStage, event: Event) -> None:
    stage.rank = max(stage.rank, RANKS[event.kind])
    if event.outcome == kinds.STARTED:
        stage.capture = event
    stage.save(update_fields=["rank", "capture"])


def _seen(source: EventSource, now: datetime) -> None:
    SourceState.objects.update_or_create(source=source, defaults={"arrived_at": now, "trouble": ""})
