"""Events recorded in one statement with the deed's own INSERT: one round trip, and either both stand or neither."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.context import RecordError
from audit.models import AuditEvent
from audit.record import Entry, record_beside
from audit.verification import mac_is_right

DEED = "INSERT INTO beside_deed (body) VALUES (%s) RETURNING id, body"
SEEN = Entry("note.view", practice="lakeside", data_category=("plan",), detail={"what": 'a "word" | ü'})


@pytest.fixture
def table(db):
    with connection.cursor() as cursor:
        key = "BIGSERIAL" if connection.vendor == "postgresql" else "INTEGER"
        cursor.execute(f"CREATE TEMPORARY TABLE beside_deed (id {key} PRIMARY KEY, body TEXT NOT NULL)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE beside_deed")


def deeds() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM beside_deed ORDER BY id")
        return [body for (body,) in cursor.fetchall()]


@pytest.mark.usefixtures("table")
class TestRecordedBeside:
    @pytest.mark.parametrize("count", [1, 3])
    def test_the_deeds_rows_come_back_and_the_events_stand_as_any(self, count):
        assert record_beside([SEEN] * count, DEED, ["done"]) == [(1, "done")]
        events = list(AuditEvent.objects.all())
        assert [event.detail for event in events] == [SEEN.detail] * count
        assert [event.data_category for event in events] == [["plan"]] * count
        assert all(mac_is_right(event) for event in events)

    def test_without_events_the_deed_is_done_alone(self):
        assert record_beside([], DEED, ["done"]) == [(1, "done")]
        assert not AuditEvent.objects.exists()

    def test_a_deed_that_fails_leaves_no_event(self):
        with pytest.raises(DatabaseError), transaction.atomic():
            record_beside([SEEN], DEED, [None])
        assert (deeds(), AuditEvent.objects.count()) == ([], 0)

    def test_an_event_that_is_refused_leaves_no_deed(self):
        with pytest.raises(RecordError), transaction.atomic():
            record_beside([Entry("note.lost")], DEED, ["done"])
        assert (deeds(), AuditEvent.objects.count()) == ([], 0)

    def test_an_event_that_the_database_refuses_takes_the_deed_with_it(self, monkeypatch):
        """L08: what no check of ours foresees."""
        monkeypatch.setattr("audit.record.SCHEMA", -1)
        with pytest.raises(DatabaseError), transaction.atomic():
            record_beside([SEEN], DEED, ["done"])
        assert (deeds(), AuditEvent.objects.count()) == ([], 0)

    @pytest.mark.usefixtures("postgres_only")
    def test_postgresql_takes_both_in_one_statement(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            record_beside([SEEN] * 2, DEED, ["done"])


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_neither_is_done():
    with pytest.raises(RecordError, match="atomic"):
        record_beside([SEEN], DEED, ["done"])
