"""People: invited, given and deprived of roles, shut out; and what a practice cannot lose."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from portal import people
from portal.models import Membership, User


def page(name, *args):
    return reverse(f"portal:{name}", args=args)


def invitation(**changes):
    return {"username": "nina", "email": "nina@example.org", "role": "operator", "location": "", **changes}


def test_an_invited_person_signs_in_with_the_password_shown_once_and_chooses_their_own(cast, client):
    client.force_login(cast.dana)
    answer = client.post(page("person-new"), invitation())
    password = answer.context["password"]
    assert answer.content.decode().count(password) == 2, "shown, and offered for copying"
    for url in (page("people"), page("person", User.objects.get(username="nina").pk)):
        assert password not in client.get(url).content.decode()
    theirs = Client()
    signed_in = theirs.post(page("sign-in"), {"username": "nina", "password": password})
    assert signed_in.status_code == 302
    assert theirs.get(page("home")).url == page("password")


def test_the_one_time_password_stands_in_no_record(cast, client):
    client.force_login(cast.dana)
    password = client.post(page("person-new"), invitation()).context["password"]
    assert password not in str(AuditEvent.objects.values()) + str(User.objects.values())
    events = AuditEvent.objects.filter(event__startswith="authz.").order_by("at").values_list("event", flat=True)
    assert list(events) == ["authz.user.create", "authz.role.grant"]


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"username": ""}, "username"),
        ({"username": "dana"}, "username"),
        ({"username": "DANA"}, "username"),
        ({"username": "a b"}, "username"),
        ({"email": "nobody"}, "email"),
        ({"role": "emperor"}, "role"),
        ({"location": "999999"}, "location"),
    ],
)
def test_an_invitation_that_would_not_do_is_refused(cast, client, changes, field):
    client.force_login(cast.dana)
    assert client.post(page("person-new"), invitation(**changes)).context["form"].errors[field]


def test_nobody_is_invited_to_another_practices_location(cast, client):
    client.force_login(cast.dana)
    response = client.post(page("person-new"), invitation(location=str(cast.elsewhere.pk)))
    assert response.context["form"].errors["location"]


def test_S06_staff_and_superuser_cannot_be_slipped_in(cast, client):
    client.force_login(cast.dana)
    client.post(
        page("person-new"), invitation(is_staff="on", is_superuser="on", practice=str(cast.elsewhere.practice.pk))
    )
    nina = User.objects.get(username="nina")
    assert not nina.is_staff
    assert not nina.is_superuser
    assert nina.memberships.get().practice == cast.practice


def test_a_role_is_given_once_also_for_every_location(cast, client):
    client.force_login(cast.dana)
    for _ in range(3):
        client.post(page("person", cast.omar.pk), {"role": "auditor", "location": ""})
    assert Membership.objects.filter(user=cast.omar, role="auditor", location=None).count() == 1
    assert AuditEvent.objects.filter(event="authz.role.grant").count() == 1


def test_S07_a_taken_role_ends_with_the_next_click(cast, client):
    people.grant(cast.practice, cast.omar, "auditor", None)
    theirs = Client()
    theirs.force_login(cast.omar)
    assert theirs.get(page("connections")).status_code == 200
    for held in cast.omar.memberships.filter(role="operator"):
        people.revoke(held)
    people.grant(cast.practice, cast.omar, "clinician", None)
    people.revoke(cast.omar.memberships.get(role="auditor"))
    assert theirs.get(page("connections")).status_code == 403
    assert AuditEvent.objects.filter(event="authz.role.revoke").count() == 2


def test_the_last_role_is_not_taken_and_the_director_is_told_what_to_do(cast, client):
    client.force_login(cast.dana)
    held = cast.omar.memberships.get()
    answer = client.post(page("role-revoke", cast.omar.pk, held.pk), follow=True)
    assert "disable the account instead" in answer.content.decode()
    assert cast.omar.memberships.count() == 1


def test_a_practice_keeps_a_director(cast):
    people.grant(cast.practice, cast.dana, "auditor", None)
    directing = cast.dana.memberships.get(role="director")
    for deed in (lambda: people.revoke(directing), lambda: people.disable(cast.practice, cast.dana)):
        with pytest.raises(people.NotAllowed):
            deed()
    people.grant(cast.practice, cast.ava, "director", None)
    people.revoke(directing)
    assert set(cast.dana.memberships.values_list("role", flat=True)) == {"auditor"}


def test_a_disabled_director_does_not_count_as_one(cast):
    people.grant(cast.practice, cast.ava, "director", None)
    people.disable(cast.practice, cast.ava)
    with pytest.raises(people.NotAllowed):
        people.disable(cast.practice, cast.dana)


def test_nobody_gets_roles_in_a_second_practice(cast):
    with pytest.raises(people.NotAllowed):
        people.grant(cast.practice, cast.sam, "auditor", None)
    with pytest.raises(people.NotAllowed):
        people.grant(cast.practice, cast.omar, "auditor", cast.elsewhere)


def test_a_disabled_account_is_out_at_once_and_can_come_back(cast, client):
    theirs = Client()
    theirs.force_login(cast.omar)
    client.force_login(cast.dana)
    client.post(page("account", cast.omar.pk, "disable"))
    assert theirs.get(page("home")).status_code == 302
    client.post(page("account", cast.omar.pk, "enable"))
    assert User.objects.get(pk=cast.omar.pk).is_active
    events = AuditEvent.objects.filter(object_type="user", object_id=str(cast.omar.pk)).values_list("event", flat=True)
    assert {"authz.user.disable", "authz.user.enable"} <= set(events)


def test_a_new_one_time_password_ends_the_old_one_and_every_session(cast, client):
    theirs = Client()
    theirs.force_login(cast.omar)
    client.force_login(cast.dana)
    password = client.post(page("account", cast.omar.pk, "password")).context["password"]
    assert theirs.get(page("home")).status_code == 302
    omar = User.objects.get(pk=cast.omar.pk)
    assert omar.check_password(password)
    assert omar.one_time_until is not None


def test_one_time_passwords_are_long_and_do_not_repeat():
    made = {people.one_time_password() for _ in range(500)}
    assert len(made) == 500
    assert all(len(password.replace("-", "")) == 20 for password in made)


@pytest.mark.parametrize("verb", ["password", "disable", "enable", "promote"])
def test_a_stranger_is_not_there(cast, client, verb):
    client.force_login(cast.sam)
    assert client.post(page("account", cast.omar.pk, verb)).status_code == 404
    assert User.objects.get(pk=cast.omar.pk).check_password("correct-horse-battery")


def test_a_role_of_somebody_else_is_not_taken_through_another_persons_address(cast, client):
    client.force_login(cast.dana)
    held = cast.omar.memberships.get()
    assert client.post(page("role-revoke", cast.ava.pk, held.pk)).status_code == 404
    assert Membership.objects.filter(pk=held.pk).exists()


@pytest.mark.parametrize("at", ["north", None], ids=["at one location", "at every location"])
def test_the_database_itself_keeps_a_role_once(cast, at):
    where = getattr(cast, at) if at else None
    Membership.objects.create(user=cast.ava, practice=cast.practice, location=where, role="clinician")
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=cast.ava, practice=cast.practice, location=where, role="clinician")


def test_different_roles_and_places_stand_beside_each_other(cast):
    for role in ("clinician", "operator"):
        for where in (None, cast.north, cast.south):
            Membership.objects.create(user=cast.ava, practice=cast.practice, location=where, role=role)
    assert cast.ava.memberships.count() == 7
