"""What the overview shows of each location: how its notes travel, how they are proven, what is still to be done."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from portal.agreements import in_force, today_at
from portal.models import AgreementKind, Environment, Location, Part, Role
from portal.panels import rendered
from portal.requests import PortalRequest


@dataclass(frozen=True)
class Step:
    """Something a set-up needs: a sentence, whether it is done, and where it is done ("" for who may not)."""

    text: str
    done: bool
    url: str


@dataclass(frozen=True)
class LocationCard:
    """One location on the overview; `panels` and `path` are safe HTML from the apps of HOME_PANELS and PATH_PANELS."""

    location: Location
    sends_by: str
    steps: tuple[Step, ...]
    panels: tuple[str, ...]
    path: tuple[str, ...] = ()

    @property
    def to_do(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.done)


def _agreements(location: Location, url: str) -> Iterable[Step]:
    kinds = set(in_force(location.practice_id, today_at(location)).values_list("kind", flat=True))
    for kind in AgreementKind:
        yield Step(f"{kind.label} in force", kind in kinds, url)


def _steps(location: Location, sends_by: str, roles: frozenset[str]) -> Iterable[Step]:
    here = reverse("portal:location", args=[location.code]) if Role.DIRECTOR in roles else ""
    yield Step("A route by which notes are sent", bool(sends_by), here)
    yield Step("A connection through which charts are read back", location.reading_connection is not None, here)
    if location.environment == Environment.PRODUCTION:
        yield from _agreements(location, reverse("portal:agreements") if Role.DIRECTOR in roles else "")
        yield Step("Released for production", not location.locked_reason, here)


def location_cards(request: PortalRequest) -> list[LocationCard]:
    """The locations in view, in order of code."""
    wanted = [location.pk for location in request.selection.in_view]
    found = Location.objects.filter(pk__in=wanted).select_related("practice", "reading_connection")
    cards = []
    for location in found.prefetch_related("routes__connection"):
        routes = [route for route in location.routes.all() if route.part == Part.NOTE]
        sends_by = routes[0].connection.name if routes else ""
        steps = tuple(_steps(location, sends_by, request.selection.roles))
        panels = rendered(settings.HOME_PANELS, request, location)
        path = rendered(settings.PATH_PANELS, request, location)
        cards.append(LocationCard(location, sends_by, steps, panels, path))
    return cards
