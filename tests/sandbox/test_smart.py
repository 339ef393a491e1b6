"""The sandbox's authorization server keeps the rules that eCW's is said to keep. Asked without the product's code."""

import base64
import hashlib
import json
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

BACK = "http://portal.example/back"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
KEY = RSAKey.generate_key(2048)
KEY.ensure_kid()


@pytest.fixture
def server(sandbox):
    public = {"keys": [KEY.as_dict(private=False)]}
    sandbox.api("PUT", "/apps/service", {"jwks": public, "scopes": ["system/DocumentReference.write"]})
    sandbox.api("PUT", "/apps/secretive", {"secret": "hush", "redirect_uris": [BACK]})
    sandbox.api("PUT", "/apps/public", {"redirect_uris": [BACK]})
    return sandbox


def token(server, **form):
    status, _, body = server.call("POST", "/oauth2/LAKESI/token", urlencode(form), FORM)
    return status, json.loads(body)


def address(server) -> str:
    return f"http://127.0.0.1:{server.http}/oauth2/LAKESI/token"


def assertion(server, alg="RS384", key=KEY, **changes):
    now = int(time.time())
    claims = {"iss": "service", "sub": "service", "aud": address(server), "exp": now + 200, "jti": str(time.time_ns())}
    return jwt.encode({"alg": alg, "kid": KEY.kid}, {**claims, **changes}, key, algorithms=[alg])


def backend(server, scope="system/DocumentReference.write", **more):
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    made = more.pop("assertion", None) or assertion(server, **more)
    return token(
        server, grant_type="client_credentials", scope=scope, client_assertion_type=kind, client_assertion=made
    )


def code(server, **changes):
    asked = {
        "response_type": "code",
        "client_id": "public",
        "redirect_uri": BACK,
        "scope": "user/DocumentReference.read offline_access",
        "state": "st",
        "aud": f"http://127.0.0.1:{server.http}/fhir/r4/LAKESI",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    status, headers, _ = server.call("GET", f"/oauth2/LAKESI/authorize?{urlencode(asked)}")
    return status, {name: one[0] for name, one in parse_qs(urlsplit(headers.get("Location", "")).query).items()}


def redeem(server, **changes):
    _, back = code(server)
    form = {"grant_type": "authorization_code", "client_id": "public", "redirect_uri": BACK, "code_verifier": VERIFIER}
    return token(server, code=back["code"], **{**form, **changes})


def test_discovery_is_under_the_practices_path(server):
    status, _, body = server.call("GET", "/fhir/r4/LAKESI/.well-known/smart-configuration")
    assert status == 200
    assert json.loads(body)["token_endpoint"] == address(server)
    assert server.call("GET", "/.well-known/smart-configuration")[0] == 404


def test_a_backend_token_lives_300_seconds_and_cannot_be_refreshed(server):
    status, body = backend(server)
    assert (status, body["expires_in"], body["token_type"]) == (200, 300, "Bearer")
    assert "refresh_token" not in body


def test_a_bad_scope_is_invalid_grant(server):
    assert backend(server, scope="system/Patient.read") == (400, {"error": "invalid_grant"})
    assert backend(server, scope="") == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "RS256"},
        {"sub": "other"},
        {"aud": "http://other.example"},
        {"exp": 1},
        {"exp": int(time.time()) + 3600},
        {"jti": ""},
        {"key": RSAKey.generate_key(2048)},
    ],
    ids=["algorithm", "subject", "audience", "ended", "too long", "no jti", "another key"],
)
def test_an_assertion_that_breaks_a_rule_is_refused(server, changes):
    changes = {"jti": None} if changes == {"jti": ""} else changes
    assert backend(server, **changes) == (401, {"error": "invalid_client"})


def test_an_assertion_is_taken_once(server):
    made = assertion(server)
    assert backend(server, assertion=made)[0] == 200
    assert backend(server, assertion=made)[0] == 401


def test_pkce_s256_is_demanded(server):
    for changes in ({"code_challenge_method": "plain"}, {"code_challenge": ""}, {"aud": ""}):
        assert code(server, **changes)[1]["error"] == "invalid_request"
    assert redeem(server, code_verifier="x" * 50) == (400, {"error": "invalid_grant"})
    assert redeem(server, redirect_uri="http://other.example")[0] == 400


def test_nobody_is_sent_to_an_address_that_is_not_registered(server):
    assert code(server, redirect_uri="http://attacker.example")[0] == 400


def test_a_refresh_token_is_used_once_and_a_second_use_ends_all(server):
    _, first = redeem(server)
    renew = {"grant_type": "refresh_token", "client_id": "public"}
    status, second = token(server, refresh_token=first["refresh_token"], **renew)
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert token(server, refresh_token=first["refresh_token"], **renew) == (400, {"error": "invalid_grant"})
    assert token(server, refresh_token=second["refresh_token"], **renew) == (400, {"error": "invalid_grant"})


def test_a_wrong_secret_is_refused_and_a_key_holder_cannot_use_none(server):
    for name, secret in (("secretive", "wrong"), ("service", ""), ("nobody", "")):
        asked = token(server, grant_type="client_credentials", client_id=name, client_secret=secret, scope="x")
        assert asked == (401, {"error": "invalid_client"})


def test_the_token_endpoint_counts_against_the_limit(server):
    server.api("PUT", "/practices/LAKESI", {"per_minute": 2})
    assert [backend(server)[0] for _ in range(3)] == [200, 200, 429]


def test_a_reset_forgets_applications(server):
    server.api("POST", "/reset")
    assert backend(server)[0] == 401
