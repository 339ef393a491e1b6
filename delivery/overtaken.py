"""Deliveries that must not leave any more: a newer version of the note goes instead, or the scribe withdrew it.

Intake and retraction stop what waits at that moment. What was under way then, and comes back unsent (no connection,
doubt settled, released or replayed by a person), is stopped here, before the next byte.
"""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from delivery.models import Attempt, Delivery, Move, NoteVersion
from delivery.states import State

IN_DOUBT = ("", "no_answer")  # outcomes of an attempt whose message may have arrived; "" was cut off by a crash
# A newer version in one of these takes nobody's place.
GONE = (State.CANCELLED.value, State.REJECTED.value)
CHARTED = (State.ACCEPTED.value, State.VERIFIED.value, State.MISFILED.value)


def marked(deliveries: QuerySet[Delivery]) -> QuerySet[Any]:
    """The deliveries (READY), each with what `overtaken` asks of it."""
    newer = Delivery.objects.filter(
        note_id=OuterRef("note_id"), part=OuterRef("part"), note_version__number__gt=OuterRef("note_version__number")
    ).exclude(state__in=GONE)
    withdrawal = NoteVersion.objects.filter(
        note_id=OuterRef("note_id"),
        number__gte=OuterRef("note_version__number"),
        retract_requested_at__gt=OuterRef("created_at"),
    )
    return deliveries.annotate(superseded=Exists(newer), withdrawn=Exists(withdrawal))


def overtaken(delivery: Any) -> tuple[State, str] | None:
    """Where a marked delivery that must not leave goes instead, and the reason code."""
    if delivery.superseded:
        return State.SUPERSEDED, "superseded"
    if not delivery.withdrawn:
        return None
    # A withdrawn note that may stand in the chart is a task for a person, not "called off before it was sent".
    doubted = Delivery.objects.filter(Exists(sent_again_in_doubt()), pk=delivery.pk).exists()
    return (State.PARKED if doubted else State.CANCELLED), "retracted"


def sent_again_in_doubt() -> QuerySet[Move]:
    """Moves back to READY that proved nothing: the receiver was trusted to ignore a repeat."""
    return Move.objects.filter(delivery_id=OuterRef("pk"), reason_code="receiver_ignores_repeats")


def certainly_unsent() -> Q:
    """Of parked deliveries, those that came there without doubt: their time was up, or they crashed their sender."""
    doubt = Move.objects.filter(delivery_id=OuterRef("pk"), to_state=State.PARKED, from_state=State.UNKNOWN)
    return ~Exists(doubt) & ~Exists(sent_again_in_doubt())


def amends_charted(delivery: Delivery) -> bool:
    """Whether an earlier version of this note stands in the chart already, or may."""
    if delivery.note_version.number == 1:
        return False
    doubt = Attempt.objects.filter(delivery_id=OuterRef("pk"), outcome__in=IN_DOUBT)
    earlier = Delivery.objects.filter(note_id=delivery.note_id, part=delivery.part, pk__lt=delivery.pk)
    return earlier.filter(Q(state__in=CHARTED) | Q(Exists(doubt))).exists()
