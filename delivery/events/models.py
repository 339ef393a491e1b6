"""Where events come from, what arrived, and how far each visit has come."""

import uuid

from django.db import models

from audit.configuration import Configuration
from portal.models import Connection, Location, Practice


class Way(models.TextChoices):
    """How an event reaches us; all three become the same row."""

    WEBHOOK = "webhook", "Webhook"
    POLL = "poll", "Polling FHIR"
    MLLP = "mllp", "HL7 feed (ADT, SIU)"


class EventSource(Configuration):
    """One way by which a location's events come in.

    `settings` are those of delivery/events/settings.py for its way. `sealed_secrets`: JSON with "current" and
    "previous", the latter good until `previous_until` (delivery/two_secrets.py). `public_id` stands in the address
    that eCW posts to.
    """

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="event_sources")
    way = models.CharField(max_length=10, choices=Way)
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, null=True, blank=True, related_name="event_sources"
    )
    settings = models.JSONField(default=dict, blank=True)
    sealed_secrets = models.BinaryField(null=True, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "way"], name="event_source_once_per_way")]
        ordering = ["way"]

    def __str__(self) -> str:
        return f"{self.way} of {self.location_id}"


class SourceState(models.Model):
    """What a source has seen and suffered lately."""

    source = models.OneToOneField(EventSource, on_delete=models.CASCADE, primary_key=True, related_name="state")
    arrived_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)  # when a refusal was last written into the audit log
    looked_at = models.DateTimeField(null=True, blank=True)  # a poll's last whole look
    next_look_at = models.DateTimeField(null=True, blank=True)
    trouble = models.CharField(max_length=60, blank=True)  # a code of the failure catalogue, or of this package
    trouble_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.source_id}: {self.trouble or 'well'}"


class VisitStage(models.Model):
    """How far a visit has come, as its events say. `rank` never falls, in whatever order they arrive."""

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    encounter_bidx = models.CharField(max_length=32)
    rank = models.PositiveSmallIntegerField(default=0)
    capture = models.OneToOneField("delivery.Event", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "encounter_bidx"], name="visit_stage_once")]

    def __str__(self) -> str:
        return f"{self.encounter_bidx[:8]}: {self.rank}"


class Event(models.Model):
    """Something that happened to a visit, once, however often and by however many ways it was told.

    `sealed_visit` is JSON: encounter_id, patient_id, provider_id, as told.
    """

    id = models.UUIDField(primary_key=True)
    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=30)
    encounter_bidx = models.CharField(max_length=32)
    patient_bidx = models.CharField(max_length=32, blank=True)
    sealed_visit = models.BinaryField()
    source = models.ForeignKey(EventSource, on_delete=models.SET_NULL, null=True, related_name="+")
    way = models.CharField(max_length=10, choices=Way)  # the first that told it
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=20)  # what it started: delivery/events/kinds.py
    correlation_id = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "encounter_bidx", "kind"], name="event_once")]
        indexes = [
            models.Index(fields=["location", "-received_at"], name="event_newest_first"),
            models.Index(fields=["location", "kind", "happened_at"], name="event_by_kind_and_day"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Arrival(models.Model):
    """One message that told of an event, or of nothing that concerns us; a repeated one makes no second row."""

    source = models.ForeignKey(EventSource, on_delete=models.CASCADE, related_name="arrivals")
    message = models.CharField(max_length=64)  # SHA-256 of the id the sender gave it
    received_at = models.DateTimeField()
    event = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, related_name="arrivals")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "message"], name="arrival_once")]

    def __str__(self) -> str:
        return self.message[:12]
