"""Put audit rows into the table in one go: the ORM's own way costs ten times as much per row.

On PostgreSQL one statement, kept by the server, takes any number of rows in one round trip, as the JSON whose bytes
were authenticated. COPY needs a round trip more, and an INSERT of values its words anew for each number of rows. A
round trip is most of what an event costs: `insert_beside` saves it where the deed ends with an INSERT of its own.
Triggers, column defaults and the surrounding transaction hold for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit import prepared
from audit.canonical import encode_json
from audit.event import AuditEvent

TABLE = AuditEvent._meta.db_table
COLUMNS = tuple(field.attname for field in AuditEvent._meta.concrete_fields if field.attname != "xid")
_names = ", ".join(f'"{column}"' for column in COLUMNS)
FROM_JSON = f'INSERT INTO "{TABLE}" ({_names}) SELECT {_names} FROM json_populate_recordset(NULL::"{TABLE}", %s)'  # noqa: S608 (our own names)
OF_JSON = ("data_category", "detail")
INSERT = f'INSERT INTO "{TABLE}" ({_names}) VALUES ({", ".join(["%s"] * len(COLUMNS))})'  # noqa: S608


@dataclass(frozen=True, slots=True)
class NewRow:
    """One event: its columns, and all of them as one object of JSON."""

    id: str  # a UUID in its dashed form
    at: datetime
    columns: Mapping[str, Any]
    text: str


def insert(rows: Sequence[NewRow]) -> None:
    """Insert rows in the transaction of the default connection."""
    connection = transaction.get_connection()
    if connection.vendor == "postgresql":
        with prepared.cursor() as cursor:
            cursor.execute(FROM_JSON, [_as_json(rows)])
        return
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, [_values(connection, row) for row in rows])


def insert_beside(rows: Sequence[NewRow], statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Insert rows and run an INSERT … RETURNING of the deed, whose rows are returned: one statement on PostgreSQL.

    `statement` is one of few, as it is kept by the server.
    """
    if rows and transaction.get_connection().vendor == "postgresql":
        statement, parameters = _beside(statement), [_as_json(rows), *parameters]
    elif rows:
        insert(rows)
    with prepared.cursor() as cursor:
        cursor.execute(statement, parameters)
        given: list[tuple[Any, ...]] = cursor.fetchall()
        return given


@cache
def _beside(statement: str) -> str:
    rest = statement.removeprefix("WITH ")
    return f"WITH recorded AS ({FROM_JSON}){' ' if rest == statement else ', '}{rest}"


def _as_json(rows: Sequence[NewRow]) -> str:
    return f"[{','.join(row.text for row in rows)}]"


def _values(connection: BaseDatabaseWrapper, row: NewRow) -> list[Any]:
    stored = {**row.columns, "id": row.id.replace("-", ""), "at": connection.ops.adapt_datetimefield_value(row.at)}
    stored |= {column: encode_json(stored[column]) for column in OF_JSON}
    return [stored[column] for column in COLUMNS]
