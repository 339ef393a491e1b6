"""Anchors: places outside the database that are told each checkpoint, so that a shortened or restored log is noticed.

SCRIBEPORT_AUDIT_ANCHORS names them, by commas: `file:///path` (appended, synced to disk), `syslog://host:514`
(RFC 5424 over UDP; `syslog+tcp://` over TCP), `https://…` (POST of the signed note; a redirect is no answer), or
`python:package.module.Class?anything` for one of your own: it gets the address and has `name` and `put(note)`.
A file can be read back: at start, and then again and again, its newest checkpoint must be in the database.
"""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx2
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from audit.canonical import utc
from audit.checkpoints import BadNote, Statement, opened, read_statement
from audit.record import record
from audit.sealed import AnchorReceipt, Checkpoint, LostCheckpoint, Tree
from audit.sealing import alone, check

SECONDS = 5.0
TAIL = 65536


class Unreachable(Exception):
    """The anchor did not take the checkpoint; it is offered again with the next one."""


class Anchor(Protocol):
    """Where checkpoints go. `name` is kept in receipts; `put` raises Unreachable."""

    @property
    def name(self) -> str: ...

    def put(self, note: str) -> None: ...


@dataclass(frozen=True)
class FileAnchor:
    """One JSON line per checkpoint, appended; to be worth anything, on another volume than the database."""

    path: Path

    @property
    def name(self) -> str:
        return f"file:{self.path.name}"

    def put(self, note: str) -> None:
        line = json.dumps({"at": utc(timezone.now()), "note": note}, ensure_ascii=False) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                written = _fresh_line(handle) + line.encode()
                if os.write(handle, written) != len(written):
                    raise Unreachable("the disk is full")
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as wrong:
            raise Unreachable(type(wrong).__name__) from wrong

    def notes(self) -> Iterator[str]:
        """Every note in it, oldest first; a line cut short by a crash or a full disk is passed over."""
        if self.path.exists():
            with self.path.open(encoding="utf-8", errors="replace") as lines:
                yield from _notes(lines)

    def newest(self) -> list[str]:
        """The notes at its end, oldest first."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            return list(_notes(file.read().decode("utf-8", "replace").splitlines()))


def _fresh_line(handle: int) -> bytes:
    """The end of a line that a crash or a full disk has cut short: the next one must not be lost with it."""
    size = os.fstat(handle).st_size
    return b"\n" if size and os.pread(handle, 1, size - 1) != b"\n" else b""


def _notes(lines: Iterator[str] | list[str]) -> Iterator[str]:
    for line in lines:
        try:
            note = json.loads(line)["note"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(note, str):
            yield note


@dataclass(frozen=True)
class SyslogAnchor:
    """RFC 5424, facility "log audit", severity notice. UDP gives no answer: that it arrived is not known."""

    host: str
    port: int
    stream: bool = False

    @property
    def name(self) -> str:
        return f"syslog:{self.host}:{self.port}"

    def put(self, note: str) -> None:
        told = json.dumps({"note": note})
        line = f"<109>1 {utc(timezone.now())} {socket.gethostname()} scribeport - checkpoint - {told}".encode()
        try:
            if self.stream:
                with socket.create_connection((self.host, self.port), SECONDS) as connection:
                    connection.sendall(f"{len(line)} ".encode() + line)  # RFC 6587, octet counting
            else:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
                    connection.sendto(line, (self.host, self.port))
        except OSError as wrong:
            raise Unreachable(type(wrong).__name__) from wrong


@dataclass(frozen=True)
class WebhookAnchor:
    """POST of the note as text; any 2xx is an answer. The note is signed: that is its proof of origin."""

    url: str

    @property
    def name(self) -> str:
        return f"webhook:{urlsplit(self.url).hostname}"

    def put(self, note: str) -> None:
        try:
            answer = httpx2.post(
                self.url, content=note.encode(), headers={"Content-Type": "text/plain; charset=utf-8"}, timeout=SECONDS
            )
        except httpx2.HTTPError as wrong:
            raise Unreachable(type(wrong).__name__) from wrong
        if not answer.is_success:
            raise Unreachable(f"answered {answer.status_code}")


def anchor_at(address: str) -> Anchor:
    """The anchor an address names; raises ImproperlyConfigured."""
    parts = urlsplit(address)
    if parts.scheme == "file" and parts.path:
        return FileAnchor(Path(parts.path))
    if parts.scheme in ("syslog", "syslog+tcp") and parts.hostname:
        return SyslogAnchor(parts.hostname, parts.port or 514, stream=parts.scheme.endswith("tcp"))
    if parts.scheme in ("http", "https") and parts.hostname:
        return WebhookAnchor(address)
    if parts.scheme == "python":
        made: Anchor = import_string(parts.path)(address)
        return made
    raise ImproperlyConfigured(f"SCRIBEPORT_AUDIT_ANCHORS: {parts.scheme}: is no kind of anchor")


@cache
def _configured(addresses: tuple[str, ...]) -> tuple[Anchor, ...]:
    return tuple(map(anchor_at, addresses))


def configured() -> tuple[Anchor, ...]:
    return _configured(tuple(settings.AUDIT_ANCHORS))


def anchor_all() -> list[str]:
    """Hand each tree's newest state to every anchor that has not got it; "name: reason" of those that failed."""
    failed: list[str] = []
    for tree in Tree.objects.order_by("pk"):
        newest = tree.checkpoints.order_by("-pk").first()
        if newest is None or newest.size == 0:
            continue
        whole = newest if newest.heads else _with_heads(tree)
        if whole:
            got = set(whole.receipts.values_list("sink", flat=True))
            failed += _hand_over(whole, [anchor for anchor in configured() if anchor.name not in got])
    return failed


