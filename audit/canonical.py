"""The one byte form of an event, and its message authentication code: what is hashed now and sealed later.

JSON (RFC 8259) with keys in code-point order, no spaces, UTF-8 unescaped; the id in its dashed form, the time in UTC
with six decimals and a Z. A change here orphans every row written before: raise `actions.SCHEMA` and keep the old form.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings

from audit.event import AuditEvent

UNHASHED = frozenset({"row_mac", "xid"})  # the one is the result, the other known to the database only
HASHED = tuple(sorted(field.name for field in AuditEvent._meta.concrete_fields if field.name not in UNHASHED))

encode_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def utc(at: datetime) -> str:
    """`2026-05-01T12:00:00.000000Z`: always UTC, always six decimals."""
    there = at if at.tzinfo is UTC else at.astimezone(UTC)
    return there.isoformat(timespec="microseconds")[:26] + "Z"


def canonical(event: AuditEvent) -> bytes:
    """The bytes that stand for a stored event."""
    return canonical_stored({name: getattr(event, name) for name in HASHED})


def canonical_stored(values: Mapping[str, Any]) -> bytes:
    """The same from the columns HASHED, as they are read from the database."""
    return canonical_values({**values, "id": str(values["id"]), "at": utc(values["at"])})


def canonical_values(values: Mapping[str, Any]) -> bytes:
    """The same from plain values: `id` and `at` already text, the rest as in the columns."""
    return encode_json(values).encode()


def mac_of(content: bytes) -> str:
    """HMAC-SHA256 of canonical bytes under the audit key, 64 hex digits."""
    code = _keyed(settings.AUDIT_MAC_KEY).copy()
    code.update(content)
    return code.hexdigest()


@cache
def _keyed(key: str) -> hmac.HMAC:
    """To be copied: setting up a key takes OpenSSL twice as long as an event's bytes do."""
    return hmac.new(key.encode(), digestmod="sha256")


def sha256_of(content: bytes) -> str:
    """Plain SHA-256, 64 hex digits: for what is hashed into an event, such as a configuration entry."""
    return hashlib.sha256(content).hexdigest()
