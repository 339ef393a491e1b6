"""P10: a worker that is asked to end finishes the message under way, writes it down, and frees its lanes at once."""

import contextvars
import threading
import time

import pytest
from django.db import connections

from delivery import lanes, opening, poll, sending, sockets
from delivery.models import Attempt, Delivery, Heartbeat, Lane
from delivery.sending import drain
from delivery.states import State
from portal.models import Connection
from tests.delivery.test_sending import post, read_profile, run_lanes
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def asked_again():
    yield
    sockets.stopping.clear()


def asked_to_end_after(monkeypatch, messages):
    """The signal comes while so many messages have been sent."""
    really, sent = sending.send_one, []

    def send_one(channel, prepared):
        sent.append(prepared)
        if len(sent) == messages:
            poll.stop()
        return really(channel, prepared)

    monkeypatch.setattr(sending, "send_one", send_one)


def test_P10_the_message_under_way_is_written_down_and_the_rest_goes_back_untouched(scribe, ecw, cast, monkeypatch):
    read_profile(cast, "readback")
    cast.hl7.settings |= {"sockets": 1}
    cast.hl7.save()
    ids = [post(scribe, number) for number in range(6)]
    asked_to_end_after(monkeypatch, 2)
    assert run_lanes() == 2
    rows = {row.pk: row for row in Delivery.objects.all()}
    assert [rows[each].state for each in ids] == [State.ACCEPTED] * 2 + [State.READY] * 4
    assert {rows[each].reason_code for each in ids[2:]} == {"worker_ended"}
    assert len(ecw.filings()) == 2
    assert not Attempt.objects.filter(outcome="").exists(), "no attempt is left open"
    lane = Lane.objects.get()
    assert (lane.owner, lane.expires_at, lane.draining) == ("", None, False)


def test_P10_what_went_back_is_due_at_once_and_sent_by_the_next_worker(scribe, ecw, cast, monkeypatch):
    read_profile(cast, "readback")
    ids = [post(scribe, number, encounter=f"E{number}") for number in range(4)]
    asked_to_end_after(monkeypatch, 1)
    run_lanes()
    sockets.stopping.clear()
    run_lanes()
    assert {row.state for row in Delivery.objects.filter(pk__in=ids)} == {State.ACCEPTED}
    assert len(ecw.filings()) == 4


def test_P10_a_worker_asked_to_end_begins_nothing(scribe, ecw):
    delivery = post(scribe)
    poll.stop()
    lane = Delivery.objects.get(pk=delivery).lane_id
    poll.work_on(lane)
    assert Delivery.objects.get(pk=delivery).attempts == 0
    with sockets.holding(lane):
        assert contextvars.Context().run(drain, lane) == 0
    assert Delivery.objects.get(pk=delivery).state == State.READY
    assert Lane.objects.get().owner == ""


def test_P10_a_lane_that_only_waits_for_its_bell_is_let_go_at_once(scribe, ecw, settings):
    settings.LINGER_SECONDS = 30.0
    post(scribe)
    lane = Delivery.objects.get().lane_id

    def at_work():
        poll.work_on(lane)
        connections.close_all()

    thread = threading.Thread(target=at_work)
    thread.start()
    wait_until(lambda: Delivery.objects.get().state == State.ACCEPTED, 10)
    began = time.monotonic()
    poll.stop()
    thread.join(10)
    assert time.monotonic() - began < 5
    assert Lane.objects.get().owner == ""


def test_P10_a_worker_that_ended_as_asked_is_missed_by_nobody():
    Heartbeat.objects.create(worker="another", started_at="2026-01-01T00:00Z", beat_at="2026-01-01T00:00Z")
    poll.beat(Heartbeat.objects.get().started_at)
    assert Heartbeat.objects.filter(worker=lanes.owner()).exists()
    poll.leave()
    assert list(Heartbeat.objects.values_list("worker", flat=True)) == ["another"]


@pytest.mark.parametrize("own, expected", [({}, 7.5), ({"ack_seconds": 12}, 12.0)])
def test_an_answer_is_waited_for_as_long_as_the_connection_or_else_the_installation_says(settings, own, expected):
    settings.ACK_SECONDS = 7.5
    assert opening.settings_of(Connection(settings=own))["ack_seconds"] == expected
