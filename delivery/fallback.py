"""The location's next way for a part that its way refused, or has not been able to take: never after doubt.

A new delivery goes by the next route and names what it replaces; the old one is SUPERSEDED in the same transaction.
What eCW may hold already, of any version of the part, is never sent by a second way: it could be charted twice.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery import bell, lanes
from delivery.intake import DEADLINE, new_control_id
from delivery.lanes import lane_for
from delivery.models import Attempt, Breaker, ConnectionState, Delivery, Move, NoteVersion
from delivery.overtaken import IN_DOUBT
from delivery.places import sockets_of
from delivery.states import State
from delivery.transition import begin, tickets, transition
from portal.models import Location, Route

INSTEAD = "went_by_next_route"
REFUSED, UNREACHABLE = "fell_back_refused", "fell_back_unreachable"
BATCH = 100
# A delivery of the part that is or ever was in one of these may stand in the chart, or a person has to decide.
NEVER_AFTER = (State.UNKNOWN, State.PARKED, State.ACCEPTED, State.VERIFIED, State.MISFILED)
# The refusal is of the patient, the visit or the chart: by another way the same ids could mean another patient.
OF_THE_VISIT = frozenset(
    f"ecw_{code}" for code in ("100", "123", "139", "201", "202", "303", "304")
) | {"fhir_multiple_matches", "openapi_template_other", "encounter_of_another_patient"}  # fmt: skip
# Not sent, and the receiver is well: the message only has to wait for its turn.
ITS_TURN_ONLY = ("batch_ended", "lease_lost", "worker_ended", "rate_limited", "fhir_busy", "openapi_busy")
WHY_NOT = {
    "switched_off": "falling back is switched off at this location",
    "of_the_visit": "eCW refused the patient, the visit or its template, and by another way the note could go astray",
    "doubt": "this part was accepted, in doubt or parked before, and by a second way it could be charted twice",
    "withdrawn": "the scribe has withdrawn the note",
    "no_way": "no further way stands by, or the one that does is stopped",
}


def after_refusal(deliveries: Iterable[Delivery], reason_code: str) -> list[Delivery]:
    """What has just been REJECTED goes by its location's next way, where that is allowed. In the caller's transaction.

    Returns the new deliveries.
    """
    made = []
    for delivery in deliveries:
        if delivery.location.fallback and not why_not(delivery, reason_code):
            made += replace(delivery, State.REJECTED, REFUSED)
    return made


def sweep() -> int:
    """What could not leave for as long as its location says goes by the next way; returns for how many."""
    if not Location.objects.filter(fallback=True).exists():
        return 0
    moved = 0
    for key in list(able(unreachable()).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with acting(Actor("worker", lanes.owner())), transaction.atomic():
            # Locked: whoever claims it to send it waits, and finds it gone.
            delivery = Delivery.objects.select_for_update(of=("self",)).select_related("location").get(pk=key)
            if delivery.state == State.READY and not why_not(delivery):
                moved += len(replace(delivery, State.READY, UNREACHABLE))
    return moved


def unreachable() -> QuerySet[Delivery]:
    """READY for too long behind a connection that is stopped, or whose last try could not send."""
    now = timezone.now()
    stopped = ConnectionState.objects.filter(connection=OuterRef("connection")).exclude(breaker=Breaker.CLOSED)
    last = Attempt.objects.filter(delivery=OuterRef("pk"), number=OuterRef("attempts"), outcome="unavailable")
    tried = last.exclude(reason_code__in=ITS_TURN_ONLY)
    # Every arrival and release sets the deadline so far ahead: what it began with is known from it.
    late = Q()
    for pk, minutes in Location.objects.filter(fallback=True).values_list("pk", "fallback_minutes"):
        late |= Q(location=pk, deadline__lt=now + DEADLINE - timedelta(minutes=minutes))
    return Delivery.objects.filter(late, Exists(stopped) | Exists(tried), state=State.READY, connection__isnull=False)


def able(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Those for which nothing of WHY_NOT holds now: what can never go must not fill the batch before what can.

    Whoever moves one asks `why_not` again under its lock.
    """
    asked = NoteVersion.objects.filter(note=OuterRef("note"), retract_requested_at__isnull=False)
    routes = Route.objects.filter(location=OuterRef("location"), part=OuterRef("part"))
    own = routes.filter(connection=OuterRef("connection")).order_by("position").values("position")[:1]
    further = usable(routes).filter(
        position__gt=OuterRef("own_position"), connection__environment=OuterRef("location__environment")
    )
    return deliveries.annotate(own_position=Subquery(own)).filter(
        Exists(further),
        ~Exists(asked),
        ~Exists(_doubtful(OuterRef("note"), OuterRef("part"), OuterRef("pk"))),
        withdrawn_at__isnull=True,
    )


