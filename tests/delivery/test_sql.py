"""The statements the ORM cannot say: parameters, rows and keys alike on SQLite and on PostgreSQL."""

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone as now_in

from audit.models import AuditEvent
from audit.record import Entry
from delivery import sql
from delivery.models import Attempt, Delivery, Heartbeat, Lane, Move, Note, RateWindow
from delivery.states import State
from tests.delivery.rows import make_delivery

MOMENT = datetime(2026, 3, 19, 10, 15, 2, 123456, tzinfo=UTC)


class TestMarks:
    def test_of_nothing_are_nothing(self):
        assert sql.marks([]) == ""

    def test_of_one_value_are_one(self):
        assert sql.marks([7]) == "%s"

    def test_of_three_values_are_three(self):
        assert sql.marks("abc") == "%s, %s, %s"


class TestTheNameOfATable:
    def test_is_quoted_for_this_database(self):
        assert sql.table(Delivery) == '"delivery_delivery"'

    def test_is_the_models_own(self):
        assert sql.table(RateWindow) == '"delivery_ratewindow"'


class TestAParameter:
    @pytest.mark.parametrize("plain", [1, "text", None, True, 2.5, b"bytes"])
    def test_that_a_database_knows_is_given_as_it_is(self, plain):
        assert sql.adapted(plain) is plain

    def test_that_is_a_list_is_json(self):
        assert json.loads(sql.adapted([{"code": "plan"}])) == [{"code": "plan"}]

    def test_that_is_an_object_is_json(self):
        assert json.loads(sql.adapted({"sections": 3})) == {"sections": 3}

    def test_that_is_an_empty_list_is_an_empty_list_of_json(self):
        assert sql.adapted([]) == "[]"

    @pytest.mark.django_db
    def test_that_is_a_time_comes_back_as_that_time(self):
        sql.insert([Heartbeat(worker="w", started_at=MOMENT, beat_at=MOMENT, busy_lanes=0)])
        later = MOMENT + timedelta(microseconds=1)
        sql.returning(f"UPDATE {sql.table(Heartbeat)} SET beat_at = %s RETURNING worker", [later])
        assert Heartbeat.objects.get().beat_at == later

    @pytest.mark.django_db
    def test_that_is_a_time_of_another_zone_is_the_same_moment(self):
        there = MOMENT.astimezone(timezone(timedelta(hours=-5)))
        sql.insert([Heartbeat(worker="w", started_at=there, beat_at=there, busy_lanes=0)])
        assert Heartbeat.objects.get().beat_at == MOMENT

    @pytest.mark.django_db
    def test_that_is_a_time_is_compared_as_a_time(self):
        sql.insert([Heartbeat(worker="w", started_at=MOMENT, beat_at=MOMENT, busy_lanes=0)])
        statement = f"UPDATE {sql.table(Heartbeat)} SET busy_lanes = 1 WHERE beat_at < %s RETURNING worker"
        assert sql.returning(statement, [MOMENT]) == []
        assert sql.returning(statement, [MOMENT + timedelta(seconds=1)]) == [("w",)]


@pytest.mark.django_db
class TestReturning:
    def test_gives_a_row_for_each_that_was_changed(self):
        for name in ("a", "b", "c"):
            RateWindow.objects.create(key=name, minute=1, used=1)
        rows = sql.returning(
            f"UPDATE {sql.table(RateWindow)} SET used = used + %s WHERE key <> %s RETURNING key, used", [5, "b"]
        )
        assert sorted(rows) == [("a", 6), ("c", 6)]

    def test_gives_nothing_where_nothing_was_changed(self):
        assert sql.returning(f"UPDATE {sql.table(RateWindow)} SET used = 1 RETURNING key", []) == []

    def test_with_a_value_that_looks_like_sql_changes_what_it_names_and_nothing_else(self):
        RateWindow.objects.create(key="a", minute=1, used=1)
        hostile = "a'; DELETE FROM delivery_ratewindow; --"
        assert (
            sql.returning(f"UPDATE {sql.table(RateWindow)} SET used = 2 WHERE key = %s RETURNING key", [hostile]) == []
        )
        assert RateWindow.objects.get().used == 1


