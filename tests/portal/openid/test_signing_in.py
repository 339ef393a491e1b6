"""Signing in by the practice's service, against one that forges: who gets in, who does not, and what they are told."""

import time

import jwt
import pytest
from django.conf import settings as conf
from django.urls import reverse

from audit.models import AuditEvent
from portal.models import User
from portal.openid import provider
from portal.openid.refusals import REFUSALS, WRONG_TOKENS
from tests.portal.openid.conftest import gone, there_and_back
from tests.portal.openid.forging import CLIENT, EC_KEY, OTHER_RSA_KEY, SECRET, claims, signed

pytestmark = [pytest.mark.usefixtures("operators"), pytest.mark.alike]  # tokens are judged before anything is looked up
GOOD = "correct-horse-battery"


def is_in(client):
    return client.get(reverse("portal:home")).status_code == 200


def last_refusal():
    return AuditEvent.objects.filter(event="auth.login.fail").latest("at")


def test_the_browser_is_sent_with_state_nonce_and_a_hashed_challenge(client, service):
    asked = gone(client)
    assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT, "code", "S256")
    assert len(asked["state"]) >= 32
    assert len(asked["nonce"]) >= 32
    assert asked["redirect_uri"] == "http://testserver" + reverse("portal:openid-callback")
    assert "openid" in asked["scope"].split()
    again = gone(client)
    assert again["state"] != asked["state"]
    assert again["nonce"] != asked["nonce"]
    assert again["code_challenge"] != asked["code_challenge"]


def test_whoever_the_service_names_is_signed_in_and_it_is_recorded(client, service, cast):
    assert there_and_back(client, service).url == reverse("portal:home")
    user = User.objects.get(oidc_subject="sub-1")
    assert (user.oidc_issuer, user.first_name, user.has_usable_password()) == (service.issuer, "Olga", False)
    event = AuditEvent.objects.get(event="auth.login.ok")
    assert (event.actor_id, event.auth_method, event.practice) == (str(user.pk), "openid", "lakeside")
    assert event.session_hash
    assert is_in(client)


def test_the_code_is_exchanged_with_the_verifier_and_the_secret_goes_in_the_header(client, service):
    there_and_back(client, service)
    assert service.posted["grant_type"] == ["authorization_code"]
    assert len(service.posted["code_verifier"][0]) >= 43
    assert SECRET not in str(service.posted)


def test_no_token_is_kept(client, service):
    there_and_back(client, service)
    kept = str(dict(client.session.items()))
    assert "an-access-token" not in kept
    assert "eyJ" not in kept


def test_S03_the_session_gets_a_new_key(client, service):
    gone(client)
    planted = client.session.session_key
    there_and_back(client, service)
    assert client.session.session_key != planted
    assert not client.session.exists(planted)


FORGERIES = {
    "algorithm": lambda s, n: jwt.encode(claims(s.issuer, n), None, "none"),
    "algorithm ": lambda s, n: jwt.encode(claims(s.issuer, n), "k" * 64, "HS256", headers={"kid": "rsa-1"}),
    "signature": lambda s, n: signed(claims(s.issuer, n), key=OTHER_RSA_KEY),
    "key": lambda s, n: signed(claims(s.issuer, n), kid="rsa-7"),
    "key ": lambda s, n: jwt.encode(claims(s.issuer, n), EC_KEY, "ES256", headers={"kid": "rsa-1"}),
    "issuer": lambda s, n: signed(claims("https://evil.example.org", n)),
    "audience": lambda s, n: signed(claims(s.issuer, n, aud="another-client")),
    "audience ": lambda s, n: signed(claims(s.issuer, n, aud=[CLIENT, "another"], azp=CLIENT)),
    "nonce": lambda s, n: signed(claims(s.issuer, "a-replayed-one")),
    "nonce ": lambda s, n: signed(claims(s.issuer, n, nonce=None)),
    "expired": lambda s, n: signed(claims(s.issuer, n, exp=time.time() - 120)),
    "expired ": lambda s, n: signed(claims(s.issuer, n, exp=None)),
    "issued": lambda s, n: signed(claims(s.issuer, n, iat=time.time() - 86_400)),
    "subject": lambda s, n: signed(claims(s.issuer, n, sub=None)),
    "malformed": lambda s, n: "not.a.token",
    "malformed ": lambda s, n: None,
}


