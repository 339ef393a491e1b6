"""The archive by its small parts: lines and cells, patients told apart, how far it is, and the words around it."""

import base64
import csv
import io
import json
import zipfile
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from delivery.models import Delivery, NoteVersion
from delivery.posted import read
from delivery.release import archive, contents, register
from delivery.release.archive import COLUMNS, Manifest, _Archive, _cells, _said_of, versions, write
from delivery.release.contents import File, LeftOut
from delivery.release.exceptions import ALL, COMPLIANCE, in_force, said
from delivery.release.job import EhiExport
from delivery.release.register import Answered, Entered, answer, enter, rows, written_by
from delivery.release.tables import EhiRequest
from portal import crypto
from portal.exports.tables import ExportJob
from portal.models import Scribe
from tests.delivery.rows import LENA, make_delivery, note_version

MARK = {"export": 3, "asked_by": "dana", "approved_by": "ava"}
DAY = date(2026, 5, 20)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


def made(practice, patient: str = "") -> tuple[zipfile.ZipFile, dict]:
    out = io.BytesIO()
    write(practice, patient, out, lambda done, total: None, MARK)
    held = zipfile.ZipFile(io.BytesIO(out.getvalue()))
    return held, json.loads(held.read("manifest.json"))


def table(held: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(held.read("metadata.csv").decode(), newline="")))


class TestACell:
    @given(st.lists(TEXT, min_size=1, max_size=4))
    def test_comes_back_as_it_was_but_for_apostrophes(self, cells):
        (found,) = csv.reader(io.StringIO(_cells(tuple(cells)).decode(), newline=""))
        assert len(found) == len(cells)
        for was, now in zip(cells, found, strict=True):
            assert now.replace("'", "") == was.replace("'", "")

    @given(st.sampled_from("=+-@"), TEXT)
    def test_is_never_a_formula(self, sign, rest):
        (found,) = next(iter(csv.reader(io.StringIO(_cells((sign + rest,)).decode(), newline=""))))
        assert found.startswith("'")

    def test_with_half_a_character_is_written_all_the_same(self):
        assert _cells(("a\ud800b",)) == b'"a?b"\r\n'

    def test_stands_under_a_heading_of_its_own(self):
        assert _cells(COLUMNS).decode().count(",") == len(COLUMNS) - 1
        assert len(set(COLUMNS)) == len(COLUMNS)


class TestTheManifest:
    def archive(self) -> _Archive:
        return _Archive(zipfile.ZipFile(io.BytesIO(), "w"), Manifest())

    @given(st.lists(st.binary(max_size=200), max_size=6))
    def test_says_of_a_stream_what_it_would_say_of_the_whole(self, lines):
        streamed, whole = self.archive(), self.archive()
        streamed.stream("x", iter(lines))
        whole.add(File("x", b"".join(lines)))
        assert streamed.manifest.files == whole.manifest.files

    def test_names_what_is_left_out_and_gives_it_no_file(self):
        one = self.archive()
        one.add(LeftOut("notes/1/v1/note.pdf", "pdf_characters"))
        assert one.manifest.files == []
        assert one.manifest.left_out == [{"path": "notes/1/v1/note.pdf", "why": "pdf_characters"}]

    def test_reads_as_a_sentence_in_the_archives_own_words(self):
        assert _said_of(MARK) == "\nThis copy: export 3, asked by dana, approved by ava\n"


@pytest.mark.django_db
class TestTheTable:
    def test_has_every_part_of_a_note_with_what_became_of_it(self, cast):
        first = make_delivery(cast)
        Delivery.objects.filter(pk=first.pk).update(part="diagnoses")
        second = make_delivery(cast, "rejected")
        Delivery.objects.filter(pk=second.pk).update(note_version=first.note_version, note=first.note)
        by_note = {row["note_id"]: row["deliveries"] for row in table(made(cast.practice)[0])}
        assert by_note[str(first.note_id)] == "diagnoses: verified; note: rejected"
        assert by_note[str(second.note_id)] == "", "a note that made no delivery is a line too"

    def test_names_each_notes_own_location_and_scribe(self, cast):
        other = Scribe.objects.create(practice=cast.practice, name="=Other Scribe")
        south = note_version(cast, location=cast.south)
        type(south.note).objects.filter(pk=south.note_id).update(scribe=other)
        note_version(cast)
        found = {(row["location"], row["scribe"]) for row in table(made(cast.practice)[0])}
        assert found == {("SOUTH", "'=Other Scribe"), ("NORTH", cast.scribe.name)}

    def test_leaves_the_time_of_a_visit_empty_where_nobody_said_it(self, cast):
        version = note_version(cast)
        NoteVersion.objects.filter(pk=version.pk).update(encounter_start=None)
        (row,) = table(made(cast.practice)[0])
        assert row["encounter_start"] == ""
        assert row["received_at"].endswith("Z")

    def test_stands_in_the_order_in_which_notes_came(self, cast):
        new, old = note_version(cast), note_version(cast)
        NoteVersion.objects.filter(pk=old.pk).update(received_at=new.received_at - timedelta(days=9))
        assert [one.pk for one in versions(cast.practice, "")] == [old.pk, new.pk]


