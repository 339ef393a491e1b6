"""Sends a stopped delivery by another of its location's ways because a person says so, never what may be charted.

What is in doubt stays there until the chart or a person has said that it is not there; then any way is as good as the
first. Before anything moves the message is made for the other way: what that way cannot say stays where it is.
"""

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from delivery import fallback
from delivery.actions import NOT_ONE_BY_ONE
from delivery.asked import kept
from delivery.due import whole
from delivery.failures import failure
from delivery.fallback import OF_THE_VISIT, withdrawn
from delivery.models import Attempt, Breaker, ConnectionState, Delivery, Move
from delivery.opening import open_channel
from delivery.outgoing import prepare
from delivery.overtaken import IN_DOUBT
from delivery.states import State
from portal.models import Connection, Location, Route

BY_HAND = "another_way_by_person"
STOPPED = frozenset({State.HELD, State.READY, State.REJECTED})
CHARTED = frozenset({State.ACCEPTED, State.VERIFIED, State.MISFILED})
# A move out of doubt that proves nothing: the receiver was trusted to ignore a repeat, another way would not.
PROVES_NOTHING = "receiver_ignores_repeats"
WHY_NOT = {
    "state": "it is not stopped: it was charted, ended, or is in doubt",
    "under_way": "nothing has failed: it waits for its turn",
    "waits_for_somebody": "it waits for a clinician or for the pilot, and only they let it go",
    "of_the_visit": fallback.WHY_NOT["of_the_visit"],
    "withdrawn": fallback.WHY_NOT["withdrawn"],
    "doubt": "something of this part may stand in the chart, and by a second way it could be charted twice",
    "no_way": "the location has no other way for this part that is switched on and not stopped",
    "not_this_way": "the chosen way is none of its location's for this part, is its own, is stopped, or has refused it",
}


def why_not(delivery: Delivery, way: int | None = None) -> str:
    """A key of WHY_NOT, or "" where it may go by another way, or by this one (a connection)."""
    if State(delivery.state) not in STOPPED:
        return "state"
    if delivery.state == State.READY and not failing(delivery):
        return "under_way"
    if delivery.reason_code in NOT_ONE_BY_ONE:
        return "waits_for_somebody"
    if delivery.reason_code in OF_THE_VISIT:
        return "of_the_visit"
    if other_route(delivery, way) is None:  # first, as most locations have one way, and it costs one query to know
        return "not_this_way" if way else "no_way"
    if withdrawn(delivery):
        return "withdrawn"
    return "doubt" if open_doubt(delivery) else ""


