"""Rows whose time is up: past their deadline they go to a person, without the agreements they are held."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from audit.record import Actor, acting
from delivery import lanes
from delivery.asked import kept
from delivery.models import Delivery
from delivery.states import State
from delivery.transition import tickets, transition
from portal.models import Environment, Location, Scribe

BATCH = 200


def sweep() -> int:
    """Park what could not be sent before its deadline; returns how many."""
    late = Delivery.objects.filter(state=State.READY, deadline__lt=timezone.now()).values_list("pk", flat=True)[:BATCH]
    ids = list(late)
    if not ids:
        return 0
    with acting(Actor("worker", lanes.owner())), transaction.atomic():
        return len(transition(tickets(ids), State.READY, State.PARKED, reason_code="deadline"))


def hold_uncovered() -> int:
    """Hold what waits for production without the agreements for it; returns how many.

    A lane holds what is due (delivery/outgoing.py). What waits for its next try, behind another delivery or for a
    connection that is down is not looked at there, perhaps for hours, and the screen would call it ready.
    """
    return sum(_hold(rows) for rows in _uncovered())


def _uncovered() -> list[QuerySet[Delivery]]:
    """What waits of each location's scribes that lack an agreement there; a sandbox connection's never."""
    asked = kept.now()
    ready = Delivery.objects.filter(state=State.READY, connection__environment=Environment.PRODUCTION)
    production = Location.objects.filter(environment=Environment.PRODUCTION)
    found = []
    for location in production.filter(Exists(ready.filter(location=OuterRef("pk")))):
        scribes = Scribe.objects.filter(practice=location.practice_id)
        lacking = [scribe.pk for scribe in scribes if asked.missing(location, scribe)]
        if lacking:
            found.append(ready.filter(location=location, note__scribe__in=lacking))
    return found


def _hold(rows: QuerySet[Delivery]) -> int:
    """In batches, until none of them is ready."""
    held = 0
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        with acting(Actor("worker", lanes.owner())), transaction.atomic():
            held += len(transition(tickets(ids), State.READY, State.HELD, reason_code="agreement_missing"))
    return held
