"""Where tokens are to be had: SMART discovery under the practice's base, over real HTTP; settings before discovery."""

import json
import time

import pytest
from werkzeug import Response

from delivery.channels.base import Unavailable
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.http import NotAnswered
from delivery.failures import CATALOGUE
from delivery.oauth import endpoints
from delivery.oauth.endpoints import Endpoints, endpoints_of, forget, network_reason, oauth_client

WHERE = "/fhir/r4/LAKESI/.well-known/smart-configuration"
SAID = {
    "issuer": "https://oauth.example.org",
    "authorization_endpoint": "https://oauth.example.org/oauth2/authorize",
    "token_endpoint": "https://oauth.example.org/oauth2/token",
    "code_challenge_methods_supported": ["S256"],
    "grant_types_supported": ["authorization_code", "client_credentials"],
}
FOUND = Endpoints(SAID["authorization_endpoint"], SAID["token_endpoint"], SAID["issuer"])


@pytest.fixture(autouse=True)
def nothing_kept():
    endpoints._kept.clear()
    yield
    endpoints._kept.clear()


def settings(httpserver, environment: str = "sandbox", **changes) -> FhirSettings:
    base = changes.pop("base_url", httpserver.url_for("/fhir/r4/LAKESI"))
    row = {"base_url": base, "client_id": "scribeport", "client_auth": "client_secret_basic", **changes}
    return FhirSettings.read(row, {"client_secret": "topsecret"}, environment)


def answers(httpserver, body: object = SAID, status: int = 200, kind: str = "application/json", **headers: str):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    httpserver.expect_request(WHERE).respond_with_response(Response(raw, status, named, content_type=kind))


def look(httpserver, **changes) -> Endpoints:
    made = settings(httpserver, **changes)
    with oauth_client(made, lambda host, port: (host, port)) as client:
        return endpoints_of(made, client)


def fails(httpserver, **changes) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        look(httpserver, **changes)
    assert caught.value.reason_code in CATALOGUE
    assert caught.value.__cause__ is None
    return caught.value


class TestDiscovery:
    def test_finds_both_endpoints_and_the_issuer(self, httpserver):
        answers(httpserver)
        assert look(httpserver) == FOUND

    def test_asks_under_the_practices_own_path(self, httpserver):
        answers(httpserver)
        look(httpserver)
        assert [request.path for request, _ in httpserver.log] == [WHERE]

    def test_asks_for_json_and_sends_no_credentials(self, httpserver):
        answers(httpserver)
        look(httpserver)
        request, _ = httpserver.log[0]
        assert (request.headers["Accept"], request.headers.get("Authorization")) == ("application/json", None)

    def test_without_an_issuer_names_none(self, httpserver):
        answers(httpserver, {name: value for name, value in SAID.items() if name != "issuer"})
        assert look(httpserver).issuer == ""

    def test_with_an_issuer_that_is_no_text_names_none(self, httpserver):
        answers(httpserver, {**SAID, "issuer": ["https://oauth.example.org"]})
        assert look(httpserver).issuer == ""

    def test_for_a_backend_service_needs_no_authorization_endpoint(self, httpserver):
        answers(httpserver, {"token_endpoint": SAID["token_endpoint"]})
        assert look(httpserver) == Endpoints("", SAID["token_endpoint"], "")

    def test_is_done_once_an_hour(self, httpserver):
        answers(httpserver)
        for _ in range(5):
            look(httpserver)
        assert len(httpserver.log) == 1

    def test_is_done_again_after_an_hour(self, httpserver, monkeypatch):
        answers(httpserver)
        look(httpserver)
        really = time.monotonic
        monkeypatch.setattr(endpoints.time, "monotonic", lambda: really() + 3601)
        look(httpserver)
        assert len(httpserver.log) == 2

    def test_is_done_again_when_it_is_forgotten(self, httpserver):
        answers(httpserver)
        look(httpserver)
        forget(settings(httpserver))
        look(httpserver)
        assert len(httpserver.log) == 2

    def test_of_one_practice_says_nothing_of_another(self, httpserver):
        answers(httpserver)
        look(httpserver)
        other = Response(json.dumps({**SAID, "issuer": "other"}), content_type="application/json")
        httpserver.expect_request("/fhir/r4/HARBOR/.well-known/smart-configuration").respond_with_response(other)
        assert look(httpserver, base_url=httpserver.url_for("/fhir/r4/HARBOR")).issuer == "other"

    def test_that_failed_is_not_kept(self, httpserver):
        answers(httpserver, b"down", 503, kind="text/plain")
        fails(httpserver)
        httpserver.clear()
        answers(httpserver)
        assert look(httpserver) == FOUND

    def test_can_be_forgotten_before_it_was_ever_done(self, httpserver):
        forget(settings(httpserver))
        assert endpoints._kept == {}


