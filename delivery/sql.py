"""The few statements the ORM cannot say, or says at ten times the cost, alike on SQLite and PostgreSQL.

Django ignores `select_for_update(skip_locked=True)` on SQLite without a word, so nothing here claims by SELECT.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import AutoField, BinaryField, Field, Model

from audit import prepared
from audit.record import Entry, record_beside, record_many


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


def returning(statement: str, parameters: Sequence[Any], *, kept: bool = False) -> list[tuple[Any, ...]]:
    """Run an UPDATE … RETURNING and give its rows; `kept`: its words are few and come often (audit/prepared.py)."""
    with prepared.cursor() if kept else connection.cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


MOST_MARKS = 900  # parameters of one statement; old builds of SQLite take 999


@cache
def stored(model: type[Model]) -> tuple[Field, ...]:
    """The columns a new row brings: all but a key that the database gives."""
    return tuple(field for field in model._meta.concrete_fields if not isinstance(field, AutoField))


def insert(rows: Sequence[Model], events: Sequence[Entry] = (), *, others: Sequence[Sequence[Model]] = ()) -> None:
    """Insert rows of one model; a key that the database gives is set on each. bulk_create costs five times as much.

    `events` are audit events of the deed that the rows belong to, `others` rows of other models, a sequence for each,
    whose keys nobody waits for: on PostgreSQL they go in the same statement, as a round trip costs more than a row.
    TransactionManagementError outside a transaction where there are any: elsewhere they would stand without the rows.
    """
    others = [group for group in others if group]
    if (events or others) and not connection.in_atomic_block:
        raise transaction.TransactionManagementError("rows go in with what belongs to them within atomic() only")
    if not rows or connection.vendor != "postgresql":
        for group in others:
            insert(group)
        others = ()
    if not rows:
        record_many(events)
        return
    model = type(rows[0])
    size = max(MOST_MARKS // len(stored(model)), 1)
    say = _insertion_as_json if connection.vendor == "postgresql" else _insertion_of_values
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        words, values = say(model, part)
        if start == 0:
            words, values = _with_others(others, words, values)
        given = record_beside(events if start == 0 else (), words, values)
        # In the order of the rows, as Django's own bulk_create takes them too.
        for row, (key,) in zip(part, given, strict=True):
            row.pk = row.pk or key


def _with_others(others: Sequence[Sequence[Model]], words: str, values: list[Any]) -> tuple[str, list[Any]]:
    said = [_insertion_as_json(type(group[0]), group) for group in others]
    if not said:
        return words, values
    first = ", ".join(f"others{place} AS ({one})" for place, (one, _) in enumerate(said))
    return f"WITH {first} {words}", [*(value for _, some in said for value in some), *values]


def _insertion_of_values(model: type[Model], rows: Sequence[Model]) -> tuple[str, list[Any]]:
    fields = stored(model)
    into, _, returned = _words(model)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows for field in fields]
    return f"{into} VALUES {', '.join([f'({marks(fields)})'] * len(rows))} {returned}", values


def _insertion_as_json(model: type[Model], rows: Sequence[Model]) -> tuple[str, list[Any]]:
    """PostgreSQL's: the same words for any number of rows, which are kept. Bytes go beside the JSON, as they are."""
    _, columns, _ = _words(model)
    lines = [dict(zip(columns, _values(model)(row), strict=True)) for row in rows]
    sealed = [column for column in _of_bytes(model) if any(line[column] for line in lines)]
    beside = [[line.pop(column) for line in lines] for column in sealed]
    return _from_json(model, tuple(sealed)), [*beside, json.dumps(lines, ensure_ascii=False, default=_as_json)]


