"""The monitor's own rows: hourly tallies, what stood waiting, issues, and how far the moves have been counted.

Derived by delivery/monitor/counting.py from the deliveries, which can make the tallies again. What people said of an
issue (whose it is, that they know of it) stands nowhere else.
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
    at = models.DateTimeField()  # a whole twenty minutes
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


class IssueState(models.TextChoices):
    """What people know of a group of failures. Regressed: it was resolved, and came again."""

    NEW = "new", "New"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    REGRESSED = "regressed", "Came again"
    RESOLVED = "resolved", "Resolved"


class Issue(models.Model):
    """Deliveries of one location that failed by one method for one reason, as one thing that somebody takes care of."""

    location = models.ForeignKey("portal.Location", on_delete=models.CASCADE, related_name="+", db_index=False)
    method = models.CharField(max_length=20, blank=True)  # the connection's kind; "" before one was chosen
    reason_code = models.CharField(max_length=60)
    state = models.CharField(max_length=12, choices=IssueState, default=IssueState.NEW)
    assignee = models.ForeignKey("portal.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # When a person said so; null where it ended by itself. What failed before and is counted later brings nothing back.
    resolved_at = models.DateTimeField(null=True, blank=True)
    # Kept out of the rail until this time has come, or until `seen` has come to this number: one of them, or neither.
    muted_until = models.DateTimeField(null=True, blank=True)
    muted_seen = models.PositiveIntegerField(null=True, blank=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    seen = models.PositiveIntegerField(default=0)  # how often a delivery came to stand here
    affected = models.PositiveIntegerField(default=0)  # deliveries that stand here now
    hours = models.JSONField(default=dict)  # hours since 1970 -> how often, of the last day

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "method", "reason_code"], name="issue_once")]

    def __str__(self) -> str:
        return f"{self.location_id} {self.method} {self.reason_code}: {self.state}"
