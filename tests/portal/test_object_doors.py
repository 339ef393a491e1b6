"""The door of each thing that belongs to a whole practice: whose it is, with which role, and not a step beyond."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.utils import timezone

from portal import access
from portal.access import WrongRole
from portal.models import (
    Agreement,
    ApiKey,
    Connection,
    EmergencyAccess,
    GroupRole,
    Location,
    Membership,
    Practice,
    Role,
    Route,
    Scribe,
    User,
)
from tests.cast import has_the_installation_alone


def scribe(practice, location, user):
    return Scribe.objects.create(practice=practice, name="Quill")


def key(practice, location, user):
    return ApiKey.objects.create(
        scribe=scribe(practice, location, user), prefix=f"sk_{practice.pk}", mac="x", environment="sandbox"
    )


def agreement(practice, location, user):
    return Agreement.objects.create(practice=practice, kind="baa_ecw", party="eCW", signed_on=date(2026, 1, 1))


def group(practice, location, user):
    return GroupRole.objects.create(practice=practice, group="operators", location=location, role=Role.OPERATOR)


def emergency(practice, location, user):
    now = timezone.now()
    ends = now + timedelta(hours=1)
    return EmergencyAccess.objects.create(user=user, practice=practice, reason="x", opened_at=now, ends_at=ends)


def person(practice, location, user):
    return user


DOORS = {
    "scribe": (scribe, access.scribe_for),
    "key": (key, access.key_for),
    "agreement": (agreement, access.agreement_for),
    "group": (group, access.group_role_for),
    "emergency": (emergency, access.emergency_for),
    "person": (person, access.person_for),
}


@pytest.fixture(params=DOORS)
def door(request, cast):
    """One kind of thing: a row of Lakeside's, a row of Harbor's, and the way to either."""
    make, way = DOORS[request.param]
    own = make(cast.practice, cast.north, cast.omar)
    return own, make(cast.elsewhere.practice, cast.elsewhere, cast.sam), way


class TestAThingOfThePractice:
    def test_is_opened_by_whoever_holds_the_role_everywhere(self, cast, door):
        own, _, way = door
        assert way(cast.dana, own.pk, Role.DIRECTOR) == own

    def test_is_not_there_for_another_practices_director(self, cast, door):
        own, _, way = door
        with pytest.raises(Http404):
            way(cast.sam, own.pk, Role.DIRECTOR)

    def test_is_that_of_ones_own_practice_alone(self, cast, door):
        _, foreign, way = door
        with pytest.raises(Http404):
            way(cast.dana, foreign.pk, Role.DIRECTOR)
        assert way(cast.sam, foreign.pk, Role.DIRECTOR) == foreign

    @pytest.mark.parametrize("who", ["mel", "omar", "ava"])
    def test_is_refused_to_other_roles_whose_ever_it_is(self, cast, door, who):
        """The same answer for one that is there, one of another practice and one that never was: nothing is learnt."""
        own, foreign, way = door
        for pk in (own.pk, foreign.pk, 999_999):
            with pytest.raises(WrongRole) as refused:
                way(getattr(cast, who), pk, Role.DIRECTOR)
            assert (refused.value.needed, refused.value.location) == ({Role.DIRECTOR}, "")

    def test_is_refused_to_a_director_of_one_location(self, cast, door):
        own, _, way = door
        Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.north, role=Role.DIRECTOR)
        with pytest.raises(WrongRole):
            way(cast.omar, own.pk, Role.DIRECTOR)

    def test_is_closed_again_with_the_role(self, cast, door):
        own, _, way = door
        Membership.objects.filter(user=cast.dana).update(location=cast.north)
        with pytest.raises(WrongRole):
            way(cast.dana, own.pk, Role.DIRECTOR)

    def test_is_not_there_for_somebody_of_no_practice_though_a_superuser(self, cast, door):
        own, _, way = door
        with pytest.raises(Http404):
            way(User.objects.create_superuser("root"), own.pk, Role.DIRECTOR)

    def test_is_not_there_for_somebody_of_two_practices(self, cast, door):
        own, foreign, way = door
        Membership.objects.create(user=cast.dana, practice=cast.elsewhere.practice, role=Role.DIRECTOR)
        for row in (own, foreign):
            with pytest.raises(Http404):
                way(cast.dana, row.pk, Role.DIRECTOR)


def test_our_own_scribe_that_posts_invented_notes_is_nobodys_to_open(cast):
    ours = Scribe.objects.create(practice=cast.practice, name="Synthetic", synthetic=True)
    with pytest.raises(Http404):
        access.scribe_for(cast.dana, ours.pk, Role.DIRECTOR)


def test_somebody_with_several_roles_is_one_person_at_the_door(cast):
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.south, role=Role.CLINICIAN)
    Membership.objects.create(user=cast.omar, practice=cast.practice, role=Role.AUDITOR)
    assert access.person_for(cast.dana, cast.omar.pk, Role.DIRECTOR) == cast.omar


def test_a_disabled_person_is_still_found_by_their_director(cast):
    User.objects.filter(pk=cast.omar.pk).update(is_active=False)
    assert access.person_for(cast.dana, cast.omar.pk, Role.DIRECTOR) == cast.omar


def test_somebody_who_lost_every_role_is_nobodys_person(cast):
    cast.omar.memberships.all().delete()
    with pytest.raises(Http404):
        access.person_for(cast.dana, cast.omar.pk, Role.DIRECTOR)


class TestRolesHeld:
    def test_anywhere_do_for_a_list_and_are_all_named(self, cast):
        Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.south, role=Role.CLINICIAN)
        assert access.somewhere(cast.omar, Role.CLINICIAN) == {Role.OPERATOR, Role.CLINICIAN}

    def test_of_another_kind_do_not_and_the_refusal_says_which_would(self, cast):
        with pytest.raises(WrongRole) as refused:
            access.somewhere(cast.omar, Role.DIRECTOR, Role.AUDITOR)
        assert refused.value.needed == {Role.DIRECTOR, Role.AUDITOR}

    def test_of_any_kind_do_where_none_is_named(self, cast):
        assert access.somewhere(cast.mel) == {Role.MAPPING_EDITOR}
        with pytest.raises(WrongRole) as refused:
            access.somewhere(User.objects.create_user("nobody"))
        assert refused.value.needed == access.EVERY_ROLE

    def test_at_one_location_are_not_held_everywhere_though_it_is_the_only_one(self, cast):
        assert access.roles_everywhere(cast.omar) == frozenset()
        assert access.roles_of(cast.omar) == {Role.OPERATOR}
        assert access.roles_everywhere(cast.ava) == {Role.AUDITOR}

    def test_everywhere_and_at_one_place_come_together_there(self, cast):
        Membership.objects.create(user=cast.ava, practice=cast.practice, location=cast.north, role=Role.OPERATOR)
        assert access.roles_at(cast.ava, cast.north) == {Role.AUDITOR, Role.OPERATOR}
        assert access.roles_at(cast.ava, cast.south) == {Role.AUDITOR}

    def test_everywhere_in_one_practice_are_none_in_the_next(self, cast):
        assert access.roles_at(cast.dana, cast.elsewhere) == frozenset()


class TestTheInstallation:
    def test_is_the_directors_to_decide_where_one_practice_has_it(self, cast):
        has_the_installation_alone(cast)
        decide = {
            name for name in ("dana", "mel", "omar", "ava") if access.decides_for_installation(getattr(cast, name))
        }
        assert decide == {"dana"}

    def test_is_nobodys_where_two_share_it(self, cast):
        assert not access.decides_for_installation(cast.dana)
        assert not access.decides_for_installation(cast.sam)

    def test_is_no_longer_ones_own_when_a_second_practice_comes(self, cast):
        has_the_installation_alone(cast)
        Practice.objects.create(code="third", name="Third")
        assert not access.decides_for_installation(cast.dana)

    def test_is_not_a_director_of_one_locations_to_decide(self, cast):
        has_the_installation_alone(cast)
        Membership.objects.filter(user=cast.omar).update(role=Role.DIRECTOR)
        assert not access.decides_for_installation(cast.omar)


class TestTheLogNames:
    def test_the_practice_of_whoever_acts(self, cast):
        assert [access.practice_code_of(one) for one in (cast.omar, cast.sam)] == ["lakeside", "harbor"]

    def test_none_for_a_visitor_and_for_somebody_of_no_practice(self, cast):
        assert access.practice_code_of(AnonymousUser()) == ""
        assert access.practice_code_of(User.objects.create_user("nobody")) == ""


class TestAConnection:
    def test_serves_where_notes_go_and_where_charts_are_read(self, cast):
        assert set(access.serves(cast.hl7)) == {cast.north, cast.south}
        assert set(access.serves(cast.reader)) == {cast.north, cast.south}

    def test_that_does_both_for_one_location_serves_it_once(self, cast):
        Route.objects.create(location=cast.north, part="diagnoses", connection=cast.reader)
        Route.objects.create(location=cast.north, part="medications", connection=cast.reader)
        assert sorted(access.serves(cast.reader).values_list("code", flat=True)) == ["NORTH", "SOUTH"]

    def test_that_serves_nobody_is_seen_by_the_whole_practices_people_only(self, cast):
        spare = Connection.objects.create(practice=cast.practice, name="Spare", kind="hl7", environment="sandbox")
        seen = {
            name
            for name in ("dana", "ava", "mel", "omar", "sam")
            if spare in access.connections_of(getattr(cast, name))
        }
        assert seen == {"dana", "ava"}

    def test_is_not_gone_from_view_because_it_is_switched_off(self, cast):
        Connection.objects.filter(pk=cast.hl7.pk).update(enabled=False)
        assert access.connection_for(cast.omar, cast.hl7.pk, Role.OPERATOR) == cast.hl7

    def test_is_seen_with_the_location_and_gone_with_it(self, cast):
        Location.objects.filter(pk=cast.north.pk).update(reading_connection=None)
        assert set(access.connections_of(cast.omar)) == {cast.hl7}
        cast.north.routes.all().delete()
        assert not access.connections_of(cast.omar).exists()

    def test_is_changed_by_a_director_of_each_location_it_serves(self, cast):
        nora = User.objects.create_user("nora")
        for place in (cast.north, cast.south):
            Membership.objects.create(user=nora, practice=cast.practice, location=place, role=Role.DIRECTOR)
        assert access.connection_to_change(nora, cast.reader.pk) == cast.reader
        east = Location.objects.create(practice=cast.practice, code="EAST", name="East", reading_connection=cast.reader)
        with pytest.raises(WrongRole):
            access.connection_to_change(nora, cast.reader.pk)
        Membership.objects.create(user=nora, practice=cast.practice, location=east, role=Role.DIRECTOR)
        assert access.connection_to_change(nora, cast.reader.pk) == cast.reader

    def test_is_not_changed_by_operating_at_the_other_location(self, cast):
        nora = User.objects.create_user("nora")
        for place, role in ((cast.north, Role.DIRECTOR), (cast.south, Role.OPERATOR)):
            Membership.objects.create(user=nora, practice=cast.practice, location=place, role=role)
        with pytest.raises(WrongRole) as refused:
            access.connection_to_change(nora, cast.hl7.pk)
        assert refused.value.needed == {Role.DIRECTOR}

    def test_of_another_practice_is_not_there_though_one_directs_everything_at_home(self, cast):
        theirs = Connection.objects.create(
            practice=cast.elsewhere.practice, name="Theirs", kind="hl7", environment="sandbox"
        )
        Route.objects.create(location=cast.elsewhere, part="note", connection=theirs)
        with pytest.raises(Http404):
            access.connection_to_change(cast.dana, theirs.pk)
        assert access.connection_to_change(cast.sam, theirs.pk) == theirs
