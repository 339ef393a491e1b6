"""The screens of signing in with eCW: connect, come back, what is granted and missing, our public keys."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from delivery import breaker
from delivery.models import ConnectionState
from delivery.oauth import endpoints
from delivery.oauth.renewal import TokenSource
from portal import tokens
from portal.models import OAuthGrant
from portal.tokens import Issued
from tests.delivery.fhir import agree, calls, fhir_connection, register, words


@pytest.fixture
def personal(ecw, cast):
    endpoints._kept.clear()
    base = f"http://127.0.0.1:{ecw.process.http}"
    made = fhir_connection(cast, base, {}, grant="authorization_code", client_auth="none")
    register(ecw.process, made)
    return made


@pytest.fixture
def backend(ecw, cast):
    endpoints._kept.clear()
    made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
    register(ecw.process, made)
    return made


@pytest.fixture
def dana(cast):
    client = Client()
    client.force_login(cast.dana)
    return client


def page(client, connection) -> str:
    return words(client.get(reverse("portal:connection", args=[connection.pk])).content.decode())


def to_ecw_and_back(client, connection) -> str:
    """Through the two redirects, as a browser goes; the page it ends on."""
    sent = client.get(reverse("delivery:authorize", args=[connection.pk]))
    assert sent.status_code == 302
    path, query = agree(sent.headers["Location"])
    return words(client.get(path, query, follow=True).content.decode())


def test_a_director_connects_with_one_click_and_the_page_says_what_is_granted(ecw, cast, dana, personal):
    before = page(dana, personal)
    assert "Not connected yet" in before
    assert "Connect with eCW" in before
    assert "http://testserver/deliveries/connections/authorized/" in before
    after = to_ecw_and_back(dana, personal)
    assert "is connected" in after
    assert "Reconnect with eCW" in after
    assert after.count("Granted") == 4
    event = AuditEvent.objects.get(event="connection.authorize")
    assert event.actor_name == "dana"


def test_a_scope_that_was_not_granted_is_shown_as_missing(ecw, dana, personal):
    register(ecw.process, personal, scopes=["user/DocumentReference.write", "offline_access"])
    shown = to_ecw_and_back(dana, personal)
    assert "Missing user/DocumentReference.read reads charts back" in shown
    assert "Granted user/DocumentReference.write sends note sections" in shown
    assert "Ask eCW to enable what is missing" in shown


def test_A04_a_revoked_grant_shows_on_the_page_and_one_click_lets_the_lane_go_on(ecw, dana, personal, quiet_bell):
    to_ecw_and_back(dana, personal)
    ecw.process.api("POST", "/apps/scribeport/revoke")
    OAuthGrant.objects.update(expires_at=None, sealed_tokens=None)
    tokens.refuse(personal, 1, "invalid_grant", None)
    breaker.failed(personal, "invalid_grant")
    assert not breaker.allows(personal.pk)
    shown = page(dana, personal)
    assert "The sign-in with the receiver was withdrawn" in shown
    to_ecw_and_back(dana, personal)
    assert breaker.allows(personal.pk)
    assert ConnectionState.objects.get().breaker == "closed"
    assert TokenSource(personal).token(30)


def test_a_person_who_says_no_changes_nothing(ecw, dana, personal):
    ecw.fault("oauth_denied")
    assert "eCW gave no permission; nothing is changed." in to_ecw_and_back(dana, personal)
    assert tokens.held(personal).access == ""


def test_an_answer_that_was_begun_by_somebody_else_is_refused(ecw, cast, dana, personal):
    sent = dana.get(reverse("delivery:authorize", args=[personal.pk]))
    path, query = agree(sent.headers["Location"])
    victim = Client()
    victim.force_login(cast.dana)  # the same person in another browser: another session
    shown = words(victim.get(path, query, follow=True).content.decode())
    assert "belongs to nothing begun here" in shown
    assert tokens.held(personal).access == ""


def test_a_server_that_is_away_is_named_and_nobody_is_sent_there(dana, personal):
    personal.settings["base_url"] = "http://127.0.0.1:1/fhir/r4/LAKESI"
    personal.save()
    shown = dana.get(reverse("delivery:authorize", args=[personal.pk]), follow=True).content.decode()
    assert "Nothing accepts connections at the configured host and port." in shown


@pytest.mark.parametrize("who, status", [("mel", 403), ("omar", 403), ("ava", 403), ("sam", 404)])
def test_only_a_director_connects(cast, personal, who, status):
    client = Client()
    client.force_login(getattr(cast, who))
    if who in ("omar", "ava"):
        assert "Connect with eCW" not in page(client, personal)
    assert client.get(reverse("delivery:authorize", args=[personal.pk])).status_code == status
    assert client.post(reverse("delivery:check-scopes", args=[personal.pk])).status_code in (403, 404)


def test_what_is_no_fhir_connection_has_no_sign_in(cast, dana):
    assert dana.get(reverse("delivery:authorize", args=[cast.hl7.pk])).status_code == 404
    assert dana.post(reverse("delivery:check-scopes", args=[cast.hl7.pk])).status_code == 404
    assert "Sign-in with eCW" not in page(dana, cast.hl7)


def test_each_scope_of_a_backend_service_can_be_checked(ecw, dana, backend):
    press = reverse("delivery:check-scopes", args=[backend.pk])
    assert "Each of the 3 scopes is granted." in words(dana.post(press, follow=True).content.decode())
    register(ecw.process, backend, scopes=["system/DocumentReference.write"])
    shown = words(dana.post(press, follow=True).content.decode())
    assert "Refused: system/DocumentReference.read, system/Binary.read. Granted: 1." in shown


def test_a_check_that_succeeds_ends_the_wait_after_a_refusal(ecw, dana, backend):
    register(ecw.process, backend, jwks={"keys": []})
    with pytest.raises(Exception, match="invalid_client"):
        TokenSource(backend).token(30)
    register(ecw.process, backend)
    dana.post(reverse("delivery:check-scopes", args=[backend.pk]))
    assert TokenSource(backend).token(30)


def test_the_public_keys_are_served_to_anybody_and_cached(backend):
    answer = Client().get(reverse("delivery:jwks", args=[backend.pk]))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    (key,) = json.loads(answer.content)["keys"]
    assert not set(key) & {"d", "p", "q", "dp", "dq", "qi"}
    assert Client().get(reverse("delivery:jwks", args=[backend.pk + 1000])).status_code == 404


def test_a_client_without_a_key_serves_none(personal):
    assert Client().get(reverse("delivery:jwks", args=[personal.pk])).status_code == 404


def test_tokens_stand_on_no_page(ecw, dana, personal):
    tokens.connect(personal, Issued("acc-never-shown", "ref-never-shown", None, ("user/DocumentReference.read",)))
    shown = dana.get(reverse("portal:connection", args=[personal.pk])).content.decode()
    assert "never-shown" not in shown


def test_a_change_of_server_forgets_the_tokens_and_another_change_keeps_them(ecw, cast, dana, personal):
    from portal import connections
    from portal.connections import Draft

    to_ecw_and_back(dana, personal)
    kept = connections.change(personal, Draft("Renamed", personal.settings), personal.revision)
    assert tokens.held(kept).access
    moved = {**personal.settings, "base_url": "http://127.0.0.1:9/fhir/r4/OTHERS"}
    changed = connections.change(kept, Draft("Renamed", moved), kept.revision)
    assert tokens.held(changed).access == ""


def test_nobody_is_asked_when_the_page_is_shown(ecw, dana, backend):
    before = calls(ecw.process)
    page(dana, backend)
    assert calls(ecw.process) == before
