"""Closed against received against verified: what is counted, on which day, and when the answer is "cannot say"."""

from datetime import UTC, date, datetime, timedelta

import pytest

from delivery.completeness.counting import count, never_met
from delivery.completeness.days import span
from delivery.events.kinds import CANCELLED, CHECKED_IN, OPENED
from delivery.events.models import EventSource, SourceState
from delivery.models import Delivery
from tests.delivery.completeness.days_of_visits import DAY, NEXT, closes, note_of, source_of

pytestmark = pytest.mark.django_db
THE_DAY = date(2026, 3, 19)


def the_day(cast, location=None, now=NEXT, day=THE_DAY):
    return count(location or cast.north, [day], now)[0]


def numbers(one):
    return one.closed, one.received, one.verified, one.missing


class TestWhatIsCounted:
    def test_three_of_forty_notes_dropped_at_the_source_are_three_missing_next_morning(self, cast):
        source = source_of(cast)
        for number in range(40):
            closes(source, f"E{number}")
            if number not in (7, 19, 33):
                note_of(cast, f"E{number}")
        found = the_day(cast)
        assert numbers(found) == (40, 37, 37, 3)
        assert (found.state, found.complete) == (("act", "3 missing"), False)

    def test_a_day_on_which_every_visit_is_verified_is_complete(self, cast):
        closes(source_of(cast), "E1")
        note_of(cast, "E1")
        found = the_day(cast)
        assert (found.complete, found.state, found.says.sure) == (True, ("ok", "Complete"), True)

    @pytest.mark.parametrize(
        "state", ["held", "ready", "accepted", "misfiled", "rejected", "unknown", "parked", "cancelled"]
    )
    def test_a_note_that_was_not_read_back_is_received_and_not_verified(self, cast, state):
        closes(source_of(cast), "E1")
        note_of(cast, "E1", state)
        found = the_day(cast)
        assert numbers(found) == (1, 1, 0, 0)
        assert (found.unproven, found.state) == (1, ("warn", "1 not verified"))

    def test_a_note_whose_diagnoses_are_held_is_not_verified_yet(self, cast):
        closes(source_of(cast), "E1")
        done = note_of(cast, "E1")
        part = note_of(cast, "E1", "held", part="diagnoses")
        Delivery.objects.filter(pk=part.pk).update(note=done.note, note_version=done.note_version)
        assert numbers(the_day(cast)) == (1, 1, 0, 0)

    def test_diagnoses_alone_are_no_note_in_the_chart(self, cast):
        closes(source_of(cast), "E1")
        note_of(cast, "E1", part="diagnoses")
        assert numbers(the_day(cast)) == (1, 1, 0, 0)

    def test_what_was_sent_again_and_verified_stands_for_the_refused_first_try(self, cast):
        closes(source_of(cast), "E1")
        first = note_of(cast, "E1", "rejected")
        again = note_of(cast, "E1")
        rows = Delivery.objects.filter(pk=again.pk)
        rows.update(note=first.note, note_version=first.note_version, replay_of=first)
        assert numbers(the_day(cast)) == (1, 1, 1, 0)

    def test_a_withdrawn_note_is_not_verified_whether_it_is_struck_or_not(self, cast):
        source = source_of(cast)
        for visit, change in (("E1", {"withdrawn_at": DAY}), ("E2", {"reason_code": "struck_in_chart"})):
            closes(source, visit)
            Delivery.objects.filter(pk=note_of(cast, visit).pk).update(**change)
        assert numbers(the_day(cast)) == (2, 2, 0, 0)

    def test_a_note_counts_for_its_visit_whenever_it_comes(self, cast):
        closes(source_of(cast), "E1")
        note_of(cast, "E1", at=DAY + timedelta(days=3))
        assert numbers(the_day(cast, now=DAY + timedelta(days=4))) == (1, 1, 1, 0)

    def test_a_cancelled_visit_needs_no_note_whichever_was_told_first(self, cast):
        source = source_of(cast)
        closes(source, "E1", kind=CANCELLED)
        closes(source, "E2")
        closes(source, "E2", kind=CANCELLED)
        assert numbers(the_day(cast)) == (0, 0, 0, 0)

    def test_a_visit_that_is_still_open_is_not_counted(self, cast):
        source = source_of(cast)
        closes(source, "E0", DAY - timedelta(days=1))
        closes(source, "E1", kind=OPENED)
        closes(source, "E2", kind=CHECKED_IN)
        found = the_day(cast)
        assert (numbers(found), found.state) == ((0, 0, 0, 0), ("ok", "No visit"))

    def test_a_visit_told_by_two_ways_is_one(self, cast):
        closes(source_of(cast), "E1")
        feed = source_of(cast, way="webhook", location=cast.south)
        closes(feed, "E1")
        assert numbers(the_day(cast)) == (1, 0, 0, 1)
        assert numbers(the_day(cast, cast.south)) == (1, 0, 0, 1)


