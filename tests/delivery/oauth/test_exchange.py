"""What is said to an authorization server and made of its answers, over real HTTP; golden values of the RFCs.

RFC 6749 (grants, errors), RFC 7523 (assertions), RFC 7636 (PKCE), RFC 7638 (thumbprints), RFC 7517 (key sets), and
eCW's own ways: a bad scope is invalid_grant, access_denied comes with HTTP 500.
"""

import base64
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug import Response

from delivery.channels.base import Unavailable
from delivery.channels.fhir_settings import FhirSettings
from delivery.failures import CATALOGUE
from delivery.oauth.endpoints import Endpoints, oauth_client
from delivery.oauth.exchange import Authority, public_keys, signing_key
from tests.delivery.fhir import one_key

READ, WRITE = "system/DocumentReference.read", "system/DocumentReference.write"
TOKEN = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 300, "scope": f"{READ} {WRITE}"}
CALLBACK = "https://scribeport.example.org/deliveries/connections/authorized/"


def authority(httpserver, **changes) -> Authority:
    """The server of a test; a confidential client with a secret unless told otherwise."""
    base = httpserver.url_for("/fhir/r4/LAKESI")
    settings = {"base_url": base, "client_id": "scribeport", "client_auth": "client_secret_basic", **changes}
    secrets = {"client_secret": "topsecret", "signing_key_pem": one_key()}
    made = FhirSettings.read(settings, secrets, "sandbox")
    client = oauth_client(made, lambda host, port: (host, port))
    return Authority(made, Endpoints(httpserver.url_for("/authorize"), httpserver.url_for("/token")), client)


def answers(httpserver, body: object = TOKEN, status: int = 200, kind: str = "application/json", **headers: str):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = Response(raw, status, {name.replace("_", "-"): value for name, value in headers.items()}, content_type=kind)
    httpserver.expect_request("/token", method="POST").respond_with_response(made)


def asked(httpserver) -> dict[str, str]:
    """The form of the last request."""
    request, _ = httpserver.log[-1]
    return dict(request.form)


def header(httpserver, name: str) -> str | None:
    request, _ = httpserver.log[-1]
    return request.headers.get(name)


def refused(httpserver, body: object, status: int = 400, **more) -> Unavailable:
    answers(httpserver, body, status, **more)
    with pytest.raises(Unavailable) as caught:
        authority(httpserver).client_credentials([WRITE])
    assert caught.value.reason_code in CATALOGUE
    assert caught.value.__cause__ is None
    return caught.value


class TestABackendService:
    def test_asks_with_the_grant_and_its_scopes(self, httpserver):
        answers(httpserver)
        authority(httpserver).client_credentials([WRITE, READ])
        assert asked(httpserver) == {"grant_type": "client_credentials", "scope": f"{WRITE} {READ}"}

    def test_asks_in_the_form_of_a_web_form(self, httpserver):
        answers(httpserver)
        authority(httpserver).client_credentials([WRITE])
        assert header(httpserver, "Content-Type").partition(";")[0] == "application/x-www-form-urlencoded"

    def test_is_given_the_token_and_the_scopes_that_were_granted(self, httpserver):
        answers(httpserver)
        issued = authority(httpserver).client_credentials([WRITE])
        assert (issued.access, issued.refresh, issued.scopes) == ("at-1", "", (READ, WRITE))

    def test_is_given_the_end_of_the_token(self, httpserver):
        answers(httpserver)
        before = timezone.now()
        ends = authority(httpserver).client_credentials([WRITE]).expires_at
        assert timedelta(seconds=300) <= ends - before < timedelta(seconds=310)

    def test_without_scopes_in_the_answer_has_those_it_asked_for(self, httpserver):
        """RFC 6749, 5.1: scope is optional where it is identical to what the client asked for."""
        answers(httpserver, {"access_token": "at-1", "token_type": "Bearer"})
        assert authority(httpserver).client_credentials([WRITE, READ]).scopes == (WRITE, READ)

    def test_with_a_blank_scope_in_the_answer_has_those_it_asked_for(self, httpserver):
        answers(httpserver, {**TOKEN, "scope": " "})
        assert authority(httpserver).client_credentials([WRITE]).scopes == (WRITE,)

    def test_that_proves_itself_by_basic_sends_id_and_secret_in_the_header(self, httpserver):
        answers(httpserver)
        authority(httpserver).client_credentials([WRITE])
        assert header(httpserver, "Authorization") == "Basic " + base64.b64encode(b"scribeport:topsecret").decode()
        assert "client_secret" not in asked(httpserver)

    def test_that_proves_itself_by_post_sends_id_and_secret_in_the_form(self, httpserver):
        answers(httpserver)
        authority(httpserver, client_auth="client_secret_post").client_credentials([WRITE])
        form = asked(httpserver)
        assert (form["client_id"], form["client_secret"]) == ("scribeport", "topsecret")
        assert header(httpserver, "Authorization") is None

    def test_sends_neither_secret_nor_scopes_in_the_address(self, httpserver):
        answers(httpserver)
        authority(httpserver).client_credentials([WRITE])
        request, _ = httpserver.log[-1]
        assert request.query_string == b""


