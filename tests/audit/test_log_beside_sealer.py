"""A log is exported while the sealer goes on: every event recorded before is in the file once, and the verifier agrees."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from audit import verify_log
from audit.anchors import anchor_all
from audit.event import AuditEvent
from audit.log_file import Line, as_bytes, patient_log, whole_log
from audit.part_file import selected_log, time_log
from audit.sealed import Tree
from tests.audit.log import note, seal_now

pytestmark = pytest.mark.django_db(transaction=True)
ANN = "1" * 32
KINDS: dict[str, Callable[[], Iterator[Line]]] = {
    "whole": lambda: whole_log("lakeside"),
    "time": lambda: time_log("lakeside", timezone.now() - timedelta(hours=1), None),
    "patient": lambda: patient_log("lakeside", ANN),
    "selection": lambda: selected_log("lakeside", AuditEvent.objects.filter(subject_bidx=ANN), []),
}


@pytest.fixture(params=KINDS)
def kind(request) -> Callable[[], Iterator[Line]]:
    return KINDS[request.param]


@pytest.fixture
def sealed() -> list[UUID]:
    """One event with its place and its patient's number, under a signature."""
    keys = note(subject=ANN)
    seal_now()
    anchor_all()
    return keys


def at_event(number: int, lines: Iterator[Line], meanwhile: Callable[[], object]) -> Iterator[Line]:
    """The lines; what happens meanwhile does so when this event's is written."""
    for line in lines:
        yield line
        number -= line.event
        if number == 0 and line.event:
            meanwhile()


@pytest.fixture
def ids(tmp_path, capsys):
    """The events of a file that the verifier calls whole."""

    def read(lines: Iterator[Line]) -> list[UUID]:
        path, made = tmp_path / "log.jsonl", list(lines)
        path.write_bytes(b"".join(as_bytes(made)))
        verify_log.main([str(path), "--json"])
        told = json.loads(capsys.readouterr().out)
        assert told["whole"] is True, told["wrong"]
        assert told["events"] == 1
        return [UUID(json.loads(line.content)["id"]) for line in made if line.event]

    return read


def test_what_is_sealed_while_the_unsealed_is_written_is_lost_to_no_file(kind, sealed, ids):
    keys = note(subject=ANN, count=700)
    assert sorted(ids(at_event(2, kind(), seal_now))) == sorted(sealed + keys)


def test_what_is_sealed_after_the_end_was_chosen_is_lost_to_no_file(kind, sealed, ids):
    keys = note(subject=ANN, count=3)
    assert sorted(ids(at_event(1, kind(), seal_now))) == sorted(sealed + keys)


def test_nor_is_what_is_sealed_into_a_month_that_has_only_begun(kind, sealed, ids, monkeypatch):
    keys = note(subject=ANN, count=3)
    next_month = timezone.now() + timedelta(days=32)

    def turn() -> None:
        with monkeypatch.context() as later:
            later.setattr(timezone, "now", lambda: next_month)
            seal_now()

    assert sorted(ids(at_event(1, kind(), turn))) == sorted(sealed + keys)
    assert Tree.objects.count() == 2


def test_what_is_recorded_while_the_unsealed_is_written_comes_into_no_file_that_has_counted_already(kind, sealed, ids):
    keys = note(subject=ANN, count=3)
    assert sorted(ids(at_event(2, kind(), lambda: note(subject=ANN, count=2)))) == sorted(sealed + keys)


def test_another_patients_and_another_practices_events_are_in_no_file_of_this_one(sealed, ids):
    note(subject="5" * 32, count=2)
    note("harbor", subject=ANN, count=2)
    assert ids(at_event(1, patient_log("lakeside", ANN), seal_now)) == sealed
