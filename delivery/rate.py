"""Limits shared by all processes through one row each: eCW's calls a minute, and the events that a source may send."""

import time

from delivery import sql
from delivery.models import RateWindow
from portal.models import Connection


def take(key: str, per_minute: int, wanted: int = 1) -> int:
    """Use up to `wanted` calls of this minute; returns how many were granted, 0 when none is left."""
    while wanted > 0:
        if _take_all(key, per_minute, wanted):
            return wanted
        wanted //= 2
    return 0


def granted(connection: Connection, wanted: int = 1) -> int:
    """How many of these calls the connection's own limit leaves room for; all of them where none is set."""
    limit = connection.settings.get("calls_per_minute")
    key = connection.settings.get("practice_code") or f"connection {connection.pk}"
    return take(str(key), int(limit), wanted) if limit else wanted


def admits(key: str, most: int, seconds: int) -> bool:
    """Whether one more may come within this stretch of the clock, of which `most` may."""
    return _take_all(key, most, 1, seconds)


def _take_all(key: str, most: int, wanted: int, seconds: int = 60) -> bool:
    """All or none, in one statement: safe between processes. Windows are stretches of the clock of so many seconds."""
    if wanted > most:
        return False
    window = int(time.time() // seconds)
    table = sql.table(RateWindow)
    rows = sql.returning(
        f"INSERT INTO {table} (key, minute, used) VALUES (%s, %s, %s) "  # noqa: S608
        f"ON CONFLICT (key) DO UPDATE SET minute = excluded.minute, "
        f"used = CASE WHEN {table}.minute = excluded.minute THEN {table}.used + excluded.used ELSE excluded.used END "
        f"WHERE {table}.minute <> excluded.minute OR {table}.used + excluded.used <= %s RETURNING used",
        [key, window, wanted, most],
    )
    return bool(rows)
