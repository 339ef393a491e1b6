"""Where a posted note is for: its location, template, mapping, route and lane, read once and kept while they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.utils import timezone

from delivery.entry_checks import entry_problems
from delivery.lanes import lane_at, lane_index
from delivery.models import Delivery, Lane
from delivery.pilot.cohort import OUTSIDE, cohort_of, of_the_suite
from delivery.posted import PostedNote, Wrong
from delivery.states import State
from mapping.apply import apply
from mapping.models import Template
from mapping.note import Problem
from mapping.queries import published_spec, template_for
from portal import agreements, keys
from portal.compiled import Compiled
from portal.connections import able
from portal.models import ApiKey, Location, Part, Route
from portal.revision import Kept

AWAITS_REVIEW = "awaits_review"
WRITING = "notes:write"
MOST_KEPT = 4096  # answers to one question: what a scribe names freely must not fill the memory


class Refusal(Exception):
    """The note is not taken in; nothing of it is stored."""

    def __init__(self, status: int, problems: Sequence[Wrong]) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Destination:
    """The location and template a note is for; `looked_at_first`: a pilot or a clinician may have to let it go."""

    location: Location
    template: Template | None
    looked_at_first: bool = True


class Places:
    """The configuration under one revision (portal/revision.py): a change begins a new one, and counts at once."""

    def __init__(self) -> None:
        cache = lru_cache(MOST_KEPT)
        self._keys: dict[str, ApiKey] = {}
        self._location = cache(location_of)
        # An agreement ends with a day, which is no change of its row.
        self._missing = cache(lambda location, scribe, _day: agreements.missing(location, scribe))
        self._template = cache(template_for)
        self._spec = cache(published_spec)
        self._route = cache(route_of)
        self._lane = cache(lane_at)
        self._cohort = cache(cohort_of)

    def key(self, prefix: str) -> ApiKey | None:
        """A key that has posted under this revision: strangers' guesses leave nothing here."""
        return self._keys.get(prefix)

    def destination(self, known: ApiKey, posted: PostedNote) -> Destination:
        """Raises Refusal where the note may not come in; `known` is the key as the door knew it."""
        key = self._keys.get(known.prefix) or keys.with_prefix.first(known.prefix)
        if key is None or key.mac != known.mac or not keys.in_force(key):
            raise Refusal(401, [Wrong("", "The key is not valid any more.")])
        if WRITING not in key.scopes:
            raise Refusal(403, [Wrong("", f"This key lacks the scope {WRITING}.")])
        self._keys[key.prefix] = key
        location = self._location(key, posted.location)
        missing = self._missing(location, key.scribe, agreements.today_at(location))
        if missing:
            raise Refusal(403, [Wrong("", "No note is taken in for this location: " + "; ".join(missing) + ".")])
        template = self._template(location, posted.template, posted.visit_type)
        if posted.template and template is None:
            raise Refusal(422, [Wrong("/template", "This location has no template with this code.")])
        return Destination(location, template, not of_the_suite(key.scribe, location))

    def route(self, location: Location, part: str) -> Route | None:
        return self._route(location, part)

    def way(self, location: Location, part: str, note_id: UUID | None = None) -> Route | None:
        """By which route a part goes: a further version of a note by the one its charted version went."""
        return (followed(location, part, note_id) if note_id else None) or self.route(location, part)

    def lane(self, route: Route | None, encounter_bidx: str) -> Lane | None:
        # One made just now is kept too: intake.py forgets everything when its transaction fails.
        return self._lane(route.connection_id, lane_index(sockets_of(route), encounter_bidx)) if route else None

    def first_problem(self, to: Destination, posted: PostedNote, part: str) -> tuple[str, Sequence[Problem]]:
        """The reason code that holds this part, or "" if it may go; with the places (warnings hold nothing)."""
        cohort = self._cohort(to.location.pk) if to.looked_at_first else None
        if cohort is not None and not cohort.has(posted.visit.provider_id):
            return OUTSIDE, ()  # other problems are found when its provider has joined
        route = self.route(to.location, part)
        if route is None:
            return "no_route", ()
        if part != Part.NOTE:
            problems = entry_problems(part, posted, to.location.practice_id, timezone.now().date())
            if problems:
                return problems[0].code, problems
            return ("" if route.connection.kind in able(part) else "part_not_supported"), ()
        if to.looked_at_first and (to.location.review_first or (cohort is not None and cohort.review)):
            return AWAITS_REVIEW, ()  # other problems are found when it is released: none lets it go unlooked at
        if to.template is None:
            return "no_template", ()
        spec = self._spec(to.template)
        if spec is None:
            return "no_mapping", ()
        applied = apply(spec, posted.sections, to.location.unmapped_policy)
        if applied.problems:
            return applied.problems[0].code, applied.problems
        return ("", applied.warnings) if applied.values else ("nothing_to_send", applied.warnings)


locations = Compiled(
    lambda practice, code: Location.objects.filter(practice_id=practice, code=code).select_related("practice"), int, str
)
key_locations = Compiled(lambda key: ApiKey.locations.through.objects.filter(apikey_id=key), int)
routes = Compiled(
    lambda location, part: (
        Route.objects.filter(location_id=location, part=part).select_related("connection").order_by("position")[:1]
    ),
    int,
    str,
)


def location_of(key: ApiKey, code: str) -> Location:
    """The location by its code, if this key may post to it; a stranger's location does not exist."""
    location = locations.first(key.scribe.practice_id, code)
    only = key_locations(key.pk) if location else []
    if location is None or (only and location.pk not in {each.location_id for each in only}):
        raise Refusal(422, [Wrong("/location", "There is no such location for this key.")])
    if location.environment != key.environment:
        words = f"This is a {key.environment} key, and the location is {location.environment}; they never mix."
        raise Refusal(403, [Wrong("/location", words)])
    return location


def route_of(location: Location, part: str) -> Route | None:
    return routes.first(location.pk, part)


def followed(location: Location, part: str, note_id: UUID) -> Route | None:
    """The location's route by which an earlier version of the note may have reached the chart, where it is usable.

    An amendment by another way would leave the version before beside it in the chart.
    """
    may_stand = [state.value for state in (State.UNKNOWN, State.ACCEPTED, State.VERIFIED, State.MISFILED)]
    sent = Delivery.objects.filter(note=note_id, part=part, state__in=may_stand).order_by("-pk")
    connection_id = sent.values_list("connection_id", flat=True).first()
    rows = Route.objects.filter(location=location, part=part, connection=connection_id, connection__enabled=True)
    return rows.select_related("connection").first()


def sockets_of(route: Route) -> int:
    return int(route.connection.settings.get("sockets", 1))


kept = Kept(Places)


def key_of(bearer: str) -> ApiKey | None:
    """A scribe's key by what is in memory, to be asked for again when its note is stored; else by the database."""
    places = kept.last()
    return (keys.judged(places.key, bearer) if places else None) or keys.authenticate(bearer)
