"""The audit log's tables: events (event.py) and django-auditlog's entries of configuration changes."""

import json
from typing import Any, ClassVar

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.conf import settings
from django.db import models, transaction

from audit.canonical import canonical_values, encode_json, sha256_of, utc
from audit.configuration import where_is
from audit.context import current
from audit.event import AuditEvent
from audit.insert_only import InsertOnlyModel, InsertOnlyQuerySet
from audit.record import MAX_TEXT, record
from audit.retained import HoldLift, LegalHold, PurgeCertificate, PurgeRequest, RetentionPolicy
from audit.sealed import AnchorReceipt, Checkpoint, Leaf, LostCheckpoint, SealerState, Tree, Verification

__all__ = [
    "AnchorReceipt",
    "AuditEvent",
    "Checkpoint",
    "ConfigurationEntry",
    "HoldLift",
    "Leaf",
    "LegalHold",
    "LostCheckpoint",
    "PurgeCertificate",
    "PurgeRequest",
    "RetentionPolicy",
    "SealerState",
    "Tree",
    "Verification",
]

DEEDS = {0: "create", 1: "update", 2: "delete", 3: "access"}


class ConfigurationEntryManager(LogEntryManager):
    """django-auditlog's manager: each entry it makes is hashed into the audit log, in the same transaction."""

    def get_queryset(self) -> InsertOnlyQuerySet:
        return InsertOnlyQuerySet(self.model, using=self._db)

    def log_create(self, instance: models.Model, force_log: bool = False, **kwargs: Any) -> "ConfigurationEntry | None":
        with transaction.atomic(using=self.db, savepoint=False):
            kwargs["changes"] = json.loads(encode_json(kwargs.get("changes")))  # as it will be read: lists, no tuples
            entry = super().log_create(instance, force_log, **_frame(instance), **kwargs)
            return _hash_into_log(entry, instance)

    def log_m2m_changes(
        self, changed_queryset: Any, instance: models.Model, operation: str, field_name: str, **kwargs: Any
    ) -> "ConfigurationEntry | None":
        with transaction.atomic(using=self.db, savepoint=False):
            entry = super().log_m2m_changes(
                changed_queryset, instance, operation, field_name, **_frame(instance), **kwargs
            )
            return _hash_into_log(entry, instance)


class ConfigurationEntry(InsertOnlyModel, AbstractLogEntry):
    """django-auditlog's record of one configuration change.

    Its two references are loosened: deleting a person or a model must neither change nor remove an entry. Who acted,
    when they are no person of ours, says the `config.change` event that carries the entry's hash.
    """

    content_type = models.ForeignKey("contenttypes.ContentType", on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )

    objects: ClassVar[Any] = ConfigurationEntryManager()

    class Meta(AbstractLogEntry.Meta):
        abstract = False

    def digest(self) -> str:
        """SHA-256 of the entry's canonical JSON: what the `config.change` event of this entry carries."""
        return sha256_of(self.canonical())

    def canonical(self) -> bytes:
        values = {field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}
        return canonical_values(values | {"timestamp": utc(self.timestamp)})


def _frame(row: models.Model) -> dict[str, Any]:
    """The acting person and the correlation id, from our own context: the library's middleware is not used."""
    context = current()
    person = int(context.actor.id) if context.actor.type == "user" else None
    return {"actor_id": person, "cid": context.correlation_id, "object_pk": str(row.pk)}


def _hash_into_log(entry: ConfigurationEntry | None, row: models.Model) -> ConfigurationEntry | None:
    if entry is None:
        return None
    practice, location = where_is(row)
    record(
        "config.change",
        practice=practice,
        location=location,
        object_type=row._meta.model_name,
        object_id=str(row.pk),
        detail={
            "model": row._meta.label_lower,
            "deed": DEEDS[entry.action],
            "name": str(row)[:MAX_TEXT],
            "fields": sorted(entry.changes),
            "entry": entry.pk,
            "entry_sha256": entry.digest(),
        },
    )
    return entry
