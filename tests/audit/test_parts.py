"""Rows read part by part: every one once, in order. Why: tests/process/test_export_killed.py, on SQLite."""

import weakref
from collections.abc import Iterator

import pytest
from django.db import connection

from audit.models import AuditEvent
from audit.parts import in_parts
from audit.record import Entry, record_many


@pytest.fixture
def events(db) -> list[AuditEvent]:
    record_many([Entry("note.view", practice="lakeside", object_id=str(number % 3)) for number in range(7)])
    return list(AuditEvent.objects.order_by("at", "pk"))


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8])
class TestInParts:
    def test_every_row_comes_once_in_order(self, events, size):
        assert list(in_parts(AuditEvent.objects.all(), "at", "pk", size=size)) == events

    def test_and_backwards(self, events, size):
        found = list(in_parts(AuditEvent.objects.all(), "at", "pk", size=size, backwards=True))
        assert found == events[::-1]

    def test_of_many_with_the_same_first_key_none_is_passed_over(self, events, size):
        found = list(in_parts(AuditEvent.objects.all(), "object_id", "pk", size=size))
        assert found == sorted(events, key=lambda event: (event.object_id, event.pk))

    def test_by_one_key(self, events, size):
        assert list(in_parts(AuditEvent.objects.all(), "pk", size=size)) == sorted(events, key=lambda event: event.pk)


def test_of_nothing_there_is_nothing(db):
    assert list(in_parts(AuditEvent.objects.none(), "pk", size=3)) == []


def test_what_is_added_behind_the_last_part_comes_too(events):
    rows = in_parts(AuditEvent.objects.all(), "at", "pk", size=7)
    first: Iterator[AuditEvent] = (next(rows) for _ in range(7))
    assert list(first) == events
    record_many([Entry("note.view", practice="lakeside")])
    assert [event.object_id for event in rows] == [""]


def test_a_part_is_let_go_before_the_next_is_read(events):
    seen: list[weakref.ref[AuditEvent]] = []
    alive: list[int] = []

    def asked(execute, *statement):
        alive.append(sum(one() is not None for one in seen))
        return execute(*statement)

    with connection.execute_wrapper(asked):
        for event in in_parts(AuditEvent.objects.all(), "pk", size=3):
            seen.append(weakref.ref(event))
    assert len(seen) == 7
    assert alive == [0, 1, 1], "but for the last, behind which it goes on"
