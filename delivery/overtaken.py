"""Deliveries that must not leave any more: a newer version of the note goes instead, or has nothing of the part any
more, or the scribe withdrew it.

Intake and retraction stop what waits at that moment. What was under way then, and comes back unsent (no connection,
doubt settled, released or replayed by a person), is stopped here, before the next byte.
"""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from delivery.models import Attempt, Delivery, Move, NoteVersion
from delivery.states import STRUCK, State

IN_DOUBT = ("", "no_answer")  # outcomes of an attempt whose message may have arrived; "" was cut off by a crash
# A newer version in one of these takes nobody's place.
GONE = (State.CANCELLED.value, State.REJECTED.value)
CHARTED = (State.ACCEPTED.value, State.VERIFIED.value, State.MISFILED.value)


def marked(deliveries: QuerySet[Delivery]) -> QuerySet[Any]:
    """The deliveries (READY), each with what `overtaken` asks of it."""
    newer = Delivery.objects.filter(
        note_id=OuterRef("note_id"), part=OuterRef("part"), note_version__number__gt=OuterRef("note_version__number")
    ).exclude(state__in=GONE)
    own = Delivery.objects.filter(note_version_id=OuterRef("pk"), part=OuterRef(OuterRef("part")))
    without = NoteVersion.objects.filter(
        ~Exists(own), note_id=OuterRef("note_id"), number__gt=OuterRef("note_version__number")
    )
    withdrawal = NoteVersion.objects.filter(
        note_id=OuterRef("note_id"),
        number__gte=OuterRef("note_version__number"),
        retract_requested_at__gt=OuterRef("created_at"),
    )
    return deliveries.annotate(superseded=Exists(newer), left_out=Exists(without), withdrawn=Exists(withdrawal))


def overtaken(delivery: Any) -> tuple[State, str] | None:
    """Where a marked delivery that must not leave goes instead, and the reason code."""
    if delivery.superseded:
        return State.SUPERSEDED, "superseded"
    if not (delivery.withdrawn or delivery.left_out):
        return None
    # A withdrawn note that may stand in the chart is a task for a person, not "called off before it was sent".
    if Delivery.objects.filter(Exists(sent_again_in_doubt()), pk=delivery.pk).exists():
        return State.PARKED, "retracted"
    return (State.CANCELLED, "retracted") if delivery.withdrawn else (State.SUPERSEDED, "superseded")


def ask_to_strike(withdrawn: QuerySet[Delivery]) -> None:
    """What of these left already, or is parked in doubt, is a person's task until they say that it is struck."""
    now = timezone.now()
    sent = [State.SENDING, State.ACCEPTED, State.VERIFIED, State.MISFILED, State.UNKNOWN]
    left = withdrawn.exclude(reason_code=STRUCK)
    left.filter(state__in=[*sent, State.PARKED]).update(withdrawn_at=now)
    left.filter(state__in=sent).update(reason_code="retract_requested", updated_at=now)


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
