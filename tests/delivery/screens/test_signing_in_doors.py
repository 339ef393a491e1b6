"""The doors of signing in with eCW: where each leads, what each says, what it changes. An authorization server of our own."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from werkzeug import Response

from delivery import breaker
from delivery.failures import failure
from delivery.models import Breaker, ConnectionState
from delivery.oauth import asking, endpoints
from portal import tokens
from portal.models import Connection, Location, OAuthGrant, Route
from tests.delivery.fhir import PRACTICE, fhir_connection, one_key

pytestmark = [pytest.mark.django_db, pytest.mark.alike]  # words, and what a server that signs in is asked
WRITE = "user/DocumentReference.write"
TOKEN = {"access_token": "at-1", "refresh_token": "rt-1", "token_type": "Bearer", "expires_in": 3600}
NOTHING_BEGUN = "This answer belongs to nothing begun here in the last ten minutes. Connect again."


@pytest.fixture(autouse=True)
def nothing_kept():
    endpoints._kept.clear()
    yield
    endpoints._kept.clear()


@pytest.fixture
def ecw(httpserver):
    """An authorization server under the practice's base, as eCW has one."""
    said = {
        "issuer": httpserver.url_for("/oauth"),
        "authorization_endpoint": httpserver.url_for("/oauth/authorize"),
        "token_endpoint": httpserver.url_for("/oauth/token"),
        "code_challenge_methods_supported": ["S256"],
    }
    httpserver.expect_request(f"/fhir/r4/{PRACTICE}/.well-known/smart-configuration").respond_with_json(said)
    return httpserver


def base(httpserver) -> str:
    return httpserver.url_for("").rstrip("/")


def gives(httpserver, body: object = TOKEN, status: int = 200) -> None:
    made = Response(json.dumps(body), status, content_type="application/json")
    httpserver.expect_request("/oauth/token", method="POST").respond_with_response(made)


@pytest.fixture
def personal(cast, ecw) -> Connection:
    return fhir_connection(cast, base(ecw), {}, grant="authorization_code", client_auth="none")


@pytest.fixture
def backend(cast, ecw) -> Connection:
    return fhir_connection(cast, base(ecw))


@pytest.fixture
def dana(cast) -> Client:
    client = Client()
    client.force_login(cast.dana)
    return client


def said(answer) -> list[str]:
    """The messages on the page that a redirect leads to."""
    return [str(each) for each in answer.context["messages"]]


def go(client: Client, connection: Connection):
    return client.get(reverse("delivery:authorize", args=[connection.pk]))


def question(answer) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}


def back(client: Client, **query: str):
    return client.get(reverse("delivery:authorized"), query, follow=True)


class TestGoingToEcw:
    def test_leads_to_the_authorization_endpoint(self, dana, personal, ecw):
        answer = go(dana, personal)
        assert answer.status_code == 302
        assert answer["Location"].startswith(ecw.url_for("/oauth/authorize") + "?")

    def test_asks_for_the_scopes_the_routes_need_and_to_be_remembered(self, dana, personal):
        scopes = question(go(dana, personal))["scope"].split()
        assert scopes == [WRITE, "user/DocumentReference.read", "user/Binary.read", "offline_access"]

    def test_names_the_address_to_come_back_to(self, dana, personal):
        assert question(go(dana, personal))["redirect_uri"] == "http://testserver/deliveries/connections/authorized/"

    def test_keeps_the_verifier_in_the_session_and_out_of_the_address(self, dana, personal):
        answer = go(dana, personal)
        (row,) = dana.session[asking.KEY].values()
        assert 43 <= len(row["verifier"]) <= 128
        assert row["verifier"] not in answer["Location"]

    def test_uses_another_state_and_challenge_each_time(self, dana, personal):
        first, second = question(go(dana, personal)), question(go(dana, personal))
        assert first["state"] != second["state"]
        assert first["code_challenge"] != second["code_challenge"]

    def test_of_a_server_that_is_away_stays_here_and_says_so(self, dana, personal):
        personal.settings |= {"base_url": "http://127.0.0.1:9/fhir/r4/LAKESI"}
        personal.save()
        answer = dana.get(reverse("delivery:authorize", args=[personal.pk]), follow=True)
        assert answer.redirect_chain == [(reverse("portal:connection", args=[personal.pk]), 302)]
        assert said(answer) == [failure("connection_refused").happened]

    def test_with_settings_that_cannot_be_used_stays_here_and_says_what_is_wrong(self, dana, personal):
        personal.settings |= {"scope_style": "v2", "client_id": "two words"}
        personal.save()
        answer = dana.get(reverse("delivery:authorize", args=[personal.pk]), follow=True)
        assert said(answer) == ["The client id is missing, or holds characters that none has."]

    def test_is_no_way_for_an_hl7_connection(self, dana, cast):
        assert go(dana, cast.hl7).status_code == 404

    @pytest.mark.parametrize("who", ["mel", "omar", "ava", "sam"])
    def test_is_for_directors_of_the_practice_only(self, cast, personal, who):
        client = Client()
        client.force_login(getattr(cast, who))
        assert go(client, personal).status_code in (403, 404)
        assert asking.KEY not in client.session

    def test_is_not_done_by_a_post(self, dana, personal):
        assert dana.post(reverse("delivery:authorize", args=[personal.pk])).status_code == 405