def _with_heads(tree: Tree) -> Checkpoint | None:
    """Sign the tree as it stands, head map included; None where another sealer is at it."""
    with transaction.atomic():
        if not alone():
            return None
        return check(Tree.objects.get(pk=tree.pk), timezone.now(), heads=True)


def _hand_over(checkpoint: Checkpoint, anchors: list[Anchor]) -> list[str]:
    """Outside any transaction: an anchor may be slow. A receipt that a crash prevents costs a second handing over."""
    failed = []
    for anchor in anchors:
        try:
            anchor.put(checkpoint.note)
        except Unreachable as wrong:
            failed.append(f"{anchor.name}: {wrong}")
            continue
        AnchorReceipt.objects.create(checkpoint=checkpoint, sink=anchor.name, at=timezone.now())
    return failed


def anchored() -> Iterator[Statement]:
    """Every checkpoint that readable anchors hold under a trusted key, but for those known to be lost."""
    lost = set(LostCheckpoint.objects.values_list("origin", "size", "root"))
    for anchor in configured():
        if isinstance(anchor, FileAnchor):
            yield from (one for one in _trusted(anchor.notes()) if (one.origin, one.size, one.root.hex()) not in lost)


def _trusted(notes: Iterator[str] | list[str]) -> Iterator[Statement]:
    for note in notes:
        try:
            yield read_statement(opened(note))
        except BadNote:
            continue


def missing_from_database() -> list[Statement]:
    """The newest anchored checkpoint of each tree that the database does not hold: it is older than its anchor."""
    newest: dict[str, Statement] = {}
    for anchor in configured():
        if isinstance(anchor, FileAnchor):
            newest |= {one.origin: one for one in _trusted(anchor.newest())}
    lost = set(LostCheckpoint.objects.values_list("origin", "size", "root"))
    known = ((one, (one.origin, one.size, one.root.hex())) for one in newest.values())
    return [one for one, key in known if key not in lost and not _held(*key)]


def _held(origin: str, size: int, root: str) -> bool:
    tree = tree_of(origin)
    return tree is not None and tree.checkpoints.filter(size=size, root=root).exists()


def tree_of(origin: str) -> Tree | None:
    """The tree that a checkpoint's first line names."""
    practice, month, part = _named(origin)
    return Tree.objects.filter(practice=practice, month=month, part=part).first()


def _named(origin: str) -> tuple[str, str, int]:
    """Practice, month and part of an origin as Tree.origin writes it."""
    start, _, rest = origin.rpartition("/")
    month, _, part = rest.partition(".")
    practice = start.removeprefix(f"{settings.AUDIT_ORIGIN}/")
    return "" if practice == "-" else practice, month, int(part) if part.isdigit() else 1


def accept_loss() -> int:
    """A person says: the restored database goes on. What it lacks is written down; its trees begin anew."""
    with transaction.atomic():
        missing = missing_from_database()
        origins = {said.origin for said in missing}
        lost = {(said.origin, said.size, said.root.hex()) for said in anchored() if said.origin in origins}
        for origin, size, root in sorted(lost):
            if not _held(origin, size, root):
                LostCheckpoint.objects.create(origin=origin, size=size, root=root, at=timezone.now())
        for said in missing:
            record("audit.loss", detail={"origin": said.origin, "size": said.size, "root": said.root.hex()})
            _begin_beside(said.origin)
    return len(missing)


def _begin_beside(origin: str) -> None:
    practice, month, part = _named(origin)
    Tree.objects.get_or_create(practice=practice, month=month, part=part + 1)
