"""Which life of the database this is, and its stretches of recovery mode (delivery/incarnation.py)."""

from django.db import models
from django.db.models import Q


class Incarnation(models.Model):
    """Which life of the database this is; the mark outside it carries the same id (delivery/incarnation.py)."""

    id = models.UUIDField(primary_key=True)
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class Recovery(models.Model):
    """A stretch of recovery mode: from finding the database older than its mark until a person ends it."""

    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    going_on = models.BooleanField(default=True)
    doubted = models.PositiveIntegerField(default=0)  # deliveries that became UNKNOWN on entering

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["going_on"], condition=Q(going_on=True), name="one_recovery_at_a_time")
        ]

    def __str__(self) -> str:
        return f"since {self.entered_at}"
