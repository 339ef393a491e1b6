"""The audit event of what was done about a visit's event: whose it is, and nothing of what it said."""

from typing import Any

from audit.record import record
from delivery.events.models import Event


def record_of(event: Event, name: str, *, recipient: str = "", **detail: Any) -> None:
    record(
        name,
        practice=event.practice.code,
        location=event.location.code,
        subject_bidx=event.patient_bidx,
        encounter_bidx=event.encounter_bidx,
        object_type="event",
        object_id=str(event.pk),
        correlation_id=event.correlation_id,
        purpose_of_use="TREAT",
        recipient=recipient,
        detail={"kind": event.kind, **detail},
    )
