"""The list's eye that asks why before it shows a patient, and the line that says how many more one may not see."""

import pytest

from audit.models import AuditEvent
from delivery.states import State
from portal.models import Location, Membership, Role, User
from tests.delivery.rows import LENA, make_delivery

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
LIST = "/deliveries/"


def person(cast, role: Role, *locations) -> User:
    user = User.objects.create_user(f"{role}-{len(locations)}", password="correct-horse-battery")
    for location in locations or (None,):
        Membership.objects.create(user=user, practice=cast.practice, location=location, role=role)
    return user


def shown(client, address: str = LIST) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


class TestTheEye:
    def test_a_row_offers_it_to_those_who_may_see_who_the_patient_is(self, cast, client):
        one = make_delivery(cast)
        for role in Role:
            client.force_login(person(cast, role))
            answer = client.get(LIST)
            offered = f'data-menu="/deliveries/{one.pk}/patient/"' in answer.content.decode()
            assert offered == (role in (Role.DIRECTOR, Role.OPERATOR, Role.CLINICIAN)), role

    def test_at_the_locations_of_that_role_only(self, cast, client):
        user = person(cast, Role.OPERATOR, cast.north)
        Membership.objects.create(user=user, practice=cast.practice, location=cast.south, role=Role.AUDITOR)
        north, south = make_delivery(cast), make_delivery(cast, location=cast.south)
        client.force_login(user)
        page = shown(client)
        assert f"/deliveries/{north.pk}/patient/" in page
        assert f'id="d{south.pk}"' in page
        assert f"/deliveries/{south.pk}/patient/" not in page

    def test_pressing_it_asks_for_the_reason_and_shows_nobody(self, cast, client):
        one = make_delivery(cast)
        client.force_login(cast.dana)
        before = AuditEvent.objects.count()
        asked = client.get(f"/deliveries/{one.pk}/patient/", headers=HTMX).content.decode()
        assert "Why do you need to see the patient?" in asked
        for word in (LENA["id"], LENA["family"], LENA["given"]):
            assert word not in asked
        assert AuditEvent.objects.count() == before

    def test_with_a_reason_the_patient_is_shown_and_the_look_recorded(self, cast, client):
        one = make_delivery(cast)
        client.force_login(cast.dana)
        answer = client.post(f"/deliveries/{one.pk}/patient/", {"reason": "The clinic called"}, headers=HTMX)
        assert LENA["family"] in answer.content.decode()
        event = AuditEvent.objects.get(event="note.view")
        assert (event.reason, event.detail["what"]) == ("The clinic called", "patient")

    def test_without_one_nobody_is_shown(self, cast, client):
        one = make_delivery(cast)
        client.force_login(cast.dana)
        answer = client.post(f"/deliveries/{one.pk}/patient/", {"reason": "x"}, headers=HTMX)
        assert LENA["family"] not in answer.content.decode()
        assert not AuditEvent.objects.filter(event="note.view").exists()

    def test_a_stranger_and_the_wrong_role_are_not_even_asked(self, cast, client):
        one = make_delivery(cast)
        client.force_login(person(cast, Role.METADATA_ONLY))
        assert client.get(f"/deliveries/{one.pk}/patient/", headers=HTMX).status_code == 403
        client.force_login(person(cast, Role.OPERATOR, cast.south))
        assert client.get(f"/deliveries/{one.pk}/patient/", headers=HTMX).status_code == 404

    def test_it_is_no_page_of_its_own(self, cast, client):
        one = make_delivery(cast)
        client.force_login(cast.dana)
        assert client.get(f"/deliveries/{one.pk}/patient/").status_code == 405


class TestMoreThatOneMayNotSee:
    WORDS = "more that you may not see"

    @pytest.fixture
    def nora(self, cast, client):
        client.force_login(person(cast, Role.OPERATOR, cast.north))
        return client

    def test_it_counts_what_matches_at_locations_of_the_practice_without_a_role(self, cast, nora):
        make_delivery(cast)
        for state in (State.HELD, State.HELD, State.VERIFIED):
            make_delivery(cast, state, location=cast.south)
        make_delivery(cast, State.HELD, location=cast.elsewhere)
        assert f"3 {self.WORDS}" in shown(nora)
        assert f"2 {self.WORDS}" in shown(nora, f"{LIST}?state=held")
        assert self.WORDS not in shown(nora, f"{LIST}?state=rejected")

    def test_also_where_nothing_of_ones_own_matches_and_in_the_live_part(self, cast, nora):
        make_delivery(cast, State.HELD, location=cast.south)
        assert f"1 {self.WORDS}" in shown(nora, f"{LIST}?state=held")
        assert f"1 {self.WORDS}" in shown(nora, f"{LIST}rows/?state=held")

    def test_a_location_at_which_the_role_sees_no_deliveries_counts_too(self, cast, client):
        user = person(cast, Role.OPERATOR, cast.north)
        Membership.objects.create(user=user, practice=cast.practice, location=cast.south, role=Role.MAPPING_EDITOR)
        make_delivery(cast, location=cast.south)
        client.force_login(user)
        assert f"1 {self.WORDS}" in shown(client)

    def test_nothing_of_them_but_the_number_stands_there(self, cast, nora):
        hidden = make_delivery(cast, State.HELD, location=cast.south)
        page = shown(nora)
        assert f'id="d{hidden.pk}"' not in page
        assert "SOUTH" not in page

    def test_of_one_patient_visit_or_note_it_says_nothing(self, cast, nora):
        one = make_delivery(cast, location=cast.south)
        version = one.note_version
        for address in (
            f"patient={version.patient_bidx}",
            f"encounter={one.encounter_bidx}",
            f"note={one.note_id.hex}",
            f"control={one.control_id}",
            f"id={one.pk}",
        ):
            assert self.WORDS not in shown(nora, f"{LIST}?{address}"), address

    def test_who_sees_all_or_has_chosen_some_is_told_nothing(self, cast, client):
        make_delivery(cast, location=cast.south)
        client.force_login(cast.dana)
        assert self.WORDS not in shown(client)
        client.force_login(person(cast, Role.OPERATOR, cast.north))
        assert self.WORDS in shown(client)
        assert self.WORDS not in shown(client, f"{LIST}?location=NORTH")
        assert self.WORDS not in shown(client, f"{LIST}?location=all&at=NORTH")

    def test_a_place_of_learning_is_no_location_of_theirs(self, cast, nora):
        Location.objects.filter(pk=cast.south.pk).update(for_learning=True)
        make_delivery(cast, location=cast.south)
        assert self.WORDS not in shown(nora)
