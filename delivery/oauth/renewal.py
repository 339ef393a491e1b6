"""A token when one is needed: the one at hand while it lasts, else a new one, obtained by one process for all.

Renewal is early (a call's time and a minute before the end), so that nobody learns of it by a 401. A refusal is
remembered: a backend service asks again after a quarter of an hour, a person's grant not before the person has
connected again. So there is no storm, and the lane waits behind its breaker with one button to press.
"""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.utils import timezone

from delivery import lanes, rate
from delivery.channels.base import Unavailable
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.network import Resolve
from delivery.channels.rest import minute_ends
from delivery.oauth import scopes
from delivery.oauth.endpoints import endpoints_of, oauth_client
from portal import tokens
from portal.models import Connection
from portal.targets import check_target
from portal.tokens import Held, Issued

EARLY_SECONDS = 60.0
TURN_SECONDS = 30.0  # more than a renewal can take: discovery and the call, ten seconds each
WAIT_SECONDS = 35.0
PAUSE = 0.05
ASK_AGAIN = timedelta(minutes=15)
# Refusals that asking again would not change soon.
LASTING = frozenset({"invalid_client", "invalid_grant", "scope_refused", "oauth_access_denied", "oauth_refused"})


class TokenSource:
    """base.Credentials of one connection, for one thread."""

    def __init__(self, connection: Connection, resolve: Resolve = check_target) -> None:
        self.connection = connection
        self.resolve = resolve

    def token(self, seconds: float) -> str:
        """An access token good for so many seconds; raises Unavailable."""
        return self._wait_for(lambda held: held.lasts(seconds), lambda held: held.lasts(seconds + EARLY_SECONDS))

    def another(self, refused: str, seconds: float) -> str:
        """A token other than the one the server has just refused; raises Unavailable."""

        def differs(held: Held) -> bool:
            return held.access != refused and held.lasts(seconds)

        return self._wait_for(differs, differs)

    def _wait_for(self, will_do: Callable[[Held], bool], lasts_well: Callable[[Held], bool]) -> str:
        who = f"{lanes.owner()}|{time.monotonic_ns()}"
        give_up = time.monotonic() + WAIT_SECONDS
        while True:
            held = tokens.held(self.connection)
            if lasts_well(held):
                return held.access
            usable = will_do(held)
            if held.resting:
                if usable:
                    return held.access
                raise Unavailable(held.trouble)
            if tokens.take_turn(self.connection, held.generation, who, TURN_SECONDS):
                return self._renew(held, who)
            if usable:
                return held.access  # somebody else renews it just now
            if time.monotonic() > give_up:
                raise Unavailable("oauth_no_answer", "turn")
            time.sleep(PAUSE)

    def _renew(self, held: Held, who: str) -> str:
        """Ask for new tokens in our turn, which ends with their being stored, or with the failure; never before."""
        try:
            issued = self._ask(held)
        except Unavailable as error:
            if error.reason_code in LASTING:
                by_person = self.connection.settings.get("grant") == "authorization_code"
                later: datetime | None = None if by_person else timezone.now() + ASK_AGAIN
                tokens.refuse(self.connection, held.generation, error.reason_code, later)
            tokens.leave_turn(self.connection, who)
            raise
        if tokens.store(self.connection, held.generation, issued):
            return issued.access
        return tokens.held(self.connection).access or issued.access

    def _ask(self, held: Held) -> Issued:
        if not rate.granted(self.connection):
            raise Unavailable("rate_limited", retry_after=minute_ends())
        by_person = self.connection.settings.get("grant") == "authorization_code"
        if by_person and not held.refresh:
            raise Unavailable("not_connected")
        wanted = scopes.needed(self.connection)
        issued: Issued
        try:
            with closing(authority(self.connection, self.resolve)) as asked:
                issued = asked.refresh(held.refresh, wanted) if by_person else asked.client_credentials(wanted)
        except ValueError:
            raise Unavailable("connection_misconfigured") from None
        # A server that does not rotate leaves the refresh token out.
        return Issued(issued.access, issued.refresh or held.refresh, issued.expires_at, issued.scopes)


def authority(connection: Connection, resolve: Resolve = check_target) -> Any:
    """The connection's authorization server, ready to be asked (exchange.Authority). Raises Unavailable, ValueError."""
    settings = FhirSettings.read(connection.settings, connection.secrets(), connection.environment)
    client = oauth_client(settings, resolve)
    # Loaded at the first use: see exchange.py.
    exchange = import_module("delivery.oauth.exchange")
    try:
        return exchange.Authority(settings, endpoints_of(settings, client), client)
    except Unavailable:
        client.close()
        raise
