"""The page of what waits in eCW's App Data: by location, the oldest first, with what to do; nobody's name stands in it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from delivery.entry_verification import LOOKED_FOR
from delivery.failures import CATALOGUE, Button
from delivery.left_in_ecw import LONG, SHOWN, todo, waiting_at
from delivery.models import Delivery
from portal.models import Membership
from tests.browsing import assert_accessible, assert_fits
from tests.delivery.fhir import words
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
PAGE = "/deliveries/app-data/"


def waits(cast, part: str = "diagnoses", ago: timedelta = timedelta(hours=1), **note) -> Delivery:
    made = make_delivery(cast, "accepted", part=part, **note)
    Delivery.objects.filter(pk=made.pk).update(
        proof="app_data", reason_code="waits_in_app_data", accepted_at=timezone.now() - ago
    )
    return made


def test_the_oldest_comes_first_with_its_age_and_what_to_do(cast):
    young, old = waits(cast), waits(cast, "allergies", timedelta(days=5))
    [place] = waiting_at([cast.north])
    assert [row.delivery.pk for row in place.rows] == [old.pk, young.pk]
    assert (place.total, place.long) == (2, 1)
    assert [row.long for row in place.rows] == [True, False]
    assert place.oldest == place.rows[0].since


@pytest.mark.parametrize("state", ["verified", "misfiled", "held", "unknown", "rejected"])
def test_only_what_waits_is_listed(cast, state):
    make_delivery(cast, state, part="diagnoses")
    make_delivery(cast, "accepted")
    [place] = waiting_at([cast.north])
    assert (place.rows, place.total, place.oldest) == ((), 0, None)


def test_a_location_with_hundreds_shows_the_oldest_and_counts_all(cast, monkeypatch):
    monkeypatch.setattr("delivery.left_in_ecw.SHOWN", 2)
    for hours in (1, 2, 3):
        waits(cast, ago=timedelta(hours=hours))
    [place] = waiting_at([cast.north])
    assert (len(place.rows), place.total) == (2, 3)
    assert SHOWN == 200


@pytest.mark.parametrize(
    "part, age, words_of_it",
    [
        ("diagnoses", timedelta(hours=1), "found here by itself"),
        ("diagnoses", LONG + timedelta(hours=1), "whether anybody looks"),
        ("diagnoses", LOOKED_FOR + timedelta(days=1), "not looked for any more"),
        ("immunizations", timedelta(hours=1), "eCW answers no search"),
        ("immunizations", timedelta(days=90), "eCW answers no search"),
    ],
)
def test_what_is_to_be_done_depends_on_kind_and_age(part, age, words_of_it):
    assert words_of_it in todo(Delivery(part=part), age)


def test_it_costs_the_same_however_many_wait(cast, django_assert_max_num_queries):
    for _ in range(12):
        waits(cast)
    with django_assert_max_num_queries(4):
        waiting_at([cast.north])


def test_the_page_names_location_kind_and_way_and_no_patient(cast, client):
    waits(cast, "medications", timedelta(days=4))
    client.force_login(cast.dana)
    page = client.get(PAGE).content.decode()
    said = words(page)
    assert "North Clinic" in said
    assert "Medications" in said
    assert "1 for more than 3 days" in said
    assert "Okafor" not in page
    assert "P1001" not in page


def test_nothing_waits_is_said_in_words(cast, client):
    client.force_login(cast.dana)
    assert "Nothing waits in App Data" in words(client.get(PAGE).content.decode())


def test_who_works_at_one_location_sees_that_one(cast, client):
    waits(cast)
    there = waits(cast, location=cast.south)
    client.force_login(cast.omar)  # NORTH alone
    page = client.get(PAGE).content.decode()
    assert reverse("delivery:delivery", args=[there.pk]) not in page
    assert "South Clinic" not in words(page).replace("Switch", "")


def test_another_practices_director_sees_nothing_of_it(cast, client):
    made = waits(cast)
    client.force_login(cast.sam)
    assert reverse("delivery:delivery", args=[made.pk]) not in client.get(PAGE).content.decode()


def test_a_mapping_editor_has_no_business_here(cast, client):
    assert Membership.objects.filter(user=cast.mel).values_list("role", flat=True)[0] == "mapping_editor"
    client.force_login(cast.mel)
    assert client.get(PAGE).status_code == 403


def test_the_reason_of_such_a_delivery_leads_here(cast, client):
    made = waits(cast)
    assert CATALOGUE["waits_in_app_data"].button == Button.APP_DATA
    client.force_login(cast.dana)
    assert PAGE in client.get(f"/deliveries/{made.pk}/").content.decode()


@pytest.mark.browser
@pytest.mark.parametrize("theme, width", [("light", 390), ("dark", 1440)])
def test_the_page_can_be_used_by_everybody(cast, page, sign_in, browsing, live_portal, theme, width):
    waits(cast, ago=timedelta(days=4))
    waits(cast, "allergies")
    browsing.add_cookies([{"name": "appearance", "value": theme, "url": live_portal}])
    sign_in(cast.dana)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(PAGE)
    page.screenshot(path=f"/tmp/ways/app-data-{theme}-{width}.png")
    assert_accessible(page)
    assert_fits(page)
    for there in ("/codes/drugs/", "/codes/diagnoses/", "/settings/locations/NORTH/"):
        page.goto(there)
        page.screenshot(path=f"/tmp/ways/{there.strip('/').replace('/', '-')}-{theme}-{width}.png")
        assert_fits(page)
