"""PostgreSQL's rights on the log: what is granted, what every attack of the application's role meets."""

import io
import json
import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction
from django.db.utils import ProgrammingError

from audit.checks import insert_only_tables
from audit.event import AuditEvent
from audit.record import record
from audit.roles import BadName, standing, statements
from portal.models import Practice

ATTACKS = {
    "edit": "UPDATE audit_auditevent SET reason = 'forged'",
    "delete": "DELETE FROM audit_auditevent",
    "truncate": "TRUNCATE audit_auditevent",
    "take the trigger away": "DROP TRIGGER insert_only_row ON audit_auditevent",
    "switch the trigger off": "ALTER TABLE audit_auditevent DISABLE TRIGGER ALL",
    "pretend to be a replica": "SET session_replication_role = replica",
    "drop the table": "DROP TABLE audit_auditevent",
    "hollow out the function": "CREATE OR REPLACE FUNCTION insert_only_unless_purged() RETURNS trigger "
    "LANGUAGE plpgsql AS $$BEGIN RETURN OLD; END$$",
    "mute it by a rule": "CREATE RULE mute AS ON INSERT TO audit_auditevent DO INSTEAD NOTHING",
    "put a trigger of one's own there": "CREATE TRIGGER mine BEFORE INSERT ON audit_auditevent "
    "FOR EACH ROW EXECUTE FUNCTION insert_only_refuse()",
    "sign a purge oneself": "INSERT INTO audit_purgecertificate (tree_id, request_id, note, kept, at) "
    "VALUES (1, 1, 'x', 0, now())",
    "rename a month": "UPDATE audit_tree SET month = '200101'",
    "forget a migration": "DELETE FROM django_migrations",
    "change a checkpoint": "UPDATE audit_checkpoint SET root = 'forged'",
    "change a configuration entry": "UPDATE audit_configurationentry SET object_repr = 'forged'",
    "change a move": "UPDATE delivery_move SET actor = 'forged'",
}


def run(*sql: str) -> None:
    with connection.cursor() as cursor:
        for one in sql:
            cursor.execute(one)


@pytest.fixture
def roles(db, postgres_only):
    """Two roles with their rights; rolled back with the test."""
    app, sealer = (f"sp_{name}_{uuid.uuid4().hex[:8]}" for name in ("app", "sealer"))
    run(f"CREATE ROLE {app} NOLOGIN", f"CREATE ROLE {sealer} NOLOGIN", *statements(connection, app, sealer))
    yield app, sealer
    run("RESET ROLE")


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_L07_the_applications_role_is_refused(roles, event, attack):
    run(f"SET ROLE {roles[0]}")
    with pytest.raises((ProgrammingError, DatabaseError)) as refused, transaction.atomic():
        run(attack)
    assert type(refused.value.__cause__).__name__ == "InsufficientPrivilege"
    assert AuditEvent.objects.get(pk=event.pk).reason == event.reason


def test_the_application_records_and_reads(roles, cast):
    run(f"SET ROLE {roles[0]}")
    key = record("system.start", practice="lakeside")
    assert AuditEvent.objects.filter(pk=key).exists()


def test_the_application_works_as_before(roles, cast):
    """What is not the log it changes and deletes."""
    run(f"SET ROLE {roles[0]}")
    cast.north.name = "North Shore"
    cast.north.save()
    made = Practice.objects.create(code="third", name="Third")
    made.delete()
    assert AuditEvent.objects.filter(event="config.change").exists()


def test_the_sealer_may_delete_what_the_trigger_lets_go_and_nothing_else(roles, event):
    run(f"SET ROLE {roles[1]}")
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        run("DELETE FROM audit_auditevent")
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        run("UPDATE audit_auditevent SET reason = 'x'")
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        run("DELETE FROM audit_leaf")
    run("UPDATE audit_sealerstate SET horizon = 1")


def test_what_a_role_may_do_is_told(roles, db):
    whose = standing(connection)
    assert whose["apart"] is False
    run(f"SET ROLE {roles[0]}")
    told = standing(connection)
    assert told == {"user": roles[0], "superuser": False, "owned": [], "beyond": {}, "apart": True}
    run(f"SET ROLE {roles[1]}")
    assert standing(connection)["beyond"] == {"audit_auditevent": ["DELETE"]}


def test_a_right_that_was_added_is_told(roles, db):
    run(f"GRANT UPDATE ON delivery_move TO {roles[0]}", f"SET ROLE {roles[0]}")
    told = standing(connection)
    assert (told["apart"], told["beyond"]) == (False, {"delivery_move": ["UPDATE"]})


def test_ddl_on_the_log_is_told_by_an_event_trigger(db, postgres_only):
    run(*statements(connection, "pg_monitor", "pg_monitor", watch=True)[-3:])
    with connection.cursor() as cursor:
        cursor.execute("SELECT evtevent FROM pg_event_trigger WHERE evtname = 'audit_ddl'")
        assert cursor.fetchall() == [("ddl_command_end",)]
    run("ALTER TABLE audit_auditevent SET (fillfactor = 90)")  # told, not refused


def test_the_statements_may_be_run_again(roles):
    run(*statements(connection, *roles))


@pytest.mark.parametrize("name", ["", "App", "a; DROP TABLE x", "a b", "1st", "x" * 64])
def test_a_role_is_named_plainly(db, name):
    with pytest.raises(BadName):
        statements(connection, name, "sealer")


def test_every_table_of_the_log_is_covered(db):
    text = "\n".join(statements(connection, "app", "sealer"))
    (line,) = [one for one in text.splitlines() if one.startswith("REVOKE UPDATE, DELETE, TRUNCATE") and "app" in one]
    assert all(f'"{table}"' in line for table in insert_only_tables(connection))
    assert len(insert_only_tables(connection)) >= 14


def test_the_command_prints_sql_that_ends_in_semicolons(db, postgres_only):
    out = io.StringIO()
    call_command("audit_roles", "--app", "scribeport_app", "--sealer", "scribeport_sealer", stdout=out)
    lines = out.getvalue().splitlines()
    assert all(line.endswith(";") for line in lines)
    out = io.StringIO()
    call_command("audit_roles", "--json", stdout=out)
    assert json.loads(out.getvalue())["user"]
    with pytest.raises(CommandError, match="name"):
        call_command("audit_roles", "--app", "no name")


def test_on_sqlite_it_says_that_there_are_no_roles(db):
    if connection.vendor == "postgresql":
        pytest.skip("what only SQLite says")
    with pytest.raises(CommandError, match="knows no roles"):
        call_command("audit_roles")


@pytest.mark.parametrize("table", ["audit_auditevent", "audit_leaf", "audit_legalhold", "audit_retentionpolicy"])
def test_L07_insert_or_replace_is_refused_on_sqlite(db, event, legal_hold, retention_policy, table):
    if connection.vendor != "sqlite":
        pytest.skip("what only SQLite can say")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        if not cursor.fetchone()[0]:
            pytest.skip("a leaf needs a committed event: tests/audit/test_triggers.py")
    with pytest.raises(DatabaseError, match="insert-only"), transaction.atomic():
        run(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
