"""A sealed log for tests. On PostgreSQL the database's other open transactions make the sealer wait."""

import time

from django.db import connection, transaction

from audit.record import Entry, record_many
from audit.sealing import seal_all, waiting

SECONDS = 60
HOLDERS = """
    SELECT pid, datname, state, now() - xact_start, backend_xid, backend_xmin, left(query, 120)
    FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database() ORDER BY xact_start
"""


def note(practice: str = "lakeside", subject: str = "", count: int = 1, event: str = "system.start") -> list:
    """So many events in one transaction; their ids."""
    with transaction.atomic():
        return record_many([Entry(event, practice=practice, subject_bidx=subject) for _ in range(count)])


def seal_now() -> int:
    """Seal all that is committed, waiting for other transactions to end; how many events were sealed."""
    # What this transaction wrote would come under the horizon only as long as no other one of the server ends.
    assert not connection.in_atomic_block, "seal_now() needs a test that commits: django_db(transaction=True)"
    end, total = time.monotonic() + SECONDS, 0
    while True:
        total += seal_all()
        if not waiting().exists():
            return total
        assert time.monotonic() < end, f"after {SECONDS} s events still wait for the sealer; open: {holders()}"
        time.sleep(0.02)


def holders() -> list[tuple]:
    """On PostgreSQL the transactions that hold the sealer's horizon."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        return cursor.fetchall()


def without_statistics(cursor, *tables: str) -> None:
    """For this transaction PostgreSQL's planner knows these tables as little as new ones: others' tests left it some."""
    assert connection.in_atomic_block, "the statistics come back with the rollback"
    named = "= ANY(%s::regclass[])"
    cursor.execute(f"DELETE FROM pg_statistic WHERE starelid {named}", [list(tables)])
    cursor.execute(
        f"UPDATE pg_class SET reltuples = -1, relpages = 0, relallvisible = 0 WHERE oid {named}", [list(tables)]
    )
