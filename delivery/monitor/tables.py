"""The monitor's own rows: hourly tallies, what stood waiting at a time, and how far the moves have been counted.

Derived, every one of them: delivery/monitor/counting.py makes them from the deliveries and can make them again.
"""

from django.db import models


class Tally(models.Model):
    """How many of the deliveries received at a location within one hour (UTC) stand in one state now."""

    location = models.ForeignKey("portal.Location", on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    state = models.CharField(max_length=12)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "hour", "state"], name="tally_once")]

    def __str__(self) -> str:
        return f"{self.location_id} {self.hour:%Y-%m-%d %H} {self.state}: {self.number}"


class Standing(models.Model):
    """What stood at a location at one moment: how many waited, the oldest for how long, how many needed a person."""

    location = models.ForeignKey("portal.Location", on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()  # a whole ten minutes
    waiting = models.PositiveIntegerField()
    oldest_seconds = models.PositiveIntegerField()
    attention = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "at"], name="standing_once")]

    def __str__(self) -> str:
        return f"{self.location_id} {self.at:%Y-%m-%d %H:%M}: {self.waiting} waiting"


class Counted(models.Model):
    """How far the moves have been counted: one row; whoever advances it has counted them."""

    move_id = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"up to move {self.move_id}"
