"""Days counted ahead: the same figures as counted on the spot, taken only of many visits, followed at their own pace."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from delivery.completeness import ahead, kept
from delivery.completeness.ahead import WAITS, claim, count_due, due_days
from delivery.completeness.counting import _runs, count, figures
from delivery.completeness.days import span
from delivery.completeness.kept import CountedDay, big_days
from delivery.models import Delivery
from tests.delivery.completeness.days_of_visits import DAY, NEXT, closes, note_of, source_of

pytestmark = pytest.mark.django_db
THE_DAY = date(2026, 3, 19)
A_MONTH = ((1, timedelta(minutes=1)), (7, timedelta(minutes=15)), (33, timedelta(hours=6)))


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = NEXT

    monkeypatch.setattr(timezone, "now", lambda: Clock.now)
    return Clock


@pytest.fixture
def two_days(cast, monkeypatch):
    monkeypatch.setattr(ahead, "WAITS", A_MONTH)  # the days before it hold nothing here
    source = source_of(cast)
    for number in range(6):
        closes(source, f"E{number}", at=DAY)
        if number:
            note_of(cast, f"E{number}", "held" if number == 1 else "verified", at=DAY)
    closes(source, "F1", at=DAY - timedelta(days=2))


def all_due() -> int:
    rounds = 0
    while count_due():
        rounds += 1
    return rounds


class TestTheFigures:
    @pytest.mark.parametrize("big", [0, 1000])
    def test_are_the_same_whether_counted_ahead_or_on_the_spot(self, cast, clock, two_days, monkeypatch, big):
        all_due()
        monkeypatch.setattr(kept, "BIG", big)
        days = span(THE_DAY, 7)
        taken, spot = count(cast.north, days, NEXT), count(cast.north, days, NEXT, fresh=True)
        assert [vars(one) | {"counted_at": None} for one in taken] == [vars(one) for one in spot]
        assert {one.counted_at for one in taken} == ({NEXT} if big == 0 else {None})

    def test_of_few_visits_are_counted_on_the_spot_and_follow_at_once(self, cast, clock, two_days):
        all_due()
        note_of(cast, "E0", at=DAY)
        (one,) = count(cast.north, [THE_DAY], NEXT)
        assert (one.received, one.counted_at) == (6, None)

    def test_of_many_stand_until_they_are_counted_again(self, cast, clock, two_days, monkeypatch):
        monkeypatch.setattr(kept, "BIG", 5)
        all_due()
        note_of(cast, "E0", at=DAY)
        (before,) = count(cast.north, [THE_DAY], NEXT)
        assert (before.received, before.counted_at) == (5, NEXT)
        assert count(cast.north, [THE_DAY], NEXT, fresh=True)[0].received == 6
        clock.now = NEXT + timedelta(minutes=2)
        all_due()
        (after,) = count(cast.north, [THE_DAY], clock.now)
        assert (after.received, after.counted_at) == (6, clock.now)

    def test_of_a_day_that_is_being_counted_for_the_first_time_are_not_zero(self, cast, clock, two_days, monkeypatch):
        monkeypatch.setattr(kept, "BIG", 0)
        assert claim(cast.north, THE_DAY, NEXT)
        assert big_days(cast.north.pk, [THE_DAY]) == {}
        assert count(cast.north, [THE_DAY], NEXT)[0].closed == 6

    def test_of_another_location_are_its_own(self, cast, clock, two_days, monkeypatch):
        monkeypatch.setattr(kept, "BIG", 0)
        all_due()
        assert count(cast.south, [THE_DAY], NEXT)[0].closed == 0
        assert count(cast.north, [THE_DAY], NEXT)[0].closed == 6

    def test_many_days_ahead_cost_as_many_queries_as_one(
        self, cast, clock, two_days, monkeypatch, django_assert_num_queries
    ):
        monkeypatch.setattr(kept, "BIG", 0)
        all_due()
        for length in (1, 31):
            with django_assert_num_queries(3):
                count(cast.north, span(THE_DAY, length), NEXT)

    def test_runs_of_days_are_counted_together(self):
        days = [date(2026, 3, day) for day in (5, 4, 9, 1, 10)]
        assert [[one.day for one in run] for run in _runs(days)] == [[1], [4, 5], [9, 10]]
        assert _runs([]) == []

    def test_every_column_of_the_row_is_one_that_is_counted(self, cast, clock):
        (one,) = figures(cast.north, [THE_DAY], NEXT).values()
        columns = {field.name for field in CountedDay._meta.concrete_fields}
        assert set(vars(one)) == columns - {"id", "location", "day", "counted_at", "due_at"}


class TestThePace:
    def test_a_day_is_due_again_the_sooner_the_younger_it_is(self, cast, clock):
        all_due()
        horizon = {0: 1, 1: 1, 2: 15, 7: 15, 8: 360, 31: 360, 32: 2880, 100: 2880}
        today = NEXT.date()
        for back, minutes in horizon.items():
            day, wait = today - timedelta(days=back), timedelta(minutes=minutes)
            assert day not in due_days(cast.north, NEXT + wait - timedelta(seconds=1)), back
            later = NEXT + wait
            if (later.date() - day).days <= WAITS[-1][0]:
                assert day in due_days(cast.north, later), back

    def test_a_round_ends_after_some_days_and_the_next_goes_on(self, cast, clock, monkeypatch):
        monkeypatch.setattr(ahead, "AT_ONCE", 30)
        monkeypatch.setattr(ahead, "WAITS", ((1, timedelta(minutes=1)), (44, timedelta(hours=1))))
        places = 3
        assert [count_due() for _ in range(6)] == [30, 30, 30, 30, 15, 0]
        assert CountedDay.objects.filter(counted_at__isnull=False).count() == 45 * places

    def test_of_two_workers_one_counts_a_day(self, cast, clock):
        assert claim(cast.north, THE_DAY, NEXT)
        assert not claim(cast.north, THE_DAY, NEXT)
        assert claim(cast.north, THE_DAY, NEXT + timedelta(minutes=1))
        assert not claim(cast.north, THE_DAY, NEXT + timedelta(minutes=1))

    def test_a_round_with_nothing_due_writes_nothing(self, cast, clock, two_days, django_assert_max_num_queries):
        all_due()
        with django_assert_max_num_queries(4) as asked:
            assert count_due() == 0
        assert not any(one["sql"].startswith(("INSERT", "UPDATE")) for one in asked.captured_queries)


class TestThePages:
    @pytest.fixture
    def dana(self, cast) -> Client:
        client = Client()
        client.force_login(cast.dana)
        return client

    def test_the_list_says_since_when_its_figures_stand_and_the_days_own_page_counts_now(
        self, cast, two_days, dana, monkeypatch
    ):
        monkeypatch.setattr(kept, "BIG", 1)
        row = {"closed": 900, "received": 899, "verified": 898, "due_at": NEXT, "counted_at": NEXT}
        CountedDay.objects.create(location=cast.north, day=THE_DAY, **row)
        listed = dana.get("/deliveries/completeness/?until=2026-03-19&days=7").content.decode()
        assert ">900<" in listed
        assert "the oldest of these figures are from 20 Mar, 15:00 UTC" in listed
        one = dana.get("/deliveries/completeness/NORTH/2026-03-19/").content.decode()
        assert ">900<" not in one

    def test_counted_on_the_spot_it_says_nothing_of_a_worker(self, cast, two_days, dana):
        assert "by a worker" not in dana.get("/deliveries/completeness/").content.decode()

    def test_a_withdrawn_note_shows_on_the_days_page_before_the_list_follows(self, cast, two_days, dana):
        Delivery.objects.filter(state="verified").update(withdrawn_at=NEXT)
        assert count(cast.north, [THE_DAY], NEXT)[0].verified == 0
