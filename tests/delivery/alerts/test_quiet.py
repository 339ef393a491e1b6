"""Quiet hours: by the recipient's own clock, past midnight, on the days on which the clock is changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.alerts.telling import Quiet

pytestmark = pytest.mark.alike
NEW_YORK = ZoneInfo("America/New_York")
NIGHT = Quiet(time(22), time(6, 30), NEW_YORK)
LUNCH = Quiet(time(12), time(13), NEW_YORK)


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    "quiet, asked, told",
    [
        (NIGHT, at(19, 21, 59), at(19, 21, 59)),
        (NIGHT, at(19, 22), at(20, 6, 30)),
        (NIGHT, at(20, 0), at(20, 6, 30)),
        (NIGHT, at(20, 6, 29), at(20, 6, 30)),
        (NIGHT, at(20, 6, 30), at(20, 6, 30)),
        (LUNCH, at(19, 11, 59), at(19, 11, 59)),
        (LUNCH, at(19, 12, 30), at(19, 13)),
        (LUNCH, at(19, 13), at(19, 13)),
        (NIGHT, at(7, 23), at(8, 6, 30)),  # the clock goes on to 03:00 in between
        (NIGHT, at(31, 23, month=10), at(1, 6, 30, month=11)),  # and back
    ],
)
def test_what_comes_within_quiet_hours_waits_for_their_end(quiet, asked, told):
    assert quiet.until(asked, urgent=False) == told


def test_an_urgent_one_passes_where_it_may_and_waits_where_it_may_not():
    assert NIGHT.until(at(19, 23), urgent=True) == at(19, 23)
    strict = Quiet(time(22), time(6, 30), NEW_YORK, urgent_passes=False)
    assert strict.until(at(19, 23), urgent=True) == at(20, 6, 30)


@pytest.mark.parametrize("quiet", [Quiet(), Quiet(time(8), None), Quiet(None, time(8)), Quiet(time(8), time(8))])
def test_hours_without_two_ends_are_none(quiet):
    assert quiet.until(at(19, 8), urgent=False) == at(19, 8)


def test_the_clock_is_the_recipients():
    honolulu = Quiet(time(22), time(6), ZoneInfo("Pacific/Honolulu"))
    assert honolulu.until(at(19, 23), urgent=False) == at(19, 23)  # 17:00 there
    assert honolulu.until(at(20, 5), urgent=False) > at(20, 11)


@settings(max_examples=80, deadline=None)
@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.times(), st.times())
def test_nobody_waits_longer_than_a_day_or_is_told_earlier(moment, begins, ends):
    asked = moment.replace(tzinfo=UTC)
    begins, ends = begins.replace(microsecond=0), ends.replace(microsecond=0)
    told = Quiet(begins, ends, NEW_YORK).until(asked, urgent=False)
    assert asked <= told <= asked + timedelta(hours=25)
    assert told == asked or told.astimezone(NEW_YORK).time() == ends or told.astimezone(NEW_YORK).fold or ends.hour == 2
