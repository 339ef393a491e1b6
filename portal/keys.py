"""A scribe's bearer keys: shown once, kept as prefix and HMAC, checked with one query.

A key reads `<prefix>_<secret>`: 12 characters that find the row, and 256 random bits. What is kept is
HMAC-SHA256(derived("api-key"), whole key): a copy of the table opens nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from audit.record import record
from portal.compiled import Compiled
from portal.crypto import derived
from portal.models import ApiKey, Location, Scribe

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
MARK = "sp"  # so that a scanner for leaked secrets can know them
PREFIX = 12
LONGEST = 200


def _mac(bearer: str) -> str:
    return hmac.new(derived("api-key"), bearer.encode(), hashlib.sha256).hexdigest()


def create(
    scribe: Scribe,
    environment: str,
    *,
    scopes: Iterable[str] = ApiKey.SCOPES,
    locations: Iterable[Location] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and, this once, what the scribe sends as its bearer. No locations: all of the practice's.

    ValueError for an unknown scope or a location of another practice or environment.
    """
    scopes, locations = list(scopes), list(locations)
    if not scopes or set(scopes) - set(ApiKey.SCOPES):
        raise ValueError("A key needs at least one known scope.")
    if any((each.practice_id, each.environment) != (scribe.practice_id, environment) for each in locations):
        raise ValueError("A key's locations are of its scribe's practice and of its own environment.")
    prefix = MARK + "".join(secrets.choice(ALPHABET) for _ in range(PREFIX - len(MARK)))
    bearer = f"{prefix}_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            scribe=scribe,
            prefix=prefix,
            mac=_mac(bearer),
            environment=environment,
            scopes=scopes,
            expires_at=expires_at,
        )
        key.locations.set(locations)
        _record("key.create", key, {"prefix": prefix, "environment": environment})
    return key, bearer


def _record(event: str, key: ApiKey, detail: dict[str, str]) -> None:
    practice = key.scribe.practice.code
    record(event, practice=practice, object_type="api_key", object_id=str(key.pk), detail=detail)


def revoke(key: ApiKey) -> None:
    """End a key at once; one that has ended stays as it was."""
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _record("key.revoke", key, {"prefix": key.prefix})


with_prefix = Compiled(lambda prefix: ApiKey.objects.select_related("scribe__practice").filter(prefix=prefix), str)


def authenticate(bearer: str) -> ApiKey | None:
    """The key with its scribe and practice, or None: unknown, altered, expired or revoked alike. One query."""
    return judged(with_prefix.first, bearer)


def judged(find: Callable[[str], ApiKey | None], bearer: str) -> ApiKey | None:
    """The same with the row that `find` gives for the key's prefix."""
    if not bearer.isascii() or len(bearer) > LONGEST:
        return None
    key = find(bearer.partition("_")[0])
    good = hmac.compare_digest((key.mac if key else "").encode(), _mac(bearer).encode())
    return key if key is not None and good and in_force(key) else None


def in_force(key: ApiKey) -> bool:
    """Neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > timezone.now())
