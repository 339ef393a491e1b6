"""Who dies when: every step has its turn, every kind of process dies at random too, notes and kills keep pace."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from delivery.chaos.fates import LIVES, PATIENCE, Fates, ahead, names_of
from delivery.chaos.steps import STEPS

WORKER_STEPS = {step.name for step in STEPS.values() if step.process == "worker"}
WEB_STEPS = set(STEPS) - WORKER_STEPS


@given(st.integers())
def test_every_step_of_a_kind_has_its_turn_before_any_has_it_twice_more(seed):
    fates = Fates(seed)
    drawn = Counter(fate.step for fate in (fates.of("worker") for _ in range(300)) if fate.step)
    assert set(drawn) == WORKER_STEPS
    assert max(drawn.values()) - min(drawn.values()) <= 1


@given(st.integers())
def test_each_process_passes_its_own_steps_only(seed):
    fates = Fates(seed)
    assert {fates.of("web").step for _ in range(60)} == WEB_STEPS | {""}
    assert {fates.of("receiver").step for _ in range(20)} == {""}


@given(st.integers())
def test_deaths_come_within_the_life_of_their_kind(seed):
    fates = Fates(seed)
    for kind, (least, most) in LIVES.items():
        for fate in (fates.of(kind) for _ in range(50)):
            assert fate.seconds == PATIENCE if fate.step else least <= fate.seconds <= most
            assert fate.after >= 1 if fate.step else fate.after == 0


def test_only_workers_freeze():
    fates = Fates(1)
    assert any(fates.of("worker").freezes for _ in range(200))
    assert not any(fates.of(kind).freezes for kind in ("web", "receiver") for _ in range(200))


def test_the_same_seed_draws_the_same_fates():
    first, second = Fates(7), Fates(7)
    assert [first.of("worker") for _ in range(40)] == [second.of("worker") for _ in range(40)]


def test_a_step_that_was_not_reached_is_drawn_next():
    fates = Fates(3)
    missed = next(fate for fate in iter(lambda: fates.of("worker"), None) if fate.step)
    fates.missed(missed)
    again = next(fate for fate in iter(lambda: fates.of("worker"), None) if fate.step)
    assert again.step == missed.step


def test_neither_notes_nor_kills_run_ahead_of_the_other():
    assert not ahead(10, 100, 0, 10, slack=0.1)
    assert ahead(11, 100, 0, 10, slack=0.1)
    assert not ahead(50, 100, 5, 10, slack=0.0)
    assert ahead(6, 10, 50, 100, slack=0.05)


def test_nobody_waits_for_what_is_finished():
    assert not ahead(1, 100, 10, 10)
    assert not ahead(99, 100, 0, 0), "a run without kills"


@given(st.integers(1, 1000), st.integers(1, 1000), st.data())
def test_one_of_the_two_may_always_go_on(notes, kills, data):
    posted, killed = data.draw(st.integers(0, notes)), data.draw(st.integers(0, kills))
    assert not (ahead(posted, notes, killed, kills) and ahead(killed, kills, posted, notes))


def test_every_step_is_listed_also_one_that_never_came_up():
    names = names_of(["sent", "sent", "web at random"])
    assert (names["sent"], names["read"], names["web at random"]) == (2, 0, 1)
    assert set(names) == {*STEPS, "web at random"}