class TestComingBack:
    def test_with_a_code_connects_and_says_so(self, dana, personal, ecw):
        gives(ecw)
        state = question(go(dana, personal))["state"]
        answer = back(dana, state=state, code="code-1")
        assert said(answer) == ["eCW sandbox FHIR is connected. What waited for it is being sent."]
        assert tokens.held(personal).access == "at-1"

    def test_lets_the_breaker_go(self, dana, personal, ecw):
        gives(ecw)
        breaker.failed(personal, "not_connected")
        back(dana, state=question(go(dana, personal))["state"], code="code-1")
        state = ConnectionState.objects.get(connection=personal)
        assert (state.breaker, state.retry_at, state.failures) == (Breaker.CLOSED, None, 0)

    def test_rings_the_lanes_that_waited(self, dana, personal, ecw, quiet_bell):
        gives(ecw)
        lane = personal.lanes.create(index=0)
        back(dana, state=question(go(dana, personal))["state"], code="code-1")
        assert quiet_bell == [lane.pk]

    def test_without_a_code_changes_nothing_and_says_so(self, dana, personal):
        state = question(go(dana, personal))["state"]
        answer = back(dana, state=state, error="access_denied", error_description="the provider said no")
        assert said(answer) == ["eCW gave no permission; nothing is changed."]
        assert not OAuthGrant.objects.exclude(generation=0).exists()

    def test_never_shows_what_a_server_wrote_of_its_refusal(self, dana, personal):
        state = question(go(dana, personal))["state"]
        answer = back(dana, state=state, error="access_denied", error_description="<script>alert(1)</script>")
        assert b"alert(1)" not in answer.content

    def test_with_a_code_that_is_refused_says_why_and_keeps_the_breaker(self, dana, personal, ecw):
        gives(ecw, {"error": "invalid_grant"}, 400)
        breaker.failed(personal, "not_connected")
        answer = back(dana, state=question(go(dana, personal))["state"], code="code-1")
        assert said(answer) == [failure("invalid_grant").happened]
        assert ConnectionState.objects.get(connection=personal).breaker == Breaker.AUTH

    @pytest.mark.parametrize("query", [{}, {"code": "code-1"}, {"state": "guessed", "code": "code-1"}])
    def test_with_a_state_nobody_has_leads_to_the_connections(self, dana, personal, query):
        answer = back(dana, **query)
        assert answer.redirect_chain == [(reverse("portal:connections"), 302)]
        assert said(answer) == [NOTHING_BEGUN]

    def test_a_second_time_with_the_same_state_is_refused(self, dana, personal, ecw):
        gives(ecw)
        state = question(go(dana, personal))["state"]
        back(dana, state=state, code="code-1")
        assert said(back(dana, state=state, code="code-2")) == [NOTHING_BEGUN]

    def test_after_ten_minutes_is_refused(self, dana, personal, monkeypatch):
        state = question(go(dana, personal))["state"]
        really = time.time
        monkeypatch.setattr(asking.time, "time", lambda: really() + 601)
        assert said(back(dana, state=state, code="code-1")) == [NOTHING_BEGUN]

    def test_of_another_server_is_refused(self, dana, personal):
        state = question(go(dana, personal))["state"]
        assert said(back(dana, state=state, code="code-1", iss="https://attacker.example.org")) == [NOTHING_BEGUN]

    def test_to_another_persons_browser_is_refused(self, cast, dana, personal):
        state = question(go(dana, personal))["state"]
        other = Client()
        other.force_login(cast.dana)
        assert said(back(other, state=state, code="code-1")) == [NOTHING_BEGUN]

    def test_after_losing_the_right_to_it_is_refused(self, cast, dana, personal):
        state = question(go(dana, personal))["state"]
        cast.dana.memberships.all().delete()
        answer = dana.get(reverse("delivery:authorized"), {"state": state, "code": "code-1"})
        assert answer.status_code in (403, 404)

    def test_to_a_connection_that_was_removed_meanwhile_is_not_found(self, dana, personal, cast):
        state = question(go(dana, personal))["state"]
        Route.objects.filter(connection=personal).delete()
        Location.objects.update(reading_connection=None)
        personal.delete()
        assert dana.get(reverse("delivery:authorized"), {"state": state, "code": "code-1"}).status_code == 404


