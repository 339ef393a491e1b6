"""The sealer: gives events that are committed for good their place in a Merkle tree, and signs what the tree holds.

It runs beside the business, in its own process and its own short transactions: recording an event waits for nothing.
One pass is one transaction, so a killed sealer leaves neither a gap nor a double. On PostgreSQL an event is due once
every transaction of this database that was open when it was inserted has ended (its `xid` lies under all that are open
now): a cursor over ids or times would miss what commits late. Transactions are numbered for a whole server; those of
its other databases write no event here, and one that stands open there for hours must not stop the sealer.
SQLite has one writer at a time: there the order of rows is enough.

A pass reads what is due by the index of `xid` and nothing else, so that it costs the same however long the log is.
"""

import hashlib
import hmac
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from audit.canonical import HASHED, canonical_stored
from audit.checkpoints import Statement, private_key, sign
from audit.event import AuditEvent
from audit.merkle import Frontier, leaf_hash, root_of
from audit.prepared import WHOLE_TABLES
from audit.retention import holds_hash
from audit.sealed import Checkpoint, Leaf, SealerState, Tree

BATCH = 5000
Columns = dict[str, Any]  # those of an event that are hashed, and by which it is found
LOCK = 0x5C21BE  # PostgreSQL's advisory lock that one sealer holds
FIRST_STEP = timedelta(days=1)
LEAF_COLUMNS = ("id", "tree_id", "seq", "hash", "seal", "subject")
_names = ", ".join(f'"{column}"' for column in LEAF_COLUMNS)
COPY = f'COPY "{Leaf._meta.db_table}" ({_names}) FROM STDIN'
INSERT = f'INSERT INTO "{Leaf._meta.db_table}" ({_names}) VALUES (%s, %s, %s, %s, %s, %s)'  # noqa: S608 (our names)


@dataclass
class Ticking:
    """The time that retention believes in: it runs no faster than this process's own clock, which nobody can set.

    A process that starts may catch up one day; a clock set ten years forward would need 3,650 starts.
    """

    seen: float | None = None

    def elapsed(self, now: datetime) -> datetime:
        last = Checkpoint.objects.order_by("-pk").values_list("elapsed", flat=True).first()
        tick = time.monotonic()
        step = FIRST_STEP if self.seen is None else timedelta(seconds=tick - self.seen)
        self.seen = tick
        return now if last is None else max(last, min(now, last + step))


ticking = Ticking()


def seal_all() -> int:
    """Seal what is due, batch by batch; the number of events sealed."""
    total = 0
    while sealed := seal(BATCH):
        total += sealed
    return total


def seal(limit: int = BATCH) -> int:
    """One pass: at most `limit` events, and a checkpoint for each tree that grew."""
    if not _unsealed(_state(), limit=1)[0]:
        return 0
    with transaction.atomic():
        if not alone():
            return 0
        state = _state()
        events, horizon = _unsealed(state, limit)
        now = timezone.now()
        grown = [_grow(practice, list(found), now) for practice, found in _by_practice(events)]
        for tree in grown:
            check(tree, now)
        state.horizon = horizon
        state.save(update_fields=["horizon"])
    return len(events)