@pytest.mark.django_db
class TestPatients:
    def patients(self, held: zipfile.ZipFile) -> list[str]:
        return [json.loads(line)["identifier"][0]["value"] for line in held.read("fhir/Patient.ndjson").splitlines()]

    def test_that_differ_by_a_letters_case_are_two(self, cast):
        for key in ("P1", "p1", "P1"):
            note_version(cast, patient={**LENA, "id": key})
        assert sorted(self.patients(made(cast.practice)[0])) == ["P1", "p1"]

    def test_of_more_notes_than_a_bundle_holds_get_none_and_lose_nothing(self, cast, monkeypatch):
        monkeypatch.setattr(archive, "IN_ONE_BUNDLE", 1)
        version = note_version(cast)
        assert "fhir/Bundle.json" in made(cast.practice, version.patient_bidx)[0].namelist()
        note_version(cast)
        held, _ = made(cast.practice, version.patient_bidx)
        assert "fhir/Bundle.json" not in held.namelist()
        assert len(held.read("fhir/DocumentReference.ndjson").splitlines()) == 2

    def test_of_whom_nothing_is_known_get_an_empty_and_valid_archive(self, cast):
        note_version(cast)
        held, said = made(cast.practice, "0" * 32)
        assert (said["notes"], self.patients(held)) == (0, [])
        assert json.loads(held.read("fhir/Bundle.json")) == {"resourceType": "Bundle", "type": "collection"}
        assert held.read("audit.jsonl") == b""

    def test_at_several_locations_have_all_their_notes_in_one(self, cast):
        version = note_version(cast)
        note_version(cast, location=cast.south)
        assert made(cast.practice, version.patient_bidx)[1]["notes"] == 2

    def test_without_a_given_name_have_none_invented(self, cast):
        version = note_version(cast, patient={**LENA, "given": ""})
        assert contents.patient_resource(read(contents.body_of(version)))["name"] == [{"family": "Okafor"}]


@pytest.mark.django_db
class TestADocumentsText:
    def test_is_the_sections_under_their_titles_in_the_order_posted(self, cast):
        given = [("plan", "PLAN", "Rest.", "", ""), ("", "", "Seen.", "", ""), ("assessment", "", "Well.", "", "")]
        version = note_version(cast, sections=given)
        resource = contents.document_resource(version, read(contents.body_of(version)))
        text = base64.b64decode(resource["content"][0]["attachment"]["data"]).decode()
        assert text == "PLAN:\nRest.\n\nSection 2:\nSeen.\n\nassessment:\nWell."

    def test_names_whom_it_does_not_know_as_unknown(self, cast):
        version = note_version(cast)
        posted = read(contents.body_of(version))
        visit = SimpleNamespace(patient=SimpleNamespace(id=""), provider_id="", encounter_id="")
        bare = SimpleNamespace(sections=posted.sections, visit=visit)
        resource = contents.document_resource(version, bare)
        assert resource["subject"]["identifier"]["value"] == "unknown"
        assert resource["author"][0]["identifier"]["value"] == "unknown"
        assert resource["context"]["encounter"][0]["identifier"]["value"] == "unknown"


@pytest.mark.django_db
@pytest.mark.parametrize("notes, steps", [(0, [0]), (1, [0, 1]), (20, [0, 20]), (21, [0, 20, 21])])
def test_it_tells_how_far_it_is_every_twenty_notes_and_at_the_end(cast, monkeypatch, notes, steps):
    monkeypatch.setattr(contents, "files", lambda version, messages: iter(()))
    for _ in range(notes):
        note_version(cast)
    told = []
    write(cast.practice, "", io.BytesIO(), lambda done, total: told.append((done, total)), MARK)
    assert told == [(step, notes) for step in steps]


