"""One row of the audit log: insert-only, without foreign keys, so that history outlives its subject.

Apart from models.py, so that what models.py holds can itself be recorded.
"""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.sql.compiler import SQLCompiler

from audit.insert_only import InsertOnlyModel


class CurrentTransaction(models.Func):
    """PostgreSQL's id of the transaction that inserts; NULL on SQLite, which has one writer at a time."""

    def as_sql(  # type: ignore[override]  # Django's own takes a template as well
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, list[Any]]:
        return ("pg_current_xact_id()::text::bigint" if connection.vendor == "postgresql" else "NULL"), []


class AuditEvent(InsertOnlyModel):
    """One thing that was done. Columns follow 45 CFR 164.312(b), ASTM E2147-18 and IHE BALP.

    No names, medical record numbers or note text: patients and encounters appear as blind indexes only.
    Written by audit/record.py alone.
    """

    id = models.UUIDField(primary_key=True)  # version 7: in order of time
    # Set by the database, never by the writer: the sealer's horizon (what is older than every open transaction).
    xid = models.BigIntegerField(
        null=True, editable=False, db_default=CurrentTransaction(output_field=models.BigIntegerField())
    )
    at = models.DateTimeField()
    at_source = models.CharField(max_length=10, default="app")
    schema = models.PositiveSmallIntegerField()
    event = models.CharField(max_length=40)
    outcome = models.CharField(max_length=10)  # ok, denied, error
    outcome_class = models.CharField(max_length=40, blank=True)
    actor_type = models.CharField(max_length=20)  # user, api_key, worker, system, command, anonymous
    actor_id = models.CharField(max_length=64)
    actor_name = models.CharField(max_length=150, blank=True)
    on_behalf_of = models.CharField(max_length=64, blank=True)
    auth_method = models.CharField(max_length=20, blank=True)
    session_hash = models.CharField(max_length=16, blank=True)
    source_ip = models.CharField(max_length=45, blank=True)
    user_agent_hash = models.CharField(max_length=16, blank=True)
    practice = models.CharField(max_length=40, blank=True)
    location = models.CharField(max_length=40, blank=True)
    subject_bidx = models.CharField(max_length=32, blank=True)
    encounter_bidx = models.CharField(max_length=32, blank=True)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_version = models.CharField(max_length=20, blank=True)
    data_category = models.JSONField(default=list)
    purpose_of_use = models.CharField(max_length=20, blank=True)
    recipient = models.CharField(max_length=120, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    row_mac = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["practice", "-at", "-id"], name="audit_practice_at"),
            models.Index(fields=["practice", "event", "-at", "-id"], name="audit_event_at"),
            # People only: the workers' events, which are most of them, pay nothing for it.
            models.Index(fields=["actor_id", "-at"], name="audit_person", condition=Q(actor_type="user")),
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
            # Not without the empty ones: SQLite would not use such an index for a value that is a parameter.
            models.Index(fields=["subject_bidx", "-at"], name="audit_subject"),
            models.Index(fields=["correlation_id"], name="audit_correlation"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"
