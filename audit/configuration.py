"""Configuration models: every change of a row is written down by django-auditlog and hashed into the audit log.

A model inherits Configuration; its app's configuration.py (found by AuditConfig.ready) registers it:

    register(Connection, where=lambda row: (row.practice.code, ""), exclude={"sealed_secrets"})

django-auditlog alone misses update(), bulk_create() and bulk_update(), and writes a new row's entry after the row is
committed. So Configuration saves row and entry in one transaction, and its queryset records each row of a bulk write.
Excluded fields appear nowhere; nothing is ever masked, as the library's mask shows half of the secret.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NoReturn, Self

from auditlog import get_logentry_model
from auditlog.diff import model_instance_diff
from auditlog.models import AbstractLogEntry
from auditlog.registry import auditlog
from django.db import models, transaction

Where = Callable[[Any], tuple[str, str]]
_where: dict[type[models.Model], Where] = {}


class SilentWrite(Exception):
    """This way of writing cannot be recorded row by row."""


def register(
    model: type["Configuration"], *, where: Where, exclude: Iterable[str] = (), many_to_many: Iterable[str] = ()
) -> None:
    """Record every change of this model's rows. `where` gives a row's (practice code, location code or "")."""
    if not issubclass(model, Configuration):
        raise TypeError(f"{model.__name__} must inherit audit.configuration.Configuration")
    hidden = set(exclude)
    if unknown := hidden - {field.name for field in model._meta.concrete_fields}:
        raise ValueError(f"{model.__name__} has no field {sorted(unknown)}")
    shown = [field.name for field in model._meta.concrete_fields if field.name not in hidden]
    _where[model] = where
    auditlog.register(model, include_fields=shown, m2m_fields=set(many_to_many))


def where_is(row: models.Model) -> tuple[str, str]:
    """The codes of the practice and the location a row belongs to, "" where it has none."""
    return _where[type(row)](row)


def registered() -> list[type[models.Model]]:
    """The models whose changes are recorded."""
    return list(_where)


class ConfigurationQuerySet(models.QuerySet):
    """Bulk writes, recorded row by row. Configuration has few rows: the cost is of no account."""

    def update(self, **kwargs: Any) -> int:
        with transaction.atomic(using=self.db):
            chosen = self.model._base_manager.using(self.db).filter(pk__in=self.order_by().values("pk"))
            before = {row.pk: row for row in chosen.select_for_update()}
            plain: models.QuerySet = models.QuerySet(self.model, using=self.db).filter(pk__in=before)
            changed = plain.update(**kwargs)
            for row in plain.all():
                _write_entry(row, before[row.pk], AbstractLogEntry.Action.UPDATE)
        return changed

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        if kwargs.get("ignore_conflicts") or kwargs.get("update_conflicts"):
            raise SilentWrite("which rows an upsert changed is not known; write them one by one")
        with transaction.atomic(using=self.db):
            rows = super().bulk_create(objs, *args, **kwargs)
            for row in rows:
                _write_entry(row, None, AbstractLogEntry.Action.CREATE)
        return rows

    def _raw_delete(self, using: str | None) -> NoReturn:
        raise SilentWrite("a raw delete sends no signal; use delete()")


class Configuration(models.Model):
    """Base of the configuration models: a row and its entry in the log are saved together or not at all."""

    objects: ClassVar[models.Manager[Self]] = ConfigurationQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic(using=kwargs.get("using"), savepoint=False):
            super().save(*args, **kwargs)


def _write_entry(row: models.Model, before: models.Model | None, action: int) -> None:
    changes = model_instance_diff(before, row, use_json_for_changes=True)
    if changes:
        get_logentry_model().objects.log_create(row, action=action, changes=changes)
