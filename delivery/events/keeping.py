"""How long events of visits are kept: what is older goes, with what told of it, and the audit log says how many.

An event serves the day it happened on, and the comparison of visits with notes for some weeks. It names a patient, so
it is not kept for longer than the installation says (SCRIBEPORT_EVENT_DAYS); the audit log keeps that it was taken.
"""

import time
from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery import lanes
from delivery.events.models import Arrival, Event, VisitStage
from portal.models import Location

BATCH = 500
EVERY_SECONDS = 3600.0
_last: list[float] = []


def purge_due() -> int:
    """Once an hour in each process: what is past its time goes, a batch at a time; how many went."""
    if settings.EVENT_DAYS <= 0 or (_last and time.monotonic() - _last[0] < EVERY_SECONDS):
        return 0
    with acting(Actor("worker", lanes.owner())):
        gone = purge(timezone.now() - timedelta(days=settings.EVENT_DAYS))
    if gone < BATCH:
        _last[:] = [time.monotonic()]
    return gone


@transaction.atomic
def purge(before: datetime) -> int:
    """Delete one batch of what was received before, and record it for each location; how many events went."""
    rows = Event.objects.select_for_update().filter(received_at__lt=before).order_by("received_at", "pk")
    old = list(rows.values_list("pk", "location_id", "encounter_bidx")[:BATCH])
    by_location: dict[int, list[tuple[UUID, str]]] = defaultdict(list)
    for key, location, encounter in old:
        by_location[location].append((key, encounter))
    Arrival.objects.filter(event=None, received_at__lt=before).delete()
    return sum(_purge_at(location, found, before) for location, found in by_location.items())


def _purge_at(location_id: int, found: list[tuple[UUID, str]], before: datetime) -> int:
    location = Location.objects.select_related("practice").get(pk=location_id)
    keys = [key for key, _ in found]
    Arrival.objects.filter(event__in=keys).delete()
    try:
        with transaction.atomic():
            Event.objects.filter(pk__in=keys).delete()
    except ProtectedError:
        return 0  # something else still needs them
    visits = VisitStage.objects.filter(location=location, encounter_bidx__in={encounter for _, encounter in found})
    standing = Event.objects.filter(location=location).values("encounter_bidx")
    visits.exclude(encounter_bidx__in=standing).delete()
    record(
        "event.purge",
        practice=location.practice.code,
        location=location.code,
        object_type="location",
        object_id=str(location.pk),
        detail={"location": location.code, "count": len(keys), "before": before.date().isoformat()},
    )
    return len(keys)
