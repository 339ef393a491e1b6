"""The measuring of the export of everything measures the real one, and notices words that did not come out."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from delivery.bench import release, site
from delivery.models import NoteVersion
from delivery.posted import read
from delivery.release.contents import body_of
from portal.exports.tables import ExportJob
from tests.processes import ROOT

NUMBER = 12


@pytest.fixture
def measured(db):
    return release.measure(release.seed(NUMBER), NUMBER)


def test_every_note_comes_out_in_each_form_word_for_word(measured):
    assert measured["state"] == "done"
    equal = ("notes", "text_equal", "ccda_equal", "fhir_equal")
    assert [measured[name] for name in equal] == [NUMBER] * 4
    assert measured["left_out"] == 0


def test_it_is_the_directors_own_export_of_everything(measured):
    job = ExportJob.objects.get()
    assert (job.kind, job.everything, job.asked["patient"]) == ("ehi", True, "")
    assert measured["bytes"] == job.size > 1000
    assert measured["peak_mib"] >= measured["peak_before_mib"] > 0


def test_its_notes_are_like_posted_ones(measured):
    posted = read(body_of(NoteVersion.objects.first()))
    assert len(posted.sections) == 10
    assert all(len(section.text) > 100 for section in posted.sections)


def test_a_word_that_is_gone_is_not_counted_as_equal(tmp_path):
    path = tmp_path / "all.zip"
    under = "notes/00000000-0000-0000-0000-000000000001/v1"
    ccda = '<a xmlns="urn:hl7-org:v3"><paragraph>Rest wel</paragraph></a>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{under}/note.json", json.dumps({"sections": [{"text": "Rest well"}]}))
        archive.writestr(f"{under}/note.txt", "PLAN:\nRest wel")
        archive.writestr(f"{under}/ccda.xml", ccda)
        archive.writestr("fhir/DocumentReference.ndjson", "")
        archive.writestr("manifest.json", json.dumps({"left_out": []}))
    found = release.equal(path, 1)
    assert (found["notes"], found["text_equal"], found["ccda_equal"], found["fhir_equal"]) == (1, 0, 0, 0)


@pytest.mark.process
def test_the_command_prints_one_object_and_leaves_nothing_behind(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name not in ("SCRIBEPORT_DATA", site.FOLDER)}
    environment |= {"TMPDIR": str(tmp_path), "SCRIBEPORT_OWN_ENVIRONMENT": "1"}
    command = [sys.executable, "manage.py", "bench_release", "--notes", "3", "--database", "sqlite", "--json"]
    made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(made.stdout)["text_equal"] == 3
    assert list(tmp_path.iterdir()) == []
