"""Some of the locations, together: the list, its numbers, the figures, a bulk action; and how often it was tried."""

import html
from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from delivery import bell, filters, queries
from delivery.bulk.tables import JobItem
from delivery.filters import Filters
from delivery.monitor.cards import _nearing
from delivery.queries import Scope
from delivery.states import State
from portal.models import ApiKey, Location
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def east(cast) -> Location:
    return Location.objects.create(
        practice=cast.practice, code="EAST", name="East Clinic", reading_connection=cast.reader
    )


@pytest.fixture
def dana(cast, east, client):
    client.force_login(cast.dana)
    return client


@pytest.fixture
def one_each(cast, east) -> dict:
    return {place.code: make_delivery(cast, State.HELD, location=place) for place in (cast.north, cast.south, east)}


def text(response) -> str:
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def shown(page: str, made: dict) -> set:
    return {key for key, one in made.items() if f'id="d{one.pk}"' in page}


@pytest.mark.parametrize(
    "query, codes, number",
    [
        ("at=NORTH&at=EAST", {"NORTH", "EAST"}, 2),
        ("at=SOUTH", {"SOUTH"}, 1),
        ("", {"NORTH", "SOUTH", "EAST"}, 3),
        ("at=NORTH&at=NOWHERE", {"NORTH"}, 1),
        ("at=NOWHERE", set(), 0),
        ("at=north", set(), 0),
        ("at=NORTH&state=verified", set(), 1),
        ("at=NORTH&at=SOUTH&state=held&range=24h", {"NORTH", "SOUTH"}, 2),
    ],
)
def test_the_list_and_its_numbers_are_of_these(dana, one_each, query, codes, number):
    page = text(dana.get(f"/deliveries/?{query}"))
    assert shown(page, one_each) == codes
    assert shown(text(dana.get(f"/deliveries/rows/?{query}")), one_each) == codes
    assert f">{number}<" in page.split('id="tab-0"')[1].split("</a>")[0]


def test_the_figures_above_are_of_these_and_lead_back_to_them(dana, one_each):
    for address in ("/deliveries/?", "/deliveries/above/?"):
        page = text(dana.get(f"{address}at=NORTH&at=EAST"))
        for number in (1, 4):
            card = page.split(f'id="card-{number}"')[1].split("</a>")[0]
            assert 'stat-value">2<' in card
            assert "at=NORTH&at=EAST" in card
        assert "?at=NORTH&at=EAST&since=" in page
        assert 'deliveries/?at=NORTH&at=EAST&"' in page  # where dragging over the bars leads


def test_figures_of_no_place_are_not_shown(dana, one_each):
    assert 'id="above"' not in text(dana.get("/deliveries/?at=NOWHERE"))


def test_an_open_page_keeps_the_way_back_from_a_chosen_time(dana, one_each):
    page = text(dana.get("/deliveries/above/?since=2026-03-01&state=held"))
    assert "Whole time" not in page or "state=held" in page.split("Whole time")[0]


def test_each_is_a_chip_by_its_name(dana, one_each):
    page = text(dana.get("/deliveries/?at=NORTH&at=NOWHERE"))
    assert "Remove: North Clinic" in page
    assert "Remove: NOWHERE" in page


def test_a_place_of_another_practice_is_none_of_them(cast, dana, one_each):
    """Its code is ours too: only ours is meant."""
    theirs = make_delivery(cast, location=cast.elsewhere)
    assert f'id="d{theirs.pk}"' not in text(dana.get("/deliveries/?at=NORTH"))
    assert queries.within(Scope((cast.south,)), Filters(at=("NORTH",))).locations == ()
    assert queries.within(Scope((cast.south,)), Filters()).locations == (cast.south,)


def test_a_bulk_action_takes_these_only(cast, dana, one_each, monkeypatch):
    monkeypatch.setattr(bell, "publish", lambda task, identifier: None)
    dana.post("/deliveries/bulk/cancel/?at=SOUTH&at=EAST", {"reason": "mapped elsewhere by now"})
    found = set(JobItem.objects.values_list("delivery", flat=True))
    assert found == {one_each["SOUTH"].pk, one_each["EAST"].pk}


def test_where_there_is_one_place_none_is_offered(cast, client):
    client.force_login(cast.omar)
    assert 'name="at"' not in text(client.get("/deliveries/"))


def test_the_chosen_ones_are_ticked_and_other_filters_stay(dana, one_each):
    before, after = text(dana.get("/deliveries/?at=EAST&state=held")).split("Only these, together")
    form = before.rsplit("<form", 1)[1] + after.split("</form>")[0]
    assert 'name="at" value="EAST" checked' in form
    assert 'name="at" value="NORTH">' in form
    assert 'name="state" value="held"' in form
    assert 'type="hidden" name="at"' not in form


@pytest.mark.parametrize(
    "given, kept", [("2", "2"), ("3", "3"), ("5", "5"), ("1", ""), ("x", ""), ("", ""), ("99", "")]
)
def test_only_the_offered_numbers_of_attempts_are_taken(given, kept):
    assert filters.read(QueryDict(f"tries={given}")).tries == kept


@pytest.mark.parametrize("least, found", [("2", {2, 3, 6}), ("3", {3, 6}), ("5", {6})])
def test_what_was_tried_so_often_is_found_whatever_came_of_it(cast, dana, least, found):
    made = {
        number: make_delivery(cast, State.VERIFIED, tries=["unavailable"] * (number - 1) + ["accepted"])
        for number in (1, 2, 3, 6)
    }
    page = text(dana.get(f"/deliveries/?tries={least}"))
    assert shown(page, made) == found
    assert f"Remove: Attempts, at least {least}" in page
    assert f'<option value="{least}" selected>' in text(dana.get(f"/deliveries/narrow/?tries={least}"))


@pytest.mark.parametrize(
    "days, said",
    [
        ([], ""),
        ([100], ""),
        ([3], "as many near their end as a week ago"),
        ([10], "1 more near their end than a week ago"),
        ([3, 10, 12, 300], "2 more near their end than a week ago"),
        ([-30], "as many near their end as a week ago"),
    ],
)
def test_how_many_have_come_near_their_end_since_a_week_ago(days, said):
    assert _nearing([NOW + timedelta(days=day) for day in days], NOW) == said


def test_the_card_of_what_ends_says_it(cast, dana, one_each):
    ends = timezone.now() + timedelta(days=9)
    ApiKey.objects.create(scribe=cast.scribe, prefix="sk_1", mac="x", environment="sandbox", expires_at=ends)
    card = text(dana.get("/deliveries/above/")).split('id="card-6"')[1].split("</a>")[0]
    assert "1 more near their end than a week ago" in card
