"""Verify the whole log against its leaves, its checkpoints and what the anchors hold; name the first thing wrong."""

import hmac
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from audit.anchors import anchored, tree_of
from audit.canonical import canonical
from audit.checkpoints import BadNote, Statement, opened, read_statement
from audit.event import AuditEvent
from audit.merkle import Frontier, leaf_hash
from audit.models import ConfigurationEntry
from audit.purging import root_certified
from audit.record import record
from audit.retained import PurgeCertificate
from audit.sealed import Checkpoint, Leaf, SealerState, Tree, Verification
from audit.sealing import seal_of, without_leaf
from audit.verification import mac_is_right

CHUNK = 2000
LONGEST_TRANSACTION = timedelta(hours=1)


@dataclass(frozen=True)
class Finding:
    """The first thing wrong in a tree. `seq` is the leaf's place, or the first place after a good checkpoint."""

    origin: str
    what: str
    seq: int | None = None
    event: str = ""

    def __str__(self) -> str:
        place = "" if self.seq is None else f", leaf {self.seq}"
        return f"{self.origin}{place}: {self.what}{f' ({self.event})' if self.event else ''}"


class _Wrong(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


@dataclass(frozen=True)
class Report:
    """Leaves read, events that wait for the sealer, and the first finding of each tree."""

    leaves: int
    unsealed: int
    findings: tuple[Finding, ...]


def verify(trees: Sequence[Tree] | None = None) -> Report:
    """Verify these trees, or all; anchors are asked in any case: a tree may be gone as a whole."""
    chosen = list(Tree.objects.order_by("practice", "month", "part")) if trees is None else list(trees)
    outside: dict[str, list[Statement]] = {}
    for said in anchored():
        outside.setdefault(said.origin, []).append(said)
    findings = [
        Finding(origin, f"the anchor knows {said[-1].size} leaves of this tree; the database does not have it", 0)
        for origin, said in outside.items()
        if tree_of(origin) is None
    ]
    leaves = 0
    for tree in chosen:
        walk = Walk(tree, outside.get(tree.origin, []))
        try:
            walk.run()
        except _Wrong as wrong:
            findings.append(wrong.finding)
        leaves += walk.frontier.size
    forgotten = _forgotten()
    if forgotten:
        findings.append(Finding("events", "this event is older than an hour and has no leaf", event=str(forgotten.pk)))
    return Report(leaves, without_leaf().count(), tuple(findings))


def _forgotten() -> AuditEvent | None:
    old = without_leaf().filter(at__lt=timezone.now() - LONGEST_TRANSACTION)
    return old.order_by("at").first() if SealerState.objects.filter(horizon__gt=0).exists() else None


class Walk:
    """One pass over one tree, leaf by leaf, in constant memory."""

    def __init__(self, tree: Tree, outside: Sequence[Statement]) -> None:
        self.tree = tree
        self.frontier = Frontier()
        self.stated: dict[int, list[tuple[str, bytes]]] = {}  # size: where it is stated, root
        self.times: list[tuple[int, datetime]] = []
        for said in outside:
            self.stated.setdefault(said.size, []).append(("an anchored checkpoint", said.root))
        self.purged = PurgeCertificate.objects.filter(tree=tree).first()
        self.good = 0  # the size of the last checkpoint that fitted

    def _add(self, checkpoint: Checkpoint) -> None:
        try:
            said = read_statement(opened(checkpoint.note))
        except BadNote as wrong:
            raise _Wrong(Finding(self.tree.origin, f"checkpoint {checkpoint.pk}: {wrong}")) from None
        if (said.origin, said.size, said.root.hex()) != (self.tree.origin, checkpoint.size, checkpoint.root):
            raise _Wrong(Finding(self.tree.origin, f"checkpoint {checkpoint.pk} is not what was signed"))
        self.stated.setdefault(said.size, []).append(("a checkpoint", said.root))
        self.times.append((said.size, said.at))

    def _add_certificate(self, certificate: PurgeCertificate) -> None:
        """Under it events may be gone; leaves and root must be those that it states."""
        try:
            size, root = root_certified(certificate)
        except (BadNote, ValueError):
            raise _Wrong(Finding(self.tree.origin, "its purge certificate is not signed for it")) from None
        self.stated.setdefault(size, []).append(("the purge certificate", root))

    def run(self) -> None:
        for checkpoint in self.tree.checkpoints.order_by("pk"):
            self._add(checkpoint)
        if self.purged:
            self._add_certificate(self.purged)
        for leaves in chunks(self.tree):
            events = AuditEvent.objects.in_bulk([leaf.pk for leaf in leaves])
            entries = entries_of(events.values())
            for leaf in leaves:
                self._leaf(leaf, events.get(leaf.pk), entries)
        missing = [size for size in sorted(self.stated) if size > self.frontier.size]
        if missing:
            where = self.stated[missing[-1]][0][0]
            raise self._wrong(f"the log ends here, but {where} knows {missing[-1]} leaves", self.frontier.size)

    def _leaf(self, leaf: Leaf, event: AuditEvent | None, entries: dict[int, ConfigurationEntry]) -> None:
        at = self.frontier.size
        if leaf.seq != at:
            raise self._wrong("this leaf is gone, or the order was changed", at)
        hashed = bytes(leaf.hash)
        if settings.AUDIT_SIGNING_KEY and not hmac.compare_digest(bytes(leaf.seal), seal_of(self.tree, at, hashed)):
            raise self._wrong("the leaf is not the sealer's", at, leaf)
        if event is not None:
            self._event(leaf, event, entries)
        elif self.purged is None:
            raise self._wrong("the event is gone", at, leaf)
        self.frontier.append(hashed)
        for where, root in self.stated.get(self.frontier.size, ()):
            if root != self.frontier.root():
                raise self._wrong(f"between here and leaf {at}, leaves are not those of {where}", self.good)
            self.good = self.frontier.size

    def _event(self, leaf: Leaf, event: AuditEvent, entries: dict[int, ConfigurationEntry]) -> None:
        at, hashed = leaf.seq, bytes(leaf.hash)
        if leaf_hash(canonical(event)) != hashed or not mac_is_right(event) or event.subject_bidx != leaf.subject:
            raise self._wrong("the event was changed", at, leaf)
        if event.event == "config.change" and not _entry_fits(event, entries):
            raise self._wrong("the configuration entry of this event was changed or is gone", at, leaf)
        self._in_time(event, at)

    def _in_time(self, event: AuditEvent, at: int) -> None:
        """An event older than a checkpoint before it, by more than any transaction lasts, was put in afterwards."""
        while len(self.times) > 1 and self.times[1][0] <= at:
            self.times.pop(0)
        if self.times and self.times[0][0] <= at and event.at < self.times[0][1] - LONGEST_TRANSACTION:
            raise _Wrong(Finding(self.tree.origin, "the event is back-dated", at, str(event.pk)))

    def _wrong(self, what: str, seq: int, leaf: Leaf | None = None) -> _Wrong:
        return _Wrong(Finding(self.tree.origin, what, seq, str(leaf.pk) if leaf else ""))


def chunks(tree: Tree, first: int = 0) -> Iterator[list[Leaf]]:
    """The tree's leaves in order of their place from `first` on, so many at a time; no transaction is held open."""
    after = first - 1
    while leaves := list(tree.leaves.filter(seq__gt=after).order_by("seq")[:CHUNK]):
        yield leaves
        after = leaves[-1].seq


def entries_of(events: Iterable[AuditEvent]) -> dict[int, ConfigurationEntry]:
    """The configuration entries that these events speak of, by key."""
    keys = [event.detail.get("entry") for event in events if event.event == "config.change"]
    return ConfigurationEntry.objects.in_bulk([key for key in keys if isinstance(key, int)])


def _entry_fits(event: AuditEvent, entries: dict[int, ConfigurationEntry]) -> bool:
    entry = entries.get(event.detail.get("entry", 0))
    return entry is not None and entry.digest() == event.detail.get("entry_sha256")


def nightly(day: int | None = None) -> Report:
    """The newest two trees of each practice, and one of the others in turn; what was found is itself an event."""
    begun = time.monotonic()
    trees = list(Tree.objects.order_by("practice", "-month", "-part"))
    chosen, older = _tonight(trees)
    if older:
        chosen.append(older[(day if day is not None else timezone.now().toordinal()) % len(older)])
    report = verify(chosen)
    first = str(report.findings[0])[:300] if report.findings else ""
    with transaction.atomic():
        Verification.objects.create(
            at=timezone.now(),
            seconds=time.monotonic() - begun,
            leaves=report.leaves,
            whole=not report.findings,
            finding=first,
        )
        detail = {"leaves": report.leaves, "trees": len(chosen), "found": first[:120]}
        record("audit.verify", outcome="error" if report.findings else "ok", detail=detail)
    return report


def _tonight(trees: list[Tree]) -> tuple[list[Tree], list[Tree]]:
    """Those that are verified every night, and the rest."""
    seen: dict[str, int] = {}
    every: list[Tree] = []
    older: list[Tree] = []
    for tree in trees:
        seen[tree.practice] = seen.get(tree.practice, 0) + 1
        (every if seen[tree.practice] <= 2 else older).append(tree)
    return every, older
