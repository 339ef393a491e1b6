"""Write the log as a file that audit/verify_log.py verifies without the product: events, and the proofs that hold them.

JSON lines. An event's line is exactly the bytes its leaf is the hash of; every other line begins with `{"+`:

    {"+log": {…}}           first: practice, patient ("subject", its blind index), "part" (time or selection) or all,
                            what the file proves, public keys
    {"+tree": origin}       a month begins; {"+purged": note} in its place where it left under a certificate
    {"+from": {…}}          of a time: the signed checkpoint that the first tree begins at, the roots of what was before
    {"+leaves": […]}        the sealed hashes of the events since the last such line, from which leaf on, base64
    {"+entry": {…}}         after a `config.change` event: the configuration entry whose SHA-256 it carries
    {"+checkpoint": note}   signed; of a whole log over the events so far, of a patient over the whole month
    {"+head": {…}}          of a patient: how many events the signed head map counts in this month, with proof
    {"+proof": {…}}         of a patient: place and audit path of the event that follows
    {"+unsealed": n}        so many events follow that no checkpoint above covers, as not sealed by then: listed, not
                            proved
    {"+end": {…}}           last: how many events there are
"""

import base64
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from audit.canonical import canonical, encode_json, utc
from audit.checkpoints import public_keys
from audit.event import AuditEvent
from audit.merkle import Frontier, leaf_hash, levels, path
from audit.models import ConfigurationEntry
from audit.retained import PurgeCertificate
from audit.sealed import Checkpoint, Leaf, Tree
from audit.sealing import head_entries, head_leaf, waiting
from audit.whole import chunks, entries_of

PROVES = {
    "whole": "Each event is as it was sealed, and none is missing.",
    "patient": "Each event is as it was sealed, and none of this patient’s is missing.",
    "time": "Each event is as it was sealed, and none of this time is missing. It holds whatever was sealed between two"
    " checkpoints around it, which is more than was asked for.",
    "selection": "Each event is in the log as it was sealed. Whether others belong to the selection is not proved:"
    " only patients and times are counted under a signature.",
}
RUN = 256  # leaf hashes per +leaves line
APART = 10_000  # leaves between the checkpoints of a whole log


class NotCovered(Exception):
    """A month has no checkpoint with a head map yet; the sealer makes one every minute."""


@dataclass(frozen=True)
class Line:
    """One line, and whether it is an event's."""

    content: bytes
    event: bool = False


def whole_log(practice: str) -> Iterator[Line]:
    """Every event of a practice ("" for those of none), month by month."""
    yield opening(practice, proves=PROVES["whole"])
    count, sizes = 0, dict[int, int]()
    for tree in trees_of(practice):
        end = newest(tree)
        sizes[tree.pk] = end.size if end else 0
        for line in gone(tree) or whole_tree(tree, None, end):
            count += line.event
            yield line
    yield from closing(count, later(practice, sizes, Q(), Q()))


def patient_log(practice: str, subject: str) -> Iterator[Line]:
    """Every event of one patient (blind index), with proofs that none is missing; raises NotCovered."""
    yield opening(practice, subject=subject, proves=PROVES["patient"])
    count, sizes = 0, dict[int, int]()
    for tree in trees_of(practice):
        sizes[tree.pk] = tree.size
        if _partly_gone(tree, subject):
            yield from gone(tree)
            continue
        checkpoint = tree.checkpoints.filter(heads=True).order_by("-pk").first()
        if checkpoint is None:
            raise NotCovered(tree.origin)
        sizes[tree.pk] = checkpoint.size
        for line in _patients_tree(tree, checkpoint, subject):
            count += line.event
            yield line
    yield from closing(count, later(practice, sizes, Q(subject_bidx=subject), Q(subject=subject)))


def gone(tree: Tree) -> list[Line]:
    """What stands for a month that left under a certificate; nothing of the others."""
    certificate = PurgeCertificate.objects.filter(tree=tree).first()
    return [said("purged", certificate.note)] if certificate else []


