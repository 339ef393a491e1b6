"""Which deliveries of a lane may go now: due, in order for their encounter, nothing unresolved before them."""

from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.utils import timezone

from delivery.asked import kept
from delivery.models import Delivery
from delivery.overtaken import marked
from delivery.states import BLOCKING, State
from portal.compiled import Compiled
from portal.revision import Revision


def due(lane_id: int, now: datetime | None = None) -> QuerySet[Delivery]:
    """READY rows of this lane, oldest first, at most one for each encounter.

    An older delivery of the same encounter by the same connection that is still open blocks (first in, first out); an
    older one of the same *note* blocks even while it waits for a person's decision. A version that
    waits so blocks nobody else: the encounter's other notes would wait for that person too.
    """
    blocking = [state.value for state in BLOCKING]
    behind_parked = Delivery.objects.filter(
        note_id=OuterRef("note_id"), part=OuterRef("part"), state=State.PARKED, pk__lt=OuterRef("pk")
    )
    same_encounter = Delivery.objects.filter(
        encounter_bidx=OuterRef("encounter_bidx"),
        connection_id=OuterRef("connection_id"),
        state__in=blocking,
        pk__lt=OuterRef("pk"),
    ).exclude(Q(state=State.READY) & Exists(behind_parked))
    same_note = Delivery.objects.filter(
        note_id=OuterRef("note_id"),
        part=OuterRef("part"),
        state__in=[*blocking, State.PARKED],
        pk__lt=OuterRef("pk"),
    )
    # As a CASE: of NOT EXISTS PostgreSQL makes a join, which may go through all that blocks anybody for each row.
    stands_back = Case(When(Exists(same_encounter) | Exists(same_note), then=True), default=False)
    waiting = Delivery.objects.filter(lane_id=lane_id, state=State.READY, not_before__lte=now or timezone.now())
    return waiting.alias(stands_back=stands_back).filter(stands_back=False).order_by("pk")


def whole(deliveries: QuerySet[Delivery]) -> QuerySet[Any]:
    """With all that sending needs beside the row: its note and version, frozen bytes, what overtook it, and the
    configuration's revision."""
    with_it = deliveries.select_related("note_version", "note", "wire")
    return marked(with_it).annotate(revision=Subquery(Revision.objects.values("token")[:1]))


@cache
def _first_due(size: int) -> Compiled[Any]:
    return Compiled(lambda lane, now: whole(due(lane, now))[:size], int, datetime)


def first_due(lane_id: int, size: int) -> list[Any]:
    """The first of them with all that is needed to send them."""
    rows = _first_due(size)(lane_id, timezone.now())
    if rows:
        kept.under(rows[0].revision).complete(rows)
    return rows


def lanes_with_work() -> list[int]:
    """Lanes that have something to send now, or something left SENDING by whoever held them."""
    waiting = Q(state=State.READY, not_before__lte=timezone.now()) | Q(state=State.SENDING)
    return list(Delivery.objects.filter(waiting, lane__isnull=False).values_list("lane_id", flat=True).distinct())
