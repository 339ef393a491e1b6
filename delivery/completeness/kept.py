"""The rows of days counted ahead (delivery/completeness/ahead.py): derived, and never older than their wait."""

from collections.abc import Collection
from datetime import date

from django.db import models

BIG = 100  # visits and notes of a day; with fewer it is counted on the spot


class CountedDay(models.Model):
    """One local day of one location, as it stood at `counted_at`; null while it is being counted for the first time."""

    location = models.ForeignKey("portal.Location", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    closed = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    verified = models.PositiveIntegerField(default=0)
    came = models.PositiveIntegerField(default=0)
    untold = models.PositiveIntegerField(default=0)
    told = models.BooleanField(default=False)
    counted_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "day"], name="counted_day_once")]

    def __str__(self) -> str:
        return f"{self.location_id} {self.day}: {self.closed} closed"


def big_days(location: int, days: Collection[date]) -> dict[date, CountedDay]:
    """Those of these days that are worth not counting anew."""
    rows = CountedDay.objects.filter(location=location, day__in=list(days), counted_at__isnull=False)
    return {row.day: row for row in rows if row.closed + row.came >= BIG}
