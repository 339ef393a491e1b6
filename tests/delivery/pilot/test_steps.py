"""The steps of a pilot: refused on numbers, taken back by themselves, each with its history and its audit event."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import AuditEvent
from delivery.alerts.conditions import conditions
from delivery.alerts.course import settings_of
from delivery.models import Delivery
from delivery.pilot import steps, watching
from delivery.pilot.cohort import NAMED, PAUSED, everybody
from delivery.pilot.steps import CannotStep, NumbersShort
from delivery.pilot.tables import Pilot, PilotMove, PilotTurn
from delivery.states import State
from tests.delivery.pilot.scenes import a_pilot, age, plan, post, provider_with, stands, went

pytestmark = pytest.mark.django_db(transaction=True)
NOT_LOOKED = timedelta(seconds=30)


@pytest.fixture
def pilot(cast, as_dana):
    return a_pilot(cast.north)


def holding(cast, number: int = 2) -> list[Delivery]:
    """Numbers that hold: so many verified notes."""
    return [went(cast) for _ in range(number)]


def step_of(pilot: Pilot) -> int:
    pilot.refresh_from_db()
    return pilot.step


def round_of_pilots(pilot: Pilot) -> int:
    """One round, whose turn it is."""
    PilotTurn.objects.filter(pilot=pilot).update(at=timezone.now() - NOT_LOOKED)
    return watching.pilots_due()


# --- beginning ------------------------------------------------------------------------------------------------------


def test_it_begins_with_the_named_ones_and_says_so_in_its_history_and_the_audit_log(cast, pilot):
    assert pilot.step == NAMED
    (move,) = pilot.moves.all()
    assert (move.from_step, move.to_step, move.by, move.automatic) == (PAUSED, NAMED, "dana", False)
    event = AuditEvent.objects.get(event="pilot.begin")
    assert (event.location, event.actor_name, event.detail["to"]) == ("NORTH", "dana", NAMED)


@pytest.mark.parametrize(
    "providers, percents",
    [((), (50,)), (("A", "B", "C", "D"), ()), (("A", "A"), ()), (("A",), (50, 25)), (("A",), (100,)), (("A",), (0,))],
)
def test_a_plan_that_makes_no_sense_begins_nothing(cast, as_dana, providers, percents):
    with pytest.raises(CannotStep):
        steps.begin(cast.north, steps.Plan(providers, percents, {}))
    assert not Pilot.objects.exists()
    assert not AuditEvent.objects.filter(event="pilot.begin").exists()


def test_a_second_one_does_not_begin_beside_it(cast, pilot):
    with pytest.raises(CannotStep, match="under way"):
        a_pilot(cast.north, "DR8")
    assert pilot.moves.count() == 1


def test_one_that_has_ended_may_begin_again_with_its_history(cast, pilot):
    Pilot.objects.filter(pk=pilot.pk).update(step=everybody(pilot.percents) + 1)
    again = a_pilot(cast.north, "DR9")
    assert (again.pk, again.step, again.providers) == (pilot.pk, NAMED, ["DR9"])
    assert again.moves.count() == 2


# --- further --------------------------------------------------------------------------------------------------------


def test_while_a_number_is_short_it_goes_no_further_and_the_refusal_names_it(cast, pilot):
    holding(cast, 3)
    went(cast, State.REJECTED)
    with pytest.raises(NumbersShort) as refused:
        steps.promote(pilot, NAMED)
    assert [gate.key for gate in refused.value.short] == ["verified"]
    assert "verified in the chart: 75 %, at least 98 %" in str(refused.value)
    assert step_of(pilot) == NAMED
    assert not AuditEvent.objects.filter(event="pilot.promote").exists()


def test_not_enough_notes_are_no_leave_to_go_further(cast, pilot):
    holding(cast, 1)
    with pytest.raises(NumbersShort, match="not enough data"):
        steps.promote(pilot, NAMED)


@pytest.mark.parametrize(
    "limits",
    [
        {"least_feedback": 10},
        {"least_good": 10},
        {"most_p50_seconds": 20},
        {"most_p95_seconds": 20},
        {"least_notes": 9},
    ],
)
def test_each_number_alone_refuses(cast, as_dana, limits):
    pilot = a_pilot(cast.north, **limits)
    holding(cast)
    with pytest.raises(NumbersShort):
        steps.promote(pilot, NAMED)
    assert step_of(pilot) == NAMED


def test_when_all_hold_it_goes_on_and_keeps_the_numbers_it_was_decided_by(cast, pilot):
    holding(cast)
    steps.promote(pilot, NAMED)
    assert step_of(pilot) == NAMED + 1
    move = pilot.moves.latest("pk")
    assert {one["state"] for one in move.numbers} == {"holds"}
    event = AuditEvent.objects.get(event="pilot.promote")
    assert "verified=100.0" in event.detail["numbers"]


def test_the_numbers_are_those_under_the_lock_not_those_of_the_page(cast, pilot):
    """Between the look and the press a note was misfiled."""
    notes = holding(cast)
    Delivery.objects.filter(pk=notes[0].pk).update(state=State.MISFILED)
    with pytest.raises(NumbersShort):
        steps.promote(pilot, NAMED)


def test_two_who_press_at_once_take_one_step(cast, pilot):
    holding(cast)
    steps.promote(pilot, NAMED)
    with pytest.raises(CannotStep, match="moved on"):
        steps.promote(pilot, NAMED)
    assert step_of(pilot) == NAMED + 1


def test_each_step_begins_a_window_of_its_own(cast, pilot):
    holding(cast)
    steps.promote(pilot, NAMED)
    with pytest.raises(NumbersShort, match="nothing yet"):
        steps.promote(pilot, NAMED + 1)


def test_step_by_step_to_everybody_and_out(scribe, cast, pilot):
    late = post(scribe, 99, provider_with(cast.north, 50, 99))
    holding(cast)
    steps.promote(pilot, NAMED)
    assert stands(late)[0] == State.HELD
    holding(cast)
    steps.promote(pilot, NAMED + 1)
    assert stands(late)[0] == State.READY
    holding(cast)
    steps.promote(pilot, everybody(pilot.percents))
    assert step_of(pilot) == everybody(pilot.percents) + 1
    with pytest.raises(CannotStep, match="moved on"):
        steps.promote(pilot, pilot.step)


def test_ended_it_holds_nobody_and_no_number_brings_it_back(scribe, cast, pilot):
    Pilot.objects.filter(pk=pilot.pk).update(step=everybody(pilot.percents) + 1)
    went(cast, State.MISFILED)
    assert stands(post(scribe, 1, "whoever"))[0] == State.READY
    assert round_of_pilots(pilot) == 0
    with pytest.raises(CannotStep):
        steps.narrow(pilot, pilot.step, "by mistake")


# --- back -----------------------------------------------------------------------------------------------------------


def wide(cast) -> Pilot:
    """At its share of a half."""
    pilot = a_pilot(cast.north)
    holding(cast)
    steps.promote(pilot, NAMED)
    pilot.refresh_from_db()
    return age(pilot, timedelta(minutes=1))


def test_a_fall_of_the_verified_rate_steps_back_in_one_round_and_loses_nothing(scribe, cast, as_dana, ecw):
    pilot = wide(cast)
    early = provider_with(cast.north, 0, 49, but=("DR7",))
    waiting, mine = post(scribe, 1, early), post(scribe, 2)
    assert stands(waiting)[0] == State.READY
    went(cast)
    went(cast, State.REJECTED)
    assert round_of_pilots(pilot) == 1
    assert step_of(pilot) == NAMED
    assert stands(waiting) == (State.HELD, "pilot_stepped_back")
    assert stands(mine)[0] == State.READY
    assert stands(post(scribe, 3, early)) == (State.HELD, "outside_pilot")
    move = pilot.moves.latest("pk")
    assert (move.automatic, move.held, move.by) == (True, 1, "Pilot gates")
    assert move.reason == "verified in the chart: 75 %, at least 98 %"
    event = AuditEvent.objects.get(event="pilot.step_back")
    assert (event.actor_type, event.detail["from"], event.detail["to"]) == ("worker", NAMED + 1, NAMED)


def test_when_the_numbers_hold_again_what_waited_goes(scribe, cast, as_dana):
    pilot = wide(cast)
    early = provider_with(cast.north, 0, 49, but=("DR7",))
    waiting = post(scribe, 1, early)
    went(cast, State.MISFILED)
    round_of_pilots(pilot)
    age(pilot, timedelta(seconds=0))
    holding(cast)
    steps.promote(pilot, NAMED)
    assert stands(waiting)[0] == State.READY


@pytest.mark.parametrize("seconds, back", [(30, False), (700, True)])
def test_a_slow_chart_steps_back_and_a_quick_one_does_not(cast, as_dana, seconds, back):
    pilot = wide(cast)
    for _ in range(2):
        went(cast, seconds=seconds, received_at=timezone.now() - timedelta(seconds=5))
    assert round_of_pilots(pilot) == int(back)


def test_one_misfiled_note_is_enough_before_there_are_notes_enough(cast, as_dana):
    pilot = wide(cast)
    went(cast, State.MISFILED)
    assert round_of_pilots(pilot) == 1


def test_too_little_feedback_or_too_few_notes_step_nothing_back(cast, as_dana):
    pilot = wide(cast)
    Pilot.objects.filter(pk=pilot.pk).update(least_feedback=90, least_good=90)
    holding(cast)
    assert round_of_pilots(pilot) == 0
    assert step_of(pilot) == NAMED + 1


def test_a_step_back_begins_a_window_so_that_one_fall_is_one_step(cast, as_dana):
    pilot = wide(cast)
    went(cast, State.MISFILED)
    assert round_of_pilots(pilot) == 1
    assert round_of_pilots(pilot) == 0
    assert step_of(pilot) == NAMED


def test_from_the_named_ones_back_is_a_pause_that_a_director_ends_with_a_reason(scribe, cast, pilot):
    waiting = post(scribe)
    went(cast, State.MISFILED)
    assert round_of_pilots(pilot) == 1
    assert step_of(pilot) == PAUSED
    assert stands(waiting) == (State.HELD, "pilot_stepped_back")
    with pytest.raises(CannotStep, match="put right"):
        steps.promote(pilot, PAUSED)
    steps.promote(pilot, PAUSED, "Mapping 4 puts HPI right")
    assert step_of(pilot) == NAMED
    assert stands(waiting)[0] == State.READY


def test_a_director_may_step_back_at_any_time_with_a_reason(scribe, cast, as_dana):
    pilot = wide(cast)
    with pytest.raises(CannotStep, match="reason"):
        steps.narrow(pilot, NAMED + 1, "no")
    steps.narrow(pilot, NAMED + 1, "The clinicians ask for a week more")
    assert step_of(pilot) == NAMED
    assert not pilot.moves.latest("pk").automatic
    assert AuditEvent.objects.filter(event="pilot.narrow").count() == 1
    with pytest.raises(CannotStep, match="moved on"):
        steps.narrow(pilot, NAMED + 1, "Pressed a second time")


def test_an_automatic_step_back_is_an_alert_until_somebody_acts(scribe, cast, as_dana):
    pilot = wide(cast)
    post(scribe, 1, provider_with(cast.north, 0, 49, but=("DR7",)))
    went(cast, State.MISFILED)
    round_of_pilots(pilot)
    assert told_of(cast) == [("NORTH", 1)]
    holding(cast)
    steps.promote(pilot, NAMED)
    assert told_of(cast) == []


def told_of(cast) -> list[tuple[str, int]]:
    found = conditions(cast.practice, settings_of(cast.practice), timezone.now())
    return [(one.location.code, one.count) for one in found if one.kind == "pilot_stepped_back"]


# --- the round ------------------------------------------------------------------------------------------------------


def test_of_several_workers_one_looks(cast, pilot):
    went(cast, State.MISFILED)
    watching.pilots_due()
    turn = PilotTurn.objects.get()
    assert watching.pilots_due() == 0
    assert PilotTurn.objects.get().at == turn.at


def test_the_round_finds_what_was_taken_in_while_a_step_was_written(scribe, cast, pilot):
    """Intake had read the step before: its note was held though its provider is in, or ready though outside."""
    inside, outside = post(scribe, 1), post(scribe, 2, "DR8")
    Delivery.objects.filter(pk=inside.pk).update(state=State.HELD, reason_code="outside_pilot")
    round_of_pilots(pilot)
    assert stands(inside)[0] == State.READY
    assert stands(outside) == (State.HELD, "outside_pilot")


def test_one_pilot_that_cannot_be_looked_at_keeps_no_other_from_it(cast, as_dana, monkeypatch, caplog):
    first, second = a_pilot(cast.north), a_pilot(cast.south)
    looked = []

    def fails(pilot, now):
        looked.append(pilot.pk)
        if pilot.pk == first.pk:
            raise ValueError("Lena Okafor")
        return None

    monkeypatch.setattr(watching, "step_back", fails)
    watching.pilots_due()
    assert looked == [first.pk, second.pk]
    assert "could not be looked at" in caplog.text
    assert "Okafor" not in caplog.records[-1].getMessage()


# --- settings and windows -------------------------------------------------------------------------------------------


def test_a_change_of_the_plan_resets_no_window(cast, pilot):
    since = age(pilot, timedelta(hours=5)).since
    steps.change(pilot, plan("DR7", "DR8", least_notes=50))
    pilot.refresh_from_db()
    assert (pilot.since, pilot.least_notes, pilot.providers) == (since, 50, ["DR7", "DR8"])
    assert pilot.moves.count() == 1


def test_every_change_of_a_threshold_is_in_the_log(cast, pilot):
    steps.change(pilot, plan("DR7", least_verified=90))
    event = AuditEvent.objects.filter(event="config.change", object_type__icontains="pilot").latest("at")
    assert event.location == "NORTH"


def test_the_shares_do_not_change_once_the_first_has_come(cast, as_dana):
    pilot = wide(cast)
    with pytest.raises(CannotStep, match="stay as they are"):
        steps.change(pilot, plan("DR7", percents=(90,)))
    pilot.refresh_from_db()
    assert pilot.percents == [50]


def test_a_window_is_begun_anew_by_a_person_with_a_reason_only(cast, pilot):
    went(cast, State.REJECTED)
    with pytest.raises(CannotStep, match="reason"):
        steps.begin_window(pilot, NAMED, "")
    since = pilot.since
    steps.begin_window(pilot, NAMED, "Mapping 4 is in force now")
    pilot.refresh_from_db()
    assert pilot.since > since
    move = pilot.moves.latest("pk")
    assert (move.from_step, move.to_step, move.reason) == (NAMED, NAMED, "Mapping 4 is in force now")
    assert {one["key"]: one["value"] for one in move.numbers}["verified"] == 0
    assert AuditEvent.objects.get(event="pilot.window").reason == "Mapping 4 is in force now"


def test_what_was_decided_cannot_be_rewritten(cast, pilot):
    with pytest.raises(Exception, match="cannot be changed"), transaction.atomic():
        PilotMove.objects.filter(pilot=pilot).update(by="somebody else")


def test_without_its_event_no_step_is_taken(cast, pilot, monkeypatch):
    holding(cast)

    def refuse(*_args, **_kwargs):
        raise RuntimeError("the log is away")

    monkeypatch.setattr(steps, "record", refuse)
    with pytest.raises(RuntimeError):
        steps.promote(pilot, NAMED)
    assert step_of(pilot) == NAMED
    assert pilot.moves.count() == 1
