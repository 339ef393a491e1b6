"""The public half of a connection's signing key, as eCW wants it registered."""

from importlib import import_module
from typing import Any

from portal.models import Connection


def public(connection: Connection) -> dict[str, Any] | None:
    """The JSON Web Key Set (RFC 7517); None where the connection has no key of its own."""
    pem = connection.secrets().get("signing_key_pem")
    if not pem:
        return None
    made: dict[str, Any] = import_module("delivery.oauth.exchange").public_keys([pem])
    return made
