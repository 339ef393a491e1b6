"""Record what was done, in the transaction that does it: if the record fails, the deed fails.

    with acting(Actor("user", "7", "d.rivera")), transaction.atomic():
        ...
        record("mapping.publish", practice="lakeside", location="NORTH", object_type="mapping", object_id="12",
               detail={"template": "FM-PROGRESS", "version": 3, "warnings": 0})

`practice` and `location` are their codes. An unknown event, a detail key that its action does not list, a value that
could hold content (long text, nested data), or no actor at all raises RecordError: nothing is silently skipped.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uuid_utils
from django.db import models, transaction

from audit.actions import ACTIONS, SCHEMA
from audit.canonical import canonical_values, encode_json, mac_of, utc
from audit.context import Actor, Context, RecordError, acting, current
from audit.event import AuditEvent
from audit.insertion import NewRow, insert, insert_beside

__all__ = [
    "MAX_TEXT",
    "Actor",
    "Context",
    "Entry",
    "RecordError",
    "acting",
    "current",
    "filter_detail",
    "record",
    "record_beside",
    "record_many",
]

MAX_DETAIL = 2048
MAX_PARTS = 12
MAX_TEXT = 120  # a code, an id, a hash; never a sentence of a note
OUTCOMES = frozenset({"ok", "denied", "error"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to be recorded; see AuditEvent for what each column means."""

    event: str
    outcome: str = "ok"
    outcome_class: str = ""
    practice: str = ""
    location: str = ""
    subject_bidx: str = ""
    encounter_bidx: str = ""
    object_type: str = ""
    object_id: str = ""
    object_version: str = ""
    data_category: tuple[str, ...] = ()
    purpose_of_use: str = ""
    recipient: str = ""
    reason: str = ""
    correlation_id: str = ""
    on_behalf_of: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    actor: Actor | None = None  # where one transaction carries the deeds of several; else whoever acts


def record(event: str, **columns: Any) -> uuid.UUID:
    """Record one event in the current transaction; its id."""
    return record_many([Entry(event, **columns)])[0]


def filter_detail(query: str) -> list[str]:
    """A page's query string as a detail can hold it: its parts, each cut short, at most a dozen of them."""
    parts = [part[:MAX_TEXT] for part in query.split("&") if part]
    return parts if len(parts) <= MAX_PARTS else [*parts[:MAX_PARTS], f"and {len(parts) - MAX_PARTS} more"]


def record_many(entries: Sequence[Entry]) -> list[uuid.UUID]:
    """Record events in one statement, in the current transaction; their ids, in order."""
    rows = _rows(entries)
    if rows:
        insert(rows)
    return [uuid.UUID(row.id) for row in rows]


def record_beside(entries: Sequence[Entry], statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Record events in one statement with the deed's INSERT … RETURNING; the rows that one returns."""
    return insert_beside(_rows(entries), statement, parameters)


def _rows(entries: Sequence[Entry]) -> list[NewRow]:
    if not entries:
        return []
    if not transaction.get_connection().in_atomic_block:
        raise RecordError("an audit record belongs into the transaction of the deed; open one with atomic()")
    context = current()
    return [_row(entry, context) for entry in entries]


def _row(entry: Entry, context: Context) -> NewRow:
    """Every column of one event but `xid`, checked."""
    at = datetime.now(UTC)
    _check_detail(entry)
    values = _columns(entry, context, at)
    _check_texts(values)
    content = canonical_values(values)
    if len(content) > MAX_DETAIL and len(encode_json(entry.detail).encode()) > MAX_DETAIL:
        raise RecordError(f"{entry.event}: detail is over {MAX_DETAIL} bytes; record ids and counts, not content")
    values["row_mac"] = mac_of(content)
    text = f'{content[:-1].decode()},"row_mac":"{values["row_mac"]}"}}'
    return NewRow(values["id"], at, values, text)


def _columns(entry: Entry, context: Context, at: datetime) -> dict[str, Any]:
    """In the order of the canonical form: to sort what is in order costs next to nothing."""
    actor = entry.actor or context.actor
    return {
        "actor_id": actor.id,
        "actor_name": actor.name,
        "actor_type": actor.type,
        "at": utc(at),
        "at_source": "app",
        "auth_method": actor.auth_method,
        "correlation_id": entry.correlation_id or context.correlation_id,
        "data_category": entry.data_category,
        "detail": entry.detail,
        "encounter_bidx": entry.encounter_bidx,
        "event": entry.event,
        "id": str(uuid_utils.uuid7()),
        "location": entry.location,
        "object_id": entry.object_id,
        "object_type": entry.object_type,
        "object_version": entry.object_version,
        "on_behalf_of": entry.on_behalf_of,
        "outcome": entry.outcome,
        "outcome_class": entry.outcome_class,
        "practice": entry.practice,
        "purpose_of_use": entry.purpose_of_use,
        "reason": entry.reason,
        "recipient": entry.recipient,
        "schema": SCHEMA,
        "session_hash": actor.session_hash,
        "source_ip": actor.source_ip,
        "subject_bidx": entry.subject_bidx,
        "user_agent_hash": actor.user_agent_hash,
    }


def _check_detail(entry: Entry) -> None:
    """Every key is listed and every value short."""
    action = ACTIONS.get(entry.event)
    if action is None:
        raise RecordError(f"{entry.event!r} is not in audit/actions.py")
    if entry.outcome not in OUTCOMES:
        raise RecordError(f"{entry.event}: the outcome is ok, denied or error")
    for key, value in entry.detail.items():
        if key not in action.detail:
            raise RecordError(f"{entry.event} does not list the detail {key!r}")
        for item in value if isinstance(value, list) else (value,):
            _check_value(entry.event, key, item)


def _check_value(event: str, key: str, value: object) -> None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise RecordError(f"{event}: detail {key!r} is over {MAX_TEXT} characters; record a code, not content")
    elif not isinstance(value, int):
        raise RecordError(f"{event}: detail {key!r} is text, a number, a truth value or a list of these")


LIMITS = tuple(
    (field.name, field.max_length or 0)
    for field in AuditEvent._meta.concrete_fields
    if isinstance(field, models.CharField) and field.name != "row_mac"
)


def _check_texts(values: dict[str, Any]) -> None:
    """SQLite would store text of any type and length; PostgreSQL refuses with the text in the message."""
    for name, limit in LIMITS:
        value = values[name]
        if not isinstance(value, str) or len(value) > limit:
            raise RecordError(f"the audit column {name} takes text of at most {limit} characters")
