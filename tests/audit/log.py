"""A sealed log for tests. On PostgreSQL others' open transactions, of whatever database, make the sealer wait."""

import time

from django.db import connection, transaction

from audit.record import Entry, record_many
from audit.sealing import seal_all, waiting

SECONDS = 60
HOLDERS = """
    SELECT pid, datname, state, now() - xact_start, backend_xid, backend_xmin, left(query, 120)
    FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start
"""


def note(practice: str = "lakeside", subject: str = "", count: int = 1, event: str = "system.start") -> list:
    """So many events in one transaction; their ids."""
    with transaction.atomic():
        return record_many([Entry(event, practice=practice, subject_bidx=subject) for _ in range(count)])


def seal_now() -> int:
    """Seal all that is committed, waiting for transactions elsewhere to end; how many events were sealed."""
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
    """On PostgreSQL the transactions, of all databases, that hold the sealer's horizon."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        return cursor.fetchall()
