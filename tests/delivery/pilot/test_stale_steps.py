"""Two at once on one pilot, and pages that are out of date: what was looked at is what is decided, or nothing is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery.models import Delivery
from delivery.pilot import steps, watching
from delivery.pilot.cohort import NAMED, PAUSED, cohort_at, everybody
from delivery.pilot.steps import CannotStep, NumbersShort
from delivery.pilot.tables import Pilot, PilotTurn
from delivery.states import State
from tests.delivery.pilot.scenes import a_pilot, age, misfile, plan, post, provider_with, stands, went

pytestmark = pytest.mark.django_db
WHY = "Mapping 4 puts it right"


def stale(pilot: Pilot) -> Pilot:
    """The row as another request read it before."""
    return Pilot.objects.select_related("location__practice").get(pk=pilot.pk)


def put(pilot: Pilot, step: int, minutes: int = 1) -> Pilot:
    Pilot.objects.filter(pk=pilot.pk).update(step=step)
    return age(pilot, timedelta(minutes=minutes))


def holding(cast, number: int = 2) -> list[Delivery]:
    return [went(cast) for _ in range(number)]


@pytest.fixture
def pilot(cast, as_dana):
    return age(a_pilot(cast.north, percents=(25, 50)), timedelta(minutes=1))


class TestAPageThatIsOutOfDate:
    def test_a_promotion_seen_before_a_step_back_is_refused_though_the_numbers_hold_again(self, cast, pilot):
        put(pilot, NAMED + 1)
        seen = stale(pilot)
        went(cast, State.MISFILED)
        assert steps.step_back(stale(pilot), timezone.now())
        age(pilot, timedelta(0))
        holding(cast)
        with pytest.raises(CannotStep, match="moved on"):
            steps.promote(seen, NAMED + 1)
        assert stale(pilot).step == NAMED

    def test_a_step_back_by_hand_seen_before_one_by_itself_does_not_take_a_second(self, cast, pilot):
        put(pilot, NAMED + 2)
        seen = stale(pilot)
        went(cast, State.MISFILED)
        steps.step_back(stale(pilot), timezone.now())
        with pytest.raises(CannotStep, match="moved on"):
            steps.narrow(seen, seen.step, WHY)
        assert stale(pilot).step == NAMED + 1

    def test_a_window_begun_anew_does_not_put_an_unseen_step_back_aside(self, cast, pilot):
        """It would end the alert that nobody has read."""
        put(pilot, NAMED + 1)
        seen = stale(pilot)
        went(cast, State.MISFILED)
        steps.step_back(stale(pilot), timezone.now())
        since = stale(pilot).since
        with pytest.raises(CannotStep, match="moved on"):
            steps.begin_window(seen, seen.step, WHY)
        assert stale(pilot).stepped_back_at is not None
        assert stale(pilot).since == since

    def test_of_a_pilot_that_has_ended_no_window_begins(self, cast, pilot):
        ended = put(pilot, everybody(pilot.percents) + 1)
        with pytest.raises(CannotStep, match="moved on"):
            steps.begin_window(ended, ended.step, WHY)
        assert not AuditEvent.objects.filter(event="pilot.window").exists()

    @pytest.mark.parametrize("seen", [PAUSED, NAMED + 1, NAMED + 2, 99])
    def test_whatever_other_step_was_looked_at_nothing_is_done(self, cast, pilot, seen):
        holding(cast)
        for deed in (steps.promote, steps.narrow, steps.begin_window):
            with pytest.raises(CannotStep, match="moved on"):
                deed(pilot, seen, WHY)
        assert stale(pilot).step == NAMED
        assert pilot.moves.count() == 1

    def test_the_step_is_read_under_the_lock_and_not_from_the_row_in_hand(self, cast, pilot):
        holding(cast)
        pilot.step = NAMED + 1  # as if somebody had changed it in memory
        with pytest.raises(CannotStep, match="moved on"):
            steps.promote(pilot, NAMED + 1)
        assert stale(pilot).step == NAMED

    def test_so_are_the_thresholds(self, cast, pilot):
        """A director made them stricter while another's page stood open."""
        seen = stale(pilot)
        holding(cast)
        steps.change(stale(pilot), plan("DR7", percents=(25, 50), least_notes=3))
        with pytest.raises(NumbersShort) as refused:
            steps.promote(seen, NAMED)
        assert [gate.limit for gate in refused.value.short if gate.key == "notes"] == [3]

    def test_a_plan_changed_from_an_old_page_does_not_take_the_step_back(self, cast, pilot):
        seen = stale(pilot)
        put(pilot, NAMED + 1)
        steps.change(seen, plan("DR7", "DR8", percents=(25, 50)))
        assert (stale(pilot).step, stale(pilot).providers) == (NAMED + 1, ["DR7", "DR8"])

    def test_nor_does_it_change_shares_that_have_come_meanwhile(self, cast, pilot):
        seen = stale(pilot)
        put(pilot, NAMED + 1)
        with pytest.raises(CannotStep, match="stay as they are"):
            steps.change(seen, plan("DR7", percents=(90,)))
        assert stale(pilot).percents == [25, 50]

    def test_of_two_who_begin_at_once_one_does(self, cast, as_dana):
        begun = a_pilot(cast.south, "DR7")
        with pytest.raises(CannotStep, match="under way"):
            a_pilot(cast.south, "DR8")
        assert stale(begun).providers == ["DR7"]
        assert AuditEvent.objects.filter(event="pilot.begin", location="SOUTH").count() == 1


