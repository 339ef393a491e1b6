"""What is kept of a location's pilot: its step and settings, the history of its steps, and clinicians' feedback."""

from django.conf import settings
from django.db import models

from audit.configuration import Configuration
from audit.insert_only import InsertOnlyModel
from portal.models import Location


class Window(models.TextChoices):
    """What the numbers are taken over; both begin with the step at the earliest."""

    DAYS = "days", "days"
    NOTES = "notes", "notes"


class Pilot(Configuration):
    """Whose notes of a location go: `step` counts from 0 (nobody), 1 (`providers`), each of `percents`, to everybody.

    One more ends it. Written by delivery/pilot/steps.py alone; configuration, as intake and sending ask it for each
    note. The thresholds are percentages, seconds, and edits for a hundred notes.
    """

    location = models.OneToOneField(Location, on_delete=models.PROTECT, related_name="pilot")
    step = models.PositiveSmallIntegerField(default=0)
    since = models.DateTimeField()  # when the window begins that counts: with the step, or when a person began it anew
    providers = models.JSONField(default=list)  # the scribe's ids of the two or three who begin
    percents = models.JSONField(default=list)  # rising, between 1 and 99
    review = models.BooleanField(default=True)  # every note of the cohort waits for a clinician
    fresh_days = models.PositiveSmallIntegerField(default=7)  # what was held for longer goes by a person's release only
    window = models.CharField(max_length=5, choices=Window, default=Window.DAYS)
    window_size = models.PositiveIntegerField(default=7)
    least_notes = models.PositiveIntegerField(default=20)
    least_verified = models.PositiveSmallIntegerField(default=98)
    most_misfiled = models.PositiveIntegerField(default=0)
    most_edits = models.PositiveIntegerField(default=100)
    most_p50_seconds = models.PositiveIntegerField(default=60)
    most_p95_seconds = models.PositiveIntegerField(default=600)
    least_feedback = models.PositiveSmallIntegerField(default=30)
    least_good = models.PositiveSmallIntegerField(default=80)
    # The automatic step back that nobody has acted on yet.
    stepped_back_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"pilot of {self.location_id}, step {self.step}"


class PilotMove(InsertOnlyModel):
    """One change of a pilot's step, or a window begun anew: who, why, and the numbers it was decided by."""

    pilot = models.ForeignKey(Pilot, on_delete=models.PROTECT, related_name="moves")
    from_step = models.PositiveSmallIntegerField()
    to_step = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    automatic = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    numbers = models.JSONField(default=list)  # [{"key", "value", "limit", "state"}]
    held = models.PositiveIntegerField(default=0)
    released = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["pilot", "-id"], name="move_of_pilot")]

    def __str__(self) -> str:
        return f"{self.pilot_id}: {self.from_step} to {self.to_step}"


class PilotTurn(models.Model):
    """When a pilot's numbers were looked at last, so that of several workers one does (watching.py)."""

    pilot = models.OneToOneField(Pilot, on_delete=models.CASCADE, related_name="turn")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pilot_id} at {self.at}"


class Feedback(models.Model):
    """What one clinician says of one note; said again, it takes the place of what was said before.

    `sealed_text` is free text, encrypted for this row as everything of a note is.
    """

    note = models.ForeignKey("delivery.Note", on_delete=models.PROTECT, related_name="feedback")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    accuracy = models.BooleanField()  # good, or poor
    format = models.BooleanField()
    template_fit = models.BooleanField()
    sealed_text = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "by"], name="feedback_once_each")]

    def __str__(self) -> str:
        return f"{self.note_id} by {self.by_id}"
