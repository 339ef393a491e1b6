"""A sign-in service that says whatever a test wants it to: wrong tokens, wrong addresses, silence. On a real socket."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT, SECRET = "scribeport", "a-secret-of-the-client"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = {"RS256": RSA_KEY, "ES256": EC_KEY}


def public(key: Any, algorithm: str, kid: str) -> dict[str, Any]:
    """A key as a provider publishes it."""
    maker = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
    return {**json.loads(maker.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": algorithm}


def published() -> list[dict[str, Any]]:
    return [public(RSA_KEY, "RS256", "rsa-1"), public(EC_KEY, "ES256", "ec-1")]


def claims(issuer: str, nonce: str, /, **other: Any) -> dict[str, Any]:
    """What a good token says; `other` replaces, and None leaves out."""
    now = time.time()
    said = {"iss": issuer, "sub": "sub-1", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce}
    said |= {"groups": ["north-operators"], "preferred_username": "olga", "given_name": "Olga", **other}
    return {name: value for name, value in said.items() if value is not None}


def signed(said: dict[str, Any], algorithm: str = "RS256", key: Any = None, kid: str | None = None) -> str:
    name = {"RS256": "rsa-1", "ES256": "ec-1"}.get(algorithm, "rsa-1") if kid is None else kid
    return jwt.encode(said, key or KEYS[algorithm], algorithm, headers={"kid": name} if name else {})


@dataclass
class Forger:
    """What the service answers; each is changed by a test at will. `asked` counts its addresses."""

    token: Callable[[str], str]
    issuer: str = ""
    keys: list[dict[str, Any]] = field(default_factory=published)
    discovery: dict[str, Any] = field(default_factory=dict)
    userinfo: Any = None
    statuses: dict[str, int] = field(default_factory=dict)
    slow: float = 0.0
    asked: list[str] = field(default_factory=list)
    posted: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    nonce: str = ""

    def answer(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
            names |= {"userinfo_endpoint": "me", "end_session_endpoint": "end"}
            said = {name: f"{self.issuer}/{where}" for name, where in names.items()}
            return {"issuer": self.issuer, **said, **self.discovery}
        if path == "/keys":
            return {"keys": self.keys}
        if path == "/token":
            return {"access_token": "an-access-token", "token_type": "Bearer", "id_token": self.token(self.nonce)}
        return self.userinfo


def serve(forger: Forger) -> ThreadingHTTPServer:
    """Start it; its issuer is set. `shutdown` and `server_close` end it."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            forger.asked.append(self.path)
            forger.headers = dict(self.headers)
            time.sleep(forger.slow)
            self.send_response(forger.statuses.get(self.path, 200))
            body = forger.answer(self.path)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):  # given up by the portal
                self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            forger.posted = parse_qs(self.rfile.read(length).decode())
            self.do_GET()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    forger.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
