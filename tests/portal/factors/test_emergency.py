"""Emergency access: an hour by the local account, with a reason, told to others, ended by itself."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from portal.factors import emergency
from portal.factors.tables import EmergencyAccess, SecondFactor
from portal.idle import SEEN
from portal.models import Membership, Role, User
from portal.signin import PAIR
from tests.portal.factors.conftest import code_for, set_up

GOOD = "correct-horse-battery"
REASON = "Service away, results to be filed"


@pytest.fixture(autouse=True)
def required(settings):
    settings.OPENID_ISSUER, settings.OPENID_REQUIRED = "https://login.example.org", True
    settings.SIGN_IN_METHODS = [{"kind": "redirect", "label": "The clinic's account", "url_name": "portal:openid"}]


def post(client, user, typed=None, **other):
    data = {"username": user.username, "password": GOOD, "code": typed or code_for(user), "reason": REASON, **other}
    return client.post(reverse("portal:emergency"), data)


@pytest.fixture
def opened(client, cast):
    """Omar is in, by emergency."""
    set_up(cast.omar)
    assert post(client, cast.omar).status_code == 302
    return EmergencyAccess.objects.get()


def is_in(client):
    return client.get(reverse("portal:home")).status_code == 200


def events(name):
    return AuditEvent.objects.filter(event=name)


def signed_in(client_class, user):
    other = client_class()
    other.force_login(user)
    return other


def home(client):
    return client.get(reverse("portal:home")).content.decode()


def test_S01_it_opens_with_password_code_and_reason_and_is_recorded(client, cast, opened):
    assert is_in(client)
    assert (opened.ends_at - opened.opened_at) == timedelta(minutes=60)
    event = events("auth.breakglass.open").get()
    assert (event.actor_id, event.practice, event.reason) == (str(cast.omar.pk), "lakeside", REASON)
    assert (event.auth_method, event.detail) == ("breakglass", {"user_id": cast.omar.pk, "access": opened.pk})
    assert "Emergency access." in home(client)


def test_it_gives_no_role_that_the_person_has_not(client, cast, opened):
    assert client.get(reverse("portal:people")).status_code == 403


@pytest.mark.parametrize("other", [{"password": "wrong"}, {"typed": "000000"}, {"username": "nobody"}])
def test_anything_wrong_opens_nothing_and_is_answered_alike(client, cast, other):
    set_up(cast.omar)
    page = post(client, cast.omar, **other).content.decode()
    assert "User name, password or code is wrong" in page
    assert not is_in(client)
    assert not EmergencyAccess.objects.exists()


@pytest.mark.parametrize("reason", ["", "urgent", "x" * 201])
def test_without_a_reason_nothing_is_even_tried(client, cast, reason):
    set_up(cast.omar)
    assert post(client, cast.omar, reason=reason).status_code == 200
    assert not AuditEvent.objects.filter(event="auth.login.fail").exists()
    assert not is_in(client)


def test_an_account_without_a_second_factor_opens_none(client, cast):
    assert "has no second factor" in post(client, cast.omar, "123456").content.decode()
    assert not is_in(client)


def test_somebody_without_a_practice_opens_none(client, db):
    user = User.objects.create_user("nobody", password=GOOD)
    set_up(user)
    post(client, user)
    assert not is_in(client)
    assert not EmergencyAccess.objects.exists()


def test_S23_guessing_is_slowed_down(client, cast):
    set_up(cast.omar)
    statuses = [post(client, cast.omar, password="wrong").status_code for _ in range(PAIR.free + 1)]
    assert statuses[-1] == 429


def test_the_ordinary_form_opens_nothing_while_the_service_is_required(client, cast):
    page = client.get(reverse("portal:sign-in")).content.decode()
    assert 'name="password"' not in page
    assert reverse("portal:emergency") in page
    client.post(reverse("portal:sign-in"), {"username": "dana", "password": GOOD})
    assert not is_in(client)


def test_where_local_accounts_sign_in_as_usual_there_is_no_emergency(client, cast, settings):
    settings.OPENID_REQUIRED = False
    assert client.get(reverse("portal:emergency")).status_code == 404
    set_up(cast.omar)
    assert post(client, cast.omar).status_code == 404


def test_it_ends_by_itself_whatever_it_is_used_for(client, cast, opened):
    EmergencyAccess.objects.update(ends_at=timezone.now())
    assert not is_in(client)
    opened.refresh_from_db()
    assert opened.closed_at is not None
    assert events("auth.breakglass.close").get().outcome_class == "time"


def test_it_ends_though_nobody_comes_back(cast, opened):
    assert emergency.close_due() == 0
    EmergencyAccess.objects.update(ends_at=timezone.now())
    assert (emergency.close_due(), emergency.close_due()) == (1, 0)
    event = events("auth.breakglass.close").get()
    assert (event.actor_id, event.outcome_class, event.practice) == ("emergency", "time", "lakeside")


def test_one_that_was_ended_elsewhere_is_over_in_its_session(client, cast, opened):
    emergency.close(opened, "time")
    assert not is_in(client)


def test_leaving_ends_it(client, cast, opened):
    client.post(reverse("portal:sign-out"))
    assert events("auth.breakglass.close").get().outcome_class == "left"


def test_idleness_ends_it(client, cast, opened):
    is_in(client)
    session = client.session
    session[SEEN] -= 3600
    session.save()
    assert not is_in(client)
    assert events("auth.breakglass.close").get().outcome_class == "idle"


def test_it_is_told_to_those_who_direct_and_audit_the_practice_and_to_no_other(client, cast, opened):
    told = {
        name: "opened an emergency access" in home(signed_in(type(client), getattr(cast, name)))
        for name in ("dana", "ava", "mel", "sam")
    }
    assert told == {"dana": True, "ava": True, "mel": False, "sam": False}
    page = home(signed_in(type(client), cast.dana))
    assert REASON in page
    assert "omar" in page


def test_a_reason_is_text(client, cast):
    set_up(cast.omar)
    post(client, cast.omar, reason="<script>alert(1)</script>")
    assert "<script>alert" not in home(signed_in(type(client), cast.dana))


def test_it_stays_until_another_person_has_looked_at_it(client, cast, opened):
    dana = signed_in(type(client), cast.dana)
    assert dana.post(reverse("portal:emergency-review", args=[opened.pk])).status_code == 302
    assert "opened an emergency access" not in home(dana)
    opened.refresh_from_db()
    assert (opened.reviewed_by, opened.closed_at) == (cast.dana, None)
    assert events("auth.breakglass.review").get().actor_id == str(cast.dana.pk)
    dana.post(reverse("portal:emergency-review", args=[opened.pk]))
    assert events("auth.breakglass.review").count() == 1
    assert is_in(client), "looking at it does not end it"


def test_nobody_reviews_their_own(client, cast):
    Membership.objects.create(user=cast.omar, practice=cast.practice, role=Role.DIRECTOR)
    set_up(cast.omar)
    post(client, cast.omar)
    opened = EmergencyAccess.objects.get()
    client.post(reverse("portal:emergency-review", args=[opened.pk]))
    opened.refresh_from_db()
    assert opened.reviewed_at is None
    assert not emergency.review(opened, cast.omar)


@pytest.mark.parametrize("name, status", [("mel", 403), ("sam", 404)])
def test_others_review_none(client, cast, opened, name, status):
    other = signed_in(type(client), getattr(cast, name))
    assert other.post(reverse("portal:emergency-review", args=[opened.pk])).status_code == status
    opened.refresh_from_db()
    assert opened.reviewed_at is None


def test_a_second_access_is_a_second_row(client, cast, opened):
    client.post(reverse("portal:sign-out"))
    SecondFactor.objects.update(last_step=-1)
    assert post(client, cast.omar).status_code == 302
    assert EmergencyAccess.objects.count() == 2
