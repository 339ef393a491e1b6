"""Judging an identity token: everything that makes one worth nothing, without network."""

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.openid.identity import LEEWAY, OLDEST, Expected, claims_of, fitting, header
from portal.openid.refusals import FORGED, REFUSALS, WRONG_TOKENS, Refused
from tests.portal.openid.forging import CLIENT, EC_KEY, OTHER_RSA_KEY, RSA_KEY, claims, public, published, signed

ISSUER = "https://login.example.org"
NOW = 1_900_000_000.0
EXPECTED = Expected(ISSUER, CLIENT, "the-nonce", NOW)


def said(**other):
    return claims(ISSUER, "the-nonce", exp=other.pop("exp", NOW + 300), iat=other.pop("iat", NOW), **other)


def judged(token, expected=EXPECTED, keys=None):
    algorithm, name = header(token)
    key = fitting(keys or published(), algorithm, name)
    if key is None:
        raise Refused("key")
    return claims_of(token, key, algorithm, expected)


def refusal(token, **more):
    with pytest.raises(Refused) as caught:
        judged(token, **more)
    return caught.value.code


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_good_token_says_who_it_is(algorithm):
    assert judged(signed(said(), algorithm))["sub"] == "sub-1"


@pytest.mark.parametrize(
    "other, code",
    [
        ({"iss": "https://evil.example.org"}, "issuer"),
        ({"iss": f"{ISSUER}/"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "another-client"}, "audience"),
        ({"aud": [CLIENT, "another-client"]}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": f"{CLIENT} "}, "audience"),
        ({"azp": "another-client"}, "audience"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["the-nonce"]}, "nonce"),
        ({"exp": NOW - LEEWAY - 1}, "expired"),
        ({"exp": "soon"}, "expired"),
        ({"exp": True}, "expired"),
        ({"iat": NOW + LEEWAY + 1}, "issued"),
        ({"iat": NOW - OLDEST - 1}, "issued"),
        ({"iat": "now"}, "issued"),
        ({"nbf": NOW + LEEWAY + 1}, "issued"),
        ({"sub": ""}, "subject"),
        ({"sub": "s" * 256}, "subject"),
        ({"sub": "sübject"}, "subject"),
        ({"sub": None}, "subject"),
    ],
)
def test_what_is_not_meant_for_us_and_now_is_refused(other, code):
    assert refusal(signed(said(**other))) == code


@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_token_without_its_times_is_refused(name):
    token = said()
    del token[name]
    assert refusal(signed(token)) == {"exp": "expired", "iat": "issued"}[name]


@pytest.mark.parametrize("other", [{"aud": [CLIENT]}, {"azp": CLIENT}, {"nbf": NOW}, {"exp": NOW - LEEWAY + 1}])
def test_other_spellings_of_the_same_are_taken(other):
    assert judged(signed(said(**other)))["sub"] == "sub-1"


def test_a_token_of_algorithm_none_is_refused():
    assert refusal(jwt.encode(said(), None, "none")) == "algorithm"


def test_a_token_made_with_the_public_key_as_a_shared_secret_is_refused():
    """HS256 with the published key: the classic confusion of kinds (RFC 8725, 2.1)."""
    public_text = "n" * 64
    assert refusal(jwt.encode(said(), public_text, "HS256", headers={"kid": "rsa-1"})) == "algorithm"


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_other_algorithms_of_the_same_key_are_refused(algorithm):
    assert refusal(jwt.encode(said(), RSA_KEY, algorithm, headers={"kid": "rsa-1"})) == "algorithm"


def test_a_header_with_critical_extensions_is_refused():
    token = jwt.encode(said(), RSA_KEY, "RS256", headers={"kid": "rsa-1", "crit": ["b64"], "b64": True})
    assert refusal(token) in ("algorithm", "malformed")


def test_another_key_of_the_same_name_is_refused():
    assert refusal(signed(said(), key=OTHER_RSA_KEY)) == "signature"


def test_an_unknown_name_is_no_key():
    assert refusal(signed(said(), kid="rsa-2")) == "key"


def test_a_key_named_by_the_token_itself_is_not_believed():
    token = jwt.encode(
        said(), OTHER_RSA_KEY, "RS256", headers={"kid": "rsa-1", "jwk": public(OTHER_RSA_KEY, "RS256", "rsa-1")}
    )
    assert refusal(token) == "signature"


def test_without_a_name_the_only_fitting_key_is_taken_and_of_two_none():
    token = signed(said(), kid="")
    assert judged(token)["sub"] == "sub-1"
    two = [*published(), public(OTHER_RSA_KEY, "RS256", "rsa-9")]
    assert refusal(token, keys=two) == "key"


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"alg": "RS384"}, {"kty": "EC"}, {"kid": "other"}, {"n": "!!"}, {"n": None}, {"e": 3}]
)
def test_a_published_key_that_is_for_something_else_or_broken_is_not_used(change):
    assert fitting([{**public(RSA_KEY, "RS256", "rsa-1"), **change}], "RS256", "rsa-1") is None


def test_a_key_of_another_curve_is_not_used():
    assert fitting([{**public(EC_KEY, "ES256", "ec-1"), "crv": "P-384"}], "ES256", "ec-1") is None
    assert fitting(["text", None, 7, {}], "ES256", "ec-1") is None


@pytest.mark.parametrize("token", [None, 7, "", "a.b", "a.b.c", "e30.e30.", "x" * 40_000, ["a"]])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(Refused) as caught:
        header(token)
    assert caught.value.code in ("malformed", "algorithm")


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 63))
def test_one_changed_letter_is_one_too_many(place, letter):
    """Of the signed part; the last letters of a signature hold bits that mean nothing."""
    token = signed(said())
    body = token.rpartition(".")[0]
    at = place % len(body)
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[letter]
    if body[at] in (other, "."):
        return
    with pytest.raises(Refused):
        judged(token[:at] + other + token[at + 1 :])


def test_every_wrong_token_has_the_same_words():
    assert {Refused(code).words for code in WRONG_TOKENS} == {FORGED}
    assert WRONG_TOKENS.isdisjoint(REFUSALS)


def test_every_refusal_says_whose_job_it_is():
    for words in (*REFUSALS.values(), FORGED):
        assert words.title
        assert words.text.endswith(".")
        assert words.who.endswith(".")
        assert 400 <= words.status < 600
