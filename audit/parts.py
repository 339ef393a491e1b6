"""Read many rows part by part, with nothing left open in between, for whoever writes while it reads.

`iterator()` keeps its statement open until the last row: on SQLite a connection that reads so cannot write any more
once another process has written (SQLITE_BUSY_SNAPSHOT, "database is locked", at once and however long it would wait).
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


def in_parts(rows: QuerySet[Row], *keys: str, size: int, backwards: bool = False) -> Iterator[Row]:
    """All rows in the order of `keys`, which tell each row from every other and are never empty."""
    for part in parts(rows, *keys, size=size, backwards=backwards):
        while part:
            yield part.pop(0)


def parts(rows: QuerySet[Row], *keys: str, size: int, backwards: bool = False) -> Iterator[list[Row]]:
    """The same rows, so many at a time. Who empties a list has never two of them in memory."""
    rows = rows.order_by(*(f"-{key}" if backwards else key for key in keys))
    part = list(rows[:size])
    while part:
        last, full = part[-1], len(part) == size
        yield part
        part = list(rows.filter(_behind(last, keys, "lt" if backwards else "gt"))[:size]) if full else []


def _behind(last: Model, keys: tuple[str, ...], beyond: str) -> Q:
    """`first >= …` for the index, and of those with the same first key the ones behind."""
    first, *others = keys
    value: Any = getattr(last, first)
    if not others:
        return Q(**{f"{first}__{beyond}": value})
    return Q(**{f"{first}__{beyond}e": value}) & (
        Q(**{f"{first}__{beyond}": value}) | Q(**{first: value}) & _behind(last, tuple(others), beyond)
    )
