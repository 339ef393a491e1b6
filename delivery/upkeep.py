"""Keeps SQLite's planner informed. (PostgreSQL's autovacuum does the same by itself.)

Without statistics SQLite takes the first index that fits: a patient's three deliveries among a hundred thousand were
found in 500 ms, with statistics in 3 ms. They are taken anew once the deliveries have grown tenfold, as SQLite's own
PRAGMA optimize would, but whatever this connection happened to ask before. A sample of each index is enough: 30 ms.
"""

from django.db import connection

from delivery.models import Delivery

WORTH_IT = 200  # deliveries: below, every plan is fast
GROWN = 10
SAMPLE = 1000  # rows of each index


def inform_planner() -> bool:
    """Take statistics where there are none yet or they speak of a much smaller database; whether it was done."""
    if connection.vendor != "sqlite":
        return False
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if newest < max(WORTH_IT, known_rows() * GROWN):
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit={SAMPLE}")
        cursor.execute("ANALYZE")
    return True


def known_rows() -> int:
    """How many deliveries the statistics know of; 0 where there are none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
        if cursor.fetchone() is None:
            return 0
        cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = %s", [Delivery._meta.db_table])
        return max((int(stat.split()[0]) for (stat,) in cursor.fetchall()), default=0)
