"""Looks that move nothing: what they saw is kept on the delivery, which stays in its state."""

from typing import Any

from django.utils import timezone

from delivery.affected import by_outcomes
from delivery.channels.compare import ReadBack
from delivery.models import Delivery
from delivery.readings import outcome_rows
from delivery.states import State


def keep_document(delivery: Delivery) -> None:
    """The document is there and has no text to compare: accepted it stays, with that much proof and no more.

    A misfiled one stays as it was seen before; asking again would show nothing else.
    """
    kept: dict[str, Any] = {"read_at": None, "updated_at": timezone.now()}
    if delivery.state == State.ACCEPTED:
        kept |= {"proof": "document", "reason_code": ""}
    Delivery.objects.filter(pk=delivery.pk, state=delivery.state).update(**kept)


def keep_cut(delivery: Delivery, seen: ReadBack) -> None:
    """All that was sent stands where it belongs, but not all was sent: accepted it stays, and says which section."""
    Delivery.objects.filter(pk=delivery.pk, state=State.ACCEPTED).update(
        **by_outcomes(outcome_rows(seen)),
        proof=seen.grade,
        reason_code="cut_by_rule",
        read_at=None,
        updated_at=timezone.now(),
    )


def keep_misfiled(delivery: Delivery, seen: ReadBack) -> None:
    """Asked for again and still not as sent: the newest outcomes are shown, nothing moves."""
    Delivery.objects.filter(pk=delivery.pk, state=State.MISFILED).update(
        **by_outcomes(outcome_rows(seen)), read_at=None, updated_at=timezone.now()
    )
