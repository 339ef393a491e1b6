"""A connection that was replaced: what waits for it is held, and takes the new way when a person lets it go."""

import pytest
from django.db import transaction

from delivery import actions
from delivery.models import Attempt, ConnectionState, Delivery
from delivery.states import State
from portal.models import Connection, Route
from tests.delivery.test_sending import post, read_profile, run_lanes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def replaced(cast, ecw):
    """The location's old connection is switched off; its route leads over a new one. Returns the new one."""

    def replace() -> Connection:
        new = Connection.objects.create(
            practice=cast.practice,
            name="eCW HL7, new line",
            kind="hl7",
            environment="sandbox",
            settings=dict(cast.hl7.settings),
        )
        ConnectionState.objects.create(connection=new, profile="readback")
        Route.objects.filter(location=cast.north).update(connection=new)
        Connection.objects.filter(pk=cast.hl7.pk).update(enabled=False)
        return new

    return replace


def test_what_waits_for_a_connection_that_was_switched_off_is_held_without_a_knock(scribe, cast, replaced):
    ids = [post(scribe, 1), post(scribe, 2)]
    replaced()
    Connection.objects.filter(pk=cast.hl7.pk).update(settings=cast.hl7.settings | {"port": 1})
    assert run_lanes() == 0
    rows = Delivery.objects.filter(pk__in=ids)
    assert {(row.state, row.reason_code) for row in rows} == {(State.HELD, "connection_disabled")}
    assert not ConnectionState.objects.filter(connection=cast.hl7, failures__gt=0).exists()


def test_a_note_held_at_a_replaced_connection_takes_the_new_route_when_released(scribe, ecw, replaced):
    delivery = post(scribe)
    new = replaced()
    run_lanes()
    with transaction.atomic():
        actions.release([delivery])
    row = Delivery.objects.get()
    assert (row.connection_id, row.lane.connection_id) == (new.pk, new.pk)
    run_lanes()
    assert Delivery.objects.get().state == State.ACCEPTED
    assert Attempt.objects.get().connection_id == new.pk
    assert len(ecw.filings()) == 1


def test_a_held_note_whose_connection_stands_keeps_it(scribe, cast, ecw):
    delivery = post(scribe)
    Route.objects.create(
        location=cast.north,
        part="note",
        position=0,
        connection=Connection.objects.create(
            practice=cast.practice, name="preferred", kind="hl7", environment="sandbox", settings=cast.hl7.settings
        ),
    )
    with transaction.atomic():
        actions.hold([delivery], "wait")
        actions.release([delivery])
    assert Delivery.objects.get().connection_id == cast.hl7.pk, "still one of the location's ways"


def test_what_was_sent_once_keeps_its_connection_and_its_bytes(scribe, cast, ecw, replaced):
    read_profile(cast, "readback")
    cast.hl7.settings |= {"ack_seconds": 0.3}
    cast.hl7.save()
    ecw.fault("no_file_no_ack")
    delivery = post(scribe)
    run_lanes()
    replaced()
    with transaction.atomic():
        from delivery.transition import tickets, transition

        transition(tickets([delivery]), State.UNKNOWN, State.READY, reason_code="reader_says_not_there")
        actions.hold([delivery], "wait")
        actions.release([delivery])
    assert Delivery.objects.get().connection_id == cast.hl7.pk


@pytest.mark.parametrize("same_identity", [False, True])
def test_filed_again_as_a_new_delivery_it_takes_the_new_route_and_as_a_repeat_the_old_one(
    scribe, cast, ecw, replaced, same_identity
):
    delivery = post(scribe)
    run_lanes()
    new = replaced()
    with transaction.atomic():
        (again,) = actions.replay([delivery], "once more", same_identity=same_identity)
    expected = cast.hl7.pk if same_identity else new.pk
    assert (again.connection_id, again.lane.connection_id) == (expected, expected)


def test_without_any_usable_route_it_stays_where_it_is(scribe, cast, ecw):
    delivery = post(scribe)
    Connection.objects.filter(pk=cast.hl7.pk).update(enabled=False)
    run_lanes()
    with transaction.atomic():
        actions.release([delivery])
    run_lanes()
    row = Delivery.objects.get()
    assert (row.state, row.reason_code, row.connection_id) == (State.HELD, "connection_disabled", cast.hl7.pk)
