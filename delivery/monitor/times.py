"""How times are shown: on the clock of each location, in UTC, or as time gone by; chosen once, kept in the session."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from delivery.queries import Scope
from delivery.words import ago
from portal.requests import PortalRequest

SITE, UTC, RELATIVE = "site", "utc", "relative"
WAYS = {SITE: "Site time", UTC: "UTC", RELATIVE: "Time ago"}
SESSION_KEY = "times"


@dataclass(frozen=True)
class Clock:
    """A time as a list shows it: the words, and a smaller line below them."""

    words: str
    below: str


def way_of(request: PortalRequest) -> str:
    """The way in force; `?times=` changes it."""
    asked = request.GET.get("times", "")
    if asked in WAYS and request.session.get(SESSION_KEY, SITE) != asked:
        request.session[SESSION_KEY] = asked
    kept = request.session.get(SESSION_KEY, SITE)
    return kept if kept in WAYS else SITE


def zone_for(way: str, scope: Scope) -> ZoneInfo:
    """The zone of days and of the chart."""
    return ZoneInfo("UTC") if way == UTC else scope.zone


def clock(at: datetime, way: str, zone: str, now: datetime) -> Clock:
    """`zone` is the location's."""
    if way == RELATIVE:
        return Clock(f"{ago(now - at)} ago", f"{at.astimezone(ZoneInfo(zone)):%H:%M %Z}")
    local = at.astimezone(ZoneInfo("UTC" if way == UTC else zone))
    return Clock(f"{local:%H:%M:%S}", f"{local:%Z}")
