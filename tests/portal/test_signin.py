"""Signing in: who gets in, who waits, and what is never told."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from portal.models import SignInAttempt, User
from portal.signin import ACCOUNT, PAIR, SOURCE, WINDOW

GOOD = "correct-horse-battery"


def post(client, name="dana", password=GOOD, source="10.0.0.1", **more):
    data = {"username": name, "password": password, **more}
    return client.post(reverse("portal:sign-in"), data, REMOTE_ADDR=source)


def age(**ago):
    """Let time pass: every try so far lies further back."""
    for attempt in SignInAttempt.objects.all():
        SignInAttempt.objects.filter(pk=attempt.pk).update(at=attempt.at - timedelta(**ago))


def events(name):
    return AuditEvent.objects.filter(event=name)


def test_the_right_password_signs_in_and_is_recorded(client, cast):
    response = post(client)
    assert response.status_code == 302
    assert response.url == reverse("portal:home")
    event = events("auth.login.ok").get()
    assert (event.actor_id, event.practice) == (str(cast.dana.pk), "lakeside")
    assert event.session_hash


def test_a_wrong_password_does_not_and_is_recorded_without_what_was_typed(client, cast):
    response = post(client, password="hunter2-hunter2")
    assert response.status_code == 200
    assert "User name or password is wrong." in response.content.decode()
    event = events("auth.login.fail").get()
    assert (event.object_type, event.object_id, event.outcome) == ("user", str(cast.dana.pk), "denied")
    assert "hunter2" not in str(vars(event))


def test_S23_an_unknown_user_a_disabled_one_and_a_wrong_password_get_the_same_answer(client, cast):
    User.objects.filter(pk=cast.mel.pk).update(is_active=False)
    answers = []
    for name, password in [("nobody", GOOD), ("mel", GOOD), ("dana", "wrong")]:
        response = post(client, name, password)
        answers.append((response.status_code, response.context["form"].non_field_errors()))
    assert answers[0] == answers[1] == answers[2]


def test_what_an_unknown_visitor_types_is_not_kept(client, cast):
    post(client, name="my-secret-password")
    assert events("auth.login.fail").get().object_type == "unknown_account"
    assert "my-secret" not in str(SignInAttempt.objects.values()) + str(AuditEvent.objects.values())


def test_S03_the_session_key_changes_at_sign_in(client, cast):
    client.get(reverse("portal:sign-in"))
    session = client.session
    session["planted"] = "yes"
    session.save()
    planted = session.session_key
    post(client)
    assert client.session.session_key != planted


def test_S23_wrong_tries_from_one_source_are_slowed_down_and_the_right_password_waits_too(client, cast):
    for _ in range(PAIR.free):
        assert post(client, password="wrong").status_code == 200
    response = post(client)
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert "Wait" in response.content.decode()
    age(seconds=5)
    assert post(client).status_code == 302


def test_the_wait_doubles_with_every_further_failure():
    waits = [PAIR.wait(PAIR.free + more) for more in range(12)]
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == PAIR.most
    assert PAIR.wait(PAIR.free - 1) == 0


def test_a_try_that_came_too_early_does_not_lengthen_the_wait(client, cast):
    for _ in range(PAIR.free):
        post(client, password="wrong")
    for _ in range(10):
        assert post(client, password="wrong").status_code == 429
    assert SignInAttempt.objects.count() == PAIR.free
    age(seconds=2)
    assert post(client).status_code == 302


def test_unknown_accounts_are_slowed_down_like_known_ones(client, cast):
    statuses = [post(client, name="nobody", password="wrong").status_code for _ in range(PAIR.free + 1)]
    assert statuses == [200] * PAIR.free + [429]


def test_S23_one_password_sprayed_over_many_accounts_is_slowed_down(client, cast):
    for number in range(SOURCE.free):
        assert post(client, name=f"user{number}", password="Spring2026!").status_code == 200
    assert post(client, name="yet-another", password="Spring2026!").status_code == 429
    assert post(client, name="yet-another", password="Spring2026!", source="10.9.9.9").status_code == 200


def test_S23_many_sources_guessing_one_account_are_slowed_down(client, cast):
    for number in range(ACCOUNT.free):
        assert post(client, password="wrong", source=f"10.1.0.{number}").status_code == 200
    assert post(client, password="wrong", source="10.2.0.1").status_code == 429


def test_S23_hammering_on_an_account_does_not_keep_its_owner_out(client, cast):
    assert post(client, source="10.0.0.7").status_code == 302
    client.logout()
    age(hours=1)
    for number in range(ACCOUNT.free + 3):
        post(client, password="wrong", source=f"10.1.0.{number}")
    assert post(client, password="wrong", source="10.2.0.1").status_code == 429
    assert post(client, source="10.0.0.7").status_code == 302


def test_a_good_sign_in_clears_the_failures_of_its_source(client, cast):
    for _ in range(PAIR.free - 1):
        post(client, password="wrong")
    assert post(client).status_code == 302
    client.logout()
    assert post(client, password="wrong").status_code == 200
    assert post(client, password="wrong").status_code == 200


def test_failures_are_forgotten_after_the_window(client, cast):
    for _ in range(PAIR.free + 1):
        post(client, password="wrong")
    age(seconds=WINDOW.total_seconds() + 1)
    assert post(client, password="wrong").status_code == 200


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example/x", "javascript:alert(1)", "\\\\evil.example"]
)
def test_nobody_is_sent_to_another_site_after_signing_in(client, cast, onward):
    assert post(client, next=onward).url == reverse("portal:home")


def test_one_is_sent_on_to_the_page_one_asked_for(client, cast):
    asked = client.get(reverse("portal:password"))
    assert asked.url.endswith("?next=" + reverse("portal:password"))
    assert post(client, next=reverse("portal:password")).url == reverse("portal:password")


def test_signing_out_ends_the_session_and_is_recorded(client, cast):
    post(client)
    key = client.session.session_key
    assert client.get(reverse("portal:sign-out")).status_code == 405
    assert client.post(reverse("portal:sign-out")).url == reverse("portal:sign-in")
    assert not client.session.exists(key)
    assert events("auth.logout").get().actor_id == str(cast.dana.pk)
    assert client.get(reverse("portal:home")).status_code == 302


def test_a_password_is_replaced_and_other_sessions_end(client, cast):
    other = type(client)()
    for each in (client, other):
        each.force_login(cast.dana)
    data = {"old_password": GOOD, "new_password1": "a-much-newer-phrase", "new_password2": "a-much-newer-phrase"}
    assert client.post(reverse("portal:password"), data).status_code == 302
    assert client.get(reverse("portal:home")).status_code == 200
    assert other.get(reverse("portal:home")).status_code == 302
    assert events("auth.password.change").count() == 1


@pytest.mark.parametrize("new", ["short", "123456789012", "1q2w3e4r5t6y", "dana@example.org"])
def test_a_weak_password_is_refused(client, cast, new):
    client.force_login(cast.dana)
    data = {"old_password": GOOD, "new_password1": new, "new_password2": new}
    assert client.post(reverse("portal:password"), data).status_code == 200
    cast.dana.refresh_from_db()
    assert cast.dana.check_password(GOOD)


def test_a_one_time_password_must_be_replaced_before_anything_else(client, cast):
    User.objects.filter(pk=cast.dana.pk).update(one_time_until=timezone.now() + timedelta(hours=1))
    assert post(client).status_code == 302
    assert client.get(reverse("portal:home")).url == reverse("portal:password")
    data = {"old_password": GOOD, "new_password1": "a-much-newer-phrase", "new_password2": "a-much-newer-phrase"}
    client.post(reverse("portal:password"), data)
    assert client.get(reverse("portal:home")).status_code == 200


def test_an_expired_one_time_password_opens_nothing(client, cast):
    User.objects.filter(pk=cast.dana.pk).update(one_time_until=timezone.now() - timedelta(seconds=1))
    response = post(client)
    assert response.status_code == 200
    assert response.context["form"].non_field_errors() == ["User name or password is wrong."]


def test_a_polling_page_whose_session_ended_is_sent_to_the_sign_in_page_whole(client, cast):
    response = client.get(reverse("portal:home"), follow=True, headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"].startswith(reverse("portal:sign-in"))


def test_another_way_to_sign_in_becomes_a_button(client, cast, settings):
    settings.SIGN_IN_METHODS = [
        {"kind": "redirect", "label": "Sign in with the clinic's account", "url_name": "portal:home"}
    ]
    page = client.get(reverse("portal:sign-in")).content.decode()
    assert "Sign in with the clinic&#x27;s account" in page
    assert 'name="password"' not in page
