"""The database itself refuses to change, delete or replace a row; where its owner removes the refusal, it is noticed."""

import uuid

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, transaction

from audit.insert_only import InsertOnlyError, InsertOnlyModel, faults

GUARDED = [model for model in apps.get_models() if issubclass(model, InsertOnlyModel)]


@pytest.fixture
def sqlite_only():
    if connection.vendor != "sqlite":
        pytest.skip("what only SQLite does")


def content(table: str) -> list:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1')
        return cursor.fetchall()


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def refused(table: str, *statements: str) -> None:
    before = content(table)
    assert before
    with pytest.raises(IntegrityError, match="insert-only"), transaction.atomic():
        run(*statements)
    assert content(table) == before


COLUMN = {
    "audit_auditevent": "reason",
    "audit_configurationentry": "object_repr",
    "delivery_move": "actor",
    "delivery_attestation": "by",
    "delivery_capabilityprobe": "by",
    "delivery_certificationresult": "name",
    "delivery_pilotmove": "by",
    "audit_leaf": "subject",
    "audit_checkpoint": "root",
    "audit_anchorreceipt": "sink",
    "audit_lostcheckpoint": "origin",
    "audit_verification": "finding",
    "audit_retentionpolicy": "by",
    "audit_legalhold": "value",
    "audit_holdlift": "reason",
    "audit_purgecertificate": "note",
}


def test_events_entries_moves_and_the_seal_are_insert_only():
    assert {model._meta.db_table for model in GUARDED} == set(COLUMN)


ATTACKS = [
    "UPDATE {table} SET {column} = 'forged'",
    "UPDATE {table} SET {column} = {column}",
    "UPDATE {table} SET id = id",
    "DELETE FROM {table}",
    "DELETE FROM {table} WHERE {column} IS NOT NULL",
    "INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT (id) DO UPDATE SET {column} = 'forged'",
    "WITH gone AS (SELECT id FROM {table}) DELETE FROM {table} WHERE id IN (SELECT id FROM gone)",
]
ON_SQLITE = [
    "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    "REPLACE INTO {table} SELECT * FROM {table}",
    "INSERT OR IGNORE INTO {table} SELECT * FROM {table}",
    "UPDATE OR REPLACE {table} SET {column} = 'forged'",
    "UPDATE OR IGNORE {table} SET {column} = 'forged'",
]
ON_POSTGRESQL = [
    "TRUNCATE {table} CASCADE",
    "TRUNCATE {table} RESTART IDENTITY CASCADE",
    "MERGE INTO {table} USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
]
REPLICA = "SET LOCAL session_replication_role = replica"


def test_changing_deleting_replacing_and_truncating_are_refused(row):
    """Attack after attack on the same row: each is undone, and the table is held against what it was before it."""
    table = row._meta.db_table
    for attack in ATTACKS + (ON_SQLITE if connection.vendor == "sqlite" else ON_POSTGRESQL):
        refused(table, attack.format(table=table, column=COLUMN[table]))


@pytest.mark.usefixtures("postgres_only")
def test_postgresql_pretending_to_be_a_replica_changes_nothing(row):
    table = row._meta.db_table
    for attack in (ATTACKS[0], ATTACKS[3], *ON_POSTGRESQL):
        refused(table, REPLICA, attack.format(table=table, column=COLUMN[table]))


@pytest.mark.usefixtures("sqlite_only")
def test_sqlite_replacing_a_row_by_its_rowid_is_refused(event):
    names = [field.column for field in event._meta.concrete_fields]
    others = ", ".join(names[1:])
    refused(
        "audit_auditevent",
        f"INSERT OR REPLACE INTO audit_auditevent (rowid, id, {others}) "
        f"SELECT rowid, '{uuid.uuid4().hex}', {others} FROM audit_auditevent",
    )


def test_the_models_refuse_with_a_plainer_message_and_save_no_earlier_instance_as_new(row):
    model = type(row)
    for deed in (row.save, row.delete, model.objects.all().delete, lambda: model.objects.update(id=row.pk)):
        with pytest.raises(InsertOnlyError), transaction.atomic():
            deed()
    with pytest.raises(InsertOnlyError), transaction.atomic():
        model.objects.bulk_update([row], [COLUMN[model._meta.db_table]])
    twin = model.objects.get(pk=row.pk)
    twin._state.adding = True
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


