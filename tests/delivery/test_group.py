"""Group commit: nobody waits for company, nobody pays for another's mistake, nobody is forgotten."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.group import LULL, Group


def submitted(group, items):
    """Every item handed in by a thread of its own; what each got, by item."""
    got = {}

    def hand_in(item):
        try:
            got[item] = group.submit(item)
        except Exception as error:
            got[item] = error

    threads = [threading.Thread(target=hand_in, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return got


class Slow:
    """Work that lets others queue up behind it, and remembers who was served together."""

    def __init__(self, seconds=0.05):
        self.seconds = seconds
        self.rounds = []

    def __call__(self, items):
        self.rounds.append(list(items))
        time.sleep(self.seconds)
        return [item * 10 for item in items]


def test_a_caller_who_comes_alone_is_served_alone_at_once():
    work = Slow(0)
    assert Group(work, 8).submit(4) == 40
    assert work.rounds == [[4]]


def test_those_who_come_while_others_are_served_go_together_and_each_gets_their_own():
    work = Slow()
    got = submitted(Group(work, 64), range(20))
    assert got == {item: item * 10 for item in range(20)}
    assert len(work.rounds) < 10
    assert sorted(item for members in work.rounds for item in members) == list(range(20)), "each is served once"


def test_as_many_as_came_last_time_are_waited_for_and_after_a_lull_nobody_is(monkeypatch):
    monkeypatch.setattr("delivery.group.PATIENCE", 20.0)
    work = Slow(0)
    group = Group(work, 8)
    group._last_round, group._ended = 2, time.monotonic()
    first = threading.Thread(target=group.submit, args=(1,))
    first.start()
    time.sleep(0.05)
    assert work.rounds == [], "the first waits"
    group.submit(2)
    first.join(10)
    assert work.rounds == [[1, 2]]
    group._ended -= LULL
    begun = time.monotonic()
    group.submit(3)
    assert work.rounds[-1] == [3]
    assert time.monotonic() - begun < 10


def test_a_round_that_nobody_joins_does_not_wait_for_ever():
    group = Group(Slow(0), 8)
    group._last_round, group._ended = 8, time.monotonic()
    assert group.submit(3) == 30


def test_no_round_is_larger_than_allowed_and_the_rest_comes_next():
    work = Slow()
    assert len(submitted(Group(work, 3), range(12))) == 12
    assert max(map(len, work.rounds)) <= 3


def test_ones_own_error_is_raised_in_ones_own_thread_only():
    def work(items):
        time.sleep(0.02)
        return [ValueError("yours") if item == 3 else item for item in items]

    got = submitted(Group(work, 8), range(6))
    assert isinstance(got.pop(3), ValueError)
    assert got == {item: item for item in (0, 1, 2, 4, 5)}


def test_what_the_work_itself_raises_reaches_everybody_and_the_next_caller_is_served():
    broken = threading.Event()
    broken.set()

    def work(items):
        time.sleep(0.02)
        if broken.is_set():
            raise ConnectionError("away")
        return list(items)

    group = Group(work, 8)
    assert {type(fate) for fate in submitted(group, range(5)).values()} == {ConnectionError}
    broken.clear()
    assert group.submit(7) == 7


def test_a_round_that_is_broken_off_by_the_end_of_its_thread_leaves_nobody_waiting():
    entered, go_on = threading.Event(), threading.Event()

    def work(items):
        entered.set()
        go_on.wait(10)
        if 0 in items:
            raise SystemExit
        return list(items)

    group, got = Group(work, 8), {}

    def end_within():
        with pytest.raises(SystemExit):
            group.submit(0)

    first = threading.Thread(target=end_within)
    first.start()
    assert entered.wait(10)
    others = [threading.Thread(target=lambda item=item: got.update({item: group.submit(item)})) for item in (1, 2)]
    for thread in others:
        thread.start()
    go_on.set()
    for thread in (first, *others):
        thread.join(10)
    assert got == {1: 1, 2: 2}


def test_a_thousand_rounds_lose_nobody_among_callers_who_come_back_at_once():
    group, done = Group(lambda items: [item + 1 for item in items], 3), []

    def come_back(start):
        for turn in range(200):
            assert group.submit(start + turn) == start + turn + 1
        done.append(start)

    threads = [threading.Thread(target=come_back, args=(place * 1000,)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 6


def test_work_that_forgets_somebody_is_an_error_for_all_of_them_and_not_a_silence():
    with pytest.raises(ValueError):
        Group(lambda items: [], 8).submit(1)


def test_a_caller_broken_off_before_its_round_leaves_the_lead_to_others(monkeypatch):
    """Its thread is gone: were it still to lead, every later note of this process would wait for ever."""
    work = Slow(0)
    group = Group(work, 8)

    def broken_off() -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(group, "_wait_for_company", broken_off)
        with pytest.raises(SystemExit):
            group.submit(1)
    assert submitted(group, [2, 3]) == {2: 20, 3: 30}
    assert 1 not in [item for members in work.rounds for item in members], "nobody waits for its answer"


@given(st.lists(st.integers(0, 99), min_size=1, max_size=12, unique=True), st.integers(1, 5))
def test_whatever_comes_in_whatever_order_everybody_gets_their_own(items, most):
    assert submitted(Group(Slow(0), most), items) == {item: item * 10 for item in items}
