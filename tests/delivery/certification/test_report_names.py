"""A certification's PDF with names that look like markup: they are text in it, and never stop it."""

from types import SimpleNamespace

import pytest

from delivery.certification.report_pdf import story

SUBJECT = {
    "templates": {"FM<1>": {"template_version": 1, "template": "a" * 8, "mapping_version": 2, "mapping": "b" * 8}},
    "ways": {"note": ["hl7"]},
}


@pytest.mark.parametrize("name", ["<b>Dana", "Dana </b>", "A & B", "<font size=", "O'Neil"])
def test_a_name_with_marks_is_text_in_the_report(name):
    said = {"practice": name, "location": name, "environment": "sandbox", "run": 7, "by": name}
    said |= {"started_at": "2026-11-30T08:00", "finished_at": "2026-11-30T08:01", "state": "passed"}
    said |= {"subject": SUBJECT, "tests": [], "artefacts": []}
    parts = story(said, SimpleNamespace(signature="", report_sha256="0" * 64))
    facts = parts[1].getPlainText()
    assert f"Practice {name}, location {name} (sandbox)" in facts
    assert f"by {name}, from" in facts
