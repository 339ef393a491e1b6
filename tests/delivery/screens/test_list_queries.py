"""The list's reads: every delivery once, whatever the page size and whatever happens meanwhile."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from delivery import actions, filters, lanes, queries, tabs
from delivery.filters import GROUPS, Filters
from delivery.models import Delivery
from delivery.states import State
from delivery.transition import tickets, transition
from portal import crypto
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana(cast):
    return queries.Scope((cast.north, cast.south))


def ids(found) -> list[int]:
    return [delivery.pk for delivery in found]


def walk(found, size: int) -> list[list[int]]:
    """Every page from the newest to the oldest."""
    pages, cursor = [], None
    while True:
        shown = queries.page(found, cursor, size)
        pages.append(ids(shown.deliveries))
        if shown.older is None:
            return pages
        cursor = queries.read_cursor(str(shown.older), older=True)


def test_only_the_scopes_locations_are_looked_at(cast, dana):
    mine = make_delivery(cast)
    make_delivery(cast, location=cast.elsewhere)
    assert ids(queries.matching(dana, Filters())) == [mine.pk]
    assert ids(queries.matching(queries.Scope((cast.south,)), Filters())) == []
    assert ids(queries.matching(queries.Scope(()), Filters())) == []


@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments=st.lists(st.integers(0, 3), max_size=12), size=st.integers(1, 5))
def test_paging_shows_every_delivery_once_newest_first(cast, dana, moments, size):
    Delivery.objects.all().update(location=cast.elsewhere)  # the last example's
    start = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)
    made = [make_delivery(cast, State.HELD, received_at=start + timedelta(seconds=m)) for m in moments]
    found = queries.matching(dana, Filters())
    pages = walk(found, size)
    expected = [d.pk for d in sorted(made, key=lambda d: (d.created_at, d.pk), reverse=True)]
    assert [pk for shown in pages for pk in shown] == expected
    assert all(len(shown) == size for shown in pages[:-1])


def test_going_back_shows_the_same_pages(cast, dana):
    for number in range(7):
        make_delivery(cast, State.HELD, received_at=timezone.now() - timedelta(minutes=number))
    found = queries.matching(dana, Filters())
    first = queries.page(found, None, 3)
    second = queries.page(found, first.older, 3)
    third = queries.page(found, second.older, 3)
    assert third.older is None
    assert ids(queries.page(found, third.newer, 3).deliveries) == ids(second.deliveries)
    back = queries.page(found, second.newer, 3)
    assert ids(back.deliveries) == ids(first.deliveries)
    assert back.newer is None
    assert first.newer is None


def test_what_arrives_while_one_pages_shifts_nothing(cast, dana):
    for number in range(4):
        make_delivery(cast, State.HELD, received_at=timezone.now() - timedelta(minutes=number + 1))
    found = queries.matching(dana, Filters())
    first = queries.page(found, None, 2)
    make_delivery(cast, State.HELD)
    second = queries.page(found, first.older, 2)
    assert len({*ids(first.deliveries), *ids(second.deliveries)}) == 4


@pytest.mark.parametrize("text", ["", "x-1", "1-", "-1", "1-2-3", "9" * 40 + "-1", "1-" + "9" * 40, "١-٢"])
def test_a_cursor_that_is_none_is_ignored(text):
    assert queries.read_cursor(text, older=True) is None or text == "١-٢"


def test_each_filter_narrows_to_its_own(cast, dana):
    held = make_delivery(cast, State.HELD, provider=("DR9", "Bo Ray"))
    south = make_delivery(cast, State.VERIFIED, location=cast.south)
    old = make_delivery(cast, State.VERIFIED, received_at=timezone.now() - timedelta(days=3))
    late = make_delivery(cast, State.VERIFIED, tries=["unavailable", "accepted"])
    sought = {
        "state=held": {held},
        "state=attention": {held},
        "state=held&state=verified": {held, south, old, late},
        "provider=DR9": {held},
        "part=note": {held, south, old, late},
        "part=medications": set(),
        "range=24h": {held, south, late},
        "failed=1": {late},
        f"note={old.note_id.hex}": {old},
        f"control={old.control_id}": {old},
        f"patient={old.note_version.patient_bidx}": {held, south, old, late},
        f"patient={crypto.blind_index('patient', 'P9')}": set(),
        "found=none": set(),
        "state=nonsense": {held, south, old, late},
    }
    for address, expected in sought.items():
        found = queries.matching(dana, filters.read(QueryDict(address)))
        assert set(found) == expected, address


def test_a_day_is_the_locations_day(cast, dana):
    # 23:30 on the 18th in New York is the 19th in UTC.
    late = make_delivery(cast, received_at=datetime(2026, 3, 19, 3, 30, tzinfo=UTC))
    on = [set(queries.matching(dana, Filters(since=day, until=day))) for day in ("2026-03-18", "2026-03-19")]
    assert on == [{late}, set()]


def test_counts_are_those_of_the_filtered_lists(cast, dana):
    for state in State:
        make_delivery(cast, state)
    make_delivery(cast, State.HELD, provider=("DR9", "Bo Ray"))
    numbers = queries.counts(queries.matching(dana, Filters()))
    assert numbers["all"] == len(State) + 1
    assert numbers["held"] == 2
    assert numbers["attention"] == len(GROUPS["attention"]) + 1
    assert queries.counts(queries.matching(dana, Filters(provider=("DR9",))))["all"] == 1
    assert queries.counts(queries.matching(queries.Scope(()), Filters()))["all"] == 0


@pytest.mark.parametrize(
    "address, expected",
    [
        ("provider=DR9", {"all": 3, "held": 1, "verified": 1, "rejected": 1, "attention": 2}),
        ("provider=DR9&provider=DR7", {"all": 5, "held": 2, "verified": 2}),
        ("failed=1", {"all": 2, "verified": 1, "rejected": 1, "held": 0}),
        ("failed=1&provider=DR7", {"all": 1, "verified": 1, "rejected": 0}),
        ("method=hl7", {"all": 5}),
        ("method=fhir", {"all": 0}),
        ("reason=no_route", {"all": 1, "held": 1}),
        ("part=medications", {"all": 1, "verified": 1}),
        ("part=medications&part=note", {"all": 5}),
        ("part=medications&provider=DR7", {"all": 0}),
    ],
)
@pytest.mark.parametrize("most", [1000, 1])
def test_what_many_rows_are_narrowed_by_is_counted_by_state(cast, dana, monkeypatch, address, expected, most):
    """Up to the most that is counted: of the only one of its state that is exact as well."""
    ray = ("DR9", "Bo Ray")
    make_delivery(cast, State.HELD, provider=ray, reason_code="no_route")
    make_delivery(cast, State.VERIFIED, provider=ray, part="medications")
    make_delivery(cast, State.REJECTED, provider=ray, location=cast.south)
    make_delivery(cast, State.HELD)
    make_delivery(cast, State.VERIFIED, tries=["no_answer", "accepted"])
    make_delivery(cast, State.REJECTED, provider=ray, location=cast.elsewhere)
    monkeypatch.setattr(queries, "MANY", most)
    numbers = queries.counts(queries.matching(dana, filters.read(QueryDict(address))))
    found = {name: numbers[name] for name in expected}
    if most == 1000:
        assert found == expected
    else:
        states = {state.value for state in State} & found.keys()
        assert {name: found[name] for name in states} == {name: min(1, expected[name]) for name in states}


def test_a_delivery_that_failed_once_is_found_whatever_came_later(cast, dana):
    """Written with the very move, by whoever makes it."""
    ways = {
        (State.READY, State.SENDING, State.ACCEPTED): False,
        (State.READY, State.SENDING, State.READY): True,
        (State.READY, State.SENDING, State.REJECTED): True,
        (State.READY, State.SENDING, State.UNKNOWN, State.ACCEPTED): True,
        (State.READY, State.SENDING, State.ACCEPTED, State.MISFILED, State.VERIFIED): True,
        (State.READY, State.HELD, State.READY): False,
        (State.READY, State.PARKED, State.READY): True,
        (State.READY, State.SUPERSEDED): False,
        (State.READY, State.CANCELLED): False,
    }
    found = {}
    for way, failed in ways.items():
        one = make_delivery(cast, way[0])
        for old, new in pairwise(way):
            with transaction.atomic():
                assert transition(tickets([one.pk]), old, new)
        found[one] = failed
    shown = set(queries.matching(dana, Filters(failed="1")))
    assert {one: one in shown for one in found} == found


def test_what_is_sent_again_begins_anew_and_keeps_its_provider(cast, dana):
    old = make_delivery(cast, State.REJECTED, provider=("DR9", "Bo Ray"))
    old.lane = lanes.lane_for(cast.hl7.pk, 1, old.encounter_bidx)
    old.save(update_fields=["lane"])
    with transaction.atomic():
        (again,) = actions.replay([old.pk], "the receiver was down", same_identity=False)
    assert (again.provider_id, again.ever_failed) == ("DR9", False)
    assert set(queries.matching(dana, Filters(failed="1"))) == {old}
    assert set(queries.matching(dana, Filters(provider=("DR9",)))) == {old, again}


def test_providers_are_offered_by_name_each_once_and_only_of_the_scope(cast, dana):
    for provider in (("DR9", "Bo Ray"), ("DR7", "Ann Lee"), ("DR9", "Bo Ray"), ("", "No Body")):
        make_delivery(cast, provider=provider)
    make_delivery(cast, provider=("DR1", "Al Elsewhere"), location=cast.elsewhere)
    assert tabs.providers(dana) == [("DR7", "Ann Lee"), ("DR9", "Bo Ray")]
    assert tabs.providers(queries.Scope((cast.south,))) == []
    labels = [chip.label for chip in tabs.chips(Filters(provider=("DR9", "DR1", "DR0")), dana)]
    assert labels == ["Bo Ray", "DR1", "DR0"]


def test_the_kind_of_a_connection_of_another_practice_finds_nothing(cast, dana):
    make_delivery(cast)
    other = queries.Scope((cast.elsewhere,))
    assert not queries.matching(other, Filters(method=("hl7",))).exists()
    assert queries.matching(dana, Filters(method=("hl7", "fhir"))).count() == 1


INDEXES = {
    "provider=DR7": "delivery_by_provider",
    "failed=1": "delivery_ever_failed",
    "reason=no_route": "delivery_by_reason",
    "part=medications": "delivery_by_part",
}


@pytest.fixture
def crowded(cast):
    """One delivery that each of them finds, held like a thousand others that none finds; and the planner knows it."""
    found = make_delivery(cast, State.HELD, reason_code="no_route", part="medications")
    Delivery.objects.filter(pk=found.pk).update(ever_failed=True)
    usual = {"provider_id": "DR8", "reason_code": "no_patient", "part": "note", "ever_failed": False}
    same = {one.attname: getattr(found, one.attname) for one in Delivery._meta.concrete_fields if not one.primary_key}
    others = (Delivery(**{**same, **usual, "control_id": f"CROWD{number}"}) for number in range(1000))
    Delivery.objects.bulk_create(others)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE delivery_delivery")
    return found


def test_each_of_them_is_found_by_the_index_made_for_it(cast, dana, crowded):
    for address, index in INDEXES.items():
        found = queries.matching(dana, filters.read(QueryDict(address))).filter(state="held").order_by()
        assert list(found) == [crowded], address
        assert index in found.values("pk").explain(), address


def test_counts_take_one_statement(cast, dana, django_assert_num_queries):
    with django_assert_num_queries(1):
        queries.counts(queries.matching(dana, Filters(range="24h")))


def test_the_version_changes_with_a_row_a_count_and_nothing_else(cast, dana):
    delivery = make_delivery(cast, State.READY)
    found = queries.matching(dana, Filters())

    def version() -> str:
        numbers, mark = queries.look(found, found, None, few=False)
        return queries.version(mark, numbers, "q")

    first = version()
    assert version() == first
    Delivery.objects.filter(pk=delivery.pk).update(updated_at=timezone.now() + timedelta(seconds=9))
    second = version()
    assert second != first
    make_delivery(cast)
    assert version() != second


def test_the_last_five_attempts_oldest_first(cast):
    delivery = make_delivery(cast, State.ACCEPTED, tries=["unavailable"] * 6 + ["accepted"])
    shown = queries.last_attempts([delivery.pk])[delivery.pk]
    assert [attempt.number for attempt in shown] == [3, 4, 5, 6, 7]
    assert "sealed_answer" in shown[0].get_deferred_fields()


class TestAddresses:
    def test_an_address_survives_reading_and_writing(self):
        address = "state=held&state=parked&provider=DR+7&range=24h&failed=1"
        assert filters.read(QueryDict(address)).query() == address

    def test_a_chip_removes_its_own_value_only(self):
        chosen = filters.read(QueryDict("state=held&state=parked&range=1h"))
        assert chosen.without("state", "held").query() == "state=parked&range=1h"
        assert chosen.without("range", "1h").query() == "state=held&state=parked"
        assert len(chosen.chosen()) == 3

    @given(st.dictionaries(st.sampled_from([*Filters.__dataclass_fields__]), st.text(max_size=40)))
    def test_nothing_unread_is_written_back(self, wild):
        address = QueryDict(mutable=True)
        address.update(wild)
        once = filters.read(address)
        assert filters.read(QueryDict(once.query())) == once
        once.states()
        once.span(ZoneInfo("America/New_York"), timezone.now())
