"""The revision of the configuration: a value that changes with every change of it, whoever makes it.

What was read of the configuration may be kept in memory under the revision it was read in. A transaction that asks for
the revision first sees every change committed before, for one cheap query instead of one for each row it needs.

The database writes it (triggers on every table that audit/configuration.py records), as raw SQL changes rows too. It is
random, never counted: what was rolled back must not come again under the same name.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.configuration import registered
from portal.compiled import Compiled

Value = TypeVar("Value")


class Revision(models.Model):
    """The one row, made when the database is migrated."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    token = models.CharField(max_length=36)

    def __str__(self) -> str:
        return self.token


only_row = Compiled(lambda: Revision.objects.filter(pk=1))


def revision() -> str:
    """The configuration's revision as this transaction sees it; "" where the database has none yet."""
    row = only_row.first()
    return row.token if row else ""


class Kept(Generic[Value]):
    """What `make` gives, kept for as long as the configuration stays as it is.

    It may read further rows later: those are never older than the revision, and the next revision begins anew.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._held: tuple[str, Value] | None = None

    def now(self) -> Value:
        """The value under the present revision; ask once in each transaction."""
        return self.under(revision())

    def under(self, token: str | None) -> Value:
        """The same where the revision has been read with something else."""
        held = self._held
        if held is None or held[0] != token or not token:
            held = self._held = (token or "", self._make())
        return held[1]

    def last(self) -> Value | None:
        """The newest value that was asked for, perhaps of an older revision; nothing is asked."""
        return self._held[1] if self._held else None

    def forget(self) -> None:
        """What was read in a transaction that failed may never have been."""
        self._held = None


# Written as a whole and never changed; whoever repairs one past the program expects it to count all the same.
ALSO_WATCHED = ("mapping_field", "mapping_rule")


def watched_tables() -> list[str]:
    """Every table of the configuration, the lists between two of them included."""
    tables = set(ALSO_WATCHED)
    for model in registered():
        tables.add(model._meta.db_table)
        tables |= {field.m2m_db_table() for field in model._meta.local_many_to_many}
    return sorted(tables)


POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION portal_revise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE portal_revision SET token = gen_random_uuid()::text;
    RETURN NULL;
END $$
"""
POSTGRESQL_TRIGGER = (
    'CREATE OR REPLACE TRIGGER portal_revise AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "{table}" '
    "FOR EACH STATEMENT EXECUTE FUNCTION portal_revise()"
)
SQLITE_TRIGGER = (
    'CREATE TRIGGER IF NOT EXISTS "portal_revise_{table}_{deed}" AFTER {deed} ON "{table}" '
    "BEGIN UPDATE portal_revision SET token = lower(hex(randomblob(16))); END"
)


def statements(vendor: str) -> list[str]:
    """What makes the database write the revision; may be run again."""
    if vendor == "postgresql":
        return [POSTGRESQL_FUNCTION, *(POSTGRESQL_TRIGGER.format(table=table) for table in watched_tables())]
    return [
        SQLITE_TRIGGER.format(table=table, deed=deed)
        for table in watched_tables()
        for deed in ("INSERT", "UPDATE", "DELETE")
    ]


def watch(using: str, **_: Any) -> None:
    """After every migration: SQLite drops a table's triggers when a migration remakes it, and new tables have none."""
    connection: BaseDatabaseWrapper = connections[using]
    if Revision._meta.db_table not in connection.introspection.table_names():
        return  # migrated back to before there was one
    Revision.objects.using(using).get_or_create(pk=1, defaults={"token": "begun"})
    with connection.cursor() as cursor:
        for statement in statements(connection.vendor):
            cursor.execute(statement)
