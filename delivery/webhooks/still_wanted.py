"""Leaves out what a scribe need not be told any more: capture of a visit that eCW, asked again, says is over."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from delivery.events.asking import Asking
from delivery.events.kinds import CLOSED, LATE, RANKS
from delivery.events.models import Event, VisitStage
from delivery.events.recording import record_of
from delivery.webhooks.kinds import CAPTURE
from delivery.webhooks.models import WebhookMessage


def still_wanted(due: Sequence[WebhookMessage]) -> list[WebhookMessage]:
    """Those to be posted; the others are written down as overtaken. Asks the network, outside any transaction."""
    asking = Asking()
    wanted = []
    for message in due:
        if message.type == CAPTURE and message.event is not None and asking.over(message.event):
            overtake(message, message.event)
        else:
            wanted.append(message)
    return wanted


@transaction.atomic
def overtake(message: WebhookMessage, event: Event) -> None:
    """Nobody is told, and the visit goes to its end, from which no later event brings it back."""
    waiting = WebhookMessage.objects.filter(pk=message.pk, state=WebhookMessage.WAITING)
    if not waiting.update(state=WebhookMessage.OVERTAKEN, finished_at=timezone.now()):
        return
    visits = VisitStage.objects.filter(location=event.location, encounter_bidx=event.encounter_bidx)
    visits.filter(rank__lt=RANKS[CLOSED]).update(rank=RANKS[CLOSED])
    Event.objects.filter(pk=event.pk).update(outcome=LATE)
    record_of(event, "event.overtaken", endpoint=message.endpoint_id)
