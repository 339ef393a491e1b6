"""Groups decide roles at each sign-in: given, taken, told, and set up by a director on screen."""

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from portal import people
from portal.models import GroupRole, Membership, Practice, Role, User
from portal.openid.groups import MOST_GROUPS, _username, groups_in, settled
from portal.openid.refusals import REFUSALS, Refused
from tests.portal.openid.conftest import there_and_back
from tests.portal.openid.forging import claims, signed

ISSUER = "https://login.example.org"


def said(*groups, **other):
    return claims(ISSUER, "n", groups=list(groups), **other)


def stands_for(cast, group, role, location=None, practice=None):
    return GroupRole.objects.create(practice=practice or cast.practice, group=group, role=role, location=location)


def roles(user):
    return {(row.role, row.location and row.location.code) for row in user.memberships.select_related("location")}


def code_of(call, *arguments):
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.code


def events(name):
    return AuditEvent.objects.filter(event=name)


@pytest.fixture
def mapped(cast):
    stands_for(cast, "north-ops", Role.OPERATOR, cast.north)
    stands_for(cast, "north-ops", Role.CLINICIAN, cast.north)
    stands_for(cast, "south-ops", Role.OPERATOR, cast.south)
    stands_for(cast, "it", Role.DIRECTOR)
    return cast


def test_a_first_sign_in_makes_an_account_with_the_roles_of_its_groups(mapped):
    user = settled(said("north-ops", "unknown-group"))
    assert roles(user) == {("operator", "NORTH"), ("clinician", "NORTH")}
    assert events("authz.user.create").get().actor_id == "openid"
    assert {event.detail["role"] for event in events("authz.role.grant")} == {"operator", "clinician"}
    assert {event.location for event in events("authz.role.grant")} == {"NORTH"}


def test_a_group_that_was_left_takes_its_role_at_the_next_sign_in(mapped):
    user = settled(said("north-ops", "south-ops"))
    assert settled(said("south-ops")) == user
    assert roles(user) == {("operator", "SOUTH")}
    assert {event.detail["role"] for event in events("authz.role.revoke")} == {"operator", "clinician"}


def test_whoever_left_every_group_keeps_no_role_and_is_refused(mapped):
    user = settled(said("north-ops"))
    assert code_of(settled, said("unknown-group")) == "groups"
    assert roles(user) == set()
    assert events("authz.role.revoke").count() == 2


def test_a_stranger_to_every_group_gets_no_account(mapped):
    assert code_of(settled, said("unknown-group")) == "groups"
    assert code_of(settled, said()) == "groups"
    assert not User.objects.exclude(oidc_subject="").exists()


def test_coming_back_into_a_group_gives_the_role_again(mapped):
    user = settled(said("it"))
    code_of(settled, said())
    assert settled(said("it")) == user
    assert roles(user) == {("director", None)}


def test_an_unchanged_sign_in_writes_nothing(mapped):
    settled(said("north-ops"))
    before = AuditEvent.objects.count()
    settled(said("north-ops"))
    assert AuditEvent.objects.count() == before


def test_a_changed_mapping_counts_from_the_next_sign_in(mapped):
    user = settled(said("it"))
    GroupRole.objects.filter(group="it").delete()
    stands_for(mapped, "it", Role.AUDITOR)
    assert roles(user) == {("director", None)}
    settled(said("it"))
    assert roles(user) == {("auditor", None)}


def test_groups_are_matched_to_the_letter(mapped):
    for other in ("North-ops", "north-ops ", "north"):
        assert code_of(settled, said(other)) == "groups"


def test_groups_of_two_practices_let_a_newcomer_into_neither(mapped, cast):
    stands_for(cast, "harbor-it", Role.DIRECTOR, practice=cast.elsewhere.practice)
    assert code_of(settled, said("it", "harbor-it")) == "practices"
    assert not Membership.objects.filter(user__oidc_subject="sub-1").exists()


def test_another_practice_cannot_draw_somebodys_people_over_or_shut_them_out(mapped, cast):
    user = settled(said("it"))
    stands_for(cast, "it", Role.METADATA_ONLY, practice=cast.elsewhere.practice)
    assert settled(said("it")) == user
    assert roles(user) == {("director", None)}
    assert Practice.objects.get(memberships__user=user) == cast.practice


def test_a_disabled_account_is_told_so_and_stays_as_it_is(mapped):
    user = settled(said("north-ops"))
    people.disable(mapped.practice, user)
    assert code_of(settled, said("it")) == "disabled"
    assert roles(user) == {("operator", "NORTH"), ("clinician", "NORTH")}


@pytest.mark.parametrize(
    "groups, code",
    [
        (None, "groups_missing"),
        ({"it": True}, "groups_missing"),
        (7, "groups_missing"),
        (["g"] * (MOST_GROUPS + 1), "groups_many"),
    ],
)
def test_a_claim_that_is_no_list_of_groups_is_told(groups, code):
    assert code_of(groups_in, {"groups": groups} if groups is not None else {}) == code


def test_a_list_that_was_left_out_for_its_length_is_told():
    assert code_of(groups_in, {"_claim_names": {"groups": "src1"}}) == "groups_many"


def test_one_group_may_stand_alone_and_odd_entries_are_nothing():
    assert groups_in({"groups": "it"}) == {"it"}
    assert groups_in({"groups": ["it", 7, None, "", "g" * 201, ["x"]]}) == {"it"}


