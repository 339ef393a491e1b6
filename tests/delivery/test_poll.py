"""A worker's own eyes: what one round of looking does, what a failure in it costs, how the threads begin and end."""

import logging
import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone

from delivery import lanes, poll, sockets, sweeper, upkeep
from delivery.models import Delivery, Heartbeat
from delivery.poll import beat, guarded, look_around, read_all_due, work_on
from delivery.states import State
from tests.delivery.rows import make_delivery


@pytest.fixture(autouse=True)
def a_worker_at_rest(monkeypatch):
    """No test leaves this process looking as if it were asked to end, or with a reader to wake."""
    monkeypatch.setattr(poll, "_pool", None)
    poll.to_read.clear()
    sockets.stopping.clear()
    yield
    sockets.stopping.clear()
    poll.to_read.clear()


@pytest.fixture
def without_connections(monkeypatch):
    """For steps that touch no database: none is closed and opened again."""
    monkeypatch.setattr(poll, "close_old_connections", lambda: None)


@pytest.fixture
def drained(monkeypatch) -> list[int]:
    """The lanes that were drained, in order."""
    found: list[int] = []
    monkeypatch.setattr(poll, "drain", found.append)
    return found


class Pool:
    """Runs at once what is handed to it."""

    def __init__(self) -> None:
        self.given: list[tuple] = []

    def submit(self, work, *arguments) -> None:
        self.given.append((work, *arguments))


@pytest.mark.usefixtures("without_connections")
class TestAGuardedStep:
    def test_is_done(self):
        done = []
        guarded(lambda: done.append(1))
        assert done == [1]

    @pytest.mark.parametrize("kind", [DatabaseError, OperationalError, InterfaceError])
    def test_that_the_database_refuses_is_left_to_the_next_round(self, kind, caplog):
        def away():
            raise kind("FATAL: the database system is shutting down")

        with caplog.at_level(logging.WARNING, logger="delivery.poll"):
            guarded(away)
        (line,) = caplog.records
        assert (line.levelname, line.msg) == ("WARNING", "the database refused a step: %s")

    def test_that_fails_otherwise_is_an_error_and_ends_no_worker(self, caplog):
        with caplog.at_level(logging.WARNING, logger="delivery.poll"):
            guarded(lambda: 1 / 0)
        (line,) = caplog.records
        assert (line.levelname, line.msg) == ("ERROR", "a step failed: %s")

    def test_says_the_kind_of_a_failure_and_never_its_words(self, caplog):
        def tells():
            raise ValueError("Okafor Lena, born 1981")

        with caplog.at_level(logging.WARNING, logger="delivery.poll"):
            guarded(tells)
        assert "Okafor" not in caplog.records[0].getMessage()

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
    def test_that_is_asked_to_end_the_process_ends_it(self, kind):
        def ends():
            raise kind

        with pytest.raises(kind):
            guarded(ends)


def test_a_guarded_step_renews_its_connection_before_the_step(monkeypatch):
    order = []
    monkeypatch.setattr(poll, "close_old_connections", lambda: order.append("renew"))
    guarded(lambda: order.append("work"))
    assert order == ["renew", "work"]


def test_a_step_whose_connection_cannot_be_renewed_is_not_begun(monkeypatch):
    def away():
        raise OperationalError("FATAL: sorry, too many clients already")

    monkeypatch.setattr(poll, "close_old_connections", away)
    begun = []
    guarded(lambda: begun.append(1))
    assert begun == []


@pytest.mark.usefixtures("without_connections")
class TestWorkingOnALane:
    def test_drains_it_and_wakes_the_reader(self, drained):
        work_on(7)
        assert drained == [7]
        assert poll.to_read.is_set()

    def test_lets_it_go_afterwards(self, drained):
        work_on(7)
        assert sockets.held_lanes() == []

    def test_that_another_thread_holds_rings_its_bell_instead(self, drained):
        with sockets.holding(7):
            work_on(7)
            assert drained == []
            assert sockets.rung_within(7, 0)

    def test_that_is_asked_to_end_begins_nothing(self, drained):
        sockets.stopping.set()
        work_on(7)
        assert drained == []
        assert not poll.to_read.is_set()

    def test_that_fails_lets_it_go_all_the_same(self, monkeypatch):
        def fails(lane):
            raise RuntimeError

        monkeypatch.setattr(poll, "drain", fails)
        work_on(7)
        assert sockets.held_lanes() == []

    def test_that_the_database_refuses_can_be_worked_on_again(self, monkeypatch):
        tried = []

        def away_once(lane):
            tried.append(lane)
            if len(tried) == 1:
                raise OperationalError("gone")

        monkeypatch.setattr(poll, "drain", away_once)
        work_on(7)
        work_on(7)
        assert tried == [7, 7]


