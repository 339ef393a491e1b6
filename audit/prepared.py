"""A cursor whose statements PostgreSQL keeps: parsed and planned once for each connection, not for every use.

For few statements that run very often, always with the same words: planning the one that finds what is due takes it
2 ms, running it 0.1. Values that are the same in every use belong into the words: a plan that must do for any value
cannot use a partial index. SQLite's driver keeps its statements by itself.
"""

from functools import cache
from typing import Any

from django.db import connection

SEEN = 5  # psycopg's own default, after which it would keep what it is not told to


@cache
def _keeping(plain: type) -> type:
    """psycopg's own cursor, told to prepare what it runs. Not imported: an installation on SQLite has no use for it."""

    class Keeping(plain):  # a base known at run time
        def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
            return super().execute(query, params, prepare=True)

        def _send_query_prepared(self, name: bytes, query: Any, **rest: Any) -> None:
            self._query = query  # what Django's log of queries shows
            super()._send_query_prepared(name, query, **rest)

    return Keeping


def cursor() -> Any:
    """As `connection.cursor()`: Django's wrappers, errors and counts of queries."""
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    plain: Any = connection
    plain.connection.prepare_threshold = SEEN  # Django's None would forbid it; its own cursors never prepare
    with connection.wrap_database_errors:
        return plain._prepare_cursor(_keeping(plain.Database.Cursor)(plain.connection))


def literal(value: str | int | None) -> str:
    """A value as words of a statement that is run with parameters."""
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value).upper()
    return "'" + value.replace("'", "''").replace("%", "%%") + "'"
