"""The lane loop against the simulated eCW: what it sends, in which order, and what it makes of each answer."""

import contextvars
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from delivery import breaker, lanes, rate, sending, sockets
from delivery.models import Attempt, Breaker, ConnectionState, Delivery, Lane, RateWindow, Wire
from delivery.sending import drain
from delivery.states import State
from delivery.transition import tickets, transition
from tests.delivery.conftest import a_note

pytestmark = pytest.mark.django_db(transaction=True)


def post(scribe, number=1, encounter=None, **changes):
    encounter = {"id": encounter or f"E{number}"}
    answer = scribe.post(a_note(source_note_id=f"n{number}", encounter=encounter, **changes))
    assert answer.status_code == 201, answer.content
    return answer.json()["deliveries"][0]["id"]


def run_lanes():
    """Drain every lane once, as a worker would: in its thread nobody acts yet."""
    sent = 0
    for lane in Lane.objects.all():
        with sockets.holding(lane.pk):
            sent += contextvars.Context().run(drain, lane.pk)
    return sent


def read_profile(cast, profile):
    ConnectionState.objects.update_or_create(connection=cast.hl7, defaults={"profile": profile})


def state(delivery_id):
    return Delivery.objects.get(pk=delivery_id).state


def test_a_note_reaches_its_fields(scribe, ecw):
    delivery = post(scribe)
    assert run_lanes() == 1
    assert state(delivery) == State.ACCEPTED
    [filing] = ecw.filings()
    assert filing["control_id"] == Delivery.objects.get().control_id


def test_the_intent_is_committed_with_the_hash_of_what_leaves(scribe, ecw):
    post(scribe)
    run_lanes()
    attempt = Attempt.objects.get()
    assert attempt.wire_sha256 == Wire.objects.get().sha256
    assert (attempt.outcome, attempt.code) == ("accepted", "AA")
    assert attempt.intent_at <= attempt.finished_at
    intent = AuditEvent.objects.get(event="delivery.intent")
    assert intent.detail["wire_sha256"] == attempt.wire_sha256
    assert intent.recipient == "eCW sandbox HL7"


def test_a_batch_goes_in_order_and_costs_one_attempt_each(scribe, ecw, cast):
    read_profile(cast, "readback")
    ids = [post(scribe, number) for number in range(12)]
    assert run_lanes() == 12
    assert all(state(each) == State.ACCEPTED for each in ids)
    assert Attempt.objects.count() == 12
    by_lane = {}
    order = {row.control_id: row for row in Delivery.objects.all()}
    for filing in ecw.filings():
        row = order[filing["control_id"]]
        by_lane.setdefault(row.lane_id, []).append(row.pk)
    assert all(keys == sorted(keys) for keys in by_lane.values())


def test_N07_silence_is_unknown_and_what_stood_behind_it_goes_back_untouched(scribe, ecw, cast):
    read_profile(cast, "readback")
    cast.hl7.settings |= {"ack_seconds": 5, "sockets": 1}
    cast.hl7.save()
    ids = [post(scribe, number) for number in range(3)]
    ecw.fault("drop_ack", count=1)
    run_lanes()
    first = Delivery.objects.get(pk=ids[0])
    assert (first.state, first.reason_code) == (State.UNKNOWN, "no_answer")
    assert [state(each) for each in ids[1:]] == [State.ACCEPTED, State.ACCEPTED]
    assert Attempt.objects.filter(delivery_id=ids[1]).first().reason_code == "batch_ended"
    controls = list(Delivery.objects.order_by("pk").values_list("control_id", flat=True))
    assert [one["control_id"] for one in ecw.filings()] == controls


def test_nothing_is_resent_while_the_outcome_is_unknown(scribe, ecw, cast):
    cast.hl7.settings |= {"ack_seconds": 5}
    cast.hl7.save()
    delivery = post(scribe)
    ecw.fault("cut_after_file", count=1)
    run_lanes()
    run_lanes()
    assert state(delivery) == State.UNKNOWN
    assert len(ecw.filings()) == 1


