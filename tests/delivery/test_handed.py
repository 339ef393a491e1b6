"""What a process has sent itself it reads back from memory, and nothing is lost where it cannot."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.event import AuditEvent
from delivery import handed, verification
from delivery.models import Delivery, Move, Reading
from delivery.outgoing import open_body, planned
from delivery.plans import open_plan
from delivery.states import State
from delivery.verification import claim_reads, read_due
from tests.delivery.test_sending import post, run_lanes, state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader():
    """This process has one."""
    handed.begin()
    yield
    handed.take(handed.MOST)
    handed.end()


@pytest.mark.usefixtures("reader")
class TestWhereThisProcessReads:
    def test_what_was_accepted_is_claimed_for_it_and_verified_from_memory(self, scribe, ecw):
        delivery = post(scribe)
        run_lanes()
        row = Delivery.objects.get(pk=delivery)
        assert (row.state, row.read_at > timezone.now()) == (State.ACCEPTED, True)
        assert claim_reads() == []
        with CaptureQueriesContext(connection) as asked:
            assert read_due() == 1
        row.refresh_from_db()
        assert (row.state, row.proof, row.read_at) == (State.VERIFIED, "field", None)
        assert Reading.objects.get().answer == "there"
        assert not [query for query in asked if "sealed_plan" in query["sql"]]

    def test_memory_holds_what_the_database_does(self, scribe, ecw):
        post(scribe)
        run_lanes()
        [held] = handed.take(10)
        kept = Delivery.objects.select_related("note_version", "wire").get()
        for column in ("state", "attempts", "readings_made", "reason_code", "control_id", "note_id", "lane_id"):
            assert getattr(held, column) == getattr(kept, column), column
        assert abs(held.accepted_at - kept.accepted_at) < timedelta(seconds=5)
        assert planned(held) == open_plan(kept.pk, kept.wire.sealed_plan)
        assert held.in_hand.visit == open_body(kept).visit

    def test_what_was_lost_with_its_process_is_found_after_the_lease(self, scribe, ecw, settings):
        settings.LEASE_SECONDS = 3.0
        delivery = post(scribe)
        run_lanes()
        handed.take(10)
        assert Delivery.objects.get().read_at < timezone.now() + timedelta(seconds=3.1)
        Delivery.objects.update(read_at=timezone.now())
        read_due()
        assert state(delivery) == State.VERIFIED

    def test_what_differs_is_looked_for_again_by_the_database(self, scribe, ecw):
        delivery = post(scribe)
        ecw.fault("silent_drop", field_id="NF-02", count=1)
        run_lanes()
        read_due()
        assert (state(delivery), handed.take(10)) == (State.ACCEPTED, [])
        Delivery.objects.update(read_at=timezone.now(), accepted_at=timezone.now() - timedelta(minutes=5))
        read_due()
        assert state(delivery) == State.MISFILED

    def test_what_has_moved_since_is_left_alone(self, scribe, ecw):
        delivery = post(scribe)
        run_lanes()
        Delivery.objects.filter(pk=delivery).update(attempts=7)
        read_due()
        assert (state(delivery), Reading.objects.count()) == (State.ACCEPTED, 0)

    def test_what_is_due_by_the_database_is_read_beside_it(self, scribe, ecw):
        first = post(scribe)
        run_lanes()
        handed.take(10)
        Delivery.objects.update(read_at=timezone.now())
        second = post(scribe, 2)
        run_lanes()
        assert read_due() == 2
        assert (state(first), state(second)) == (State.VERIFIED, State.VERIFIED)

    def test_what_a_person_asks_for_meanwhile_is_read_and_recorded_once(self, scribe, ecw):
        delivery = post(scribe)
        run_lanes()
        Delivery.objects.update(read_at=timezone.now())
        assert read_due() == 1
        assert (state(delivery), Reading.objects.count()) == (State.VERIFIED, 1)
        assert Move.objects.filter(delivery=delivery, to_state="verified").count() == 1
        assert AuditEvent.objects.filter(event="delivery.verified").count() == 1

    def test_what_waits_longer_than_its_claim_is_let_go_and_read_once(self, scribe, ecw, settings):
        settings.LEASE_SECONDS = 0.2
        delivery = post(scribe)
        run_lanes()
        time.sleep(0.3)
        assert handed.take(10) == []
        assert read_due() == 1
        assert (state(delivery), Reading.objects.count()) == (State.VERIFIED, 1)

    def test_a_doubt_is_never_in_hand(self, scribe, ecw):
        post(scribe)
        ecw.fault("cut_after_file", count=1)
        run_lanes()
        assert handed.take(10) == []

    def test_without_room_the_database_says_that_it_is_due(self, scribe, ecw, monkeypatch):
        monkeypatch.setattr(handed, "MOST", 0)
        post(scribe)
        run_lanes()
        assert Delivery.objects.get().read_at <= timezone.now()
        assert len(claim_reads()) == 1

    def test_a_reader_that_ends_leaves_it_to_everybody_at_once(self, scribe, ecw):
        post(scribe)
        run_lanes()
        handed.end()
        assert len(claim_reads()) == 1

    def test_what_comes_after_the_reader_has_ended_is_everybodys_too(self, scribe, ecw):
        post(scribe)
        run_lanes()
        late = handed.take(10)
        handed.end()
        handed.give(late)
        assert len(claim_reads()) == 1


def test_where_no_reader_runs_nothing_is_kept(scribe, ecw):
    post(scribe)
    run_lanes()
    assert handed.take(10) == []
    assert [row.in_hand for row in verification.to_look_for()] == [None]
