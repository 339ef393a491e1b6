"""Create and change locations, their routes, and the lock that keeps one from production."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from audit.record import record
from portal.agreements import in_force, today_at
from portal.connections import CARRIED, READS, able
from portal.models import AgreementKind, Connection, Environment, Location, Part, Practice, Route

NOT_RELEASED = "Not yet released for production."
MAX_REASON = 200
CHANGEABLE = (
    "name",
    "time_zone",
    "unmapped_policy",
    "reading_connection",
    "facility",
    "idle_minutes",
    "fallback",
    "fallback_minutes",
    "review_first",
)


def _record(event: str, location: Location, reason: str = "", **detail: Any) -> None:
    record(
        event,
        practice=location.practice.code,
        location=location.code,
        object_type="location",
        object_id=str(location.pk),
        reason=reason,
        detail={"location": location.code, **detail},
    )


def create(
    practice: Practice, code: str, name: str, environment: str, time_zone: str, *, for_learning: bool = False
) -> Location:
    """A new location, its environment fixed for good; one in production stays locked until it is released."""
    with transaction.atomic():
        location = Location.objects.create(
            practice=practice,
            code=code,
            name=name,
            environment=environment,
            time_zone=time_zone,
            for_learning=for_learning,
            locked_reason=NOT_RELEASED if environment == Environment.PRODUCTION else "",
        )
        _record("location.create", location, environment=environment)
    return location


def _belongs(location: Location, connection: Connection, kinds: frozenset[str]) -> None:
    """ValueError unless it is of this location's practice and environment, and of a kind that can do this."""
    same = (connection.practice_id, connection.environment) == (location.practice_id, location.environment)
    if not same or connection.kind not in kinds:
        raise ValueError("A location uses connections of its own practice and environment, of a fitting kind.")


def change(location: Location, wanted: dict[str, Any]) -> list[str]:
    """Change what differs and return its names. `wanted` holds some of CHANGEABLE."""
    if set(wanted) - set(CHANGEABLE):
        raise ValueError("These cannot be changed on a location.")
    if wanted.get("reading_connection"):
        _belongs(location, wanted["reading_connection"], READS)
    with transaction.atomic():
        row = Location.objects.select_for_update(no_key=True).get(pk=location.pk)
        changed = sorted(name for name, value in wanted.items() if getattr(row, name) != value)
        for name in changed:
            setattr(row, name, wanted[name])
        if changed:
            row.save(update_fields=changed)
            _record("location.change", location, fields=changed)
            keep_lock(row)
    return changed


def set_routes(location: Location, part: str, connections: Sequence[Connection]) -> bool:
    """Let this part of a note travel by these connections, the first in use. True when that is a change.

    ValueError for a part no channel carries, or a connection that does not fit or stands there twice.
    """
    for connection in connections:
        _belongs(location, connection, able(part))
    if part not in CARRIED or len(set(connections)) != len(connections):
        raise ValueError("A part that a channel carries has each connection once.")
    wanted = [connection.pk for connection in connections]
    with transaction.atomic():
        Location.objects.select_for_update(no_key=True).get(pk=location.pk)
        routes = Route.objects.filter(location=location, part=part)
        if list(routes.order_by("position").values_list("connection_id", flat=True)) == wanted:
            return False
        routes.delete()
        for position, connection in enumerate(connections, start=1):
            Route.objects.create(location=location, part=part, connection=connection, position=position)
        _record("route.change", location, part=part, connection=wanted)
        keep_lock(location)
    return True


def lacks(location: Location) -> list[str]:
    """What must be in force before a production location may be released, in plain words."""
    kinds = set(in_force(location.practice_id, today_at(location)).values_list("kind", flat=True))
    found = []
    if AgreementKind.BAA_ECW not in kinds:
        found.append("A business associate agreement with eClinicalWorks.")
    if AgreementKind.BAA_SCRIBE not in kinds:
        found.append("A business associate agreement with a scribe vendor.")
    if not Route.objects.filter(location=location, part=Part.NOTE).exists():
        found.append("A route for note sections.")
    return found + unproven(location)


def unproven(location: Location) -> list[str]:
    """What the apps above ask of a release (settings.RELEASE_CHECKS, named by string), in plain words."""
    return [lack for name in settings.RELEASE_CHECKS for lack in import_string(name)(location)]


def release(location: Location, reason: str) -> None:
    """Open a location again; one in production only when nothing is lacking (ValueError)."""
    if location.environment == Environment.PRODUCTION and lacks(location):
        raise ValueError("Something is lacking still.")
    _set_lock(location, "", "location.release", reason)


def lock(location: Location, reason: str) -> None:
    """Stop sending at this location; what waits is held, nothing is lost."""
    _set_lock(location, reason, "location.lock", reason)


def keep_lock(location: Location) -> None:
    """Lock a released production location again where what it was released for does not hold any more.

    Whoever changes what a location sends (its routes, a mapping, a template) calls this in the same transaction.
    """
    row = Location.objects.select_related("practice").get(pk=location.pk)
    if row.environment != Environment.PRODUCTION or row.locked_reason:
        return
    broken = unproven(row)
    if broken:
        said = broken[0]
        _set_lock(row, said[:MAX_REASON], "location.lock", said[:MAX_REASON])


def _set_lock(location: Location, locked_reason: str, event: str, reason: str) -> None:
    with transaction.atomic():
        location.locked_reason = locked_reason
        location.save(update_fields=["locked_reason"])
        _record(event, location, reason)