@pytest.mark.parametrize("fault, code", [("ae", "AE"), ("ar", "AR")])
def test_a_refusal_is_rejected_and_keeps_the_receivers_words_sealed(scribe, ecw, fault, code):
    delivery = post(scribe)
    ecw.fault(fault, count=1)
    run_lanes()
    assert state(delivery) == State.REJECTED
    attempt = Attempt.objects.get()
    assert attempt.code == code
    assert attempt.sealed_answer
    assert b"MSA" not in bytes(attempt.sealed_answer)


def test_an_answer_to_another_message_is_no_answer(scribe, ecw):
    delivery = post(scribe)
    ecw.fault("wrong_id_ack", count=1)
    run_lanes()
    assert state(delivery) == State.UNKNOWN


def test_a_receiver_that_is_not_there_costs_no_attempt_and_waits(scribe, ecw, cast):
    cast.hl7.settings |= {"port": 1}
    cast.hl7.save()
    delivery = post(scribe)
    assert run_lanes() == 0
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.attempts) == (State.READY, 0)
    trouble = breaker.state_of(cast.hl7.pk)
    assert (trouble.failures, trouble.last_reason) == (1, "connection_refused")
    assert trouble.retry_at > timezone.now()
    assert run_lanes() == 0
    assert breaker.state_of(cast.hl7.pk).failures == 1, "nobody knocks again before the wait is over"


def test_N20_five_connection_failures_open_the_breaker_and_a_success_closes_it(scribe, ecw, cast):
    port = cast.hl7.settings["port"]
    cast.hl7.settings |= {"port": 1}
    cast.hl7.save()
    delivery = post(scribe)
    for _ in range(5):
        ConnectionState.objects.update(retry_at=None)
        run_lanes()
    assert breaker.state_of(cast.hl7.pk).breaker == Breaker.OPEN
    cast.hl7.settings |= {"port": port}
    cast.hl7.save()
    assert run_lanes() == 0, "open: not before its time"
    ConnectionState.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    run_lanes()
    assert state(delivery) == State.ACCEPTED
    assert breaker.state_of(cast.hl7.pk).breaker == Breaker.CLOSED


def test_twenty_identical_rejections_stop_the_connection_for_a_person(scribe, ecw, cast):
    cast.hl7.settings |= {"sockets": 1}
    cast.hl7.save()
    for number in range(24):
        post(scribe, number)
    ecw.fault("ae")
    run_lanes()
    assert Delivery.objects.filter(state=State.REJECTED).count() == 20
    assert Delivery.objects.filter(state=State.READY).count() == 4
    assert breaker.state_of(cast.hl7.pk).breaker == Breaker.CONTENT
    ecw.heal()
    assert run_lanes() == 0
    breaker.close(cast.hl7)
    assert run_lanes() == 4


def test_P11_after_three_crashes_a_delivery_is_parked(scribe, ecw):
    delivery = post(scribe)
    Delivery.objects.update(crashes=3)
    run_lanes()
    assert state(delivery) == State.PARKED
    assert ecw.filings() == []


def test_a_suspect_of_a_crash_goes_alone(scribe, ecw, cast):
    read_profile(cast, "readback")
    cast.hl7.settings |= {"sockets": 1}
    cast.hl7.save()
    ids = [post(scribe, number) for number in range(4)]
    Delivery.objects.filter(pk=ids[1]).update(crashes=1)
    run_lanes()
    epochs = [Attempt.objects.get(delivery_id=each).intent_at for each in ids]
    assert epochs[0] < epochs[1] < epochs[2]
    assert all(state(each) == State.ACCEPTED for each in ids)


def test_the_mapping_in_force_at_the_moment_of_sending_counts(scribe, ecw, cast):
    delivery = post(scribe)
    cast.north_mapping.rules.filter(section_code="plan").delete()
    type(cast.north_mapping).objects.filter(pk=cast.north_mapping.pk).update(published_at=timezone.now())
    run_lanes()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code) == (State.HELD, "unmapped_section")
    assert row.problems[0]["pointer"] == "/sections/2"
    assert ecw.filings() == []