class TestWhoseNote:
    def test_another_locations_note_of_the_same_number_is_another_visit(self, cast):
        closes(source_of(cast), "E1")
        note_of(cast, "E1", location=cast.south)
        assert numbers(the_day(cast)) == (1, 0, 0, 1)

    def test_another_practices_events_are_not_counted(self, cast):
        closes(source_of(cast, cast.elsewhere), "E1")
        assert numbers(the_day(cast)) == (0, 0, 0, 0)


class TestOnWhichDay:
    def test_a_visit_counts_on_the_day_of_its_place(self, cast):
        source = source_of(cast)
        late = datetime(2026, 3, 20, 3, 59, tzinfo=UTC)  # 23:59 on the 19th at NORTH
        closes(source, "E1", late)
        closes(source, "E2", late + timedelta(minutes=1))
        found = {one.day: one.closed for one in count(cast.north, span(date(2026, 3, 20), 2), NEXT)}
        assert found == {THE_DAY: 1, date(2026, 3, 20): 1}

    @pytest.mark.parametrize(
        "day, first, last",
        [
            (date(2026, 3, 8), datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 3, 59, tzinfo=UTC)),
            (date(2025, 11, 2), datetime(2025, 11, 2, 4, tzinfo=UTC), datetime(2025, 11, 3, 4, 59, tzinfo=UTC)),
        ],
    )
    def test_the_days_on_which_the_clock_is_changed_hold_all_their_hours(self, cast, day, first, last):
        source = source_of(cast)
        for number, at in enumerate((first - timedelta(minutes=1), first, last, last + timedelta(minutes=1))):
            closes(source, f"E{number}", at)
        assert the_day(cast, day=day).closed == 2

    def test_what_the_database_truncates_is_the_same_day(self, cast):
        """TruncDate asks another calendar (PostgreSQL's own) than the one that bounds days."""
        source = source_of(cast)
        closes(source, "E1", datetime(2026, 3, 9, 3, 30, tzinfo=UTC))  # 23:30 of the short day
        note_of(cast, "E1", at=datetime(2026, 3, 9, 3, 40, tzinfo=UTC))
        found = the_day(cast, day=date(2026, 3, 8), now=datetime(2026, 3, 12, tzinfo=UTC))
        assert (found.came, found.untold, found.says.code) == (1, 0, "told")


class TestToday:
    def test_what_closed_within_two_hours_is_not_missed_yet(self, cast):
        source = source_of(cast)
        closes(source, "E1", DAY)
        closes(source, "E2", DAY - timedelta(hours=2, minutes=1))
        found = the_day(cast, now=DAY + timedelta(minutes=1))
        assert (found.waiting, found.missing, found.running) == (1, 1, True)

    def test_a_day_that_has_not_ended_is_not_called_complete(self, cast):
        closes(source_of(cast), "E1", DAY - timedelta(hours=3))
        note_of(cast, "E1", at=DAY - timedelta(hours=3))
        found = the_day(cast, now=DAY)
        assert (found.complete, found.state) == (False, ("wait", "Under way"))

    def test_a_note_of_a_visit_that_is_not_closed_yet_says_nothing_against_the_source(self, cast):
        source = source_of(cast)
        closes(source, "E0", DAY - timedelta(days=1))
        closes(source, "E1", kind=OPENED)
        note_of(cast, "E1")
        assert the_day(cast, now=DAY + timedelta(hours=1)).says.code == "told"


