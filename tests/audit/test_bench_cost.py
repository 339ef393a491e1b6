"""What recording costs is measured in pairs of short turns: what they are made of, and what is made of them."""

import random
import time

import pytest
from django.db import connection

from audit import bench_cost
from audit.bench_cost import (
    LOAD,
    TURN,
    Turn,
    bare,
    beside,
    cost,
    cpu,
    durations,
    in_turn,
    make_table,
    paired,
    pairs_of,
    processor_time,
    rates,
    spread,
    together,
    turn,
)
from audit.models import AuditEvent
from audit.record import Actor, acting

CHANCE = random.Random(7)


def a_turn(rate=100.0, took=(0.01,), cpu=0.02) -> Turn:
    return Turn(rate, list(took), cpu)


class TestThePairs:
    def test_begin_with_each_kind_as_often(self):
        assert list(in_turn(3)) == [False, True, True, False, False, True]

    @pytest.mark.parametrize("count", [1, 2, 7, 8])
    def test_hold_each_kind_once(self, count):
        order = list(in_turn(count))
        assert [set(order[place : place + 2]) for place in range(0, 2 * count, 2)] == [{False, True}] * count

    def test_are_one_without_recording_and_one_with_it_whichever_came_first(self):
        turns = [a_turn(rate) for rate in (1, 2, 3, 4)]
        assert [
            (plain.rate, recorded.rate) for plain, recorded in pairs_of(list(zip(in_turn(2), turns, strict=True)))
        ] == [
            (1, 2),
            (4, 3),
        ]

    @pytest.mark.parametrize("empty", range(4))
    def test_in_which_nothing_ended_are_left_out(self, empty):
        turns = [a_turn(took=[] if place == empty else [0.1]) for place in range(4)]
        assert len(pairs_of(list(zip(in_turn(2), turns, strict=True)))) == 1

    def test_add_up_what_the_writers_of_a_turn_did(self):
        assert together([Turn(10, [1, 2], 0.5), Turn(20, [3], 0.25)]) == Turn(30, [1, 2, 3], 0.75)


class TestTheFigures:
    def test_are_the_median_of_the_pairs_and_not_of_the_machines_moods(self):
        """A machine that becomes four times as slow changes the rates and not what is lost."""
        pairs = [(a_turn(speed), a_turn(speed * 0.9)) for speed in (400, 200, 100)]
        told = rates(pairs)
        assert (told["plain_tx_s"], told["recorded_tx_s"]) == (200, 180)
        assert told["fewer_percent"] == {"median": 10.0, "lower_quartile": 10.0, "upper_quartile": 10.0}

    def test_are_not_moved_by_one_disturbed_turn(self):
        pairs = [(a_turn(100), a_turn(95))] * 4 + [(a_turn(100), a_turn(10))]
        assert rates(pairs)["fewer_percent"]["median"] == 5.0

    def test_say_what_the_median_transaction_gains(self):
        pairs = [(a_turn(took=[0.001, 0.002, 0.09]), a_turn(took=[0.001, 0.0025, 0.2]))]
        told = durations(pairs)
        assert (told["plain_median_ms"], told["recorded_median_ms"], told["added_median_ms"]["median"]) == (
            2.0,
            2.5,
            0.5,
        )

    def test_say_the_processor_time_of_one_transaction(self):
        told = processor_time([(a_turn(took=[1, 1], cpu=0.004), a_turn(took=[1, 1, 1, 1], cpu=0.01))])
        assert (told["plain_cpu_ms"], told["recorded_cpu_ms"]) == (2.0, 2.5)
        assert told["added_cpu_percent"]["median"] == 25.0

    @pytest.mark.parametrize(
        ("values", "told"),
        [([3.0], (3, 3, 3)), ([1.0, 2.0, 3.0, 4.0, 5.0], (2, 3, 4)), ([-1.004, -1.0], (-1.0, -1.0, -1.0))],
    )
    def test_come_with_their_quartiles(self, values, told):
        assert tuple(spread(values)[name] for name in ("lower_quartile", "median", "upper_quartile")) == told


class TestATurn:
    def test_is_one_transaction_after_another_until_it_is_over(self, monkeypatch):
        monkeypatch.setattr(bench_cost, "cpu", iter([5.0, 7.5]).__next__)
        done = turn(lambda: time.sleep(0.01), 0.0, CHANCE)
        assert done.cpu == 2.5, "what came before is not counted"
        assert 5 < len(done.took) <= TURN / 0.01
        assert all(seconds >= 0.01 for seconds in done.took)
        assert done.rate == pytest.approx(len(done.took) / TURN, rel=0.2)

    def test_with_a_pace_offers_no_more_than_that(self, monkeypatch):
        monkeypatch.setattr(bench_cost, "TURN", 0.5)
        assert 5 <= len(turn(lambda: None, 40.0, random.Random(1)).took) <= 40

    def test_has_the_same_moments_as_the_other_of_its_pair(self):
        counts = {len(turn(lambda: None, 50.0, random.Random("3 5")).took) for _ in range(2)}
        assert len(counts) == 1

    def test_ends_though_nothing_comes_in_it(self):
        assert turn(lambda: None, 0.001, random.Random(1)).took == []


@pytest.mark.django_db
def test_the_databases_processor_time_is_counted_with_it():
    connection.ensure_connection()
    before = cpu()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n) AS counted"
        )
    assert cpu() - before > 0.005


@pytest.mark.django_db
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("writer", [bare, beside])
def test_the_bare_transaction_has_its_event_or_none(writer, recorded):
    make_table()
    with acting(Actor("worker", "bench")):
        writer()(recorded)
    assert AuditEvent.objects.filter(event="note.view").count() == recorded
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {bench_cost.TABLE}")
        assert cursor.fetchone() == (1,)


def waits():
    """A transaction that takes three milliseconds with recording, one without."""
    return lambda recorded: time.sleep(0.003 if recorded else 0.001)


def fails():
    def deed(recorded):
        raise ValueError("no such luck")

    return deed


@pytest.fixture
def short_turns(monkeypatch, transactional_db):
    monkeypatch.setattr(bench_cost, "TURN", 0.1)


@pytest.mark.usefixtures("short_turns")
class TestWriters:
    def test_are_processes_whose_work_is_added_up(self):
        pairs = paired(waits, 2, 2)
        assert len(pairs) == 2
        for plain, recorded in pairs:
            assert plain.rate > recorded.rate > 2 * 0.1 / 0.01
            assert min(recorded.took) >= 0.003 > min(plain.took)

    def test_that_fail_end_the_measurement_at_once(self):
        begun = time.monotonic()
        with pytest.raises(Exception, match="no such luck"):
            paired(fails, 2, 1)
        assert time.monotonic() - begun < 10

    def test_of_a_transaction_say_three_figures(self):
        told = cost("some", waits, 2, 0.4)
        assert (told["transaction"], told["pairs"]) == ("some", 2)
        assert told["saturated"]["fewer_percent"]["median"] > 20
        assert told["half_loaded"]["offered_tx_s"] == pytest.approx(LOAD * told["saturated"]["plain_tx_s"], abs=1)
        assert 1.5 < told["half_loaded"]["added_median_ms"]["median"] < 10
        assert 1.5 < told["alone"]["added_median_ms"]["median"] < 10
        assert told["alone"]["plain_cpu_ms"] > 0