@pytest.mark.django_db
class TestTheHeartbeat:
    def test_is_one_row_of_this_process(self):
        beat(timezone.now())
        assert Heartbeat.objects.get().worker == lanes.owner()

    def test_keeps_when_the_worker_began(self):
        began = timezone.now() - timedelta(hours=3)
        beat(began)
        beat(timezone.now())
        assert Heartbeat.objects.get().started_at == began

    def test_comes_later_each_time(self):
        beat(timezone.now())
        first = Heartbeat.objects.get().beat_at
        beat(timezone.now())
        assert Heartbeat.objects.get().beat_at > first

    def test_says_how_many_lanes_are_in_hand(self):
        beat(timezone.now())
        with sockets.holding(7), sockets.holding(8):
            beat(timezone.now())
        assert Heartbeat.objects.get().busy_lanes == 2

    def test_touches_no_other_workers_row(self):
        long_ago = timezone.now() - timedelta(days=1)
        Heartbeat.objects.create(worker="another", started_at=long_ago, beat_at=long_ago)
        beat(timezone.now())
        assert Heartbeat.objects.get(worker="another").beat_at == long_ago


@pytest.fixture
def lane(cast):
    return cast.hl7.lanes.get_or_create(index=0)[0]


def waiting(cast, lane, **columns) -> Delivery:
    delivery = make_delivery(cast, State.READY)
    Delivery.objects.filter(pk=delivery.pk).update(lane=lane, **columns)
    return delivery


@pytest.mark.django_db
class TestOneRound:
    def test_beats_even_where_nothing_is_to_be_done(self):
        look_around(timezone.now())
        assert Heartbeat.objects.count() == 1

    def test_hands_a_lane_with_work_to_the_pool(self, cast, lane, monkeypatch):
        waiting(cast, lane)
        monkeypatch.setattr(poll, "_pool", pool := Pool())
        look_around(timezone.now())
        assert pool.given == [(work_on, lane.pk)]

    def test_hands_a_lane_once_however_much_waits_there(self, cast, lane, monkeypatch):
        for _ in range(3):
            waiting(cast, lane)
        monkeypatch.setattr(poll, "_pool", pool := Pool())
        look_around(timezone.now())
        assert len(pool.given) == 1

    def test_rings_a_lane_in_hand_instead(self, cast, lane, monkeypatch):
        waiting(cast, lane)
        monkeypatch.setattr(poll, "_pool", pool := Pool())
        with sockets.holding(lane.pk):
            look_around(timezone.now())
            assert sockets.rung_within(lane.pk, 0)
        assert pool.given == []

    def test_leaves_what_is_not_due_yet(self, cast, lane, monkeypatch):
        waiting(cast, lane, not_before=timezone.now() + timedelta(hours=1))
        monkeypatch.setattr(poll, "_pool", pool := Pool())
        look_around(timezone.now())
        assert pool.given == []

    def test_finds_what_a_dead_worker_left_sending(self, cast, lane, monkeypatch):
        left = make_delivery(cast, State.SENDING)
        Delivery.objects.filter(pk=left.pk).update(lane=lane, not_before=timezone.now() + timedelta(hours=1))
        monkeypatch.setattr(poll, "_pool", pool := Pool())
        look_around(timezone.now())
        assert pool.given == [(work_on, lane.pk)]

    def test_parks_what_is_past_its_deadline(self, cast, lane):
        late = waiting(cast, lane, deadline=timezone.now() - timedelta(seconds=1))
        look_around(timezone.now())
        assert Delivery.objects.get(pk=late.pk).state == State.PARKED

    def test_before_the_pool_is_there_still_beats_and_sweeps(self, cast, lane):
        late = waiting(cast, lane, deadline=timezone.now() - timedelta(seconds=1))
        look_around(timezone.now())
        assert Heartbeat.objects.exists()
        assert Delivery.objects.get(pk=late.pk).reason_code == "deadline"


