"""Tokens for a FHIR connection: the grants, early renewal, what a refusal leads to. Against the simulated eCW."""

import json
import logging
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from audit.models import AuditEvent
from delivery.channels.base import Unavailable
from delivery.failures import CATALOGUE
from delivery.models import RateWindow
from delivery.oauth import asking, endpoints, keyset, scopes
from delivery.oauth.renewal import LASTING, TokenSource, authority
from portal import tokens
from portal.models import Connection, OAuthGrant
from portal.tokens import Issued
from tests.delivery.fhir import CALLBACK, PRACTICE, agree, calls, fhir_connection, one_key, register

READ, WRITE = "system/DocumentReference.read", "system/DocumentReference.write"


@pytest.fixture
def backend(ecw, cast):
    """A backend service with a key of its own."""
    endpoints._kept.clear()
    made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
    register(ecw.process, made)
    return made


@pytest.fixture
def personal(ecw, cast):
    """A connection a person connects; a public client."""
    endpoints._kept.clear()
    base = f"http://127.0.0.1:{ecw.process.http}"
    made = fhir_connection(cast, base, {}, grant="authorization_code", client_auth="none")
    register(ecw.process, made)
    return made


def connected(connection: Connection) -> Connection:
    session: dict = {}
    _, back = agree(asking.begin(session, connection, CALLBACK))
    asking.finish(connection, asking.take(session, back["state"], back["iss"]), back["code"])
    return connection


def nearly_over(connection: Connection, seconds: float = 30) -> None:
    OAuthGrant.objects.filter(connection=connection).update(expires_at=timezone.now() + timedelta(seconds=seconds))


def refused(connection: Connection, seconds: float = 10) -> str:
    with pytest.raises(Unavailable) as caught:
        TokenSource(connection).token(seconds)
    assert caught.value.reason_code in CATALOGUE
    return caught.value.reason_code


# Backend services


def test_a_backend_service_signs_in_by_itself_with_the_scopes_its_routes_need(ecw, backend):
    token = TokenSource(backend).token(30)
    assert token
    row = OAuthGrant.objects.get()
    assert row.scopes == [WRITE, READ, "system/Binary.read"]
    assert timedelta(seconds=290) < row.expires_at - timezone.now() <= timedelta(seconds=300)
    assert tokens.held(backend).refresh == ""


def test_a_token_that_lasts_is_used_again(ecw, backend):
    source = TokenSource(backend)
    assert len({source.token(30) for _ in range(20)}) == 1
    assert calls(ecw.process) == 1


def test_A01_a_token_is_renewed_a_minute_before_a_call_could_outlive_it(ecw, backend):
    source = TokenSource(backend)
    first = source.token(30)
    nearly_over(backend, 95)
    assert source.token(30) == first
    nearly_over(backend, 85)
    assert source.token(30) != first
    assert calls(ecw.process) == 2


def test_A05_a_token_the_server_refuses_is_replaced_once(ecw, backend):
    source = TokenSource(backend)
    first = source.token(30)
    second = source.another(first, 30)
    assert second != first
    assert TokenSource(backend).another(first, 30) == second  # a second worker with the same news asks nobody
    assert calls(ecw.process) == 2


@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_a_client_secret_proves_the_client_too(ecw, cast, client_auth):
    base = f"http://127.0.0.1:{ecw.process.http}"
    made = fhir_connection(cast, base, {"client_secret": "s3cret-%41+/="}, client_auth=client_auth)
    register(ecw.process, made)
    assert TokenSource(made).token(30)


def test_the_assertion_is_rs384_short_lived_and_never_the_same(backend):
    with closing(authority(backend)) as asked:
        seen = []
        for _ in range(2):
            client = asked._client(())
            _, _, body = client.client_auth("private_key_jwt").prepare("POST", asked.endpoints.token, {}, "")
            assertion = dict(part.split("=", 1) for part in body.split("&"))["client_assertion"]
            header = jws.extract_compact(assertion.encode()).headers()
            read = jwt.decode(assertion, KeySet.import_key_set(keyset.public(backend)), algorithms=["RS384"])
            seen.append(read.claims["jti"])
            assert header["alg"] == "RS384"
            assert header["kid"] == keyset.public(backend)["keys"][0]["kid"]
            assert read.claims["iss"] == read.claims["sub"] == "scribeport"
            assert read.claims["aud"] == asked.endpoints.token
            assert 0 < read.claims["exp"] - read.claims["iat"] <= 300
    assert seen[0] != seen[1]


