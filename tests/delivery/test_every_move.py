"""Every pair of states, written out from the design: which may move, under which event, and which never."""

import itertools

import pytest
from django.db import DatabaseError, transaction

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.models import Delivery
from delivery.states import MOVES, State, allowed
from delivery.transition import EVENTS, IllegalMove, Ticket, begin, event_of, ticket_of, tickets, transition
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db

# The way of a note (docs/journey.md), one line for each arrow, and what the audit log calls it.
LEGAL = [
    ("held", "ready", "delivery.released"),
    ("held", "superseded", "delivery.superseded"),
    ("held", "cancelled", "delivery.cancelled"),
    ("ready", "sending", "delivery.intent"),
    ("ready", "held", "delivery.held"),
    ("ready", "parked", "delivery.parked"),
    ("ready", "superseded", "delivery.superseded"),
    ("ready", "cancelled", "delivery.cancelled"),
    ("ready", "unknown", "delivery.unknown"),
    ("sending", "accepted", "delivery.accepted"),
    ("sending", "rejected", "delivery.rejected"),
    ("sending", "ready", "delivery.not_sent"),
    ("sending", "unknown", "delivery.unknown"),
    ("unknown", "accepted", "delivery.reconciled"),
    ("unknown", "ready", "delivery.reconciled"),
    ("unknown", "parked", "delivery.parked"),
    ("accepted", "verified", "delivery.verified"),
    ("accepted", "misfiled", "delivery.misfiled"),
    ("verified", "misfiled", "delivery.misfiled"),
    ("misfiled", "verified", "delivery.verified"),
    ("parked", "ready", "delivery.decided"),
    ("parked", "accepted", "delivery.decided"),
    ("parked", "cancelled", "delivery.cancelled"),
    ("rejected", "superseded", "delivery.superseded"),
]
# Those of the others that would do harm, each with the harm it would do.
HARMFUL = [
    ("unknown", "sending", "resent without a look into the chart"),
    ("unknown", "cancelled", "called unsent while it may stand in the chart"),
    ("unknown", "superseded", "overtaken while it may stand in the chart"),
    ("unknown", "held", "held as unsent while it may stand in the chart"),
    ("unknown", "rejected", "called refused while nobody said so"),
    ("unknown", "verified", "called proven without having been accepted"),
    ("accepted", "ready", "sent twice"),
    ("accepted", "sending", "sent twice"),
    ("accepted", "cancelled", "called off after it was charted"),
    ("accepted", "unknown", "doubted after a positive answer"),
    ("accepted", "rejected", "refused after a positive answer"),
    ("verified", "ready", "sent twice"),
    ("verified", "cancelled", "called off after it was proven"),
    ("misfiled", "ready", "corrected by itself"),
    ("misfiled", "accepted", "a difference forgotten"),
    ("rejected", "ready", "sent again unchanged into the same refusal"),
    ("rejected", "accepted", "accepted after a refusal"),
    ("sending", "cancelled", "called off while bytes are under way"),
    ("sending", "held", "held while bytes are under way"),
    ("sending", "superseded", "overtaken while bytes are under way"),
    ("sending", "parked", "parked before anybody looked"),
    ("sending", "verified", "proven without an answer"),
    ("held", "sending", "sent past its problem"),
    ("held", "accepted", "accepted without having been sent"),
    ("held", "parked", "asked about twice"),
    ("ready", "accepted", "accepted without an intent"),
    ("ready", "rejected", "refused without an intent"),
    ("parked", "sending", "sent without its turn"),
    ("parked", "superseded", "a decision taken away from a person"),
    ("parked", "held", "a decision put off for ever"),
    ("superseded", "ready", "the older version charted after the newer"),
    ("cancelled", "ready", "sent after it was called off"),
]
PAIRS = {(old, new) for old, new, _ in LEGAL}
ILLEGAL = sorted(
    (old.value, new.value) for old, new in itertools.permutations(State, 2) if (old.value, new.value) not in PAIRS
)


