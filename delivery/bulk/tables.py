"""The rows of a bulk action: the job, and one item for each delivery with its result."""

from django.db import models


class JobState(models.TextChoices):
    """Where a job stands. Paused and cancelled ones do nothing more; what was done stays done."""

    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    CANCELLED = "cancelled", "Cancelled"
    DONE = "done", "Done"


class Job(models.Model):
    """One deed for many deliveries, for one reason, by one person. The worker that carries it out holds a lease."""

    practice = models.ForeignKey("portal.Practice", on_delete=models.PROTECT, related_name="+")
    verb = models.SlugField(max_length=20)  # of delivery/deeds.py
    reason = models.CharField(max_length=200, blank=True)
    dry = models.BooleanField(default=False)  # looks at each delivery and says what would happen
    # The way chosen for each, of those that send by another way; null: each location's first other one.
    way = models.ForeignKey("portal.Connection", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    query = models.CharField(max_length=2000, blank=True)  # the list's filters: codes, ids and blind indexes
    state = models.CharField(max_length=10, choices=JobState, default=JobState.RUNNING)
    created_by = models.ForeignKey("portal.User", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField()
    held_by = models.CharField(max_length=100, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)  # by the database's clock

    class Meta:
        indexes = [models.Index(fields=["id"], name="job_running", condition=models.Q(state="running"))]

    def __str__(self) -> str:
        return f"{self.pk}: {self.verb} {self.total}, {self.state}"


class ItemResult(models.TextChoices):
    """What became of one delivery of a job."""

    WAITING = "", "Not yet"
    DONE = "done", "Done"
    LEFT = "left", "Left alone"  # it stood elsewhere by then
    WOULD = "would", "Would be done"
    FAILED = "failed", "Failed"


class JobItem(models.Model):
    """One delivery of a job, in the order in which they are taken: the oldest first."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items", db_index=False)
    position = models.PositiveIntegerField()
    delivery = models.ForeignKey("delivery.Delivery", on_delete=models.PROTECT, related_name="+")
    result = models.CharField(max_length=10, choices=ItemResult, default=ItemResult.WAITING, blank=True)
    found = models.CharField(max_length=12, blank=True)  # the state it stood in when its turn came
    said = models.CharField(max_length=200, blank=True)  # how, or why not, in words without content
    at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="job_item_once")]
        indexes = [models.Index(fields=["job", "result", "position"], name="job_item_next")]

    def __str__(self) -> str:
        return f"{self.job_id}.{self.position}: {self.result or 'waiting'}"