@pytest.mark.parametrize("why", FORGERIES)
def test_S02_a_forged_token_signs_nobody_in(client, service, why):
    service.token = lambda nonce: FORGERIES[why](service, nonce)
    answer = there_and_back(client, service)
    assert answer.status_code == 400
    assert "Nobody was signed in." in answer.content.decode()
    assert not is_in(client)
    assert not User.objects.exclude(oidc_subject="").exists()
    assert last_refusal().outcome_class == why.strip()
    assert why.strip() in WRONG_TOKENS


def test_S02_nobody_is_found_by_their_e_mail_address(client, service, cast):
    service.token = lambda nonce: signed(claims(service.issuer, nonce, email=cast.dana.email, email_verified=True))
    there_and_back(client, service)
    assert client.session["_auth_user_id"] != str(cast.dana.pk)
    cast.dana.refresh_from_db()
    assert cast.dana.oidc_subject == ""


def test_S02_the_same_subject_of_another_issuer_is_somebody_else(client, service, cast):
    other = User.objects.create_user("other", oidc_issuer="https://other.example.org", oidc_subject="sub-1")
    there_and_back(client, service)
    assert client.session["_auth_user_id"] != str(other.pk)


def test_S04_an_answer_that_this_browser_did_not_ask_for_is_refused(client, service):
    """Login CSRF: somebody else's code in a victim's browser."""
    attacker = type(client)()
    asked = gone(attacker)
    service.nonce = asked["nonce"]
    answer = client.get(reverse("portal:openid-callback"), {"code": "theirs", "state": asked["state"]})
    assert (answer.status_code, last_refusal().outcome_class) == (400, "state")
    gone(client)
    answer = client.get(reverse("portal:openid-callback"), {"code": "theirs", "state": asked["state"]})
    assert answer.status_code == 400
    assert not is_in(client)
    assert "/token" not in service.asked


def test_an_answer_is_used_once(client, service):
    asked = gone(client)
    service.nonce = asked["nonce"]
    query = {"code": "a-code", "state": asked["state"]}
    assert client.get(reverse("portal:openid-callback"), query).status_code == 302
    client.logout()
    assert client.get(reverse("portal:openid-callback"), query).status_code == 400


@pytest.mark.parametrize("query", [{}, {"code": "x"}, {"state": "y"}, {"code": "", "state": ""}])
def test_an_answer_with_half_of_it_missing_is_refused(client, service, query):
    gone(client)
    assert client.get(reverse("portal:openid-callback"), query).status_code == 400


def test_a_person_who_said_no_there_is_told_so_and_the_try_is_over(client, service):
    asked = gone(client)
    answer = client.get(reverse("portal:openid-callback"), {"error": "access_denied", "state": asked["state"]})
    assert REFUSALS["denied"].title in answer.content.decode()
    service.nonce = asked["nonce"]
    assert client.get(reverse("portal:openid-callback"), {"code": "c", "state": asked["state"]}).status_code == 400


def test_an_error_planted_in_a_link_signs_nobody_out(client, service, cast):
    client.force_login(cast.dana)
    answer = client.get(reverse("portal:openid-callback"), {"error": "<script>", "state": "made-up"})
    assert answer.status_code == 400
    assert "<script>" not in answer.content.decode()
    assert is_in(client)


@pytest.mark.parametrize(
    "path, status, code",
    [
        ("/token", 400, "code"),
        ("/token", 503, "away"),
        ("/keys", 500, "away"),
        ("/.well-known/openid-configuration", 500, "away"),
    ],
)
def test_S01_a_service_that_fails_on_the_way_is_a_page_in_plain_words(client, service, path, status, code):
    asked = gone(client)
    provider.forget()
    service.statuses[path] = status
    service.nonce = asked["nonce"]
    answer = client.get(reverse("portal:openid-callback"), {"code": "c", "state": asked["state"]})
    assert (answer.status_code, last_refusal().outcome_class) == (REFUSALS[code].status, code)
    assert REFUSALS[code].who in answer.content.decode()


