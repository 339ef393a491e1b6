"""How many of the notes that wait to be sent a newer version of their template would hold; nothing is changed."""

from dataclasses import dataclass

from delivery.models import Delivery
from delivery.outgoing import open_body
from delivery.plans import open_plan
from delivery.states import State
from mapping.apply import apply
from mapping.drift import drift_problems
from mapping.impact import Impact
from mapping.models import Template
from portal import crypto
from portal.models import Part

MOST = 200  # notes that are opened for it: a person waits for the answer


@dataclass(frozen=True)
class WouldHold:
    """Of `waiting` notes the oldest `looked_at` were looked at, and `held` of them fill a field that is broken."""

    held: int
    looked_at: int
    waiting: int


def would_hold(template: Template, found: Impact) -> WouldHold:
    """Count them. A note that cannot be opened is not counted: something else holds it."""
    ready = Delivery.objects.filter(
        location=template.location_id, state=State.READY, part=Part.NOTE, note_version__template=template
    )
    waiting = ready.select_related("note_version__template", "location", "wire").order_by("pk")
    looked_at = list(waiting[:MOST])
    held = sum(_fills_broken(delivery, found) for delivery in looked_at)
    return WouldHold(held, len(looked_at), ready.count() if len(looked_at) == MOST else len(looked_at))


def _fills_broken(delivery: Delivery, found: Impact) -> bool:
    wire = getattr(delivery, "wire", None)
    try:
        if wire is not None:
            values = open_plan(delivery.pk, wire.sealed_plan)
        else:
            values = list(apply(found.spec, open_body(delivery).sections, delivery.location.unmapped_policy).values)
    except crypto.CannotOpen:
        return False
    return any(drift_problems(found.spec.drifted, {value.field_id: value.text for value in values}))
