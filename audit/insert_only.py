"""Tables whose rows can be inserted and read, nothing else: the triggers that hold this in the database itself.

A model says so by inheriting InsertOnlyModel, a migration by the operation InsertOnly(table); `faults()` compares what
stands in the database with what should. Whoever owns the database can still drop a trigger: that is found, not
prevented (docs/audit.md).

The traps closed here. SQLite: INSERT OR REPLACE deletes the old row without firing a delete trigger, and it can name
the row by its key or by its rowid. PostgreSQL: a row trigger does not see TRUNCATE, and `session_replication_role =
replica` skips every trigger that is not ENABLE ALWAYS.
"""

from typing import Any, NoReturn

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class InsertOnlyError(Exception):
    """A row of this table can be inserted and read, nothing else."""


class InsertOnlyQuerySet(models.QuerySet):
    """Refuses what the database triggers would refuse anyway, with a clearer message."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise InsertOnlyError(f"rows of {self.model._meta.db_table} cannot be changed")

    def delete(self) -> NoReturn:
        raise InsertOnlyError(f"rows of {self.model._meta.db_table} cannot be deleted")


class InsertOnlyModel(models.Model):
    """Base of the models whose table carries the triggers."""

    objects = InsertOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise InsertOnlyError(f"rows of {self._meta.db_table} cannot be changed")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise InsertOnlyError(f"rows of {self._meta.db_table} cannot be deleted")


class InsertOnly(Operation):
    """The migration operation. There is no way back: the product has no command that opens these tables."""

    reversible = False

    def __init__(self, table: str, purgeable: bool = False) -> None:
        self.table, self.purgeable = table, purgeable

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models stay as they are; the database alone changes."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for statement in statements(schema_editor.connection.vendor, self.table, self.purgeable):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Rows of {self.table} can be inserted and read only"


def statements(vendor: str, table: str, purgeable: bool | None = None) -> list[str]:
    """What makes the table insert-only; may be run again. Not purgeable is what it was before there was retention."""
    leaves = table in LEAVES if purgeable is None else purgeable
    if vendor == "postgresql":
        function, body = ("insert_only_unless_purged", PURGED_BODY) if leaves else ("insert_only_refuse", REFUSING_BODY)
        made = POSTGRESQL_FUNCTION.format(function=function, body=body)
        return [made, *(one.format(table=table, function=function) for one in POSTGRESQL_TRIGGERS)]
    triggers = sqlite_triggers(table, leaves)
    return [*(f'DROP TRIGGER IF EXISTS "{name}"' for name in triggers), *triggers.values()]


def sqlite_triggers(table: str, purgeable: bool | None = None) -> dict[str, str]:
    """Name and text of each trigger, exactly as sqlite_master keeps it."""
    leaves = table in LEAVES if purgeable is None else purgeable
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
    # Where no rowid is given, NEW.rowid is -1 in a BEFORE trigger, which no row has.
    taken = " OR ".join(
        f'EXISTS (SELECT 1 FROM "{table}" WHERE {" AND ".join(f"{one} = NEW.{one}" for one in key.split())})'  # noqa: S608
        for key in ("id", "rowid", *ALSO_UNIQUE.get(table, ()))
    )
    unless = f" WHEN ({SQLITE_LEAVES}) IS NOT TRUE" if leaves else ""
    return {
        f"insert_only_{table}_{deed.lower()}": f'CREATE TRIGGER "insert_only_{table}_{deed.lower()}" '
        f'BEFORE {deed} ON "{table}"{when} {refuse}'
        for deed, when in (("UPDATE", ""), ("DELETE", unless), ("INSERT", f" WHEN {taken}"))
    }


# Other unique keys by which INSERT OR REPLACE could name the row it deletes: columns, separated by spaces.
ALSO_UNIQUE = {
    "audit_leaf": ("tree_id seq",),
    "audit_holdlift": ("hold_id",),
    "audit_purgecertificate": ("tree_id", "request_id"),
}

# The one way out: an event of a month that left under a certificate, older than six calendar years by the clock and by
# the newest anchored checkpoint, and under no legal hold. (audit/retention.py; the time is never NULL's, or it stays.)
LEAVES = {"audit_auditevent"}
_CONDITION = """EXISTS
 (SELECT 1 FROM audit_leaf l JOIN audit_purgecertificate c ON c.tree_id = l.tree_id WHERE l.id = OLD.id)
 AND OLD.at < {clock}
 AND OLD.at < (SELECT {elapsed} FROM audit_checkpoint k WHERE EXISTS
 (SELECT 1 FROM audit_anchorreceipt r WHERE r.checkpoint_id = k.id) ORDER BY k.id DESC LIMIT 1)
 AND NOT EXISTS (SELECT 1 FROM audit_legalhold h WHERE h.practice = OLD.practice
 AND NOT EXISTS (SELECT 1 FROM audit_holdlift u WHERE u.hold_id = h.id)
 AND ((h.kind = 'patient' AND h.value = OLD.subject_bidx) OR (h.kind = 'location' AND h.value = OLD.location)
 OR (h.kind = 'person' AND OLD.actor_type = 'user' AND h.value = OLD.actor_id)
 OR (h.kind = 'period' AND OLD.at >= h.since AND OLD.at < h.until)))"""
SQLITE_LEAVES = _CONDITION.format(
    clock="strftime('%Y-%m-%d %H:%M:%f', 'now', '-6 years')",
    elapsed="strftime('%Y-%m-%d %H:%M:%f', k.elapsed, '-6 years')",
)
POSTGRESQL_LEAVES = _CONDITION.format(clock="now() - interval '6 years'", elapsed="k.elapsed - interval '6 years'")

_RAISE = "RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END"
REFUSING_BODY = f"BEGIN {_RAISE}"
# TRUNCATE fires once for the statement, where there is no OLD.
PURGED_BODY = f"BEGIN IF TG_OP = 'DELETE' THEN IF {POSTGRESQL_LEAVES} THEN RETURN OLD; END IF; END IF; {_RAISE}"
POSTGRESQL_FUNCTION = "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
POSTGRESQL_TRIGGERS = [
    'CREATE OR REPLACE TRIGGER insert_only_row BEFORE UPDATE OR DELETE ON "{table}" '
    "FOR EACH ROW EXECUTE FUNCTION {function}()",
    'CREATE OR REPLACE TRIGGER insert_only_table BEFORE TRUNCATE ON "{table}" '
    "FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER insert_only_row',
    'ALTER TABLE "{table}" ENABLE ALWAYS TRIGGER insert_only_table',
]
# Enabled ALWAYS is 'A'; 27 = row + before + delete + update, 34 = statement + before + truncate (pg_trigger.tgtype).
POSTGRESQL_EXPECTED = {("insert_only_row", "A", 27), ("insert_only_table", "A", 34)}


def faults(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """What is missing from, or foreign to, the table's protection; empty where all stands as it should."""
    find = _postgresql_faults if connection.vendor == "postgresql" else _sqlite_faults
    return find(connection, table)


def _sqlite_faults(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        found = dict(cursor.fetchall())
    expected = sqlite_triggers(table)
    missing = [f"{name} is missing or altered" for name, sql in expected.items() if found.get(name) != sql]
    return missing + [f"{name} does not belong there" for name in found.keys() - expected.keys()]


def _postgresql_faults(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled::text, tgtype, p.prosrc FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid "
            "WHERE tgrelid = %s::regclass AND NOT tgisinternal",
            [f'"{table}"'],
        )
        triggers = cursor.fetchall()
        cursor.execute("SELECT rulename FROM pg_rules WHERE tablename = %s", [table])
        rules = [name for (name,) in cursor.fetchall()]
    body = PURGED_BODY if table in LEAVES else REFUSING_BODY
    good = {(name, enabled, kind) for name, enabled, kind, source in triggers if source == body}
    missing = [f"{name} is missing or altered" for name, *_ in sorted(POSTGRESQL_EXPECTED - good)]
    known = {name for name, *_ in POSTGRESQL_EXPECTED}
    strange = [name for name, *_ in triggers if name not in known] + rules
    return missing + [f"{name} does not belong there" for name in strange]
