"""Reports counted ahead: the same as counted on the spot, taken only of many notes, followed at their own pace."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from delivery.reports import summary as summing
from delivery.reports.ahead import BACK, CURRENT, PAST, claim, count_due, periods
from delivery.reports.periods import MONTH, WEEK, period_of
from delivery.reports.summary import numbers, summary
from delivery.reports.tables import CountedReport
from portal.models import Location
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 25, 15, 0, tzinfo=UTC)
THE_WEEK = period_of(WEEK, date(2026, 3, 18))


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = NOW

    monkeypatch.setattr(timezone, "now", lambda: Clock.now)
    return Clock


@pytest.fixture
def notes(cast):
    at = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
    for state, why in (("verified", ""), ("verified", ""), ("held", "no_route"), ("rejected", "ae"), ("cancelled", "")):
        make_delivery(cast, state, received_at=at, reason_code=why)


def all_due() -> int:
    rounds = 0
    while count_due():
        rounds += 1
    return rounds


@pytest.mark.parametrize("kind", [WEEK, MONTH])
def test_it_says_the_same_counted_ahead_as_on_the_spot(cast, clock, notes, monkeypatch, kind):
    all_due()
    period = period_of(kind, date(2026, 3, 18))
    spot = summary(cast.north, period, NOW)
    monkeypatch.setattr(summing, "BIG", 1)
    taken = summary(cast.north, period, NOW)
    assert (spot.counted_at, taken.counted_at) == (None, NOW)
    assert vars(taken) | {"counted_at": None} == vars(spot)
    assert (taken.received, taken.verified, taken.share) == (5, 2, "40.0 %")
    assert taken.median == timedelta(seconds=6)
    assert dict(taken.causes)


def test_of_few_notes_it_follows_at_once_and_of_many_when_it_is_counted_again(cast, clock, notes, monkeypatch):
    all_due()
    make_delivery(cast, received_at=datetime(2026, 3, 18, 16, 0, tzinfo=UTC))
    assert summary(cast.north, THE_WEEK, NOW).received == 6
    monkeypatch.setattr(summing, "BIG", 1)
    assert summary(cast.north, THE_WEEK, NOW).received == 5
    clock.now = NOW + PAST
    all_due()
    assert summary(cast.north, THE_WEEK, clock.now).received == 6


def test_what_is_being_counted_for_the_first_time_is_not_nothing(cast, clock, notes, monkeypatch):
    monkeypatch.setattr(summing, "BIG", 0)
    assert claim(cast.north, THE_WEEK, NOW, PAST)
    assert summary(cast.north, THE_WEEK, NOW).received == 5


def test_the_current_period_and_some_before_it_are_kept_at_their_pace(cast, clock):
    found = periods(cast.north, MONTH, NOW)
    assert [one.first for one, _ in found] == [date(2026, month, 1) for month in (3, 2, 1)] + [date(2025, 12, 1)]
    assert [wait for _, wait in found] == [CURRENT] + [PAST] * BACK


def test_each_is_counted_once_and_then_rests(cast, clock):
    assert all_due() == Location.objects.count() * 2 * (BACK + 1)
    assert all_due() == 0
    clock.now = NOW + CURRENT
    assert all_due() == Location.objects.count() * 2
    assert not CountedReport.objects.filter(counted_at=None).exists()


def test_of_two_workers_one_counts_it(cast, clock):
    assert claim(cast.north, THE_WEEK, NOW, CURRENT)
    assert not claim(cast.north, THE_WEEK, NOW, CURRENT)
    assert claim(cast.north, THE_WEEK, NOW + CURRENT, CURRENT)


def test_a_round_with_nothing_due_asks_twice_and_writes_nothing(cast, clock, django_assert_num_queries):
    all_due()
    with django_assert_num_queries(2):
        assert count_due() == 0


def test_numbers_are_plain_and_hold_no_words_of_a_note(cast, notes):
    found = numbers(cast.north, THE_WEEK)
    assert found["states"] == {"verified": 2, "held": 1, "rejected": 1, "cancelled": 1}
    assert (found["median"], found["p95"]) == (6.0, 6.0)
    assert sorted(map(tuple, found["causes"])) == [("ae", 1), ("no_route", 1)]
    assert numbers(cast.south, THE_WEEK) == {"states": {}, "median": None, "p95": None, "causes": []}


def test_the_page_says_since_when_its_figures_stand(cast, clock, notes, monkeypatch):
    all_due()
    client = Client()
    client.force_login(cast.dana)
    address = "/deliveries/reports/?kind=week&day=2026-03-18"
    assert "by a worker" not in client.get(address).content.decode()
    monkeypatch.setattr(summing, "BIG", 1)
    assert "the oldest of these figures are from 25 Mar, 15:00 UTC" in client.get(address).content.decode()
