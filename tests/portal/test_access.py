"""Who may pass which door."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from portal import access
from portal.models import Connection, Location, Membership, Role, User


def only_director_of(location, name="nora"):
    user = User.objects.create_user(username=name, password="correct-horse-battery")
    Membership.objects.create(user=user, practice=location.practice, location=location, role=Role.DIRECTOR)
    return user


@pytest.mark.parametrize(
    "who, code, role, outcome",
    [
        ("dana", "NORTH", Role.DIRECTOR, "open"),
        ("dana", "SOUTH", Role.DIRECTOR, "open"),
        ("dana", "NORTH", Role.AUDITOR, "refused"),
        ("mel", "NORTH", Role.MAPPING_EDITOR, "open"),
        ("mel", "NORTH", Role.DIRECTOR, "refused"),
        ("mel", "SOUTH", Role.MAPPING_EDITOR, "absent"),
        ("omar", "NORTH", Role.OPERATOR, "open"),
        ("omar", "SOUTH", Role.OPERATOR, "absent"),
        ("ava", "SOUTH", Role.AUDITOR, "open"),
        ("ava", "SOUTH", Role.OPERATOR, "refused"),
        ("sam", "SOUTH", Role.DIRECTOR, "absent"),
        ("dana", "ELSEWHERE", Role.DIRECTOR, "absent"),
    ],
)
def test_a_door_opens_is_refused_or_is_not_there(cast, who, code, role, outcome):
    user = getattr(cast, who)
    if outcome == "open":
        assert access.location_for(user, code, role).practice == cast.practice
        return
    with pytest.raises(PermissionDenied if outcome == "refused" else Http404):
        access.location_for(user, code, role)


def test_the_same_code_in_another_practice_is_another_location(cast):
    assert access.location_for(cast.sam, "NORTH") == cast.elsewhere
    assert access.location_for(cast.dana, "NORTH") == cast.north


def test_a_role_without_location_holds_at_every_location_even_a_new_one(cast):
    east = Location.objects.create(practice=cast.practice, code="EAST", name="East Clinic")
    assert set(access.locations_of(cast.dana)) == {cast.north, cast.south, east}
    assert access.roles_at(cast.dana, east) == {Role.DIRECTOR}


def test_a_role_at_one_location_gives_nothing_at_the_next(cast):
    assert set(access.locations_of(cast.omar)) == {cast.north}
    assert access.roles_at(cast.omar, cast.south) == frozenset()


def test_locations_can_be_asked_for_by_role(cast):
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.south, role=Role.CLINICIAN)
    assert set(access.locations_of(cast.omar)) == {cast.north, cast.south}
    assert set(access.locations_of(cast.omar, Role.OPERATOR)) == {cast.north}
    assert set(access.locations_of(cast.omar, Role.OPERATOR, Role.CLINICIAN)) == {cast.north, cast.south}


def test_a_superuser_without_membership_sees_nothing(cast):
    root = User.objects.create_superuser(username="root", password="correct-horse-battery")
    assert not access.locations_of(root).exists()
    for door in (lambda: access.practice_of(root), lambda: access.location_for(root, "NORTH")):
        with pytest.raises(Http404):
            door()


def test_a_person_of_two_practices_gets_into_neither_practice_wide(cast):
    Membership.objects.create(user=cast.dana, practice=cast.elsewhere.practice, role=Role.DIRECTOR)
    with pytest.raises(Http404):
        access.practice_of(cast.dana)


def test_a_membership_that_names_another_practices_location_opens_nothing(cast):
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.elsewhere, role=Role.DIRECTOR)
    assert cast.elsewhere not in access.locations_of(cast.omar)
    assert access.roles_at(cast.omar, cast.elsewhere) == frozenset()


def test_a_revoked_role_ends_at_once(cast):
    assert access.location_for(cast.omar, "NORTH", Role.OPERATOR)
    Membership.objects.filter(user=cast.omar).delete()
    with pytest.raises(Http404):
        access.location_for(cast.omar, "NORTH", Role.OPERATOR)


def test_what_belongs_to_the_whole_practice_needs_a_practice_wide_role(cast):
    assert access.practice_for(cast.dana, Role.DIRECTOR) == cast.practice
    nora = only_director_of(cast.north)
    with pytest.raises(access.WrongRole):
        access.practice_for(nora, Role.DIRECTOR)


def test_a_refusal_names_the_roles_that_would_do(cast):
    with pytest.raises(access.WrongRole) as refused:
        access.location_for(cast.omar, "NORTH", Role.DIRECTOR, Role.MAPPING_EDITOR)
    assert refused.value.needed == {Role.DIRECTOR, Role.MAPPING_EDITOR}
    assert refused.value.location == "NORTH"


def test_a_connection_is_seen_by_those_whose_location_it_serves(cast):
    spare = Connection.objects.create(practice=cast.practice, name="Spare", kind="hl7", environment="sandbox")
    assert access.connection_for(cast.omar, cast.hl7.pk) == cast.hl7
    assert set(access.connections_of(cast.omar)) == {cast.hl7, cast.reader}
    assert set(access.connections_of(cast.dana)) == {cast.hl7, cast.reader, spare}
    with pytest.raises(Http404):
        access.connection_for(cast.omar, spare.pk)


def test_a_stranger_finds_no_connection(cast):
    for pk in (cast.hl7.pk, cast.reader.pk, 999999):
        with pytest.raises(Http404):
            access.connection_for(cast.sam, pk)


def test_a_connection_with_the_wrong_role_is_refused(cast):
    with pytest.raises(PermissionDenied):
        access.connection_for(cast.omar, cast.hl7.pk, Role.DIRECTOR)


def test_a_director_of_one_location_may_not_change_what_another_uses(cast):
    nora = only_director_of(cast.north)
    assert access.connection_for(nora, cast.hl7.pk, Role.DIRECTOR) == cast.hl7
    with pytest.raises(PermissionDenied):
        access.connection_to_change(nora, cast.hl7.pk)
    cast.south.routes.all().delete()
    assert access.connection_to_change(nora, cast.hl7.pk) == cast.hl7
    assert access.connection_to_change(cast.dana, cast.hl7.pk) == cast.hl7
