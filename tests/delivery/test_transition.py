"""The one writer of a delivery's state, and the database behind it."""

import importlib
import itertools

import pytest
from django.db import DatabaseError, transaction

from audit.models import AuditEvent
from delivery.models import Delivery, Move
from delivery.states import MOVES, WORDS, State, allowed
from delivery.transition import EVENTS, IllegalMove, event_of, tickets, transition
from tests.delivery.conftest import a_note

trigger = importlib.import_module("delivery.migrations.0002_refuse_illegal_moves")
pytestmark = pytest.mark.django_db
PAIRS = list(itertools.permutations(State, 2))


@pytest.fixture
def delivery(scribe):
    scribe.post(a_note())
    return Delivery.objects.get()


def move(delivery, old, new, **options):
    with transaction.atomic():
        return transition(tickets([delivery.pk]), old, new, **options)


def test_the_database_and_the_program_have_the_same_table_of_moves():
    assert set(trigger.MOVES) == {(old.value, new.value) for old in State for new in MOVES[old]}


def test_every_state_has_its_words_and_its_moves():
    assert set(WORDS) == set(MOVES) == set(State)


def test_every_allowed_move_has_an_audit_event():
    for old in State:
        for new in MOVES[old]:
            assert event_of(old, new).startswith("delivery.")
    assert all(allowed(*pair) for pair in EVENTS)


@pytest.mark.parametrize("old, new", [pair for pair in PAIRS if not allowed(*pair)])
def test_a_move_that_is_not_in_the_table_raises(old, new):
    with pytest.raises(IllegalMove):
        transition([], old, new)


def path_to(state):
    """A chain of allowed moves from READY to a state."""
    seen, queue = {State.READY}, [[State.READY]]
    while queue:
        path = queue.pop(0)
        if path[-1] is state:
            return path
        for after in sorted(MOVES[path[-1]] - seen):
            seen.add(after)
            queue.append([*path, after])
    raise AssertionError(f"{state} cannot be reached")


@pytest.mark.parametrize("old", list(State))
def test_the_database_refuses_every_move_that_is_not_in_the_table(delivery, old):
    for before, after in itertools.pairwise(path_to(old)):
        move(delivery, before, after)
    for new in State:
        if new is old or allowed(old, new):
            continue
        with pytest.raises(DatabaseError), transaction.atomic():
            Delivery.objects.filter(pk=delivery.pk).update(state=new)
    delivery.refresh_from_db()
    assert delivery.state == old


def test_a_move_leaves_its_row_and_its_audit_event(delivery):
    move(delivery, State.READY, State.HELD, reason_code="held_by_person", reason="wrong patient?")
    row = Move.objects.filter(delivery=delivery).latest("pk")
    assert (row.from_state, row.to_state, row.reason_code) == ("ready", "held", "held_by_person")
    event = AuditEvent.objects.get(event="delivery.held")
    assert (event.reason, event.detail["reason_code"]) == ("wrong patient?", "held_by_person")
    assert event.correlation_id == delivery.note_version.correlation_id


def test_only_one_of_two_hands_moves_a_delivery(delivery):
    assert move(delivery, State.READY, State.SENDING)
    assert not move(delivery, State.READY, State.SENDING)
    assert Move.objects.filter(delivery=delivery, to_state="sending").count() == 1


def test_a_move_under_an_older_epoch_changes_nothing(delivery):
    move(delivery, State.READY, State.SENDING, columns={"epoch": 7})
    assert not move(delivery, State.SENDING, State.ACCEPTED, epoch=6)
    assert move(delivery, State.SENDING, State.ACCEPTED, epoch=7)


def test_the_move_and_its_audit_event_fail_together(delivery):
    with pytest.raises(RuntimeError), transaction.atomic():
        move(delivery, State.READY, State.HELD)
        raise RuntimeError
    delivery.refresh_from_db()
    assert delivery.state == State.READY
    assert not AuditEvent.objects.filter(event="delivery.held").exists()


# Breakers, jobs, issues and webhooks have states too; these files write theirs, and only read a delivery's.
WITH_STATES_OF_THEIR_OWN = {
    "delivery/alerts/course.py",
    "delivery/alerts/sending.py",
    "delivery/breaker.py",
    "delivery/bulk/running.py",
    "delivery/certification/running.py",
    "delivery/monitor/issues.py",
    "delivery/views/bulk.py",
    "delivery/webhooks/endpoints.py",
    "delivery/webhooks/sending.py",
    "delivery/webhooks/still_wanted.py",
}


def test_nothing_but_transition_writes_a_state():
    """Looks for any other writer in the sources: an update(state=…) or an assignment to .state."""
    import ast
    import pathlib

    offenders = []
    for path in pathlib.Path("delivery").rglob("*.py"):
        if "migrations" in path.parts or str(path) in WITH_STATES_OF_THEIR_OWN:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Attribute) and target.attr == "state" for target in node.targets
            ):
                offenders.append(f"{path}:{node.lineno}")
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update":
                offenders += [f"{path}:{node.lineno}" for word in node.keywords if word.arg == "state"]
    assert offenders == []
