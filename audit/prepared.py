"""A cursor whose statements PostgreSQL keeps: parsed and planned once for each connection, not for every use.

For few statements that run very often, always with the same words: planning the one that finds what is due takes it
2 ms, running it 0.1. Values that are the same in every use belong into the words: a plan that must do for any value
cannot use a partial index. SQLite's driver keeps its statements by itself.

Each of them looks for few rows. The first plan is made without whole tables: one that reads all of a table, made while
the table was empty, would be kept while it fills. Once the server has statistics it plans anew, as it likes.
"""

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db.transaction import get_connection

# Off while the first plan is made. A table without another way counts as dear then, and would be compiled for (JIT).
WHOLE_TABLES = ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit")
IN_ERROR = 3  # libpq's PQTRANS_INERROR
SEEN = 5  # psycopg's own default, after which it would keep what it is not told to


@cache
def _keeping(plain: type) -> type:
    """psycopg's own cursor, told to prepare what it runs. Not imported: an installation on SQLite has no use for it."""

    planned: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # by connection: what has its plan

    class Keeping(plain):  # a base known at run time
        def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
            known = planned.setdefault(self.connection, set())
            if query in known:
                return super().execute(query, params, prepare=True)
            self.connection.execute(f"SET {'; SET '.join(f'{way} = off' for way in WHOLE_TABLES)}")
            try:
                super().execute(query, params, prepare=True)
            finally:
                if self.connection.info.transaction_status != IN_ERROR:  # else the rollback takes it back
                    self.connection.execute(f"RESET {'; RESET '.join(WHOLE_TABLES)}")
            known.add(query)
            return self

        def _send_query_prepared(self, name: bytes, query: Any, **rest: Any) -> None:
            self._query = query  # what Django's log of queries shows
            super()._send_query_prepared(name, query, **rest)

    return Keeping


def cursor() -> Any:
    """As `connection.cursor()`: Django's wrappers, errors and counts of queries."""
    plain: Any = get_connection()  # once: Django's `connection` looks the thread's own up at every word
    if plain.vendor != "postgresql":
        return plain.cursor()
    plain.ensure_connection()
    plain.connection.prepare_threshold = SEEN  # Django's None would forbid it; its own cursors never prepare
    with plain.wrap_database_errors:
        return plain._prepare_cursor(_keeping(plain.Database.Cursor)(plain.connection))


def literal(value: str | int | None) -> str:
    """A value as words of a statement that is run with parameters."""
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value).upper()
    return "'" + value.replace("'", "''").replace("%", "%%") + "'"
