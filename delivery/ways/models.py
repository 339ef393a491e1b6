"""What is kept of a location's ways: the probes of what its connections can do, and what people signed for."""

from django.db import models

from audit.configuration import Configuration
from audit.insert_only import InsertOnlyModel
from mapping.models import MappingVersion
from portal.models import Connection, Location


class CapabilityProbe(InsertOnlyModel):
    """What a location's connections could do at one moment, as a probe found it (delivery/ways/capabilities.py)."""

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="capability_probes")
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    # [{"connection", "name", "key", "label", "outcome", "says"}]: no content, nothing of a patient.
    findings = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["location", "-at"], name="probe_of_location")]

    def __str__(self) -> str:
        return f"{self.location_id} at {self.at}"


class Deviation(Configuration):
    """eCW does otherwise in `probe` than in `base`, the last good run: since when, in which rows, and how it ended.

    `rows` are those of delivery/ways/changes.py that changed. Configuration: sending asks it for each note.
    """

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="deviations")
    base = models.ForeignKey(CapabilityProbe, on_delete=models.PROTECT, related_name="+")
    probe = models.ForeignKey(CapabilityProbe, on_delete=models.PROTECT, related_name="+")
    rows = models.JSONField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    accepted = models.BooleanField(default=False)  # as the new base, by a person

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["location"], condition=models.Q(closed_at=None), name="one_deviation_of_a_location"
            )
        ]

    def __str__(self) -> str:
        return f"{self.location_id} since {self.opened_at}"


class ProbeTurn(models.Model):
    """When a location's daily probe was begun last, so that of several workers one makes it (canary.py)."""

    location = models.OneToOneField(Location, on_delete=models.CASCADE, related_name="probe_turn")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.location_id} at {self.at}"


class TemplateStop(Configuration):
    """A template whose notes wait, because a section of one stood in another field (delivery/misrouting.py).

    Configuration, as every worker has to know of it with the next note: its rows change the revision.
    """

    template = models.ForeignKey("mapping.Template", on_delete=models.PROTECT, related_name="stops")
    delivery = models.ForeignKey("delivery.Delivery", on_delete=models.PROTECT, related_name="+")
    field_id = models.CharField(max_length=80)
    found_in = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True, blank=True)
    looked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template"], condition=models.Q(looked_at=None), name="one_stop_of_a_template"
            )
        ]

    def __str__(self) -> str:
        return f"template {self.template_id} since {self.at}"


class Attestation(InsertOnlyModel):
    """A person compared one charted note with what was sent and signed for it: for ways that cannot be read back."""

    delivery = models.ForeignKey("delivery.Delivery", on_delete=models.PROTECT, related_name="attestations")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="attestations")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    mapping_version = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, null=True, related_name="+")
    wire_sha256 = models.CharField(max_length=64)  # of the sample's bytes
    # Of the chart's printed page, which stays with the practice; "" where none was given.
    page_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["location", "connection", "-at"], name="attestation_of_way")]

    def __str__(self) -> str:
        return f"{self.delivery_id} by {self.by}"