class TestTheExceptionsInForce:
    @given(st.dates(date(2019, 1, 1), date(2035, 1, 1)))
    def test_are_counted_in_the_sentence_as_they_are_offered(self, on):
        now = in_force(on)
        assert said(on).startswith(f"{len(now)} exceptions" if now else "No exception")
        assert ("added later" in said(on)) == any(one.since != COMPLIANCE for one in now)

    def test_one_that_is_taken_back_excuses_on_its_last_day_and_not_after(self, monkeypatch):
        ends = ALL[-1].__class__("171.999", "Of old", COMPLIANCE, until=DAY)
        monkeypatch.setattr("delivery.release.exceptions.ALL", (ends,))
        assert in_force(DAY) == [ends]
        assert in_force(DAY + timedelta(days=1)) == []


@given(st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_the_written_answer_is_due_on_a_business_day_two_to_three_weeks_on(received):
    last = written_by(received)
    assert last.weekday() < 5
    assert 12 <= (last - received).days <= 14
    assert written_by(received + timedelta(days=1)) >= last


@pytest.mark.django_db
class TestTheRegister:
    def entered(self, cast, **changes) -> EhiRequest:
        what = {"asker": "payer", "received_on": DAY, "requester": "A", "asked": "B"} | changes
        return enter(cast.practice, Entered(**what), cast.dana)

    def test_shows_a_row_that_does_not_open_without_its_words_and_the_others_whole(self, cast):
        lost, kept = self.entered(cast), self.entered(cast, requester="Kept")
        EhiRequest.objects.filter(pk=lost.pk).update(sealed_words=b"1garbage")
        found = {row.request.pk: row.requester for row in rows(cast.practice, DAY)}
        assert found == {lost.pk: "cannot be opened here", kept.pk: "Kept"}

    def test_does_not_answer_over_words_that_do_not_open(self, cast):
        lost = self.entered(cast)
        lost.sealed_words = b"1garbage"
        with pytest.raises(crypto.CannotOpen):
            answer(lost, Answered("provided", DAY))
        assert EhiRequest.objects.get(pk=lost.pk).answer == ""
        assert not AuditEvent.objects.filter(event="ehi.answer").exists()

    def test_calls_nothing_late_once_it_is_answered_however_late(self, cast):
        one = self.entered(cast)
        answer(one, Answered("provided", DAY + timedelta(days=90)))
        (row,) = rows(cast.practice, DAY + timedelta(days=400))
        assert not row.late

    def test_keeps_no_conditions_of_an_answer_in_full(self, cast):
        one = self.entered(cast)
        answer(one, Answered("provided", DAY, "171.201", "Typed by mistake"))
        (row,) = rows(cast.practice, DAY)
        assert (row.conditions, row.request.exception) == ("", "")

    def test_neither_enters_nor_answers_without_its_event(self, cast, monkeypatch):
        one = self.entered(cast)

        def refuses(*anything, **more):
            raise RuntimeError("the log is full")

        monkeypatch.setattr(register, "record", refuses)
        with pytest.raises(RuntimeError):
            self.entered(cast)
        with pytest.raises(RuntimeError):
            answer(one, Answered("provided", DAY))
        assert list(EhiRequest.objects.values_list("answer", flat=True)) == [""]


class TestTheJob:
    @pytest.mark.parametrize(
        "patient, everything, says",
        [("", True, "every note of the practice"), ("a", False, "every note of one patient")],
    )
    def test_says_how_much_is_asked_for(self, patient, everything, says):
        asked = {"patient": patient}
        assert EhiExport().everything(asked) is everything
        assert EhiExport().says(ExportJob(asked=asked)) == says

    @pytest.mark.parametrize("patient, word", [("", "nobody else"), ("a" * 32, "not needed")])
    def test_that_nobody_approved_says_so_in_what_is_signed(self, monkeypatch, patient, word):
        kept = []
        monkeypatch.setattr(
            "delivery.release.job.write", lambda practice, who, out, tell, mark: kept.append(mark) or {"notes": 0}
        )
        by = SimpleNamespace(username="dana")
        job = SimpleNamespace(
            pk=1, asked={"patient": patient}, approved_by=None, approved_by_id=None, created_by=by, practice=None,
            everything=not patient,
        )  # fmt: skip
        told = EhiExport().write(job, io.BytesIO(), lambda done, total: None)
        assert kept == [{"export": 1, "asked_by": "dana", "approved_by": word}]
        assert told == ({"notes": 0} if patient else {"notes": 0, "approved_by": 0})
