"""The person's way: sent to eCW to agree, and back with a code. What is under way is kept in their own session."""

import secrets
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from delivery.channels.base import Unavailable
from delivery.oauth import scopes
from delivery.oauth.renewal import authority
from portal import tokens
from portal.models import Connection

KEY = "oauth"
MOST = 5
MINUTES = 10


class NotAsked(Exception):
    """What came back does not belong to anything this person began here."""


@dataclass(frozen=True)
class Underway:
    """One request for consent: for which connection, and the secret half of its PKCE challenge."""

    connection: int
    verifier: str
    redirect_uri: str
    issuer: str


def begin(session: Any, connection: Connection, redirect_uri: str) -> str:
    """The address to send the person to. Raises Unavailable, or ValueError for settings that cannot be used."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)  # RFC 7636, 4.1: 43 to 128 characters
    with closing(authority(connection)) as asked:
        address: str = asked.address(state, verifier, redirect_uri, scopes.needed(connection))
        issuer = asked.endpoints.issuer
    row = {"connection": connection.pk, "verifier": verifier, "redirect_uri": redirect_uri, "issuer": issuer}
    kept = dict(list(session.get(KEY, {}).items())[-MOST + 1 :])
    session[KEY] = {**kept, state: {**row, "at": time.time()}}
    return address


def take(session: Any, state: str, issuer: str) -> Underway:
    """What a returning person had begun, once. Raises NotAsked; the issuer, where one is said, has to be the same."""
    rows = session.get(KEY, {})
    row = rows.pop(state, None)
    session[KEY] = rows
    if row is None or time.time() - row.pop("at") > MINUTES * 60:
        raise NotAsked
    if issuer and row["issuer"] and issuer != row["issuer"]:  # RFC 9207: another server's answer
        raise NotAsked
    return Underway(**row)


def finish(connection: Connection, underway: Underway, code: str) -> None:
    """Redeem the code and keep the tokens. Raises Unavailable."""
    wanted = scopes.needed(connection)
    try:
        with closing(authority(connection)) as asked:
            issued = asked.redeem(code, underway.verifier, underway.redirect_uri, wanted)
    except ValueError:
        raise Unavailable("connection_misconfigured") from None
    tokens.connect(connection, issued)


def check_each(connection: Connection) -> dict[str, str]:
    """Ask for every scope alone, as they fail as a set: scope to "" or the reason code it was refused with.

    For backend services; what is obtained is thrown away.
    """
    found = {}
    with closing(authority(connection)) as asked:
        for scope in scopes.needed(connection):
            try:
                issued = asked.client_credentials([scope])
                granted = any(scopes.covers(one, scope) for one in issued.scopes)
                found[scope] = "" if granted else "scope_refused"
            except Unavailable as error:
                found[scope] = error.reason_code
    return found
