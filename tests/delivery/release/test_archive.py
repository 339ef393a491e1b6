"""The archive of notes: all of them in every form, nothing of another practice or patient; its signature holds."""

import base64
import csv
import hashlib
import io
import json
import weakref
import zipfile

import pypdf
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection
from django.test.utils import CaptureQueriesContext
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.documentreference import DocumentReference
from fhir.resources.R4B.patient import Patient
from lxml import etree

from audit.record import record
from delivery.channels import ccda
from delivery.models import NoteVersion, Wire
from delivery.release import archive as archives
from delivery.release import contents
from delivery.release.archive import public_key, write
from portal import crypto
from tests.delivery.rows import LENA, make_delivery, note_version

OTHER = {"id": "P2002", "family": "=Okonkwo", "given": "Ravi", "birth_date": "", "sex": "U"}
TEXTS = {
    "note.txt": lambda raw: raw.decode(),
    "note.pdf": lambda raw: " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(raw)).pages),
    "ccda.xml": lambda raw: "".join(etree.fromstring(raw).itertext()),
    "note.json": lambda raw: json.dumps(json.loads(raw), ensure_ascii=False),
}


MARK = {"export": 7, "asked_by": "dana", "approved_by": "ava"}


def archived(practice, patient: str = "") -> zipfile.ZipFile:
    out = io.BytesIO()
    told = []
    write(practice, patient, out, lambda done, total: told.append((done, total)), MARK)
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
    return zipfile.ZipFile(io.BytesIO(out.getvalue()))


def manifest(archive: zipfile.ZipFile) -> dict:
    return json.loads(archive.read("manifest.json"))


def lines(archive: zipfile.ZipFile, path: str) -> list[bytes]:
    return archive.read(path).splitlines()


@pytest.fixture
def notes(cast):
    """Lena's delivered note, one of another patient that no mapping knew, and a stranger's."""
    delivered = make_delivery(cast)
    other = note_version(cast, patient=OTHER, encounter="E9", sections=[("plan", "PLAN", "Rest.", "", "")])
    foreign = note_version(cast, location=cast.elsewhere, patient=LENA)
    return {"delivered": delivered, "other": other, "foreign": foreign}


def test_the_copy_says_in_its_signed_manifest_who_asked_and_who_approved(cast, notes):
    archive = archived(cast.practice)
    assert {key: manifest(archive)[key] for key in MARK} == MARK
    assert "This copy: export 7, asked by dana, approved by ava" in archive.read("README.txt").decode()


def test_every_form_of_every_note_is_there(cast, notes):
    archive = archived(cast.practice)
    assert archive.testzip() is None
    for version in (notes["delivered"].note_version, notes["other"]):
        names = {name.rpartition("/")[2] for name in archive.namelist() if f"/{version.note_id}/" in f"/{name}"}
        assert {"note.json", "note.txt", "note.pdf", "ccda.xml"} <= names
    assert {"README.txt", "metadata.csv", "fhir/Patient.ndjson", "manifest.json", "manifest.sig"} <= set(
        archive.namelist()
    )


@pytest.mark.parametrize("form", sorted(TEXTS))
def test_every_words_of_a_note_stand_in_each_form(cast, notes, form):
    version = notes["delivered"].note_version
    text = TEXTS[form](archived(cast.practice).read(f"notes/{version.note_id}/v1/{form}"))
    for words in ("Cough for nine days.", "No fever.", "Lungs clear to auscultation."):
        assert words in " ".join(text.split())


def test_the_ccda_reads_back_section_by_section(cast, notes):
    version = notes["delivered"].note_version
    found = ccda.texts(archived(cast.practice).read(f"notes/{version.note_id}/v1/ccda.xml"))
    assert list(found) == ["CHIEF COMPLAINT", "HPI", "PHYSICAL EXAM"]


def test_the_note_is_there_byte_for_byte_and_so_is_its_message(cast, notes):
    delivery = notes["delivered"]
    version, wire = delivery.note_version, Wire.objects.get(delivery=delivery)
    archive = archived(cast.practice)
    body = crypto.unseal(version.sealed_body, table="noteversion", column="body", row=version.pk)
    assert archive.read(f"notes/{version.note_id}/v1/note.json") == body
    (message,) = [name for name in archive.namelist() if "/messages/" in name]
    raw = archive.read(message)
    assert hashlib.sha256(raw).hexdigest() == wire.sha256 or raw == crypto.unseal(
        wire.sealed_bytes, table="wire", column="bytes", row=wire.pk
    )


def test_a_patients_archive_holds_no_other(cast, notes):
    archive = archived(cast.practice, notes["delivered"].note_version.patient_bidx)
    held = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Okonkwo" not in held
    assert b"P2002" not in held
    assert str(notes["other"].note_id) not in "".join(archive.namelist())
    assert manifest(archive)["notes"] == 1


def test_another_practices_notes_are_in_neither(cast, notes):
    for patient in ("", notes["foreign"].patient_bidx):
        assert str(notes["foreign"].note_id) not in "".join(archived(cast.practice, patient).namelist())
    theirs = archived(cast.elsewhere.practice)
    assert manifest(theirs)["notes"] == 1


def test_fhir_is_valid_and_carries_the_text(cast, notes):
    archive = archived(cast.practice)
    patients = [Patient.model_validate_json(line) for line in lines(archive, "fhir/Patient.ndjson")]
    assert sorted(one.identifier[0].value for one in patients) == ["P1001", "P2002"]
    assert {one.gender for one in patients} == {"female", "unknown"}
    raw = lines(archive, "fhir/DocumentReference.ndjson")
    assert {DocumentReference.model_validate_json(line).status for line in raw} == {"current"}
    data = [json.loads(line)["content"][0]["attachment"]["data"] for line in raw]
    texts = [base64.b64decode(one).decode() for one in data]
    assert any("Cough for nine days." in text for text in texts)
    assert "PLAN:\nRest." in texts


