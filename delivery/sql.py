"""The few statements the ORM cannot say, or says at ten times the cost, alike on SQLite and PostgreSQL.

Django ignores `select_for_update(skip_locked=True)` on SQLite without a word, so nothing here claims by SELECT.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model


def adapted(value: Any) -> Any:
    """A parameter as this database wants it (SQLite keeps times as text; both take JSON as text)."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(value) if isinstance(value, list | dict) else value


def table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def marks(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def returning(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run an UPDATE … RETURNING and give its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def many(statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for many rows."""
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, [[adapted(value) for value in row] for row in rows])


MOST_MARKS = 900  # parameters of one statement; old builds of SQLite take 999


@cache
def stored(model: type[Model]) -> tuple[Field, ...]:
    """The columns a new row brings: all but a key that the database gives."""
    return tuple(field for field in model._meta.concrete_fields if not isinstance(field, AutoField))


def insert(rows: Sequence[Model]) -> None:
    """Insert rows of one model; a key that the database gives is set on each. bulk_create costs five times as much."""
    if not rows:
        return
    model = type(rows[0])
    fields = stored(model)
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    line, size = f"({marks(fields)})", max(MOST_MARKS // len(fields), 1)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in part for field in fields]
        statement = (
            f"INSERT INTO {table(model)} ({names}) VALUES {', '.join([line] * len(part))} "  # noqa: S608
            f"RETURNING {connection.ops.quote_name(str(model._meta.pk.column))}"
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            # In the order of the rows, as Django's own bulk_create takes them too.
            for row, (key,) in zip(part, cursor.fetchall(), strict=True):
                row.pk = row.pk or key
