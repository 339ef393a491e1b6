"""OAuth tokens at rest: sealed, and renewed by one process at a time. No network here.

A rotating refresh token may be used once: two uses at the same time and the server withdraws the whole grant. So
whoever wants to renew takes a turn first (a compare-and-set on the row, by the database's clock) and everybody else
waits for its result. Nothing is locked while the network is asked.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.record import record
from portal import crypto
from portal.models import Connection, OAuthGrant


@dataclass(frozen=True)
class Issued:
    """A token answer of the authorization server. `refresh` "" where it gave none."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime | None
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """What the row holds: the tokens ("" where there are none) and why there may be none."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime | None
    generation: int
    trouble: str = ""
    retry_at: datetime | None = None

    def lasts(self, seconds: float) -> bool:
        """Whether the access token is good for so long; one without a named end is taken to last."""
        if not self.access:
            return False
        return self.expires_at is None or self.expires_at > timezone.now() + timedelta(seconds=seconds)

    @property
    def resting(self) -> bool:
        """Nobody may ask for a token now: a person has to act, or the wait after a refusal is not over."""
        return bool(self.trouble) and (self.retry_at is None or self.retry_at > timezone.now())


def held(connection: Connection) -> Held:
    """The connection's tokens; an empty row is made when there is none yet."""
    row = OAuthGrant.objects.filter(connection=connection).first()
    if row is None:
        row, _ = OAuthGrant.objects.get_or_create(connection=connection)
    opened = {"access_token": "", "refresh_token": ""}
    if row.sealed_tokens:
        opened = json.loads(crypto.unseal(row.sealed_tokens, table="grant", column="tokens", row=connection.pk))
    return Held(
        opened["access_token"],
        opened["refresh_token"],
        row.expires_at,
        row.generation,
        row.trouble,
        row.retry_at,
    )


def take_turn(connection: Connection, generation: int, who: str, seconds: float) -> bool:
    """Whether `who` may renew what `generation` holds; anybody else is refused for so long, or until it is done."""
    free = Q(renewing_until__isnull=True) | Q(renewing_until__lt=Now())
    rows = OAuthGrant.objects.filter(free, connection=connection, generation=generation)
    return bool(rows.update(renewing_by=who, renewing_until=Now() + timedelta(seconds=seconds)))


def leave_turn(connection: Connection, who: str) -> None:
    """Nothing came of it: the next may try."""
    OAuthGrant.objects.filter(connection=connection, renewing_by=who).update(renewing_by="", renewing_until=None)


def store(connection: Connection, generation: int, issued: Issued) -> bool:
    """Put new tokens in the place of that generation's; False when others have done so meanwhile."""
    plain = json.dumps({"access_token": issued.access, "refresh_token": issued.refresh}).encode()
    now = timezone.now()
    rows = OAuthGrant.objects.filter(connection=connection, generation=generation)
    return bool(
        rows.update(
            sealed_tokens=crypto.seal(plain, table="grant", column="tokens", row=connection.pk),
            expires_at=issued.expires_at,
            scopes=list(issued.scopes),
            generation=F("generation") + 1,
            renewed_at=now,
            renewing_by="",
            renewing_until=None,
            trouble="",
            retry_at=None,
        )
    )


def connect(connection: Connection, issued: Issued) -> None:
    """What a person has just obtained takes the place of whatever was there; recorded."""
    with transaction.atomic():
        OAuthGrant.objects.get_or_create(connection=connection)
        row = OAuthGrant.objects.select_for_update().get(connection=connection)
        store(connection, row.generation, issued)
        OAuthGrant.objects.filter(connection=connection).update(granted_at=timezone.now())
        _record("connection.authorize", connection, {"scopes": list(issued.scopes)[:12]})


def refuse(connection: Connection, generation: int, reason_code: str, retry_at: datetime | None) -> None:
    """The server refused to renew: whoever asks is told so until `retry_at`, or until a person has connected."""
    with transaction.atomic():
        rows = OAuthGrant.objects.filter(connection=connection, generation=generation)
        told = not rows.filter(trouble=reason_code).exists()
        changed = rows.update(trouble=reason_code, retry_at=retry_at, renewing_by="", renewing_until=None)
        if changed and told:
            _record("connection.unauthorized", connection, {"reason_code": reason_code})


def forgive(connection: Connection) -> None:
    """A person says that the cause is repaired: the next who needs a token may ask for it."""
    OAuthGrant.objects.filter(connection=connection).exclude(retry_at=None).update(trouble="", retry_at=None)


def run_out(connection: Connection) -> None:
    """Take the access token as run out: whoever needs one next has to renew it. (Tests of renewal ask for this.)"""
    OAuthGrant.objects.filter(connection=connection).update(expires_at=timezone.now() - timedelta(seconds=1))


def drop(connection: Connection) -> None:
    """The connection leads elsewhere now, or as somebody else: no token of before may be shown there."""
    OAuthGrant.objects.filter(connection=connection).delete()


def _record(event: str, connection: Connection, detail: dict[str, object]) -> None:
    record(
        event,
        practice=connection.practice.code,
        object_type="connection",
        object_id=str(connection.pk),
        detail={"connection": connection.pk, **detail},
    )