class TestAnAssertion:
    """RFC 7523: a client proves itself by a token it signs."""

    def claims(self, httpserver, **changes) -> tuple[dict, dict]:
        answers(httpserver)
        authority(httpserver, client_auth="private_key_jwt", **changes).client_credentials([WRITE])
        read = jwt.decode(asked(httpserver)["client_assertion"], signing_key(one_key()), algorithms=["RS384"])
        return read.header, read.claims

    def test_is_announced_by_its_type(self, httpserver):
        self.claims(httpserver)
        assert asked(httpserver)["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    def test_is_signed_by_RS384_under_the_keys_own_thumbprint(self, httpserver):
        head, _ = self.claims(httpserver)
        assert head == {"alg": "RS384", "typ": "JWT", "kid": signing_key(one_key()).kid}

    def test_is_of_and_about_the_client(self, httpserver):
        _, claims = self.claims(httpserver)
        assert (claims["iss"], claims["sub"]) == ("scribeport", "scribeport")

    def test_is_for_the_token_endpoint(self, httpserver):
        _, claims = self.claims(httpserver)
        assert claims["aud"] == httpserver.url_for("/token")

    def test_is_for_another_audience_where_the_settings_say_so(self, httpserver):
        _, claims = self.claims(httpserver, audience="https://oauth.example.org/oauth2")
        assert claims["aud"] == "https://oauth.example.org/oauth2"

    def test_lives_four_minutes(self, httpserver):
        before = timezone.now().timestamp()
        _, claims = self.claims(httpserver)
        assert 235 <= claims["exp"] - before <= 241

    def test_has_an_id_that_is_never_used_twice(self, httpserver):
        answers(httpserver)
        server = authority(httpserver, client_auth="private_key_jwt")
        ids = set()
        for _ in range(5):
            server.client_credentials([WRITE])
            read = jwt.decode(asked(httpserver)["client_assertion"], signing_key(one_key()), algorithms=["RS384"])
            ids.add(read.claims["jti"])
        assert len(ids) == 5

    def test_travels_without_a_header_and_without_a_secret(self, httpserver):
        self.claims(httpserver)
        assert header(httpserver, "Authorization") is None
        assert "client_secret" not in asked(httpserver)


class TestARefusal:
    @pytest.mark.parametrize(
        "error, reason_code",
        [
            ("invalid_client", "invalid_client"),
            ("unauthorized_client", "invalid_client"),
            ("invalid_scope", "scope_refused"),
            ("access_denied", "oauth_access_denied"),
            ("unsupported_grant_type", "oauth_refused"),
            ("invalid_request", "oauth_refused"),
            ("something_of_their_own", "oauth_refused"),
        ],
    )
    def test_of_each_error_of_RFC_6749_has_its_reason(self, httpserver, error, reason_code):
        assert refused(httpserver, {"error": error}).reason_code == reason_code

    def test_by_invalid_grant_means_a_scope_for_a_backend_service(self, httpserver):
        assert refused(httpserver, {"error": "invalid_grant"}).reason_code == "scope_refused"

    def test_by_invalid_client_with_401_is_the_same(self, httpserver):
        assert refused(httpserver, {"error": "invalid_client"}, 401).reason_code == "invalid_client"

    def test_by_access_denied_as_a_server_error_is_known(self, httpserver):
        assert refused(httpserver, {"error": "access_denied"}, 500).reason_code == "oauth_access_denied"

    def test_by_an_error_with_http_200_is_a_refusal_all_the_same(self, httpserver):
        assert refused(httpserver, {"error": "invalid_client"}, 200).reason_code == "invalid_client"

    def test_keeps_the_errors_name_and_not_its_description(self, httpserver):
        error = refused(httpserver, {"error": "invalid_client", "error_description": "client scribeport is unknown"})
        assert (error.code, str(error)) == ("invalid_client", "invalid_client invalid_client")

    def test_keeps_at_most_twenty_characters_of_a_name(self, httpserver):
        assert refused(httpserver, {"error": "e" * 99}).code == "e" * 20

    @pytest.mark.parametrize("word", ["Roe, Jane 1980-01-02", "a\x00b", "\ud800", "Jane"])
    def test_keeps_no_words_in_place_of_a_name(self, httpserver, word):
        error = refused(httpserver, {"error": word})
        assert (error.reason_code, error.code) == ("oauth_refused", "")


class TestAnAnswerThatIsNoToken:
    def test_of_a_limit_says_when_to_come_again(self, httpserver):
        error = refused(httpserver, b"", 429, Retry_After="12")
        assert (error.reason_code, error.retry_after) == ("rate_limited", 12.0)

    def test_of_a_limit_without_a_time_ends_with_the_minute(self, httpserver):
        assert 0 < refused(httpserver, b"", 429).retry_after <= 60

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_of_a_server_in_trouble_is_called_so(self, httpserver, status):
        error = refused(httpserver, b"<html>oops</html>", status, kind="text/html")
        assert (error.reason_code, error.code) == ("oauth_server_error", f"HTTP {status}")

    @pytest.mark.parametrize("status", [301, 302, 400, 403, 404])
    def test_of_another_status_without_an_error_is_unreadable(self, httpserver, status):
        error = refused(httpserver, {"hello": 1}, status)
        assert (error.reason_code, error.code) == ("oauth_unreadable", f"HTTP {status}")

    def test_of_a_sign_in_page_is_unreadable(self, httpserver):
        assert refused(httpserver, b"<html>Sign in</html>", 200, kind="text/html").reason_code == "oauth_unreadable"

    def test_of_201_is_unreadable(self, httpserver):
        assert refused(httpserver, TOKEN, 201).code == "HTTP 201"

    def test_of_a_name_twice_is_unreadable(self, httpserver):
        body = b'{"access_token": "a", "access_token": "b", "token_type": "Bearer"}'
        assert refused(httpserver, body, 200).reason_code == "oauth_unreadable"

    @pytest.mark.parametrize("kind", ["mac", "DPoP", "", 7, None])
    def test_of_another_kind_of_token_is_unreadable(self, httpserver, kind):
        error = refused(httpserver, {**TOKEN, "token_type": kind}, 200)
        assert (error.reason_code, error.code) == ("oauth_unreadable", "token_type")

    @pytest.mark.parametrize("token", ["", None, 7, "with space", "line\nbreak", "tab\t", "naïve", "x" * 16_385])
    def test_of_a_token_that_no_header_can_carry_is_unreadable(self, httpserver, token):
        error = refused(httpserver, {**TOKEN, "access_token": token}, 200)
        assert (error.reason_code, error.code) == ("oauth_unreadable", "token")

    def test_of_a_refresh_token_that_is_none_is_unreadable(self, httpserver):
        assert refused(httpserver, {**TOKEN, "refresh_token": "a b"}, 200).code == "token"

    def test_and_no_word_of_it_stands_in_the_error(self, httpserver):
        error = refused(httpserver, {**TOKEN, "access_token": "secret token"}, 200)
        assert "secret" not in repr(error) + str(error)


class TestATokensKindAndLife:
    @pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
    def test_bearer_in_any_spelling_is_taken(self, httpserver, kind):
        answers(httpserver, {**TOKEN, "token_type": kind})
        assert authority(httpserver).client_credentials([WRITE]).access == "at-1"

    def test_a_kind_that_is_not_said_is_taken_for_bearer(self, httpserver):
        answers(httpserver, {"access_token": "at-1", "expires_in": 300})
        assert authority(httpserver).client_credentials([WRITE]).access == "at-1"

    @pytest.mark.parametrize("said", [None, "soon", [], [300], {}, {"seconds": 300}, "12.5", 12.5, True])
    def test_a_life_nobody_understands_has_no_named_end(self, httpserver, said):
        answers(httpserver, {**TOKEN, "expires_in": said})
        assert authority(httpserver).client_credentials([WRITE]).expires_at is None

    def test_a_life_beyond_every_number_has_no_named_end(self, httpserver):
        answers(httpserver, b'{"access_token": "at-1", "token_type": "Bearer", "expires_in": 1e999}')
        assert authority(httpserver).client_credentials([WRITE]).expires_at is None

    @pytest.mark.parametrize("said", ["tomorrow", {}, [1]])
    def test_an_end_that_a_server_names_beside_its_life_is_not_used(self, httpserver, said):
        """RFC 6749 knows expires_in alone."""
        answers(httpserver, {**TOKEN, "expires_at": said})
        assert authority(httpserver).client_credentials([WRITE]).access == "at-1"

    def test_a_life_as_text_is_a_number(self, httpserver):
        answers(httpserver, {**TOKEN, "expires_in": "300"})
        ends = authority(httpserver).client_credentials([WRITE]).expires_at
        assert ends - timezone.now() == pytest.approx(timedelta(seconds=300), abs=timedelta(seconds=5))

    def test_a_negative_life_is_over_at_once(self, httpserver):
        answers(httpserver, {**TOKEN, "expires_in": -300})
        assert authority(httpserver).client_credentials([WRITE]).expires_at <= timezone.now()

    def test_a_life_longer_than_calendars_is_cut_to_a_year(self, httpserver):
        answers(httpserver, {**TOKEN, "expires_in": 10**18})
        ends = authority(httpserver).client_credentials([WRITE]).expires_at
        assert ends - timezone.now() == pytest.approx(timedelta(days=366), abs=timedelta(seconds=5))


class TestARefresh:
    def test_asks_with_the_grant_and_the_token_and_no_scopes(self, httpserver):
        answers(httpserver)
        authority(httpserver).refresh("rt-1", [WRITE])
        form = asked(httpserver)
        assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "rt-1")
        assert "scope" not in form

    def test_is_given_the_rotated_token(self, httpserver):
        answers(httpserver, {**TOKEN, "refresh_token": "rt-2"})
        issued = authority(httpserver).refresh("rt-1", [WRITE])
        assert (issued.access, issued.refresh) == ("at-1", "rt-2")

    def test_refused_by_invalid_grant_needs_a_person(self, httpserver):
        answers(httpserver, {"error": "invalid_grant"}, 400)
        with pytest.raises(Unavailable) as caught:
            authority(httpserver).refresh("rt-1", [WRITE])
        assert caught.value.reason_code == "invalid_grant"

    def test_keeps_the_scopes_it_had_where_the_answer_names_none(self, httpserver):
        answers(httpserver, {"access_token": "at-2", "token_type": "Bearer"})
        assert authority(httpserver).refresh("rt-1", [WRITE, READ]).scopes == (WRITE, READ)


