"""The tables of the seal: trees, leaves, checkpoints, where they were anchored, and what verifying them found.

All but Tree and SealerState are insert-only. Those two hold nothing that cannot be computed again from the leaves.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from audit.insert_only import InsertOnlyModel


class Tree(models.Model):
    """One Merkle tree: the events of one practice ("" for those of none) sealed in one month.

    `part` rises where a restored database has lost the end of a tree: its successor begins anew beside it.
    """

    practice = models.CharField(max_length=40, blank=True)
    month = models.CharField(max_length=6)  # yyyymm
    part = models.PositiveSmallIntegerField(default=1)
    size = models.PositiveBigIntegerField(default=0)
    frontier = models.JSONField(default=list)  # hex, see merkle.Frontier

    class Meta:
        constraints = [models.UniqueConstraint(fields=["practice", "month", "part"], name="tree_once")]

    def __str__(self) -> str:
        return self.origin

    @property
    def origin(self) -> str:
        """The tree's name in checkpoints and anchors."""
        part = f".{self.part}" if self.part > 1 else ""
        return f"{settings.AUDIT_ORIGIN}/{self.practice or '-'}/{self.month}{part}"


class Leaf(InsertOnlyModel):
    """The place of one event in its tree. `id` is the event's; `seal` is keyed: a forged leaf can be named."""

    id = models.UUIDField(primary_key=True)
    tree = models.ForeignKey(Tree, on_delete=models.PROTECT, related_name="leaves")
    seq = models.PositiveBigIntegerField()  # from 0, without a gap
    hash = models.BinaryField(max_length=32)
    seal = models.BinaryField(max_length=16)
    subject = models.CharField(max_length=32, blank=True)  # the event's patient, for the head map

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tree", "seq"], name="leaf_once")]
        indexes = [models.Index(fields=["tree", "subject"], name="leaf_subject", condition=~Q(subject=""))]

    def __str__(self) -> str:
        return f"{self.tree_id}:{self.seq}"


class Checkpoint(InsertOnlyModel):
    """One signed statement about a tree; `note` is the whole signed text (audit/checkpoints.py)."""

    tree = models.ForeignKey(Tree, on_delete=models.PROTECT, related_name="checkpoints")
    size = models.PositiveBigIntegerField()
    root = models.CharField(max_length=64)
    heads = models.BooleanField(default=False)
    at = models.DateTimeField()
    elapsed = models.DateTimeField()
    note = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["tree", "size"], name="checkpoint_size"),
            models.Index(fields=["-at"], name="checkpoint_at"),
        ]

    def __str__(self) -> str:
        return f"{self.tree_id}:{self.size}"


class AnchorReceipt(InsertOnlyModel):
    """That a checkpoint was handed to an anchor outside the database."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="receipts")
    sink = models.CharField(max_length=120)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.sink}:{self.checkpoint_id}"


class LostCheckpoint(InsertOnlyModel):
    """An anchored checkpoint that this database does not hold, as a person has taken note of (after a restore)."""

    origin = models.CharField(max_length=120)
    size = models.PositiveBigIntegerField()
    root = models.CharField(max_length=64)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.origin} {self.size}"


class Verification(InsertOnlyModel):
    """One run of the verification: how many leaves it read, and the first thing it found wrong."""

    at = models.DateTimeField()
    seconds = models.FloatField()
    leaves = models.PositiveBigIntegerField()
    whole = models.BooleanField()
    finding = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d} {'whole' if self.whole else self.finding}"


class SealerState(models.Model):
    """How far the sealer has looked: PostgreSQL's oldest open transaction then, or SQLite's row number."""

    horizon = models.BigIntegerField(default=0)
    verified_on = models.DateField(null=True)

    def __str__(self) -> str:
        return str(self.horizon)
