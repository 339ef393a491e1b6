"""Let a month's events go: one person asks, another approves, the sealer signs a certificate, anchors it, and deletes.

    scribeport/audit/lakeside/201601/purge  whose month
    88213                                   its number of leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   its root, base64
    purged scribeport/audit/lakeside/201601
    previous scribeport/audit/lakeside/201512 70911 …   the end of the tree before, as checkpoints state it
    earlier 201511 purged 201512 kept       what became of every month before it, oldest first
    time 2026-05-02T14:03:05.000000Z
    first, last …                           the times of its first and last event
    policy 10 years
    holds …                                 SHA-256 of the holds in force, where there are any
    kept 3                                  events that a hold keeps
    approved 7 12                           who asked, who approved

Leaves stay: what is held can still be proved, and the root compared with the anchor. Events go a thousand at a time, so
that a killed sealer goes on where it was; the trigger in the database decides of each row anew.
"""

import base64
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from audit.anchors import Unreachable, configured
from audit.canonical import utc
from audit.checkpoints import BadNote, opened, sign
from audit.event import AuditEvent
from audit.merkle import Frontier
from audit.record import record
from audit.retained import PurgeCertificate, PurgeRequest
from audit.retention import due, held, holds_hash, years_of
from audit.sealed import Leaf, Tree
from audit.sealing import end_before, trees_before

BATCH = 1000


class NotDue(Exception):
    """This month's events may not go (yet), or somebody has asked for it already."""


class SamePerson(Exception):
    """Whoever asked cannot approve."""


def ask(tree: Tree, reason: str, by: str) -> PurgeRequest:
    """Ask that a month's events go; raises NotDue."""
    with transaction.atomic():
        taken = PurgeRequest.objects.filter(tree=tree, withdrawn_at=None).exists()
        if taken or tree.pk not in {one.pk for one in due(tree.practice)}:
            raise NotDue(tree.origin)
        made = PurgeRequest.objects.create(tree=tree, reason=reason, asked_by=by, asked_at=timezone.now())
        _record("audit.purge.ask", made, reason)
    return made


def approve(one: PurgeRequest, by: str) -> None:
    """The second person's word; raises SamePerson, or NotDue where it has been decided or withdrawn."""
    if by == one.asked_by:
        raise SamePerson
    with transaction.atomic():
        waiting = PurgeRequest.objects.filter(pk=one.pk, approved_by="", withdrawn_at=None)
        if not waiting.update(approved_by=by, approved_at=timezone.now()):
            raise NotDue(one.tree.origin)
        _record("audit.purge.approve", one)


def withdraw(one: PurgeRequest) -> None:
    """Take it back, before the certificate is signed; raises NotDue afterwards."""
    with transaction.atomic():
        if not PurgeRequest.objects.filter(pk=one.pk, withdrawn_at=None, certificate=None).update(
            withdrawn_at=timezone.now()
        ):
            raise NotDue(one.tree.origin)
        _record("audit.purge.withdraw", one)


def _record(event: str, one: PurgeRequest, reason: str = "", **detail: Any) -> None:
    record(
        event,
        practice=one.tree.practice,
        object_type="audit_tree",
        object_id=one.tree.month,
        reason=reason,
        detail={"origin": one.tree.origin} | detail,
    )


def purge_due() -> int:
    """The sealer's round: sign what two people approved, anchor it, delete what it lets go; events deleted."""
    approved = PurgeRequest.objects.filter(withdrawn_at=None, certificate=None).exclude(approved_by="")
    for one in approved.select_related("tree"):
        if one.tree_id in {tree.pk for tree in due(one.tree.practice)}:
            certify(one)
    gone = 0
    for certificate in PurgeCertificate.objects.select_related("tree", "request"):
        if leaving(certificate.tree).exists() and anchor(certificate):
            gone += delete(certificate)
    return gone


def certify(one: PurgeRequest) -> PurgeCertificate:
    """Sign for an approved request, and record it."""
    tree, now = one.tree, timezone.now()
    frontier = Frontier(tree.size, map(bytes.fromhex, tree.frontier))
    events = events_of(tree)
    times = events.aggregate(first=Min("at"), last=Max("at"))
    holds, kept = holds_hash(tree.practice), events.filter(held(tree.practice)).count()
    lines = [
        f"{tree.origin}/purge",
        str(tree.size),
        base64.b64encode(frontier.root()).decode(),
        f"purged {tree.origin}",
        *_before(tree),
        f"time {utc(now)}",
        f"first {utc(times['first'])}" if times["first"] else "first none",
        f"last {utc(times['last'])}" if times["last"] else "last none",
        f"policy {years_of(tree.practice)} years",
        *([f"holds {holds}"] if holds else []),
        f"kept {kept}",
        f"approved {one.asked_by} {one.approved_by}",
    ]
    with transaction.atomic():
        made = PurgeCertificate.objects.create(
            tree=tree, request=one, note=sign("\n".join(lines) + "\n"), kept=kept, at=now
        )
        _record("audit.purge", one, size=tree.size, kept=kept, root=frontier.root().hex())
    return made


def _before(tree: Tree) -> list[str]:
    """How the chain of months goes on over this one, and which of those before it have left; of the first, nothing."""
    earlier = trees_before(tree).order_by("month", "part").select_related("certificate")
    if not earlier:
        return []
    told = [f"{one.origin.rpartition('/')[2]} {'purged' if hasattr(one, 'certificate') else 'kept'}" for one in earlier]
    return [f"previous {end_before(tree)}", f"earlier {' '.join(told)}"]


def root_certified(certificate: PurgeCertificate) -> tuple[int, bytes]:
    """Size and root that a certificate states; raises BadNote unless a trusted key signed it for this tree."""
    origin, size, root, named, *_ = opened(certificate.note).splitlines()
    tree = certificate.tree.origin
    if (origin, named) != (f"{tree}/purge", f"purged {tree}"):
        raise BadNote("the certificate is another month's")
    return int(size), base64.b64decode(root)


def anchor(certificate: PurgeCertificate) -> bool:
    """Hand the certificate to every anchor; only then may anything go. A second handing over does no harm."""
    try:
        for one in configured():
            one.put(certificate.note)
    except Unreachable:
        return False
    return bool(configured())


def events_of(tree: Tree) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(Exists(Leaf.objects.filter(pk=OuterRef("pk"), tree=tree)))


def leaving(tree: Tree) -> QuerySet[AuditEvent]:
    """A month's events that no hold keeps."""
    return events_of(tree).filter(~Q(held(tree.practice)) if held(tree.practice) else Q())


def delete(certificate: PurgeCertificate) -> int:
    """Delete what leaves; raises the database's error where its trigger thinks otherwise of one."""
    gone = 0
    while keys := list(leaving(certificate.tree).values_list("pk", flat=True)[:BATCH]):
        stored = [key if connection.vendor == "postgresql" else key.hex for key in keys]
        marks = ", ".join(["%s"] * len(stored))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'DELETE FROM "{AuditEvent._meta.db_table}" WHERE id IN ({marks})', stored)  # noqa: S608
        gone += len(keys)
    return gone
