"""The table of data keys, each wrapped by a master key that is not in the database."""

from django.db import models


class DataKey(models.Model):
    """One 256-bit key of one purpose. A destroyed one keeps its row: that it was, and until when."""

    purpose = models.CharField(max_length=20)
    key_id = models.CharField(max_length=16, unique=True)
    wrapped = models.BinaryField(null=True)
    master = models.CharField(max_length=64)  # the id of the master key that wraps it
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["purpose"], condition=models.Q(retired_at=None), name="one_present_key_per_purpose"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.key_id}"
