"""A limit of calls per wall-clock minute, shared by all workers through one row (eCW: 250 per practice code)."""

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


def _take_all(key: str, per_minute: int, wanted: int) -> bool:
    """All or none, in one statement: safe between processes."""
    if wanted > per_minute:
        return False
    minute = int(time.time() // 60)
    table = sql.table(RateWindow)
    rows = sql.returning(
        f"INSERT INTO {table} (key, minute, used) VALUES (%s, %s, %s) "  # noqa: S608
        f"ON CONFLICT (key) DO UPDATE SET minute = excluded.minute, "
        f"used = CASE WHEN {table}.minute = excluded.minute THEN {table}.used + excluded.used ELSE excluded.used END "
        f"WHERE {table}.minute <> excluded.minute OR {table}.used + excluded.used <= %s RETURNING used",
        [key, minute, wanted, per_minute],
    )
    return bool(rows)
