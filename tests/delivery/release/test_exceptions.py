"""How many information-blocking exceptions are in force, and since when."""

from datetime import date

import pytest

from delivery.release.exceptions import ALL, CHECKED_ON, in_force, said
from delivery.release.register import written_by

pytestmark = pytest.mark.alike


@pytest.mark.parametrize(
    "on, number",
    [
        (date(2020, 5, 1), 0),
        (date(2021, 4, 4), 0),
        (date(2021, 4, 5), 8),
        (date(2024, 2, 7), 8),
        (date(2024, 2, 8), 9),
        (date(2024, 12, 16), 9),
        (date(2024, 12, 17), 10),
        (CHECKED_ON, 10),
    ],
)
def test_so_many_were_in_force(on, number):
    assert len(in_force(on)) == number


def test_each_stands_once_in_the_order_of_the_code():
    sections = [one.section for one in ALL]
    assert sections == sorted(set(sections))
    assert all(section.startswith("171.") for section in sections)


@pytest.mark.parametrize(
    "on, words",
    [
        (date(2026, 7, 1), "10 exceptions are in force since 17 December 2024: 8 since 5 April 2021, 2 added later."),
        (date(2022, 1, 1), "8 exceptions are in force since 5 April 2021: 8 since 5 April 2021."),
        (date(2020, 1, 1), "No exception is in force yet."),
    ],
)
def test_the_sentence_counts_and_dates(on, words):
    assert said(on) == words


@pytest.mark.parametrize(
    "received, last",
    [
        (date(2026, 3, 2), date(2026, 3, 16)),  # Monday
        (date(2026, 3, 6), date(2026, 3, 20)),  # Friday
        (date(2026, 3, 7), date(2026, 3, 20)),  # Saturday
        (date(2026, 3, 8), date(2026, 3, 20)),  # Sunday
    ],
)
def test_ten_business_days_for_a_written_answer(received, last):
    assert written_by(received) == last