class TestACodeAPersonBrought:
    # RFC 7636, appendix B.
    VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    def consent(self, httpserver, **changes) -> dict[str, str]:
        made = authority(httpserver, **changes).address("st-1", self.VERIFIER, CALLBACK, [WRITE, "offline_access"])
        parts = urlsplit(made)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == httpserver.url_for("/authorize")
        return {name: values[0] for name, values in parse_qs(parts.query).items()}

    def test_is_asked_for_with_all_that_the_server_needs(self, httpserver):
        assert self.consent(httpserver) == {
            "response_type": "code",
            "client_id": "scribeport",
            "redirect_uri": CALLBACK,
            "scope": f"{WRITE} offline_access",
            "state": "st-1",
            "code_challenge": self.CHALLENGE,
            "code_challenge_method": "S256",
            "aud": httpserver.url_for("/fhir/r4/LAKESI"),
        }

    def test_is_asked_for_alike_by_a_public_client(self, httpserver):
        said = self.consent(httpserver, grant="authorization_code", client_auth="none")
        assert (said["code_challenge"], said["code_challenge_method"]) == (self.CHALLENGE, "S256")

    def test_is_asked_for_without_any_secret(self, httpserver):
        made = authority(httpserver).address("st-1", self.VERIFIER, CALLBACK, [WRITE])
        assert "topsecret" not in made
        assert self.VERIFIER not in made

    def test_is_redeemed_with_the_verifier_and_the_same_address(self, httpserver):
        answers(httpserver)
        authority(httpserver).redeem("code-1", self.VERIFIER, CALLBACK, [WRITE])
        form = asked(httpserver)
        assert {name: form[name] for name in ("grant_type", "code", "code_verifier", "redirect_uri")} == {
            "grant_type": "authorization_code",
            "code": "code-1",
            "code_verifier": self.VERIFIER,
            "redirect_uri": CALLBACK,
        }

    def test_is_redeemed_by_a_public_client_under_its_id(self, httpserver):
        answers(httpserver)
        public = authority(httpserver, grant="authorization_code", client_auth="none")
        public.redeem("code-1", self.VERIFIER, CALLBACK, [WRITE])
        assert asked(httpserver)["client_id"] == "scribeport"
        assert header(httpserver, "Authorization") is None

    def test_that_is_refused_is_an_invalid_grant_and_no_matter_of_scopes(self, httpserver):
        answers(httpserver, {"error": "invalid_grant"}, 400)
        with pytest.raises(Unavailable) as caught:
            authority(httpserver).redeem("code-1", self.VERIFIER, CALLBACK, [WRITE])
        assert caught.value.reason_code == "invalid_grant"


