"""Signing in at oidc-provider, a certified OAuth server that nobody here wrote: PKCE, rotation, private_key_jwt.

Needs Node and `npm ci` in tests/peers (.ci/run does it); elsewhere skipped with the reason.
"""

import base64
import hashlib
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_httpserver import HTTPServer

from delivery import breaker
from delivery.channels.base import Unavailable
from delivery.models import Breaker
from delivery.oauth import asking, endpoints, scopes
from delivery.oauth.renewal import TokenSource, authority
from portal import tokens
from portal.models import Connection, OAuthGrant, Part, Route
from portal.signing import new_key
from tests.delivery.fhir import CALLBACK, fhir_connection, words
from tests.needs import missing

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.process,
    pytest.mark.alike,
]  # the other server is what is tried
PEERS = Path(__file__).resolve().parents[2] / "peers"
SECRET = "hush-hush-hush-hush-hush-hush-hu"


class Server:
    """The peer, and the JWKS it fetches of us."""

    def __init__(self, jwks: str) -> None:
        program = shutil.which("node")
        if program is None or not (PEERS / "node_modules/oidc-provider").is_dir():
            missing("no Node on the path, or no packages: run `npm ci` in tests/peers")
        self.process = subprocess.Popen(
            [program, "--no-warnings", "oauth_server.mjs", CALLBACK, jwks, "300"],
            cwd=PEERS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.base = f"http://127.0.0.1:{self.said()['port']}"

    def said(self) -> dict:
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline()
            assert line, "the peer ended"
            if line.startswith("{"):
                return json.loads(line)

    def revoke(self, refresh: str) -> bool:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"refresh": refresh}) + "\n")
        self.process.stdin.flush()
        return self.said()["revoked"]

    def counted(self) -> dict[str, int]:
        return httpx2.get(f"{self.base}/seen").json()["counted"]

    def errors(self) -> list[str]:
        return httpx2.get(f"{self.base}/seen").json()["errors"]


@pytest.fixture(scope="module")
def our_keys():
    """Our JWKS as the portal's page serves it, at an address that the peer can fetch."""
    with HTTPServer(host="127.0.0.1") as served:
        yield served


@pytest.fixture(scope="module")
def peer(our_keys):
    server = Server(our_keys.url_for("/jwks.json"))
    yield server
    server.process.kill()
    server.process.communicate()


@pytest.fixture
def made(cast, peer):
    def make(client_id: str, secrets: dict[str, str] | None, **settings) -> Connection:
        endpoints._kept.clear()
        return fhir_connection(cast, peer.base, secrets, client_id=client_id, **settings)

    return make


@pytest.fixture(params=["public-app", "secret-app"])
def personal(request, made):
    secret = {} if request.param == "public-app" else {"client_secret": SECRET}
    method = "none" if request.param == "public-app" else "client_secret_basic"
    return made(request.param, secret, grant="authorization_code", client_auth=method)


def at_the_server(address: str) -> dict[str, str]:
    """A person's browser: signs in, and is sent back to us; the query it comes back with."""
    with httpx2.Client(follow_redirects=False) as browser:
        for _ in range(8):
            answer = browser.get(address)
            assert answer.status_code in (302, 303), (answer.status_code, answer.text[:500])
            address = str(answer.url.join(answer.headers["Location"]))
            if address.startswith(CALLBACK):
                return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    raise AssertionError("never sent back")


def connected(connection: Connection) -> Connection:
    session: dict = {}
    back = at_the_server(asking.begin(session, connection, CALLBACK))
    assert "code" in back, back
    asking.finish(connection, asking.take(session, back["state"], back.get("iss", "")), back["code"])
    return connection


def nearly_over(connection: Connection) -> None:
    OAuthGrant.objects.filter(connection=connection).update(expires_at=timezone.now() + timedelta(seconds=5))