def test_a_locked_location_sends_nothing(scribe, ecw, cast):
    delivery = post(scribe)
    cast.north.locked_reason = "Certification is out of date."
    cast.north.save()
    run_lanes()
    assert Delivery.objects.get(pk=delivery).reason_code == "location_locked"
    assert ecw.filings() == []


def test_A27_a_sandbox_connection_never_sends_for_a_production_location(scribe, ecw, cast):
    delivery = post(scribe)
    type(cast.north).objects.filter(pk=cast.north.pk).update(environment="production")
    run_lanes()
    assert Delivery.objects.get(pk=delivery).reason_code == "environment_mismatch"
    assert ecw.filings() == []


def test_an_amended_note_goes_as_a_correction_after_the_first(scribe, ecw):
    post(scribe)
    run_lanes()
    post(scribe, version=2)
    run_lanes()
    assert [Delivery.objects.filter(state=State.ACCEPTED).count(), len(ecw.filings())] == [2, 2]
    second = Delivery.objects.latest("pk")
    wire = Wire.objects.get(delivery=second)
    from portal import crypto

    body = crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=second.pk)
    assert b"|C\r" in body, "OBX-11 and OBR-25 say correction"


def test_a_lane_held_elsewhere_is_left_alone(scribe, ecw):
    delivery = post(scribe)
    Lane.objects.update(owner="elsewhere|1|1", expires_at=timezone.now() + timedelta(seconds=60))
    assert run_lanes() == 0
    assert state(delivery) == State.READY


def test_a_lost_lease_sends_nothing_more(scribe, ecw, monkeypatch):
    delivery = post(scribe)
    monkeypatch.setattr(lanes.Lease, "holds", lambda self: False)
    run_lanes()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code) == (State.READY, "lease_lost")
    assert ecw.filings() == []


def test_the_lane_says_when_nobody_is_draining_it(scribe, ecw):
    post(scribe)
    run_lanes()
    lane = Lane.objects.get()
    assert (lane.draining, lane.owner, lane.expires_at) == (False, "", None)


def test_a_worker_takes_over_what_a_dead_one_left_in_its_own_name(scribe, ecw, cast):
    read_profile(cast, "readback")
    delivery = post(scribe)
    lane = Delivery.objects.get().lane_id
    dead = lanes.acquire(lane)
    with transaction.atomic():
        transition(tickets([delivery]), State.READY, State.SENDING, columns={"epoch": dead.epoch})
    Lane.objects.update(owner=f"{lanes.process_space()}|999999|1")

    run_lanes()
    assert state(delivery) == State.UNKNOWN
    assert AuditEvent.objects.get(event="delivery.unknown").actor_type == "worker"


def test_N22_the_connections_rate_limit_is_shared_by_all_lanes(scribe, ecw, cast):
    read_profile(cast, "readback")
    cast.hl7.settings |= {"calls_per_minute": 5}
    cast.hl7.save()
    for number in range(12):
        post(scribe, number)
    run_lanes()
    run_lanes()
    assert len(ecw.filings()) == 5
    assert Delivery.objects.filter(state=State.READY).count() == 7
    RateWindow.objects.update(minute=0)
    run_lanes()
    assert len(ecw.filings()) == 10


def test_a_failure_in_the_middle_leaves_doubt_and_a_lane_that_can_be_taken_at_once(scribe, ecw, monkeypatch):
    delivery = post(scribe)

    def full_disk(attempt):
        raise OSError("no space left on device")

    monkeypatch.setattr("delivery.incarnation.remember", full_disk)
    with pytest.raises(OSError, match="space"):
        run_lanes()
    assert state(delivery) == State.SENDING
    monkeypatch.undo()
    run_lanes()
    assert state(delivery) == State.UNKNOWN
    assert ecw.filings() == []


@pytest.mark.parametrize("limit, wanted, granted", [(10, 4, [4, 4, 2, 0]), (3, 16, [2, 1, 0]), (1, 1, [1, 0])])
def test_a_minute_is_handed_out_once(db, limit, wanted, granted):
    RateWindow.objects.all().delete()
    assert [rate.take("LAKESI", limit, wanted) for _ in granted] == granted