def able(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Of stopped deliveries, those that may be able to; doubt, and what a way has refused, is looked at one by one."""
    others = fallback.usable(Route.objects.filter(location=OuterRef("location"), part=OuterRef("part")))
    others = others.filter(connection__environment=OuterRef("location__environment"))
    stopped = ConnectionState.objects.filter(connection=OuterRef("connection")).exclude(breaker=Breaker.CLOSED)
    failed = Q(ever_failed=True) | Q(connection__enabled=False) | Q(connection=None) | Exists(stopped)
    return (
        rows.annotate(own=Coalesce(F("connection"), Value(0)))
        .filter(Exists(others.exclude(connection=OuterRef("own"))), ~Q(state=State.READY) | failed)
        .filter(withdrawn_at__isnull=True)
        .exclude(reason_code__in=NOT_ONE_BY_ONE | OF_THE_VISIT)
    )


def verdict(delivery: Delivery, way: int | None = None) -> tuple[bool, str]:
    """Whether it would go, and by which way or why not: what a dry run says of it."""
    if why := why_not(delivery, way):
        return False, WHY_NOT[why]
    route = other_route(delivery, way)
    if route is None:
        return False, WHY_NOT["no_way"]
    held = rehearse(delivery, route)
    words = words_of(route.connection)
    return (not held, f"{words} would hold it: {failure(held).title}" if held else f"by {words}")


def words_of(way: Connection) -> str:
    return f"{way.name} ({way.get_kind_display()})"


def failing(delivery: Delivery) -> bool:
    """Whether a waiting one is stopped: a try failed, or its connection is switched off or stopped."""
    if delivery.ever_failed or delivery.connection is None or not delivery.connection.enabled:
        return True
    stopped = ConnectionState.objects.filter(connection=delivery.connection_id).exclude(breaker=Breaker.CLOSED)
    return stopped.exists()


def open_doubt(delivery: Delivery) -> bool:
    """Whether anything of this part of the note, in any version and by any way, may stand in the chart."""
    same = Delivery.objects.filter(note=delivery.note_id, part=delivery.part)
    cut = Attempt.objects.filter(delivery=OuterRef("pk"), outcome__in=IN_DOUBT)
    doubted = dict(same.values_list("pk", Exists(cut)))
    moves: dict[int, list[Move]] = {pk: [] for pk in doubted}
    for move in Move.objects.filter(delivery__in=list(doubted)).order_by("pk"):
        moves[move.delivery_id].append(move)
    return any(unresolved(moves[pk], in_doubt) for pk, in_doubt in doubted.items())


def unresolved(moves: list[Move], in_doubt: bool) -> bool:
    """Whether a delivery that took these moves may stand in the chart. `in_doubt`: a try of it ended in doubt."""
    for move in moves:
        if move.to_state in CHARTED:
            return True
        if move.to_state in (State.UNKNOWN, State.SENDING):
            in_doubt = True
        elif move.from_state == State.SENDING:  # refused, or proof that no byte left
            in_doubt = False
        elif move.to_state == State.READY and move.from_state in (State.UNKNOWN, State.PARKED):
            in_doubt = move.reason_code == PROVES_NOTHING
    return in_doubt


def other_route(delivery: Delivery, way: int | None = None) -> Route | None:
    """The first of the others; or the one of these that is a person's choice."""
    return next((one for one in other_routes(delivery) if way in (None, one.connection_id)), None)


def other_routes(delivery: Delivery) -> list[Route]:
    """The location's usable ways for this part, in its order, that have not refused this version yet."""
    routes = Route.objects.filter(location=delivery.location_id, part=delivery.part).select_related("connection")
    usable = fallback.usable(routes).filter(connection__environment=delivery.location.environment)
    others = [one for one in usable.order_by("position") if one.connection_id != delivery.connection_id]
    if not others:
        return []
    refused = Delivery.objects.filter(
        note_version=delivery.note_version_id, part=delivery.part, state__in=[State.REJECTED, State.SUPERSEDED]
    )
    gone = set(refused.values_list("connection", flat=True))
    return [one for one in others if one.connection_id not in gone]


def ways_at(locations: Iterable[Location]) -> list[Connection]:
    """The connections by which something could go at these locations: to choose from, of many deliveries at once."""
    routes = fallback.usable(Route.objects.filter(location__in=list(locations)))
    here = routes.filter(connection__environment=F("location__environment")).values("connection")
    return list(Connection.objects.filter(pk__in=here).order_by("name", "pk"))


def rehearse(delivery: Delivery, route: Route) -> str:
    """The reason code of what would hold it at the other way's door, or "": the message is made, and thrown away."""
    rows = list(whole(Delivery.objects.filter(pk=delivery.pk)))
    kept.now().complete(rows)
    for row in rows:
        row.connection, row.connection_id, row.crashes = route.connection, route.connection_id, 0
        row._state.fields_cache["wire"] = None  # as if it had none: its bytes were made for the way before
    try:
        channel = open_channel(route.connection)
    except ValueError:
        return "connection_misconfigured"
    _, stopped = prepare(rows, channel)
    return stopped[0].reason_code if stopped else ""


def send(ids: list[int], reason: str, way: int | None = None) -> list[Delivery]:
    """Each by its other way (or the chosen one), as a new delivery in its place, where nothing speaks against it."""
    made: list[Delivery] = []
    for pk in ids:
        # Locked: whoever claims it to send it waits, and finds it gone.
        rows = Delivery.objects.select_for_update(of=("self",)).select_related("location", "connection")
        delivery = rows.get(pk=pk)
        route = other_route(delivery, way) if not why_not(delivery, way) else None
        if route is not None and not rehearse(delivery, route):
            made += fallback.replace(delivery, State(delivery.state), BY_HAND, route=route, reason=reason)
    return made