class TestWhenItCannotBeSaid:
    def test_without_a_source_nothing_is_known(self, cast):
        note_of(cast, "E1")
        found = the_day(cast)
        assert (found.says.code, found.known, found.state) == ("no_source", False, ("off", "Cannot say"))

    def test_a_source_switched_off_is_none(self, cast):
        source = source_of(cast)
        EventSource.objects.filter(pk=source.pk).update(enabled=False)
        assert the_day(cast).says.code == "no_source"

    def test_what_it_told_while_it_was_on_still_counts(self, cast):
        source = source_of(cast)
        closes(source, "E1")
        EventSource.objects.filter(pk=source.pk).update(enabled=False)
        assert (numbers(the_day(cast)), the_day(cast).known) == ((1, 0, 0, 1), True)

    def test_a_day_before_the_source_was_set_up_cannot_be_judged(self, cast):
        source = source_of(cast)
        closes(source, "E1", NEXT)
        EventSource.objects.filter(pk=source.pk).update(created_at=NEXT)
        assert the_day(cast).says.code == "not_yet"

    def test_a_source_that_never_tells_of_a_closing_is_named_as_such(self, cast):
        closes(source_of(cast), "E1", kind=OPENED)
        assert the_day(cast).says.code == "never"

    def test_a_silent_day_is_not_called_empty(self, cast):
        closes(source_of(cast), "E1", NEXT)
        found = the_day(cast)
        assert (found.says.code, found.complete, found.known) == ("silent", False, False)

    def test_a_source_in_trouble_may_have_kept_visits_back(self, cast):
        source = source_of(cast)
        closes(source, "E1")
        note_of(cast, "E1")
        SourceState.objects.filter(source=source).update(trouble="connect_timeout", trouble_at=DAY)
        found = the_day(cast)
        assert (found.says.code, found.complete, found.state) == ("trouble", False, ("warn", "Perhaps more"))

    def test_trouble_that_came_later_says_nothing_of_the_day_before(self, cast):
        source = source_of(cast)
        closes(source, "E1")
        note_of(cast, "E1")
        SourceState.objects.filter(source=source).update(trouble="connect_timeout", trouble_at=NEXT)
        assert the_day(cast).says.code == "told"

    def test_notes_of_visits_never_told_as_closed_show_that_the_source_leaves_some_out(self, cast):
        closes(source_of(cast), "E1")
        note_of(cast, "E1")
        note_of(cast, "E2")
        found = the_day(cast)
        assert (found.came, found.untold, found.says.code) == (2, 1, "untold")

    def test_ids_of_two_kinds_are_noticed(self, cast):
        source = source_of(cast)
        for number in range(5):
            closes(source, f"fhir-{number}")
        assert not never_met([the_day(cast)])  # nothing came at all: that is another trouble
        note_of(cast, "E1")
        assert never_met([the_day(cast)])
        note_of(cast, "fhir-1")
        assert not never_met([the_day(cast)])


def test_a_month_costs_as_many_queries_as_a_day(cast, django_assert_num_queries):
    source = source_of(cast)
    for back in range(20):
        closes(source, f"E{back}", DAY - timedelta(days=back))
        note_of(cast, f"E{back}", at=DAY - timedelta(days=back))
    for length in (1, 31):
        with django_assert_num_queries(6):
            count(cast.north, span(THE_DAY, length), NEXT)
