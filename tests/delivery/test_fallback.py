"""Falling back to the location's next way: where it is allowed, and every case in which it must not happen."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery import fallback
from delivery.fallback import OF_THE_VISIT, WHY_NOT, after_refusal, next_route, sweep, why_not
from delivery.models import Attempt, Breaker, ConnectionState, Delivery, Move, NoteVersion
from delivery.places import followed
from delivery.states import State
from delivery.transition import tickets, transition
from delivery.verification import read_due
from portal.models import Connection, Route
from tests.delivery.rows import add_attempt, make_delivery
from tests.delivery.test_sending import post, read_profile, run_lanes

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(hours=2)


@pytest.fixture
def two_ways(cast):
    """NORTH falls back from HL7 to the Open API."""
    Route.objects.create(location=cast.north, part="note", connection=cast.reader, position=2)
    cast.north.fallback = True
    cast.north.save()
    return cast


def waiting_long(cast, state=State.READY, **more):
    """A delivery in `state` that came two hours ago by a connection that is stopped since."""
    ConnectionState.objects.update_or_create(connection=cast.hl7, defaults={"breaker": Breaker.OPEN})
    made = make_delivery(cast, state, received_at=timezone.now() - LONG_AGO, **more)
    return Delivery.objects.select_related("location").get(pk=made.pk)


def rejected(cast, reason_code="ae"):
    with acting(Actor("worker", "w1")), transaction.atomic():
        return after_refusal([make_delivery(cast, State.REJECTED, reason_code=reason_code)], reason_code)


class TestGoesByTheNextWay:
    def test_a_part_that_was_refused_and_is_verified_there(self, scribe, ecw, two_ways):
        first = post(scribe)
        ecw.fault("ae", count=1)
        run_lanes()
        old, new = Delivery.objects.order_by("pk")
        assert (old.pk, old.state, old.reason_code) == (first, State.SUPERSEDED, "went_by_next_route")
        assert (new.replaces_id, new.connection, new.part) == (old.pk, two_ways.reader, "note")
        assert new.control_id != old.control_id
        run_lanes()
        read_due()
        new.refresh_from_db()
        assert (new.state, new.proof) == (State.VERIFIED, "field")
        assert len(ecw.filings()) == 1

    def test_and_the_old_one_keeps_the_refusal_in_its_course(self, scribe, ecw, two_ways):
        first = post(scribe)
        ecw.fault("ae", count=1)
        run_lanes()
        course = list(Move.objects.filter(delivery=first).order_by("pk").values_list("to_state", "reason_code"))
        assert course[-2:] == [("rejected", "ae"), ("superseded", "went_by_next_route")]
        event = AuditEvent.objects.get(event="delivery.fallback")
        assert event.detail["replaces"] == first
        assert event.detail["reason_code"] == "fell_back_refused"

    def test_a_part_no_byte_of_which_could_leave(self, scribe, ecw, two_ways):
        first = post(scribe)
        two_ways.hl7.settings |= {"port": 1}
        two_ways.hl7.save()
        run_lanes()
        assert sweep() == 0, "it has only just come"
        Delivery.objects.update(deadline=timezone.now() + fallback.DEADLINE - timedelta(minutes=31))
        ConnectionState.objects.filter(connection=two_ways.hl7).update(breaker=Breaker.OPEN)
        assert sweep() == 1
        run_lanes()
        old, new = Delivery.objects.order_by("pk")
        assert (old.pk, old.state) == (first, State.SUPERSEDED)
        assert (new.state, new.replaces_id) == (State.ACCEPTED, first)
        assert len(ecw.filings()) == 1

    def test_further_still_where_the_next_way_is_stopped(self, two_ways, cast):
        third = Connection.objects.create(practice=cast.practice, name="third", kind="hl7", environment="sandbox")
        Route.objects.create(location=cast.north, part="note", connection=third, position=3)
        ConnectionState.objects.create(connection=cast.reader, breaker=Breaker.AUTH)
        assert [new.connection for new in rejected(cast)] == [third]

    def test_though_more_than_a_batch_that_can_never_go_stand_before_it(self, two_ways, monkeypatch):
        monkeypatch.setattr(fallback, "BATCH", 3)
        withdrawn = [waiting_long(two_ways) for _ in range(2)]
        Delivery.objects.filter(pk__in=[one.pk for one in withdrawn]).update(withdrawn_at=timezone.now())
        retracted = waiting_long(two_ways)
        NoteVersion.objects.filter(pk=retracted.note_version_id).update(retract_requested_at=timezone.now())
        doubtful = waiting_long(two_ways)
        add_attempt(two_ways, doubtful, 1, "no_answer", "ack_timeout")
        last = waiting_long(two_ways)
        assert sweep() == 1
        (new,) = Delivery.objects.filter(replaces__isnull=False)
        assert new.replaces_id == last.pk
        assert sweep() == 0, "what may not go stays"
        for one in Delivery.objects.filter(pk__in=[row.pk for row in (*withdrawn, retracted, doubtful)]):
            assert why_not(one) in {"withdrawn", "doubt"}

    def test_though_more_than_a_batch_at_a_location_without_a_further_way_stand_before_it(self, two_ways, monkeypatch):
        monkeypatch.setattr(fallback, "BATCH", 2)
        two_ways.south.fallback = True
        two_ways.south.save()
        for _ in range(3):
            waiting_long(two_ways, location=two_ways.south)
        last = waiting_long(two_ways)
        assert sweep() == 1
        assert Delivery.objects.get(replaces__isnull=False).replaces_id == last.pk

    def test_a_batch_at_a_time_in_the_order_in_which_it_came(self, two_ways, monkeypatch):
        monkeypatch.setattr(fallback, "BATCH", 2)
        rows = [waiting_long(two_ways) for _ in range(3)]
        assert [sweep(), sweep(), sweep()] == [2, 1, 0]
        replaced = Delivery.objects.filter(replaces__isnull=False).order_by("pk").values_list("replaces", flat=True)
        assert list(replaced) == [row.pk for row in rows]

    def test_in_the_order_in_which_it_came(self, two_ways):
        older, newer = waiting_long(two_ways), waiting_long(two_ways)
        assert sweep() == 2
        assert list(
            Delivery.objects.filter(replaces__isnull=False).order_by("pk").values_list("replaces", flat=True)
        ) == [
            older.pk,
            newer.pk,
        ]


class TestStays:
    def test_without_the_locations_consent(self, scribe, ecw, two_ways, cast):
        cast.north.fallback = False
        cast.north.save()
        post(scribe)
        ecw.fault("ae", count=1)
        run_lanes()
        assert Delivery.objects.get().state == State.REJECTED
        waiting_long(cast)
        assert sweep() == 0
        assert why_not(waiting_long(cast)) == "switched_off"

    @pytest.mark.parametrize("state", [state for state in State if state is not State.READY])
    def test_whatever_is_not_ready_though_its_connection_is_stopped(self, two_ways, state):
        delivery = waiting_long(two_ways, state)
        assert sweep() == 0
        assert Delivery.objects.get() == delivery
        assert Delivery.objects.get().state == state

    @pytest.mark.parametrize("state", fallback.NEVER_AFTER)
    def test_what_another_delivery_of_the_part_may_have_charted(self, two_ways, state):
        delivery = waiting_long(two_ways)
        other = waiting_long(two_ways, state)
        Delivery.objects.filter(pk=other.pk).update(note=delivery.note)
        assert why_not(delivery) == "doubt"
        assert sweep() == 0

    @pytest.mark.parametrize("state", fallback.NEVER_AFTER)
    def test_what_went_through_doubt_on_its_way_back(self, two_ways, state):
        delivery = waiting_long(two_ways)
        Move.objects.create(
            delivery=delivery, from_state="sending", to_state=state, at=timezone.now(), actor="worker w1"
        )
        assert sweep() == 0

    @pytest.mark.parametrize("outcome", ["no_answer", ""])
    def test_what_a_try_left_in_doubt(self, two_ways, outcome):
        delivery = waiting_long(two_ways)
        add_attempt(two_ways, delivery, 1, outcome)
        assert why_not(delivery) == "doubt"

    def test_a_refusal_that_follows_a_doubt(self, scribe, ecw, two_ways):
        read_profile(two_ways, "dedupe")
        two_ways.hl7.settings |= {"ack_seconds": 5}
        two_ways.hl7.save()
        first = post(scribe)
        ecw.fault("cut_after_file", count=1)
        run_lanes()
        assert Delivery.objects.get().state == State.UNKNOWN
        Delivery.objects.update(read_at=timezone.now())
        two_ways.north.refresh_from_db()
        ecw.fault("ae", count=1)
        with acting(Actor("worker", "w1")), transaction.atomic():
            transition(tickets([first]), State.UNKNOWN, State.READY, reason_code="receiver_ignores_repeats")
        run_lanes()
        assert Delivery.objects.get().state == State.REJECTED, "the first copy may stand in the chart"

    @pytest.mark.parametrize("reason_code", sorted(OF_THE_VISIT))
    def test_a_refusal_of_the_patient_or_the_visit(self, two_ways, reason_code):
        assert rejected(two_ways, reason_code) == []

    def test_a_withdrawn_note(self, two_ways):
        delivery = waiting_long(two_ways)
        NoteVersion.objects.update(retract_requested_at=timezone.now())
        assert why_not(delivery) == "withdrawn"

    def test_what_only_waits_for_its_turn(self, two_ways):
        delivery = waiting_long(two_ways)
        ConnectionState.objects.update(breaker=Breaker.CLOSED)
        assert sweep() == 0, "nothing is wrong with its way"
        add_attempt(two_ways, delivery, 1, "unavailable", "rate_limited")
        Delivery.objects.update(attempts=1)
        assert sweep() == 0
        Attempt.objects.update(reason_code="connection_refused")
        assert sweep() == 1

    @pytest.mark.parametrize("change", [{"enabled": False}, {"environment": "production"}])
    def test_where_the_next_way_cannot_be_used(self, two_ways, change):
        Connection.objects.filter(pk=two_ways.reader.pk).update(**change)
        assert rejected(two_ways) == []

    def test_at_the_last_way_and_at_one_that_is_no_route_any_more(self, two_ways):
        delivery = waiting_long(two_ways)
        delivery.connection = two_ways.reader
        assert next_route(delivery) is None
        Route.objects.filter(connection=two_ways.hl7).delete()
        delivery.connection = two_ways.hl7
        assert next_route(delivery) is None

    def test_where_somebody_was_faster(self, two_ways):
        delivery = waiting_long(two_ways)
        Delivery.objects.filter(pk=delivery.pk).update(state=State.SENDING)
        with acting(Actor("worker", "w1")), transaction.atomic():
            assert fallback.replace(delivery, State.READY, fallback.UNREACHABLE) == []
        assert Delivery.objects.count() == 1


def test_the_database_lets_one_delivery_be_replaced_once(two_ways):
    [new] = rejected(two_ways)
    with pytest.raises(IntegrityError), transaction.atomic():
        twin = Delivery.objects.get(pk=new.pk)
        twin.pk, twin.control_id = None, "X" * 20
        twin.save()


def test_an_amendment_goes_the_way_its_charted_version_went(scribe, ecw, two_ways):
    post(scribe)
    ecw.fault("ae", count=1)
    run_lanes()
    run_lanes()
    second = post(scribe, 1, version=2)
    row = Delivery.objects.get(pk=second)
    assert row.connection == two_ways.reader
    assert row.lane.connection == two_ways.reader
    Connection.objects.filter(pk=two_ways.reader.pk).update(enabled=False)
    assert followed(two_ways.north, "note", row.note_id) is None, "a way that is switched off is not followed"


class TestIsSeen:
    def test_on_the_page_of_both_deliveries_and_in_the_list(self, client, two_ways):
        [new] = rejected(two_ways)
        client.force_login(two_ways.dana)
        assert f"Delivery {new.replaces_id}</a>" in client.get(f"/deliveries/{new.pk}/").content.decode()
        old = client.get(f"/deliveries/{new.replaces_id}/").content.decode()
        assert "Went instead as" in old
        assert "eCW sandbox Open API" in old
        assert f"In place of delivery {new.replaces_id}" in client.get("/deliveries/").content.decode()

    @pytest.mark.parametrize("reason_code, key", [("ecw_139", "of_the_visit"), ("ae", "no_way")])
    def test_where_it_did_not_fall_back_the_page_says_why(self, client, two_ways, reason_code, key):
        Connection.objects.filter(pk=two_ways.reader.pk).update(enabled=False)
        made = make_delivery(two_ways, State.REJECTED, reason_code=reason_code)
        client.force_login(two_ways.dana)
        assert WHY_NOT[key] in client.get(f"/deliveries/{made.pk}/").content.decode()

    def test_by_the_scribe(self, scribe, two_ways):
        [new] = rejected(two_ways)
        answer = scribe.get(f"notes/{new.note_id}").json()
        assert [row["replaces"] for row in answer["deliveries"]] == [None, new.replaces_id]
