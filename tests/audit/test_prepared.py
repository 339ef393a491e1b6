"""Statements that the database keeps: planned once for each connection, and otherwise like any other."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit import prepared
from delivery.due import first_due
from portal.compiled import Compiled
from portal.models import Location
from tests.audit.log import without_statistics
from tests.cast import Cast

OFTEN = 12  # PostgreSQL looks at five uses before it settles on one plan for all values


def kept() -> dict[str, int]:
    """The statements this connection keeps, with how often each was run by the plan for any value."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement, generic_plans FROM pg_prepared_statements")
        return dict(cursor.fetchall())


def run(statement: str, *values: object) -> list[tuple[object, ...]]:
    with prepared.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[object, ...]] = cursor.fetchall()
        return rows


class TestALiteral:
    @pytest.mark.parametrize(
        ("value", "words"),
        [(None, "NULL"), (True, "TRUE"), (False, "FALSE"), (0, "0"), (-7, "-7"), ("", "''"), ("ready", "'ready'")],
    )
    def test_is_the_value_in_words(self, value, words):
        assert prepared.literal(value) == words

    @pytest.mark.django_db
    @pytest.mark.parametrize("text", ["O'Neil", "100 %", "%s", "%%", "'; --", 'a "b"', "ü\n", "''"])
    def test_of_any_text_comes_back_as_that_text(self, text):
        assert run(f"SELECT {prepared.literal(text)}, %s", "beside") == [(text, "beside")]


@pytest.mark.django_db
class TestACursor:
    def test_gives_the_rows_that_any_cursor_gives(self, cast: Cast):
        statement = "SELECT code, name FROM portal_location WHERE code = %s ORDER BY name"
        with connection.cursor() as cursor:
            cursor.execute(statement, ["NORTH"])
            assert run(statement, "NORTH") == cursor.fetchall() != []

    def test_is_counted_as_a_query(self, django_assert_num_queries):
        with django_assert_num_queries(2):
            run("SELECT 1")
            run("SELECT %s", "x")

    def test_says_what_is_wrong_as_django_does(self):
        with pytest.raises(DatabaseError), transaction.atomic():
            run("SELECT nothing FROM nowhere")

    def test_sees_what_its_transaction_wrote(self, cast: Cast):
        Location.objects.filter(pk=cast.north.pk).update(name="Renamed")
        assert run("SELECT name FROM portal_location WHERE id = %s", cast.north.pk) == [("Renamed",)]

    def test_goes_on_after_a_failed_statement(self):
        assert run("SELECT %s", "before") == [("before",)]
        for _ in range(2):
            with pytest.raises(DatabaseError), transaction.atomic():
                run("SELECT CAST(%s AS nonsense)", "x") if connection.vendor == "postgresql" else run(
                    "SELECT oh(%s)", 1
                )
        assert run("SELECT %s", "before") == [("before",)]


@pytest.mark.usefixtures("postgres_only")
@pytest.mark.django_db
class TestOnPostgresql:
    def test_a_statement_is_kept_from_its_first_use(self):
        run("SELECT CAST(%s AS text) AS kept_from_the_first", "x")
        assert [words for words in kept() if "kept_from_the_first" in words]

    def test_of_the_orms_own_statements_none_is_kept(self, cast: Cast):
        for _ in range(OFTEN):
            Location.objects.filter(code="NORTH").count()
        assert not [words for words in kept() if "COUNT" in words]

    def test_a_query_built_once_is_planned_once_whatever_its_values(self, cast: Cast):
        find = Compiled(lambda code: Location.objects.filter(code=code, name="kept"), str)
        for place in range(OFTEN):
            find(f"L{place}")
        [(_, by_one_plan)] = [(words, times) for words, times in kept().items() if "'kept'" in words]
        assert by_one_plan > 0

    def test_what_is_due_is_found_by_its_index_with_a_plan_for_any_lane(self, cast: Cast):
        for lane in range(OFTEN):
            first_due(lane, 4)
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%%not_before%%'", [])
            [(name,)] = cursor.fetchall()
            without_statistics(cursor, "delivery_delivery", "delivery_note", "delivery_noteversion")
            cursor.execute("SET LOCAL enable_seqscan = off")  # on an empty table anything is cheap
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            cursor.execute(f"EXPLAIN EXECUTE {name} (7, '{timezone.now().isoformat()}')")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "delivery_due" in plan, plan
        assert "delivery_blocking" in plan, plan

    def test_a_table_that_was_altered_meanwhile_does_not_stop_the_statement(self):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE changing (body varchar(5))")
            cursor.execute("INSERT INTO changing VALUES ('x')")
        statement = "SELECT body FROM changing WHERE body = %s"
        for _ in range(OFTEN):
            assert run(statement, "x") == [("x",)]
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE changing ALTER COLUMN body TYPE text")
        assert run(statement, "x") == [("x",)]
