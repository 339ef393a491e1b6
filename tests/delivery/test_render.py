"""`manage.py render`: every way's bytes for one note, and every text back from them as it was."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from delivery.channels import ccda, lint
from tests.channels.fhir_notes import attachment, sections
from tests.delivery.conftest import a_note
from tests.sandbox.desk import ROOT

TEXTS = {
    "chief_complaint": "Cough | nine ^ days & nights ~ \\ end",
    "history_of_present_illness": "“curly” SpO₂ 98 %\n\nsecond • line\n  indented",
    "plan": "\\.br\\ written out; OBX|1|TX|||not a segment",
}


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "note.json"
    rows = [{"code": code, "title": code.upper(), "text": text} for code, text in TEXTS.items()]
    path.write_text(json.dumps(a_note(sections=rows)), encoding="utf-8")
    return path


def render(*arguments, tmp_path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "manage.py"), "render", *map(str, arguments)]
    env = {"PATH": "", "SCRIBEPORT_DATA": str(tmp_path), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    return subprocess.run(command, env={**env, "SCRIBEPORT_OWN_ENVIRONMENT": "1"}, capture_output=True)


def body(channel, note, tmp_path, *more) -> bytes:
    done = render("--channel", channel, "--note", note, *more, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.process
@pytest.mark.alike
def test_each_channels_bytes_hold_every_text_identical(note, tmp_path):
    wanted = list(TEXTS.values())
    read = lint.Reading(body("hl7", note, tmp_path).decode())
    assert [read.value(place, 5) for place in range(4, 7)] == wanted
    assert [text for _, text in sections(body("clinical-notes", note, tmp_path))] == wanted
    assert [row["text"] for row in json.loads(body("openapi", note, tmp_path))["fields"]] == wanted
    kind, content = attachment(body("fhir-document", note, tmp_path))
    assert kind.startswith("text/plain")
    assert all(text in content.decode() for text in wanted)
    raw = body("ccda", note, tmp_path)
    assert list(ccda.texts(raw).values()) == wanted
    assert ElementTree.fromstring(raw).tag == "{urn:hl7-org:v3}ClinicalDocument"


@pytest.mark.process
@pytest.mark.alike
def test_what_cannot_be_rendered_says_why(note, tmp_path):
    done = render("--channel", "hl7", "--note", tmp_path / "nowhere.json", tmp_path=tmp_path)
    assert b"The note cannot be read (FileNotFoundError)." in done.stderr


@pytest.mark.process
@pytest.mark.alike
def test_a_template_and_a_mapping_decide_the_fields(note, tmp_path):
    template, mapping = tmp_path / "template.csv", tmp_path / "mapping.json"
    template.write_text("Field Identifier,Field Label\nF1,Reason\nF2,Story\nF3,Rest\n")
    mapping.write_text(json.dumps({"chief_complaint": "F1", "history_of_present_illness": "F2", "": "F3"}))
    found = sections(body("clinical-notes", note, tmp_path, "--template", template, "--mapping", mapping))
    assert [name for name, _ in found] == ["Reason", "Story", "Rest"]
    assert found[2][1].endswith(TEXTS["plan"])
