"""What a person (or the scribe) may do to a delivery. Each is a transition with a reason, in the caller's transaction.

They return the deliveries that moved: whoever was faster has won, and the screen says what happened instead.
"""

from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.record import record
from delivery import bell
from delivery.affected import by_problems
from delivery.channels.registry import SHOWS_DOCUMENTS
from delivery.intake import DEADLINE, new_control_id
from delivery.lanes import lane_for
from delivery.models import Delivery, Lane, Note, Wire
from delivery.overtaken import ask_to_strike, certainly_unsent
from delivery.pilot.cohort import HOLDS
from delivery.places import AWAITS_REVIEW, sockets_of
from delivery.states import STRIKABLE, STRUCK, State
from delivery.transition import Ticket, begin, tickets, transition
from portal import crypto
from portal.models import Connection, Part, Route

# Held for something that only one way of releasing answers.
NOT_ONE_BY_ONE = HOLDS | {AWAITS_REVIEW}
CANCELLABLE = (State.HELD, State.READY, State.PARKED)
# What some reader may show again: attached documents are shown by the connection that sent them, or by none.
SHOWN = Q(part=Part.ATTACHMENTS, connection__kind__in=SHOWS_DOCUMENTS) | (
    ~Q(part=Part.ATTACHMENTS) & Q(location__reading_connection__isnull=False)
)


def hold(ids: Sequence[int], reason: str) -> list[Ticket]:
    """Stop waiting deliveries until a person releases them."""
    return transition(tickets(ids), State.READY, State.HELD, reason_code="held_by_person", reason=reason)


def release(ids: Sequence[int], reason: str = "", *, by: Collection[str] = ()) -> list[Ticket]:
    """Let held deliveries go; their problem is looked at again before anything is sent.

    What waits for a clinician goes by that clinician only (delivery/reviewing.py), and what waits for its provider to
    join the pilot by that (delivery/pilot/steps.py): they name the reason codes that are theirs to release.
    """
    others = NOT_ONE_BY_ONE - set(by)
    ids = list(Delivery.objects.filter(pk__in=ids).exclude(reason_code__in=others).values_list("pk", flat=True))
    now = timezone.now()
    columns = {"not_before": now, "deadline": now + DEADLINE, **by_problems([])}
    give_lane(ids)
    moved = transition(tickets(with_lane(ids)), State.HELD, State.READY, columns=columns, reason=reason)
    wake(moved)
    return moved


def with_lane(ids: Sequence[int]) -> list[int]:
    return list(Delivery.objects.filter(pk__in=ids, lane__isnull=False).values_list("pk", flat=True))


def give_lane(ids: Sequence[int]) -> None:
    """A held part that had no route, or whose connection was replaced, takes the route its location has now.

    What was sent once keeps its connection: its bytes were made for that receiver, under an id that only it may know.
    """
    held = Delivery.objects.filter(pk__in=ids, state=State.HELD, wire__isnull=True)
    for delivery in held.select_related("location", "connection"):
        route = route_of(delivery)
        if route is not None:
            delivery.connection = route.connection
            delivery.lane = lane_by(route, delivery.encounter_bidx)
            delivery.save(update_fields=["connection", "lane"])


def lane_by(route: Route, encounter_bidx: str) -> Lane:
    return lane_for(route.connection_id, sockets_of(route), encounter_bidx)


def route_of(delivery: Delivery) -> Route | None:
    """The location's present way for this part where it is another than the delivery's, else None."""
    routes = delivery.location.routes.filter(part=delivery.part).select_related("connection").order_by("position")
    usable = [route for route in routes if route.connection.enabled]
    if not usable or (delivery.connection_id in {route.connection_id for route in usable} and delivery.lane_id):
        return None
    return usable[0]


def cancel(ids: Sequence[int], reason: str, reason_code: str = "cancelled_by_person") -> list[Ticket]:
    """Call off what has not been sent."""
    moved: list[Ticket] = []
    for state in CANCELLABLE:
        moved += transition(tickets(ids), state, State.CANCELLED, reason_code=reason_code, reason=reason)
    return moved


def decide_sent(ids: Sequence[int], reason: str) -> list[Ticket]:
    """A person looked into the chart and found it: accepted, and read back like any other."""
    now = timezone.now()
    columns = {"accepted_at": now, "read_at": now, "readings_made": 0}
    return transition(
        tickets(ids), State.PARKED, State.ACCEPTED, reason_code="found_by_person", columns=columns, reason=reason
    )


def decide_not_sent(ids: Sequence[int], reason: str) -> list[Ticket]:
    """A person looked and found nothing: the same bytes go again under the same id."""
    now = timezone.now()
    columns = {"not_before": now, "deadline": now + DEADLINE, "crashes": 0}
    moved = transition(
        tickets(ids), State.PARKED, State.READY, reason_code="not_there_by_person", columns=columns, reason=reason
    )
    wake(moved)
    return moved


def verify_now(ids: Sequence[int]) -> int:
    """Read the chart again at once; returns for how many that is possible."""
    readable = [State.ACCEPTED, State.MISFILED, State.UNKNOWN]
    return Delivery.objects.filter(SHOWN, pk__in=ids, state__in=readable).update(
        read_at=timezone.now(), readings_made=0
    )


