"""The round of pilots: one step back where the numbers broke; and what was taken in while a step was written.

Of several workers one looks at each pilot, every LOOK.
"""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from audit.record import Actor, acting
from delivery import lanes
from delivery.pilot.cohort import everybody
from delivery.pilot.steps import settle, step_back
from delivery.pilot.tables import Pilot, PilotTurn
from portal.keyring import KeysUnavailable

log = logging.getLogger(__name__)
LOOK = timedelta(seconds=20)


def pilots_due() -> int:
    """Look at every pilot under way whose turn it is; how many took a step back."""
    now = timezone.now()
    due = Pilot.objects.exclude(turn__at__gt=now - LOOK).select_related("location__practice").order_by("pk")
    with acting(Actor("worker", lanes.owner(), name="Pilot gates")):
        return sum(look(pilot, now) for pilot in due if pilot.step <= everybody(pilot.percents) and claim(pilot, now))


def claim(pilot: Pilot, now: datetime) -> bool:
    with transaction.atomic():
        row, made = PilotTurn.objects.get_or_create(pilot=pilot, defaults={"at": now})
        due = PilotTurn.objects.filter(pk=row.pk, at=row.at, at__lte=now - LOOK)
        return made or bool(due.update(at=now))


def look(pilot: Pilot, now: datetime) -> bool:
    """Whether it stepped back. One pilot that cannot be looked at keeps no other from it."""
    try:
        with transaction.atomic():
            settle(Pilot.objects.select_for_update(of=("self",)).select_related("location").get(pk=pilot.pk))
        return step_back(pilot, now) is not None
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise
    except Exception as error:
        log.error("a pilot could not be looked at: %s", type(error), exc_info=True)
        return False
