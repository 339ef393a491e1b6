"""The provider as this process knows it: its addresses and keys, asked for seldom, within a deadline, and kept."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
from django.conf import settings

from portal.openid.identity import fitting
from portal.openid.refusals import Refused

STEP_SECONDS = 5.0  # for connecting, and for each wait within an answer
CALL_SECONDS = 8.0  # for the whole of it
LARGEST = 512 * 1024
KEPT_SECONDS = 3600.0
AGAIN_SECONDS = 30.0  # keys are not asked for more often, whatever unknown names tokens bring
FAILED_SECONDS = 5.0  # a provider that is away keeps one thread waiting, not all
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Endpoints:
    """Where the provider is asked; `userinfo` and `end_session` "" where it has none."""

    authorization: str
    token: str
    keys: str
    userinfo: str = ""
    end_session: str = ""


@dataclass
class _Known:
    endpoints: Endpoints | None = None
    asked_at: float = 0.0
    failed_at: float = -FAILED_SECONDS
    keys: list[Any] = field(default_factory=list)
    keys_at: float = -KEPT_SECONDS


_known: dict[str, _Known] = {}
_lock = threading.Lock()


def forget() -> None:
    """Ask everything anew: for tests, and when the settings have changed."""
    _known.clear()


def call(method: str, url: str, **more: Any) -> tuple[int, Any]:
    """The status and the JSON of one call; Refused("away") for no answer, a late one, a huge one, or no JSON."""
    ends = time.monotonic() + CALL_SECONDS
    body = bytearray()
    try:
        with (
            httpx2.Client(timeout=STEP_SECONDS, follow_redirects=False) as client,
            client.stream(
                method, url, headers={"Accept": "application/json", **more.pop("headers", {})}, **more
            ) as answer,
        ):
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > LARGEST or time.monotonic() > ends:
                    raise Refused("away")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
        raise Refused("away") from None
    try:
        return answer.status_code, json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("away") from None


def _get(url: str) -> Mapping[str, Any]:
    status, said = call("GET", url)
    if status != 200 or not isinstance(said, dict):
        raise Refused("away")
    return said


def _safe(address: object) -> str:
    """An address the provider names: HTTPS, or plain only on this machine; else Refused."""
    if not isinstance(address, str):
        raise Refused("misconfigured")
    parts = urlsplit(address)
    plain_here = parts.scheme == "http" and parts.hostname in LOOPBACK and not settings.PRODUCTION
    if not (parts.scheme == "https" or plain_here) or not parts.hostname or parts.username is not None:
        raise Refused("misconfigured")
    return address


def _discover(issuer: str) -> Endpoints:
    """OpenID Connect Discovery 1.0, 4.3: what it calls itself is what we asked, to the letter."""
    said = _get(_safe(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
    methods = said.get("code_challenge_methods_supported", ["S256"])
    if said.get("issuer") != issuer or not isinstance(methods, list) or "S256" not in methods:
        raise Refused("misconfigured")
    optional = {
        name: _safe(said[key]) if said.get(key) else ""
        for name, key in (("userinfo", "userinfo_endpoint"), ("end_session", "end_session_endpoint"))
    }
    needed = (said.get(key) for key in ("authorization_endpoint", "token_endpoint", "jwks_uri"))
    return Endpoints(*map(_safe, needed), **optional)


def endpoints() -> Endpoints:
    """The provider's addresses, kept for an hour and longer while it is away. Raises Refused."""
    issuer = settings.OPENID_ISSUER
    with _lock:
        known = _known.setdefault(issuer, _Known())
        now = time.monotonic()
        if known.endpoints is not None and now - known.asked_at < KEPT_SECONDS:
            return known.endpoints
        if now - known.failed_at < FAILED_SECONDS:
            if known.endpoints is None:
                raise Refused("away")
            return known.endpoints
        known.failed_at = now  # others do not wait for the same silence
    try:
        found = _discover(issuer)
    except Refused:
        if known.endpoints is None:
            raise
        return known.endpoints
    known.endpoints, known.asked_at, known.failed_at = found, time.monotonic(), -FAILED_SECONDS
    return found


def key_for(algorithm: str, name: str) -> jwt.PyJWK:
    """The provider's key for a token; one of an unknown name is looked for once, then not again for half a minute."""
    where = endpoints().keys
    known = _known[settings.OPENID_ISSUER]
    with _lock:
        age = time.monotonic() - known.keys_at
        key = fitting(known.keys, algorithm, name)
        due = age > KEPT_SECONDS or (key is None and age > AGAIN_SECONDS)
        if due:
            known.keys_at = time.monotonic()
    if due:
        said = _get(where).get("keys")
        known.keys = said[:100] if isinstance(said, list) else []
        key = fitting(known.keys, algorithm, name)
    if key is None:
        raise Refused("key")
    return key
