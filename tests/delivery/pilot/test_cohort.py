"""Whose notes go at each step: the named ones, a stable share, everybody; and that shares only ever grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.pilot.cohort import NAMED, PAUSED, Cohort, cohort_at, everybody, share_of
from delivery.pilot.tables import Pilot

IDS = st.text(min_size=1, max_size=20)


def at_step(step: int, percents=(25, 50), providers=("DR7",)) -> Cohort | None:
    return cohort_at(Pilot(location_id=1, step=step, providers=list(providers), percents=list(percents), review=True))


def test_while_it_is_paused_nobody_is_in_the_named_ones_neither():
    cohort = at_step(PAUSED)
    assert not cohort.has("DR7")
    assert not cohort.has("")


def test_at_the_first_step_the_named_ones_are_in_and_nobody_else():
    cohort = at_step(NAMED)
    assert cohort.has("DR7")
    assert not any(cohort.has(f"P{number}") for number in range(500))


def test_the_named_ones_stay_in_whatever_their_own_number_is():
    late = next(f"P{number}" for number in range(500) if share_of(1, f"P{number}") > 60)
    assert at_step(NAMED + 1, providers=(late,)).has(late)


@pytest.mark.parametrize("step, percent", [(NAMED + 1, 25), (NAMED + 2, 50)])
def test_a_share_takes_about_so_many_of_a_hundred(step, percent):
    cohort = at_step(step)
    assert abs(sum(cohort.has(f"P{number}") for number in range(4000)) / 40 - percent) < 3


@given(IDS, st.integers(1, 98))
def test_who_is_in_at_a_share_is_in_at_every_larger_one(provider, percent):
    smaller, larger = (Cohort(1, frozenset(), each, False) for each in (percent, percent + 1))
    assert larger.has(provider) or not smaller.has(provider)


@given(IDS)
def test_a_providers_number_is_the_same_for_ever_and_lies_within_a_hundred(provider):
    assert share_of(1, provider) == share_of(1, provider)
    assert 0 <= share_of(1, provider) < 100


def test_a_providers_number_does_not_hang_on_the_process():
    """Python's own hash would: another worker would let other notes go."""
    assert [share_of(1, one) for one in ("DR7", "DR8", "DR9")] == [0, 71, 5]


def test_two_locations_do_not_take_the_same_ones_first():
    differ = [share_of(1, f"P{number}") != share_of(2, f"P{number}") for number in range(200)]
    assert sum(differ) > 150


def test_a_note_without_a_provider_goes_with_everybodys_only():
    assert not at_step(NAMED + 2).has("")
    assert at_step(everybody((25, 50))).has("")


def test_at_the_last_step_everybody_is_in_and_after_it_nobody_asks():
    last = everybody((25, 50))
    assert at_step(last).has("whoever")
    assert at_step(last + 1) is None


def test_without_shares_everybody_follows_the_named_ones():
    assert everybody(()) == NAMED + 1
    assert at_step(NAMED + 1, percents=()).has("whoever")