@pytest.mark.django_db
def test_after_all_migrations_every_trigger_stands():
    assert {table: faults(connection, table) for table in COLUMN} == {table: [] for table in COLUMN}


@pytest.mark.usefixtures("sqlite_only")
@pytest.mark.parametrize(
    "tampering",
    [
        ["DROP TRIGGER insert_only_audit_auditevent_update"],
        ["DROP TRIGGER insert_only_audit_auditevent_delete"],
        ["DROP TRIGGER insert_only_audit_auditevent_insert"],
        [
            "DROP TRIGGER insert_only_audit_auditevent_delete",
            "CREATE TRIGGER insert_only_audit_auditevent_delete BEFORE DELETE ON audit_auditevent BEGIN SELECT 1; END",
        ],
        ["CREATE TRIGGER mute BEFORE INSERT ON audit_auditevent BEGIN SELECT RAISE(IGNORE); END"],
    ],
)
def test_sqlite_tampering_with_the_triggers_is_noticed(db, tampering):
    run(*tampering)
    assert len(faults(connection, "audit_auditevent")) == 1
    assert faults(connection, "audit_configurationentry") == []


@pytest.mark.usefixtures("postgres_only")
@pytest.mark.parametrize(
    "tampering",
    [
        "DROP TRIGGER insert_only_row ON audit_auditevent",
        "DROP TRIGGER insert_only_table ON audit_auditevent",
        "ALTER TABLE audit_auditevent DISABLE TRIGGER insert_only_row",
        "ALTER TABLE audit_auditevent ENABLE TRIGGER insert_only_row",
        "CREATE OR REPLACE TRIGGER insert_only_row BEFORE UPDATE ON audit_auditevent "
        "FOR EACH ROW EXECUTE FUNCTION insert_only_refuse()",
        "CREATE RULE mute AS ON INSERT TO audit_auditevent DO INSTEAD NOTHING",
        "CREATE TRIGGER mute BEFORE INSERT ON audit_auditevent FOR EACH ROW EXECUTE FUNCTION insert_only_refuse()",
        "CREATE OR REPLACE TRIGGER insert_only_row BEFORE UPDATE OR DELETE ON audit_auditevent "
        "FOR EACH ROW WHEN (OLD.reason = 'never') EXECUTE FUNCTION insert_only_refuse()",
    ],
)
def test_L07_postgresql_tampering_with_the_triggers_is_noticed(db, tampering):
    run(tampering)
    assert faults(connection, "audit_auditevent")
    assert faults(connection, "audit_configurationentry") == []


@pytest.mark.usefixtures("postgres_only")
def test_postgresql_a_hollowed_out_function_is_noticed_on_every_table(db):
    for function in ("insert_only_refuse", "insert_only_unless_purged"):
        run(
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN COALESCE(NEW, OLD); END $$"
        )
    assert all(faults(connection, table) for table in COLUMN)


def test_the_system_check_fails_where_a_trigger_is_gone(db):
    call_command("check", database=["default"])
    if connection.vendor == "sqlite":
        run("DROP TRIGGER insert_only_audit_auditevent_delete")
    else:
        run("ALTER TABLE audit_auditevent DISABLE TRIGGER insert_only_row")
    with pytest.raises(SystemCheckError, match=r"audit\.E001"):
        call_command("check", database=["default"])


def test_the_system_check_waits_for_migrations_that_wait(db):
    run("DELETE FROM django_migrations WHERE app = 'delivery' AND name >= '0002'")
    if connection.vendor == "sqlite":
        run("DROP TRIGGER insert_only_delivery_move_delete")
    else:
        run("DROP TRIGGER insert_only_row ON delivery_move")
    call_command("check", database=["default"])


def test_restoring_the_triggers_puts_them_back_and_records_what_was_missing(db):
    if connection.vendor == "sqlite":
        run("DROP TRIGGER insert_only_audit_auditevent_delete")
    else:
        run("ALTER TABLE audit_auditevent DISABLE TRIGGER insert_only_row")
    call_command("restore_audit_triggers")
    assert faults(connection, "audit_auditevent") == []
    recorded = apps.get_model("audit.AuditEvent").objects.get(event="audit.triggers_restored")
    assert recorded.detail["table"] == "audit_auditevent"
    assert len(recorded.detail["faults"]) == 1
    call_command("restore_audit_triggers")
    assert apps.get_model("audit.AuditEvent").objects.filter(event="audit.triggers_restored").count() == 1
