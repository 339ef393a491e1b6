"""A certification run, what each of its tests came to, and the sealed artefacts that prove it."""

import uuid

from django.db import models

from audit.insert_only import InsertOnlyModel
from portal.models import Location


class RunState(models.TextChoices):
    """How far a run is. A run that could not be ended is broken: it proves nothing."""

    WAITING = "waiting", "Waiting for a worker"
    RUNNING = "running", "Running"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    BROKEN = "broken", "Broken off"


class CertificationRun(models.Model):
    """One run of the suite at a sandbox location.

    `subject` is what it proves (subject.py): templates and mappings by their content. `settings` are those of
    plan.Plan. `restore` names the connections to put back, in order, should the run die while its relay stands
    between. `report` is the statement that was signed; `signature` the signed note over it (audit/checkpoints.py).
    """

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="certification_runs")
    state = models.CharField(max_length=10, choices=RunState, default=RunState.WAITING)
    by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True)  # the runner's sign of life
    at_work = models.CharField(max_length=120, blank=True)  # the test that runs now
    planned = models.JSONField(default=list)  # the names of its tests, in order
    settings = models.JSONField(default=dict)
    subject = models.JSONField(default=dict)
    restore = models.JSONField(default=list)
    report_sha256 = models.CharField(max_length=64, blank=True)
    signature = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["location"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="one_certification_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["location", "-created_at"], name="certification_newest")]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.state}"

    @property
    def is_over(self) -> bool:
        return self.state not in (RunState.WAITING, RunState.RUNNING)


class CertificationArtefact(models.Model):
    """A piece of evidence, sealed for its row: a message, an answer, a read-back, a proof of audit, steps.

    Not insert-only, as it is sealed anew with other keys; what it holds is held by the hash in the signed report.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    run = models.ForeignKey(CertificationRun, on_delete=models.PROTECT, related_name="artefacts")
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=64)  # of the content, unsealed
    sealed_content = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="artefact_name_once_per_run")]

    def __str__(self) -> str:
        return self.name


class CertificationResult(InsertOnlyModel):
    """What one test of a run came to. `artefact` is its evidence, which names every other one it rests on."""

    run = models.ForeignKey(CertificationRun, on_delete=models.PROTECT, related_name="results")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    passed = models.BooleanField()
    applies = models.BooleanField(default=True)  # False: nothing here that it could test; says why
    says = models.CharField(max_length=300)
    # "" what was seen; where no chart can be read: attested by a person, or unprovable (attested.py).
    proof = models.CharField(max_length=12, blank=True, default="", db_default="")
    seconds = models.FloatField()
    artefact = models.ForeignKey(CertificationArtefact, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="test_once_per_run")]
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.name}: {'passed' if self.passed else 'failed'}"
