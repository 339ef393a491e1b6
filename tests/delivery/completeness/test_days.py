"""A day of a place: by its own clock, 23 or 25 hours long where the clock is changed, and read strictly from an address."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.completeness.days import bounds, day_of, midnight, read_day, span, within

pytestmark = pytest.mark.alike
ZONES = ("America/New_York", "America/Phoenix", "America/Havana", "America/Santiago", "Pacific/Apia", "UTC")


@pytest.mark.parametrize(
    "day, hours", [(date(2026, 3, 8), 23), (date(2026, 3, 9), 24), (date(2026, 11, 1), 25), (date(2026, 7, 4), 24)]
)
def test_a_day_is_as_long_as_the_places_clock_makes_it(day, hours):
    start, end = bounds(day, day, ZoneInfo("America/New_York"))
    assert end - start == timedelta(hours=hours)


def test_a_place_that_keeps_its_clock_has_days_of_24_hours():
    start, end = bounds(date(2026, 3, 8), date(2026, 3, 8), ZoneInfo("America/Phoenix"))
    assert (start, end) == (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC))


def test_where_the_clock_skips_midnight_the_day_begins_with_the_hour_that_follows():
    """Santiago, 6 September 2026: 23:59:59 is followed by 01:00."""
    zone = ZoneInfo("America/Santiago")
    start = midnight(date(2026, 9, 6), zone)
    assert start.astimezone(zone).hour == 1
    assert (day_of(start, zone), day_of(start - timedelta(seconds=1), zone)) == (date(2026, 9, 6), date(2026, 9, 5))


def test_the_second_before_midnight_belongs_to_the_day_and_midnight_to_the_next():
    zone = ZoneInfo("America/New_York")
    _, end = bounds(date(2026, 3, 19), date(2026, 3, 19), zone)
    assert day_of(end - timedelta(microseconds=1), zone) == date(2026, 3, 19)
    assert day_of(end, zone) == date(2026, 3, 20)


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2015, 1, 1), date(2035, 1, 1)), st.sampled_from(ZONES))
def test_days_follow_one_another_without_a_gap_and_hold_their_own_moments(day, name):
    zone = ZoneInfo(name)
    start, end = bounds(day, day, zone)
    assert end == midnight(day + timedelta(days=1), zone)
    assert start < end <= start + timedelta(hours=25)
    assert {day_of(start, zone), day_of(end - timedelta(microseconds=1), zone)} == {day}


@pytest.mark.parametrize("text", ["", "2026-3-19", "2026-02-30", "20260319", "2026-03-19T00:00", "today", "1999-12-31",
                                  "2200-01-01", "9999-12-31", "２０２６-03-19", "2026-W12-4"])  # fmt: skip
def test_what_is_no_day_is_not_read_as_one(text):
    assert read_day(text) is None


def test_a_day_is_read_as_it_is_written():
    assert read_day("2026-03-19") == date(2026, 3, 19)


def test_a_span_counts_back_from_its_last_day():
    days = span(date(2026, 3, 2), 3)
    assert days == [date(2026, 3, 2), date(2026, 3, 1), date(2026, 2, 28)]
    assert within(days) == (date(2026, 2, 28), date(2026, 3, 2))
