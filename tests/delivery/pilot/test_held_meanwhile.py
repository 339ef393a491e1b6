"""What becomes of a held note of the pilot while it waits: amended, withdrawn, edited, held for more than one reason."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, reviewing
from delivery.models import Delivery, NoteVersion
from delivery.pilot import steps
from delivery.pilot.cohort import HOLDS, NAMED, PAUSED
from delivery.pilot.tables import Pilot
from delivery.states import State
from mapping.models import MappingVersion
from portal.models import Location, Route
from tests.delivery.pilot.scenes import a_pilot, plan, post, stands
from tests.delivery.test_entries import ICD

pytestmark = pytest.mark.django_db
OUTSIDE = (State.HELD, "outside_pilot")
BACK = (State.HELD, "pilot_stepped_back")
REVIEW = (State.HELD, "awaits_review")
GOES = (State.READY, "")
GOALS = [{"code": "goals", "title": "Goals", "text": "Walk daily."}]


@pytest.fixture
def pilot(cast, as_dana):
    return a_pilot(cast.north)


def join(pilot: Pilot, *others: str, **settings: object) -> Pilot:
    return steps.change(pilot, plan("DR7", *(others or ("DR8",)), **settings))


def leave(pilot: Pilot, **settings: object) -> Pilot:
    return steps.change(pilot, plan("DR7", **settings))


def waited(delivery: Delivery, days: float) -> None:
    NoteVersion.objects.filter(pk=delivery.note_version_id).update(received_at=timezone.now() - timedelta(days=days))


def path(delivery: Delivery) -> list[tuple[str, str]]:
    return list(delivery.moves.order_by("id").values_list("to_state", "reason_code"))


class TestAmended:
    def test_of_three_versions_that_waited_the_last_alone_goes(self, scribe, pilot):
        versions = [post(scribe, 1, "DR8", version=number) for number in (1, 2, 3)]
        join(pilot)
        assert [stands(one)[0] for one in versions] == [State.SUPERSEDED, State.SUPERSEDED, State.READY]

    def test_amended_by_a_provider_who_is_in_it_goes_and_what_waited_of_the_other_does_not(self, scribe, pilot):
        first = post(scribe, 1, "DR8")
        second = post(scribe, 1, "DR7", version=2)
        assert (stands(first)[0], stands(second)) == (State.SUPERSEDED, GOES)
        join(pilot)
        assert stands(first)[0] == State.SUPERSEDED

    def test_amended_by_a_provider_who_is_out_it_waits_and_the_one_before_does_not_go_in_its_place(self, scribe, pilot):
        first = post(scribe, 1, "DR7")
        second = post(scribe, 1, "DR8", version=2)
        assert (stands(first)[0], stands(second)) == (State.SUPERSEDED, OUTSIDE)

    def test_an_amendment_of_what_a_step_back_held_waits_as_any_other_from_outside(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north, "DR7", "DR8")
        held = post(scribe, 1, "DR8")
        steps.narrow(pilot, NAMED, "The clinic asks for it")
        newer = post(scribe, 1, "DR8", version=2)
        assert (stands(held)[0], stands(newer)) == (State.SUPERSEDED, OUTSIDE)
        steps.promote(pilot, PAUSED, "It was put right")
        assert (stands(held)[0], stands(newer)) == (State.SUPERSEDED, GOES)

    def test_its_age_is_that_of_the_version_that_waits_and_not_of_the_first(self, scribe, pilot):
        waited(post(scribe, 1, "DR8"), 30)
        newer = post(scribe, 1, "DR8", version=2)
        join(pilot)
        assert stands(newer) == GOES

    def test_another_provider_in_the_same_visit_goes_though_one_waits(self, scribe, pilot):
        theirs = post(scribe, 1, "DR8", encounter="E9")
        mine = post(scribe, 2, "DR7", encounter="E9")
        assert (stands(theirs), stands(mine)) == (OUTSIDE, GOES)


class TestWithdrawn:
    def test_what_a_step_back_held_is_called_off_and_stays_so(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north)
        held = post(scribe, 1)
        steps.narrow(pilot, NAMED, "The clinic asks for it")
        assert stands(held) == BACK
        scribe.retract(str(held.note_id))
        steps.promote(pilot, PAUSED, "It was put right")
        assert stands(held) == (State.CANCELLED, "retracted")

    def test_every_part_of_it_is_called_off(self, scribe, pilot):
        held = post(scribe, 1, "DR8", diagnoses=[ICD])
        scribe.retract(str(held.note_id))
        join(pilot)
        found = Delivery.objects.filter(note=held.note_id).values_list("part", "state").order_by("part")
        assert list(found) == [("diagnoses", State.CANCELLED), ("note", State.CANCELLED)]

    def test_withdrawn_between_joining_and_leaving_it_is_held_by_nobody(self, scribe, pilot):
        held = post(scribe, 1, "DR8")
        join(pilot)
        assert stands(held) == GOES
        scribe.retract(str(held.note_id))
        leave(pilot)
        assert stands(held) == (State.CANCELLED, "retracted")

    def test_of_two_notes_of_a_visit_the_other_still_goes(self, scribe, pilot):
        gone, stays = post(scribe, 1, "DR8", encounter="E9"), post(scribe, 2, "DR8", encounter="E9")
        scribe.retract(str(gone.note_id))
        join(pilot)
        assert (stands(gone)[0], stands(stays)) == (State.CANCELLED, GOES)


class TestHeldForMoreThanOneReason:
    def test_a_person_holds_what_goes_and_it_stays_when_its_provider_leaves_and_joins(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north, "DR7", "DR8")
        mine = post(scribe, 1, "DR8")
        actions.hold([mine.pk], "Ask the clinic first")
        leave(pilot)
        join(pilot)
        assert stands(mine) == (State.HELD, "held_by_person")

    def test_what_waits_for_its_provider_is_not_held_over_again_by_a_person(self, scribe, pilot):
        held = post(scribe, 1, "DR8")
        assert actions.hold([held.pk], "Ask the clinic first") == []
        assert stands(held) == OUTSIDE

    def test_a_section_without_a_place_is_found_when_its_provider_has_joined_and_not_lost(self, scribe, pilot):
        """Held for the pilot first: its mapping is asked before a byte leaves."""
        held = post(scribe, 1, "DR8", sections=GOALS)
        assert (stands(held), held.problems) == (OUTSIDE, [])
        inside = post(scribe, 2, "DR7", sections=GOALS)
        assert stands(inside) == (State.HELD, "unmapped_section")
        join(pilot)
        assert stands(held) == GOES

    def test_what_its_mapping_holds_is_not_let_go_by_any_step(self, scribe, cast, pilot):
        inside = post(scribe, 1, "DR7", sections=GOALS)
        leave(pilot)
        join(pilot)
        steps.narrow(pilot, NAMED, "The clinic asks for it")
        steps.promote(pilot, PAUSED, "It was put right")
        assert stands(inside) == (State.HELD, "unmapped_section")

    def test_without_a_mapping_too_it_is_the_pilot_that_is_said_first(self, scribe, cast, pilot):
        MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
        assert stands(post(scribe, 1, "DR8")) == OUTSIDE
        assert stands(post(scribe, 2, "DR7")) == (State.HELD, "no_mapping")

    def test_too_old_weighs_more_than_a_review_and_a_person_still_sees_it(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north, review=True)
        held = post(scribe, 1, "DR8")
        waited(held, 8)
        join(pilot, review=True)
        assert stands(held) == (State.HELD, "pilot_too_old")
        assert reviewing.reviewable(Delivery.objects.get(pk=held.pk))

    def test_what_is_too_old_does_not_go_when_its_provider_leaves_and_joins_again(self, scribe, pilot):
        held = post(scribe, 1, "DR8")
        waited(held, 8)
        join(pilot)
        leave(pilot)
        join(pilot)
        assert stands(held) == (State.HELD, "pilot_too_old")
        assert path(held) == [("held", "outside_pilot"), ("held", "pilot_too_old")]

    def test_what_a_clinician_has_not_seen_does_not_go_because_the_review_is_switched_off(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north, review=True)
        held = post(scribe, 1)
        leave(pilot, review=False)
        assert stands(held) == REVIEW

    def test_without_a_way_it_waits_for_one_from_then_on_and_leaves_no_count_of_the_pilot(self, scribe, cast, pilot):
        Route.objects.filter(location=cast.north).delete()
        held = post(scribe, 1, "DR8")
        join(pilot)
        assert stands(held) == (State.HELD, "no_route")
        leave(pilot)
        assert stands(held) == (State.HELD, "no_route")

    def test_of_both_reasons_of_the_pilot_each_is_let_go_by_the_same_step(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north, "DR7", "DR8")
        mine, theirs = post(scribe, 1, "DR7"), post(scribe, 2, "DR9")
        steps.narrow(pilot, NAMED, "The clinic asks for it")
        assert (stands(mine), stands(theirs)) == (BACK, OUTSIDE)
        steps.promote(pilot, PAUSED, "It was put right")
        assert (stands(mine), stands(theirs)) == (GOES, OUTSIDE)


class TestLettingGo:
    def test_a_step_says_how_many_it_held_and_let_go(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north)
        for number in (1, 2, 3):
            post(scribe, number)
        steps.narrow(pilot, NAMED, "The clinic asks for it")
        steps.promote(pilot, PAUSED, "It was put right")
        back, on = pilot.moves.order_by("pk")[1:]
        assert [(move.held, move.released) for move in (back, on)] == [(3, 0), (0, 3)]
        event = AuditEvent.objects.get(event="pilot.promote")
        assert (event.detail["held"], event.detail["released"]) == (0, 3)

    def test_each_release_says_why_in_the_log(self, scribe, pilot):
        held = post(scribe, 1, "DR8")
        join(pilot)
        event = AuditEvent.objects.get(event="delivery.released", object_id=str(held.pk))
        assert event.reason == steps.JOINED

    def test_settled_twice_nothing_moves_a_second_time(self, scribe, pilot):
        held, mine = post(scribe, 1, "DR8"), post(scribe, 2)
        before = path(held), path(mine)
        assert steps.settle(Pilot.objects.get(pk=pilot.pk)) == (0, 0)
        assert (path(held), path(mine)) == before

    @pytest.mark.parametrize("seconds, state", [(-60, State.READY), (60, State.HELD)])
    def test_on_the_day_itself_it_still_goes_and_a_minute_later_it_does_not(self, scribe, pilot, seconds, state):
        held = post(scribe, 1, "DR8")
        waited(held, 7 + seconds / 86_400)
        join(pilot)
        assert stands(held)[0] == state

    def test_a_note_of_another_location_is_neither_held_nor_let_go(self, scribe, cast, pilot):
        there = post(scribe, 1, "DR8", location="SOUTH")
        Delivery.objects.filter(pk=there.pk).update(state=State.HELD, reason_code="outside_pilot")
        join(pilot)
        leave(pilot)
        assert stands(there) == OUTSIDE

    def test_a_note_without_a_provider_waits_through_every_share_and_goes_with_everybody(self, scribe, cast, as_dana):
        pilot = a_pilot(cast.north)
        held = post(scribe, 1, "DR8")
        Delivery.objects.filter(pk=held.pk).update(provider_id="")
        for step, expected in ((NAMED, State.HELD), (NAMED + 1, State.HELD), (NAMED + 2, State.READY)):
            Pilot.objects.filter(pk=pilot.pk).update(step=step)
            steps.settle(Pilot.objects.select_related("location").get(pk=pilot.pk))
            assert stands(held)[0] == expected

    def test_what_was_let_go_has_its_whole_time_to_arrive(self, scribe, pilot):
        """Its deadline was reckoned from the day it came; after a week of waiting it would be over at once."""
        held = post(scribe, 1, "DR8")
        Delivery.objects.filter(pk=held.pk).update(deadline=timezone.now() - timedelta(days=5))
        join(pilot)
        held.refresh_from_db()
        assert held.deadline > timezone.now() + timedelta(hours=1)
        assert held.not_before <= timezone.now()

    def test_the_oldest_are_let_go_first_whatever_the_batch(self, scribe, pilot, monkeypatch):
        monkeypatch.setattr(steps, "BATCH", 2)
        held = [post(scribe, number, "DR8", encounter="E9") for number in range(1, 6)]
        asked: list[int] = []
        let_go = steps.release
        monkeypatch.setattr(steps, "release", lambda ids, *rest, **by: asked.extend(ids) or let_go(ids, *rest, **by))
        join(pilot)
        assert asked == [one.pk for one in held]

    def test_ended_it_lets_everybody_go_who_waited_for_it(self, scribe, cast, pilot):
        held, back = post(scribe, 1, "DR8"), post(scribe, 2, "DR9")
        Delivery.objects.filter(pk=back.pk).update(reason_code="pilot_stepped_back")
        Pilot.objects.filter(pk=pilot.pk).update(step=4)
        steps.settle(Pilot.objects.select_related("location").get(pk=pilot.pk))
        assert [stands(one) for one in (held, back)] == [GOES, GOES]

    @pytest.mark.parametrize("code", sorted(HOLDS))
    def test_no_person_and_no_clinician_lets_go_what_waits_for_its_provider(self, scribe, pilot, code):
        held = post(scribe, 1, "DR8")
        Delivery.objects.filter(pk=held.pk).update(reason_code=code)
        assert actions.release([held.pk], "In a hurry") == []
        assert not reviewing.release(Delivery.objects.get(pk=held.pk))
        assert not reviewing.reviewable(Delivery.objects.get(pk=held.pk))
        assert stands(held) == (State.HELD, code)

    def test_a_heap_with_one_of_them_in_it_lets_the_others_go(self, scribe, cast, pilot):
        held, mine = post(scribe, 1, "DR8"), post(scribe, 2)
        actions.hold([mine.pk], "Wait for the clinic")
        assert [one.id for one in actions.release([held.pk, mine.pk])] == [mine.pk]
        assert stands(held) == OUTSIDE


def test_a_location_that_reviews_all_has_its_old_ones_looked_at_by_a_person_as_well(scribe, cast, as_dana):
    Location.objects.filter(pk=cast.north.pk).update(review_first=True)
    cast.north.refresh_from_db()
    pilot = a_pilot(cast.north)
    old, young = post(scribe, 1, "DR8"), post(scribe, 2, "DR8")
    waited(old, 8)
    join(pilot)
    assert (stands(old), stands(young)) == ((State.HELD, "pilot_too_old"), REVIEW)
