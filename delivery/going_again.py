"""A doubt that the chart denied goes again: later each time, and to a person where the answers are never understood.

Trouble that passes (no answer, a server's error) is tried until the deadline, at last once an hour. An answer that says
yes to something else comes of what the receiver is, not of its day: after TRIES of them nothing changes by itself.
"""

from datetime import timedelta

from django.utils import timezone

from delivery import retry
from delivery.intake import DEADLINE
from delivery.models import Attempt, Delivery
from delivery.states import State
from delivery.transition import ticket_of, transition

TRIES = 6
NOT_UNDERSTOOD = frozenset(
    {
        "answer_without_id",
        "fhir_contradiction",
        "fhir_unknown_code",
        "openapi_contradiction",
        "openapi_template_contradiction",
        "wrong_control_id",
    }
)


def send_again(delivery: Delivery, reason_code: str) -> None:
    """From UNKNOWN: the same bytes under the same id, by the ordinary way; or PARKED."""
    doubts = doubts_of(delivery)
    if sum(code in NOT_UNDERSTOOD for code in doubts) >= TRIES:
        park(delivery, "never_understood")
        return
    wait = retry.delay(max(len(doubts) - 1, 0))
    columns = {"not_before": timezone.now() + timedelta(seconds=wait), "read_at": None, "negatives": 0}
    ticket = ticket_of(delivery)
    details = {ticket.id: {"answer": "not_there"}}
    transition([ticket], State.UNKNOWN, State.READY, reason_code=reason_code, columns=columns, details=details)


def park(delivery: Delivery, reason_code: str) -> None:
    transition([ticket_of(delivery)], State.UNKNOWN, State.PARKED, reason_code=reason_code, columns={"read_at": None})


def doubts_of(delivery: Delivery) -> list[str]:
    """Why each attempt without an answer had none, since it arrived or a person let it go (what sets the deadline)."""
    since = delivery.deadline - DEADLINE
    rows = Attempt.objects.filter(delivery=delivery, outcome="no_answer", intent_at__gte=since)
    return list(rows.values_list("reason_code", flat=True))
