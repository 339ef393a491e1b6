"""The chart: bars as high as their numbers, lines where something was known, words for those who cannot see it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.monitor.drawing import BOTTOM, LEFT, RIGHT, TOP, WIDTH, ceiling, draw
from delivery.monitor.marks import Mark
from delivery.monitor.span import cut
from delivery.states import State

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 19, 14, 0, tzinfo=UTC)
DAY = cut(NOW - timedelta(hours=24), NOW, ZONE)


@given(st.dictionaries(st.tuples(st.integers(0, DAY.bars - 1), st.sampled_from(list(State))), st.integers(1, 10**6)))
def test_the_pieces_of_a_bar_stand_on_one_another_and_within_the_field(counts):
    chart = draw(DAY, counts, {}, [], ZONE)
    assert chart.empty == (not counts)
    for index, column in enumerate(chart.columns):
        assert column.total == sum(number for (bar, _), number in counts.items() if bar == index)
        assert sum(column.numbers) == column.total
        assert LEFT <= column.x <= column.x + column.width <= WIDTH - RIGHT
        under = BOTTOM
        for piece in column.pieces:
            assert piece.y >= TOP - 0.2
            assert abs(piece.y + piece.height - under) < 0.3
            under = piece.y


@given(st.integers(0, 10**9))
def test_the_scale_ends_at_a_round_number_not_far_above(most):
    top = ceiling(most)
    assert most <= top <= max(1, most * 2.5)
    assert str(top).rstrip("0") in ("1", "2", "5")


def test_each_bar_says_its_numbers_and_leads_to_its_own_time():
    chart = draw(DAY, {(3, State.VERIFIED): 10, (3, State.HELD): 2}, {}, [], ZONE)
    column = chart.columns[3]
    assert column.words == "18 Mar 13:00 to 18 Mar 14:00: 12 received: 10 verified in the chart, 2 held"
    assert (column.since, column.until) == ("2026-03-18T13:00", "2026-03-18T13:59")


def test_the_line_of_the_oldest_breaks_where_nobody_noted_it():
    chart = draw(DAY, {(0, State.READY): 1}, {1: 60, 2: 3600, 5: 1800}, [], ZONE)
    assert [len(points.split()) for points in chart.oldest] == [2, 1]
    assert chart.oldest_most == "1 h 0 min"
    assert f",{TOP}" in chart.oldest[0].split()[1]


def test_a_wait_of_seconds_needs_no_line():
    assert draw(DAY, {}, {1: 20}, [], ZONE).oldest == ()


@pytest.mark.parametrize("hours, x", [(24, LEFT), (0, WIDTH - RIGHT), (12, (LEFT + WIDTH - RIGHT) / 2)])
def test_a_mark_stands_at_its_time(hours, x):
    (line,) = draw(DAY, {}, {}, [Mark(NOW - timedelta(hours=hours), "drift", "changed")], ZONE).marks
    assert line.x == pytest.approx(x, abs=0.2)
    assert line.text.endswith("changed")
