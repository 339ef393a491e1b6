"""What each deed writes besides the state: lanes, times, counters, records; and what it leaves alone."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions
from delivery.intake import DEADLINE
from delivery.models import Delivery, Move, Wire
from delivery.plans import open_plan
from delivery.states import State
from delivery.transition import tickets, transition
from portal import crypto
from portal.models import Connection, Environment, Part, Route
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
WHY = "the director said so"


def lane(connection: Connection, index: int = 0):
    return connection.lanes.get_or_create(index=index)[0]


def placed(cast, state: State, **columns) -> Delivery:
    """A delivery with a lane of its connection."""
    made = make_delivery(cast, state)
    Delivery.objects.filter(pk=made.pk).update(**{"lane": lane(cast.hl7), **columns})
    return now(made)


def now(delivery: Delivery) -> Delivery:
    return Delivery.objects.get(pk=delivery.pk)


def another_way(cast, *, enabled: bool = True, name: str = "The other line") -> Connection:
    return Connection.objects.create(
        practice=cast.practice,
        name=name,
        kind="hl7",
        environment=Environment.SANDBOX,
        enabled=enabled,
        settings={"host": "127.0.0.1", "port": 2, "receiving_facility": "NORTH", "sockets": 1},
    )


def only_way(cast, connection: Connection) -> None:
    Route.objects.filter(location=cast.north).delete()
    Route.objects.create(location=cast.north, part=Part.NOTE, connection=connection)


class TestHolding:
    def test_keeps_lane_and_time_so_that_a_release_finds_them(self, cast):
        one = placed(cast, State.READY)
        actions.hold([one.pk], WHY)
        assert (now(one).lane_id, now(one).not_before) == (one.lane_id, one.not_before)

    def test_of_several_moves_those_that_wait_and_names_them(self, cast):
        ready, sent = placed(cast, State.READY), placed(cast, State.VERIFIED)
        assert [ticket.id for ticket in actions.hold([ready.pk, sent.pk], WHY)] == [ready.pk]

    def test_of_what_does_not_exist_moves_nothing(self):
        assert actions.hold([10**9], WHY) == []

    def test_of_nothing_moves_nothing(self, django_assert_max_num_queries):
        with django_assert_max_num_queries(1):
            assert actions.hold([], WHY) == []


class TestReleasing:
    def test_makes_it_due_at_once_with_a_new_deadline(self, cast):
        one = placed(cast, State.HELD, deadline=timezone.now() - timedelta(days=3))
        before = timezone.now()
        actions.release([one.pk], WHY)
        assert before <= now(one).not_before <= timezone.now()
        assert now(one).deadline - now(one).not_before == DEADLINE == timedelta(hours=24)

    def test_forgets_the_problems_that_held_it(self, cast):
        one = placed(
            cast, State.HELD, problems=[{"code": "unmapped_section", "message": "x", "pointer": "/sections/0"}]
        )
        actions.release([one.pk])
        assert (now(one).problems, now(one).reason_code) == ([], "")

    def test_without_any_route_moves_nothing_and_leaves_the_problem(self, cast):
        one = placed(cast, State.HELD, lane=None, connection=None, reason_code="no_route")
        Route.objects.all().delete()
        assert actions.release([one.pk]) == []
        assert (now(one).state, now(one).reason_code) == ("held", "no_route")

    def test_gives_a_part_that_had_none_the_route_of_today(self, cast):
        one = placed(cast, State.HELD, lane=None, connection=None)
        actions.release([one.pk])
        assert (now(one).connection_id, now(one).lane.connection_id) == (cast.hl7.pk, cast.hl7.pk)

    def test_takes_the_route_that_has_replaced_its_own(self, cast):
        one = placed(cast, State.HELD)
        only_way(cast, other := another_way(cast))
        actions.release([one.pk])
        assert now(one).connection_id == other.pk

    def test_keeps_its_own_connection_while_that_is_still_a_route(self, cast):
        one = placed(cast, State.HELD)
        Route.objects.create(location=cast.north, part=Part.NOTE, connection=another_way(cast), position=0)
        actions.release([one.pk])
        assert now(one).connection_id == cast.hl7.pk

    def test_of_what_was_sent_once_keeps_the_receiver_its_bytes_were_made_for(self, cast):
        one = placed(cast, State.READY)
        sent = placed(cast, State.SENDING)
        Wire.objects.filter(delivery=sent).update(delivery=one)
        actions.hold([one.pk], WHY)
        only_way(cast, another_way(cast))
        actions.release([one.pk])
        assert now(one).connection_id == cast.hl7.pk

    def test_never_takes_a_route_that_is_switched_off(self, cast):
        one = placed(cast, State.HELD, lane=None, connection=None)
        only_way(cast, another_way(cast, enabled=False))
        assert actions.release([one.pk]) == []
        assert now(one).connection_id is None

    def test_takes_the_first_route_that_is_switched_on(self, cast):
        one = placed(cast, State.HELD, lane=None, connection=None)
        only_way(cast, another_way(cast, enabled=False))
        second = another_way(cast, name="The third line")
        Route.objects.create(location=cast.north, part=Part.NOTE, connection=second, position=7)
        actions.release([one.pk])
        assert now(one).connection_id == second.pk

    def test_rings_its_lane_once_it_is_committed(self, cast, quiet_bell, django_capture_on_commit_callbacks):
        one = placed(cast, State.HELD)
        with django_capture_on_commit_callbacks(execute=True):
            actions.release([one.pk])
            assert quiet_bell == []
        assert quiet_bell == [one.lane_id]

    def test_of_two_in_one_lane_rings_it_once(self, cast, quiet_bell, django_capture_on_commit_callbacks):
        two = [placed(cast, State.HELD).pk for _ in range(2)]
        with django_capture_on_commit_callbacks(execute=True):
            actions.release(two)
        assert len(quiet_bell) == 1

    def test_rings_nothing_where_nothing_moved(self, cast, quiet_bell, django_capture_on_commit_callbacks):
        one = placed(cast, State.VERIFIED)
        with django_capture_on_commit_callbacks(execute=True):
            actions.release([one.pk])
        assert quiet_bell == []


class TestCancelling:
    def test_says_by_its_code_that_a_person_did_it(self, cast):
        one = placed(cast, State.READY)
        actions.cancel([one.pk], WHY)
        assert (now(one).state, now(one).reason_code) == ("cancelled", "cancelled_by_person")

    def test_can_say_another_code(self, cast):
        one = placed(cast, State.HELD)
        actions.cancel([one.pk], "", reason_code="retracted")
        assert now(one).reason_code == "retracted"

    def test_of_one_in_each_state_takes_the_three_that_wait(self, cast):
        rows = {state: placed(cast, state) for state in State}
        moved = actions.cancel([row.pk for row in rows.values()], WHY)
        assert {ticket.id for ticket in moved} == {rows[state].pk for state in (State.HELD, State.READY, State.PARKED)}

    def test_leaves_one_move_and_one_event_each(self, cast):
        two = [placed(cast, State.HELD).pk, placed(cast, State.READY).pk]
        actions.cancel(two, WHY)
        assert Move.objects.filter(delivery__in=two, to_state="cancelled").count() == 2
        assert AuditEvent.objects.filter(event="delivery.cancelled", reason=WHY).count() == 2


class TestDeciding:
    def test_that_it_is_there_reads_it_back_at_once_from_the_first_look(self, cast):
        one = placed(cast, State.PARKED, readings_made=6)
        actions.decide_sent([one.pk], WHY)
        row = now(one)
        assert (row.state, row.reason_code, row.readings_made) == ("accepted", "found_by_person", 0)
        assert row.accepted_at == row.read_at is not None

    def test_that_it_is_not_there_sends_it_at_once_with_a_clean_slate(self, cast):
        one = placed(cast, State.PARKED, crashes=3, deadline=timezone.now() - timedelta(days=1))
        actions.decide_not_sent([one.pk], WHY)
        row = now(one)
        assert (row.state, row.reason_code, row.crashes) == ("ready", "not_there_by_person", 0)
        assert row.deadline > timezone.now()

    def test_that_it_is_not_there_keeps_bytes_and_control_id(self, cast):
        one = placed(cast, State.PARKED)
        before = (one.control_id, one.wire.sha256)
        actions.decide_not_sent([one.pk], WHY)
        assert (now(one).control_id, now(one).wire.sha256) == before

    def test_that_it_is_not_there_rings_its_lane(self, cast, quiet_bell, django_capture_on_commit_callbacks):
        one = placed(cast, State.PARKED)
        with django_capture_on_commit_callbacks(execute=True):
            actions.decide_not_sent([one.pk], WHY)
        assert quiet_bell == [one.lane_id]

    def test_that_it_is_there_rings_nothing(self, cast, quiet_bell, django_capture_on_commit_callbacks):
        one = placed(cast, State.PARKED)
        with django_capture_on_commit_callbacks(execute=True):
            actions.decide_sent([one.pk], WHY)
        assert quiet_bell == []


class TestLookingAgain:
    @pytest.mark.parametrize("state", [State.ACCEPTED, State.MISFILED, State.UNKNOWN])
    def test_is_due_at_once_and_counts_anew(self, cast, state):
        one = placed(cast, state, read_at=None, readings_made=7)
        assert actions.verify_now([one.pk]) == 1
        assert now(one).read_at <= timezone.now()
        assert now(one).readings_made == 0

    @pytest.mark.parametrize(
        "state", [state for state in State if state not in (State.ACCEPTED, State.MISFILED, State.UNKNOWN)]
    )
    def test_is_nothing_for_what_no_look_can_change(self, cast, state):
        one = placed(cast, state, read_at=None)
        assert actions.verify_now([one.pk]) == 0
        assert now(one).read_at is None

    def test_is_nothing_where_nothing_reads(self, cast):
        one = placed(cast, State.ACCEPTED, read_at=None)
        cast.north.reading_connection = None
        cast.north.save()
        assert actions.verify_now([one.pk]) == 0

    def test_moves_nothing(self, cast):
        one = placed(cast, State.UNKNOWN)
        moves = Move.objects.count()
        actions.verify_now([one.pk])
        assert (now(one).state, Move.objects.count()) == ("unknown", moves)


class TestFilingAgain:
    def again(self, old: Delivery, *, same: bool) -> Delivery:
        (new,) = actions.replay([old.pk], WHY, same_identity=same)
        return now(new)

    def test_starts_anew_without_attempts_crashes_or_readings(self, cast):
        new = self.again(placed(cast, State.REJECTED, crashes=2), same=False)
        assert (new.attempts, new.crashes, new.readings_made, new.section_outcomes, new.proof) == (0, 0, 0, [], "")

    def test_has_a_day_from_now(self, cast):
        new = self.again(placed(cast, State.REJECTED), same=False)
        assert new.deadline - new.not_before == timedelta(hours=24)

    def test_begins_with_a_move_of_its_own(self, cast):
        new = self.again(placed(cast, State.REJECTED), same=False)
        assert list(new.moves.values_list("from_state", "to_state", "reason_code")) == [("", "ready", "replay")]

    def test_goes_by_the_route_of_today(self, cast):
        old = placed(cast, State.REJECTED)
        only_way(cast, other := another_way(cast))
        assert self.again(old, same=False).connection_id == other.pk

    def test_with_the_same_identity_goes_to_whom_it_went_before(self, cast):
        old = placed(cast, State.REJECTED)
        only_way(cast, another_way(cast))
        assert self.again(old, same=True).connection_id == cast.hl7.pk

    def test_with_the_same_identity_is_of_the_same_mapping(self, cast):
        old = placed(cast, State.REJECTED)
        assert self.again(old, same=True).mapping_version_id == old.mapping_version_id is not None

    def test_with_the_same_identity_opens_in_its_own_row_alone(self, cast):
        old = placed(cast, State.REJECTED)
        new = self.again(old, same=True)
        sealed = bytes(new.wire.sealed_bytes)
        assert crypto.unseal(sealed, table="wire", column="bytes", row=new.pk).startswith(b"MSH|")
        with pytest.raises(crypto.CannotOpen):
            crypto.unseal(sealed, table="wire", column="bytes", row=old.pk)

    def test_with_the_same_identity_has_the_same_plan(self, cast):
        old = placed(cast, State.REJECTED)
        new = self.again(old, same=True)
        assert open_plan(new.pk, new.wire.sealed_plan) == open_plan(old.pk, old.wire.sealed_plan)

    def test_has_a_control_id_of_twenty_letters_and_digits(self, cast):
        new = self.again(placed(cast, State.REJECTED), same=False)
        assert len(new.control_id) == 20
        assert set(new.control_id) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

    def test_leaves_the_old_row_in_its_state_with_its_moves(self, cast):
        old = placed(cast, State.MISFILED)
        moves = list(old.moves.values_list("pk", flat=True))
        self.again(old, same=False)
        assert now(old).state == "misfiled"
        assert list(old.moves.values_list("pk", flat=True)) == moves

    def test_of_what_never_had_a_lane_is_not_possible(self, cast):
        old = placed(cast, State.CANCELLED, lane=None)
        assert actions.replay([old.pk], WHY, same_identity=False) == []

    def test_of_what_was_never_rendered_has_no_identity_to_keep(self, cast):
        old = placed(cast, State.CANCELLED)
        assert actions.replay([old.pk], WHY, same_identity=True) == []
        assert Delivery.objects.count() == 1

    def test_twice_makes_two_rows(self, cast):
        old = placed(cast, State.REJECTED)
        first, second = self.again(old, same=False), self.again(old, same=False)
        assert first.control_id != second.control_id
        assert {first.replay_of_id, second.replay_of_id} == {old.pk}


class TestAWithdrawal:
    def test_is_marked_on_the_newest_version_once(self, cast):
        one = placed(cast, State.READY)
        actions.retract(one.note)
        first = one.note.versions.get().retract_requested_at
        actions.retract(one.note)
        assert one.note.versions.get().retract_requested_at == first is not None

    def test_is_recorded_each_time(self, cast):
        one = placed(cast, State.READY)
        actions.retract(one.note)
        event = AuditEvent.objects.get(event="note.retract")
        assert (event.object_type, event.object_id, event.location) == ("note", str(one.note_id), "NORTH")

    def test_calls_off_what_waits_with_its_own_code(self, cast):
        one = placed(cast, State.HELD)
        assert [ticket.id for ticket in actions.retract(one.note)] == [one.pk]
        assert (now(one).state, now(one).reason_code) == ("cancelled", "retracted")

    @pytest.mark.parametrize("state", [State.SENDING, State.ACCEPTED, State.VERIFIED, State.MISFILED, State.UNKNOWN])
    def test_says_on_what_left_that_it_was_asked_for(self, cast, state):
        one = placed(cast, state)
        actions.retract(one.note)
        assert (now(one).state, now(one).reason_code) == (state, "retract_requested")
        assert now(one).withdrawn_at is not None

    def test_of_what_was_parked_in_doubt_calls_nothing_off(self, cast):
        one = placed(cast, State.PARKED)
        actions.retract(one.note)
        assert now(one).state == "parked"
        assert now(one).withdrawn_at is not None

    def test_of_what_was_parked_unsent_calls_it_off(self, cast):
        one = placed(cast, State.READY)
        with transaction.atomic():
            transition(tickets([one.pk]), State.READY, State.PARKED, reason_code="deadline")
        actions.retract(one.note)
        assert (now(one).state, now(one).reason_code) == ("cancelled", "retracted")

    def test_touches_no_other_note(self, cast):
        one, other = placed(cast, State.READY), placed(cast, State.VERIFIED)
        actions.retract(one.note)
        assert (now(other).state, now(other).withdrawn_at, now(other).reason_code) == ("verified", None, "")

    def test_of_what_is_struck_already_asks_for_nothing_again(self, cast):
        one = placed(cast, State.VERIFIED, withdrawn_at=timezone.now())
        actions.strike([one.pk], WHY)
        actions.retract(one.note)
        assert (now(one).withdrawn_at, now(one).reason_code) == (None, "struck_in_chart")


class TestStriking:
    @pytest.mark.parametrize("state", [State.ACCEPTED, State.VERIFIED])
    def test_ends_the_task_and_the_looking(self, cast, state):
        one = placed(cast, state, withdrawn_at=timezone.now(), read_at=timezone.now())
        assert actions.strike([one.pk], WHY) == 1
        row = now(one)
        assert (row.state, row.withdrawn_at, row.read_at, row.reason_code) == (state, None, None, "struck_in_chart")

    def test_is_recorded_with_who_and_why(self, cast):
        one = placed(cast, State.VERIFIED, withdrawn_at=timezone.now())
        actions.strike([one.pk], WHY)
        event = AuditEvent.objects.get(event="delivery.struck")
        assert (event.reason, event.detail["delivery_id"], event.actor_name) == (WHY, one.pk, "tests")

    def test_of_what_was_not_withdrawn_is_nothing(self, cast):
        one = placed(cast, State.VERIFIED)
        assert actions.strike([one.pk], WHY) == 0
        assert now(one).reason_code == ""

    @pytest.mark.parametrize("state", [State.MISFILED, State.UNKNOWN, State.PARKED, State.SENDING, State.REJECTED])
    def test_of_what_is_not_known_to_stand_there_is_nothing(self, cast, state):
        one = placed(cast, state, withdrawn_at=timezone.now())
        assert actions.strike([one.pk], WHY) == 0
        assert now(one).withdrawn_at is not None

    def test_twice_is_once(self, cast):
        one = placed(cast, State.VERIFIED, withdrawn_at=timezone.now())
        assert [actions.strike([one.pk], WHY), actions.strike([one.pk], WHY)] == [1, 0]
        assert AuditEvent.objects.filter(event="delivery.struck").count() == 1


class TestWakingAConnection:
    def test_rings_each_of_its_lanes(self, cast, quiet_bell):
        lanes = {lane(cast.hl7, place).pk for place in range(3)}
        actions.wake_connection(cast.hl7)
        assert set(quiet_bell) == lanes

    def test_rings_no_lane_that_is_being_drained(self, cast, quiet_bell):
        busy, idle = lane(cast.hl7, 0), lane(cast.hl7, 1)
        cast.hl7.lanes.filter(pk=busy.pk).update(draining=True)
        actions.wake_connection(cast.hl7)
        assert quiet_bell == [idle.pk]

    def test_rings_nothing_of_another(self, cast, quiet_bell):
        lane(another_way(cast))
        actions.wake_connection(cast.hl7)
        assert quiet_bell == []