def why_not(delivery: Delivery, reason_code: str = "") -> str:
    """A key of WHY_NOT, or "" where the part may go by the next way."""
    if not delivery.location.fallback:
        return "switched_off"
    if reason_code in OF_THE_VISIT:
        return "of_the_visit"
    if withdrawn(delivery):
        return "withdrawn"
    if in_doubt(delivery):
        return "doubt"
    return "" if next_route(delivery) else "no_way"


def withdrawn(delivery: Delivery) -> bool:
    versions = NoteVersion.objects.filter(note=delivery.note_id, retract_requested_at__isnull=False)
    return delivery.withdrawn_at is not None or versions.exists()


def in_doubt(delivery: Delivery) -> bool:
    """Whether anything of this part of the note, in any version and by any way, may stand in the chart."""
    return _doubtful(delivery.note_id, delivery.part, delivery.pk).exists()


def _doubtful(note: Any, part: Any, own: Any) -> QuerySet[Delivery]:
    """The deliveries of this part that leave it open; `own` is only in doubt for what it was, not for being sent."""
    states = [state.value for state in NEVER_AFTER]
    passed = Move.objects.filter(delivery=OuterRef("pk"), to_state__in=states)
    unsettled = Attempt.objects.filter(delivery=OuterRef("pk"), outcome__in=IN_DOUBT)
    under_way = Q(state=State.SENDING) & ~Q(pk=own)
    same = Delivery.objects.filter(note=note, part=part)
    return same.filter(Q(state__in=states) | under_way | Exists(passed) | Exists(unsettled))


def next_route(delivery: Delivery) -> Route | None:
    """The first usable route behind the delivery's own; None where its own is no longer one of the location's."""
    routes = Route.objects.filter(location=delivery.location_id, part=delivery.part).select_related("connection")
    own = routes.filter(connection=delivery.connection_id).values_list("position", flat=True).first()
    if own is None:
        return None
    found = usable(routes).filter(position__gt=own, connection__environment=delivery.location.environment)
    return found.order_by("position").first()


def usable(routes: QuerySet[Route]) -> QuerySet[Route]:
    """Those whose connection is neither switched off nor stopped."""
    stopped = ConnectionState.objects.filter(connection=OuterRef("connection")).exclude(breaker=Breaker.CLOSED)
    return routes.filter(~Exists(stopped), connection__enabled=True)


def replace(old: Delivery, state: State, why: str, *, route: Route | None = None, reason: str = "") -> list[Delivery]:
    """The new delivery in place of one that still is in `state`; nothing where somebody was faster.

    `route`: a person's choice, with the person's reason, in place of the next one.
    """
    route = route or next_route(old)
    if route is None or not transition(tickets([old.pk]), state, State.SUPERSEDED, reason_code=INSTEAD):
        return []
    now = timezone.now()
    new = Delivery.objects.create(
        note_version_id=old.note_version_id,
        note_id=old.note_id,
        encounter_bidx=old.encounter_bidx,
        provider_id=old.provider_id,
        template_id=old.template_id,
        practice_id=old.practice_id,
        location_id=old.location_id,
        part=old.part,
        connection=route.connection,
        lane=lane_for(route.connection_id, sockets_of(route), old.encounter_bidx),
        state=State.READY.value,
        reason_code=why,
        control_id=new_control_id(),
        replaces=old,
        not_before=now,
        deadline=now + DEADLINE,
        created_at=now,
        updated_at=now,
    )
    ticket = tickets([new.pk])[0]
    begin([(ticket, State.READY, why)])
    record(
        "delivery.fallback",
        **ticket.recorded,
        reason=reason,
        detail={"delivery_id": new.pk, "replaces": old.pk, "reason_code": why, "connection": route.connection_id},
    )
    transaction.on_commit(lambda: bell.ring({new.lane_id} if new.lane_id else set()))
    return [new]
