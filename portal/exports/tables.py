"""The tables of an export: what was asked for and how far it is, and the file itself in sealed pieces."""

from collections.abc import Iterable
from typing import cast

from django.db import models

from portal import crypto


class ExportState(models.TextChoices):
    """Where an export stands: only a done one can be fetched, and no worker takes one that was only asked for."""

    ASKED = "asked", "Needs a second person"
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Being made"
    DONE = "done", "Ready"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired and deleted"


class ExportJob(models.Model):
    """One export. `asked` holds filters and ids (never an identifier of a patient in clear); `kind` who makes it."""

    practice = models.ForeignKey("portal.Practice", on_delete=models.PROTECT, related_name="exports")
    created_by = models.ForeignKey("portal.User", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    asked = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=ExportState, default=ExportState.WAITING)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)  # bytes of the file
    sha256 = models.CharField(max_length=64, blank=True)
    trouble = models.CharField(max_length=40, blank=True)  # why it failed: a code
    # Everything a practice has: then somebody else approves it, where there is somebody (portal/exports/approving.py).
    everything = models.BooleanField(default=False)
    approved_by = models.ForeignKey("portal.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    tell_after = models.DateTimeField(null=True, blank=True)  # when others are told by mail; none: they have been
    # Whoever works on it, by the database's clock; a try is counted when it begins, so that a crash counts too.
    tries = models.PositiveSmallIntegerField(default=0)
    held_by = models.CharField(max_length=150, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "id"], name="export_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ExportPiece(models.Model):
    """A megabyte or so of an export's file, encrypted for this place."""

    job = models.ForeignKey(ExportJob, on_delete=models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    sealed_body = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="export_piece_once")]

    def __str__(self) -> str:
        return f"{self.job_id}:{self.number}"


def seal_piece(job: int, number: int, plain: bytes) -> bytes:
    return crypto.seal(plain, table="exportpiece", column="body", row=f"{job}:{number}")


def open_piece(piece: ExportPiece) -> bytes:
    """Raises crypto.CannotOpen."""
    return crypto.unseal(piece.sealed_body, table="exportpiece", column="body", row=str(piece))


def names_of_piece(row: models.Model) -> Iterable[object]:
    """How a piece names itself in what is sealed, for portal/rotation.py."""
    return (str(cast(ExportPiece, row)),)
