"""States × deeds: what each thing a person, a scribe or a clock may do makes of a delivery in each state."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, sweeper
from delivery.deeds import DEEDS, MISFILED_TWICE, caution_of, deed_of, deeds_for
from delivery.models import Delivery, Move, Wire
from delivery.states import BLOCKING, MOVES, NEEDS_ATTENTION, STRIKABLE, WORDS, State, allowed
from delivery.words import SETTLED, STATE_ICONS
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db

LABEL = "because a test says so"
# deed -> {state it applies to: state afterwards}; in every other state nothing happens.
COURSE = {
    "hold": {State.READY: State.HELD},
    "release": {State.HELD: State.READY},
    "cancel": {
        State.HELD: State.CANCELLED,
        State.READY: State.CANCELLED,
        State.PARKED: State.CANCELLED,
    },
    "in-chart": {State.PARKED: State.ACCEPTED},
    "not-there": {State.PARKED: State.READY},
}
DO = {
    "hold": actions.hold,
    "release": actions.release,
    "cancel": actions.cancel,
    "in-chart": actions.decide_sent,
    "not-there": actions.decide_not_sent,
}
REASONS = {"hold": "held_by_person", "cancel": "cancelled_by_person", "in-chart": "found_by_person"}


def with_lane(cast, state: State) -> Delivery:
    """A delivery that has a lane, as every one with a route has."""
    delivery = make_delivery(cast, state)
    lane = cast.hl7.lanes.get_or_create(index=0)[0]
    Delivery.objects.filter(pk=delivery.pk).update(lane=lane)
    delivery.refresh_from_db()
    return delivery


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("deed", COURSE)
def test_a_deed_moves_exactly_the_states_it_is_for(cast, deed, state):
    delivery = with_lane(cast, state)
    moved = DO[deed]([delivery.pk], LABEL)
    delivery.refresh_from_db()
    expected = COURSE[deed].get(state)
    assert delivery.state == (expected or state)
    assert [ticket.id for ticket in moved] == ([delivery.pk] if expected else [])


@pytest.mark.parametrize("deed, state", [(deed, state) for deed in COURSE for state in COURSE[deed]])
def test_a_deed_leaves_a_move_and_an_event_with_its_reason(cast, deed, state):
    delivery = with_lane(cast, state)
    DO[deed]([delivery.pk], LABEL)
    move = Move.objects.filter(delivery=delivery).latest("id")
    assert (move.from_state, move.to_state) == (state, COURSE[deed][state])
    assert move.actor == "tests"
    assert AuditEvent.objects.get(object_id=str(delivery.pk), reason=LABEL).outcome == "ok"
    if deed in REASONS:
        assert move.reason_code == REASONS[deed]


@pytest.mark.parametrize("state", list(State))
def test_the_scribes_withdrawal_calls_off_what_waits_and_marks_what_left(cast, state):
    delivery = with_lane(cast, state)
    actions.retract(delivery.note)
    delivery.refresh_from_db()
    called_off = state in (State.HELD, State.READY)
    assert (delivery.state == State.CANCELLED) == (called_off or state == State.CANCELLED)
    left = state in (State.SENDING, State.ACCEPTED, State.VERIFIED, State.MISFILED, State.UNKNOWN, State.PARKED)
    assert (delivery.withdrawn_at is not None) == left


@pytest.mark.parametrize("state", list(State))
def test_the_deadline_parks_what_waits_to_be_sent_and_nothing_else(cast, state):
    delivery = with_lane(cast, state)
    Delivery.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    assert sweeper.sweep() == (1 if state == State.READY else 0)
    delivery.refresh_from_db()
    assert delivery.state == (State.PARKED if state == State.READY else state)
    if state == State.READY:
        assert delivery.reason_code == "deadline"


def test_before_the_deadline_nothing_is_parked(cast):
    with_lane(cast, State.READY)
    assert sweeper.sweep() == 0


def test_the_sweeper_takes_a_bounded_number_and_then_the_rest(cast, monkeypatch):
    monkeypatch.setattr(sweeper, "BATCH", 2)
    for _ in range(3):
        with_lane(cast, State.READY)
    Delivery.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    assert [sweeper.sweep() for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("same_identity", [False, True])
def test_only_what_has_ended_is_filed_again(cast, state, same_identity):
    delivery = with_lane(cast, state)
    ended = {State.REJECTED, State.MISFILED, State.VERIFIED, State.ACCEPTED, State.CANCELLED}
    has_wire = Wire.objects.filter(delivery=delivery).exists()
    found = actions.replayable([delivery.pk], same_identity)
    assert bool(found) == (state in ended and (has_wire or not same_identity))


class TestAReplay:
    def replay(self, cast, state=State.REJECTED, same_identity=False) -> tuple[Delivery, Delivery]:
        old = with_lane(cast, state)
        with transaction.atomic():
            new = actions.replay_one(old, LABEL, same_identity)
        old.refresh_from_db()
        new.refresh_from_db()
        return old, new

    def test_is_a_new_row_and_leaves_the_old_one_as_it_was(self, cast):
        old, new = self.replay(cast)
        assert (old.state, new.state, new.replay_of_id) == (State.REJECTED, State.READY, old.pk)
        assert (new.note_id, new.part, new.location_id) == (old.note_id, old.part, old.location_id)

    def test_has_an_identity_of_its_own_unless_it_is_to_be_the_same(self, cast):
        old, new = self.replay(cast)
        assert new.control_id != old.control_id
        old, new = self.replay(cast, same_identity=True)
        assert new.control_id == old.control_id

    def test_of_the_same_identity_sends_the_same_bytes(self, cast):
        old, new = self.replay(cast, same_identity=True)
        assert new.wire.sha256 == old.wire.sha256
        assert bytes(new.wire.sealed_bytes) != bytes(old.wire.sealed_bytes), "sealed anew, for its own row"

    def test_of_a_new_identity_is_rendered_anew(self, cast):
        _, new = self.replay(cast)
        assert not Wire.objects.filter(delivery=new).exists()
        assert new.mapping_version_id is None

    @pytest.mark.parametrize(
        "state, correction",
        [
            (State.VERIFIED, True),
            (State.MISFILED, True),
            (State.ACCEPTED, True),
            (State.REJECTED, False),
            (State.CANCELLED, False),
        ],
    )
    def test_corrects_what_may_stand_in_the_chart(self, cast, state, correction):
        assert self.replay(cast, state)[1].correction is correction

    def test_is_recorded_with_the_reason_and_both_numbers(self, cast):
        old, new = self.replay(cast)
        event = AuditEvent.objects.get(event="delivery.replay")
        assert event.reason == LABEL
        assert (event.detail["delivery_id"], event.detail["replay_of"]) == (new.pk, old.pk)


class TestTheButtons:
    @pytest.mark.parametrize("state", list(State))
    def test_are_those_whose_deed_can_succeed(self, cast, state):
        delivery = with_lane(cast, state)
        offered = {deed.verb for deed in deeds_for(delivery)}
        for verb, course in COURSE.items():
            assert (verb in offered) == (state in course), verb

    @pytest.mark.parametrize("state", [State.SENDING, State.SUPERSEDED, State.VERIFIED])
    def test_are_none_where_nobody_can_do_anything(self, cast, state):
        assert deeds_for(make_delivery(cast, state)) == []

    def test_to_look_into_the_chart_needs_a_reader(self, cast):
        delivery = make_delivery(cast, State.ACCEPTED)
        assert deed_of(delivery, "verify")
        delivery.location.reading_connection = None
        assert deed_of(delivery, "verify") is None

    def test_that_do_not_exist_are_none(self, cast):
        assert deed_of(make_delivery(cast, State.HELD), "delete") is None

    def test_warn_where_a_mistake_would_chart_twice(self, cast):
        parked, misfiled = make_delivery(cast, State.PARKED), make_delivery(cast, State.MISFILED)
        assert "twice" in caution_of(deed_of(parked, "not-there"), parked)
        assert caution_of(deed_of(misfiled, "replay"), misfiled) == MISFILED_TWICE

    @pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.verb)
    def test_have_words_a_sign_and_a_sentence_for_afterwards(self, deed):
        assert deed.label[0].isupper()
        assert not deed.label.endswith(".")
        assert deed.done.endswith(".")
        assert deed.icon
        assert deed.states <= set(State)

    def test_have_each_a_name_of_its_own(self):
        assert len({deed.verb for deed in DEEDS}) == len({deed.label for deed in DEEDS}) == len(DEEDS)

    def test_ask_for_a_reason_but_where_nothing_is_decided(self):
        assert {deed.verb for deed in DEEDS if not deed.reason_needed} == {"release", "verify"}


class TestTheTable:
    def test_an_end_leads_nowhere_and_everything_else_somewhere(self):
        ends = {state for state in State if not MOVES[state]}
        assert ends == {State.SUPERSEDED, State.CANCELLED}
        assert MOVES[State.REJECTED] == {State.SUPERSEDED}, "only by the next way, in its place"

    def test_a_proof_can_only_be_found_to_hold_no_longer(self):
        assert MOVES[State.VERIFIED] == {State.MISFILED}

    def test_nothing_goes_back_to_held_but_what_waits(self):
        assert {old for old in State if allowed(old, State.HELD)} == {State.READY}

    def test_bytes_leave_only_from_ready(self):
        assert {old for old in State if allowed(old, State.SENDING)} == {State.READY}

    def test_nothing_is_verified_that_was_not_accepted_first(self):
        assert {old for old in State if allowed(old, State.VERIFIED)} == {State.ACCEPTED, State.MISFILED}

    def test_what_may_have_arrived_is_never_superseded_or_called_off(self):
        for state in (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.MISFILED):
            assert not allowed(state, State.CANCELLED)
            assert not allowed(state, State.SUPERSEDED)

    def test_no_state_moves_to_itself(self):
        assert not any(allowed(state, state) for state in State)

    def test_every_state_but_held_and_ready_is_reached_from_another(self):
        reached = {new for old in State for new in MOVES[old]}
        assert reached == set(State)

    @pytest.mark.parametrize("state", sorted(NEEDS_ATTENTION))
    def test_what_needs_attention_looks_like_it(self, state):
        assert WORDS[state].tone == "act"

    @pytest.mark.parametrize("state", sorted(SETTLED))
    def test_what_is_settled_alarms_nobody(self, state):
        assert WORDS[state].tone in ("ok", "off")

    def test_only_verified_is_green(self):
        assert [state for state in State if WORDS[state].tone == "ok"] == [State.VERIFIED]

    def test_the_sets_do_not_contradict_each_other(self):
        assert not NEEDS_ATTENTION & SETTLED
        assert not NEEDS_ATTENTION & STRIKABLE
        assert not BLOCKING & SETTLED

    def test_every_state_has_a_sign_and_no_two_the_same_words(self):
        assert set(STATE_ICONS) == set(WORDS) == set(State)
        assert len({words.label for words in WORDS.values()}) == len(State)
