"""The pilot as steps of a location's path: chosen before the release, met by numbers, and a location is live with it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.path.step import Step
from delivery.path.steps import path_of
from delivery.pilot import steps
from delivery.pilot.cohort import NAMED, everybody
from delivery.pilot.tables import Pilot
from delivery.states import State
from portal.models import Location, Role
from tests.delivery.pilot.scenes import a_pilot, went

pytestmark = pytest.mark.django_db
DIRECTOR = frozenset({Role.DIRECTOR})
BEGUN, WIDE = "A pilot begun with two or three providers", "The pilot met its numbers, and every provider is in"


@pytest.fixture
def released(cast, as_dana) -> Location:
    """A production location that sends."""
    return Location.objects.create(practice=cast.practice, code="LIVE", name="Live", environment="production")


def step(location: Location, text: str, roles=DIRECTOR) -> Step:
    return next(one for phase in path_of(location, roles) for one in phase.steps if one.text == text)


def test_without_a_pilot_it_says_what_a_release_would_mean(cast):
    assert not step(cast.north, BEGUN).done
    assert "every provider’s notes go" in step(cast.north, BEGUN).says
    assert not step(cast.north, WIDE).done


def test_once_begun_it_says_who_goes_first_and_who_chose_them(cast, as_dana):
    a_pilot(cast.north, "DR7", "DR8")
    found = step(cast.north, BEGUN)
    assert (found.done, found.says, found.who) == (True, "The named ones: DR7, DR8.", "dana")
    assert found.when is not None


def test_while_numbers_are_short_the_step_names_them_and_is_not_done(cast, as_dana):
    a_pilot(cast.north)
    went(cast)
    went(cast, State.REJECTED)
    found = step(cast.north, WIDE)
    assert not found.done
    assert "Not holding: verified in the chart: 50 %, at least 98 %." in found.says


def test_it_is_done_when_every_provider_is_in_by_numbers_that_held(cast, as_dana):
    pilot = a_pilot(cast.north, percents=())
    went(cast)
    went(cast)
    steps.promote(pilot, NAMED)
    found = step(cast.north, WIDE)
    assert (found.done, found.who) == (True, "dana")


def test_a_step_back_undoes_it(cast, as_dana):
    pilot = a_pilot(cast.north, percents=())
    went(cast)
    went(cast)
    steps.promote(pilot, NAMED)
    went(cast, State.MISFILED, received_at=timezone.now() + timedelta(seconds=1))
    assert steps.step_back(pilot, timezone.now() + timedelta(minutes=1))
    assert not step(cast.north, WIDE).done


def test_a_released_location_is_on_its_path_until_its_pilot_has_met_its_numbers(released):
    assert path_of(released, DIRECTOR) == []
    pilot = a_pilot(released)
    assert path_of(released, DIRECTOR)
    Pilot.objects.filter(pk=pilot.pk).update(step=everybody(pilot.percents))
    assert path_of(released, DIRECTOR) == []


def test_only_a_director_is_led_to_the_page(cast, as_dana):
    a_pilot(cast.north)
    assert step(cast.north, BEGUN).url == step(cast.north, WIDE).url == "/deliveries/pilot/NORTH/"
    assert step(cast.north, WIDE, frozenset({Role.AUDITOR})).url == ""
