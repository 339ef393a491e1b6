"""Create and change connections: secrets sealed, the revision raised, each change recorded with names, not values."""

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.record import record
from portal import tokens
from portal.models import Connection, ConnectionKind, Part, Practice

SENDS = frozenset(kind.value for kind in ConnectionKind)  # kinds a route may use
READS = frozenset({ConnectionKind.OPENAPI.value, ConnectionKind.FHIR.value})  # kinds a chart can be read back through
# A token belongs to a server and a client: when one of these changes, it is forgotten.
WHOSE_TOKENS = frozenset({"base_url", "token_url", "client_id", "grant"})
CARRIED = tuple(Part)  # parts of a note that some channel can express; by a channel that cannot, a part is held


def able(part: str) -> frozenset[str]:
    """The kinds of connection that can carry this part of a note."""
    if part == Part.NOTE:
        return SENDS
    documents = frozenset({ConnectionKind.HL7_MLLP.value}) if part == Part.ATTACHMENTS else frozenset()
    return documents | {ConnectionKind.FHIR.value}


class ChangedMeanwhile(Exception):
    """Somebody else saved the same row after this person opened it."""


@dataclass(frozen=True)
class Draft:
    """A connection as a person wants it. `settings` are merged into those there; of `secrets`, None removes one."""

    name: str
    settings: dict[str, Any]
    secrets: dict[str, str | None] = field(default_factory=dict, repr=False)
    enabled: bool = True


def create(practice: Practice, kind: str, environment: str, draft: Draft) -> Connection:
    """A new connection; its environment is fixed for good."""
    with transaction.atomic():
        connection = Connection.objects.create(
            practice=practice,
            kind=kind,
            environment=environment,
            name=draft.name,
            settings=draft.settings,
            enabled=draft.enabled,
        )
        _record("connection.create", connection, {"kind": kind, "environment": environment})
        if _seal(connection, draft.secrets):
            connection.save(update_fields=["sealed_secrets", "secrets_set_at"])
    return connection


def change(connection: Connection, draft: Draft, revision: int) -> Connection:
    """Change what differs; workers that hold an open client see the higher revision and reconnect.

    `revision` is the one the person saw; raises ChangedMeanwhile when it is no longer the row's.
    """
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        if row.revision != revision:
            raise ChangedMeanwhile
        wanted = {"name": draft.name, "enabled": draft.enabled, "settings": {**row.settings, **draft.settings}}
        changed = _differences(row, wanted)
        for name, value in wanted.items():
            setattr(row, name, value)
        sealed = _seal(row, draft.secrets)
        if changed:
            _record("connection.change", row, {"fields": changed})
        if WHOSE_TOKENS & set(changed):
            tokens.drop(row)
        if changed or sealed:
            tokens.forgive(row)
            row.revision += 1
            row.save()
    return row


def _differences(row: Connection, wanted: dict[str, Any]) -> list[str]:
    """The names of what would change; settings by their own names."""
    old = {"name": row.name, "enabled": row.enabled, **row.settings}
    new = {"name": wanted["name"], "enabled": wanted["enabled"], **wanted["settings"]}
    # Absent, empty and off are the same to a channel.
    return sorted(name for name in old.keys() | new.keys() if (old.get(name) or None) != (new.get(name) or None))


def _seal(row: Connection, given: dict[str, str | None]) -> bool:
    """Put the given secrets in their places; True when there were any."""
    if not given:
        return False
    kept = {name: value for name, value in row.secrets().items() if name not in given}
    added = {name: value for name, value in given.items() if value is not None}
    now = timezone.now().isoformat(timespec="seconds")
    dates = {name: at for name, at in row.secrets_set_at.items() if name in kept}
    row.set_secrets({**kept, **added})
    row.secrets_set_at = {**dates, **dict.fromkeys(added, now)}
    _record("connection.secret.set", row, {"fields": sorted(given)})
    return True


def _record(event: str, connection: Connection, detail: dict[str, Any]) -> None:
    record(
        event,
        practice=connection.practice.code,
        object_type="connection",
        object_id=str(connection.pk),
        object_version=str(connection.revision),
        detail={"connection": connection.pk, **detail},
    )