def alone() -> bool:
    """Whether this transaction is the only sealer (SQLite's writers are alone in any case)."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _state() -> SealerState:
    return SealerState.objects.get_or_create(pk=1)[0]


def without_leaf() -> QuerySet[AuditEvent]:
    """Events that have no place in a tree yet."""
    return AuditEvent.objects.filter(~Exists(Leaf.objects.filter(pk=OuterRef("pk"))))


def waiting() -> QuerySet[AuditEvent]:
    """Events the sealer has not come to yet; quick, since it remembers how far it has looked."""
    horizon = _state().horizon
    if connection.vendor == "postgresql":
        return without_leaf().filter(xid__gte=horizon)
    return without_leaf().extra(where=[f'"{AuditEvent._meta.db_table}".rowid > %s'], params=[horizon])  # noqa: S610


def _unsealed(state: SealerState, limit: int) -> tuple[list[Columns], int]:
    """Events that are due, in order, and how far the sealer has looked once they are sealed."""
    if connection.vendor != "postgresql":
        return _unsealed_by_row(state.horizon, limit)
    goes_on = connection.in_atomic_block  # else the settings end with these looks
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        found = _unsealed_by_transaction(state.horizon, limit)
        if goes_on:
            cursor.execute(AS_EVER)
        return found


# With a backlog PostgreSQL would rather sort all of it in every pass than take the first of it by the index.
# Off for the looks alone: what the pass does with what it found is planned as ever.
_OFF = ", ".join(f"set_config('{way}', 'off', true)" for way in WHOLE_TABLES)
# The snapshot comes first and the list of who is elsewhere after it: whoever has ended between the two is taken for one
# of ours, and nothing of ours is ever taken for one from elsewhere. (A snapshot's list leaves out who asks.)
_ELSEWHERE = (
    "SELECT backend_xid::text::bigint FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
    " AND datid <> (SELECT oid FROM pg_database WHERE datname = current_database())"
    " UNION ALL SELECT transaction::text::bigint FROM pg_prepared_xacts WHERE database <> current_database()"
)
HORIZON = (
    "SELECT LEAST((SELECT min(xid) FROM (SELECT pg_snapshot_xip(s)::text::bigint AS xid) running"  # noqa: S608 (our own)
    f" WHERE xid & 4294967295 NOT IN ({_ELSEWHERE})), pg_current_xact_id_if_assigned()::text::bigint,"
    f" pg_snapshot_xmax(s)::text::bigint), pg_snapshot_xmax(s)::text::bigint, {_OFF} FROM pg_current_snapshot() s"
)
LOOKS = 3  # for the horizon, before it is believed that it lies behind the last one
AS_EVER = "; ".join(f"SET LOCAL {way} TO DEFAULT" for way in WHOLE_TABLES)


def _unsealed_by_transaction(horizon: int, limit: int) -> tuple[list[Columns], int]:
    with connection.cursor() as cursor:
        for _ in range(LOOKS):
            cursor.execute(HORIZON)
            oldest_open, next_one, *_ = cursor.fetchone()
            if horizon <= oldest_open:
                break
            # The list is kept for a whole transaction: the next look would hold a new snapshot against an old one.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
    # Restored into another cluster, numbers begin anew: then everything is looked at, and rows "of the future" are old.
    since = horizon if horizon <= oldest_open else 0
    due = without_leaf().order_by("xid", "id").values("xid", *HASHED)
    # Two looks: one for either would go through the whole index.
    events = list(due.filter(xid__gte=since, xid__lt=oldest_open)[:limit])
    if len(events) == limit:
        return events, events[-1]["xid"]
    return events + list(due.filter(xid__gte=next_one)[: limit - len(events)]), oldest_open


def _unsealed_by_row(horizon: int, limit: int) -> tuple[list[Columns], int]:
    table = AuditEvent._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT max(rowid) FROM "{table}"')  # noqa: S608 (our own name)
        newest = cursor.fetchone()[0] or 0
    since = horizon if horizon <= newest else 0  # remade by VACUUM or a restore: look at everything
    found = without_leaf().extra(  # noqa: S610 (our own name)
        select={"place": f'"{table}".rowid'}, where=[f'"{table}".rowid > %s'], params=[since], order_by=["place"]
    )
    events = list(found.values("place", *HASHED)[:limit])
    return events, events[-1]["place"] if len(events) == limit else newest


def _by_practice(events: Sequence[Columns]) -> Iterator[tuple[str, Iterator[Columns]]]:
    """Sorting is stable: within a practice the order stays."""
    return groupby(sorted(events, key=itemgetter("practice")), key=itemgetter("practice"))


def _grow(practice: str, events: Sequence[Columns], now: datetime) -> Tree:
    """Append these events to the practice's tree of this month."""
    tree = tree_for(practice, now)
    frontier = Frontier(tree.size, map(bytes.fromhex, tree.frontier))
    rows = []
    for event in events:
        hashed = leaf_hash(canonical_stored({name: event[name] for name in HASHED}))
        seal = seal_of(tree, frontier.size, hashed)
        rows.append((event["id"], tree.pk, frontier.size, hashed, seal, event["subject_bidx"]))
        frontier.append(hashed)
    _insert(rows)
    tree.size, tree.frontier = frontier.size, [one.hex() for one in frontier.hashes]
    tree.save(update_fields=["size", "frontier"])
    return tree