class TestSteppingBackTwice:
    def test_after_one_step_back_it_takes_new_harm_to_take_another(self, cast, pilot):
        put(pilot, NAMED + 2)
        went(cast, State.MISFILED)
        assert steps.step_back(pilot, timezone.now()).step == NAMED + 1
        assert steps.step_back(pilot, timezone.now()) is None
        age(pilot, timedelta(0))
        went(cast, State.MISFILED)
        assert steps.step_back(pilot, timezone.now()).step == NAMED
        assert [move.to_step for move in pilot.moves.order_by("pk")][1:] == [NAMED + 1, NAMED]

    def test_it_goes_no_further_back_than_the_pause(self, cast, pilot):
        went(cast, State.MISFILED)
        assert steps.step_back(pilot, timezone.now()).step == PAUSED
        age(pilot, timedelta(0))
        went(cast, State.MISFILED)
        assert steps.step_back(pilot, timezone.now()) is None
        with pytest.raises(CannotStep, match="moved on"):
            steps.narrow(pilot, PAUSED, WHY)
        assert stale(pilot).step == PAUSED

    def test_a_second_one_holds_those_who_leave_then_and_says_how_many(self, scribe, cast, pilot):
        put(pilot, NAMED + 2)
        first = provider_with(cast.north, 0, 24, but=("DR7",))
        second = provider_with(cast.north, 25, 49, but=("DR7",))
        early, late, mine = post(scribe, 1, first), post(scribe, 2, second), post(scribe, 3)
        went(cast, State.MISFILED)
        steps.step_back(pilot, timezone.now())
        assert [stands(one)[0] for one in (early, late, mine)] == [State.READY, State.HELD, State.READY]
        age(pilot, timedelta(0))
        went(cast, State.MISFILED)
        steps.step_back(pilot, timezone.now())
        assert [stands(one)[0] for one in (early, late, mine)] == [State.HELD, State.HELD, State.READY]
        assert [move.held for move in pilot.moves.order_by("pk")][1:] == [1, 1]

    def test_the_alert_is_of_the_last_one_and_ends_with_a_persons_step(self, cast, pilot):
        put(pilot, NAMED + 1)
        went(cast, State.MISFILED)
        first = steps.step_back(pilot, timezone.now()).stepped_back_at
        age(pilot, timedelta(0))
        went(cast, State.MISFILED)
        assert steps.step_back(pilot, timezone.now()).stepped_back_at > first
        steps.promote(pilot, PAUSED, WHY)
        assert stale(pilot).stepped_back_at is None

    def test_what_was_found_in_its_window_steps_back_once_for_all_its_reasons_together(self, cast, pilot):
        put(pilot, NAMED + 2)
        went(cast, State.MISFILED)
        went(cast, State.MISFILED)
        went(cast, seconds=5000)
        assert steps.step_back(pilot, timezone.now()).step == NAMED + 1
        reason = pilot.moves.latest("pk").reason
        assert "verified in the chart" in reason
        assert "not as sent: 2, at most 0" in reason

    def test_a_long_list_of_reasons_is_cut_to_what_the_history_holds(self, cast, as_dana):
        pilot = a_pilot(cast.north, most_p50_seconds=1, most_p95_seconds=1, most_edits=0)
        age(pilot, timedelta(minutes=1))
        went(cast, State.CANCELLED, reason_code="rejected_by_clinician")
        went(cast, seconds=5000)
        went(cast, State.MISFILED)
        steps.step_back(pilot, timezone.now())
        move = pilot.moves.latest("pk")
        assert len(move.reason) == 200
        assert {one["key"] for one in move.numbers if one["state"] == "short"} >= {"verified", "misfiled", "edits"}


