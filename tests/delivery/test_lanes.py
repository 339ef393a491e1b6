"""Leases: who may send on a lane, and what becomes of what the last one left."""

import os
import subprocess
import time
from datetime import timedelta

import psutil
import pytest
from django.db import transaction
from django.utils import timezone

from delivery import lanes
from delivery.due import due, lanes_with_work
from delivery.models import Delivery, Lane
from delivery.states import State
from delivery.transition import tickets, transition
from tests.delivery.conftest import a_note

pytestmark = pytest.mark.django_db
DEAD = f"{lanes.process_space()}|999999|1"


@pytest.fixture
def delivery(scribe):
    scribe.post(a_note())
    return Delivery.objects.get()


def sending_under(lease, delivery):
    with transaction.atomic():
        transition(tickets([delivery.pk]), State.READY, State.SENDING, columns={"epoch": lease.epoch})


def test_a_lane_has_one_holder(delivery):
    assert lanes.acquire(delivery.lane_id)
    assert lanes.acquire(delivery.lane_id) is None


def test_every_takeover_raises_the_epoch(delivery):
    first = lanes.acquire(delivery.lane_id)
    lanes.release(first)
    assert lanes.acquire(delivery.lane_id).epoch == first.epoch + 1


def test_a_lease_that_ran_out_is_taken_over_and_what_was_sending_is_unknown(delivery):
    lease = lanes.acquire(delivery.lane_id)
    sending_under(lease, delivery)
    Lane.objects.update(expires_at=timezone.now() - timedelta(seconds=1), owner="elsewhere|1|1")
    assert lanes.acquire(delivery.lane_id)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason_code, delivery.crashes) == (State.UNKNOWN, "crash", 1)
    assert delivery.read_at is not None


def test_a_dead_holder_of_this_machine_is_not_waited_for(delivery):
    lease = lanes.acquire(delivery.lane_id)
    sending_under(lease, delivery)
    Lane.objects.update(owner=DEAD)
    assert lanes.acquire(delivery.lane_id)
    delivery.refresh_from_db()
    assert delivery.state == State.UNKNOWN


def test_a_holder_elsewhere_is_waited_for_however_dead_it_may_be(delivery):
    lanes.acquire(delivery.lane_id)
    Lane.objects.update(owner="another-host/boot/1|999999|1")
    assert lanes.acquire(delivery.lane_id) is None


def test_this_process_is_alive_and_its_pid_with_another_start_is_not():
    assert not lanes.is_dead(lanes.owner())
    space, pid, _ = lanes.owner().split("|")
    assert lanes.is_dead(f"{space}|{pid}|1")


@pytest.mark.parametrize("name", ["", "x", "a|b|c", "a|1"])
def test_a_name_that_cannot_be_read_counts_as_alive(name):
    assert not lanes.is_dead(name)


def test_the_guard_trips_before_the_lease_ends(settings, delivery):
    settings.LEASE_SECONDS = 0.2
    lease = lanes.acquire(delivery.lane_id)
    assert lease.holds()
    time.sleep(0.13)
    assert not lease.holds()
    assert Lane.objects.get().expires_at > timezone.now()


def test_renewing_lengthens_the_guard_only_while_the_epoch_stands(settings, delivery):
    settings.LEASE_SECONDS = 0.2
    lease = lanes.acquire(delivery.lane_id)
    time.sleep(0.13)
    assert lanes.renew(lease, draining=True)
    assert lease.holds()
    Lane.objects.update(epoch=lease.epoch + 1)
    before = lease.taken_at
    assert not lanes.renew(lease, draining=True)
    assert lease.taken_at == before


def test_a_released_lane_is_not_released_twice(delivery):
    first = lanes.acquire(delivery.lane_id)
    lanes.release(first)
    second = lanes.acquire(delivery.lane_id)
    lanes.release(first)
    assert Lane.objects.get().owner == lanes.owner()
    assert lanes.renew(second, draining=False)


def test_an_encounter_always_has_the_same_lane(cast):
    numbers = {lanes.lane_for(cast.hl7.pk, 4, "a3f0c2d9" * 4).pk for _ in range(3)}
    assert len(numbers) == 1
    spread = {lanes.lane_for(cast.hl7.pk, 4, f"{number:08x}" * 4).index for number in range(20)}
    assert spread == {0, 1, 2, 3}


def post(scribe, number, **changes):
    return scribe.post(a_note(source_note_id=f"n{number}", **changes)).json()["deliveries"][0]["id"]


def test_notes_of_one_encounter_wait_for_each_other(scribe):
    first, second = post(scribe, 1), post(scribe, 2)
    lane = Delivery.objects.get(pk=first).lane_id
    assert [row.pk for row in due(lane)] == [first]
    Delivery.objects.filter(pk=first).update(not_before=timezone.now() + timedelta(hours=1))
    assert list(due(lane)) == [], "a retry that is not due yet keeps its place"
    with transaction.atomic():
        transition(tickets([first]), State.READY, State.PARKED)
    assert [row.pk for row in due(lane)] == [second], "a parked note does not stop another note"


def test_a_parked_version_stops_the_next_version_of_the_same_note(scribe):
    first = post(scribe, 1)
    with transaction.atomic():
        transition(tickets([first]), State.READY, State.PARKED)
    post(scribe, 1, version=2)
    assert list(due(Delivery.objects.get(pk=first).lane_id)) == []


def test_a_version_behind_a_parked_one_stops_no_other_note_of_the_encounter(scribe):
    first = post(scribe, 1)
    with transaction.atomic():
        transition(tickets([first]), State.READY, State.PARKED)
    post(scribe, 1, version=2)
    third = post(scribe, 2)
    assert [row.pk for row in due(Delivery.objects.get(pk=first).lane_id)] == [third]
    with transaction.atomic():
        transition(tickets([first]), State.PARKED, State.CANCELLED)
    assert [row.pk for row in due(Delivery.objects.get(pk=first).lane_id)] != [third], "the order counts again"


def test_lanes_with_work_are_those_with_due_rows_or_orphans(scribe):
    first = post(scribe, 1)
    lane = Delivery.objects.get(pk=first).lane_id
    assert lanes_with_work() == [lane]
    Delivery.objects.update(not_before=timezone.now() + timedelta(hours=1))
    assert lanes_with_work() == []
    with transaction.atomic():
        transition(tickets([first]), State.READY, State.SENDING)
    assert lanes_with_work() == [lane]


def test_P25_a_clock_put_right_by_an_hour_makes_no_living_process_look_dead(monkeypatch):
    name = lanes.owner()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 3600.0)
    monkeypatch.setattr("time.time", lambda: 3600.0)
    assert lanes.owner() == name
    assert not lanes.is_dead(name)


def test_a_process_that_died_and_was_not_buried_is_dead():
    child = subprocess.Popen(["true"])
    pid = child.pid
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        assert lanes.start_of(pid) == 0
        assert lanes.is_dead(f"{lanes.process_space()}|{pid}|1")
    finally:
        child.wait()
    assert lanes.start_of(pid) == 0


def test_where_there_is_no_proc_the_start_is_told_by_psutil(monkeypatch):
    monkeypatch.setattr(lanes.Path, "exists", lambda path: False)
    assert abs(lanes.start_of(os.getpid()) - psutil.Process().create_time()) < 2
    assert lanes.start_of(2**22 + 1) == 0