class TestAPerson:
    def test_connects_with_pkce_s256_and_gets_what_the_routes_need(self, personal):
        session: dict = {}
        asked = parse_qs(urlsplit(asking.begin(session, personal, CALLBACK)).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert len(asked["code_challenge"][0]) == 43
        connected(personal)
        row = OAuthGrant.objects.get()
        assert {"user/DocumentReference.write", "user/DocumentReference.read"} <= set(row.scopes)
        assert timedelta(seconds=280) < row.expires_at - timezone.now() <= timedelta(seconds=300)
        assert tokens.held(personal).refresh

    def test_is_refused_with_a_verifier_that_is_not_the_one_asked_with(self, personal):
        session: dict = {}
        back = at_the_server(asking.begin(session, personal, CALLBACK))
        with closing(authority(personal)) as asked, pytest.raises(Unavailable, match="invalid_grant"):
            asked.redeem(back["code"], "x" * 64, CALLBACK, ())

    def test_cannot_redeem_a_code_twice(self, personal):
        session: dict = {}
        back = at_the_server(asking.begin(session, personal, CALLBACK))
        underway = asking.take(session, back["state"], back.get("iss", ""))
        asking.finish(personal, underway, back["code"])
        with pytest.raises(Unavailable, match="invalid_grant"):
            asking.finish(personal, underway, back["code"])

    def test_is_renewed_early_and_the_refresh_token_is_another_each_time(self, personal):
        connected(personal)
        seen = {tokens.held(personal).refresh}
        source = TokenSource(personal)
        for _ in range(3):
            nearly_over(personal)
            source.token(30)
            seen.add(tokens.held(personal).refresh)
        assert len(seen) == 4

    def test_twelve_at_once_make_one_refresh(self, personal, peer):
        connected(personal)
        nearly_over(personal)
        before = peer.counted()["refresh_token"]

        def ask(_: int) -> str:
            try:
                return TokenSource(Connection.objects.get(pk=personal.pk)).token(30)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(12) as pool:
            got = set(pool.map(ask, range(12)))
        assert len(got) == 1
        assert peer.counted()["refresh_token"] == before + 1

    def test_whose_refresh_token_was_used_by_somebody_else_has_one_button_to_press(self, personal, peer, cast):
        connected(personal)
        stolen = tokens.held(personal).refresh
        with closing(authority(personal)) as thief:
            thief.refresh(stolen, ())
        nearly_over(personal)
        with pytest.raises(Unavailable, match="invalid_grant"):
            TokenSource(personal).token(30)
        assert any("already used" in said for said in peer.errors()), peer.errors()
        before = peer.counted()
        for _ in range(5):  # remembered: no storm
            with pytest.raises(Unavailable, match="invalid_grant"):
                TokenSource(personal).token(30)
        assert peer.counted() == before
        breaker.failed(personal, "invalid_grant")
        dana = Client()
        dana.force_login(cast.dana)
        assert "Reconnect with eCW" in words(
            dana.get(reverse("portal:connection", args=[personal.pk])).content.decode()
        )
        back = at_the_server(dana.get(reverse("delivery:authorize", args=[personal.pk])).headers["Location"])
        dana.get(reverse("delivery:authorized"), back)
        assert TokenSource(personal).token(30)
        assert breaker.state_of(personal.pk).breaker == Breaker.CLOSED

    def test_who_took_the_grant_back_is_told_so(self, personal, peer):
        connected(personal)
        assert peer.revoke(tokens.held(personal).refresh)
        nearly_over(personal)
        with pytest.raises(Unavailable, match="invalid_grant"):
            TokenSource(personal).token(30)


class TestABackendService:
    @pytest.fixture
    def backend(self, made, our_keys):
        connection = made("backend", None)
        page = Client().get(reverse("delivery:jwks", args=[connection.pk]))
        our_keys.clear()
        our_keys.expect_request("/jwks.json").respond_with_json(page.json())
        return connection

    def test_proves_itself_by_rs384_and_the_keys_we_serve(self, backend, our_keys):
        assert TokenSource(backend).token(30)
        row = OAuthGrant.objects.get()
        assert set(row.scopes) == {
            "system/DocumentReference.write",
            "system/DocumentReference.read",
            "system/Binary.read",
        }
        assert timedelta(seconds=280) < row.expires_at - timezone.now() <= timedelta(seconds=300)
        assert tokens.held(backend).refresh == ""
        served = Client().get(reverse("delivery:jwks", args=[backend.pk])).json()["keys"][0]
        assert (served["alg"], served["kty"], "d" in served) == ("RS384", "RSA", False)

    def test_gets_a_new_token_each_time_it_asks(self, backend, peer):
        before = peer.counted()["client_credentials"]
        first = TokenSource(backend).token(30)
        nearly_over(backend)
        assert TokenSource(backend).token(30) != first
        assert peer.counted()["client_credentials"] == before + 2

    def test_is_given_less_than_it_asks_for_and_the_page_names_what_is_missing(self, backend, cast):
        """This server leaves out in silence what it does not grant; what it granted is what it says."""
        Route.objects.create(location=cast.north, part=Part.DIAGNOSES, connection=backend)
        TokenSource(backend).token(30)
        granted = OAuthGrant.objects.get().scopes
        assert "system/Condition.write" not in granted
        missing_ones = [row.scope for row in scopes.rows(backend, granted) if not row.granted]
        assert "system/Condition.write" in missing_ones
        assert "system/DocumentReference.write" not in missing_ones

    def test_with_another_key_is_nobody_there(self, backend, our_keys):
        backend.set_secrets({"signing_key_pem": new_key()})
        backend.save()
        with pytest.raises(Unavailable) as caught:
            TokenSource(backend).token(30)
        assert caught.value.reason_code in ("invalid_client", "oauth_refused")


def test_the_challenge_is_the_sha256_of_the_verifier(made):
    """RFC 7636, 4.2, counted by hand."""
    personal = made("public-app", {}, grant="authorization_code", client_auth="none")
    session: dict = {}
    asked = parse_qs(urlsplit(asking.begin(session, personal, CALLBACK)).query)
    [kept] = [value for value in json.loads(json.dumps(session, default=str)).values() if value]
    verifiers = [text for text in _texts(kept) if 43 <= len(text) <= 128]
    digests = {
        base64.urlsafe_b64encode(hashlib.sha256(one.encode()).digest()).decode().rstrip("=") for one in verifiers
    }
    assert asked["code_challenge"][0] in digests


def _texts(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for each in inner for text in _texts(each)]