def test_the_audience_of_the_assertion_can_be_set(ecw, backend):
    backend.settings["audience"] = "https://elsewhere.example/token"
    assert refused(backend) == "invalid_client"  # the sandbox wants its own address, as most do


def test_the_public_keys_hold_nothing_private(backend):
    (key,) = keyset.public(backend)["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
    assert (key["alg"], key["use"]) == ("RS384", "sig")


# Refusals


def test_a_scope_that_is_not_enabled_refuses_all_and_each_alone_tells_which(ecw, backend):
    register(ecw.process, backend, scopes=[WRITE, READ])
    assert refused(backend) == "scope_refused"
    assert asking.check_each(backend) == {WRITE: "", READ: "", "system/Binary.read": "scope_refused"}


def test_A04_a_refused_backend_service_asks_again_after_a_quarter_of_an_hour(ecw, backend):
    register(ecw.process, backend, jwks={"keys": []})
    assert [refused(backend) for _ in range(5)] == ["invalid_client"] * 5
    assert calls(ecw.process) == 1
    OAuthGrant.objects.update(retry_at=timezone.now())
    register(ecw.process, backend)
    assert TokenSource(backend).token(30)
    assert [event.event for event in AuditEvent.objects.filter(event="connection.unauthorized")] == [
        "connection.unauthorized"
    ]


def test_access_denied_is_known_though_it_comes_as_a_server_error(ecw, backend):
    ecw.fault("oauth_access_denied")
    assert refused(backend) == "oauth_access_denied"


def test_a_server_in_trouble_is_asked_again_at_once(ecw, backend):
    ecw.fault("oauth_server_error", count=1)
    assert refused(backend) == "oauth_server_error"
    assert TokenSource(backend).token(30)


def test_the_sign_in_counts_against_the_practices_limit(ecw, backend):
    backend.settings["calls_per_minute"] = 2
    for _ in range(2):
        nearly_over(backend, 1)
        TokenSource(backend).token(30)
    nearly_over(backend, 1)
    assert refused(backend) == "rate_limited"
    assert RateWindow.objects.get(key=PRACTICE).used == 2
    assert calls(ecw.process) == 2


def test_a_429_of_the_token_endpoint_says_when_to_come_again(ecw, backend):
    ecw.process.api("PUT", f"/practices/{PRACTICE}", {"per_minute": 0})
    with pytest.raises(Unavailable) as caught:
        TokenSource(backend).token(30)
    assert caught.value.reason_code == "rate_limited"
    assert 0 < caught.value.retry_after <= 60


def test_wrong_settings_are_named_and_never_thrown(backend):
    backend.settings["client_id"] = ""
    assert refused(backend) == "connection_misconfigured"


def test_a_server_nobody_answers_at_is_named(backend):
    backend.settings["base_url"] = "http://127.0.0.1:1/fhir/r4/LAKESI"
    assert refused(backend) == "connection_refused"


@pytest.mark.parametrize("base", ["", "/fhir/r4"])
def test_discovery_is_found_under_the_practices_path_only(ecw, backend, base):
    backend.settings["base_url"] = f"http://127.0.0.1:{ecw.process.http}{base}"
    assert refused(backend) == "oauth_discovery"


def test_every_lasting_refusal_stops_the_lane_for_a_person():
    from delivery.breaker import PERSON_NEEDED

    assert LASTING <= PERSON_NEEDED
    assert CATALOGUE.keys() >= LASTING


# A person's grant


def test_a_person_connects_a_public_client_and_it_renews_itself(ecw, personal):
    assert refused(personal) == "not_connected"
    connected(personal)
    row = OAuthGrant.objects.get()
    assert row.scopes == [
        "user/DocumentReference.write",
        "user/DocumentReference.read",
        "user/Binary.read",
        "offline_access",
    ]
    first = tokens.held(personal)
    nearly_over(personal)
    assert TokenSource(personal).token(30) != first.access
    assert tokens.held(personal).refresh not in ("", first.refresh)


def test_a_confidential_client_connects_with_pkce_as_well(ecw, cast):
    base = f"http://127.0.0.1:{ecw.process.http}"
    own = {"grant": "authorization_code", "client_auth": "client_secret_basic"}
    made = fhir_connection(cast, base, {"client_secret": "topsecret"}, **own)
    register(ecw.process, made)
    connected(made)
    assert TokenSource(made).token(30)


def test_the_request_for_consent_says_what_ecw_wants(personal):
    from urllib.parse import parse_qs, urlsplit

    asked = parse_qs(urlsplit(asking.begin({}, personal, CALLBACK)).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert asked["aud"] == [personal.settings["base_url"]]
    assert asked["redirect_uri"] == [CALLBACK]
    assert asked["scope"][0].split()[-1] == "offline_access"


def test_A04_a_withdrawn_grant_is_never_asked_for_again_until_a_person_connects(ecw, personal):
    connected(personal)
    before = calls(ecw.process)
    ecw.process.api("POST", "/apps/scribeport/revoke")
    nearly_over(personal, 5)
    assert [refused(personal) for _ in range(5)] == ["invalid_grant"] * 5
    assert calls(ecw.process) == before + 1
    connected(personal)
    assert TokenSource(personal).token(30)


def test_A03_an_answer_lost_after_rotation_ends_in_one_click_and_no_storm(ecw, personal):
    connected(personal)
    nearly_over(personal, 5)
    ecw.fault("oauth_answer_lost", count=1)
    assert refused(personal) == "oauth_no_answer"
    assert refused(personal) == "invalid_grant"  # the old token was used up, and its second use withdraws the grant
    before = calls(ecw.process)
    assert refused(personal) == "invalid_grant"
    assert calls(ecw.process) == before
    connected(personal)
    assert TokenSource(personal).token(30)


def test_while_a_token_lasts_trouble_with_its_renewal_stops_nothing(ecw, personal):
    connected(personal)
    ecw.process.api("POST", "/apps/scribeport/revoke")
    nearly_over(personal, 50)
    first = tokens.held(personal).access
    with pytest.raises(Unavailable):
        TokenSource(personal).token(10)  # its renewal is tried, and refused
    assert TokenSource(personal).token(10) == first


# What comes back to us


def test_an_answer_nobody_asked_for_is_refused(personal):
    session: dict = {}
    asking.begin(session, personal, CALLBACK)
    for state, issuer in (("", ""), ("other", "")):
        with pytest.raises(asking.NotAsked):
            asking.take(session, state, issuer)


def test_an_answer_is_taken_once_and_within_ten_minutes(personal):
    session: dict = {}
    _, back = agree(asking.begin(session, personal, CALLBACK))
    asking.take(session, back["state"], back["iss"])
    with pytest.raises(asking.NotAsked):
        asking.take(session, back["state"], back["iss"])
    _, late = agree(asking.begin(session, personal, CALLBACK))
    session[asking.KEY][late["state"]]["at"] -= 601
    with pytest.raises(asking.NotAsked):
        asking.take(session, late["state"], late["iss"])


def test_another_servers_answer_is_refused(personal):
    session: dict = {}
    _, back = agree(asking.begin(session, personal, CALLBACK))
    with pytest.raises(asking.NotAsked):
        asking.take(session, back["state"], "https://attacker.example")


def test_a_code_without_its_verifier_opens_nothing(ecw, personal):
    session: dict = {}
    _, back = agree(asking.begin(session, personal, CALLBACK))
    underway = asking.take(session, back["state"], back["iss"])
    with pytest.raises(Unavailable, match="invalid_grant"):
        asking.finish(personal, replace(underway, verifier="x" * 43), back["code"])
    assert tokens.held(personal).access == ""


def test_at_most_five_requests_are_kept_in_a_session(personal):
    session: dict = {}
    for _ in range(8):
        asking.begin(session, personal, CALLBACK)
    assert len(session[asking.KEY]) == 5


# At rest


def test_tokens_are_sealed_and_stand_in_no_log_or_audit_event(ecw, personal, caplog):
    caplog.set_level(logging.DEBUG)
    connected(personal)
    held = tokens.held(personal)
    raw = bytes(OAuthGrant.objects.get().sealed_tokens)
    assert held.access.encode() not in raw
    said = caplog.text + json.dumps([event.detail for event in AuditEvent.objects.all()])
    for secret in (held.access, held.refresh):
        assert secret not in said
        assert secret not in repr(held)
    assert AuditEvent.objects.filter(event="connection.authorize").count() == 1


def test_tokens_do_not_open_in_another_connections_row(cast, backend):
    tokens.connect(backend, Issued("access", "refresh", None, ()))
    other = Connection.objects.create(practice=cast.practice, name="Other", kind="fhir", environment="sandbox")
    OAuthGrant.objects.filter(connection=backend).update(connection=other)
    from portal.crypto import CannotOpen

    with pytest.raises(CannotOpen):
        tokens.held(other)


def test_what_is_stored_late_does_not_take_the_place_of_what_is_newer(backend):
    tokens.held(backend)
    assert tokens.store(backend, 0, Issued("first", "r1", None, ()))
    assert not tokens.store(backend, 0, Issued("late", "r0", None, ()))
    assert tokens.held(backend).access == "first"


def test_a_turn_belongs_to_one_until_it_is_left_or_over(backend):
    tokens.held(backend)
    assert tokens.take_turn(backend, 0, "one", 30)
    assert not tokens.take_turn(backend, 0, "two", 30)
    tokens.leave_turn(backend, "two")
    assert not tokens.take_turn(backend, 0, "two", 30)
    tokens.leave_turn(backend, "one")
    assert tokens.take_turn(backend, 0, "two", -1)
    assert tokens.take_turn(backend, 0, "three", 30)  # the second one's time was over
    assert not tokens.take_turn(backend, 1, "four", 30)


# Scopes


def test_scopes_are_what_the_routes_need_and_nothing_else(cast, backend):
    assert list(scopes.needed(backend)) == [WRITE, READ, "system/Binary.read"]
    cast.north.reading_connection = cast.reader
    cast.north.save()
    assert list(scopes.needed(backend)) == [WRITE]
    backend.routes.all().delete()
    assert scopes.needed(backend) == {}


def test_scopes_can_be_spelt_the_new_way_or_chosen_by_hand(backend):
    backend.settings["scope_style"] = "v2"
    assert list(scopes.needed(backend)) == [
        "system/DocumentReference.cu",
        "system/DocumentReference.rs",
        "system/Binary.rs",
    ]
    backend.settings |= {"scopes": "system/*.read", "grant": "authorization_code"}
    assert list(scopes.needed(backend)) == ["system/*.read", "offline_access"]


@pytest.mark.parametrize(
    "granted, wanted, covered",
    [
        ("system/DocumentReference.read", "system/DocumentReference.read", True),
        ("system/DocumentReference.rs", "system/DocumentReference.read", True),
        ("system/DocumentReference.cruds", "system/DocumentReference.write", True),
        ("system/*.read", "system/Binary.read", True),
        ("system/*.*", "system/Binary.write", True),
        ("system/DocumentReference.r", "system/DocumentReference.read", False),
        ("system/DocumentReference.read", "system/DocumentReference.write", False),
        ("user/DocumentReference.read", "system/DocumentReference.read", False),
        ("system/Patient.read", "system/Binary.read", False),
        ("openid", "system/Binary.read", False),
        ("offline_access", "offline_access", True),
        ("system/DocumentReference.rs?category=x", "system/DocumentReference.read", True),
    ],
)
def test_what_a_granted_scope_covers(granted, wanted, covered):
    assert scopes.covers(granted, wanted) is covered


def test_what_is_missing_is_named(backend):
    rows = scopes.rows(backend, ["system/DocumentReference.read"])
    assert [(row.scope, row.granted) for row in rows] == [(WRITE, False), (READ, True), ("system/Binary.read", False)]
    assert [row.granted for row in scopes.rows(backend, None)] == [None] * 3


def test_one_key_serves_all_these_tests():
    assert one_key() is one_key()
