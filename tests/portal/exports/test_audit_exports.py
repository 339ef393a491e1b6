"""Exports of the audit log as jobs: asked for, made as the asker may see, fetched under record, gone after a day."""

import csv
import hashlib
import io
import json
from datetime import timedelta

import pypdf
import pytest
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from fhir.resources.R4B.auditevent import AuditEvent as Resource

from audit import verify_log
from audit.anchors import anchor_all
from audit.canonical import canonical
from audit.context import Actor, acting
from audit.log_file import PROVES
from audit.models import AuditEvent
from audit.record import record
from portal import crypto
from portal.access import WrongRole
from portal.exports import running
from portal.exports.asking import begin, cancel, export_for, fetch, own
from portal.exports.audit_files import part_of
from portal.exports.running import expire, run_due
from portal.exports.tables import ExportJob, ExportPiece
from portal.models import Membership, Role, User
from tests.audit.log import note, seal_now

PATIENT = "0123456789abcdef" * 2
ALL = {"query": "", "location": ""}


@pytest.fixture
def events(cast):
    with acting(Actor("user", str(cast.dana.pk), "dana"), "trace-1"):
        record("note.view", practice="lakeside", location="NORTH", subject_bidx=PATIENT, detail={"delivery_id": 5})
        record("note.view", practice="lakeside", location="SOUTH", subject_bidx="b" * 32)
        record("mapping.publish", practice="lakeside", location="NORTH", reason="=1+1", detail={"version": 3})
    with acting(Actor("worker", "w1")):
        record("disclosure.out", practice="lakeside", location="NORTH", recipient="eCW", purpose_of_use="TREAT")
        record("note.view", practice="harbor", location="NORTH", subject_bidx=PATIENT)
    return cast


def made(user: User, kind: str, **asked) -> tuple[ExportJob, bytes]:
    """An export, made and fetched."""
    job = begin(user, "audit", {**ALL, "format": kind, **asked})
    assert run_due() == 1
    job.refresh_from_db()
    assert job.state == "done", job.trouble
    return job, b"".join(fetch(job))


def one(event: str) -> AuditEvent:
    return AuditEvent.objects.filter(event=event).latest("at")


# --- what is in the file --------------------------------------------------------------------------------------------


def test_a_search_by_patient_is_a_csv_of_this_patient_alone(events):
    job, content = made(events.dana, "csv", query=f"subject={PATIENT}")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["event"] for row in rows] == ["note.view"]
    assert rows[0]["subject_bidx"] == PATIENT
    assert job.done == job.total == 1


def test_by_person_location_time_and_event(events):
    def found(**asked) -> list[tuple[str, str]]:
        lines = made(events.dana, "jsonl", **asked)[1].splitlines()
        return sorted((row["event"], row["location"]) for row in map(json.loads, lines))

    mine = [("mapping.publish", "NORTH"), ("note.view", "NORTH"), ("note.view", "SOUTH")]
    asked_for = ("export.begin", "")
    assert [row for row in found(query=f"who={events.dana.pk}") if row[0][:7] != "export."] == mine
    assert found(query="event=disclosure.") == [("disclosure.out", "NORTH")]
    assert found(query="event=note.view", location="SOUTH") == [("note.view", "SOUTH")]
    assert found(query="event=note.view&until=2020-01-01") == []
    assert asked_for in found(query="since=2020-01-01")


def test_S14_a_formula_in_a_reason_is_no_formula_in_the_csv(events):
    content = made(events.dana, "csv", query="event=mapping.publish")[1].decode()
    assert '"\'=1+1"' in content


def test_a_line_of_jsonl_is_the_very_bytes_that_are_sealed(events):
    _, content = made(events.dana, "jsonl", query="event=disclosure.out")
    (line,) = content.splitlines()
    assert line == canonical(one("disclosure.out"))


def test_each_line_of_fhir_is_a_valid_audit_event(events):
    _, content = made(events.dana, "fhir", query="event=note.view")
    found = [Resource.model_validate_json(line) for line in content.splitlines()]
    assert {resource.subtype[0].code for resource in found} == {"note.view"}
    assert {resource.type.code for resource in found} == {"110110"}
    assert next(entity.what.identifier.value for entity in found[1].entity) == PATIENT