def _partly_gone(tree: Tree, subject: str) -> bool:
    """Whether events of this patient have left with the month; where a hold kept all, they are proved as ever."""
    leaves = tree.leaves.filter(subject=subject)
    return PurgeCertificate.objects.filter(tree=tree).exists() and (
        AuditEvent.objects.filter(pk__in=leaves.values("pk")).count() < leaves.count() or not leaves.exists()
    )


def trees_of(practice: str) -> list[Tree]:
    """A practice's trees that hold anything, oldest first."""
    return list(Tree.objects.filter(practice=practice, size__gt=0).order_by("month", "part"))


def said(name: str, value: Any) -> Line:
    return Line(encode_json({f"+{name}": value}).encode())


def opening(practice: str, **more: object) -> Line:
    """The first line. `more`: the patient ("subject"), or which part of the log it is, and what the file proves."""
    keys = [key.hex() for key in public_keys()]
    return said("log", {"version": 1, "practice": practice, "made": utc(timezone.now()), "keys": keys} | more)


def newest(tree: Tree) -> Checkpoint | None:
    """The tree's last checkpoint: where its part of a file ends."""
    return tree.checkpoints.order_by("-size", "-pk").first()


def later(practice: str, sizes: dict[int, int], events: Q, leaves: Q) -> list[UUID]:
    """The ids, in order of time, of what lies beyond the leaves written of each tree (by its key); of all, these.

    Asked for once: what the sealer does from now on changes nothing of it. The unsealed come first, so that what is
    sealed between the two questions is found as a leaf, behind the end of its tree or in a tree that has only begun.
    """
    found = set(waiting().filter(events, practice=practice).values_list("pk", flat=True))
    for tree in trees_of(practice):
        behind = tree.leaves.filter(leaves, seq__gte=sizes.get(tree.pk, 0))
        found.update(behind.values_list("pk", flat=True))
    return sorted(found)


def closing(count: int, unproved: Sequence[UUID]) -> Iterator[Line]:
    """What no proof covers yet, and the end. While the sealer is down that may be very many: they come part by part."""
    yield said("unsealed", len(unproved))
    for at in range(0, len(unproved), RUN):
        keys = unproved[at : at + RUN]
        events = AuditEvent.objects.in_bulk(keys)
        entries = entries_of(events.values())
        for event in (events[key] for key in keys if key in events):
            count += 1
            yield from _event_lines(event, entries)
    yield said("end", {"events": count})


def _event_lines(event: AuditEvent, entries: dict[int, ConfigurationEntry]) -> Iterator[Line]:
    yield Line(canonical(event), event=True)
    entry = entries.get(event.detail.get("entry", 0)) if event.event == "config.change" else None
    if entry:
        yield Line(b'{"+entry":' + entry.canonical() + b"}")


def whole_tree(tree: Tree, begins: Checkpoint | None, end: Checkpoint | None) -> Iterator[Line]:
    """A tree's events in order until the end (of a tree without a checkpoint none); where `begins`, those after it."""
    yield said("tree", tree.origin)
    size, first = end.size if end else 0, 0
    if begins:
        first = begins.size
        yield said("from", {"checkpoint": begins.note, "frontier": _frontier(tree, first)})
    stops = _stops(tree, first, size)
    hashes: list[bytes] = []
    for leaves in chunks(tree, first):
        events = AuditEvent.objects.in_bulk([leaf.pk for leaf in leaves])
        entries = entries_of(events.values())
        for leaf in leaves:
            if leaf.seq >= size:
                break
            if hashes and leaf.seq != first + len(hashes):  # a leaf is gone: let the file show where
                yield _leaves(first, hashes)
                hashes = []
            first = first if hashes else leaf.seq
            hashes.append(bytes(leaf.hash))
            if leaf.pk in events:
                yield from _event_lines(events[leaf.pk], entries)
            stop = stops.get(leaf.seq + 1)
            if stop or len(hashes) == RUN:
                yield _leaves(first, hashes)
                hashes = []
            if stop:
                yield said("checkpoint", stop.note)
    if size not in stops or tree.leaves.filter(seq__lt=size).count() < size:
        yield from (said("checkpoint", one.note) for one in [end] if one and one != begins)