def test_a_patient_has_one_bundle_more(cast, notes):
    archive = archived(cast.practice, notes["delivered"].note_version.patient_bidx)
    bundle = Bundle.model_validate_json(archive.read("fhir/Bundle.json"))
    assert [entry.resource.get_resource_type() for entry in bundle.entry] == ["Patient", "DocumentReference"]
    assert "fhir/Bundle.json" not in archived(cast.practice).namelist()


def test_a_patient_stands_once_as_the_newest_note_has_them(cast, notes):
    note_version(cast, patient={**LENA, "family": "Okafor-Reyes"})
    found = [json.loads(line) for line in lines(archived(cast.practice), "fhir/Patient.ndjson")]
    assert [one["name"][0]["family"] for one in found if one["identifier"][0]["value"] == "P1001"] == ["Okafor-Reyes"]


def test_the_audit_trail_goes_with_a_patient(cast, notes):
    bidx = notes["delivered"].note_version.patient_bidx
    record("note.view", practice="lakeside", location="NORTH", subject_bidx=bidx)
    record("note.view", practice="harbor", location="NORTH", subject_bidx=bidx)
    events = [json.loads(line) for line in lines(archived(cast.practice, bidx), "audit.jsonl")]
    assert {event["practice"] for event in events} == {"lakeside"}
    assert {event["subject_bidx"] for event in events} == {bidx}
    assert "audit.jsonl" not in archived(cast.practice).namelist()


def test_S14_metadata_is_a_line_a_version_and_holds_no_formula(cast, notes):
    version = notes["other"]
    version.provider_id = "=cmd()"
    version.save()
    rows = list(csv.DictReader(io.StringIO(archived(cast.practice).read("metadata.csv").decode())))
    assert {row["note_id"] for row in rows} == {str(notes["delivered"].note_id), str(version.note_id)}
    by_note = {row["note_id"]: row for row in rows}
    assert by_note[str(version.note_id)]["provider_id"] == "'=cmd()"
    assert by_note[str(notes["delivered"].note_id)]["deliveries"].startswith("note: ")


def test_a_practice_without_notes_gets_a_signed_empty_archive(cast):
    archive = archived(cast.practice)
    assert manifest(archive)["notes"] == 0
    assert lines(archive, "fhir/Patient.ndjson") == []


# --- what cannot be made is named -----------------------------------------------------------------------------------------


def test_what_one_form_cannot_say_is_left_out_of_that_form_alone(cast):
    version = note_version(cast, sections=[("plan", "PLAN", "Ruhe 休む", "", "")])
    archive = archived(cast.practice)
    under = f"notes/{version.note_id}/v1"
    assert f"{under}/note.pdf" not in archive.namelist()
    assert "休む" in archive.read(f"{under}/note.txt").decode()
    assert manifest(archive)["left_out"] == [{"path": f"{under}/note.pdf", "why": "pdf_characters"}]


def test_a_note_that_does_not_open_is_named_and_stops_nothing(cast, notes):
    NoteVersion.objects.filter(pk=notes["other"].pk).update(sealed_body=b"1garbage")
    archive = archived(cast.practice)
    assert manifest(archive)["left_out"] == [{"path": f"notes/{notes['other'].note_id}/v1", "why": "cannot_open"}]
    assert len(lines(archive, "fhir/DocumentReference.ndjson")) == 1


def test_a_message_that_does_not_open_is_named(cast, notes):
    Wire.objects.update(sealed_bytes=b"1garbage")
    (left,) = manifest(archived(cast.practice))["left_out"]
    assert left["why"] == "cannot_open"
    assert "/messages/" in left["path"]


# --- the manifest -----------------------------------------------------------------------------------------------------------


def test_the_manifest_names_every_file_with_its_hash(cast, notes):
    archive = archived(cast.practice)
    said = {one["path"]: (one["sha256"], one["bytes"]) for one in manifest(archive)["files"]}
    held = {
        name: (hashlib.sha256(archive.read(name)).hexdigest(), len(archive.read(name)))
        for name in archive.namelist()
        if not name.startswith("manifest.")
    }
    assert said == held


def test_its_signature_holds_and_breaks_with_any_byte(cast, notes):
    archive = archived(cast.practice)
    raw, signature = archive.read("manifest.json"), base64.b64decode(archive.read("manifest.sig"))
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key()))
    key.verify(signature, raw)
    assert manifest(archive)["public_key"] == public_key()
    with pytest.raises(InvalidSignature):
        key.verify(signature, raw.replace(b'"notes": 2', b'"notes": 3'))


def test_another_installation_signs_with_another_key(settings):
    before = public_key()
    settings.AUDIT_MAC_KEY = "0" * 64
    assert public_key() != before


def test_many_notes_take_no_more_queries_than_few(cast, notes):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            archived(cast.practice)
        return len(caught)

    few = queries()
    for _ in range(6):
        make_delivery(cast)
    assert queries() == few


def test_no_note_stays_in_memory_once_its_files_are_written(cast, notes, monkeypatch):
    """With its messages a note has up to 5 MiB in each form; a practice has thousands."""
    for _ in range(9):
        make_delivery(cast)
    monkeypatch.setattr(archives, "CHUNK", 3)
    seen: list[weakref.ref[NoteVersion]] = []
    alive: list[int] = []
    files = contents.files

    def watched(version, *messages):
        seen.append(weakref.ref(version))
        alive.append(sum(one() is not None for one in seen))
        return files(version, *messages)

    monkeypatch.setattr(contents, "files", watched)
    assert manifest(archived(cast.practice))["notes"] == len(seen) == 11
    assert max(alive) == 1
