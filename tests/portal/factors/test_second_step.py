"""Signing in with a second factor: the code after the password, and the page where it is set up."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from portal.factors import totp
from portal.factors.tables import RecoveryCode, SecondFactor
from portal.models import SignInAttempt, User
from portal.signin import PAIR, PENDING, PENDING_SECONDS
from tests.portal.factors.conftest import code_for, set_up

GOOD = "correct-horse-battery"
PAGE = "portal:second-factor"


def password(client, name="dana", given=GOOD, source="10.0.0.1", **more):
    data = {"username": name, "password": given, **more}
    return client.post(reverse("portal:sign-in"), data, REMOTE_ADDR=source)


def code(client, typed, source="10.0.0.1", **more):
    return client.post(reverse("portal:second-step"), {"code": typed, **more}, REMOTE_ADDR=source)


def is_in(client):
    return client.get(reverse("portal:home")).status_code == 200


def test_the_password_alone_opens_nothing(client, cast):
    set_up(cast.dana)
    assert password(client).url.startswith(reverse("portal:second-step"))
    assert not is_in(client)
    assert not AuditEvent.objects.filter(event="auth.login.ok").exists()


def test_password_and_code_sign_in_and_it_is_told_how(client, cast):
    set_up(cast.dana)
    password(client, next="/settings/")
    assert code(client, code_for(cast.dana), next="/settings/").url == "/settings/"
    assert is_in(client)
    assert AuditEvent.objects.get(event="auth.login.ok").auth_method == "password+code"


def test_a_recovery_code_signs_in_once(client, cast):
    (one, *_) = set_up(cast.dana)
    password(client)
    assert code(client, one).status_code == 302
    client.logout()
    password(client)
    assert code(client, one).status_code == 200


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example"])
def test_nobody_is_sent_elsewhere_by_the_second_step(client, cast, onward):
    set_up(cast.dana)
    password(client)
    assert code(client, code_for(cast.dana), next=onward).url == reverse("portal:home")


def test_a_wrong_code_opens_nothing_and_is_recorded_without_it(client, cast):
    set_up(cast.dana)
    password(client)
    answer = code(client, "000000" if code_for(cast.dana) != "000000" else "111111")
    assert "This code is wrong" in answer.content.decode()
    assert not is_in(client)
    event = AuditEvent.objects.get(event="auth.login.fail")
    assert (event.object_id, event.outcome_class) == (str(cast.dana.pk), "code")
    assert "000000" not in str(vars(event))


def test_the_step_without_a_password_leads_back(client, cast):
    set_up(cast.dana)
    assert code(client, code_for(cast.dana)).url == reverse("portal:sign-in")
    assert client.get(reverse("portal:second-step")).url == reverse("portal:sign-in")


def test_a_password_given_too_long_ago_is_asked_for_again(client, cast):
    set_up(cast.dana)
    password(client)
    session = client.session
    number, name, attempt, at = session[PENDING]
    session[PENDING] = [number, name, attempt, at - PENDING_SECONDS - 1]
    session.save()
    assert code(client, code_for(cast.dana)).url == reverse("portal:sign-in")


def test_an_account_disabled_between_the_two_steps_stays_out(client, cast):
    set_up(cast.dana)
    password(client)
    User.objects.filter(pk=cast.dana.pk).update(is_active=False)
    code(client, code_for(cast.dana))
    assert not is_in(client)


def test_a_wrong_password_does_not_tell_that_there_is_a_second_factor(client, cast):
    set_up(cast.dana)
    answers = [password(client, name, "wrong") for name in ("dana", "omar", "nobody")]
    assert len({(answer.status_code, answer.url if answer.status_code == 302 else "") for answer in answers}) == 1


def test_S23_guessed_codes_are_slowed_down(client, cast):
    set_up(cast.dana)
    password(client)
    for number in range(PAIR.free):
        assert code(client, f"{number:06d}").status_code == 200
    answer = code(client, code_for(cast.dana))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_S23_a_new_session_does_not_begin_a_new_count(client, cast):
    set_up(cast.dana)
    for number in range(PAIR.free):
        other = type(client)()
        password(other)
        code(other, f"{number:06d}")
    SignInAttempt.objects.filter(source="10.0.0.1").exclude(account="").update(ok=False)
    other = type(client)()
    assert 429 in (password(other).status_code, code(other, "000000").status_code)


def test_S23_guessing_codes_elsewhere_does_not_keep_the_person_out(client, cast):
    """Somebody who has the password and no telephone, at another address."""
    set_up(cast.dana)
    password(client)
    code(client, code_for(cast.dana))
    client.logout()
    SecondFactor.objects.update(last_step=-1)
    thief = type(client)()
    password(thief, source="10.6.6.6")
    statuses = [code(thief, f"{number:06d}", source="10.6.6.6").status_code for number in range(PAIR.free + 3)]
    assert statuses[-1] == 429
    password(client)
    assert code(client, code_for(cast.dana)).status_code == 302


# --- the page -----------------------------------------------------------------------------------------------------


@pytest.fixture
def dana(client, cast):
    client.force_login(cast.dana)
    return client


def deed(client, what, typed=""):
    return client.post(reverse(PAGE), {"deed": what, "code": typed})


def test_it_is_set_up_in_three_steps(dana, cast):
    assert "You have none yet" in dana.get(reverse(PAGE)).content.decode()
    assert deed(dana, "begin").status_code == 302
    page = dana.get(reverse(PAGE)).content.decode()
    assert totp.spelled(SecondFactor.objects.get()) in page
    assert "data:image/svg+xml" in page
    assert "This code is wrong" in deed(dana, "confirm", "000").content.decode()
    shown = deed(dana, "confirm", code_for(cast.dana)).content.decode()
    assert shown.count("<code>") == totp.RECOVERY_CODES
    again = dana.get(reverse(PAGE)).content.decode()
    assert "10 of 10" in again
    assert "data:image/svg+xml" not in again, "once in force the seed is never shown again"


def test_it_is_changed_by_a_code_only(dana, cast):
    set_up(cast.dana)
    for what in ("codes", "remove"):
        assert "This code is wrong" in deed(dana, what, "000").content.decode()
        assert "required" in deed(dana, what, "").content.decode()
    assert totp.factor_of(cast.dana)
    assert deed(dana, "codes", code_for(cast.dana)).content.decode().count("<code>") == totp.RECOVERY_CODES
    SecondFactor.objects.update(last_step=-1)
    assert deed(dana, "remove", code_for(cast.dana)).status_code == 302
    assert totp.factor_of(cast.dana) is None


def test_S23_guessing_at_the_page_is_slowed_down_too(dana, cast):
    set_up(cast.dana)
    statuses = [deed(dana, "remove", f"{number:06d}").status_code for number in range(PAIR.free + 1)]
    assert statuses[-1] == 429
    assert totp.factor_of(cast.dana)


def test_who_must_have_one_cannot_take_it_away(dana, cast, settings):
    settings.SECOND_FACTOR = ["everybody"]
    set_up(cast.dana)
    assert "Take second factor away" not in dana.get(reverse(PAGE)).content.decode()
    assert deed(dana, "remove", code_for(cast.dana)).status_code == 404
    assert totp.factor_of(cast.dana)


def test_an_unknown_deed_is_not_there(dana, cast):
    set_up(cast.dana)
    assert deed(dana, "give", code_for(cast.dana)).status_code == 404


def test_who_must_have_one_gets_no_further_before(dana, cast, settings):
    settings.SECOND_FACTOR = ["director"]
    assert dana.get(reverse("portal:home")).url == reverse(PAGE)
    assert dana.get(reverse("delivery:deliveries")).url == reverse(PAGE)
    assert "Set up your second factor first" in dana.get(reverse(PAGE)).content.decode()
    assert dana.post(reverse("portal:appearance"), {"theme": "dark"}).status_code == 302
    deed(dana, "begin")
    deed(dana, "confirm", code_for(cast.dana))
    assert dana.get(reverse("portal:home")).status_code == 200


def test_others_are_not_asked(client, cast, settings):
    settings.SECOND_FACTOR = ["director"]
    client.force_login(cast.omar)
    assert client.get(reverse("portal:home")).status_code == 200


def test_a_director_takes_a_lost_telephone_away_and_nobody_else(client, cast):
    set_up(cast.omar)
    address = reverse("portal:account", args=[cast.omar.pk, "factor"])
    for other, status in ((cast.mel, 403), (cast.sam, 404)):
        client.force_login(other)
        assert client.post(address).status_code == status
    assert totp.factor_of(cast.omar)
    client.force_login(cast.dana)
    assert "Take second factor away" in client.get(reverse("portal:person", args=[cast.omar.pk])).content.decode()
    assert client.post(address).status_code == 302
    assert totp.factor_of(cast.omar) is None
    event = AuditEvent.objects.get(event="auth.factor.remove")
    assert (event.actor_id, event.detail["user_id"]) == (str(cast.dana.pk), cast.omar.pk)
    assert not RecoveryCode.objects.exists()


def test_an_account_of_the_sign_in_service_is_sent_there(client, cast):
    User.objects.filter(pk=cast.dana.pk).update(oidc_issuer="https://login.example.org", oidc_subject="1")
    client.force_login(User.objects.get(pk=cast.dana.pk))
    assert client.post(reverse(PAGE), {"deed": "begin"}).url == reverse("portal:home")
    assert not SecondFactor.objects.exists()


def test_a_one_time_password_and_a_code_go_together(client, cast):
    set_up(cast.dana)
    User.objects.filter(pk=cast.dana.pk).update(one_time_until=timezone.now() + timedelta(hours=1))
    password(client)
    code(client, code_for(cast.dana))
    assert client.get(reverse("portal:home")).url == reverse("portal:password")
