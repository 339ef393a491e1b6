"""What the portal knows of its sign-in service: discovered, kept, asked for seldom, and never waited for long."""

import time

import pytest

from portal.openid import provider
from portal.openid.refusals import Refused
from tests.portal.openid.forging import OTHER_RSA_KEY, public


def code_of(call, *arguments):
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.code


def times(service, path):
    return service.asked.count(path)


def test_the_addresses_are_discovered_once(service):
    first = provider.endpoints()
    assert (first.token, first.end_session) == (f"{service.issuer}/token", f"{service.issuer}/end")
    assert provider.endpoints() == first
    assert times(service, "/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "other",
    [
        {"issuer": "https://evil.example.org"},
        {"issuer": None},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint": "http://login.example.org/token"},
        {"token_endpoint": "https://user:pass@login.example.org/token"},
        {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": 7},
        {"end_session_endpoint": "javascript:alert(1)"},
    ],
)
def test_a_service_that_says_other_than_the_settings_is_not_used(service, other):
    service.discovery = other
    assert code_of(provider.endpoints) == "misconfigured"


def test_what_a_service_need_not_offer_may_be_missing(service):
    service.discovery = {"userinfo_endpoint": None, "end_session_endpoint": None}
    assert (provider.endpoints().userinfo, provider.endpoints().end_session) == ("", "")


def test_plain_http_is_for_this_machine_and_never_in_production(service, settings):
    settings.PRODUCTION = True
    assert code_of(provider.endpoints) == "misconfigured"


@pytest.mark.parametrize(
    "status, body", [(500, b"{}"), (302, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"[" * 9999)]
)
def test_an_answer_that_is_none_is_a_service_that_is_away(service, status, body):
    service.statuses["/keys"] = status
    service.answer = lambda path: body
    assert code_of(provider._get, f"{service.issuer}/keys") == "away"


def test_a_huge_answer_is_not_read(service):
    service.answer = lambda path: b" " * (provider.LARGEST + 1)
    assert code_of(provider.call, "GET", f"{service.issuer}/keys") == "away"


def test_S01_a_silent_service_is_given_up_and_keeps_one_caller_waiting(service, monkeypatch):
    monkeypatch.setattr(provider, "STEP_SECONDS", 0.2)
    service.slow = 1.0
    began = time.monotonic()
    assert [code_of(provider.endpoints) for _ in range(20)] == ["away"] * 20
    assert time.monotonic() - began < 1.0
    assert times(service, "/.well-known/openid-configuration") == 1


def test_S01_a_service_that_went_away_later_is_still_known(service, monkeypatch):
    known = provider.endpoints()
    monkeypatch.setattr(provider, "KEPT_SECONDS", -1.0)
    service.statuses["/.well-known/openid-configuration"] = 503
    assert provider.endpoints() == known


def test_S02_a_new_key_is_found_at_once_and_unknown_names_are_not_asked_for_again(service):
    provider.key_for("RS256", "rsa-1")
    assert code_of(provider.key_for, "RS256", "rsa-2") == "key"
    assert times(service, "/keys") == 1, "the keys were read a moment ago"
    provider._known[service.issuer].keys_at -= provider.AGAIN_SECONDS + 1
    service.keys.append(public(OTHER_RSA_KEY, "RS256", "rsa-2"))
    assert provider.key_for("RS256", "rsa-2").key_id == "rsa-2"
    for number in range(20):
        assert code_of(provider.key_for, "RS256", f"made-up-{number}") == "key"
    assert times(service, "/keys") == 2


def test_a_key_that_was_withdrawn_is_not_used_for_longer_than_it_is_kept(service):
    provider.key_for("RS256", "rsa-1")
    service.keys = []
    assert provider.key_for("RS256", "rsa-1").key_id == "rsa-1"
    provider._known[service.issuer].keys_at -= provider.KEPT_SECONDS + 1
    assert code_of(provider.key_for, "RS256", "rsa-1") == "key"


@pytest.mark.parametrize("keys", [None, "text", {}, [None, 7]])
def test_keys_that_are_none_are_no_key(service, keys):
    service.keys = keys
    assert code_of(provider.key_for, "RS256", "rsa-1") == "key"


def test_a_service_nobody_listens_at_is_away(settings):
    provider.forget()
    settings.OPENID_ISSUER = "http://127.0.0.1:1"
    assert code_of(provider.endpoints) == "away"
    provider.forget()
