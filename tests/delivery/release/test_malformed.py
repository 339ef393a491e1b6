"""One note that cannot be said in a form goes as far as it can, is named in the manifest, and keeps no other back."""

import io
import json
import zipfile

import pytest
from django.db import OperationalError

from delivery.channels import ccda
from delivery.channels.base import CannotExpress
from delivery.release import contents
from delivery.release.archive import write
from delivery.release.contents import LeftOut, attempt
from portal import crypto
from portal.keyring import KeysUnavailable
from tests.delivery.rows import LENA, note_version

MARK = {"export": 1, "asked_by": "dana", "approved_by": "ava"}
NBSP, WIDE = "\u00a0", "\u2003"  # blanks that are no spaces


def archived(practice, patient: str = "") -> zipfile.ZipFile:
    out = io.BytesIO()
    write(practice, patient, out, lambda done, total: None, MARK)
    return zipfile.ZipFile(io.BytesIO(out.getvalue()))


def left_out(archive: zipfile.ZipFile) -> dict[str, str]:
    return {one["path"]: one["why"] for one in json.loads(archive.read("manifest.json"))["left_out"]}


def body_becomes(version, body: bytes) -> None:
    """What no door lets in today: an older release's row, or one written past the door."""
    version.sealed_body = crypto.seal(body, table="noteversion", column="body", row=version.pk)
    version.save(update_fields=["sealed_body"])


@pytest.fixture
def good(cast):
    return note_version(
        cast, patient={**LENA, "id": "P7"}, encounter="E7", sections=[("plan", "PLAN", "Rest.", "", "")]
    )


def malformed(cast, **changes):
    """Lena's note with what `changes` says of its JSON."""
    version = note_version(cast)
    posted = json.loads(contents.body_of(version))
    for pointer, value in changes.items():
        part, _, key = pointer.partition("__")
        if key:
            posted[part][key] = value
        else:
            posted[part] = value
    body_becomes(version, json.dumps(posted).encode())
    return version


ODD = {
    "only blanks in the patient's id": {"patient__id": NBSP},
    "a lone surrogate in a section": {"sections": [{"code": "plan", "title": "PLAN", "text": "Rest \ud800 well."}]},
    "a lone surrogate in a name": {"patient__family": "Oka\udc00for"},
    "only blanks in a name": {"patient__family": WIDE, "patient__given": NBSP},
    "no section at all": {"sections": []},
    "sections of nothing but blanks": {"sections": [{"code": "plan", "title": "PLAN", "text": f" {NBSP}\n"}]},
    "a control character": {"sections": [{"code": "plan", "title": "PLAN", "text": "Rest\x1cwell."}]},
    "a day of birth that is none": {"patient__birth_date": "yesterday"},
    "sections that are no list": {"sections": 7},
    "a patient that is no object": {"patient": "Lena"},
}


@pytest.mark.parametrize("odd", ODD)
def test_it_keeps_no_other_note_back_and_goes_byte_for_byte_itself(cast, good, odd):
    version = malformed(cast, **ODD[odd])
    archive = archived(cast.practice)
    names = archive.namelist()
    assert archive.read(f"{contents.folder(version)}/note.json") == contents.body_of(version)
    for form in ("note.txt", "note.pdf", "ccda.xml"):
        assert f"{contents.folder(good)}/{form}" in names
    assert any(str(good.pk).encode() in line for line in archive.read("fhir/DocumentReference.ndjson").splitlines())


@pytest.mark.parametrize("odd", ODD)
def test_each_form_of_it_is_there_or_named_with_the_reason(cast, odd):
    version = malformed(cast, **ODD[odd])
    archive = archived(cast.practice)
    gone, under = left_out(archive), contents.folder(version)
    for form in ("note.txt", "note.pdf", "ccda.xml"):
        named = gone.get(f"{under}/{form}") or gone.get(f"{under}/note")
        assert (f"{under}/{form}" in archive.namelist()) != bool(named)
    resources = archive.read("fhir/DocumentReference.ndjson").decode()
    named = gone.get(f"fhir/DocumentReference.ndjson of {under}") or gone.get(f"{under}/note")
    assert (str(version.pk) in resources) != bool(named)


@pytest.mark.parametrize("odd", ODD)
def test_a_patients_own_export_does_not_fail_over_it_either(cast, odd):
    version = malformed(cast, **ODD[odd])
    archive = archived(cast.practice, version.patient_bidx)
    assert archive.testzip() is None
    assert "fhir/Bundle.json" in archive.namelist()


def test_the_manifest_names_the_class_of_a_fault_and_no_word_of_the_note(cast, monkeypatch, caplog):
    version = note_version(cast)

    def breaks(note):
        raise RuntimeError(note.values[0].text)

    monkeypatch.setattr(ccda, "document", breaks)
    archive = archived(cast.practice)
    assert left_out(archive)[f"{contents.folder(version)}/ccda.xml"] == "fault_RuntimeError"
    assert b"Cough" not in archive.read("manifest.json")


def test_a_patient_of_whom_no_resource_can_be_made_is_taken_from_an_older_note(cast):
    note_version(cast)
    broken = malformed(cast, patient__birth_date="yesterday")
    archive = archived(cast.practice)
    (line,) = archive.read("fhir/Patient.ndjson").splitlines()
    assert json.loads(line)["birthDate"] == LENA["birth_date"]
    assert any(contents.folder(broken) in path for path in left_out(archive))


class TestAttempt:
    def test_gives_back_what_was_made(self):
        assert attempt("x", lambda: b"made") == b"made"

    def test_names_what_a_form_cannot_express(self):
        def refuses():
            raise CannotExpress("pdf_characters", "/sections/0")

        assert attempt("x", refuses) == LeftOut("x", "pdf_characters")

    @pytest.mark.parametrize("wrong", [OperationalError("away"), KeysUnavailable("away")])
    def test_does_not_take_a_database_or_keys_that_are_away_for_the_notes_fault(self, wrong):
        def breaks():
            raise wrong

        with pytest.raises(type(wrong)):
            attempt("x", breaks)
