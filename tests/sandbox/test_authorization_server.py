"""The authorization server against RFC 6749, 7636, 7523 and what ecw.md tells of it, with a clock that the test sets."""

import base64
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.sandbox.office import FHIR, FORM, TOKEN, Clock

BACK = "http://portal.example/back"
# RFC 7636, Appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
KEY = RSAKey.generate_key(2048)
KEY.ensure_kid()
ASKED = {
    "response_type": "code",
    "client_id": "public",
    "redirect_uri": BACK,
    "scope": "user/DocumentReference.read offline_access",
    "state": "af0ifjsldkj",
    "aud": "https://fhir.example/fhir/r4/LAKESI",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
REDEEM = {
    "grant_type": "authorization_code",
    "client_id": "public",
    "redirect_uri": BACK,
    "code_verifier": VERIFIER,
}


@pytest.fixture
def server(office):
    office.api("PUT", "/apps/public", {"redirect_uris": [BACK]})
    office.api("PUT", "/apps/secretive", {"secret": "hu:sh", "scopes": ["system/Patient.read", "system/Patient.rs"]})
    office.api("PUT", "/apps/service", {"jwks": {"keys": [KEY.as_dict(private=False)]}})
    return office


@pytest.fixture
def clock(monkeypatch):
    """Stands at 13 November 2026, 12:00:30 UTC until a test moves it."""
    made = Clock(1_794_571_230.0)
    monkeypatch.setattr("sandbox.smart.time", made)
    monkeypatch.setattr("sandbox.limits.time", made)
    return made


def token(server, headers=(), **form):
    made = server.call("POST", TOKEN, urlencode(form), {**FORM, **dict(headers)})
    return made.status, made.json


def sent_back(server, **changes) -> dict[str, str]:
    """The parameters with which the browser is sent back to the application."""
    made = server.call("GET", f"/oauth2/LAKESI/authorize?{urlencode({**ASKED, **changes})}")
    assert made.status == 302, made.text
    where = urlsplit(made.headers["Location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == BACK
    return {name: one for name, (one,) in parse_qs(where.query, keep_blank_values=True).items()}


def redeem(server, code="", **changes):
    return token(server, code=code or sent_back(server)["code"], **{**REDEEM, **changes})


def renew(server, refresh_token, **changes):
    return token(
        server, **{"grant_type": "refresh_token", "client_id": "public", **changes}, refresh_token=refresh_token
    )


def by_secret(server, **changes):
    form = {"grant_type": "client_credentials", "client_id": "secretive", "client_secret": "hu:sh"}
    return token(server, **{**form, "scope": "system/Patient.read", **changes})


class TestDiscovery:
    def test_names_every_endpoint_below_one_issuer(self, server):
        made = server.call("GET", FHIR + "/.well-known/smart-configuration").json
        issuer = server.address("/oauth2/LAKESI")
        assert made["issuer"] == issuer
        assert made["authorization_endpoint"] == issuer + "/authorize"
        assert made["token_endpoint"] == issuer + "/token"

    def test_offers_s256_alone(self, server):
        made = server.call("GET", FHIR + "/.well-known/smart-configuration").json
        assert made["code_challenge_methods_supported"] == ["S256"]

    def test_offers_rs384_alone_for_assertions(self, server):
        made = server.call("GET", FHIR + "/.well-known/smart-configuration").json
        assert made["token_endpoint_auth_signing_alg_values_supported"] == ["RS384"]

    def test_names_the_three_grants(self, server):
        made = server.call("GET", FHIR + "/.well-known/smart-configuration").json
        assert made["grant_types_supported"] == ["authorization_code", "client_credentials", "refresh_token"]

    def test_needs_no_token(self, server):
        assert server.call("GET", FHIR + "/.well-known/smart-configuration").status == 200

    def test_is_another_for_each_practice(self, server):
        made = server.call("GET", "/fhir/r4/HARBOR/.well-known/smart-configuration").json
        assert made["token_endpoint"] == server.address("/oauth2/HARBOR/token")


class TestAuthorize:
    def test_gives_back_state_issuer_and_a_code(self, server):
        back = sent_back(server)
        assert set(back) == {"code", "state", "iss"}
        assert back["state"] == "af0ifjsldkj"
        assert back["iss"] == server.address("/oauth2/LAKESI")  # RFC 9207

    def test_gives_every_time_another_code(self, server):
        assert sent_back(server)["code"] != sent_back(server)["code"]

    def test_of_an_unknown_client_sends_nobody_anywhere(self, server):
        made = server.call("GET", f"/oauth2/LAKESI/authorize?{urlencode({**ASKED, 'client_id': 'nobody'})}")
        assert (made.status, made.json) == (400, {"error": "invalid_client"})

    def test_to_an_address_one_letter_off_sends_nobody_anywhere(self, server):
        made = server.call("GET", f"/oauth2/LAKESI/authorize?{urlencode({**ASKED, 'redirect_uri': BACK + '/'})}")
        assert (made.status, "Location" in made.headers) == (400, False)

    def test_for_a_token_in_the_browser_is_an_invalid_request(self, server):
        back = sent_back(server, response_type="token")
        assert (back["error"], back["state"]) == ("invalid_request", "af0ifjsldkj")
        assert "code" not in back

    def test_without_the_audience_is_an_invalid_request(self, server):
        assert sent_back(server, aud="")["error"] == "invalid_request"

    def test_with_a_plain_challenge_is_an_invalid_request(self, server):
        assert sent_back(server, code_challenge_method="plain")["error"] == "invalid_request"

    def test_without_a_challenge_is_an_invalid_request(self, server):
        assert sent_back(server, code_challenge="")["error"] == "invalid_request"

    def test_denied_by_the_person_says_access_denied(self, server):
        server.fault("oauth_denied", count=1)
        assert sent_back(server)["error"] == "access_denied"
        assert "code" in sent_back(server)


class TestACode:
    def test_is_redeemed_with_the_verifier_of_the_standards_own_example(self, server):
        status, body = redeem(server)
        assert status == 200
        assert body["token_type"] == "Bearer"
        assert body["scope"] == "user/DocumentReference.read offline_access"

    def test_gives_a_token_for_an_hour(self, server):
        assert redeem(server)[1]["expires_in"] == 3600

    def test_is_redeemed_once(self, server):
        code = sent_back(server)["code"]
        assert redeem(server, code)[0] == 200
        assert redeem(server, code) == (400, {"error": "invalid_grant"})

    def test_with_another_verifier_is_refused_and_used_up(self, server):
        code = sent_back(server)["code"]
        assert redeem(server, code, code_verifier="x" * 43) == (400, {"error": "invalid_grant"})
        assert redeem(server, code) == (400, {"error": "invalid_grant"})

    def test_without_a_verifier_is_refused(self, server):
        assert redeem(server, code_verifier="") == (400, {"error": "invalid_grant"})

    def test_with_its_challenge_as_verifier_is_refused(self, server):
        assert redeem(server, code_verifier=CHALLENGE) == (400, {"error": "invalid_grant"})

    def test_with_another_address_is_refused(self, server):
        assert redeem(server, redirect_uri=BACK + "/other") == (400, {"error": "invalid_grant"})

    def test_of_another_application_is_refused(self, server):
        server.api("PUT", "/apps/other", {"redirect_uris": [BACK]})
        assert redeem(server, client_id="other") == (400, {"error": "invalid_grant"})

    def test_is_good_for_a_minute(self, server, clock):
        code = sent_back(server)["code"]
        clock.now += 60
        assert redeem(server, code)[0] == 200

    def test_is_stale_after_a_minute(self, server, clock):
        code = sent_back(server)["code"]
        clock.now += 60.5
        assert redeem(server, code) == (400, {"error": "invalid_grant"})

    def test_without_offline_access_brings_no_refresh_token(self, server):
        code = sent_back(server, scope="user/DocumentReference.read")["code"]
        assert "refresh_token" not in redeem(server, code)[1]

    def test_carries_only_the_scopes_the_application_has(self, server):
        server.api("PUT", "/apps/public", {"redirect_uris": [BACK], "scopes": ["user/Patient.read"]})
        code = sent_back(server, scope="user/Patient.read user/Claim.read")["code"]
        assert redeem(server, code)[1]["scope"] == "user/Patient.read"


class TestARefreshToken:
    def test_brings_a_new_pair(self, server):
        first = redeem(server)[1]
        status, second = renew(server, first["refresh_token"])
        assert (status, second["expires_in"]) == (200, 3600)
        assert second["access_token"] != first["access_token"]
        assert second["refresh_token"] != first["refresh_token"]

    def test_keeps_the_scopes_that_were_agreed_to(self, server):
        first = redeem(server)[1]
        assert renew(server, first["refresh_token"])[1]["scope"] == first["scope"]

    def test_used_twice_ends_the_access_tokens_too(self, server):
        first = redeem(server)[1]
        second = renew(server, first["refresh_token"])[1]
        bearer = {"Authorization": f"Bearer {second['access_token']}"}
        assert server.call("GET", FHIR + "/DocumentReference", headers=bearer).status == 200
        assert renew(server, first["refresh_token"]) == (400, {"error": "invalid_grant"})
        assert server.call("GET", FHIR + "/DocumentReference", headers=bearer).status == 401

    def test_of_another_application_is_refused_and_stays_good(self, server):
        server.api("PUT", "/apps/other", {"redirect_uris": [BACK]})
        first = redeem(server)[1]
        assert renew(server, first["refresh_token"], client_id="other") == (400, {"error": "invalid_grant"})
        assert renew(server, first["refresh_token"])[0] == 200

    def test_that_was_never_issued_is_refused(self, server):
        assert renew(server, "invented") == (400, {"error": "invalid_grant"})

    def test_whose_consent_was_withdrawn_is_refused(self, server):
        first = redeem(server)[1]
        assert server.api("POST", "/apps/public/revoke") == {"ended": 1}
        assert renew(server, first["refresh_token"]) == (400, {"error": "invalid_grant"})

    def test_whose_answer_was_lost_is_burnt(self, server):
        """Issued and rotated, but the answer never came: asking again with the old one ends the whole grant."""
        first = redeem(server)[1]
        server.fault("oauth_answer_lost", count=1)
        with pytest.raises(aiohttp.ClientError):
            renew(server, first["refresh_token"])
        assert renew(server, first["refresh_token"]) == (400, {"error": "invalid_grant"})


class TestAnAccessToken:
    def test_of_a_backend_is_good_for_300_seconds(self, server, clock):
        status, body = by_secret(server)
        assert (status, body["expires_in"]) == (200, 300)
        bearer = {"Authorization": f"Bearer {body['access_token']}"}
        clock.now += 299
        assert server.call("GET", FHIR + "/Patient", headers=bearer).status == 200
        clock.now += 1
        assert server.call("GET", FHIR + "/Patient", headers=bearer).status == 401

    def test_of_a_backend_has_no_successor(self, server):
        assert "refresh_token" not in by_secret(server)[1]

    def test_of_a_person_is_good_for_an_hour(self, server, clock):
        bearer = {"Authorization": f"Bearer {redeem(server)[1]['access_token']}"}
        clock.now += 3599
        assert server.call("GET", FHIR + "/DocumentReference", headers=bearer).status == 200
        clock.now += 1
        assert server.call("GET", FHIR + "/DocumentReference", headers=bearer).status == 401

    def test_lives_as_long_as_its_application_is_registered_for(self, server):
        server.api("PUT", "/apps/quick", {"secret": "s", "seconds": 5})
        assert by_secret(server, client_id="quick", client_secret="s")[1]["expires_in"] == 5

    def test_may_not_be_cached(self, server):
        form = {"grant_type": "client_credentials", "client_id": "secretive", "client_secret": "hu:sh"}
        made = server.call("POST", TOKEN, urlencode({**form, "scope": "system/Patient.read"}), FORM)
        assert made.headers["Cache-Control"] == "no-store"  # RFC 6749, 5.1

    def test_asks_for_scopes_as_a_set(self, server):
        """One scope too many refuses them all, and as invalid_grant where RFC 6749 has invalid_scope."""
        both = "system/Patient.read system/Claim.read"
        assert by_secret(server, scope=both) == (400, {"error": "invalid_grant"})

    def test_needs_a_scope_on_client_credentials(self, server):
        assert by_secret(server, scope="") == (400, {"error": "invalid_grant"})

    def test_may_have_several_scopes(self, server):
        both = "system/Patient.read system/Patient.rs"
        assert by_secret(server, scope=both)[1]["scope"] == both


class TestWhoAsks:
    def test_by_basic_may_have_a_colon_in_the_secret(self, server):
        basic = base64.b64encode(b"secretive:hu:sh").decode()
        form = {"grant_type": "client_credentials", "scope": "system/Patient.read"}
        assert token(server, {"Authorization": f"Basic {basic}"}, **form)[0] == 200

    def test_by_basic_that_is_no_base64_is_401(self, server):
        assert token(server, {"Authorization": "Basic !"}, grant_type="client_credentials") == (
            401,
            {"error": "invalid_client"},
        )

    def test_by_basic_with_a_wrong_secret_is_401(self, server):
        basic = base64.b64encode(b"secretive:hush").decode()
        assert token(server, {"Authorization": f"Basic {basic}"}, grant_type="client_credentials")[0] == 401

    def test_by_no_secret_where_there_is_one_is_401(self, server):
        assert by_secret(server, client_secret="") == (401, {"error": "invalid_client"})

    def test_publicly_cannot_have_a_backend_token(self, server):
        asked = token(server, grant_type="client_credentials", client_id="public", scope="system/Patient.read")
        assert asked == (400, {"error": "unauthorized_client"})

    def test_by_a_password_grant_is_unsupported(self, server):
        assert by_secret(server, grant_type="password") == (400, {"error": "unsupported_grant_type"})

    def test_without_a_grant_type_is_unsupported(self, server):
        assert by_secret(server, grant_type="") == (400, {"error": "unsupported_grant_type"})

    def test_with_nothing_at_all_is_401(self, server):
        assert token(server) == (401, {"error": "invalid_client"})


class TestAnAssertion:
    """RFC 7523 as SMART Backend Services narrows it."""

    def signed(self, server, header=None, **changes):
        claims = {"iss": "service", "sub": "service", "aud": server.address(TOKEN), "jti": str(time.monotonic_ns())}
        claims["exp"] = int(time.time()) + 290
        return jwt.encode(
            {"alg": "RS384", "kid": KEY.kid, **(header or {})}, {**claims, **changes}, KEY, algorithms=["RS384"]
        )

    def ask(self, server, assertion):
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        form = {"grant_type": "client_credentials", "scope": "x", "client_assertion_type": kind}
        return token(server, client_assertion=assertion, **form)

    def test_that_keeps_every_rule_brings_a_token(self, server):
        assert self.ask(server, self.signed(server))[0] == 200

    def test_of_the_practices_base_as_audience_is_refused(self, server):
        assert self.ask(server, self.signed(server, aud=server.address(FHIR)))[0] == 401

    def test_of_another_practices_endpoint_is_refused(self, server):
        assert self.ask(server, self.signed(server, aud=server.address("/oauth2/HARBOR/token")))[0] == 401

    def test_of_six_minutes_is_refused(self, server):
        assert self.ask(server, self.signed(server, exp=int(time.time()) + 360))[0] == 401

    def test_that_never_ends_is_refused(self, server):
        made = self.signed(server, exp=None)
        assert self.ask(server, made) == (401, {"error": "invalid_client"})

    def test_whose_key_id_is_not_registered_is_refused(self, server):
        assert self.ask(server, self.signed(server, header={"kid": "other"}))[0] == 401

    def test_whose_jti_is_no_text_is_refused(self, server):
        assert self.ask(server, self.signed(server, jti=7))[0] == 401

    def test_that_is_unsigned_is_refused(self, server):
        head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        assert self.ask(server, f"{head}.e30.")[0] == 401

    def test_that_is_no_token_is_refused(self, server):
        assert self.ask(server, "not a token")[0] == 401


class TestFaults:
    def test_oauth_server_error_issues_nothing(self, server):
        server.fault("oauth_server_error", count=1)
        assert by_secret(server) == (503, {"message": "Server error."})
        assert server.api("GET", "/tokens") == {"calls": {"LAKESI": 1}, "issued": 0}
        assert by_secret(server)[0] == 200

    def test_oauth_access_denied_is_http_500(self, server):
        server.fault("oauth_access_denied")
        assert by_secret(server) == (500, {"error": "access_denied"})

    def test_oauth_answer_lost_has_issued_all_the_same(self, server):
        server.fault("oauth_answer_lost", count=1)
        with pytest.raises(aiohttp.ClientError):
            by_secret(server)
        assert server.api("GET", "/tokens")["issued"] == 1


class TestTheMinute:
    def test_takes_250_calls_and_refuses_the_251st(self, server, clock):
        assert [by_secret(server, client_secret="no")[0] for _ in range(251)] == [401] * 250 + [429]

    def test_is_the_clocks_and_not_sixty_seconds(self, server, clock):
        """Asked at :30, free again at the next full minute, half a minute later."""
        server.api("PUT", "/practices/LAKESI", {"per_minute": 1})
        assert by_secret(server)[0] == 200
        clock.now += 29
        assert by_secret(server)[0] == 429
        clock.now += 1
        assert by_secret(server)[0] == 200

    def test_does_not_get_longer_by_asking(self, server, clock):
        server.api("PUT", "/practices/LAKESI", {"per_minute": 1})
        assert [by_secret(server)[0] for _ in range(4)] == [200, 429, 429, 429]
        clock.now += 30
        assert by_secret(server)[0] == 200