def test_the_summary_counts_in_words(events):
    job, content = made(events.dana, "pdf", location="NORTH", query="event=note.")
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    assert "Audit log: summary" in text
    assert "viewed a note" in text
    assert "no anchored checkpoint" in text
    assert one("audit.export").detail["rows"] == 1
    assert job.asked["format"] == "pdf"


def test_a_practice_is_exported_without_anothers_events(events):
    for kind in ("csv", "jsonl", "fhir"):
        assert b"harbor" not in made(events.dana, kind)[1]


# --- proofs -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestProved:
    """Sealed logs: committed for good."""

    @pytest.fixture
    def sealed(self, cast, settings, tmp_path):
        settings.AUDIT_ANCHORS = [f"file://{tmp_path / 'anchor.jsonl'}"]
        note(subject=PATIENT, count=3)
        note(subject="c" * 32, count=2)
        seal_now()
        anchor_all()
        return cast

    def verdict(self, path, capsys) -> dict:
        verify_log.main([str(path), "--json"])
        return json.loads(capsys.readouterr().out)

    def test_L12_a_patients_file_is_whole_until_a_line_of_it_is_gone(self, sealed, tmp_path, capsys):
        _, content = made(sealed.dana, "proved", query=f"subject={PATIENT}")
        path = tmp_path / "one.jsonl"
        path.write_bytes(content)
        said = self.verdict(path, capsys)
        assert (said["whole"], said["events"]) == (True, 3)
        lines = content.splitlines(keepends=True)
        of_patient = [at for at, line in enumerate(lines) if not line.startswith(b'{"+')]
        path.write_bytes(
            b"".join(line for at, line in enumerate(lines) if at not in (of_patient[1], of_patient[1] - 1))
        )
        assert self.verdict(path, capsys)["whole"] is False

    def test_a_whole_log_names_the_first_bad_leaf(self, sealed, tmp_path, capsys):
        _, content = made(sealed.dana, "proved")
        path = tmp_path / "all.jsonl"
        path.write_bytes(content.replace(b'"event":"system.start"', b'"event":"system.stop!"', 1))
        said = self.verdict(path, capsys)
        assert said["whole"] is False
        assert said["leaf"] is not None

    def test_before_the_first_anchoring_it_says_to_ask_again(self, cast):
        note(subject=PATIENT)
        seal_now()
        job = begin(cast.dana, "audit", {**ALL, "format": "proved", "query": f"subject={PATIENT}"})
        run_due()
        job.refresh_from_db()
        assert (job.state, job.trouble) == ("failed", "not_covered")


# --- the job ----------------------------------------------------------------------------------------------------------


def test_asking_making_and_fetching_are_recorded_with_the_files_hash(events):
    job, content = made(events.ava, "csv", query=f"subject={PATIENT}")
    assert one("export.begin").actor_id == "tests"
    exported = one("audit.export")
    assert exported.actor_id == str(events.ava.pk)
    assert exported.subject_bidx == PATIENT
    assert exported.detail["sha256"] == hashlib.sha256(content).hexdigest() == job.sha256
    assert one("export.fetch").detail == {"size": len(content), "sha256": job.sha256}


def test_the_file_is_encrypted_at_rest_and_in_pieces(events, monkeypatch):
    monkeypatch.setattr(running, "PIECE", 500)
    job, content = made(events.dana, "jsonl", query="event=note.view")
    pieces = list(job.pieces.order_by("number"))
    assert len(pieces) == len(content) // 500 + 1
    assert all(b"note.view" not in bytes(piece.sealed_body) for piece in pieces)
    pieces[0].number, pieces[1].number = 1, 0
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(pieces[0].sealed_body, table="exportpiece", column="body", row=str(pieces[0]))


def test_after_a_day_it_is_deleted_and_says_so(events):
    job, _ = made(events.dana, "csv")
    assert timedelta(hours=23, minutes=59) < job.expires_at - timezone.now() <= timedelta(hours=24)
    ExportJob.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    job.refresh_from_db()
    with pytest.raises(Http404):
        fetch(job)  # at once, before any worker comes to it
    assert expire() == 1
    job.refresh_from_db()
    assert job.state == "expired"
    assert not ExportPiece.objects.exists()
    assert one("export.end").detail == {"word": "expired"}
    assert expire() == 0


