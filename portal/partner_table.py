"""The table of the partner registration: one row for each thing that eClinicalWorks asks of a partner."""

from django.db import models
from django.db.models import F, Q

from audit.configuration import Configuration


class PartnerStep(models.TextChoices):
    """What a partner has to bring, in the order in which it is asked for."""

    APPLICATION = "application", "Partner application"
    SOC2 = "soc2", "SOC 2 Type II report"
    HIPAA = "hipaa", "HIPAA documents"
    ENCRYPTION = "encryption", "Evidence of encryption and retention"
    SANDBOX = "sandbox", "Sandbox provisioned"


class PartnerState(models.TextChoices):
    """How far one of them is."""

    OPEN = "open", "Open"
    SENT = "sent", "Sent"
    ACCEPTED = "accepted", "Accepted"
    REFUSED = "refused", "Refused"


class PartnerItem(Configuration):
    """One thing of a practice's registration. The document is sealed for this row; its SHA-256 is of the plain file."""

    practice = models.ForeignKey("portal.Practice", on_delete=models.PROTECT, related_name="partner_items")
    step = models.CharField(max_length=12, choices=PartnerStep)
    state = models.CharField(max_length=10, choices=PartnerState, default=PartnerState.OPEN)
    owner = models.CharField(max_length=200, blank=True)
    sent_on = models.DateField(null=True, blank=True)
    decided_on = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    file_name = models.CharField(max_length=120, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    sealed_file = models.BinaryField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["practice", "step"], name="partner_step_once"),
            models.CheckConstraint(
                condition=Q(sent_on__isnull=True) | Q(decided_on__isnull=True) | Q(decided_on__gte=F("sent_on")),
                name="partner_decided_after_sent",
            ),
        ]

    def __str__(self) -> str:
        return self.step
