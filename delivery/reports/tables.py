"""Who gets a location's reports by mail (nobody, until they ask for it), what was mailed, and reports counted ahead."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from delivery.reports.periods import MONTH, WEEK


class ReportMailing(models.Model):
    """One person's wish for one location; without a row, or with both off, nothing is mailed."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    location = models.ForeignKey("portal.Location", on_delete=models.CASCADE, related_name="+")
    weekly = models.BooleanField(default=False)
    monthly = models.BooleanField(default=False)
    since = models.DateTimeField()  # what was due before is not mailed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "location"], name="report_mailing_once")]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.location_id}"

    def wants(self, kind: str) -> bool:
        return {WEEK: self.weekly, MONTH: self.monthly}[kind]


class ReportMail(models.Model):
    """One period's report to one person: made when it is due, kept with what came of it."""

    WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"

    mailing = models.ForeignKey(ReportMailing, on_delete=models.CASCADE, related_name="mails")
    kind = models.CharField(max_length=10)
    first = models.DateField()  # the period's first day
    state = models.CharField(max_length=10, default=WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailing", "kind", "first"], name="report_mail_once")]
        indexes = [models.Index(fields=["not_before"], name="report_mail_due", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.kind} of {self.first} for {self.mailing_id}"


class CountedReport(models.Model):
    """One period's numbers of one location (summary.py: numbers), as they stood at `counted_at`; derived."""

    location = models.ForeignKey("portal.Location", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)
    first = models.DateField()
    numbers = models.JSONField(default=dict)
    counted_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["location", "kind", "first"], name="counted_report_once")]

    def __str__(self) -> str:
        return f"{self.location_id} {self.kind} of {self.first}"
