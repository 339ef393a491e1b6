"""Documents whose sending got no answer: eCW cannot be asked for them, so a person looks, unless it ignores repeats."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from delivery.models import ConnectionState, Delivery, ReceiverProfile
from delivery.states import State
from delivery.transition import ticket_of, transition
from portal.models import Part


def is_document(delivery: Delivery) -> bool:
    return delivery.part == Part.ATTACHMENTS


def settle_documents(due: Sequence[Delivery]) -> None:
    """The receiver files a repeat once: the same bytes again, under the same id. Else a person decides."""
    for delivery in due:
        state = ConnectionState.objects.filter(connection=delivery.connection).first()
        again = state is not None and state.profile in (ReceiverProfile.DEDUPE, ReceiverProfile.BOTH)
        new, reason = (State.READY, "receiver_ignores_repeats") if again else (State.PARKED, "documents_in_doubt")
        columns = {"not_before": timezone.now(), "read_at": None} if again else {"read_at": None}
        with transaction.atomic():
            transition([ticket_of(delivery)], State.UNKNOWN, new, reason_code=reason, columns=columns)
