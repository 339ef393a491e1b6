"""Whose the other filings in a visit's chart are, and what earlier versions filled; and notes whose text another one's
has displaced are looked at again.

Asks the database nothing of a first version whose chart holds no filing but its own.
"""

from collections.abc import Sequence

from django.utils import timezone

from delivery.channels.compare import Known, displaced
from delivery.models import Delivery
from delivery.plans import open_plan
from delivery.readings import Look
from delivery.states import STRUCK, State
from mapping.note import FieldValue
from portal.models import Part


def known(looks: Sequence[Look]) -> dict[int, Known]:
    """By delivery, for charts with other filings: which are of the same note, and which of other notes of ours."""
    strange = {look.delivery.pk: _strange(look) for look in looks}
    asked = set().union(*strange.values())
    later = [look.delivery for look in looks if look.chart is not None and _follows(look.delivery)]
    if not asked and not later:
        return {}
    earlier = _earlier(later)
    rows = Delivery.objects.filter(control_id__in=asked).values_list("control_id", "note_id", "location_id")
    notes = {(location, control): note for control, note, location in rows}
    found = {}
    for look in looks:
        row, ids = look.delivery, strange[look.delivery.pk]
        of = {control: notes[row.location_id, control] for control in ids if (row.location_id, control) in notes}
        own = frozenset(control for control, note in of.items() if note == row.note_id)
        found[row.pk] = Known(own, frozenset(of) - own, _filled_before(row, earlier))
    return found


def _follows(delivery: Delivery) -> bool:
    return delivery.note_version.number > 1 or delivery.replay_of_id is not None


def _earlier(later: Sequence[Delivery]) -> list[Delivery]:
    """What was charted of these deliveries' notes, the newest first, with the plans of what was sent."""
    if not later:
        return []
    states = [State.ACCEPTED, State.VERIFIED, State.MISFILED]
    rows = Delivery.objects.filter(note__in={row.note_id for row in later}, part=Part.NOTE, state__in=states)
    return list(rows.filter(wire__isnull=False).exclude(reason_code=STRUCK).select_related("wire").order_by("-pk"))


def _filled_before(delivery: Delivery, earlier: Sequence[Delivery]) -> tuple[FieldValue, ...]:
    mine = [row for row in earlier if row.note_id == delivery.note_id and row.pk < delivery.pk]
    return tuple(value for row in mine for value in open_plan(row.pk, row.wire.sealed_plan))


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