class TestSettingsBeforeDiscovery:
    def test_a_token_endpoint_is_enough_for_a_backend_service(self, httpserver):
        found = look(httpserver, token_url="https://t.example.org/token")
        assert found == Endpoints("", "https://t.example.org/token")
        assert httpserver.log == []

    def test_both_endpoints_are_enough_for_a_persons_grant(self, httpserver):
        found = look(
            httpserver,
            grant="authorization_code",
            token_url="https://t.example.org/token",
            authorize_url="https://t.example.org/authorize",
        )
        assert found == Endpoints("https://t.example.org/authorize", "https://t.example.org/token")
        assert httpserver.log == []

    def test_a_token_endpoint_alone_is_not_enough_for_a_persons_grant(self, httpserver):
        answers(httpserver)
        found = look(httpserver, grant="authorization_code", token_url="https://t.example.org/token")
        assert found == Endpoints(SAID["authorization_endpoint"], "https://t.example.org/token", SAID["issuer"])

    def test_an_authorization_endpoint_alone_leaves_the_token_endpoint_to_discovery(self, httpserver):
        answers(httpserver)
        found = look(httpserver, authorize_url="https://t.example.org/authorize")
        assert found == Endpoints("https://t.example.org/authorize", SAID["token_endpoint"], SAID["issuer"])


class TestWhatIsNoConfiguration:
    @pytest.mark.parametrize("status", [204, 301, 302, 400, 401, 403, 404, 500, 503])
    def test_of_another_status_than_200(self, httpserver, status):
        answers(httpserver, status=status)
        error = fails(httpserver)
        assert (error.reason_code, error.code) == ("oauth_discovery", f"HTTP {status}")

    def test_of_a_redirect_is_not_followed(self, httpserver):
        answers(httpserver, b"", 302, Location=httpserver.url_for("/elsewhere"))
        fails(httpserver)
        assert len(httpserver.log) == 1

    def test_of_a_limit_says_when_to_come_again(self, httpserver):
        answers(httpserver, b"", 429, Retry_After="33")
        error = fails(httpserver)
        assert (error.reason_code, error.retry_after) == ("rate_limited", 33.0)

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"token_endpoint": "a", "token_endpoint": "b"}'])
    def test_of_what_is_no_json_object(self, httpserver, body):
        answers(httpserver, body)
        assert fails(httpserver).reason_code == "oauth_discovery"

    def test_of_a_sign_in_page(self, httpserver):
        answers(httpserver, b"<html>Sign in</html>", kind="text/html")
        assert fails(httpserver).reason_code == "oauth_discovery"

    @pytest.mark.parametrize(
        "token", [None, "", 7, [], "token", "ftp://x/token", "https://me:pw@x/token", "https://x/token?a=1"]
    )
    def test_of_a_token_endpoint_that_no_token_may_be_sent_to(self, httpserver, token):
        answers(httpserver, {**SAID, "token_endpoint": token})
        error = fails(httpserver)
        assert (error.reason_code, error.code) == ("oauth_discovery", "endpoints")

    @pytest.mark.parametrize("address", [None, "", "javascript:alert(1)", "https://x/authorize#fragment"])
    def test_of_an_authorization_endpoint_that_nobody_may_be_sent_to(self, httpserver, address):
        answers(httpserver, {**SAID, "authorization_endpoint": address})
        assert fails(httpserver, grant="authorization_code").code == "endpoints"


class TestPkce:
    """eCW takes S256 only; whoever says that it lacks it is not used for a person's grant."""

    def test_of_another_method_alone_is_refused(self, httpserver):
        answers(httpserver, {**SAID, "code_challenge_methods_supported": ["plain"]})
        assert fails(httpserver, grant="authorization_code").reason_code == "oauth_no_pkce"

    def test_of_no_method_is_refused(self, httpserver):
        answers(httpserver, {**SAID, "code_challenge_methods_supported": []})
        assert fails(httpserver, grant="authorization_code").reason_code == "oauth_no_pkce"

    def test_beside_a_weaker_one_is_taken(self, httpserver):
        answers(httpserver, {**SAID, "code_challenge_methods_supported": ["plain", "S256"]})
        assert look(httpserver, grant="authorization_code") == FOUND

    def test_that_is_not_spoken_of_is_tried(self, httpserver):
        answers(httpserver, {name: value for name, value in SAID.items() if not name.startswith("code_challenge")})
        assert look(httpserver, grant="authorization_code") == FOUND

    def test_is_no_matter_of_a_backend_service(self, httpserver):
        answers(httpserver, {**SAID, "code_challenge_methods_supported": ["plain"]})
        assert look(httpserver) == FOUND


class TestACallWithoutAnAnswer:
    @pytest.mark.parametrize(
        "reason",
        ["dns", "target_not_allowed", "connection_refused", "connect_timeout", "unreachable", "peer_closed"],
    )
    def test_that_never_left_keeps_its_reason(self, reason):
        assert network_reason(NotAnswered(reason)) == reason

    @pytest.mark.parametrize("reason", ["tls_expired", "tls_wrong_host", "tls_other"])
    def test_that_found_no_secure_way_keeps_its_reason(self, reason):
        assert network_reason(NotAnswered(reason)) == reason

    @pytest.mark.parametrize("reason", ["no_answer", "partial_answer", "too_large", "encoded", "protocol"])
    def test_that_may_have_been_heard_is_called_unanswered(self, reason):
        assert network_reason(NotAnswered(reason)) == "oauth_no_answer"

    def test_at_a_closed_port_is_named(self, httpserver):
        error = fails(httpserver, base_url="http://127.0.0.1:9/fhir/r4/LAKESI")
        assert (error.reason_code, error.code) == ("connection_refused", "discovery")

    def test_at_a_place_connections_may_not_reach_is_named(self, httpserver):
        def nowhere(host, port):
            raise ValueError("not allowed")

        made = settings(httpserver)
        with oauth_client(made, nowhere) as client, pytest.raises(Unavailable) as caught:
            endpoints_of(made, client)
        assert caught.value.reason_code == "target_not_allowed"
