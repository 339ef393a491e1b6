"""A FHIR connection of the cast, registered at the simulated eCW's authorization server."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from delivery.oauth import keyset
from portal.models import Connection, Part, Route
from portal.signing import new_key

PRACTICE = "LAKESI"
CALLBACK = "http://testserver/deliveries/connections/authorized/"
_key: list[str] = []


def one_key() -> str:
    """One key for all tests of a run: making one takes a moment."""
    if not _key:
        _key.append(new_key())
    return _key[0]


def fhir_connection(cast: Any, base: str, secrets: dict[str, str] | None = None, **settings: Any) -> Connection:
    """A connection that sends and reads for NORTH; a backend service unless told otherwise."""
    made = Connection.objects.create(
        practice=cast.practice,
        name="eCW sandbox FHIR",
        kind="fhir",
        environment="sandbox",
        settings={
            "base_url": f"{base}/fhir/r4/{PRACTICE}",
            "practice_code": PRACTICE,
            "client_id": "scribeport",
            "calls_per_minute": 1000,
            "call_seconds": 2,
            **settings,
        },
    )
    made.set_secrets({"signing_key_pem": one_key()} if secrets is None else secrets)
    made.save()
    Route.objects.filter(location=cast.north, part=Part.NOTE).delete()
    Route.objects.create(location=cast.north, part=Part.NOTE, connection=made)
    cast.north.reading_connection = made
    cast.north.save()
    return made


def register(process: Any, connection: Connection, **app: Any) -> None:
    """Make the connection's client known to the sandbox."""
    own = connection.secrets()
    if "jwks" not in app and "signing_key_pem" in own:
        app["jwks"] = keyset.public(connection)
    app.setdefault("secret", own.get("client_secret", ""))
    app.setdefault("redirect_uris", [CALLBACK])
    process.api("PUT", f"/apps/{connection.settings['client_id']}", app)


def agree(address: str) -> tuple[str, dict[str, str]]:
    """What a person's browser does at eCW: opens the address and is sent back; path and query of where to."""
    answer = httpx2.get(address, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    return back.path, {name: values[0] for name, values in parse_qs(back.query).items()}


def calls(process: Any, practice: str = PRACTICE) -> int:
    """How often the token endpoint was asked."""
    return int(process.api("GET", "/tokens")["calls"].get(practice, 0))


def words(page: str) -> str:
    """A page's text without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
