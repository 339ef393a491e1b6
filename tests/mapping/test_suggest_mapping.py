"""`manage.py suggest_mapping`: one JSON object for any template file, on standard output, and nothing else."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from mapping.sections import CODES

KNEE = "Order;Field ID;Label;Type\n1;K1;Reason for Appointment;Free text\n2;K2;A/P;Free text\n3;K3;Hx;Free text\n"
TWO = "TemplateName,FieldID,Label\nKnee,K1,CC\nHip,H1,HPI\n"
KNOWN = Path(os.environ.get("SCRIBEPORT_SAMPLES", "samples")) / "templates"


def suggested(path: Path, **options) -> dict:
    out = StringIO()
    call_command("suggest_mapping", path, json=True, stdout=out, **options)
    (line,) = out.getvalue().splitlines()
    return json.loads(line)


@pytest.fixture
def knee(tmp_path):
    path = tmp_path / "knee.csv"
    path.write_text(KNEE)
    return path


def test_every_code_has_fields_confidence_reason_and_candidates(knee):
    found = suggested(knee)
    assert tuple(found) == CODES
    assert found["chief_complaint"] == {
        "field_ids": ["K1"],
        "confidence": 0.98,
        "reason": "“Reason for Appointment” is a usual heading for Chief complaint.",
        "candidates": [],
        "mode": "one",
    }
    assert found["plan"]["field_ids"] == ["K2"]
    assert found["history_of_present_illness"]["field_ids"] == []
    assert [item["field_id"] for item in found["history_of_present_illness"]["candidates"]] == ["K3"]


def test_several_templates_are_nested_by_name(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text(TWO)
    found = suggested(path)
    assert set(found) == {"Knee", "Hip"}
    assert found["Hip"]["history_of_present_illness"]["field_ids"] == ["H1"]
    assert all(tuple(one) == CODES for one in found.values())


def test_templates_of_one_name_are_told_apart_by_their_codes(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("Template Code,Template Name,Field ID,Label\nA1,Visit,1,CC\nB2,Visit,2,CC\n")
    assert set(suggested(path)) == {"Visit (A1)", "Visit (B2)"}


def test_for_people_it_prints_a_line_per_section(knee):
    out = StringIO()
    call_command("suggest_mapping", knee, stdout=out)
    assert len(out.getvalue().splitlines()) == 1 + len(CODES)
    assert "0.98  “Reason for Appointment” is a usual heading" in out.getvalue()


def test_a_file_that_cannot_be_read_is_an_error_with_its_reason(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("suggest_mapping", tmp_path / "none.csv")
    wrong = tmp_path / "none.doc"
    wrong.write_bytes(b"x")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("suggest_mapping", wrong)


def test_a_practices_published_mappings_are_followed_where_it_is_named(cast, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("Field ID,Label\n1,Treatment Plan\n2,Plan\n")
    assert suggested(path)["plan"]["field_ids"] == ["2"]
    followed = suggested(path, practice="lakeside")["plan"]
    assert followed["field_ids"] == []
    assert [item["label"] for item in followed["candidates"]] == ["Treatment Plan", "Plan"]
    assert followed["candidates"][0]["reason"].startswith("Learned from ")
    with pytest.raises(CommandError, match="no practice"):
        call_command("suggest_mapping", path, practice="nowhere")


@pytest.mark.process
@pytest.mark.alike
def test_as_a_process_it_prints_one_line_and_needs_no_database(knee, tmp_path):
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path}/none/none.sqlite3"}
    command = [sys.executable, "manage.py", "suggest_mapping", str(knee), "--json"]
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["assessment_and_plan"]["field_ids"] == ["K2"]


def cases() -> list[tuple[str, str, dict]]:
    """Every section of the six templates whose truth is known, where they are at hand."""
    if not (KNOWN / "truth_dev.json").exists():
        return []
    truth = json.loads((KNOWN / "truth_dev.json").read_text())
    return [(name, code, right) for name, item in truth.items() for code, right in item["sections"].items()]


@pytest.mark.skipif(not cases(), reason="SCRIBEPORT_SAMPLES does not name a folder with templates/ and their truth")
@pytest.mark.parametrize("name", sorted({name for name, _, _ in cases()}) or ["none"])
def test_the_six_known_templates_are_mapped_as_people_would(name):
    (path,) = KNOWN.glob(f"{name}_*")
    found = suggested(path)
    for _, code, right in (case for case in cases() if case[0] == name):
        assert (found[code]["field_ids"], found[code]["mode"]) == (right["targets"], right["mode"]), code