def test_a_cancelled_one_leaves_nothing(events):
    job, _ = made(events.dana, "csv")
    assert cancel(job)
    assert not ExportPiece.objects.exists()
    assert not cancel(job)
    with pytest.raises(Http404):
        fetch(ExportJob.objects.get(pk=job.pk))


def test_cancelling_while_it_is_made_ends_it(events, monkeypatch):
    job = begin(events.dana, "audit", {**ALL, "format": "csv"})
    monkeypatch.setattr(running, "PIECE", 100)
    put = running.Pieces._put

    def cancelled_then_put(pieces, size):
        cancel(ExportJob.objects.select_related("practice").get(pk=job.pk))
        put(pieces, size)

    monkeypatch.setattr(running.Pieces, "_put", cancelled_then_put)
    run_due()
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not ExportPiece.objects.exists()
    assert not AuditEvent.objects.filter(event="audit.export").exists()


def test_one_that_a_killed_worker_left_is_begun_anew_by_the_next(events):
    job = begin(events.dana, "audit", {**ALL, "format": "csv"})
    assert running.take(job.pk, "killed")
    ExportPiece.objects.create(job=job, number=0, sealed_body=b"half")
    assert run_due() == 0  # its lease runs still
    ExportJob.objects.update(held_until=timezone.now() - timedelta(minutes=1))
    assert run_due() == 1
    job.refresh_from_db()
    assert (job.state, job.tries, job.pieces.count()) == ("done", 2, 1)


def test_what_ends_three_workers_is_not_taken_up_again(events):
    job = begin(events.dana, "audit", {**ALL, "format": "csv"})
    ExportJob.objects.update(state="running", tries=3)
    assert run_due() == 0
    job.refresh_from_db()
    assert (job.state, job.trouble) == ("failed", "tries")


def test_two_workers_do_not_make_the_same(events):
    job = begin(events.dana, "audit", {**ALL, "format": "csv"})
    assert running.take(job.pk, "one")
    assert not running.take(job.pk, "two")


# --- whose --------------------------------------------------------------------------------------------------------------


def test_rights_are_asked_again_when_it_is_made(events):
    job = begin(events.ava, "audit", {**ALL, "format": "csv"})
    Membership.objects.filter(user=events.ava).update(role=Role.CLINICIAN)
    run_due()
    job.refresh_from_db()
    assert (job.state, job.trouble) == ("failed", "not_allowed")


def test_rights_are_asked_again_when_it_is_fetched(events):
    job, _ = made(events.ava, "csv")
    Membership.objects.filter(user=events.ava).update(role=Role.CLINICIAN)
    with pytest.raises(WrongRole):
        export_for(events.ava, job.pk)


def test_somebody_who_was_disabled_gets_nothing_made(events):
    job = begin(events.ava, "audit", {**ALL, "format": "csv"})
    User.objects.filter(pk=events.ava.pk).update(is_active=False)
    run_due()
    job.refresh_from_db()
    assert job.trouble == "not_allowed"


def test_a_colleague_does_not_find_ones_export(events):
    job, _ = made(events.ava, "csv")
    with pytest.raises(Http404):
        export_for(events.dana, job.pk)
    assert list(own(events.dana, "audit")) == []


def test_an_auditor_of_one_location_gets_that_location_and_no_proofs(events):
    only = User.objects.create_user("only-north")
    Membership.objects.create(user=only, practice=events.practice, location=events.north, role=Role.AUDITOR)
    content = made(only, "csv")[1].decode()
    assert '"SOUTH"' not in content
    assert '"NORTH"' in content
    with pytest.raises(WrongRole):
        begin(only, "audit", {**ALL, "format": "proved"})


# --- the pages ------------------------------------------------------------------------------------------------------------