@cache
def _from_json(model: type[Model], beside: tuple[str, ...]) -> str:
    into, columns, returned = _words(model)
    places = {column: f"(%b::bytea[])[given.ordinality] AS {column}" for column in beside}
    # What stands beside comes first in the words, as among the parameters.
    taken = [*places.values(), *(f"given.{column}" for column in columns if column not in places)]
    inner = f"SELECT {', '.join(taken)} FROM json_populate_recordset(NULL::{table(model)}, %s) WITH ORDINALITY AS given"  # noqa: S608
    return f"{into} SELECT {', '.join(columns)} FROM ({inner}) AS given {returned}"  # noqa: S608


@cache
def _words(model: type[Model]) -> tuple[str, tuple[str, ...], str]:
    """How an INSERT begins, the columns it brings, and how it ends."""
    columns = tuple(str(field.column) for field in stored(model))
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    returned = f"RETURNING {connection.ops.quote_name(str(model._meta.pk.column))}"
    return f"INSERT INTO {table(model)} ({names})", columns, returned


@cache
def _values(model: type[Model]) -> Callable[[Model], tuple[Any, ...]]:
    """What reads a row's columns at once."""
    return attrgetter(*(field.attname for field in stored(model)))


@cache
def _of_bytes(model: type[Model]) -> tuple[str, ...]:
    return tuple(str(field.column) for field in stored(model) if isinstance(field, BinaryField))


def _as_json(value: Any) -> Any:
    """A value that JSON has no form for, as PostgreSQL reads it from a text."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    raise TypeError(f"no column takes a {type(value).__name__}")


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
    shared, guard, found = shared or {}, guard or {}, []
    as_json = connection.vendor == "postgresql"
    named = [*keys, *columns]
    statement = _update(model, tuple(keys), tuple(columns), _set_to(shared), tuple(guard))
    size = max(MOST_MARKS // len(named), 1)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        values: Sequence[Any] = [value for row in part for value in row]
        if as_json:
            lines = [dict(zip(named, row, strict=True)) for row in part]
            values = [json.dumps(lines, ensure_ascii=False, default=_as_json)]
        also = [value for value in shared.values() if not isinstance(value, Later)]
        source = f"VALUES {', '.join([f'({marks(named)})'] * len(part))}"
        words = statement if as_json else statement.replace(GIVEN, source)
        found += returning(words, [*values, *also, *guard.values()], kept=as_json)
    return found


GIVEN = "{given}"


def _set_to(shared: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What each shared column is set to: a parameter, or words of the database's clock."""
    return tuple((column, value.sql() if isinstance(value, Later) else "%s") for column, value in shared.items())


@cache
def _update(
    model: type[Model],
    keys: tuple[str, ...],
    columns: tuple[str, ...],
    shared: tuple[tuple[str, str], ...],
    guard: tuple[str, ...],
) -> str:
    """An UPDATE from rows that are given: on PostgreSQL as JSON, in the same words for any number of them."""
    name, named = table(model), [*keys, *columns]
    if connection.vendor == "postgresql":
        kinds = ", ".join(f"{column} {_kind(model, column)}" for column in named)
        source = f"SELECT * FROM json_to_recordset(%s) AS given({kinds})"  # noqa: S608
        of = [f"given.{column}" for column in named]
    else:
        source, of = GIVEN, [f"given.column{place}" for place in range(1, len(named) + 1)]
    sets = [f"{column} = {value}" for column, value in zip(columns, of[len(keys) :], strict=True)]
    sets += [f"{column} = {value}" for column, value in shared]
    where = [f"{name}.{column} = {value}" for column, value in zip(keys, of, strict=False)]
    where += [f"{name}.{column} = %s" for column in guard]
    return (
        f"WITH given AS ({source}) UPDATE {name} SET {', '.join(sets)} FROM given WHERE {' AND '.join(where)} "  # noqa: S608
        f"RETURNING {', '.join(f'{name}.{column}' for column in keys)}"
    )


def _kind(model: type[Model], column: str) -> str:
    """A column's type without its length: too long is an error, not cut."""
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    return (field.rel_db_type(connection) or "").partition("(")[0]