class TestKeys:
    # RFC 7638, 3.1: this key, and its thumbprint.
    MODULUS = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

    def example(self) -> str:
        return RSAKey.import_key({"kty": "RSA", "n": self.MODULUS, "e": "AQAB"}).as_pem(private=False).decode()

    def test_are_named_by_the_thumbprint_of_RFC_7638(self):
        assert signing_key(self.example()).kid == self.THUMBPRINT

    def test_are_published_as_a_set_of_RFC_7517(self):
        (row,) = public_keys([self.example()])["keys"]
        assert row == {
            "kty": "RSA",
            "n": self.MODULUS,
            "e": "AQAB",
            "alg": "RS384",
            "use": "sig",
            "kid": self.THUMBPRINT,
        }

    def test_are_published_without_their_private_half(self):
        (row,) = public_keys([one_key()])["keys"]
        assert {"d", "p", "q", "dp", "dq", "qi"} & set(row) == set()

    def test_are_published_one_beside_the_other_while_a_new_one_is_introduced(self):
        rows = public_keys([one_key(), self.example()])["keys"]
        assert [row["kid"] for row in rows] == [signing_key(one_key()).kid, self.THUMBPRINT]

    @pytest.mark.parametrize("pem", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
    def test_that_cannot_be_read_are_refused_in_plain_words(self, pem):
        with pytest.raises(ValueError, match=r"^The signing key of this connection cannot be read\.$"):
            signing_key(pem)


def test_a_server_that_nobody_answers_at_is_named(httpserver):
    one = authority(httpserver)
    one.endpoints = Endpoints("", "http://127.0.0.1:9/token")
    with pytest.raises(Unavailable) as caught:
        one.client_credentials([WRITE])
    assert caught.value.reason_code == "connection_refused"
