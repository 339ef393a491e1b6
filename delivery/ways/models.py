"""What is kept of a location's ways: the probes of what its connections can do, and what people signed for."""

from django.db import models

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


class Attestation(InsertOnlyModel):
    """A person compared one charted note with what was sent and signed for it: for ways that cannot be read back."""

    delivery = models.ForeignKey("delivery.Delivery", on_delete=models.PROTECT, related_name="attestations")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="attestations")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    mapping_version = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, null=True, related_name="+")
    wire_sha256 = models.CharField(max_length=64)  # of the sample's bytes
    by = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["location", "connection", "-at"], name="attestation_of_way")]

    def __str__(self) -> str:
        return f"{self.delivery_id} by {self.by}"
