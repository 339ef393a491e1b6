"""Empties the test database after a test that committed, past the triggers that make tables insert-only.

What migrations wrote for good (content types, permissions, the list of migrations, the revision's row) stays. Only tables that hold rows are
touched: most tests write into a few of some fifty, and truncating all of them took PostgreSQL longer than the test.
"""

from django.db import connection, transaction

KEPT = {"django_migrations", "django_content_type", "auth_permission", "portal_revision"}
ENABLE = {"A": "ENABLE ALWAYS", "O": "ENABLE", "R": "ENABLE REPLICA"}


def empty_database() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        tables = holding_rows(
            cursor, [name for name in connection.introspection.table_names(cursor) if name not in KEPT]
        )
        if not tables:
            return
        if connection.vendor == "sqlite":
            empty_sqlite(cursor, tables)
        else:
            empty_postgres(cursor, tables)


def own_tables(cursor) -> list[str]:
    """Every table but those that migrations have filled."""
    return [name for name in connection.introspection.table_names(cursor) if name not in KEPT]


def holding_rows(cursor, tables: list[str]) -> list[str]:
    """Those of the tables that are not empty, in one question."""
    cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables))
    return [name for (name,) in cursor.fetchall()]


def empty_sqlite(cursor, tables: list[str]) -> None:
    cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
    triggers = [(name, sql) for name, table, sql in cursor.fetchall() if table in tables]
    cursor.execute("PRAGMA defer_foreign_keys = ON")
    for name, _ in triggers:
        cursor.execute(f'DROP TRIGGER "{name}"')
    for table in tables:
        cursor.execute(f'DELETE FROM "{table}"')
    for _, sql in triggers:
        cursor.execute(sql)


def empty_postgres(cursor, tables: list[str]) -> None:
    """Foreign keys are checked once, when all is gone; and before a trigger is set up again, which pending checks forbid."""
    cursor.execute(
        "SELECT quote_ident(relname), quote_ident(tgname), tgenabled::text FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid"
        " WHERE NOT tgisinternal AND tgenabled <> 'D' AND relname = ANY(%s)",
        [tables],
    )
    triggers = cursor.fetchall()
    for table, name, _ in triggers:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for table in tables:
        cursor.execute(f'DELETE FROM "{table}"')
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, name, enabled in triggers:
        cursor.execute(f"ALTER TABLE {table} {ENABLE[enabled]} TRIGGER {name}")
