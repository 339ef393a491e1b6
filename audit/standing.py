"""How far the log is sealed and anchored, for screens: said as it is, unsealed rows included."""

from dataclasses import dataclass
from datetime import datetime

from audit import sealing
from audit.anchors import FileAnchor, configured
from audit.event import AuditEvent
from audit.sealed import AnchorReceipt, Checkpoint, Leaf, Verification

MOST = 10_000  # more are shown as "10,000 or more"


@dataclass(frozen=True)
class Standing:
    """A practice's log: its newest checkpoint, its newest anchored one, how many events wait, the last verification.

    `same_disk_only` where every anchor is a file: whoever has this machine has log and anchor.
    """

    sealed: Checkpoint | None
    anchored: AnchorReceipt | None
    waiting: int
    oldest_waiting: datetime | None
    verified: Verification | None
    anchors: tuple[str, ...]
    same_disk_only: bool


@dataclass(frozen=True)
class Place:
    """One event's: its leaf (None while it waits), and the receipt of the first anchored checkpoint that covers it."""

    leaf: Leaf | None
    receipt: AnchorReceipt | None

    @property
    def state(self) -> str:
        """unsealed, sealed or anchored."""
        if self.leaf is None:
            return "unsealed"
        return "anchored" if self.receipt else "sealed"


def standing(practice: str) -> Standing:
    waiting = sealing.waiting().filter(practice=practice)
    anchors = configured()
    return Standing(
        sealed=Checkpoint.objects.filter(tree__practice=practice).order_by("-pk").first(),
        anchored=AnchorReceipt.objects.filter(checkpoint__tree__practice=practice)
        .select_related("checkpoint")
        .order_by("-checkpoint_id")
        .first(),
        waiting=len(waiting.values_list("pk")[:MOST]),
        oldest_waiting=waiting.order_by("at").values_list("at", flat=True).first(),
        verified=Verification.objects.order_by("-pk").first(),
        anchors=tuple(anchor.name for anchor in anchors),
        same_disk_only=all(isinstance(anchor, FileAnchor) for anchor in anchors),
    )


def place_of(event: AuditEvent) -> Place:
    leaf = Leaf.objects.select_related("tree").filter(pk=event.pk).first()
    if leaf is None:
        return Place(None, None)
    covering = AnchorReceipt.objects.filter(checkpoint__tree=leaf.tree_id, checkpoint__size__gt=leaf.seq)
    return Place(leaf, covering.select_related("checkpoint").order_by("checkpoint_id").first())
