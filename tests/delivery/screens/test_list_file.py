"""The list as a file: what the filters leave and whoever asked may see, no patient in it, recorded, and no formula."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import list_file
from delivery.list_file import COLUMNS, DeliveryExport
from delivery.models import Delivery
from delivery.states import State
from portal.exports.asking import begin, fetch
from portal.exports.running import run_due
from portal.exports.tables import ExportJob
from portal.models import Membership
from tests.delivery.rows import LENA, make_delivery

pytestmark = pytest.mark.django_db
PAGE = "/deliveries/list/exports/"


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def asked(query: str = "", *places: str) -> dict[str, object]:
    return {"format": "csv", "query": query, "locations": list(places or ("NORTH", "SOUTH"))}


def made(user, query: str = "", *places: str) -> list[dict[str, str]]:
    job = begin(user, "deliveries", asked(query, *places))
    run_due()
    job.refresh_from_db()
    assert job.state == "done", job.trouble
    text = b"".join(fetch(job)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


class TestTheFile:
    def test_one_row_for_each_that_matches_the_oldest_first(self, cast):
        old = make_delivery(cast, State.HELD, received_at=timezone.now() - timedelta(hours=2), reason_code="no_route")
        new = make_delivery(cast, State.HELD)
        make_delivery(cast, State.VERIFIED)
        rows = made(cast.dana, "state=held")
        assert [row["delivery"] for row in rows] == [str(old.pk), str(new.pk)]
        assert tuple(rows[0]) == COLUMNS
        assert rows[0]["state"] == "Held"
        assert rows[0]["reason"]
        assert rows[1]["reason"] == ""

    def test_a_row_says_what_became_of_it(self, cast):
        first = make_delivery(cast, State.MISFILED, outcomes=["missing", "verified", "moved"])
        again = make_delivery(cast)
        Delivery.objects.filter(pk=again.pk).update(replay_of=first, took_seconds=77)
        wrong, right = made(cast.dana)
        assert wrong["sections_wrong"] == "chief_complaint physical_exam"
        assert (wrong["verified_utc"], wrong["took_seconds"], wrong["sent_again_from"]) == ("", "", "")
        assert (right["took_seconds"], right["sent_again_from"]) == ("77", str(first.pk))
        assert right["verified_utc"].endswith("+00:00")
        assert right["control_id"] == again.control_id
        assert (right["location"], right["template"]) == ("NORTH", again.template.code)
        assert right["method"] == cast.hl7.get_kind_display()
        assert int(right["mapping"]) == cast.north_mapping.number

    def test_no_patient_stands_in_it(self, cast):
        make_delivery(cast)
        said = str(made(cast.dana))
        for word in (LENA["id"], LENA["family"], LENA["given"], LENA["birth_date"], "E5001", "Cough"):
            assert word not in said

    def test_what_a_spreadsheet_takes_for_a_formula_is_none(self, cast):
        make_delivery(cast, provider=("=1+1", "=HYPERLINK(1) Lee"))
        (row,) = made(cast.dana)
        assert row["provider"].startswith("'=")

    def test_only_of_the_locations_asked_for(self, cast):
        make_delivery(cast)
        south = make_delivery(cast, location=cast.south)
        make_delivery(cast, location=cast.elsewhere)
        assert [row["delivery"] for row in made(cast.dana, "", "SOUTH")] == [str(south.pk)]
        assert len(made(cast.dana)) == 2

    def test_a_delivery_without_template_mapping_connection_or_reason_has_empty_cells(self, cast):
        one = make_delivery(cast, State.READY)
        Delivery.objects.filter(pk=one.pk).update(template=None, mapping_version=None, connection=None)
        (row,) = made(cast.dana)
        assert (row["template"], row["mapping"], row["method"], row["reason"]) == ("", "", "", "")

    def test_nothing_that_matches_is_a_heading_alone(self, cast):
        assert made(cast.dana, "state=held") == []

    def test_too_many_are_refused_and_said(self, cast, dana, monkeypatch):
        for _ in range(2):
            make_delivery(cast)
        monkeypatch.setattr(list_file, "MOST", 1)
        job = begin(cast.dana, "deliveries", asked())
        run_due()
        job.refresh_from_db()
        assert (job.state, job.trouble) == ("failed", "too_many")
        assert "Narrow the list" in dana.get(f"/exports/{job.pk}/").content.decode()

    def test_five_queries_however_many_rows(self, cast, django_assert_max_num_queries):
        for _ in range(12):
            make_delivery(cast)
        job = begin(cast.dana, "deliveries", asked())
        with django_assert_max_num_queries(5):
            DeliveryExport().write(job, io.BytesIO(), lambda done, total: None)

    def test_progress_is_told_to_the_end(self, cast, monkeypatch):
        for _ in range(5):
            make_delivery(cast)
        monkeypatch.setattr(list_file, "PORTION", 2)
        told: list[tuple[int, int]] = []
        job = begin(cast.dana, "deliveries", asked())
        DeliveryExport().write(job, io.BytesIO(), lambda done, total: told.append((done, total)))
        assert told == [(0, 5), (2, 5), (4, 5), (5, 5)]


class TestWhoMay:
    def test_it_is_recorded_with_its_filter_and_rows(self, cast):
        make_delivery(cast)
        made(cast.dana, "state=verified", "NORTH")
        event = AuditEvent.objects.get(event="delivery.export")
        assert (event.location, event.detail["rows"], event.detail["filter"]) == ("NORTH", 1, ["state=verified"])
        assert len(event.detail["sha256"]) == 64

    def test_one_patients_list_is_recorded_under_that_patient(self, cast):
        one = make_delivery(cast)
        made(cast.dana, f"patient={one.note_version.patient_bidx}")
        assert AuditEvent.objects.get(event="delivery.export").subject_bidx == one.note_version.patient_bidx

    @pytest.mark.parametrize("query", ["", "state=held"])
    def test_unnarrowed_it_waits_for_no_second_person_as_no_patient_is_in_it(self, cast, query):
        job = begin(cast.dana, "deliveries", asked(query))
        assert (job.state, job.everything) == ("waiting", False)

    @pytest.mark.parametrize("places", [("ELSEWHERE",), ("NORTH", "NOWHERE")])
    def test_other_places_are_refused(self, cast, places):
        with pytest.raises(Exception, match=r"ELSEWHERE|") as refused:
            begin(cast.dana, "deliveries", asked("", *places))
        assert type(refused.value).__name__ in ("WrongRole", "Http404")
        assert not ExportJob.objects.exists()

    def test_who_lost_the_role_meanwhile_gets_nothing(self, cast):
        make_delivery(cast)
        job = begin(cast.dana, "deliveries", asked())
        Membership.objects.filter(user=cast.dana).delete()
        run_due()
        job.refresh_from_db()
        assert job.state == "failed"
        assert not job.pieces.exists()


class TestThePage:
    def test_it_counts_says_the_filters_and_asks(self, cast, dana):
        make_delivery(cast, State.HELD)
        make_delivery(cast)
        shown = dana.get(f"{PAGE}?state=held").content.decode()
        assert "1 match" in shown
        assert "Held" in shown
        answer = dana.post(f"{PAGE}?state=held")
        job = ExportJob.objects.get()
        assert answer.url == f"/exports/{job.pk}/"
        assert (job.asked["query"], job.asked["locations"]) == ("state=held", ["NORTH", "SOUTH"])
        assert "deliveries-lakeside-" in dana.get(answer.url).content.decode()

    def test_with_nothing_to_export_nothing_can_be_pressed(self, dana):
        shown = dana.get(f"{PAGE}?found=none").content.decode()
        assert "0 match" in shown
        assert "disabled" in shown

    def test_the_chosen_rows_are_those_of_the_file(self, cast, dana):
        one, _ = make_delivery(cast), make_delivery(cast)
        dana.post(f"{PAGE}?id={one.pk}")
        run_due()
        job = ExportJob.objects.get()
        assert job.state == "done"
        assert f'"{one.pk}"' in b"".join(fetch(job)).decode()
        assert DeliveryExport().says(job).startswith("deliveries at NORTH, SOUTH: id ")

    def test_own_files_are_listed_and_nobody_elses(self, cast, client, dana):
        dana.post(PAGE)
        assert "deliveries-lakeside-" in dana.get(PAGE).content.decode()
        client.logout()
        client.force_login(cast.omar)
        assert "None yet" in client.get(PAGE).content.decode()