def _frontier(tree: Tree, size: int) -> list[str]:
    """The roots of the perfect trees that the first `size` leaves make."""
    frontier = Frontier()
    for hashed in tree.leaves.filter(seq__lt=size).order_by("seq").values_list("hash", flat=True).iterator():
        frontier.append(bytes(hashed))
    return [base64.b64encode(one).decode() for one in frontier.hashes]


def _leaves(first: int, hashes: list[bytes]) -> Line:
    return said("leaves", [first, base64.b64encode(b"".join(hashes)).decode()])


def _stops(tree: Tree, first: int, size: int) -> dict[int, Checkpoint]:
    """The checkpoints to be written, by size: some on the way, and the last."""
    stops: dict[int, Checkpoint] = {}
    last = first
    for checkpoint in tree.checkpoints.filter(size__gt=first, size__lte=size).order_by("size", "pk"):
        if checkpoint.size == size or checkpoint.size >= last + APART:
            stops[checkpoint.size] = checkpoint
            last = checkpoint.size
    return stops


def _patients_tree(tree: Tree, checkpoint: Checkpoint, subject: str) -> Iterator[Line]:
    yield said("tree", tree.origin)
    yield said("checkpoint", checkpoint.note)
    yield said("head", _head(head_entries(tree, checkpoint.size), subject))
    leaves = list(tree.leaves.filter(subject=subject, seq__lt=checkpoint.size).order_by("seq"))
    if not leaves:
        return
    yield from proved(tree, checkpoint, leaves)


def proved(tree: Tree, checkpoint: Checkpoint, leaves: Sequence[Leaf]) -> Iterator[Line]:
    """These leaves' events, each with its audit path under the checkpoint."""
    found = tree.leaves.filter(seq__lt=checkpoint.size).order_by("seq").values_list("hash", flat=True)
    hashed = levels([bytes(one) for one in found.iterator()])
    for at in range(0, len(leaves), RUN):
        yield from _paths(leaves[at : at + RUN], hashed)


def _paths(leaves: Sequence[Leaf], hashed: Sequence[Sequence[bytes]]) -> Iterator[Line]:
    events = AuditEvent.objects.in_bulk([leaf.pk for leaf in leaves])
    entries = entries_of(events.values())
    for leaf in leaves:
        if leaf.pk in events:
            yield said("proof", {"seq": leaf.seq, "path": _way(hashed, leaf.seq)})
            yield from _event_lines(events[leaf.pk], entries)


def _way(tree: Sequence[Sequence[bytes]], index: int) -> list[str]:
    return [base64.b64encode(one).decode() for one in path(tree, index)]


def _head(entries: list[tuple[str, int]], subject: str) -> dict[str, Any]:
    """The patient's entry of the head map with its proof, or the two between which it would stand."""
    tree = levels([leaf_hash(head_leaf(*entry)) for entry in entries])

    def entry(index: int) -> dict[str, Any]:
        name, count = entries[index]
        return {"subject": name, "count": count, "index": index, "path": _way(tree, index)}

    at = bisect_left(entries, (subject, 0))
    if at < len(entries) and entries[at][0] == subject:
        return {"entry": entry(at)}
    before = {"before": entry(at - 1)} if at else {}
    return before | ({"after": entry(at)} if at < len(entries) else {})


def as_bytes(lines: Iterable[Line]) -> Iterator[bytes]:
    return chain.from_iterable((line.content, b"\n") for line in lines)
