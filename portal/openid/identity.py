"""Judges an identity token, without network or clock of its own (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725).

The library this stands in for takes tokens of other clients and issuers, and such as never end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import jwt

from portal.openid.refusals import Refused

ALGORITHMS = ("RS256", "ES256")
KEY_TYPES = {"RS256": "RSA", "ES256": "EC"}
LEEWAY = 60.0  # seconds by which two clocks may differ
OLDEST = 600.0  # a token is used at once; an older one was kept by somebody
LONGEST_TOKEN = 32_768
LONGEST_SUBJECT = 255


@dataclass(frozen=True)
class Expected:
    """What a token must say: who made it, for whom, in answer to which question, at what time (seconds UTC)."""

    issuer: str
    client_id: str
    nonce: str
    now: float


def header(token: object) -> tuple[str, str]:
    """The algorithm and the key's id ("" for none) that a token claims; Refused where they are none we take."""
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise Refused("malformed")
    try:
        said = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Refused("malformed") from None
    if said.get("alg") not in ALGORITHMS or "crit" in said:
        raise Refused("algorithm")
    name = said.get("kid", "")
    return said["alg"], name if isinstance(name, str) else ""


def fitting(keys: list[Any], algorithm: str, name: str) -> jwt.PyJWK | None:
    """The published key that may have signed: of this name, kind and use. Without a name, the only one that fits."""
    found = [key for key in keys if isinstance(key, Mapping) and _fits(key, algorithm)]
    named = [key for key in found if key.get("kid") == name] if name else found
    if len(named) != 1:
        return None
    try:
        return jwt.PyJWK(dict(named[0]), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kind = key.get("kty") == KEY_TYPES[algorithm] and (algorithm != "ES256" or key.get("crv") == "P-256")
    return kind and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm


def claims_of(token: str, key: jwt.PyJWK, algorithm: str, expected: Expected) -> dict[str, Any]:
    """What a token says, once its signature holds and everything in it is meant for us and for now; else Refused."""
    try:
        said: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Refused("signature") from None
    _meant_for_us(said, expected)
    _meant_for_now(said, expected.now)
    return said


def _meant_for_us(said: Mapping[str, Any], expected: Expected) -> None:
    if said.get("iss") != expected.issuer:
        raise Refused("issuer")
    audience = said.get("aud")
    # An audience of several would have to be trusted one by one: we trust nobody but ourselves.
    if audience not in (expected.client_id, [expected.client_id]) or said.get("azp", audience) not in (
        audience,
        expected.client_id,
    ):
        raise Refused("audience")
    if not expected.nonce or said.get("nonce") != expected.nonce:
        raise Refused("nonce")
    subject = said.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isascii():
        raise Refused("subject")


def _meant_for_now(said: Mapping[str, Any], now: float) -> None:
    ends, issued, begins = (said.get(name) for name in ("exp", "iat", "nbf"))
    if not _time(ends) or ends <= now - LEEWAY:
        raise Refused("expired")
    if not _time(issued) or not now - OLDEST <= issued <= now + LEEWAY:
        raise Refused("issued")
    if begins is not None and (not _time(begins) or begins > now + LEEWAY):
        raise Refused("issued")


def _time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
