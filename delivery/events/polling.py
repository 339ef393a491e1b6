"""Asks a FHIR connection for the encounters of a location's practitioners: what no webhook or feed told is found so.

`Encounter?practitioner=…&date=ge…`, from the day of the last whole look on; one call of the connection's limit for each
practitioner. Sending has the rest: where no call is left, the look ends and the next one begins anew.
"""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import DatabaseError, InterfaceError
from django.db.models import Q
from django.utils import timezone

from audit.record import Actor, acting
from delivery import lanes, rate
from delivery.channels.base import Unavailable
from delivery.channels.fhir_search import FhirClient, Resource
from delivery.channels.fhir_settings import FhirSettings
from delivery.events.encounters import happenings, taking_place_at
from delivery.events.kinds import Happening
from delivery.events.models import Arrival, EventSource, SourceState, Way
from delivery.events.settings import PollSettings
from delivery.events.taking import take
from delivery.opening import Credentials
from portal.keyring import KeysUnavailable
from portal.targets import check_target

log = logging.getLogger(__name__)
LONGEST_BACK = timedelta(days=2)  # a look after a long rest begins no earlier


def poll_due() -> int:
    """Look through every source that is due, each claimed by one worker; always 0: the next look has its own time."""
    now = timezone.now()
    due = Q(state__next_look_at=None) | Q(state__next_look_at__lte=now)
    rows = EventSource.objects.filter(due, way=Way.POLL, enabled=True, connection__enabled=True)
    for source in rows.select_related("state", "location__practice", "connection__practice"):
        if claim(source, now):
            with acting(Actor("worker", lanes.owner())):
                look_guarded(source)
    return 0


def claim(source: EventSource, now: datetime) -> bool:
    """Whether this worker is the one to look; the next look's time is set before the first call."""
    minutes = int(source.settings.get("every_minutes", 2))
    mine = SourceState.objects.filter(pk=source.pk, next_look_at=source.state.next_look_at)
    return bool(mine.update(next_look_at=now + timedelta(minutes=minutes)))


def look_guarded(source: EventSource) -> None:
    """One look; what goes wrong stands on the source's page, in the catalogue's words, until a look is whole again."""
    began = timezone.now()
    try:
        unread = look(source)
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise
    except Unavailable as error:
        _trouble(source, error.reason_code)
    except ValueError:
        _trouble(source, "reader_misconfigured")
    except Exception as error:
        log.error("a source could not be asked: %s", type(error), exc_info=True)
        _trouble(source, "reading_failed")
    else:
        SourceState.objects.filter(pk=source.pk).update(
            looked_at=began, trouble="event_unreadable" if unread else "", trouble_at=began if unread else None
        )


def look(source: EventSource) -> int:
    """Ask for each practitioner and take in what is new; how many encounters could not be read. Raises Unavailable."""
    own, connection = PollSettings.read(source.settings), source.connection
    if connection is None:
        raise ValueError("no connection")
    settings = FhirSettings.read(connection.settings, connection.secrets(), connection.environment)
    client = FhirClient(settings, Credentials(connection), check_target)
    unread = 0
    try:
        for practitioner in own.practitioners:
            if not rate.granted(connection):
                raise Unavailable("rate_limited")
            found = client.search("Encounter", practitioner=practitioner, date=f"ge{since(source)}")
            unread += take_new(source, taking_place_at(found, own.locations))
    finally:
        client.close()
    return unread


def since(source: EventSource) -> str:
    """The first day asked for, at the location: that of the last whole look, or today."""
    now = timezone.now()
    last = max(source.state.looked_at or now, now - LONGEST_BACK)
    return last.astimezone(ZoneInfo(source.location.time_zone)).date().isoformat()


def take_new(source: EventSource, found: Sequence[Resource]) -> int:
    """Take in what earlier looks have not; how many could not be read."""
    told, unread = happenings(found, timezone.now())
    marks = {hashlib.sha256(each.message.encode()).hexdigest(): each for each in told}
    seen = set(Arrival.objects.filter(source=source, message__in=list(marks)).values_list("message", flat=True))
    fresh: list[Happening] = [each for mark, each in marks.items() if mark not in seen]
    for each in fresh:
        take(source, each)
    return unread


def _trouble(source: EventSource, reason: str) -> None:
    SourceState.objects.filter(pk=source.pk).update(trouble=reason, trouble_at=timezone.now())
