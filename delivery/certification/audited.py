"""The audit of the run itself (B21): an event for every access to patient data, and a proof for every event."""

import base64
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Any

from audit.canonical import canonical
from audit.checkpoints import NoSigningKey
from audit.event import AuditEvent
from audit.merkle import leaf_hash, levels, path, root_by
from audit.sealed import Checkpoint, Leaf
from audit.sealing import seal_all
from delivery.certification.desk import Desk, Test, Verdict
from delivery.certification.evidence import Account, encoded, keep
from delivery.models import Attempt, Delivery, Move, Reading

SEALED_WITHIN = 30.0


def tests() -> list[Test]:
    return [Test("security.audit", "Every access to a note of this run stands in the sealed audit log", audited)]


def audited(desk: Desk, account: Account) -> Verdict:
    """Hold every move, attempt and reading against the log; then prove each event by its place in the tree."""
    gaps = []
    for what, rows, event in accesses(desk.sent):
        missing = [str(key) for key, count in rows.items() if event.get(str(key), 0) < count]
        account.step(
            f"{what}: {sum(rows.values())}", "each has its event" if not missing else f"{len(missing)} without"
        )
        gaps += [f"{what.lower()} of delivery {key}" for key in missing]
    if gaps:
        return Verdict(False, f"Not in the audit log: {', '.join(gaps)}."[:300])
    return proven(desk, account)


def accesses(ids: list[int]) -> list[tuple[str, Counter[int], Counter[str]]]:
    """What was done with each delivery, and the events that must tell of it."""
    events: dict[str, Counter[str]] = defaultdict(Counter)
    keys = [str(key) for key in ids]
    for name, key in AuditEvent.objects.filter(object_type="delivery", object_id__in=keys).values_list(
        "event", "object_id"
    ):
        events[name][key] += 1
    moves: Counter[str] = sum((count for name, count in events.items() if name.startswith("delivery.")), Counter())
    return [
        ("State changes", Counter(Move.objects.filter(delivery__in=ids).values_list("delivery_id", flat=True)), moves),
        (
            "Messages sent",
            Counter(Attempt.objects.filter(delivery__in=ids).values_list("delivery_id", flat=True)),
            events["delivery.intent"],
        ),
        (
            "Looks into the chart",
            Counter(Reading.objects.filter(delivery__in=ids).values_list("delivery_id", flat=True)),
            events["chart.read"],
        ),
    ]


def proven(desk: Desk, account: Account) -> Verdict:
    """The place of each event in its tree, with the path to a signed root."""
    keys = [str(key) for key in desk.sent]
    notes = [
        str(each) for each in Delivery.objects.filter(pk__in=desk.sent).values_list("note_id", flat=True).distinct()
    ]
    events = {
        event.pk: event
        for objects, ids in (("delivery", keys), ("note", notes))
        for event in AuditEvent.objects.filter(object_type=objects, object_id__in=ids)
    }
    if not sealed(desk, set(events)):
        return Verdict(False, "The log's sealer has not come to every event within 30 seconds; is it running?")
    rows, wrong = proofs(events)
    account.facts |= {"events": len(events), "proofs": keep(desk.run, "audit.json", encoded(rows)).name}
    account.step(f"Proved {len(rows['events'])} events by their place in the log", f"{wrong} do not fit")
    return Verdict(
        not wrong, f"{wrong} events do not fit." if wrong else f"{len(events)} events, each proven in the log."
    )


def sealed(desk: Desk, ids: set[Any]) -> bool:
    """Whether every event has its place; this process seals where it has the key, else the sealer does.

    It tries until then: on PostgreSQL whoever has a transaction open holds back what is due.
    """

    def come() -> bool:
        with suppress(NoSigningKey):
            seal_all()
        return Leaf.objects.filter(pk__in=ids).count() == len(ids)

    return desk.until(come, SEALED_WITHIN)


def proofs(events: dict[Any, AuditEvent]) -> tuple[dict[str, Any], int]:
    """For each tree its newest checkpoint, and each event's leaf and path in it; how many do not lead to the root."""
    by_tree: dict[int, list[Leaf]] = defaultdict(list)
    for leaf in Leaf.objects.filter(pk__in=list(events)).order_by("tree_id", "seq"):
        by_tree[leaf.tree_id].append(leaf)
    told: dict[str, Any] = {"checkpoints": [], "events": []}
    wrong = 0
    for tree_id, mine in by_tree.items():
        point = Checkpoint.objects.filter(tree=tree_id, size__gt=mine[-1].seq).order_by("-pk").first()
        size = point.size if point else 0
        stored = Leaf.objects.filter(tree=tree_id, seq__lt=size).order_by("seq").values_list("hash", flat=True)
        tree = levels([bytes(each) for each in stored])
        told["checkpoints"].append(point.note if point else "")
        for leaf in mine:
            way = path(tree, leaf.seq) if point else []
            own = leaf_hash(canonical(events[leaf.pk]))
            fits = bool(point) and root_by(own, leaf.seq, size, way) == tree[-1][0]
            wrong += not fits
            told["events"].append(
                {
                    "id": str(leaf.pk),
                    "event": events[leaf.pk].event,
                    "leaf": own.hex(),
                    "index": leaf.seq,
                    "size": size,
                    "path": [base64.b64encode(each).decode() for each in way],
                }
            )
    return told, wrong
