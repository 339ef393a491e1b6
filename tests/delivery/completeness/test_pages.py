"""The pages of completeness: numbers for everybody who sees deliveries, visits masked, revealing recorded, files safe."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from delivery.completeness.visits import opened, tail, unfinished
from delivery.events.models import Event
from portal.models import Membership, Role
from tests.delivery.completeness.days_of_visits import DAY, NEXT, closes, note_of, source_of

pytestmark = pytest.mark.django_db
PAGE, THE_DAY = "/deliveries/completeness/", "/deliveries/completeness/NORTH/2026-03-19/"
PATIENT = "ZZQ-7701"


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def missing(cast):
    """Of three visits one has a verified note, one a held one, and one none."""
    source = source_of(cast)
    lost = closes(source, "E5003", DAY + timedelta(minutes=5), patient=PATIENT)
    for visit, state in (("E5001", "verified"), ("E5002", "held")):
        closes(source, visit)
        note_of(cast, visit, state)
    return lost


def text_of(response) -> str:
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def rows_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(response))))


class TestTheDays:
    def test_each_location_in_view_shows_its_days(self, cast, missing):
        text = text_of(client_of(cast.dana).get(PAGE, {"until": "2026-03-19", "days": "7"}))
        assert "North Clinic" in text
        assert "South Clinic" in text
        assert "1 missing" in text
        assert "Cannot say" in text
        assert text.count("<tr>") == 2 * 8

    def test_who_has_a_role_at_one_location_sees_that_one(self, cast, missing):
        text = text_of(client_of(cast.omar).get(PAGE))
        assert "North Clinic" in text
        assert "South Clinic" not in text

    @pytest.mark.parametrize(
        "query", [{"until": "2199-01-01"}, {"until": "nonsense", "days": "-1"}, {"days": "9" * 30}]
    )
    def test_nonsense_in_the_address_shows_the_usual_days(self, cast, query):
        today = timezone.now().astimezone().strftime("%Y")
        assert today in text_of(client_of(cast.dana).get(PAGE, query))

    def test_no_patient_and_no_visit_stands_there(self, cast, missing):
        text = text_of(client_of(cast.dana).get(PAGE, {"until": "2026-03-19"}))
        assert [word for word in (PATIENT, "E5003", "7701") if word in text] == []

    def test_the_file_says_of_what_is_not_known_why_and_gives_no_number(self, cast, missing):
        rows = rows_of(client_of(cast.dana).get(f"{PAGE}export/", {"until": "2026-03-19", "days": "7"}))
        told = {(row["location"], row["day"]): row for row in rows}
        assert told["NORTH", "2026-03-19"]["missing"] == "1"
        unknown = told["SOUTH", "2026-03-19"]
        assert (unknown["closed"], unknown["missing"]) == ("", "")
        assert unknown["says"].startswith("Cannot say: No source")

    def test_the_file_is_in_the_audit_log_with_its_hash(self, cast, missing):
        client_of(cast.dana).get(f"{PAGE}export/", {"days": "7"})
        event = AuditEvent.objects.get(event="report.export")
        assert (event.detail["rows"], event.detail["what"], len(event.detail["sha256"])) == (14, "completeness", 64)


class TestADay:
    def test_lists_what_is_missing_first_then_what_is_not_verified(self, cast, missing):
        rows = unfinished(cast.north, DAY.date(), NEXT, clear=True)
        assert [(row.visit, row.kind, row.word) for row in rows] == [
            ("E5003", "missing", "No note"),
            ("E5002", "unproven", "Held"),
        ]
        assert rows[0].closed_at.strftime("%H:%M %Z") == "11:05 EDT"

    def test_calls_the_provider_by_the_name_the_notes_know(self, cast, missing):
        assert {row.provider for row in unfinished(cast.north, DAY.date(), NEXT, clear=True)} == {"Ann Lee"}

    def test_masks_the_patient_and_names_the_visit(self, cast, missing):
        text = text_of(client_of(cast.dana).get(THE_DAY))
        assert "E5003" in text
        assert "••7701" in text
        assert PATIENT not in text

    @pytest.mark.parametrize("role", [Role.METADATA_ONLY, Role.AUDITOR])
    def test_masks_the_visit_too_for_roles_that_read_no_content(self, cast, missing, role):
        Membership.objects.filter(user=cast.omar).update(role=role)
        text = text_of(client_of(cast.omar).get(THE_DAY))
        assert "E5003" not in text
        assert "Show whose" not in text
        assert "Why?" in text

    def test_looking_is_recorded_with_how_many_were_shown(self, cast, missing):
        client_of(cast.omar).get(THE_DAY)
        event = AuditEvent.objects.get(event="visit.list")
        assert (event.location, event.detail) == ("NORTH", {"shown": 2, "day": "2026-03-19"})

    def test_an_event_that_does_not_open_is_listed_all_the_same(self, cast, missing):
        Event.objects.filter(pk=missing.pk).update(sealed_visit=b"nothing of ours")
        text = text_of(client_of(cast.dana).get(THE_DAY))
        assert "cannot be opened" in text
        assert "••7701" not in text

    @pytest.mark.parametrize("day", ["2026-02-30", "2199-12-01", "today", "2026-3-19"])
    def test_a_day_that_never_was_or_has_not_come_is_not_there(self, cast, day):
        assert client_of(cast.dana).get(f"{PAGE}NORTH/{day}/").status_code == 404

    def test_a_silent_day_has_its_own_page(self, cast, missing):
        text = text_of(client_of(cast.dana).get(f"{PAGE}NORTH/2026-03-18/"))
        assert "Nothing can be said of this day" in text
        assert "Every closed visit is verified" not in text

    def test_a_complete_day_says_so(self, cast):
        closes(source_of(cast), "E5001")
        note_of(cast, "E5001")
        assert "Every closed visit is verified" in text_of(client_of(cast.dana).get(THE_DAY))

    def test_S14_its_file_masks_as_the_page_does_and_holds_no_formula(self, cast):
        closes(source_of(cast), "=HYPERLINK(1)", patient="@SUM-1234")
        rows = rows_of(client_of(cast.dana).get(f"{THE_DAY}export/"))
        assert [(row["visit"], row["patient"]) for row in rows] == [("'=HYPERLINK(1)", "••1234")]
        assert {event.event for event in AuditEvent.objects.all()} >= {"visit.list", "report.export"}


class TestOneVisit:
    def test_why_its_note_is_missing_is_answered_from_the_visits_own_ids(self, cast, missing):
        text = text_of(client_of(cast.omar).get(f"{PAGE}visits/{missing.pk}/why/"))
        assert "We never received this note from the scribe" in text
        assert "2 other notes came that day" in text
        assert PATIENT not in text
        assert "E5003" not in text

    def test_a_note_posted_under_another_patient_is_found_out(self, cast, missing):
        note_of(cast, "E5003")
        assert "under another patient" in text_of(client_of(cast.omar).get(f"{PAGE}visits/{missing.pk}/why/"))

    def test_asking_is_recorded_under_the_patients_index(self, cast, missing):
        client_of(cast.omar).get(f"{PAGE}visits/{missing.pk}/why/")
        event = AuditEvent.objects.get(event="visit.view")
        assert (event.subject_bidx, event.detail["what"]) == (missing.patient_bidx, "why")

    def test_its_patient_is_shown_for_a_reason_that_is_recorded(self, cast, missing):
        client = client_of(cast.omar)
        assert PATIENT not in text_of(client.get(f"{PAGE}visits/{missing.pk}/patient/"))
        assert not AuditEvent.objects.filter(event="visit.view").exists()
        assert PATIENT in text_of(
            client.post(f"{PAGE}visits/{missing.pk}/patient/", {"reason": "Called by the clinic"})
        )
        event = AuditEvent.objects.get(event="visit.view")
        assert (event.reason, event.data_category) == ("Called by the clinic", ["patient"])

    @pytest.mark.parametrize("reason", ["", "why", "x" * 201])
    def test_without_a_reason_nothing_is_shown_and_nothing_recorded(self, cast, missing, reason):
        text = text_of(client_of(cast.omar).post(f"{PAGE}visits/{missing.pk}/patient/", {"reason": reason}))
        assert PATIENT not in text
        assert not AuditEvent.objects.filter(event="visit.view").exists()

    def test_a_colleague_at_another_location_finds_no_such_visit(self, cast, missing):
        Membership.objects.filter(user=cast.omar).update(location=cast.south)
        for path in ("why", "patient"):
            assert client_of(cast.omar).get(f"{PAGE}visits/{missing.pk}/{path}/").status_code == 404

    def test_a_stranger_finds_neither_the_visit_nor_the_day(self, cast, missing):
        stranger = client_of(cast.sam)
        assert stranger.get(f"{PAGE}visits/{missing.pk}/why/").status_code == 404
        assert "E5003" not in text_of(stranger.get(THE_DAY))  # their own NORTH

    def test_a_mapping_editor_may_not_look(self, cast, missing):
        editor = client_of(cast.mel)
        for path in (PAGE, THE_DAY, f"{PAGE}visits/{missing.pk}/why/", f"{PAGE}visits/{missing.pk}/patient/"):
            assert editor.get(path).status_code == 403


@pytest.mark.parametrize(
    "name, shown", [("", ""), ("E", ""), ("E5", "••5"), ("E5001", "••01"), ("ECW-0005001", "••5001")]
)
def test_the_end_of_an_id_never_is_more_than_half_of_it(name, shown):
    assert tail(name).strip() == shown or (name == "E" and set(tail(name)) == {"•"})


def test_opening_gives_the_three_ids(missing):
    told = opened(missing)
    assert (told.encounter_id, told.patient_id, told.provider_id) == ("E5003", PATIENT, "DR7")