def moved(delivery: Delivery, old: str, new: str, **more) -> list[Ticket]:
    with transaction.atomic():
        return transition(tickets([delivery.pk]), State(old), State(new), **more)


def state(delivery: Delivery) -> str:
    return Delivery.objects.values_list("state", flat=True).get(pk=delivery.pk)


def test_the_table_has_twenty_four_moves_and_refuses_eighty_six():
    assert (len(LEGAL), len(ILLEGAL)) == (24, 86)
    assert {(old.value, new.value) for old in State for new in MOVES[old]} == PAIRS


@pytest.mark.parametrize("old, new, event", LEGAL)
class TestALegalMove:
    def test_is_made_by_the_program_and_let_through_by_the_database(self, cast, old, new, event):
        one = make_delivery(cast, old)
        assert [ticket.id for ticket in moved(one, old, new)] == [one.pk]
        assert state(one) == new

    def test_leaves_one_move_and_one_event_under_its_name(self, cast, old, new, event):
        one = make_delivery(cast, old)
        before = one.moves.count()
        moved(one, old, new, reason_code="replay")
        assert one.moves.count() == before + 1
        last = one.moves.latest("pk")
        assert (last.from_state, last.to_state, last.reason_code) == (old, new, "replay")
        written = AuditEvent.objects.get(object_id=str(one.pk), object_type="delivery")
        assert (written.event, written.detail["reason_code"]) == (event, "replay")

    def test_is_refused_to_whoever_comes_second(self, cast, old, new, event):
        one = make_delivery(cast, old)
        moved(one, old, new)
        assert moved(one, old, new) == []
        assert AuditEvent.objects.filter(object_id=str(one.pk), object_type="delivery").count() == 1


@pytest.mark.parametrize("old, new", ILLEGAL)
class TestAnIllegalMove:
    def test_raises_in_the_program_before_anything_is_asked(self, old, new, django_assert_num_queries):
        with django_assert_num_queries(0), pytest.raises(IllegalMove, match=f"^{old} to {new}$"):
            transition([], State(old), State(new))

    def test_is_refused_by_the_database_whoever_writes_it(self, cast, old, new):
        one = make_delivery(cast, old)
        with pytest.raises(DatabaseError), transaction.atomic():
            Delivery.objects.filter(pk=one.pk).update(state=new)
        assert state(one) == old


@pytest.mark.parametrize("old, new, harm", HARMFUL)
def test_no_delivery_can_be(old, new, harm):
    assert not allowed(State(old), State(new)), harm


class TestTheEventsName:
    def test_of_each_move_is_of_deliveries(self):
        assert {event_of(State(old), State(new)) for old, new, _ in LEGAL} == {event for *_, event in LEGAL}

    def test_of_a_move_out_of_doubt_is_a_reconciliation_and_not_an_acceptance(self):
        assert event_of(State.UNKNOWN, State.ACCEPTED) == "delivery.reconciled"

    def test_of_a_move_out_of_parking_is_a_decision(self):
        assert {event_of(State.PARKED, new) for new in (State.READY, State.ACCEPTED)} == {"delivery.decided"}

    def test_is_there_for_every_move_of_its_own_table(self):
        assert {(old.value, new.value) for old, new in EVENTS} <= PAIRS