def test_the_claims_name_is_a_setting(settings):
    settings.OPENID_GROUPS_CLAIM = "roles"
    assert groups_in({"roles": ["it"], "groups": ["other"]}) == {"it"}


@pytest.mark.parametrize(
    "preferred, begins",
    [("olga", "olga@"), ("olga@clinic.org", "olga@"), ("o l<g>a\0", "olga@"), ("x" * 300, "x" * 60)],
)
def test_a_user_name_says_who_and_where(db, preferred, begins):
    name = _username(said(preferred_username=preferred))
    assert name.startswith(begins)
    assert name.endswith("@login.example.org")
    User._meta.get_field("username").run_validators(name)


@pytest.mark.parametrize("preferred", [None, "", "@@", 7])
def test_without_a_name_the_mark_stands_alone(db, preferred):
    name = _username({**said(), "preferred_username": preferred})
    User._meta.get_field("username").run_validators(name)
    assert name[0].isalnum()


def test_nobody_gets_a_name_that_another_has(mapped):
    User.objects.create_user("Olga@login.example.org")
    first = settled(said("it", sub="a"))
    second = settled(said("it", sub="b"))
    assert len({first.username.casefold(), second.username.casefold(), "olga@login.example.org"}) == 3


def test_a_new_name_is_taken_over_and_written_down(mapped):
    user = settled(said("it"))
    settled(said("it", given_name="Olha", family_name="K\0ova" + "x" * 300))
    user.refresh_from_db()
    assert user.first_name == "Olha"
    assert (user.last_name[:4], len(user.last_name)) == ("Kova", 150)


def test_what_is_given_by_groups_is_not_given_or_taken_by_hand(mapped, client):
    user = settled(said("north-ops"))
    client.force_login(mapped.dana)
    person = reverse("portal:person", args=[user.pk])
    page = client.get(person).content.decode()
    assert "Its groups decide the roles" in page
    assert "one-time password" not in page
    client.post(person, {"role": "director"})
    held = user.memberships.first()
    client.post(reverse("portal:role-revoke", args=[user.pk, held.pk]))
    client.post(reverse("portal:account", args=[user.pk, "password"]))
    user.refresh_from_db()
    assert roles(user) == {("operator", "NORTH"), ("clinician", "NORTH")}
    assert not user.has_usable_password()
    with pytest.raises(people.NotAllowed):
        people.renew_password(mapped.practice, user)


def test_whoever_maps_to_nothing_is_told_whose_job_it_is(client, service, cast):
    answer = there_and_back(client, service)
    assert answer.status_code == 403
    assert REFUSALS["groups"].text in answer.content.decode()
    assert "IT director" in answer.content.decode()


def test_S07_a_role_that_the_groups_took_ends_in_every_session_of_the_person(client, service, operators):
    there_and_back(client, service)
    deliveries, north = reverse("delivery:deliveries"), {"location": "NORTH"}
    assert client.get(deliveries, north).status_code == 200
    service.token = lambda nonce: signed(claims(service.issuer, nonce, groups=["elsewhere"]))
    there_and_back(type(client)(), service)
    assert client.get(deliveries, north).status_code == 404


# --- the page -----------------------------------------------------------------------------------------------------


@pytest.fixture
def page(client, cast):
    client.force_login(cast.dana)
    return reverse("portal:sign-in-settings")


def test_a_director_lets_a_group_stand_for_a_role(client, cast, page):
    assert client.post(page, {"group": "north-ops", "role": "operator", "location": cast.north.pk}).status_code == 302
    row = GroupRole.objects.get()
    assert (row.practice, row.group, row.role, row.location) == (cast.practice, "north-ops", "operator", cast.north)
    event = events("config.change").latest("at")
    assert (event.practice, event.location, event.detail["model"]) == ("lakeside", "NORTH", "portal.grouprole")
    text = client.get(page).content.decode()
    assert "north-ops" in text
    assert "North Clinic" in text


def test_the_same_is_not_said_twice(client, cast, page):
    for location in (cast.north.pk, ""):
        data = {"group": "north-ops", "role": "operator", "location": location}
        assert client.post(page, data).status_code == 302
        assert "stands for this role already" in client.post(page, data).content.decode()
    assert GroupRole.objects.count() == 2


@pytest.mark.parametrize("wrong", [{"group": ""}, {"group": "g" * 201}, {"role": "owner"}, {"location": "999"}])
def test_what_stands_for_nothing_is_refused(client, page, wrong):
    data = {"group": "g", "role": "operator", "location": "", **wrong}
    assert client.post(page, data).status_code == 200
    assert not GroupRole.objects.exists()


def test_a_group_is_removed(client, cast, page):
    row = stands_for(cast, "it", Role.DIRECTOR)
    assert client.post(reverse("portal:group-remove", args=[row.pk])).url == page
    assert not GroupRole.objects.exists()


def test_another_practices_groups_are_neither_shown_nor_removed(client, cast, page):
    theirs = stands_for(cast, "harbor-it", Role.DIRECTOR, practice=cast.elsewhere.practice)
    assert "harbor-it" not in client.get(page).content.decode()
    assert client.post(reverse("portal:group-remove", args=[theirs.pk])).status_code == 404
    assert GroupRole.objects.filter(pk=theirs.pk).exists()


def test_the_page_says_whether_a_service_is_set_up(client, page, settings):
    assert "No sign-in service is set up" in client.get(page).content.decode()
    settings.OPENID_ISSUER = ISSUER
    assert ISSUER in client.get(page).content.decode()
