"""Open clients of the lanes a process holds, and the bell that wakes a lane. No database, no network: a plain channel."""

import threading
from dataclasses import dataclass, field

import pytest

from delivery import sockets
from delivery.channels.base import Unavailable
from delivery.lanes import Lease
from portal.models import Connection


@dataclass
class Line:
    """A channel that only keeps count; `away` makes opening fail."""

    away: bool = False
    seen: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.seen.append("open")
        if self.away:
            raise Unavailable("connection_refused")

    def close(self) -> None:
        self.seen.append("close")


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    sockets.stopping.clear()
    assert sockets.held_lanes() == [], "a test left a lane in hand"


@pytest.fixture
def made(monkeypatch) -> list[Line]:
    """The channels that were made, in order."""
    found: list[Line] = []

    def open_channel(connection, guard):
        found.append(Line())
        return found[-1]

    monkeypatch.setattr(sockets, "open_channel", open_channel)
    return found


LINE = Connection(pk=1, name="Line")


def lease(lane: int = 7) -> Lease:
    return Lease(lane, 1, 0.0)


class TestHolding:
    def test_a_free_lane_is_ours(self):
        with sockets.holding(7) as free:
            assert free
            assert sockets.held_lanes() == [7]

    def test_afterwards_it_is_free_again(self):
        with sockets.holding(7):
            pass
        with sockets.holding(7) as free:
            assert free

    def test_a_lane_in_hand_is_refused_and_its_bell_rings(self):
        with sockets.holding(7):
            with sockets.holding(7) as again:
                assert not again
            assert sockets.rung_within(7, 0)

    def test_whoever_was_refused_does_not_let_it_go(self):
        with sockets.holding(7):
            with sockets.holding(7):
                pass
            assert sockets.held_lanes() == [7]

    def test_two_lanes_are_held_side_by_side(self):
        with sockets.holding(7), sockets.holding(8) as free:
            assert free
            assert sorted(sockets.held_lanes()) == [7, 8]

    def test_a_failure_within_lets_it_go(self):
        with pytest.raises(RuntimeError), sockets.holding(7):
            raise RuntimeError
        assert sockets.held_lanes() == []

    def test_of_ten_threads_at_once_one_has_it(self):
        begin, done, won = threading.Barrier(10), threading.Barrier(10), []

        def take():
            begin.wait(5)
            with sockets.holding(7) as free:
                if free:
                    won.append(1)
                done.wait(5)

        threads = [threading.Thread(target=take) for _ in range(10)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(10)
        assert len(won) == 1


class TestTheBell:
    def test_of_a_lane_nobody_here_holds_does_not_ring(self):
        assert not sockets.ring(7)

    def test_of_a_lane_in_hand_rings(self):
        with sockets.holding(7):
            assert sockets.ring(7)

    def test_that_rang_before_one_waits_is_heard(self):
        with sockets.holding(7):
            sockets.ring(7)
            assert sockets.rung_within(7, 0)

    def test_that_did_not_ring_is_not_heard(self):
        with sockets.holding(7):
            assert not sockets.rung_within(7, 0)

    def test_is_heard_once(self):
        with sockets.holding(7):
            sockets.ring(7)
            sockets.ring(7)
            assert sockets.rung_within(7, 0)
            assert not sockets.rung_within(7, 0)

    def test_of_one_lane_is_not_heard_at_another(self):
        with sockets.holding(7), sockets.holding(8):
            sockets.ring(7)
            assert not sockets.rung_within(8, 0)

    def test_wakes_a_thread_that_waits(self):
        waiting, heard = threading.Event(), []

        def wait():
            with sockets.holding(7):
                waiting.set()
                heard.append(sockets.rung_within(7, 10))

        thread = threading.Thread(target=wait)
        thread.start()
        assert waiting.wait(5)
        assert sockets.ring(7)
        thread.join(5)
        assert heard == [True]

    def test_of_every_lane_in_hand_rings_when_the_worker_is_asked_to_end(self):
        with sockets.holding(7), sockets.holding(8):
            sockets.stop()
            assert sockets.stopping.is_set()
            assert sockets.rung_within(7, 0)
            assert sockets.rung_within(8, 0)

    def test_does_not_ring_anew_for_a_lane_taken_before_it(self):
        with sockets.holding(7):
            sockets.ring(7)
        with sockets.holding(7):
            assert not sockets.rung_within(7, 0)


class TestTheClient:
    def test_is_made_once_for_a_lane(self, made):
        with sockets.holding(7):
            assert sockets.client_of(lease(), LINE) is sockets.client_of(lease(), LINE)
            assert len(made) == 1

    def test_is_not_opened_when_it_is_made(self, made):
        with sockets.holding(7):
            sockets.client_of(lease(), LINE)
            assert made[0].seen == []

    def test_is_opened_once(self, made):
        with sockets.holding(7):
            sockets.client_of(lease(), LINE)
            assert [sockets.opened(7), sockets.opened(7)] == [True, False]
            assert made[0].seen == ["open"]

    def test_that_was_never_made_is_not_opened(self):
        with sockets.holding(7):
            assert not sockets.opened(7)

    def test_that_could_not_be_opened_is_opened_the_next_time(self, made):
        with sockets.holding(7):
            sockets.client_of(lease(), LINE)
            made[0].away = True
            with pytest.raises(Unavailable):
                sockets.opened(7)
            made[0].away = False
            assert sockets.opened(7)

    def test_is_closed_with_the_lane(self, made):
        with sockets.holding(7):
            sockets.client_of(lease(), LINE)
            sockets.opened(7)
        assert made[0].seen == ["open", "close"]

    def test_is_closed_with_the_lane_also_where_it_was_never_opened(self, made):
        with sockets.holding(7):
            sockets.client_of(lease(), LINE)
        assert made[0].seen == ["close"]

    def test_is_closed_after_a_doubt_and_another_made(self, made):
        with sockets.holding(7):
            first = sockets.client_of(lease(), LINE)
            sockets.opened(7)
            sockets.discard(7)
            assert made[0].seen == ["open", "close"]
            assert sockets.client_of(lease(), LINE) is not first
            assert sockets.opened(7), "the new one is opened anew"

    def test_that_is_not_there_is_thrown_away_without_harm(self):
        with sockets.holding(7):
            sockets.discard(7)
            sockets.discard(7)

    def test_of_one_lane_is_not_anothers(self, made):
        with sockets.holding(7), sockets.holding(8):
            assert sockets.client_of(lease(7), LINE) is not sockets.client_of(lease(8), LINE)

    def test_is_given_the_leases_guard(self, monkeypatch):
        guards = []

        def open_channel(connection, guard):
            guards.append(guard)
            return Line()

        monkeypatch.setattr(sockets, "open_channel", open_channel)
        own = lease()
        with sockets.holding(7):
            sockets.client_of(own, LINE)
        assert guards == [own.holds]

    def test_whose_settings_cannot_be_used_is_none_and_asked_for_again(self, monkeypatch):
        tried = []

        def open_channel(connection, guard):
            tried.append(1)
            raise ValueError("Host is missing.")

        monkeypatch.setattr(sockets, "open_channel", open_channel)
        with sockets.holding(7):
            for _ in range(2):
                with pytest.raises(ValueError, match=r"Host is missing\."):
                    sockets.client_of(lease(), LINE)
            assert not sockets.opened(7)
        assert len(tried) == 2
