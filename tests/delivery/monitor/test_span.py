"""The stretch of time a screen speaks of: its bars cover it, meet, and are never too many."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from delivery.filters import Filters, moment, read
from delivery.monitor.drawing import draw
from delivery.monitor.span import MOST_BARS, cut, next_hour, span_of, whole_hour

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 19, 14, 20, 30, tzinfo=UTC)


@given(
    end=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),
    length=st.timedeltas(timedelta(minutes=1), timedelta(days=700)),
    zone=st.sampled_from([NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu")]),
)
def test_the_bars_cover_the_span_and_meet(end, length, zone):
    span = cut(end - length, end, zone)
    bars = [span.bar(index) for index in range(span.bars)]
    assert len(bars) <= MOST_BARS + 2
    assert bars[0][0] == span.start
    assert bars[-1][1] == span.end
    assert all(begins < ends for begins, ends in bars)
    assert all(before[1] == after[0] for before, after in pairwise(bars))


@pytest.mark.parametrize("range, size", [("1h", 300), ("24h", 3600), ("7d", 6 * 3600), ("30d", 86400)])
def test_each_range_has_bars_that_a_person_can_name(range, size):
    span = span_of(Filters(range=range), NEW_YORK, NOW)
    assert span.size == size
    assert span.end == NOW


def test_days_begin_at_midnight_of_the_place():
    span = span_of(Filters(range="30d"), NEW_YORK, NOW)
    assert span.origin.astimezone(NEW_YORK).hour in (0, 1)  # an hour on, where the clocks changed in between


def test_without_a_time_the_last_day_is_spoken_of():
    span = span_of(Filters(), NEW_YORK, NOW)
    assert span.end - span.start == timedelta(hours=24)
    assert span.label == "Last 24 hours"


def test_a_chosen_time_is_the_locations_and_ends_with_its_last_minute():
    chosen = Filters(since="2026-03-18T09:00", until="2026-03-18T09:59")
    span = span_of(chosen, NEW_YORK, NOW)
    assert (span.start, span.end) == (datetime(2026, 3, 18, 13, tzinfo=UTC), datetime(2026, 3, 18, 14, tzinfo=UTC))


@pytest.mark.parametrize("since, until", [("2199-01-01", ""), ("", "2001-01-01"), ("2026-03-19", "2026-03-01")])
def test_a_time_nobody_can_mean_still_has_a_bar(since, until):
    span = span_of(Filters(since=since, until=until), NEW_YORK, NOW)
    assert span.start < span.end
    assert span.bars >= 1


@pytest.mark.parametrize("range, weeks", [("1h", 1), ("24h", 1), ("7d", 1), ("30d", 5)])
def test_a_week_earlier_is_the_same_hours_and_overlaps_nothing(range, weeks):
    span = span_of(Filters(range=range), NEW_YORK, NOW)
    before = span.a_week_earlier()
    assert span.start - before.start == timedelta(weeks=weeks)
    assert before.end <= span.start
    assert (before.size, before.bars) == (span.size, span.bars)


def test_whole_hours():
    assert whole_hour(NOW) == datetime(2026, 3, 19, 14, tzinfo=UTC)
    assert next_hour(NOW) == datetime(2026, 3, 19, 15, tzinfo=UTC)
    assert next_hour(whole_hour(NOW)) == whole_hour(NOW)


class TestWhenTheClocksChange:
    """New York, 2026: on 8 March 02:00 becomes 03:00; on 1 November 02:00 becomes 01:00 once more."""

    @pytest.mark.parametrize("day, hours", [("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)])
    def test_a_day_has_as_many_hours_as_pass(self, day, hours):
        span = span_of(Filters(since=day, until=day), NEW_YORK, datetime(2026, 12, 1, tzinfo=UTC))
        assert span.end - span.start == timedelta(hours=hours)
        assert (span.bars, span.size) == (hours, 3600)
        assert f"{span.start.astimezone(NEW_YORK):%F %H:%M}" == f"{day} 00:00"

    @pytest.mark.parametrize("until", ["2026-03-08T23:59", "2026-03-08"])
    def test_a_minute_and_a_day_end_at_the_same_time(self, until):
        span = span_of(Filters(since="2026-03-08T00:00", until=until), NEW_YORK, datetime(2026, 12, 1, tzinfo=UTC))
        assert span.end == datetime(2026, 3, 9, 4, tzinfo=UTC)

    def test_the_repeated_hour_has_two_names(self):
        first, second = (moment(datetime(2026, 11, 1, hour, 15, tzinfo=UTC), NEW_YORK) for hour in (5, 6))
        assert (first, second) == ("2026-11-01T01:15-04:00", "2026-11-01T01:15-05:00")
        assert moment(datetime(2026, 11, 1, 7, tzinfo=UTC), NEW_YORK) == "2026-11-01T02:00"
        begins = Filters(since=second, until=second).span(NEW_YORK, NOW)
        assert begins == (datetime(2026, 11, 1, 6, 15, tzinfo=UTC), datetime(2026, 11, 1, 6, 16, tzinfo=UTC))

    def test_without_its_offset_the_repeated_hour_means_both(self):
        asked = Filters(since="2026-11-01T01:00", until="2026-11-01T01:59")
        begins, ends = asked.span(NEW_YORK, NOW)
        assert ends - begins == timedelta(hours=2)

    @pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"])
    @pytest.mark.parametrize("year", [2025, 2026])
    def test_every_bar_of_a_chart_is_found_again_by_its_address(self, zone, year):
        place = ZoneInfo(zone)
        for month in (3, 4, 10, 11):
            for day in (1, 5, 6, 8, 26, 29):
                start = datetime(year, month, day, tzinfo=place).astimezone(UTC)
                span = cut(start, start + timedelta(hours=25), place)
                for place_in_row, column in enumerate(draw(span, {}, {}, [], ZoneInfo("UTC")).columns):
                    again = read(QueryDict(f"since={quote(column.since)}&until={quote(column.until)}"))
                    assert again.span(place, NOW) == span.bar(place_in_row)

    @pytest.mark.parametrize("size_days", [7, 30, 90])
    def test_the_first_bar_begins_before_the_span_on_every_clock(self, size_days):
        for hour in range(0, 72):
            start = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hour, minutes=30)
            for place in (NEW_YORK, ZoneInfo("Europe/London"), ZoneInfo("America/Havana")):
                span = cut(start, start + timedelta(days=size_days), place)
                assert span.origin <= span.start < span.origin + timedelta(seconds=span.size + 3600)
                assert all(span.bar(index)[0] < span.bar(index)[1] for index in range(span.bars))

    @pytest.mark.parametrize("hour, begins", [(12, 12), (14, 12), (17, 12), (18, 18), (3, 0), (23, 18)])
    def test_quarters_of_a_day_begin_by_the_clock_on_the_wall(self, hour, begins):
        start = datetime(2026, 3, 8, hour, 30, tzinfo=NEW_YORK).astimezone(UTC)
        span = cut(start, start + timedelta(days=7), NEW_YORK)
        assert span.size == 6 * 3600
        assert span.origin.astimezone(NEW_YORK).hour == begins


@pytest.mark.parametrize(
    "text", ["2026-11-01T01:00+99:00", "2026-11-01T01:00-5:00", "2026-11-01-05:00", "2026-02-30T01:00", "2026-11-01T01"]
)
def test_what_is_no_time_narrows_nothing(text):
    assert read(QueryDict(f"since={quote(text)}")) == Filters()
