"""A breaker per connection: no storm of connects after an outage, no thousand identical rejections overnight.

Every connection failure sets a time before which nobody knocks again; from the fifth in a row the breaker is open and
the wait doubles from 30 seconds to 15 minutes. Failures that only a person can repair (a refused certificate or
credential) stop the connection without a timer; so do 20 identical rejections in a row (content).
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.record import record
from delivery import sql
from delivery.models import Breaker, ConnectionState
from portal.compiled import Compiled
from portal.models import Connection

OPEN_AFTER = 5
FIRST_WAIT = 30.0
LONGEST_WAIT = 900.0
EARLY_WAITS = (1.0, 2.0, 5.0, 10.0)
CONTENT_LIMIT = 20
PERSON_NEEDED = frozenset(
    {
        "tls_client_certificate",
        "unauthorized",
        "invalid_grant",
        "invalid_client",
        "scope_refused",
        "oauth_access_denied",
        "oauth_refused",
        "oauth_no_pkce",
        "not_connected",
        "fhir_no_endpoint",
        "fhir_redirected",
        "target_not_allowed",
        "connection_misconfigured",
        "sftp_host_key",
        "sftp_denied",
        "folder_denied",
    }
)


known_states = Compiled(lambda connection: ConnectionState.objects.filter(connection_id=connection), int)


def state_of(connection_id: int) -> ConnectionState:
    found = known_states.first(connection_id)
    return found or ConnectionState.objects.get_or_create(connection_id=connection_id)[0]


def allows(connection_id: int) -> bool:
    """Whether this connection may be tried now."""
    state = state_of(connection_id)
    if state.breaker in (Breaker.AUTH, Breaker.CONTENT):
        return False
    return state.retry_at is None or state.retry_at <= timezone.now()


def wait_after(failures: int) -> float:
    """Seconds before the next try after this many failures in a row."""
    if failures < OPEN_AFTER:
        return EARLY_WAITS[max(failures - 1, 0)]
    doublings = min(failures - OPEN_AFTER, 10)  # an outage of two weeks is more doublings than a float can hold
    return min(FIRST_WAIT * 2.0**doublings, LONGEST_WAIT)


def failed(connection: Connection, reason_code: str) -> None:
    """A connect, handshake or sign-in failed; nothing of any note was sent."""
    with transaction.atomic():
        state_of(connection.pk)
        ConnectionState.objects.filter(connection=connection).update(failures=F("failures") + 1)
        state = state_of(connection.pk)
        before = state.breaker
        state.last_reason, state.last_failed_at = reason_code, timezone.now()
        state.retry_at = timezone.now() + timedelta(seconds=wait_after(state.failures))
        if reason_code in PERSON_NEEDED:
            state.breaker = Breaker.AUTH
        elif state.failures >= OPEN_AFTER:
            state.breaker = Breaker.OPEN
        state.save()
        _record(connection, before, state.breaker, reason_code)


def succeeded(connection: Connection) -> None:
    """The connection stands again; said once, not per message."""
    with transaction.atomic():
        state = state_of(connection.pk)
        if not state.failures and state.breaker != Breaker.OPEN:
            return
        before = state.breaker
        state.failures, state.retry_at, state.last_ok_at = 0, None, timezone.now()
        if state.breaker == Breaker.OPEN:
            state.breaker = Breaker.CLOSED
        state.save()
        _record(connection, before, state.breaker, "")


def rejected(connection: Connection, code: str, count: int) -> None:
    """`count` messages in a row were rejected with this code; from 20 on the connection stops for a person."""
    with transaction.atomic():
        state = state_of(connection.pk)
        before = state.breaker
        state.rejections = state.rejections + count if state.rejection_code == code else count
        state.rejection_code = code
        if state.rejections >= CONTENT_LIMIT:
            state.breaker, state.last_reason = Breaker.CONTENT, "content_breaker"
        state.save()
        _record(connection, before, state.breaker, "content_breaker")


def content_accepted(connection_id: int) -> None:
    """Something was accepted: the row of identical rejections is broken."""
    sql.returning(
        f"UPDATE {sql.table(ConnectionState)} SET rejections = 0, rejection_code = '' "  # noqa: S608
        "WHERE connection_id = %s AND rejections > 0 RETURNING id",
        [connection_id],
    )


def close(connection: Connection) -> None:
    """A person says: repaired, try again."""
    with transaction.atomic():
        state = state_of(connection.pk)
        before = state.breaker
        state.breaker, state.retry_at, state.failures, state.rejections = Breaker.CLOSED, None, 0, 0
        state.save()
        _record(connection, before, Breaker.CLOSED, "")


def _record(connection: Connection, before: str, after: str, reason_code: str) -> None:
    if before != after:
        record(
            "connection.breaker",
            practice=connection.practice.code,
            object_type="connection",
            object_id=str(connection.pk),
            detail={"connection": connection.pk, "state": after, "reason_code": reason_code},
        )
