"""Which of a person's locations the pages show: one or all; `?location=` wins over what the session remembers."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404

from portal.access import locations_of
from portal.models import Location, Membership, User

SESSION_KEY = "location"
ALL = "all"


@dataclass(frozen=True)
class Selection:
    """The locations a person may see, the one chosen (None: all), the roles held anywhere and everywhere."""

    locations: tuple[Location, ...] = ()
    chosen: Location | None = None
    roles: frozenset[str] = frozenset()
    wide: frozenset[str] = frozenset()

    @property
    def in_view(self) -> tuple[Location, ...]:
        """The locations whose rows a page shows."""
        return (self.chosen,) if self.chosen else self.locations

    @property
    def environment(self) -> str:
        """The environment of what is in view: "sandbox", "production", "mixed", or "" with no location."""
        kinds = {location.environment for location in self.in_view}
        return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else ""


NOTHING = Selection()


def selection_for(user: User | AnonymousUser, session: SessionBase, asked: str | None) -> Selection:
    """What to show; `asked` is the request's ?location= (a code, "all" or None). Http404 for a code not theirs."""
    if not isinstance(user, User):
        return NOTHING
    found = tuple(locations_of(user).select_related("practice"))
    held = list(Membership.objects.filter(user=user).values_list("role", "location"))
    own = {location for _, location in held}
    # One where somebody learns is in view for that person alone, and only while it is chosen.
    codes = {location.code: location for location in found if not location.for_learning or location.pk in own}
    locations = tuple(location for location in found if not location.for_learning)
    if asked and asked != ALL and asked not in codes:
        raise Http404("no such location")
    if asked is not None and session.get(SESSION_KEY, ALL) != (asked or ALL):
        session[SESSION_KEY] = asked or ALL
    return Selection(
        locations,
        codes.get(asked or session.get(SESSION_KEY, ALL)),
        frozenset(role for role, _ in held),
        frozenset(role for role, location in held if location is None),
    )
