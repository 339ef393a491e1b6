"""Exchange keys while everything runs: rewrap data keys under a new master key, seal every value under a new data key.

Both may be killed at any moment and begun again: a rewrapped row is committed by itself, and whether a value is done
can be read off the value (it begins with its key's id). Values are exchanged by compare-and-set, so that one which the
product changes meanwhile is left to it. An old data key is destroyed only when no value names it and every process has
had time to notice the new one.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from audit.record import record
from portal import crypto
from portal.data_keys import DataKey
from portal.keyring import LIMIT_SECONDS, PURPOSES, forget, key_id, key_store, ring, without_row
from portal.models import OAuthGrant

BATCH = 200
Rows = Callable[[Any], Iterable[object]]

# How a row names itself in what is sealed, where that is not its key (several where it may be one of several).
NAMED = {
    "delivery.attempt": "delivery.sealed_rows.attempt",
    "delivery.reading": "delivery.sealed_rows.reading",
    "portal.oauthgrant": "portal.rotation.grant",
    "portal.exportpiece": "portal.exports.tables.names_of_piece",
}
TABLES = {"portal.oauthgrant": "grant"}  # how a table is named in what is sealed, where that is not the model's name


class StillUsed(Exception):
    """A key cannot be destroyed: values are sealed with it, or processes may still be using it."""


@dataclass(frozen=True)
class Sealed:
    """One column of sealed values: `sealed_body` of NoteVersion is table "noteversion", column "body"."""

    model: type[models.Model]
    field: str

    @property
    def table(self) -> str:
        return TABLES.get(self.model._meta.label_lower, str(self.model._meta.model_name))

    @property
    def column(self) -> str:
        return self.field.removeprefix("sealed_")

    def rows(self, row: models.Model) -> Iterable[object]:
        named = NAMED.get(self.model._meta.label_lower)
        return cast(Rows, import_string(named))(row) if named else (row.pk,)


def grant(row: OAuthGrant) -> Iterable[object]:
    return (row.connection_id,)


def sealed_columns() -> list[Sealed]:
    """Every column of every app whose name says that it is sealed."""
    return [
        Sealed(model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.BinaryField) and field.name.startswith("sealed_")
    ]


def keep() -> None:
    """Give each purpose a row, its key wrapped by the present master key; changes no key."""
    with transaction.atomic():
        for purpose in PURPOSES:
            if not DataKey.objects.filter(purpose=purpose).exists():
                _store(purpose, without_row(purpose))
    forget()


def _store(purpose: str, key: bytes) -> DataKey:
    store = key_store()
    return DataKey.objects.create(
        purpose=purpose,
        key_id=key_id(key).hex(),
        wrapped=store.wrap(key),
        master=store.current(),
        made_at=timezone.now(),
    )


def rewrap() -> int:
    """Wrap every data key by the present master key; how many were not. Afterwards the old master key opens nothing."""
    store, done = key_store(), 0
    keep()
    for row in DataKey.objects.filter(destroyed_at=None).exclude(master=store.current()):
        key = store.unwrap(bytes(row.wrapped or b""), row.master)
        with transaction.atomic():
            done += DataKey.objects.filter(pk=row.pk, master=row.master).update(
                wrapped=store.wrap(key), master=store.current()
            )
    if done:
        with transaction.atomic():
            record("encryption.rewrap", detail={"keys": done, "master": store.current()})
    forget()
    return done


def begin() -> str:
    """A new data key for what is sealed from now on; its id. Where a rotation is under way, that one's."""
    keep()
    with transaction.atomic():
        newest = DataKey.objects.select_for_update().filter(purpose="seal", retired_at=None).latest("made_at")
        if DataKey.objects.filter(purpose="seal", destroyed_at=None).exclude(pk=newest.pk).exists():
            return newest.key_id
        DataKey.objects.filter(pk=newest.pk).update(retired_at=timezone.now())
        made = _store("seal", os.urandom(32))
        record("encryption.rotate", detail={"key": made.key_id, "replaces": newest.key_id})
    forget()
    return made.key_id