@pytest.mark.django_db
class TestUpdateEach:
    @pytest.fixture(autouse=True)
    def rows(self):
        for name in ("a", "b", "c"):
            RateWindow.objects.create(key=name, minute=1, used=0)

    def used(self):
        return dict(RateWindow.objects.values_list("key", "used"))

    def test_gives_each_row_its_own_values_in_one_statement(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            assert sorted(sql.update_each(RateWindow, ["key"], ["used"], [("a", 3), ("b", 4)])) == [("a",), ("b",)]
        assert self.used() == {"a": 3, "b": 4, "c": 0}

    def test_gives_all_of_them_what_they_share_where_the_guard_holds(self):
        RateWindow.objects.filter(key="b").update(minute=2)
        found = sql.update_each(RateWindow, ["key"], [], [("a",), ("b",)], shared={"used": 9}, guard={"minute": 1})
        assert found == [("a",)]
        assert self.used() == {"a": 9, "b": 0, "c": 0}

    def test_finds_a_row_by_several_keys(self):
        assert sql.update_each(RateWindow, ["key", "minute"], ["used"], [("a", 1, 5), ("b", 2, 5)]) == [("a", 1)]

    def test_splits_what_one_statement_cannot_hold(self, monkeypatch):
        monkeypatch.setattr(sql, "MOST_MARKS", 5)
        assert len(sql.update_each(RateWindow, ["key"], ["used"], [(name, 7) for name in "abc"])) == 3
        assert set(self.used().values()) == {7}

    def test_of_no_rows_asks_the_database_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert sql.update_each(RateWindow, ["key"], ["used"], []) == []

    def test_takes_nothing_but_null_for_a_column_of_any_kind(self, cast):
        delivery = make_delivery(cast, State.SENDING)
        Attempt.objects.filter(delivery=delivery).update(sealed_answer=b"x", finished_at=MOMENT)
        rows = [(delivery.pk, 1, None, None)]
        sql.update_each(Attempt, ["delivery_id", "number"], ["finished_at", "sealed_answer"], rows)
        attempt = Attempt.objects.get(delivery=delivery)
        assert (attempt.finished_at, attempt.sealed_answer) == (None, None)

    def test_sets_a_time_by_the_databases_clock(self, cast):
        lane = Lane.objects.create(connection=cast.hl7, index=0)
        sql.update_each(Lane, ["id"], [], [(lane.pk,)], shared={"expires_at": sql.Later(90)})
        assert Lane.objects.filter(expires_at__gt=Now() + timedelta(seconds=85)).exists()
        assert Lane.objects.filter(expires_at__lt=Now() + timedelta(seconds=95)).exists()


def attempt_of(delivery: Delivery, number: int, **columns: object) -> Attempt:
    values = {"epoch": 1, "worker": "w", "connection": delivery.connection, "intent_at": MOMENT, **columns}
    return Attempt(delivery=delivery, number=number, **values)


def windows(count: int) -> list[RateWindow]:
    return [RateWindow(key=f"k{place}", minute=1, used=place) for place in range(count)]


@pytest.mark.django_db
class TestInserting:
    def test_of_nothing_asks_the_database_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            sql.insert([])

    def test_sets_the_key_that_the_database_gave_on_each_row_in_order(self, cast):
        rows = [Lane(connection=cast.hl7, index=place) for place in (5, 3, 9)]
        sql.insert(rows)
        assert [Lane.objects.get(pk=row.pk).index for row in rows] == [5, 3, 9]

    def test_of_a_hundred_rows_is_one_statement(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            sql.insert(windows(100))
        assert RateWindow.objects.count() == 100

    def test_of_more_rows_than_a_statement_takes_parameters_is_several(self, django_assert_num_queries):
        assert len(sql.stored(RateWindow)) == 3
        with django_assert_num_queries(2):
            sql.insert(windows(301))  # 903 parameters; 900 are the most
        assert RateWindow.objects.count() == 301

    def test_of_exactly_as_many_rows_as_a_statement_takes_is_one(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            sql.insert(windows(300))

    def test_keeps_lists_and_texts_of_every_kind(self, cast):
        delivery = make_delivery(cast, State.HELD)
        fresh = Delivery.objects.get(pk=delivery.pk)
        fresh.pk, fresh.control_id = None, "Z" * 20
        fresh.problems = [{"message": "“curly” 佐藤 'quoted' \\ % %s", "pointer": "/sections/0"}]
        sql.insert([fresh])
        assert Delivery.objects.get(pk=fresh.pk).problems == fresh.problems

    @pytest.mark.parametrize("sealed", [b"", bytes(range(256)), b"\\x41", b"'; --%s"])
    def test_keeps_bytes_of_every_kind(self, cast, sealed):
        delivery = make_delivery(cast, State.SENDING)
        sql.insert([attempt_of(delivery, 7, sealed_answer=sealed)])
        assert bytes(Attempt.objects.get(number=7).sealed_answer) == sealed

    def test_keeps_a_moment_to_the_microsecond_whatever_its_zone(self, cast):
        delivery = make_delivery(cast, State.SENDING)
        sql.insert([attempt_of(delivery, 8, intent_at=MOMENT.astimezone(timezone(timedelta(hours=9))))])
        assert Attempt.objects.get(number=8).intent_at == MOMENT

    def test_keeps_texts_within_lists_as_they_are(self, cast):
        fresh = Delivery.objects.get(pk=make_delivery(cast, State.HELD).pk)
        fresh.pk, fresh.control_id = None, "Z" * 20
        fresh.problems = [["\\u0041", "\\x41", "null", ""], {"a": None, "b": True, "c": 1.5, "d": {}}]
        sql.insert([fresh])
        assert Delivery.objects.get(pk=fresh.pk).problems == fresh.problems

    def test_tells_a_row_without_a_value_from_one_with_an_empty_one(self, cast):
        delivery = make_delivery(cast, State.SENDING)
        sql.insert([attempt_of(delivery, 5, sealed_answer=None), attempt_of(delivery, 6, sealed_answer=b"")])
        found = dict(Attempt.objects.filter(number__in=[5, 6]).values_list("number", "sealed_answer"))
        assert (found[5], bytes(found[6])) == (None, b"")

    def test_keeps_what_is_null(self, cast):
        delivery = Delivery.objects.get(pk=make_delivery(cast, State.HELD).pk)
        delivery.pk, delivery.control_id, delivery.lane = None, "Z" * 20, None
        sql.insert([delivery])
        assert Delivery.objects.get(pk=delivery.pk).lane_id is None

    def test_of_one_row_twice_is_refused_whole(self):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql.insert([*windows(1), *windows(2)])
        assert RateWindow.objects.count() == 0

    def test_of_an_attempt_of_nobody_is_refused_by_its_foreign_key(self, cast):
        lost = Attempt(delivery_id=10**9, number=1, epoch=1, worker="w", connection=cast.hl7, intent_at=MOMENT)
        with pytest.raises(DatabaseError), transaction.atomic():
            sql.insert([lost])
            connection.check_constraints()

    def test_brings_every_column_but_a_key_of_the_databases(self):
        names = [field.name for field in sql.stored(Move)]
        assert names == ["delivery", "from_state", "to_state", "at", "epoch", "reason_code", "actor"]

    def test_brings_a_key_that_the_program_makes(self):
        assert "id" in [field.name for field in sql.stored(Note)]


@pytest.mark.django_db
def test_what_was_inserted_here_is_read_by_the_orm_like_its_own(cast):
    note = Note(
        id=uuid.uuid4(),
        practice=cast.practice,
        location=cast.north,
        scribe=cast.scribe,
        source_note_id="nt-1",
        created_at=now_in.now(),
    )
    sql.insert([note])
    assert Note.objects.get(source_note_id="nt-1") == note


@pytest.mark.django_db
@pytest.mark.usefixtures("postgres_only")
class TestInsertingOnPostgresql:
    def test_any_number_of_rows_goes_by_one_kept_statement(self):
        for start, count in ((0, 1), (1, 2), (3, 40)):
            sql.insert([RateWindow(key=f"k{place}", minute=1, used=1) for place in range(start, start + count)])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%%ratewindow%%'", []
            )
            assert cursor.fetchone() == (1,)
        assert RateWindow.objects.count() == 43

    def test_a_text_that_is_too_long_is_refused_and_not_cut(self):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql.insert([RateWindow(key="k" * 500, minute=1, used=1)])

    def test_a_character_that_no_text_can_hold_is_refused(self):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql.insert([RateWindow(key="k\0", minute=1, used=1)])

    def test_half_a_character_is_refused(self):
        with pytest.raises((DatabaseError, UnicodeError)), transaction.atomic():
            sql.insert([RateWindow(key="\ud800", minute=1, used=1)])

    def test_a_value_of_a_kind_that_no_column_has_is_refused(self):
        with pytest.raises(TypeError, match="object"):
            sql._as_json(object())


@pytest.mark.django_db
class TestInsertingRowsOfOthersBeside:
    def test_all_of_them_stand_there_and_the_keys_are_set(self, cast):
        beats = [Heartbeat(worker=name, started_at=MOMENT, beat_at=MOMENT, busy_lanes=0) for name in "ab"]
        windows = [RateWindow(key="k", minute=1, used=2)]
        lanes = [Lane(connection=cast.hl7, index=40 + place) for place in range(3)]
        sql.insert(lanes, others=[beats, [], windows])
        assert [Lane.objects.get(pk=lane.pk).index for lane in lanes] == [40, 41, 42]
        assert set(Heartbeat.objects.values_list("worker", flat=True)) == {"a", "b"}
        assert RateWindow.objects.get().used == 2

    def test_they_stand_there_without_rows_too(self):
        sql.insert([], others=[[RateWindow(key="k", minute=1, used=2)]])
        assert RateWindow.objects.get().key == "k"

    def test_on_a_server_they_cost_no_statement(self, cast, django_assert_num_queries):
        if connection.vendor != "postgresql":
            pytest.skip("a round trip within the process costs nothing")
        sql.insert([Lane(connection=cast.hl7, index=40)], others=[[RateWindow(key="k", minute=1, used=2)]])
        with django_assert_num_queries(1):
            sql.insert([Lane(connection=cast.hl7, index=41)], others=[[RateWindow(key="l", minute=1, used=2)]])


@pytest.mark.django_db(transaction=True)
class TestOutsideATransaction:
    @pytest.mark.parametrize("with_rows", [True, False])
    @pytest.mark.parametrize("beside", ["others", "events", "both"])
    def test_rows_with_something_beside_them_are_refused_and_none_stands(self, beside, with_rows):
        """Part of it could stand without the rest."""
        beats = [Heartbeat(worker="w", started_at=MOMENT, beat_at=MOMENT, busy_lanes=0)]
        events = [] if beside == "others" else [Entry("system.start")]
        others = [] if beside == "events" else [beats]
        with pytest.raises(transaction.TransactionManagementError, match="atomic"):
            sql.insert(windows(1) if with_rows else [], events, others=others)
        assert (Heartbeat.objects.count(), RateWindow.objects.count(), AuditEvent.objects.count()) == (0, 0, 0)

    def test_rows_of_one_model_need_none(self):
        sql.insert(windows(2), others=[[]])
        assert RateWindow.objects.count() == 2