def _insert(rows: Sequence[tuple]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(COPY) as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(INSERT, [(row[0].hex, *row[1:]) for row in rows])


def tree_for(practice: str, now: datetime) -> Tree:
    """The practice's newest tree, or a new one where the month is over. A clock set back does not reopen a month."""
    month = f"{now:%Y%m}"
    newest = Tree.objects.filter(practice=practice).order_by("-month", "-part").first()
    if newest is None or newest.month < month:
        return Tree.objects.create(practice=practice, month=month)
    return newest


def seal_of(tree: Tree, seq: int, hashed: bytes) -> bytes:
    """16 bytes that only the sealer can make: whoever rewrites a leaf is named, not just noticed."""
    return hmac.digest(_seal_key(settings.AUDIT_SIGNING_KEY), f"{tree.origin} {seq} ".encode() + hashed, "sha256")[:16]


@cache
def _seal_key(_: str) -> bytes:
    return hashlib.sha256(b"scribeport/leaf/" + private_key().private_bytes_raw()).digest()


def check(tree: Tree, now: datetime, heads: bool = False) -> Checkpoint:
    """Sign what the tree holds; with the head map where `heads` (it costs a look at every patient of the month)."""
    frontier = Frontier(tree.size, map(bytes.fromhex, tree.frontier))
    entries = head_entries(tree) if heads else []
    said = Statement(
        origin=tree.origin,
        size=tree.size,
        root=frontier.root(),
        at=now,
        elapsed=ticking.elapsed(now),
        previous=end_before(tree),
        heads=len(entries) if heads else None,
        heads_root=root_of([leaf_hash(head_leaf(*entry)) for entry in entries]) if heads else b"",
        holds=holds_hash(tree.practice),
    )
    return Checkpoint.objects.create(
        tree=tree,
        size=said.size,
        root=said.root.hex(),
        heads=heads,
        at=said.at,
        elapsed=said.elapsed,
        note=sign(said.text()),
    )


def trees_before(tree: Tree) -> QuerySet[Tree]:
    """The practice's trees before this one, newest first."""
    earlier = Q(month__lt=tree.month) | Q(month=tree.month, part__lt=tree.part)
    return Tree.objects.filter(earlier, practice=tree.practice).order_by("-month", "-part")


def end_before(tree: Tree) -> str:
    """Name, size and root of the practice's tree before this one; "" for its first."""
    before = trees_before(tree).first()
    if before is None:
        return ""
    frontier = Frontier(before.size, map(bytes.fromhex, before.frontier))
    return f"{before.origin} {before.size} {frontier.root().hex()}"


def head_entries(tree: Tree, size: int | None = None) -> list[tuple[str, int]]:
    """The head map: each patient's blind index and number of events among the tree's first `size`, by index."""
    leaves = tree.leaves.exclude(subject="").filter(seq__lt=tree.size if size is None else size)
    return sorted(leaves.values_list("subject").annotate(Count("pk")))


def head_leaf(subject: str, count: int) -> bytes:
    """The bytes that stand for one entry of the head map."""
    return f"{subject} {count}".encode()
