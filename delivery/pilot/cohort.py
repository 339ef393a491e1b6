"""Whose notes go while a location's pilot is under way: the named ones, a stable share of the providers, or all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from delivery.pilot.tables import Pilot
from portal.models import Location, Scribe

OUTSIDE, STEPPED_BACK, TOO_OLD = "outside_pilot", "pilot_stepped_back", "pilot_too_old"
# What waits for its provider to join, and for nothing else: no person lets it go one by one.
HOLDS = frozenset({OUTSIDE, STEPPED_BACK})
PAUSED, NAMED = 0, 1
# Deliveries of certification's own notes. (Practice mode's are held and counted as real ones: that is what it teaches.)
OF_THE_SUITE = Q(note__scribe__synthetic=True, location__for_learning=False)


@dataclass(frozen=True)
class Cohort:
    """Who is in. `percent` 100: everybody, whoever they are; `review`: a clinician looks at each of their notes."""

    location: int
    named: frozenset[str]
    percent: int
    review: bool

    def has(self, provider_id: str) -> bool:
        """Whether this provider's notes go; a note that names no provider goes with everybody's only."""
        if self.percent >= 100:
            return True
        return bool(provider_id) and (provider_id in self.named or share_of(self.location, provider_id) < self.percent)


def of_the_suite(scribe: Scribe, location: Location) -> bool:
    """Whether its notes are certification's own: no provider's, so that no pilot and no clinician waits for them."""
    return scribe.synthetic and not location.for_learning


def share_of(location: int, provider_id: str) -> int:
    """A provider's own number of 0 to 99 at a location, the same for ever: who joins at 25 % is in at 50 % as well."""
    digest = hashlib.sha256(f"{location}:{provider_id}".encode()).digest()
    return int.from_bytes(digest[:4]) % 100


def everybody(percents: Sequence[int]) -> int:
    """The number of the step at which all providers are in."""
    return NAMED + len(percents) + 1


def cohort_at(pilot: Pilot) -> Cohort | None:
    """Who is in at the pilot's step; None once it has ended: then nobody asks."""
    last = everybody(pilot.percents)
    if pilot.step > last:
        return None
    if pilot.step == PAUSED:
        return Cohort(pilot.location_id, frozenset(), 0, pilot.review)
    percent = 100 if pilot.step == last else 0 if pilot.step == NAMED else int(pilot.percents[pilot.step - NAMED - 1])
    return Cohort(pilot.location_id, frozenset(pilot.providers), percent, pilot.review)


def cohort_of(location: int) -> Cohort | None:
    """The same for a location's number; None where there is no pilot, or none any more."""
    pilot = Pilot.objects.filter(location=location).first()
    return cohort_at(pilot) if pilot else None
