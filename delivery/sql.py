"""The few statements the ORM cannot say, or says at ten times the cost, alike on SQLite and PostgreSQL.

Django ignores `select_for_update(skip_locked=True)` on SQLite without a word, so nothing here claims by SELECT.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import AutoField, Field, Model

from audit import prepared


def adapted(value: Any) -> Any:
    """A parameter as this database wants it (SQLite keeps times as text; both take JSON as text)."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(value) if isinstance(value, list | dict) else value


@dataclass(frozen=True)
class Later:
    """So many seconds after now by the database's own clock: hosts disagree about the time."""

    seconds: float

    def sql(self) -> str:
        """As django.db.models.functions.Now would say it."""
        seconds = float(self.seconds)
        if connection.vendor == "postgresql":
            return f"statement_timestamp() + interval '{seconds} seconds'"
        return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '{seconds:+} seconds')"


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
    size = max(MOST_MARKS // len(stored(model)), 1)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        with prepared.cursor() as cursor:
            cursor.execute(*_insertion(model, part))
            # In the order of the rows, as Django's own bulk_create takes them too.
            for row, (key,) in zip(part, cursor.fetchall(), strict=True):
                row.pk = row.pk or key


def _insertion(model: type[Model], rows: Sequence[Model]) -> tuple[str, list[Any]]:
    """The statement and its parameters. PostgreSQL's is the same for any number of rows, and is kept."""
    fields = stored(model)
    lines = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    returned = connection.ops.quote_name(str(model._meta.pk.column))
    if connection.vendor == "postgresql":
        columns = [field.column for field in fields]
        objects = [dict(zip(columns, line, strict=True)) for line in lines]
        source = f"SELECT {names} FROM json_populate_recordset(NULL::{table(model)}, %s)"  # noqa: S608
        values = [json.dumps(objects, ensure_ascii=False, default=_as_json)]
    else:
        source = f"VALUES {', '.join([f'({marks(fields)})'] * len(rows))}"
        values = [value for line in lines for value in line]
    return f"INSERT INTO {table(model)} ({names}) {source} RETURNING {returned}", values


def _as_json(value: Any) -> Any:
    """A value that JSON has no form for, as PostgreSQL reads it from a text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    return value.obj  # psycopg's wrapper of a JSON column's value


def update_each(
    model: type[Model],
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    shared: Mapping[str, Any] | None = None,
    guard: Mapping[str, Any] | None = None,
) -> list[tuple[Any, ...]]:
    """Give each row its own values of `columns` and all of them those of `shared`, in one statement.

    A row of `rows` is the values of `keys`, which find it, and of `columns`; `guard` must hold of it besides. Returns
    the keys of the rows that were changed.
    """
    shared, guard, name, found = shared or {}, guard or {}, table(model), []
    given = [_given(model, column, place) for place, column in enumerate([*keys, *columns], start=1)]
    sets = [f"{column} = {value}" for column, value in zip(columns, given[len(keys) :], strict=True)]
    sets += [f"{column} = {value.sql() if isinstance(value, Later) else '%s'}" for column, value in shared.items()]
    where = [f"{name}.{column} = {value}" for column, value in zip(keys, given, strict=False)]
    where += [f"{name}.{column} = %s" for column in guard]
    line, size = f"({marks(given)})", max(MOST_MARKS // len(given), 1)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        statement = (
            f"WITH given AS (VALUES {', '.join([line] * len(part))}) "  # noqa: S608
            f"UPDATE {name} SET {', '.join(sets)} FROM given WHERE {' AND '.join(where)} "
            f"RETURNING {', '.join(f'{name}.{column}' for column in keys)}"
        )
        values = [value for row in part for value in row]
        also = [value for value in shared.values() if not isinstance(value, Later)]
        found += returning(statement, [*values, *also, *guard.values()])
    return found


def _given(model: type[Model], column: str, place: int) -> str:
    """A column of the list of values. PostgreSQL cannot tell the type of one that holds nothing but NULL."""
    if connection.vendor != "postgresql":
        return f"given.column{place}"
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    kind = (field.rel_db_type(connection) or "").partition("(")[0]  # without its length: too long is an error, not cut
    return f"CAST(given.column{place} AS {kind})"
