"""A scribe's endpoint, and the outbox of what it is told."""

from django.db import models

from audit.configuration import Configuration
from portal.models import Environment, Scribe


class ScribeEndpoint(Configuration):
    """Where a scribe is told things, one address per environment: sandbox and production never mix.

    `sealed_secrets`: JSON with "current" and "previous", both sign until `previous_until` (delivery/two_secrets.py).
    """

    scribe = models.ForeignKey(Scribe, on_delete=models.PROTECT, related_name="endpoints")
    environment = models.CharField(max_length=12, choices=Environment)
    url = models.CharField(max_length=500)
    types = models.JSONField(default=list)  # the events it wants: delivery/webhooks/kinds.py
    sealed_secrets = models.BinaryField(null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scribe", "environment"], name="scribe_endpoint_once")]
        ordering = ["environment"]

    def __str__(self) -> str:
        return f"{self.scribe_id}, {self.environment}"


class EndpointState(models.Model):
    """How an endpoint has answered lately. `stopped_at` is set after five days of failure; a person starts it again."""

    endpoint = models.OneToOneField(ScribeEndpoint, on_delete=models.CASCADE, primary_key=True, related_name="state")
    failing_since = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return f"{self.endpoint_id}: {self.reason or 'well'}"


class WebhookMessage(models.Model):
    """One thing a scribe is told: written in the transaction of what it tells of, sent by the worker until it is taken.

    `sealed_body` is the JSON that is posted, the same bytes at every try. `tries` lists what came of each:
    {"at", "status", "reason", "ms"}.
    """

    WAITING, DELIVERED, GIVEN_UP = "waiting", "delivered", "given_up"
    OVERTAKEN = "overtaken"  # not told: the visit was over when it was looked up (delivery/webhooks/still_wanted.py)

    id = models.UUIDField(primary_key=True)
    endpoint = models.ForeignKey(ScribeEndpoint, on_delete=models.CASCADE, related_name="messages")
    type = models.CharField(max_length=40)
    delivery = models.ForeignKey("delivery.Delivery", on_delete=models.CASCADE, null=True, related_name="webhooks")
    event = models.ForeignKey("delivery.Event", on_delete=models.CASCADE, null=True, related_name="webhooks")
    sealed_body = models.BinaryField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, default=WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    tries = models.JSONField(default=list)
    not_before = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["not_before"], name="webhook_due", condition=models.Q(state="waiting")),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