@pytest.mark.usefixtures("without_connections")
class TestWatching:
    def rounds(self, monkeypatch, count: int) -> list[str]:
        """What so many rounds do, until the worker is asked to end."""
        done: list[str] = []

        def look(started_at):
            done.append("look")
            if done.count("look") == count:
                sockets.stopping.set()

        monkeypatch.setattr(poll, "look_around", look)
        monkeypatch.setattr(upkeep, "inform_planner", lambda: done.append("inform"))
        return done

    def test_looks_until_it_is_asked_to_end(self, monkeypatch, settings):
        settings.POLL_SECONDS = 0.0
        done = self.rounds(monkeypatch, 3)
        poll.watch()
        assert done.count("look") == 3

    def test_asks_after_the_planners_statistics_once_in_ten_minutes(self, monkeypatch, settings):
        settings.POLL_SECONDS = 0.0
        done = self.rounds(monkeypatch, 5)
        poll.watch()
        assert done.count("inform") == 1

    def test_that_was_asked_to_end_before_it_began_looks_at_nothing(self, monkeypatch):
        done = self.rounds(monkeypatch, 1)
        sockets.stopping.set()
        poll.watch()
        assert done == []

    def test_goes_on_after_a_round_that_failed(self, monkeypatch, settings):
        settings.POLL_SECONDS = 0.0
        tried = []

        def look(started_at):
            tried.append(1)
            if len(tried) < 3:
                raise OperationalError("gone")
            sockets.stopping.set()

        monkeypatch.setattr(poll, "look_around", look)
        monkeypatch.setattr(upkeep, "inform_planner", lambda: None)
        poll.watch()
        assert len(tried) == 3

    def test_gives_every_round_the_same_beginning(self, monkeypatch, settings):
        settings.POLL_SECONDS = 0.0
        began = []

        def look(started_at):
            began.append(started_at)
            if len(began) == 2:
                sockets.stopping.set()

        monkeypatch.setattr(poll, "look_around", look)
        monkeypatch.setattr(upkeep, "inform_planner", lambda: None)
        poll.watch()
        assert began[0] == began[1]


class TestReading:
    def test_goes_on_while_there_is_something_to_read(self, monkeypatch):
        left = [3, 2, 1, 0]
        monkeypatch.setattr(poll, "read_due", lambda: left.pop(0))
        read_all_due()
        assert left == []

    def test_stops_between_two_batches_when_it_is_asked_to_end(self, monkeypatch):
        read = []

        def reads():
            read.append(1)
            sockets.stopping.set()
            return 64

        monkeypatch.setattr(poll, "read_due", reads)
        read_all_due()
        assert read == [1]

    @pytest.mark.usefixtures("without_connections")
    def test_begins_at_once_when_it_is_woken(self, monkeypatch, settings):
        settings.POLL_SECONDS = 30.0
        read = threading.Event()

        def reads():
            read.set()
            sockets.stopping.set()
            return 0

        monkeypatch.setattr(poll, "read_due", reads)
        thread = threading.Thread(target=poll.keep_reading)
        thread.start()
        poll.to_read.set()
        assert read.wait(5)
        thread.join(5)
        assert not thread.is_alive()

    @pytest.mark.usefixtures("without_connections")
    def test_ends_when_the_worker_is_asked_to_end(self, monkeypatch, settings):
        settings.POLL_SECONDS = 30.0
        monkeypatch.setattr(poll, "read_due", lambda: 0)
        thread = threading.Thread(target=poll.keep_reading)
        thread.start()
        poll.stop()
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.django_db
class TestTheSweeper:
    def test_says_nothing_where_nothing_is_late(self, cast, lane, django_assert_num_queries):
        waiting(cast, lane)
        with django_assert_num_queries(1):
            assert sweeper.sweep() == 0

    def test_acts_in_the_workers_name(self, cast, lane):
        late = waiting(cast, lane, deadline=timezone.now() - timedelta(seconds=1))
        sweeper.sweep()
        assert late.moves.latest("id").actor == f"worker {lanes.owner()}"

    def test_looks_at_the_deadline_and_not_at_when_the_next_try_is_due(self, cast, lane):
        waiting(cast, lane, not_before=timezone.now() - timedelta(days=2))
        assert sweeper.sweep() == 0
