"""Alerts, who is told of them, and the outbox of what each recipient is to be told."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from audit.configuration import Configuration
from delivery.alerts.kinds import WAYS, AlertState
from portal.models import Location, Practice


class AlertSettings(Configuration):
    """From when on a practice's conditions count; minutes and days. 0 minutes of silence: silence is no alert."""

    practice = models.OneToOneField(Practice, on_delete=models.CASCADE, related_name="alert_settings")
    uncertain_minutes = models.PositiveIntegerField(default=30)
    silence_minutes = models.PositiveIntegerField(default=120)
    escalate_minutes = models.PositiveIntegerField(default=30)
    near_days = models.PositiveIntegerField(default=14)

    def __str__(self) -> str:
        return f"alerts of {self.practice_id}"


class AlertRecipient(Configuration):
    """One address that is told of a practice's alerts: of one location's, or of all.

    `kinds` empty: every kind. Quiet hours are in `time_zone`. `sealed_secrets` as of a scribe's endpoint.
    """

    FIRST, NEXT = 1, 2
    LEVELS: ClassVar = [(FIRST, "At once"), (NEXT, "When nobody acknowledges in time")]

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="alert_recipients")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    way = models.CharField(max_length=10, choices=list(WAYS.items()))
    address = models.CharField(max_length=500)  # of an e-mail account, or a URL
    level = models.PositiveSmallIntegerField(choices=LEVELS, default=FIRST)
    kinds = models.JSONField(default=list, blank=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=60, default="America/New_York")
    urgent_passes = models.BooleanField(default=True)
    sealed_secrets = models.BinaryField(null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["level", "pk"]

    def __str__(self) -> str:
        return f"{self.way} {self.pk}"


class Alert(models.Model):
    """One condition from its beginning to its end. `subject` names the thing by our own number: connection:5."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="alerts")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="alerts")
    place = models.CharField(max_length=40, blank=True)  # the location's code; "" for the whole practice
    kind = models.CharField(max_length=30)
    subject = models.CharField(max_length=120, blank=True)
    label = models.CharField(max_length=200, blank=True)
    reason_code = models.CharField(max_length=60, blank=True)
    count = models.PositiveIntegerField(default=0)
    level = models.PositiveSmallIntegerField(default=0)  # rises as an end comes near
    state = models.CharField(max_length=12, default=AlertState.OPEN)
    going_on = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()  # since when it waits for somebody
    seen_at = models.DateTimeField()  # when its condition was last found
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    recovered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["practice", "place", "kind", "subject"], condition=Q(going_on=True), name="alert_once_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["practice", "-opened_at"], name="alert_newest_first")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class AlertNotice(models.Model):
    """One recipient is to be told of one change: written with the change, sent with the others of its recipient.

    `key` names the recipient, r:5, or the director who stands in for one, u:7. A `batch` is what one message held.
    """

    WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    change = models.CharField(max_length=10)
    key = models.CharField(max_length=30)
    recipient = models.ForeignKey(AlertRecipient, on_delete=models.CASCADE, null=True, related_name="notices")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    state = models.CharField(max_length=10, default=WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=60, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    batch = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], name="notice_due", condition=Q(state="waiting")),
            models.Index(fields=["key", "-sent_at"], name="notice_last_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.change} to {self.key}"


class AlertRound(models.Model):
    """When the conditions were last looked at: of several workers one looks."""

    looked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.looked_at}"
