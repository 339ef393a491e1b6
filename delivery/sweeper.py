"""Rows whose time is up: deliveries past their deadline go to a person."""

from django.db import transaction
from django.utils import timezone

from audit.record import Actor, acting
from delivery import lanes
from delivery.models import Delivery
from delivery.states import State
from delivery.transition import tickets, transition

BATCH = 200


def sweep() -> int:
    """Park what could not be sent before its deadline; returns how many."""
    late = Delivery.objects.filter(state=State.READY, deadline__lt=timezone.now()).values_list("pk", flat=True)[:BATCH]
    ids = list(late)
    if not ids:
        return 0
    with acting(Actor("worker", lanes.owner())), transaction.atomic():
        return len(transition(tickets(ids), State.READY, State.PARKED, reason_code="deadline"))
