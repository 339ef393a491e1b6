"""The daily canary: a location that somebody has probed once is probed again every day, where it is a sandbox.

An update of eCW changes overnight what it does; the next morning the location's page is red by itself, and not when the
first patient's note is lost. What writes goes into the sandbox: production is probed by a person.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from audit.record import Actor, acting
from delivery import lanes
from delivery.probe import CannotProbe
from delivery.ways.capabilities import probe_location
from delivery.ways.models import ProbeTurn
from portal.models import Environment, Location

log = logging.getLogger(__name__)


def canaries_due() -> int:
    """Probe at most one location whose day is over; 1 where there was one, so that the next follows at once."""
    if settings.CANARY_HOURS <= 0:
        return 0
    now = timezone.now()
    for location in due(now):
        if claim(location, now):
            probe(location)
            return 1
    return 0


def due(now: datetime) -> list[Location]:
    """Sandbox locations whose newest probe, and whose last turn, lie a day back; those never probed are nobody's."""
    day = now - timedelta(hours=settings.CANARY_HOURS)
    rows = Location.objects.filter(environment=Environment.SANDBOX, for_learning=False).select_related(
        "practice", "reading_connection"
    )
    probed = rows.annotate(last=Max("capability_probes__at")).filter(last__lte=day)
    return list(probed.exclude(probe_turn__at__gt=day).order_by("last", "pk"))


def claim(location: Location, now: datetime) -> bool:
    """Whether this worker is the one: of two that find the same location due only one writes the turn."""
    row, made = ProbeTurn.objects.get_or_create(location=location, defaults={"at": now})
    return made or bool(ProbeTurn.objects.filter(pk=row.pk, at=row.at, at__lt=now).update(at=now))


def probe(location: Location) -> None:
    """What cannot be probed is tried again tomorrow: its connections say themselves what is wrong with them."""
    with acting(Actor("worker", lanes.owner(), name="Daily probe")):
        try:
            probe_location(location)
        except CannotProbe:
            log.info("a location's daily probe found nothing to probe: %s", location.pk)