def test_behind_a_breaker_a_dead_workers_message_is_doubted_all_the_same(scribe, ecw, cast):
    delivery = post(scribe)
    lane = Lane.objects.get()
    with transaction.atomic():
        transition(tickets([delivery]), State.READY, State.SENDING, columns={"epoch": 0})
    Lane.objects.update(owner=f"{lanes.process_space()}|999999|1", epoch=1)
    breaker.failed(cast.hl7, "connection_refused")
    with sockets.holding(lane.pk):
        assert drain(lane.pk) == 0
    assert state(delivery) == State.UNKNOWN
    assert Lane.objects.get().owner == ""


def test_every_intent_of_a_batch_is_committed_before_its_first_byte_leaves(scribe, ecw, cast, monkeypatch):
    read_profile(cast, "readback")
    ids = [post(scribe, number) for number in range(6)]
    seen = []
    real = sending.send_one

    def send_one(channel, prepared):
        hashes = set(Wire.objects.values_list("sha256", flat=True))
        seen.append((connections["default"].in_atomic_block, prepared.sha256 in hashes))
        assert Attempt.objects.filter(delivery=prepared.delivery.pk, wire_sha256=prepared.sha256, outcome="").exists()
        return real(channel, prepared)

    monkeypatch.setattr(sending, "send_one", send_one)
    assert run_lanes() == len(ids)
    assert set(seen) == {(False, True)}


def test_a_crash_between_the_intents_of_a_batch_and_its_first_byte_leaves_each_of_them_in_doubt(
    scribe, ecw, cast, monkeypatch
):
    read_profile(cast, "readback")
    ids = [post(scribe, number) for number in range(6)]

    def die(*_):
        raise SystemExit

    monkeypatch.setattr(sending.LaneRun, "send_all", die)
    lane = Delivery.objects.get(pk=ids[0]).lane_id
    with sockets.holding(lane), pytest.raises(SystemExit):
        contextvars.Context().run(drain, lane)
    mine = set(Delivery.objects.filter(lane_id=lane).values_list("pk", flat=True))
    assert {state(each) for each in mine} == {State.SENDING}
    monkeypatch.undo()
    ecw.heal()
    with sockets.holding(lane):
        contextvars.Context().run(drain, lane)
    assert {state(each) for each in mine} == {State.UNKNOWN}, "the next holder doubts them before it sends anything"
    assert set(Delivery.objects.filter(pk__in=mine).values_list("crashes", flat=True)) == {1}


def test_a_lane_lost_within_a_batch_sends_no_further_byte_and_the_rest_goes_back_unsent(scribe, ecw, cast, monkeypatch):
    read_profile(cast, "readback")
    ids = [post(scribe, number, encounter="one") if number == 0 else post(scribe, number) for number in range(8)]
    lane = max(Lane.objects.all(), key=lambda row: row.deliveries.count())
    mine = list(lane.deliveries.order_by("pk").values_list("pk", flat=True))
    assert len(mine) >= 3
    asked = []

    def holds(lease):
        asked.append(lease.lane_id)
        return len(asked) <= 2

    monkeypatch.setattr(lanes.Lease, "holds", holds)
    with sockets.holding(lane.pk):
        contextvars.Context().run(drain, lane.pk)
    assert [state(each) for each in mine[:2]] == [State.ACCEPTED] * 2
    assert {state(each) for each in mine[2:]} == {State.READY}
    assert len(ecw.filings()) == 2
    assert len(ids) == Delivery.objects.count()


def test_a_batch_of_thirty_costs_hardly_more_statements_than_one_of_three(scribe, ecw, cast):
    read_profile(cast, "readback")
    cast.hl7.settings["sockets"] = 1
    cast.hl7.save()
    counts = []
    for size in (3, 30):
        for number in range(size):
            post(scribe, size * 100 + number)
        with CaptureQueriesContext(connections["default"]) as asked:
            assert run_lanes() == size
        counts.append(
            len([1 for query in asked if not query["sql"].startswith("UPDATE") or "attempt" not in query["sql"]])
        )
    assert counts[1] <= counts[0] + 8
