"""The deliveries that stand in an issue given to one person: what the list is narrowed to by `whose`."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from django.db.models import Q

from delivery.monitor.tables import Issue
from delivery.states import NEEDS_ATTENTION, State
from portal.models import Connection, Location

STANDING = (*sorted(NEEDS_ATTENTION), State.READY)  # as issues count theirs (grouping.py)
NOTHING = Q(pk__in=())


def of_person(locations: Sequence[Location], person: int) -> Q:
    """One query for the issues (two where any has a method); somebody without an issue here has no delivery."""
    rows = Issue.objects.filter(assignee=person, location__in=locations).order_by("pk")
    found = list(rows.values_list("location", "method", "reason_code"))
    ways = connections({method for _, method, _ in found if method}, locations)
    each = [
        Q(location=location, reason_code=code, connection__in=ways[method])
        if method
        else Q(location=location, reason_code=code, connection=None)
        for location, method, code in found
    ]
    return Q(reduce(or_, each), state__in=STANDING) if each else NOTHING


def connections(methods: set[str], locations: Sequence[Location]) -> dict[str, list[int]]:
    """By number, as the planner knows nothing of how many deliveries went by a kind."""
    found: dict[str, list[int]] = {method: [] for method in methods}
    if methods:
        practices = {location.practice_id for location in locations}
        rows = Connection.objects.filter(practice__in=practices, kind__in=methods).order_by("pk")
        for pk, kind in rows.values_list("pk", "kind"):
            found[kind].append(pk)
    return found
