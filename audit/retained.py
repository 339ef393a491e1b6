"""The tables of retention: how long a practice keeps its log, legal holds, and what left under whose certificate.

All insert-only but PurgeRequest, which two people move: a rule is changed by a newer row, a hold ended by its lift.
Nothing here deletes: the trigger on the events (insert_only.py) reads these rows and lets go only what they allow.
"""

from django.db import models
from django.db.models import F, Q

from audit.insert_only import InsertOnlyModel
from audit.sealed import Tree

FLOOR_YEARS = 6  # 45 CFR 164.316(b)(2)(i)
DEFAULT_YEARS = 10  # ASTM E2147-18, 4.1
MOST_YEARS = 100


class RetentionPolicy(InsertOnlyModel):
    """A practice keeps its log so many calendar years; the newest row counts."""

    practice = models.CharField(max_length=40, blank=True)
    years = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    by = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(years__gte=FLOOR_YEARS) & Q(years__lte=MOST_YEARS), name="retention_not_under_six_years"
            )
        ]

    def __str__(self) -> str:
        return f"{self.practice}: {self.years} years"


class HoldKind(models.TextChoices):
    """What a legal hold keeps."""

    PATIENT = "patient", "A patient"
    PERSON = "person", "A person’s deeds"
    LOCATION = "location", "A location"
    PERIOD = "period", "A period"


class LegalHold(InsertOnlyModel):
    """Nothing that matches is purged while it stands. `value`: a patient's blind index, a user's id, a location."""

    practice = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=HoldKind)
    value = models.CharField(max_length=64, blank=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    by = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="period", since__isnull=False, until__isnull=False) & Q(since__lt=F("until")))
                | (~Q(kind="period") & ~Q(value="")),
                name="hold_says_what_it_holds",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class HoldLift(InsertOnlyModel):
    """The end of a legal hold."""

    hold = models.OneToOneField(LegalHold, on_delete=models.PROTECT, related_name="lift")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    by = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"lift of {self.hold_id}"


class PurgeRequest(models.Model):
    """Somebody asks that a month's events go; somebody else approves; then the sealer signs and carries it out."""

    tree = models.ForeignKey(Tree, on_delete=models.PROTECT, related_name="purge_requests")
    reason = models.CharField(max_length=200)
    asked_by = models.CharField(max_length=64)
    asked_at = models.DateTimeField()
    approved_by = models.CharField(max_length=64, blank=True)
    approved_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(approved_by=F("asked_by")), name="purge_takes_two_people"),
            models.UniqueConstraint(fields=["tree"], condition=Q(withdrawn_at=None), name="one_purge_request_per_tree"),
        ]

    def __str__(self) -> str:
        return str(self.tree)


class PurgeCertificate(InsertOnlyModel):
    """The signed statement under which a month's events left; it and the month's leaves stay for ever."""

    tree = models.OneToOneField(Tree, on_delete=models.PROTECT, related_name="certificate")
    request = models.OneToOneField(PurgeRequest, on_delete=models.PROTECT, related_name="certificate")
    note = models.TextField()  # see purging.py
    kept = models.PositiveBigIntegerField()  # events under a legal hold when it was signed
    at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.tree)
