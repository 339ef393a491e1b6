"""The register of requests for electronic health information: who asked for what, when, and how it was answered."""

from django.db import models

from portal.models import Practice


class Asker(models.TextChoices):
    """Who asks."""

    PATIENT = "patient", "The patient"
    PROXY = "proxy", "Somebody for the patient"
    PROVIDER = "provider", "Another provider"
    PAYER = "payer", "A payer"
    OTHER = "other", "Somebody else"


class Answer(models.TextChoices):
    """How a request was answered."""

    OPEN = "", "Open"
    PROVIDED = "provided", "Provided"
    PARTLY = "partly", "Provided in part"
    REFUSED = "refused", "Refused"


class EhiRequest(models.Model):
    """One request. `sealed_words`: JSON of requester, asked and, once answered, conditions; they may name a patient."""

    practice = models.ForeignKey(Practice, on_delete=models.PROTECT, related_name="+")
    asker = models.CharField(max_length=10, choices=Asker)
    patient_bidx = models.CharField(max_length=32, blank=True)
    received_on = models.DateField()
    answered_on = models.DateField(null=True, blank=True)
    answer = models.CharField(max_length=10, choices=Answer, blank=True)
    exception = models.CharField(max_length=10, blank=True)  # the section of 45 CFR it was refused under
    sealed_words = models.BinaryField(null=True)
    entered_by = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(answer__in=("", "provided")) | ~models.Q(exception=""),
                name="a_refusal_names_its_exception",
            ),
            models.CheckConstraint(
                condition=models.Q(answer="", answered_on__isnull=True)
                | (~models.Q(answer="") & models.Q(answered_on__isnull=False)),
                name="an_answer_has_its_day",
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"