def reseal(batch: int = BATCH) -> dict[str, int]:
    """Seal everything anew that an older key sealed: how many values, and how many could not be opened."""
    told = {"resealed": 0, "unreadable": 0}
    ring("seal", fresh=True)
    for column in sealed_columns():
        for row in _old_rows(column, batch):
            fresh = _anew(column, row)
            if fresh is None:
                told["unreadable"] += 1
                continue
            # Not the model's own queryset: a configuration entry holds no sealed value, and there is nothing to tell.
            plain: models.QuerySet = models.QuerySet(column.model)
            told["resealed"] += plain.filter(pk=row.pk, **{column.field: getattr(row, column.field)}).update(
                **{column.field: fresh}
            )
    return told


def _old_rows(column: Sealed, batch: int) -> Iterator[models.Model]:
    """Rows whose value another key than the present one sealed, each once."""
    present = crypto.FORM + key_id(ring("seal").current)
    after: Any = None
    while True:
        found = _not_under(column, present).order_by("pk")
        rows = list((found if after is None else found.filter(pk__gt=after))[:batch])
        if not rows:
            return
        yield from rows
        after = rows[-1].pk


def _not_under(column: Sealed, start: bytes) -> models.QuerySet:
    """Rows with a value that does not begin so."""
    quote = connection.ops.quote_name
    name = f"{quote(column.model._meta.db_table)}.{quote(column.field)}"
    of = f"substring({name} from 1 for {len(start)})" if connection.vendor == "postgresql" else None
    of = of or f"substr({name}, 1, {len(start)})"
    queryset: models.QuerySet = models.QuerySet(column.model)
    return queryset.exclude(**{f"{column.field}__isnull": True}).extra(where=[f"{of} <> %s"], params=[start])  # noqa: S610


def _anew(column: Sealed, row: models.Model) -> bytes | None:
    for name in column.rows(row):
        try:
            plain = crypto.unseal(getattr(row, column.field), table=column.table, column=column.column, row=name)
            return crypto.seal(plain, table=column.table, column=column.column, row=name)
        except crypto.CannotOpen:
            continue
    return None


def users_of(row: DataKey) -> int:
    """How many values name this key."""
    start = crypto.FORM + bytes.fromhex(row.key_id)
    return sum(
        column.model._base_manager.exclude(**{f"{column.field}__isnull": True}).count()
        - _not_under(column, start).count()
        for column in sealed_columns()
    )


def destroy_old() -> int:
    """Destroy retired data keys that nothing needs; raises StillUsed where one is needed, and destroys none."""
    retired = list(DataKey.objects.filter(purpose="seal", destroyed_at=None, retired_at__isnull=False))
    for row in retired:
        if row.retired_at and row.retired_at > timezone.now() - timedelta(seconds=LIMIT_SECONDS):
            raise StillUsed(f"{row.key_id} was retired less than {LIMIT_SECONDS / 60:.0f} minutes ago")
        if used := users_of(row):
            raise StillUsed(f"{used} values are sealed with {row.key_id}")
    with transaction.atomic():
        for row in retired:
            DataKey.objects.filter(pk=row.pk).update(wrapped=None, destroyed_at=timezone.now())
            record("encryption.destroy", detail={"key": row.key_id})
    forget()
    return len(retired)


def status() -> dict[str, Any]:
    """Each key that is kept, who wraps it, and how many values it seals."""
    return {
        "master": key_store().current(),
        "keys": [
            {
                "purpose": row.purpose,
                "key": row.key_id,
                "master": row.master,
                "retired": row.retired_at is not None,
                "values": users_of(row) if row.purpose == "seal" else None,
            }
            for row in DataKey.objects.filter(destroyed_at=None).order_by("purpose", "made_at")
        ],
    }