def test_the_page_asks_follows_and_hands_out(client, events):
    client.force_login(events.dana)
    page = client.get(reverse("portal:audit-exports"), {"event": "note."})
    assert b"None yet" in page.content
    answer = client.post(reverse("portal:audit-exports") + "?event=note.", {"format": "csv"})
    job = ExportJob.objects.get()
    assert answer.url == reverse("portal:export", args=[job.pk])
    assert b"Waiting" in client.get(answer.url).content
    run_due()
    assert b"Download" in client.get(answer.url, headers={"HX-Request": "true"}).content
    file = client.get(reverse("portal:export-file", args=[job.pk]))
    content = b"".join(file.streaming_content)
    assert file["Content-Disposition"].startswith('attachment; filename="audit-lakeside-')
    assert file["Cache-Control"] == "no-store"
    assert int(file["Content-Length"]) == len(content)
    assert b"note.view" in content
    client.post(reverse("portal:export-cancel", args=[job.pk]))
    assert client.get(reverse("portal:export-file", args=[job.pk])).status_code == 404
    assert b"Cancelled" in client.get(reverse("portal:audit-exports")).content


WHICH = [
    ("", "", "whole"),
    ("of=installation", "", "whole"),
    (f"subject={PATIENT}", "", "patient"),
    ("since=2026-01-01", "", "time"),
    ("since=2026-01-01&until=2026-02-01", "", "time"),
    ("event=note.", "", "selection"),
    (f"subject={PATIENT}&since=2026-01-01", "", "selection"),
    ("who=7", "", "selection"),
    ("", "NORTH", "selection"),
    (f"subject={PATIENT}", "NORTH", "selection"),
]


@pytest.mark.parametrize("query, location, part", WHICH)
def test_what_the_proofs_say_follows_from_what_is_asked_for(query, location, part):
    assert part_of(query, location) == part


@pytest.mark.parametrize("query, location, part", [one for one in WHICH if "of=" not in one[0] and "who" not in one[0]])
def test_the_page_says_beforehand_what_the_proofs_of_this_file_say(client, events, query, location, part):
    client.force_login(events.dana)
    page = client.get(f"{reverse('portal:audit-exports')}?{query}&location={location}").content.decode()
    assert PROVES[part] in page


def test_of_a_chosen_location_the_file_holds_that_locations_events_alone(client, events):
    client.force_login(events.dana)
    client.post(reverse("portal:audit-exports") + "?location=NORTH", {"format": "proved"})
    assert ExportJob.objects.get().asked == {"format": "proved", "query": "", "location": "NORTH"}
    run_due()
    lines = [json.loads(line) for line in b"".join(fetch(ExportJob.objects.get())).splitlines()]
    assert {line["location"] for line in lines if "event" in line} == {"NORTH"}
    assert lines[0]["+log"]["proves"] == PROVES["selection"]


@pytest.mark.parametrize("query", ["event=note.", "since=2020-01-01", "until=2020-01-01", "outcome=ok&event=note.view"])
def test_any_search_can_be_had_with_its_proofs_and_the_file_says_what_they_prove(events, query):
    _, content = made(events.dana, "proved", query=query)
    opening = json.loads(content.splitlines()[0])["+log"]
    assert opening["part"] == part_of(query, "")
    assert opening["proves"] == PROVES[part_of(query, "")]


@pytest.mark.parametrize("who, status", [("omar", 403), ("mel", 403), ("sam", 404)])
def test_others_neither_ask_nor_fetch(client, events, who, status):
    job, _ = made(events.dana, "csv")
    client.force_login(getattr(events, who))
    assert client.get(reverse("portal:export-file", args=[job.pk])).status_code in (403, 404)
    if who != "sam":
        assert client.post(reverse("portal:audit-exports"), {"format": "csv"}).status_code == status


def test_a_failed_one_says_what_to_do(client, events):
    client.force_login(events.dana)
    job = begin(events.dana, "audit", {**ALL, "format": "csv"})
    ExportJob.objects.update(state="failed", trouble="filter")
    assert b"Search anew" in client.get(reverse("portal:export", args=[job.pk])).content


def test_a_typed_patient_stands_in_no_address(client, events):
    client.force_login(events.dana)
    answer = client.post(reverse("portal:audit-patient"), {"patient": " p1001 "})
    assert answer.url == f"/audit/?subject={crypto.blind_index('patient', 'P1001')}"
    assert b"Nothing matches" in client.get(answer.url).content


@pytest.mark.parametrize("typed", ["", "P\x001", "x" * 81])
def test_what_is_no_patient_is_searched_for_nowhere(client, events, typed):
    client.force_login(events.dana)
    assert client.post(reverse("portal:audit-patient"), {"patient": typed}).url == "/audit/"
