"""The stretch of time a screen speaks of: its bars cover it, meet, and are never too many."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.filters import Filters
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
