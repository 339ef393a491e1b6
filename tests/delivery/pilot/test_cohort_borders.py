"""The borders of a cohort: nobody, one of a hundred, everybody, no id, the same number, another location's provider."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.pilot.cohort import HOLDS, NAMED, PAUSED, TOO_OLD, Cohort, cohort_at, cohort_of, everybody, share_of
from delivery.pilot.tables import Pilot
from delivery.places import AWAITS_REVIEW
from tests.delivery.pilot.scenes import a_pilot, provider_with

IDS = st.text(min_size=1, max_size=20)
PERCENTS = st.lists(st.integers(1, 99), unique=True, max_size=5).map(sorted)


def numbered(number: int, location: int = 1) -> str:
    """Some provider whose own number is exactly this one."""
    return next(one for one in (f"P{each}" for each in range(10_000)) if share_of(location, one) == number)


def of(percent: int, *named: str, location: int = 1) -> Cohort:
    return Cohort(location, frozenset(named), percent, False)


def row(step: int, percents: list[int], **rest: object) -> Pilot:
    return Pilot(location_id=1, step=step, providers=["DR7"], percents=percents, **rest)


class TestShares:
    @pytest.mark.parametrize("percent", [1, 25, 50, 99])
    def test_whose_number_is_the_share_itself_is_not_in_and_the_one_below_is(self, percent):
        assert of(percent).has(numbered(percent - 1))
        assert percent == 99 or not of(percent).has(numbered(percent))

    def test_at_nothing_not_even_the_first_is_in(self):
        assert not of(0).has(numbered(0))

    def test_at_one_of_a_hundred_the_first_alone_is_in(self):
        assert of(1).has(numbered(0))
        assert not any(of(1).has(numbered(number)) for number in range(1, 12))

    def test_at_99_the_last_is_still_out(self):
        assert not of(99).has(numbered(99))
        assert of(100).has(numbered(99))

    def test_two_who_have_the_same_number_join_together(self):
        first = numbered(40)
        other = next(f"Q{each}" for each in range(10_000) if share_of(1, f"Q{each}") == 40)
        for percent in (40, 41):
            assert of(percent).has(first) == of(percent).has(other) == (percent == 41)

    def test_one_named_does_not_let_in_another_with_the_same_number(self):
        first = numbered(70)
        other = next(f"Q{each}" for each in range(10_000) if share_of(1, f"Q{each}") == 70)
        cohort = of(10, first)
        assert cohort.has(first)
        assert not cohort.has(other)

    def test_a_number_counts_at_its_own_location_alone(self):
        early = next(one for one in map(str, range(10_000)) if share_of(1, one) < 10 and share_of(2, one) > 90)
        assert of(50).has(early)
        assert not of(50, location=2).has(early)

    def test_location_and_provider_are_not_run_together(self):
        """Without something between them 1 with 12 would be 11 with 2."""
        assert share_of(1, "12") != share_of(11, "2")

    @given(IDS, st.integers(0, 99))
    def test_a_number_puts_a_provider_in_at_every_share_above_it_and_at_none_below(self, provider, percent):
        assert of(percent).has(provider) == (share_of(1, provider) < percent)


class TestIds:
    @pytest.mark.parametrize("percent", [0, 1, 50, 99])
    def test_a_note_without_a_provider_is_in_at_no_share(self, percent):
        assert not of(percent).has("")

    def test_not_even_where_nothing_stands_among_the_named(self):
        """A plan with an empty name would else let through every note whose provider nobody knows."""
        assert not of(0, "").has("")
        assert not of(99, "").has("")

    @pytest.mark.parametrize("near", ["dr7", "DR7 ", " DR7", "DR70", "DR", "ＤＲ７"])
    def test_an_id_that_looks_like_a_named_one_is_another_provider(self, near):
        assert of(0, "DR7").has("DR7")
        assert not of(0, "DR7").has(near)


class TestSteps:
    @given(PERCENTS)
    def test_each_step_lets_in_as_many_as_the_one_before_or_more(self, percents):
        everyone = [f"P{number}" for number in range(60)]
        cohorts = [cohort_at(row(step, percents)) for step in range(everybody(percents) + 1)]
        inside = [{one for one in everyone if cohort.has(one)} for cohort in cohorts]
        assert all(before <= after for before, after in itertools.pairwise(inside))
        assert (inside[0], inside[-1]) == (set(), set(everyone))

    @given(PERCENTS)
    def test_the_last_step_is_after_the_last_share_and_the_one_after_it_ends(self, percents):
        last = everybody(percents)
        assert cohort_at(row(last, percents)).percent == 100
        assert cohort_at(row(last - 1, percents)).percent < 100
        assert cohort_at(row(last + 1, percents)) is None

    def test_a_pause_forgets_the_named_ones_and_keeps_that_notes_are_reviewed(self):
        paused = cohort_at(row(PAUSED, [50], review=True))
        assert (paused.named, paused.percent, paused.review) == (frozenset(), 0, True)

    @pytest.mark.parametrize("review", [True, False])
    def test_whether_notes_are_reviewed_is_the_same_at_every_step(self, review):
        assert {cohort_at(row(step, [25, 50], review=review)).review for step in range(5)} == {review}

    def test_a_share_kept_as_a_word_is_read_as_its_number(self):
        """JSON that an importer wrote: "50" must not be compared as a text."""
        assert cohort_at(row(NAMED + 1, ["50"])).percent == 50


def test_no_reason_that_waits_for_a_person_is_one_that_waits_for_its_provider():
    assert not HOLDS & {TOO_OLD, AWAITS_REVIEW, "held_by_person", "no_route", "ecw_changed_field", "ecw_changed_way"}


@pytest.mark.django_db
class TestLocations:
    def test_where_there_is_no_pilot_nobody_is_asked(self, cast, as_dana):
        a_pilot(cast.south)
        assert cohort_of(cast.north.pk) is None
        assert cohort_of(0) is None

    def test_each_location_has_its_own(self, cast, as_dana):
        a_pilot(cast.north, "DR7")
        a_pilot(cast.south, "DR8")
        north, south = cohort_of(cast.north.pk), cohort_of(cast.south.pk)
        assert (north.has("DR7"), north.has("DR8")) == (True, False)
        assert (south.has("DR7"), south.has("DR8")) == (False, True)

    def test_a_stranger_practices_location_of_the_same_code_has_none(self, cast, as_dana):
        a_pilot(cast.north)
        assert cast.elsewhere.code == cast.north.code
        assert cohort_of(cast.elsewhere.pk) is None

    def test_a_share_is_taken_by_the_locations_own_numbers(self, cast, as_dana):
        pilot = a_pilot(cast.south)
        Pilot.objects.filter(pk=pilot.pk).update(step=NAMED + 1)
        cohort = cohort_of(cast.south.pk)
        assert cohort.has(provider_with(cast.south, 0, 49))
        assert not cohort.has(provider_with(cast.south, 50, 99))