def replay(ids: Sequence[int], reason: str, *, same_identity: bool) -> list[Delivery]:
    """File again: a new row for each, never a reopened one. The same identity sends the same bytes again."""
    return [replay_one(delivery, reason, same_identity) for delivery in replayable(ids, same_identity)]


def replayable(ids: Sequence[int], same_identity: bool) -> list[Delivery]:
    """Which of these could be filed again: ended, sent once, with a way to go. (The dry run counts this list.)"""
    ended = [State.REJECTED, State.MISFILED, State.VERIFIED, State.ACCEPTED, State.CANCELLED]
    rows = Delivery.objects.filter(pk__in=ids, state__in=ended, lane__isnull=False).select_related("wire")
    return [row for row in rows if not same_identity or getattr(row, "wire", None) is not None]


def replay_one(old: Delivery, reason: str, same_identity: bool) -> Delivery:
    now = timezone.now()
    route = None if same_identity else route_of(old)  # the same bytes under the same id go to whom they went before
    new = Delivery.objects.create(
        note_version_id=old.note_version_id,
        note_id=old.note_id,
        encounter_bidx=old.encounter_bidx,
        provider_id=old.provider_id,
        template_id=old.template_id,
        practice_id=old.practice_id,
        location_id=old.location_id,
        part=old.part,
        connection_id=route.connection_id if route else old.connection_id,
        lane=lane_by(route, old.encounter_bidx) if route else old.lane,
        mapping_version_id=old.mapping_version_id if same_identity else None,
        state=State.READY.value,
        control_id=old.control_id if same_identity else new_control_id(),
        correction=old.state in (State.VERIFIED, State.MISFILED, State.ACCEPTED),
        replay_of=old,
        not_before=now,
        deadline=now + DEADLINE,
        created_at=now,
        updated_at=now,
    )
    if same_identity:
        copy_wire(old, new)
    ticket = tickets([new.pk])[0]
    begin([(ticket, State.READY, "replay")])
    record(
        "delivery.replay",
        **ticket.recorded,
        reason=reason,
        detail={"delivery_id": new.pk, "replay_of": old.pk, "identity": "same" if same_identity else "new"},
    )
    wake([ticket])
    return new


def copy_wire(old: Delivery, new: Delivery) -> None:
    """The frozen bytes, sealed anew for the new row."""

    def moved(sealed: bytes | memoryview, column: str) -> bytes:
        plain = crypto.unseal(sealed, table="wire", column=column, row=old.pk)
        return crypto.seal(plain, table="wire", column=column, row=new.pk)

    Wire.objects.create(
        delivery=new,
        sealed_bytes=moved(old.wire.sealed_bytes, "bytes"),
        sealed_plan=moved(old.wire.sealed_plan, "plan"),
        sha256=old.wire.sha256,
        content_type=old.wire.content_type,
        rendered_at=old.wire.rendered_at,
    )


def retract(note: Note) -> list[Ticket]:
    """The scribe withdraws a note: cancelled where it waits; what was sent becomes a task for a person."""
    version = note.versions.order_by("-number").first()
    if version is not None and version.retract_requested_at is None:
        version.retract_requested_at = timezone.now()
        version.save(update_fields=["retract_requested_at"])
    record(
        "note.retract",
        practice=note.practice.code,
        location=note.location.code,
        object_type="note",
        object_id=str(note.pk),
        subject_bidx=version.patient_bidx if version else "",
        correlation_id=version.correlation_id if version else "",
    )
    ask_to_strike(note.deliveries.all())
    return cancel(without_doubt(note), "", reason_code="retracted")


def strike(ids: Sequence[int], reason: str) -> int:
    """A person has struck a withdrawn note in the chart; returns for how many there was something to strike."""
    rows = Delivery.objects.select_for_update().filter(pk__in=ids, withdrawn_at__isnull=False, state__in=STRIKABLE)
    struck = tickets(rows.values_list("pk", flat=True))
    now, keys = timezone.now(), [ticket.id for ticket in struck]
    Delivery.objects.filter(pk__in=keys).update(withdrawn_at=None, reason_code=STRUCK, read_at=None, updated_at=now)
    for ticket in struck:
        record(
            "delivery.struck",
            **ticket.recorded,
            reason=reason,
            detail={"delivery_id": ticket.id, "part": ticket.part},
        )
    return len(struck)


def without_doubt(note: Note) -> list[int]:
    """A note's deliveries but those parked in doubt: they may stand in the chart, and stay a person's task."""
    rows = note.deliveries.filter(~Q(state=State.PARKED) | certainly_unsent())
    return list(rows.values_list("pk", flat=True))


def wake_connection(connection: Connection) -> None:
    """Ring every lane of a connection."""
    bell.ring(set(connection.lanes.values_list("pk", flat=True)))


def wake(moved: Sequence[Ticket]) -> None:
    """Ring the lanes' bells once the transaction stands."""
    lane_ids = set(Delivery.objects.filter(pk__in=[ticket.id for ticket in moved]).values_list("lane_id", flat=True))
    transaction.on_commit(lambda: bell.ring({lane_id for lane_id in lane_ids if lane_id is not None}))
