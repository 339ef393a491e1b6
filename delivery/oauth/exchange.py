"""Asks the authorization server: Authlib makes the requests and reads the answers, this module judges them.

eCW's own ways (docs/channels/fhir.md): a bad scope is answered invalid_grant, a refusal of access comes as HTTP 500.
Loaded where it is needed only: with its cryptography it would cost every idle process some memory.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx2
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from django.utils import timezone
from joserfc.jwk import RSAKey

from delivery.channels import http
from delivery.channels.base import Unavailable
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.rest import json_object, rate_limit_ends
from delivery.oauth.endpoints import Endpoints, network_reason
from portal.tokens import Issued

ALGORITHM = "RS384"  # the only one eCW takes; SMART's backend services ask servers for RS384 or ES384
ASSERTION_SECONDS = 240  # at most 300
LONGEST_LIFE = 86_400 * 366
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_WORD = re.compile(r"[a-z_]+")
_REASONS = {
    "invalid_client": "invalid_client",
    "unauthorized_client": "invalid_client",
    "invalid_scope": "scope_refused",
    "invalid_grant": "invalid_grant",
    "access_denied": "oauth_access_denied",
}


class _Session:
    """What Authlib wants of an HTTP library: post with an auth that signs, and answers that can be trusted in form."""

    def __init__(self, client: httpx2.Client) -> None:
        self.client = client

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> httpx2.Response:
        address, signed, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        try:
            answer = self.client.post(address, content=body, headers=signed)
        except http.NotAnswered as error:
            raise Unavailable(network_reason(error), error.reason) from None
        said = json_object(answer)
        if answer.status_code == 429:
            raise Unavailable("rate_limited", "HTTP 429", retry_after=rate_limit_ends(answer))
        if said is not None and isinstance(said.get("error"), str):
            raise OAuth2Error(error=said["error"])
        if answer.status_code >= 500:
            raise Unavailable("oauth_server_error", f"HTTP {answer.status_code}")
        if said is None or answer.status_code != 200:
            raise Unavailable("oauth_unreadable", f"HTTP {answer.status_code}")
        return httpx2.Response(200, json=_countable(said))


def _countable(said: Mapping[str, Any]) -> dict[str, Any]:
    """The answer without times that are no whole number of seconds: Authlib counts with them unchecked."""
    kept = {name: value for name, value in said.items() if name != "expires_at"}
    if _seconds(kept.get("expires_in")) is None:
        kept.pop("expires_in", None)
    return kept


class Authority:
    """One connection's authorization server. Every call raises Unavailable with a reason code."""

    def __init__(self, settings: FhirSettings, endpoints: Endpoints, client: httpx2.Client) -> None:
        self.settings = settings
        self.endpoints = endpoints
        self._session = _Session(client)

    def close(self) -> None:
        """Close the connections to the authorization server."""
        self._session.client.close()

    def client_credentials(self, scopes: Iterable[str]) -> Issued:
        """A backend service's token. eCW wants the scope said, gives 300 seconds and no refresh token."""
        asked = tuple(scopes)
        try:
            return self._issued(self._client(asked).fetch_token(grant_type="client_credentials"), asked)
        except OAuth2Error as error:
            reason = "scope_refused" if error.error == "invalid_grant" else _reason(error)
            raise Unavailable(reason, _word(error)) from None

    def refresh(self, refresh_token: str, scopes: Iterable[str]) -> Issued:
        """New tokens for a refresh token, which may be used up by it."""
        try:
            made = self._client(()).refresh_token(refresh_token=refresh_token)
        except OAuth2Error as error:
            raise Unavailable(_reason(error), _word(error)) from None
        return self._issued(made, tuple(scopes))

    def redeem(self, code: str, verifier: str, redirect_uri: str, scopes: Iterable[str]) -> Issued:
        """Tokens for the code a person brought back."""
        asked = tuple(scopes)
        client = self._client(())
        try:
            made = client.fetch_token(
                grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=redirect_uri
            )
        except OAuth2Error as error:
            raise Unavailable(_reason(error), _word(error)) from None
        return self._issued(made, asked)

    def address(self, state: str, verifier: str, redirect_uri: str, scopes: Iterable[str]) -> str:
        """Where a person is sent to agree; PKCE S256 for public and confidential clients alike."""
        url, _ = self._client(tuple(scopes)).create_authorization_url(
            self.endpoints.authorize,
            state=state,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
            aud=self.settings.base_url,
        )
        return str(url)

    def _client(self, scopes: tuple[str, ...]) -> OAuth2Client:
        own, method = self.settings, self.settings.client_auth
        secret: Any = own.client_secret or None
        if method == "private_key_jwt":
            secret = signing_key(own.signing_key_pem)
        client = OAuth2Client(
            self._session,
            own.client_id,
            secret,
            token_endpoint_auth_method=method,
            scope=" ".join(scopes) or None,
            code_challenge_method="S256",
            token_endpoint=self.endpoints.token,
        )
        if method == "private_key_jwt":
            client.register_client_auth_method(self._assertion(secret))
        return client

    def _assertion(self, key: RSAKey) -> PrivateKeyJWT:
        """RFC 7523: iss and sub the client id, a jti of its own each time; the key named by its thumbprint."""
        ends = int(timezone.now().timestamp()) + ASSERTION_SECONDS
        audience = self.settings.audience or self.endpoints.token
        return PrivateKeyJWT(audience, {"exp": ends}, {"kid": key.kid, "typ": "JWT"}, ALGORITHM)

    def _issued(self, made: Mapping[str, Any], asked: tuple[str, ...]) -> Issued:
        access, refresh, life = made.get("access_token"), made.get("refresh_token") or "", made.get("expires_in")
        scope = made.get("scope")
        kind = made.get("token_type", "bearer")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise Unavailable("oauth_unreadable", "token_type")
        if not _is_token(access) or (refresh and not _is_token(refresh)):
            raise Unavailable("oauth_unreadable", "token")
        # RFC 6749, 5.1: a server that grants what was asked for need not say so.
        granted = tuple(scope.split()) if isinstance(scope, str) and scope.strip() else asked
        return Issued(str(access), str(refresh), _end(life), granted)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _seconds(life: object) -> int | None:
    try:
        return int(str(life))
    except ValueError:
        return None


def _end(life: object) -> datetime | None:
    seconds = _seconds(life)
    return None if seconds is None else timezone.now() + timedelta(seconds=min(max(seconds, 0), LONGEST_LIFE))


def _word(error: OAuth2Error) -> str:
    """The error's own name, where it has a name's form (RFC 6749, 5.2): it becomes a row and an audit event."""
    word = str(error.error)
    return word[:20] if _WORD.fullmatch(word) else ""


def _reason(error: OAuth2Error) -> str:
    return _REASONS.get(str(error.error), "oauth_refused")


@lru_cache(maxsize=64)
def signing_key(pem: str) -> RSAKey:
    """The connection's key with its RFC 7638 thumbprint as kid; ValueError when it cannot be read.

    Kept: OpenSSL checks a key it reads for a tenth of a second, and each renewal of a token needs it.
    """
    try:
        key = RSAKey.import_key(pem)
        key.ensure_kid()
    except (ValueError, TypeError):
        raise ValueError("The signing key of this connection cannot be read.") from None
    return key


def public_keys(pems: Iterable[str]) -> dict[str, Any]:
    """The JSON Web Key Set to be registered at eCW: public halves only."""
    keys = [signing_key(pem) for pem in pems]
    rows = [{**key.as_dict(private=False), "alg": ALGORITHM, "use": "sig", "kid": key.kid} for key in keys]
    return {"keys": rows}
