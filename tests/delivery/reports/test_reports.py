"""Reports: whose days, which notes, which times and causes; the same on screen, in CSV and in PDF; recorded as exports."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from pypdf import PdfReader

from audit.models import AuditEvent
from delivery.models import Delivery
from delivery.reports.files import as_csv, as_pdf
from delivery.reports.periods import MONTH, WEEK, period_of
from delivery.reports.summary import summary
from portal.models import Membership, Role
from tests.delivery.completeness.days_of_visits import DAY, closes, note_of, source_of

WEEK_OF = period_of(WEEK, date(2026, 3, 19))
LATER = DAY + timedelta(days=30)
PAGE = "/deliveries/reports/"


class TestPeriods:
    @pytest.mark.parametrize("day", [date(2026, 3, 16), date(2026, 3, 19), date(2026, 3, 22)])
    def test_a_week_runs_from_monday_to_sunday(self, day):
        found = period_of(WEEK, day)
        assert (found.first, found.last, len(found.days)) == (date(2026, 3, 16), date(2026, 3, 22), 7)

    @pytest.mark.parametrize("day, last", [(date(2026, 2, 1), 28), (date(2028, 2, 29), 29), (date(2026, 12, 31), 31)])
    def test_a_month_has_its_own_length(self, day, last):
        found = period_of(MONTH, day)
        assert (found.first.day, found.last.day, len(found.days)) == (1, last, last)

    @pytest.mark.parametrize("kind", [WEEK, MONTH])
    def test_one_follows_another_without_a_gap(self, kind):
        found = period_of(kind, date(2026, 1, 1))
        for _ in range(30):
            assert found.after.first == found.last + timedelta(days=1)
            assert found.after.before == found
            found = found.after

    def test_each_is_called_by_its_days(self):
        assert WEEK_OF.label == "Week of 16 Mar to 22 Mar 2026"
        assert period_of(MONTH, date(2026, 3, 19)).label == "March 2026"


@pytest.mark.django_db
class TestWhatIsCounted:
    def made(self, cast, period=WEEK_OF, location=None):
        return summary(location or cast.north, period, LATER)

    def test_each_note_once_by_what_became_of_it(self, cast):
        for number, state in enumerate(("verified", "verified", "held", "accepted", "rejected")):
            note_of(cast, f"E{number}", state)
        found = self.made(cast)
        assert (found.received, found.verified, found.share) == (5, 2, "40.0 %")
        assert found.ends[0] == ("Verified in the chart", 2)
        assert sum(number for _, number in found.ends) == 5

    def test_what_was_sent_again_counts_as_it_stands_now(self, cast):
        first, again = note_of(cast, "E1", "rejected"), note_of(cast, "E1")
        rows = Delivery.objects.filter(pk=again.pk)
        rows.update(note=first.note, note_version=first.note_version, replay_of=first)
        assert self.made(cast).ends == (("Verified in the chart", 1),)

    def test_other_parts_are_no_notes(self, cast):
        note_of(cast, "E1", "held", part="diagnoses")
        assert self.made(cast).received == 0

    def test_a_note_belongs_to_the_week_of_its_place(self, cast):
        midnight = datetime(2026, 3, 16, 4, 0, tzinfo=UTC)  # Monday 00:00 at NORTH
        note_of(cast, "E1", at=midnight)
        note_of(cast, "E2", at=midnight - timedelta(minutes=1))
        assert (self.made(cast).received, self.made(cast, WEEK_OF.before).received) == (1, 1)

    def test_another_locations_notes_are_its_own(self, cast):
        note_of(cast, "E1", location=cast.south)
        assert (self.made(cast).received, self.made(cast, location=cast.south).received) == (0, 1)

    def test_times_are_median_and_p95_from_post_to_verified(self, cast):
        for number in range(1, 101):
            one = note_of(cast, f"E{number}")
            Delivery.objects.filter(pk=one.pk).update(verified_at=DAY + timedelta(seconds=number * 10))
        found = self.made(cast)
        assert (found.median, found.p95) == (timedelta(seconds=500), timedelta(seconds=950))
        assert found.times == "median 8 min, p95 15 min"

    def test_an_empty_week_has_no_times_and_no_share(self, cast):
        found = self.made(cast)
        assert (found.share, found.times, found.causes) == ("–", "nothing was verified", ())

    def test_causes_are_those_of_what_is_open_the_most_frequent_first(self, cast):
        for number in range(3):
            note_of(cast, f"E{number}", "held", reason_code="held_by_person")
        note_of(cast, "E8", "rejected", reason_code="ae")
        note_of(cast, "E9", "cancelled", reason_code="cancelled_by_person")
        assert [number for _, number in self.made(cast).causes] == [3, 1]

    def test_completeness_is_added_up_and_says_on_how_many_days_it_cannot_be_said(self, cast):
        source = source_of(cast)
        for visit in ("E1", "E2", "E3"):
            closes(source, visit)
        note_of(cast, "E1")
        note_of(cast, "E2", "held")
        done = self.made(cast).complete
        assert (done.closed, done.received, done.verified, done.missing) == (3, 2, 1, 1)
        assert (done.days, done.unsure) == (7, 6)


@pytest.mark.django_db
class TestFiles:
    def test_screen_csv_and_pdf_say_the_same(self, cast):
        note_of(cast, "E1")
        note_of(cast, "E2", "held", reason_code="held_by_person")
        made = [summary(cast.north, WEEK_OF, LATER)]
        rows = list(csv.DictReader(io.StringIO(as_csv(WEEK_OF, made).body.decode())))
        assert {(row["location"], row["first_day"], row["last_day"]) for row in rows} == {
            ("NORTH", "2026-03-16", "2026-03-22")
        }
        text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(as_pdf(WEEK_OF, made).body)).pages)
        for row in rows:
            assert row["value"] in " ".join(text.split())
        assert {row["what"]: row["value"] for row in rows}["Notes received"] == "2"

    def test_the_same_figures_give_the_same_file(self, cast):
        made = [summary(cast.north, WEEK_OF, LATER)]
        assert as_pdf(WEEK_OF, made).sha256 == as_pdf(WEEK_OF, made).sha256

    def test_names_that_look_like_formulas_or_markup_stay_text(self, cast):
        cast.north.code, cast.north.name = "=NORTH", "<b>North & Co</b>"
        made = [summary(cast.north, WEEK_OF, LATER)]
        assert b'"\'=NORTH"' in as_csv(WEEK_OF, made).body
        assert "<b>North & Co</b>" in PdfReader(io.BytesIO(as_pdf(WEEK_OF, made).body)).pages[0].extract_text()


@pytest.mark.django_db
class TestPages:
    def client_of(self, user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def test_shows_the_locations_in_view(self, cast):
        note_of(cast, "E1")
        text = self.client_of(cast.omar).get(PAGE, {"day": "2026-03-19"}).content.decode()
        assert "Week of 16 Mar to 22 Mar 2026" in text
        assert "North Clinic" in text
        assert "South Clinic" not in text

    @pytest.mark.parametrize(
        "query", [{}, {"kind": "year"}, {"day": "2026-02-30"}, {"kind": "month", "day": "2199-01-01"}]
    )
    def test_nonsense_shows_a_period_that_there_is(self, cast, query):
        assert self.client_of(cast.dana).get(PAGE, query).status_code == 200

    @pytest.mark.parametrize("form, kind", [("csv", "text/csv; charset=utf-8"), ("pdf", "application/pdf")])
    def test_a_file_is_recorded_as_an_export(self, cast, form, kind):
        answer = self.client_of(cast.omar).get(f"{PAGE}file/{form}/", {"kind": "month", "day": "2026-03-19"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
        assert f'filename="report-month-2026-03-01.{form}"' in answer.headers["Content-Disposition"]
        event = AuditEvent.objects.get(event="report.export")
        assert (event.location, event.detail["format"], event.detail["what"]) == ("NORTH", form, "report_month")

    def test_another_form_there_is_not(self, cast):
        assert self.client_of(cast.dana).get(f"{PAGE}file/docx/").status_code == 404

    def test_a_stranger_sees_their_own_locations_only(self, cast):
        text = self.client_of(cast.sam).get(PAGE).content.decode()
        assert "Harbor North" in text
        assert "South Clinic" not in text

    def test_a_mapping_editor_sees_none_and_metadata_only_sees_the_numbers(self, cast):
        assert self.client_of(cast.mel).get(PAGE).status_code == 403
        Membership.objects.filter(user=cast.omar).update(role=Role.METADATA_ONLY)
        assert self.client_of(cast.omar).get(PAGE).status_code == 200
