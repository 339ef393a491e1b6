"""Keeps the planner informed, soon after the start and as the deliveries grow tenfold.

Without statistics SQLite takes the first index that fits: a patient's three deliveries among a hundred thousand were
found in 500 ms, with statistics in 3 ms. PostgreSQL's autovacuum takes them by itself, a minute later: until then
statements that it keeps go by plans made for empty tables, at 100 notes a second up to a third of what a note costs.
A worker whose role may not take them leaves them to autovacuum and to the tables' owner (docs/operations.md).
A sample of each index is enough for SQLite: 30 ms.
"""

from functools import cache

from django.db import connection

from delivery import sql
from delivery.models import Attempt, Delivery, IdempotencyKey, Move, Note, NoteVersion, Reading, Wire

WORTH_IT = 200  # deliveries: below, every plan is fast
GROWN = 10
SAMPLE = 1000  # rows of each index
# As the server itself decides; whoever tries without the right is warned for each table, and nothing is done.
MAY = """
SELECT bool_and(CASE WHEN current_setting('server_version_num')::int >= 170000
                     THEN has_table_privilege(oid, 'MAINTAIN') ELSE pg_has_role(relowner, 'USAGE') END)
    OR (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database())
FROM pg_class WHERE oid = ANY(%s::regclass[])
"""
WAY = (Note, NoteVersion, IdempotencyKey, Delivery, Wire, Attempt, Move, Reading)


def inform_planner() -> bool:
    """Take statistics where there are none yet or they speak of a much smaller database; whether it was asked for."""
    if not may_analyze():
        return False
    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if newest < max(WORTH_IT, known_rows() * GROWN):
        return False
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA analysis_limit={SAMPLE}")
            cursor.execute("ANALYZE")
        else:
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {', '.join(map(sql.table, WAY))}")
    return True


@cache
def may_analyze() -> bool:
    """Whether the database lets this role take statistics; asked once in a process."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(MAY, [[model._meta.db_table for model in WAY]])
        return bool(cursor.fetchone()[0])


def known_rows() -> int:
    """How many deliveries the statistics know of; 0 where there are none."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [Delivery._meta.db_table])
            return max(int(cursor.fetchone()[0]), 0)
        cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
        if cursor.fetchone() is None:
            return 0
        cursor.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = %s", [Delivery._meta.db_table])
        return max((int(stat.split()[0]) for (stat,) in cursor.fetchall()), default=0)
