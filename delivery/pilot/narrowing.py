"""The deliveries of those who are in a pilot under way, or not in it yet: what the list is narrowed to by `cohort`."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Q

from delivery import sql
from delivery.models import Delivery
from delivery.pilot.cohort import cohort_at
from delivery.pilot.tables import Pilot
from portal.models import Location

INSIDE, OUTSIDE = "in", "out"
NOBODY = Q(pk__in=())


def of_cohort(locations: Sequence[Location], which: str) -> Q:
    """Locations without a pilot under way have neither."""
    found = [_at(pilot, which == INSIDE) for pilot in pilots(locations)]
    return reduce(or_, found, NOBODY)


def pilots(locations: Iterable[Location]) -> list[Pilot]:
    """Those under way at these locations."""
    rows = Pilot.objects.filter(location__in=list(locations)).order_by("location")
    return [pilot for pilot in rows if cohort_at(pilot) is not None]


def _at(pilot: Pilot, inside: bool) -> Q:
    cohort = cohort_at(pilot)
    if cohort is None:
        return NOBODY
    if cohort.percent >= 100:
        return Q(location=pilot.location_id) if inside else NOBODY
    meant = [one for one in providers_at(pilot.location_id) if cohort.has(one) == inside]
    return Q(location=pilot.location_id, provider_id__in=meant)


def providers_at(location: int) -> list[str]:
    """The ids of all providers of whom deliveries came: from one to the next by their index, however many those are."""
    table = sql.table(Delivery)
    least = f"SELECT MIN(provider_id) FROM {table} WHERE location_id = %s"  # noqa: S608
    steps = (
        f"WITH RECURSIVE each_one(id) AS (SELECT ({least}) UNION ALL "  # noqa: S608
        f"SELECT ({least} AND provider_id > each_one.id) FROM each_one WHERE each_one.id IS NOT NULL) "
        "SELECT id FROM each_one WHERE id IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(steps, [location, location])
        return [row[0] for row in cursor.fetchall()]
