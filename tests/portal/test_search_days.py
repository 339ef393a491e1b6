"""The days of a search and of a hold: whole ones where the reader is, on the two odd days of the year and at the ends of time."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.actions import ACTIONS
from audit.queries import Scope, found
from portal.forms.audit import AuditSearchForm, PatientForm
from portal.forms.exports import AuditExportForm
from portal.forms.retention import HoldForm
from portal.models import Location

NEW_YORK = ZoneInfo("America/New_York")
HOME = Scope("lakeside", frozenset({"NORTH"}))
PEOPLE = [("7", "Dana"), ("12", "Omar")]


def form(installation: bool = False, **asked: str) -> AuditSearchForm:
    return AuditSearchForm(asked, PEOPLE, installation)


def sought(zone: ZoneInfo = NEW_YORK, installation: bool = False, **asked: str):
    made = form(installation, **asked)
    assert made.is_valid(), made.errors
    return made.search(HOME, zone)


def hold(zone: str = "America/New_York", **asked: str) -> HoldForm:
    data = {"kind": "period", "reason": "Court order", **asked}
    return HoldForm(PEOPLE, [("NORTH", "North")], zone, {f"hold-{name}": value for name, value in data.items()})


class TestADay:
    @pytest.mark.parametrize(
        "day, hours", [("2026-03-07", 24), ("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-02", 24)]
    )
    def test_is_as_long_as_it_is_where_the_reader_is(self, day, hours):
        search = sought(since=day, until=day)
        assert search.until.astimezone(UTC) - search.since.astimezone(UTC) == timedelta(hours=hours)

    @pytest.mark.parametrize(
        "zone, begins",
        [
            ("Pacific/Honolulu", datetime(2026, 5, 1, 10, tzinfo=UTC)),
            ("America/New_York", datetime(2026, 5, 1, 4, tzinfo=UTC)),
            ("Asia/Kathmandu", datetime(2026, 4, 30, 18, 15, tzinfo=UTC)),
        ],
    )
    def test_begins_at_midnight_of_its_zone(self, zone, begins):
        assert sought(ZoneInfo(zone), since="2026-05-01").since == begins

    @given(st.dates(date(1901, 1, 1), date(2200, 1, 1)), st.sampled_from(["America/New_York", "Asia/Tokyo", "UTC"]))
    def test_ends_where_the_next_begins(self, day, zone):
        where = ZoneInfo(zone)
        next_day = sought(where, since=str(day + timedelta(days=1)))
        assert sought(where, until=str(day)).until == next_day.since

    def test_after_the_last_one_is_an_empty_search_and_no_fault(self, db):
        search = sought(since="2026-05-02", until="2026-05-01")
        assert search.since == search.until
        assert not found(search).exists()

    @pytest.mark.parametrize("zone", ["Pacific/Honolulu", "UTC", "Pacific/Kiritimati"])
    @pytest.mark.parametrize("name, day", [("until", "9999-12-31"), ("since", "0001-01-01"), ("since", "9999-12-31")])
    def test_at_the_end_of_all_days_is_refused_in_words_or_can_be_looked_for(self, db, zone, name, day):
        asked = form(**{name: day})
        if asked.is_valid():
            assert not found(asked.search(HOME, ZoneInfo(zone))).exists()
        else:
            assert list(asked.errors) == [name]

    @pytest.mark.parametrize("since, until", [("9999-12-31", "9999-12-31"), ("0001-01-01", "2026-05-01")])
    def test_at_the_end_of_all_days_is_no_hold(self, since, until):
        assert not hold(since=since, until=until).is_valid()

    def test_of_a_hold_may_be_one_alone_and_is_whole(self):
        one = hold(since="2026-11-01", until="2026-11-01")
        assert one.is_valid(), one.errors
        kept = one.held()
        assert kept.until.astimezone(UTC) - kept.since.astimezone(UTC) == timedelta(hours=25)


class TestASearch:
    def test_of_nothing_is_of_everything_in_ones_own_scope(self):
        search = sought()
        assert search.scope == HOME
        assert {value for name, value in vars(search).items() if name != "scope"} == {"", None}

    def test_by_a_person_is_no_search_by_a_worker_of_that_number(self):
        search = sought(who="7")
        assert (search.actor_type, search.actor_id) == ("user", "7")

    def test_by_what_has_no_account_names_no_number(self):
        search = sought(who="worker")
        assert (search.actor_type, search.actor_id) == ("worker", "")

    @pytest.mark.parametrize("who", ["007", "７", "7 ", "user", "-7", "12 OR 1=1"])
    def test_by_anybody_else_is_refused(self, who):
        made = form(who=who)
        assert not made.is_valid() or made.cleaned_data["who"] in ("7", "12")

    def test_of_the_installation_leaves_the_practice_and_its_locations_behind(self):
        assert sought(installation=True, of="installation").scope == Scope("")

    def test_of_the_installation_is_not_offered_to_who_may_not_read_it(self):
        assert "of" in form(of="installation").errors
        assert [value for value, _ in form().fields["of"].choices] == [""]

    @pytest.mark.parametrize("practice", ["practice", "harbor", "lakeside", "*", "%"])
    def test_of_another_practice_cannot_be_asked_for(self, practice):
        assert "of" in form(installation=True, of=practice).errors

    def test_keeps_its_filters_in_the_address_and_leaves_out_what_is_changed(self):
        made = form(event="note.", who="7", since="2026-05-01", trace="a&b=c")
        assert made.is_valid()
        assert parse_qs(made.query("who")) == {"event": ["note."], "since": ["2026-05-01"], "trace": ["a&b=c"]}

    @given(st.text(max_size=64))
    def test_for_any_text_comes_back_from_its_own_address(self, text):
        made = form(object_id=text)
        if made.is_valid():
            again = form(**{name: values[0] for name, values in parse_qs(made.query()).items()})
            assert again.is_valid()
            assert again.given() == made.given()

    @pytest.mark.parametrize("event", sorted({f"{name.partition('.')[0]}." for name in ACTIONS}))
    def test_of_a_family_finds_every_action_of_it_and_none_of_its_neighbour(self, event):
        made = form(event=event)
        assert made.is_valid(), made.errors
        own = {name for name in ACTIONS if event <= name < event[:-1] + "/"}
        assert own == {name for name in ACTIONS if name.partition(".")[0] == event[:-1]}


class TestAPatientsId:
    @pytest.mark.parametrize("typed", ["1001", " 1001 ", "MRN-1001/A", "Ω7", "1" * 80])
    def test_is_taken_as_the_chart_has_it(self, typed):
        made = PatientForm({"patient": typed})
        assert made.is_valid(), made.errors
        assert made.cleaned_data["patient"] == typed.strip()

    @pytest.mark.parametrize(
        "typed", ["", "   ", "1" * 81, "10\x0001", "10\n01", "10\x7f01", "10\u202e01", "10\u200b01"]
    )
    def test_is_refused_where_nobody_could_have_typed_it(self, typed):
        made = PatientForm({"patient": typed})
        assert not made.is_valid()
        assert typed.strip() == "" or typed not in str(made.errors)


class TestTheFormOfAnExport:
    @pytest.mark.parametrize("everywhere, valid", [(True, True), (False, False)])
    def test_with_proofs_is_for_a_role_at_every_location(self, everywhere, valid):
        made = AuditExportForm("", everywhere, {"format": "proved"})
        assert made.is_valid() is valid
        assert valid or "at every location" in str(made.errors["format"])

    @pytest.mark.parametrize("chosen", ["", "exe", "CSV", "proved,csv", "../csv"])
    def test_that_is_none_is_refused(self, chosen):
        assert not AuditExportForm("", True, {"format": chosen}).is_valid()

    def test_without_proofs_is_anybodys_who_reads_the_log(self):
        offered = [value for value, _ in AuditExportForm("", False).fields["format"].choices if value != "proved"]
        assert offered
        assert all(AuditExportForm("", False, {"format": value}).is_valid() for value in offered)


def test_a_locations_zone_is_one_in_which_a_day_can_be_made(cast):
    for zone in Location.objects.values_list("time_zone", flat=True):
        assert sought(ZoneInfo(zone), since="2026-05-01").since.utcoffset() is not None
