"""Statements somebody with a database prompt would try: whatever they are, the rows afterwards are those from before."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.insert_only import InsertOnlyModel, faults
from audit.verification import mac_is_right

TABLES = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, InsertOnlyModel))
POSTGRES = connection.vendor == "postgresql"


def rows(table: str) -> list:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1')
        return cursor.fetchall()


def columns(table: str) -> list[str]:
    model = next(one for one in apps.get_models() if one._meta.db_table == table)
    return [field.column for field in model._meta.concrete_fields]


def tried(statement: str) -> bool:
    """Whether the database took it; whatever it did is kept."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        return False
    return True


def unharmed(table: str, *statements: str) -> None:
    before = rows(table)
    assert before, "a table without rows proves nothing"
    for statement in statements:
        tried(statement)
        assert rows(table) == before, statement


@pytest.mark.parametrize("kind", ["event", "entry", "move"])
def test_no_column_of_a_row_can_be_set(request, kind):
    row = request.getfixturevalue(kind)
    table = row._meta.db_table
    unharmed(table, *(f'UPDATE "{table}" SET "{name}" = "{name}"' for name in columns(table)))
    unharmed(table, *(f'UPDATE "{table}" SET "{name}" = NULL' for name in columns(table)))


@pytest.mark.parametrize("kind", ["event", "entry", "move"])
def test_a_row_cannot_be_replaced_by_a_row_with_its_key(request, kind):
    row = request.getfixturevalue(kind)
    table = row._meta.db_table
    others = ", ".join(f'"{name}"' for name in columns(table))
    assigned = ", ".join(f'"{name}" = excluded."{name}"' for name in columns(table) if name != "id")
    same = f'({others}) SELECT {others} FROM "{table}" WHERE true'
    unharmed(
        table,
        f'INSERT INTO "{table}" {same}',
        f'INSERT INTO "{table}" {same} ON CONFLICT DO NOTHING',
        f'INSERT INTO "{table}" {same} ON CONFLICT (id) DO NOTHING',
        f'INSERT INTO "{table}" {same} ON CONFLICT (id) DO UPDATE SET {assigned}',
        *(f'INSERT OR {how} INTO "{table}" {same}' for how in ("REPLACE", "IGNORE", "ABORT", "FAIL")),
        f'REPLACE INTO "{table}" {same}',
        f'UPDATE OR REPLACE "{table}" SET "id" = "id"',
    )


@pytest.mark.parametrize("kind", ["event", "entry", "move"])
def test_rows_cannot_be_removed_in_any_way(request, kind):
    row = request.getfixturevalue(kind)
    table = row._meta.db_table
    unharmed(
        table,
        f'DELETE FROM "{table}"',
        f'DELETE FROM "{table}" WHERE true',
        f'DELETE FROM "{table}" WHERE id IN (SELECT id FROM "{table}" LIMIT 1)',
        f'DELETE FROM "{table}" RETURNING id',
        f'WITH gone AS (DELETE FROM "{table}" RETURNING *) SELECT * FROM gone',
        f'TRUNCATE "{table}"',
        f'TRUNCATE TABLE ONLY "{table}" CONTINUE IDENTITY CASCADE',
        f'MERGE INTO "{table}" USING (SELECT 1) one ON true WHEN MATCHED THEN DELETE',
    )


def test_emptying_a_table_it_refers_to_does_not_take_the_rows_along(cast, move):
    """TRUNCATE … CASCADE of a table that moves refer to, and deleting their delivery."""
    with transaction.atomic():
        unharmed("delivery_move", "TRUNCATE delivery_delivery CASCADE", "DELETE FROM delivery_delivery")
        transaction.set_rollback(True)


def test_the_event_and_its_check_value_are_those_that_were_written(event):
    unharmed(
        "audit_auditevent",
        "UPDATE audit_auditevent SET detail = '{}', row_mac = 'forged'",
        "UPDATE audit_auditevent SET actor_name = 'somebody else'",
    )
    event.refresh_from_db()
    assert mac_is_right(event)


words = st.sampled_from(
    [
        "UPDATE",
        "DELETE",
        "FROM",
        "INTO",
        "INSERT",
        "OR",
        "REPLACE",
        "SET",
        "WHERE",
        "true",
        "1",
        "=",
        "audit_auditevent",
        "reason",
        "'x'",
        "id",
        "(",
        ")",
        "VALUES",
        "SELECT",
        "*",
        "RETURNING",
        "IGNORE",
        "WITH",
        "AS",
        ",",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.sampled_from(
        ["UPDATE audit_auditevent SET", "DELETE FROM audit_auditevent", "INSERT OR REPLACE INTO audit_auditevent"]
    ),
    st.lists(words, max_size=6),
)
def test_no_sentence_of_sql_words_changes_a_row(event, beginning, rest):
    before = rows("audit_auditevent")
    tried(f"{beginning} {' '.join(rest)}")
    assert [row for row in rows("audit_auditevent") if row in before] == before


def test_new_rows_are_still_taken(event):
    model = type(event)
    before = model.objects.count()
    names = ", ".join(f'"{name}"' for name in columns("audit_auditevent") if name not in ("id", "xid"))
    fresh = "gen_random_uuid()" if POSTGRES else "lower(hex(randomblob(16)))"
    assert tried(f"INSERT INTO audit_auditevent (id, {names}) SELECT {fresh}, {names} FROM audit_auditevent LIMIT 1")
    assert model.objects.count() == before + 1


@pytest.mark.parametrize("table", TABLES)
def test_after_all_of_it_the_protection_stands(db, table):
    assert faults(connection, table) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_table_renamed_away_and_back_keeps_its_protection_or_it_is_noticed(db, table):
    if not tried(f'ALTER TABLE "{table}" RENAME TO "{table}_x"'):
        return
    tried(f'ALTER TABLE "{table}_x" RENAME TO "{table}"')
    assert faults(connection, table) == [] or not tried(f'DELETE FROM "{table}"') or rows(table) == []