class TestCheckingEachScope:
    def check(self, client: Client, connection: Connection):
        return client.post(reverse("delivery:check-scopes", args=[connection.pk]), follow=True)

    def test_that_are_all_granted_says_how_many(self, dana, backend, ecw):
        gives(ecw, {"access_token": "at-1", "token_type": "Bearer"})
        assert said(self.check(dana, backend)) == ["Each of the 3 scopes is granted."]

    def test_that_are_refused_names_each(self, dana, backend, ecw):
        gives(ecw, {"error": "invalid_grant"}, 400)
        assert said(self.check(dana, backend)) == [
            "Refused: system/DocumentReference.write, system/DocumentReference.read, system/Binary.read. Granted: 0."
        ]

    def test_that_were_answered_with_another_scope_counts_as_refused(self, dana, backend, ecw):
        gives(ecw, {"access_token": "at-1", "token_type": "Bearer", "scope": "system/DocumentReference.write"})
        assert said(self.check(dana, backend)) == [
            "Refused: system/DocumentReference.read, system/Binary.read. Granted: 1."
        ]

    def test_where_no_location_uses_the_connection_asks_for_none(self, dana, backend, ecw):
        Route.objects.filter(connection=backend).delete()
        Location.objects.update(reading_connection=None)
        assert said(self.check(dana, backend)) == ["No location uses this connection yet, so no scope is needed."]
        assert not [request for request, _ in ecw.log if request.path == "/oauth/token"]

    def test_at_a_server_that_is_away_says_so(self, dana, backend):
        backend.settings |= {"base_url": "http://127.0.0.1:9/fhir/r4/LAKESI"}
        backend.save()
        assert said(self.check(dana, backend)) == [failure("connection_refused").happened]

    def test_with_a_key_that_cannot_be_read_says_that_a_setting_is_wrong(self, dana, backend):
        backend.set_secrets({"signing_key_pem": "no key"})
        backend.save()
        assert said(self.check(dana, backend)) == [failure("connection_misconfigured").happened]

    def test_keeps_none_of_the_tokens(self, dana, backend, ecw):
        gives(ecw, {"access_token": "at-1", "token_type": "Bearer"})
        self.check(dana, backend)
        assert tokens.held(backend).access == ""

    def test_is_nothing_for_a_persons_grant(self, dana, personal):
        assert dana.post(reverse("delivery:check-scopes", args=[personal.pk])).status_code == 404

    def test_is_nothing_for_an_hl7_connection(self, dana, cast):
        assert dana.post(reverse("delivery:check-scopes", args=[cast.hl7.pk])).status_code == 404

    def test_is_not_done_by_a_link(self, dana, backend):
        assert dana.get(reverse("delivery:check-scopes", args=[backend.pk])).status_code == 405


class TestThePublicKeys:
    def served(self, pk: int):
        return Client().get(reverse("delivery:jwks", args=[pk]))

    def test_are_served_to_whoever_asks_without_a_session(self, backend):
        answer = self.served(backend.pk)
        assert answer.status_code == 200
        assert not answer.cookies

    def test_may_be_kept_for_five_minutes(self, backend):
        assert self.served(backend.pk)["Cache-Control"] == "public, max-age=300"

    def test_are_those_of_the_connections_signing_key(self, backend):
        (row,) = self.served(backend.pk).json()["keys"]
        assert (row["kty"], row["alg"], row["use"], row["e"]) == ("RSA", "RS384", "sig", "AQAB")
        assert one_key() not in json.dumps(row)

    def test_name_neither_practice_nor_connection(self, backend):
        said = self.served(backend.pk).content.decode()
        assert not [word for word in ("lakeside", "LAKESI", "scribeport", backend.name) if word in said]

    def test_of_an_hl7_connection_are_none(self, cast):
        assert self.served(cast.hl7.pk).status_code == 404

    def test_of_no_connection_are_none(self):
        assert self.served(10**9).status_code == 404