def test_S01_while_the_service_is_down_the_page_says_so_and_local_accounts_and_sessions_go_on(client, service, cast):
    within = type(client)()
    there_and_back(within, service)
    provider.forget()
    service.statuses["/.well-known/openid-configuration"] = 503
    answer = client.get(reverse("portal:openid"))
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()
    assert is_in(within)
    posted = client.post(reverse("portal:sign-in"), {"username": "dana", "password": GOOD})
    assert posted.status_code == 302
    assert is_in(client)


@pytest.mark.parametrize(
    "userinfo, status, in_",
    [
        ({"sub": "sub-1", "groups": ["north-operators"]}, 200, True),
        ({"sub": "sub-2", "groups": ["north-operators"]}, 200, False),
        ({"groups": ["north-operators"]}, 200, False),
        (["north-operators"], 200, False),
        ({"sub": "sub-1", "groups": ["north-operators"]}, 401, False),
        ({"sub": "sub-1"}, 200, False),
    ],
)
def test_groups_that_the_token_leaves_out_are_asked_for_and_believed_of_the_same_person_only(
    client, service, userinfo, status, in_
):
    service.token = lambda nonce: signed(claims(service.issuer, nonce, groups=None))
    service.userinfo, service.statuses["/me"] = userinfo, status
    answer = there_and_back(client, service)
    assert (answer.status_code == 302) is in_
    assert is_in(client) is in_
    assert service.headers["Authorization"] == "Bearer an-access-token"


def test_userinfo_cannot_change_who_it_is(client, service):
    service.token = lambda nonce: signed(claims(service.issuer, nonce, groups=None))
    service.userinfo = {"sub": "sub-1", "iss": "https://evil.example.org", "groups": ["north-operators"]}
    there_and_back(client, service)
    assert User.objects.get(oidc_subject="sub-1").oidc_issuer == service.issuer


@pytest.mark.parametrize("onward, to", [("https://evil.example/", "portal:home"), ("/password/", "portal:password")])
def test_one_is_sent_on_within_this_site_only(client, service, onward, to):
    asked = gone(client, next=onward)
    service.nonce = asked["nonce"]
    answer = client.get(reverse("portal:openid-callback"), {"code": "c", "state": asked["state"]})
    assert answer.url == reverse(to)


def test_signing_in_over_another_persons_session_leaves_nothing_of_it(client, service, cast):
    asked = gone(client)
    session = client.session
    states = session["oidc_states"]
    client.force_login(cast.dana)
    session = client.session
    session["oidc_states"], session["location"] = states, "SOUTH"
    session.save()
    service.nonce = asked["nonce"]
    assert client.get(reverse("portal:openid-callback"), {"code": "c", "state": asked["state"]}).status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get(oidc_subject="sub-1").pk)
    assert "location" not in client.session


def test_leaving_leads_to_the_services_own_end_and_names_nobody(client, service):
    there_and_back(client, service)
    page = client.post(reverse("portal:sign-out")).content.decode()
    assert f"{service.issuer}/end?client_id={CLIENT}&amp;post_logout_redirect_uri=" in page
    assert "olga" not in page
    assert not is_in(client)


def test_leaving_is_over_here_whatever_the_service_does(client, service):
    there_and_back(client, service)
    provider.forget()
    service.statuses["/.well-known/openid-configuration"] = 500
    assert client.post(reverse("portal:sign-out")).url == reverse("portal:sign-in")
    assert not is_in(client)


def test_a_local_session_is_not_ended_elsewhere(client, service, cast):
    client.force_login(cast.dana)
    assert client.post(reverse("portal:sign-out")).url == reverse("portal:sign-in")


def test_without_a_service_its_addresses_do_not_exist(client, db):
    assert conf.OPENID_ISSUER == ""
    assert client.get(reverse("portal:openid")).status_code == 404
    assert client.get(reverse("portal:openid-callback"), {"code": "c", "state": "s"}).status_code == 404


def test_a_password_never_reaches_the_service(client, service, cast):
    client.post(reverse("portal:sign-in"), {"username": "dana", "password": "wrong"})
    assert service.asked == []


def test_an_account_of_the_service_has_no_password_here(client, service):
    there_and_back(client, service)
    user = User.objects.get(oidc_subject="sub-1")
    assert client.get(reverse("portal:password"), follow=True).redirect_chain == [(reverse("portal:home"), 302)]
    client.logout()
    for password in ("", "!", user.password):
        client.post(reverse("portal:sign-in"), {"username": user.username, "password": password})
        assert not is_in(client)
