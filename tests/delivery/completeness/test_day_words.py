"""What a day's figures are called, when they mean nothing, and how they stand in a file for a spreadsheet."""

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from delivery.completeness import tables
from delivery.completeness.words import NEVER, NO_SOURCE, NOT_YET, SAYS, SILENT, TOLD, TROUBLE, UNTOLD, DayCount
from delivery.models import Delivery
from portal.models import Location

pytestmark = pytest.mark.alike
DAY = date(2026, 3, 19)
NORTH = Location(code="NORTH", name="North Clinic")
UNSURE = [NO_SOURCE, NOT_YET, NEVER, SILENT, TROUBLE, UNTOLD]


def day(says: str = TOLD, running: bool = False, **counts: int) -> DayCount:
    return DayCount(DAY, says=SAYS[says], running=running, **counts)


class TestADay:
    def test_of_which_every_visit_is_verified_is_complete(self):
        one = day(closed=3, received=3, verified=3)
        assert (one.complete, one.state) == (True, ("ok", "Complete"))

    def test_without_a_visit_is_complete_and_called_so(self):
        assert (day().complete, day().state) == (True, ("ok", "No visit"))

    @pytest.mark.parametrize("missing", [1, 2, 17])
    def test_of_which_notes_are_missing_says_how_many(self, missing):
        one = day(closed=20, received=20 - missing, verified=20 - missing)
        assert (one.missing, one.complete) == (missing, False)
        assert one.state == ("act", f"{missing} missing")

    def test_misses_no_note_that_may_still_come(self):
        one = day(closed=5, received=3, verified=3, waiting=2)
        assert (one.missing, one.complete, one.state) == (0, False, ("wait", "Under way"))

    def test_that_has_not_ended_is_under_way_though_all_is_there(self):
        one = day(closed=2, received=2, verified=2, running=True)
        assert (one.complete, one.state) == (False, ("wait", "Under way"))

    def test_whose_notes_were_not_all_read_back_is_not_complete(self):
        one = day(closed=4, received=4, verified=1)
        assert (one.unproven, one.complete, one.state) == (3, False, ("warn", "3 not verified"))

    @pytest.mark.parametrize("says", UNSURE)
    def test_whose_source_cannot_be_believed_is_never_complete(self, says):
        one = day(says, closed=3, received=3, verified=3)
        assert not one.complete
        assert one.state == (SAYS[says].tone, SAYS[says].word)

    @pytest.mark.parametrize("says", UNSURE)
    def test_misses_what_it_misses_whatever_its_source_is_worth(self, says):
        assert day(says, closed=3, received=1, verified=1).state == ("act", "2 missing")

    @pytest.mark.parametrize(
        "says, known",
        [(NO_SOURCE, False), (NOT_YET, False), (NEVER, False), (SILENT, False), (TROUBLE, True), (UNTOLD, True)],
    )
    def test_without_a_closed_visit_has_a_number_only_where_the_source_spoke(self, says, known):
        assert day(says).known is known
        assert day(says, closed=1).known

    def test_that_was_told_of_has_a_number_though_it_is_nought(self):
        assert day().known


class TestTheWords:
    def test_are_sure_of_a_day_that_was_told_of_and_of_no_other(self):
        assert [code for code, says in SAYS.items() if says.sure] == [TOLD]

    @pytest.mark.parametrize("says", UNSURE)
    def test_say_what_cannot_be_said_and_why(self, says):
        assert SAYS[says].word in ("Cannot say", "Perhaps more")
        assert SAYS[says].meaning.endswith(".")
        assert SAYS[says].tone in ("off", "warn"), "nobody's fault is painted red"

    def test_differ_from_one_another(self):
        assert len({says.meaning for says in SAYS.values()}) == len(SAYS)


def rows(table: tables.Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.body.decode(), newline="")))


class TestAFileOfDays:
    def test_has_a_heading_and_a_row_a_day(self):
        made = tables.of_days([(NORTH, day(closed=5, received=4, verified=3, waiting=1))])
        heading, row = rows(made)
        assert tuple(heading) == tables.COUNTS
        assert row == ["2026-03-19", "NORTH", "5", "4", "3", "0", "1", "1", ""]
        assert made.rows == 1

    def test_leaves_empty_what_is_not_known_and_says_why(self):
        _, row = rows(tables.of_days([(NORTH, day(NEVER))]))
        assert row[2:8] == [""] * 6, "a 0 would be a number"
        assert row[8] == f"Cannot say: {SAYS[NEVER].meaning}"

    def test_says_beside_its_numbers_that_they_may_be_too_few(self):
        _, row = rows(tables.of_days([(NORTH, day(TROUBLE, closed=2, received=2, verified=2))]))
        assert row[2] == "2"
        assert row[8].startswith("Perhaps more: ")

    def test_of_no_day_is_its_heading(self):
        made = tables.of_days([])
        assert (rows(made), made.rows) == ([list(tables.COUNTS)], 0)

    def test_is_known_by_its_sum(self):
        made = tables.of_days([(NORTH, day())])
        assert made.sha256 == hashlib.sha256(made.body).hexdigest()
        assert made.sha256 != tables.of_days([]).sha256

    @pytest.mark.parametrize("code", ["=1+1", "+1", "-1", "@SUM", "\t=1", "\r=1"])
    def test_holds_no_formula(self, code):
        _, row = rows(tables.of_days([(Location(code=code), day())]))
        assert row[1][0] not in "=+-@\t\r"
        assert code.strip() in row[1]

    def test_ends_its_lines_as_the_format_says_and_quotes_every_cell(self):
        body = tables.of_days([(NORTH, day())]).body
        assert body.endswith(b'""\r\n')
        assert body.count(b"\r\n") == 2
        assert body.startswith(b'"day","location"')


@dataclass
class Row:
    """What a table reads of a visit."""

    closed_at: datetime
    visit: str = "E5001"
    patient: str = "P1001"
    provider: str = "Ann Lee"
    word: str = "Missing"
    delivery: Delivery | None = None


class TestAFileOfVisits:
    AT = datetime(2026, 3, 19, 15, 4, 59, tzinfo=UTC)

    def test_has_a_visit_a_row_to_the_minute(self):
        made = tables.of_visits(NORTH, [Row(self.AT)])
        heading, row = rows(made)
        assert tuple(heading) == tables.VISITS
        assert row == ["NORTH", "2026-03-19T15:04+00:00", "E5001", "P1001", "Ann Lee", "Missing", ""]

    def test_names_the_delivery_where_there_is_one(self):
        _, row = rows(tables.of_visits(NORTH, [Row(self.AT, delivery=Delivery(pk=4711), word="Verified")]))
        assert row[-2:] == ["Verified", "4711"]

    def test_keeps_commas_quotes_and_lines_within_their_cell(self):
        odd = 'Lee, "Ann"\nof the north'
        _, row = rows(tables.of_visits(NORTH, [Row(self.AT, provider=odd)]))
        assert row[4].replace("'", "") == odd, (
            "an apostrophe keeps a spreadsheet from reading the next line as a formula"
        )

    def test_holds_no_formula_of_a_visit_either(self):
        _, row = rows(tables.of_visits(NORTH, [Row(self.AT, visit="=HYPERLINK(1)", patient="@x")]))
        assert not row[2].startswith("=")
        assert not row[3].startswith("@")