class TestTheRound:
    def test_a_turn_taken_less_than_its_time_ago_is_nobodys(self, cast, pilot):
        now = timezone.now()
        assert watching.claim(pilot, now)
        assert not watching.claim(pilot, now)
        assert not watching.claim(pilot, now + watching.LOOK - timedelta(seconds=1))
        assert watching.claim(pilot, now + watching.LOOK)

    def test_of_two_that_found_the_same_turn_due_one_takes_it(self, cast, pilot):
        now = timezone.now()
        PilotTurn.objects.create(pilot=pilot, at=now - timedelta(minutes=5))
        assert [watching.claim(stale(pilot), now), watching.claim(stale(pilot), now)] == [True, False]

    def test_a_paused_pilot_is_settled_all_the_same(self, scribe, cast, pilot):
        put(pilot, PAUSED)
        slipped = post(scribe, 1)
        Delivery.objects.filter(pk=slipped.pk).update(state=State.READY, reason_code="")
        watching.pilots_due()
        assert stands(slipped) == (State.HELD, "outside_pilot")

    def test_one_that_has_ended_is_not_looked_at(self, cast, pilot):
        put(pilot, everybody(pilot.percents) + 1)
        went(cast, State.MISFILED)
        assert watching.pilots_due() == 0
        assert not PilotTurn.objects.exists()

    def test_it_names_itself_and_no_person_in_the_log(self, cast, pilot):
        misfile(went(cast))
        assert watching.pilots_due() == 1
        event = AuditEvent.objects.get(event="pilot.step_back")
        assert (event.actor_type, event.actor_name) == ("worker", "Pilot gates")

    def test_harm_at_one_location_steps_back_that_one_alone(self, cast, pilot):
        other = age(a_pilot(cast.south), timedelta(minutes=1))
        went(cast, State.MISFILED, location=cast.south)
        assert watching.pilots_due() == 1
        assert (stale(pilot).step, stale(other).step) == (NAMED, PAUSED)


class TestPlansThatCannotWork:
    @pytest.mark.parametrize("size, least, begins", [(19, 20, False), (20, 20, True), (21, 20, True)])
    def test_a_window_of_fewer_notes_than_are_wanted_would_never_step_back_and_is_refused(
        self, cast, as_dana, size, least, begins
    ):
        asked = plan("DR7", window="notes", window_size=size, least_notes=least)
        if begins:
            assert cohort_at(steps.begin(cast.north, asked)).has("DR7")
        else:
            with pytest.raises(CannotStep, match="never say anything"):
                steps.begin(cast.north, asked)
            assert not Pilot.objects.exists()

    def test_of_days_there_may_be_fewer_than_of_notes(self, cast, as_dana):
        assert steps.begin(cast.north, plan("DR7", window="days", window_size=1, least_notes=20)).pk

    def test_a_change_to_such_a_window_changes_nothing(self, cast, pilot):
        with pytest.raises(CannotStep, match="never say anything"):
            steps.change(pilot, plan("DR8", percents=(25, 50), window="notes", window_size=1))
        kept = stale(pilot)
        assert (kept.window, kept.providers) == ("days", ["DR7"])

    def test_what_a_change_does_not_name_stays(self, cast, pilot):
        steps.change(pilot, steps.Plan(("DR7",), (25, 50), {"most_edits": 7}))
        kept = stale(pilot)
        assert (kept.most_edits, kept.least_notes, kept.review) == (7, 2, False)

    @pytest.mark.parametrize("percents", [(99,), (1,), (), (1, 2, 3, 4, 5)])
    def test_shares_on_the_border_are_good(self, percents):
        steps.Plan(("A", "B", "C"), percents, {}).check()

    @pytest.mark.parametrize("percents", [(25, 25), (0, 50), (50, 100), (-1,), (50, 49)])
    def test_shares_beyond_it_are_not(self, percents):
        with pytest.raises(CannotStep, match="between 1 and 99"):
            steps.Plan(("A",), percents, {}).check()
