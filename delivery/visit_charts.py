"""Whose the other filings in a visit's chart are; and notes whose text another one's has displaced are looked at again.

Asks the database nothing where a chart holds no filing but the delivery's own.
"""

from collections.abc import Sequence

from django.utils import timezone

from delivery.channels.compare import Known, displaced
from delivery.models import Delivery
from delivery.readings import Look
from delivery.states import STRUCK, State


def known(looks: Sequence[Look]) -> dict[int, Known]:
    """By delivery, for charts with other filings: which are of the same note, and which of other notes of ours."""
    strange = {look.delivery.pk: _strange(look) for look in looks}
    asked = set().union(*strange.values())
    if not asked:
        return {}
    rows = Delivery.objects.filter(control_id__in=asked).values_list("control_id", "note_id", "location_id")
    notes = {(location, control): note for control, note, location in rows}
    found = {}
    for look in looks:
        row, ids = look.delivery, strange[look.delivery.pk]
        of = {control: notes[row.location_id, control] for control in ids if (row.location_id, control) in notes}
        own = frozenset(control for control, note in of.items() if note == row.note_id)
        found[row.pk] = Known(own, frozenset(of) - own)
    return found


def _strange(look: Look) -> set[str]:
    filings = look.chart.filings if look.chart is not None else ()
    return {filing.control_id for filing in filings} - {look.delivery.control_id}


def look_at_displaced(looks: Sequence[Look]) -> None:
    """Deliveries of other notes whose text is gone where one of these stands: their chart is read again, from now on.

    A note that was withdrawn is left alone: that its text is gone is what was wanted.
    """
    for look in looks:
        gone = displaced(look.chart, look.delivery.control_id) if look.chart is not None else frozenset()
        if gone:
            Delivery.objects.filter(
                control_id__in=gone,
                location_id=look.delivery.location_id,
                state__in=[State.VERIFIED, State.ACCEPTED, State.MISFILED],
                read_at__isnull=True,
                withdrawn_at__isnull=True,
            ).exclude(note_id=look.delivery.note_id).exclude(reason_code=STRUCK).update(
                read_at=timezone.now(), readings_made=0
            )