class TestWhatAMoveCarries:
    def test_are_the_columns_it_was_given_and_no_others(self, cast):
        one = make_delivery(cast, "ready", reason_code="")
        before = Delivery.objects.values().get(pk=one.pk)
        moved(one, "ready", "sending", columns={"epoch": 7, "attempts": 3})
        after = Delivery.objects.values().get(pk=one.pk)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"state", "epoch", "attempts", "updated_at"}

    def test_of_a_batch_are_each_ones_own_details(self, cast):
        first, second = make_delivery(cast, "ready"), make_delivery(cast, "ready")
        with transaction.atomic():
            transition(
                tickets([first.pk, second.pk]),
                State.READY,
                State.SENDING,
                details={first.pk: {"attempt": 1}, second.pk: {"attempt": 4}},
            )
        said = {
            event.object_id: event.detail["attempt"] for event in AuditEvent.objects.filter(event="delivery.intent")
        }
        assert said == {str(first.pk): 1, str(second.pk): 4}

    def test_is_who_receives_patient_data(self, cast):
        one = make_delivery(cast, "ready")
        moved(one, "ready", "sending", recipients={one.pk: "eCW sandbox HL7"})
        assert AuditEvent.objects.get(event="delivery.intent").recipient == "eCW sandbox HL7"

    def test_is_who_acts_at_that_moment(self, cast):
        one = make_delivery(cast, "ready")
        with acting(Actor("user", "7", "dana")):
            moved(one, "ready", "held")
        assert one.moves.latest("pk").actor == "dana"

    def test_is_the_type_and_id_of_an_actor_without_a_name(self, cast):
        one = make_delivery(cast, "ready")
        with acting(Actor("worker", "w9")):
            moved(one, "ready", "held")
        assert one.moves.latest("pk").actor == "worker w9"

    def test_is_blind_to_patient_and_encounter(self, cast):
        one = make_delivery(cast, "ready")
        moved(one, "ready", "held")
        event = AuditEvent.objects.get(event="delivery.held")
        assert (event.subject_bidx, event.encounter_bidx) == (one.note_version.patient_bidx, one.encounter_bidx)
        assert "P1001" not in str(vars(event))

    def test_of_some_that_moved_meanwhile_are_those_that_stood(self, cast):
        still, gone = make_delivery(cast, "ready"), make_delivery(cast, "cancelled")
        with transaction.atomic():
            found = transition(tickets([still.pk, gone.pk]), State.READY, State.HELD)
        assert [ticket.id for ticket in found] == [still.pk]
        assert state(gone) == "cancelled"

    def test_under_its_epoch_leaves_those_of_another(self, cast):
        ours, theirs = make_delivery(cast, "sending"), make_delivery(cast, "sending")
        Delivery.objects.filter(pk=ours.pk).update(epoch=5)
        Delivery.objects.filter(pk=theirs.pk).update(epoch=6)
        with transaction.atomic():
            found = transition(tickets([ours.pk, theirs.pk]), State.SENDING, State.UNKNOWN, epoch=5)
        assert [ticket.id for ticket in found] == [ours.pk]
        assert (state(ours), state(theirs)) == ("unknown", "sending")

    def test_without_any_subject_asks_the_database_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert transition([], State.READY, State.HELD) == []


class TestATicket:
    def test_read_from_the_database_and_made_of_the_row_are_the_same(self, cast):
        one = make_delivery(cast, "ready")
        row = Delivery.objects.select_related("location__practice", "note_version").get(pk=one.pk)
        assert tickets([one.pk]) == [ticket_of(row)]

    def test_of_what_does_not_exist_is_none(self):
        assert tickets([10**9]) == []

    def test_names_practice_and_location_by_their_codes(self, cast):
        (ticket,) = tickets([make_delivery(cast, "ready").pk])
        assert (ticket.practice, ticket.location, ticket.part) == ("lakeside", "NORTH", "note")


def test_a_delivery_begins_with_a_move_from_nowhere_and_its_event(cast):
    one = make_delivery(cast, "held")
    before = one.moves.count()
    with transaction.atomic():
        begin([(tickets([one.pk])[0], State.HELD, "no_route")])
    last = one.moves.latest("pk")
    assert one.moves.count() == before + 1
    assert (last.from_state, last.to_state, last.reason_code, last.epoch) == ("", "held", "no_route", 0)
    assert AuditEvent.objects.get(event="delivery.held").detail["reason_code"] == "no_route"
