"""The page that asks what unknown columns hold."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from mapping.models import ColumnName, Template
from tests.mapping.importers.workbooks import workbook
from tests.mapping.test_columns import ODD
from tests.mapping.test_import_pages import save

pytestmark = pytest.mark.alike  # files are read in Python; saving them is tried in test_imports.py

SAID = {"column-0": "id", "column-1": "label", "column-2": "kind", "column-3": "max_length", "column-4": ""}


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


def choose(client, content=ODD, name="odd.csv", code="NORTH", **more):
    return client.post(reverse("mapping:import", args=[code]), {"file": SimpleUploadedFile(name, content), **more})


def match(client, page, **given):
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]
    data = {"token": token, "header_row": "2", "action": "match", **given}
    return client.post(reverse("mapping:import-columns", args=["NORTH"]), data)


def test_unknown_columns_are_asked_about_and_nothing_is_chosen_for_the_person(mel):
    page = choose(mel).content.decode()
    assert "What do the columns hold?" in page
    assert "Kennung" in page
    assert "No column of this file is known as the field identifier" in page
    assert re.findall(r'<option value="(\w+)" selected', page) == ["2"], "only the header row is a guess"


def test_what_was_said_leads_to_the_preview_and_on_to_the_template(mel):
    preview = match(mel, choose(mel), **SAID)
    assert "2 fields accepted" in preview.content.decode()
    save(mel, preview)
    version = Template.objects.get(
        code="ODD" if Template.objects.filter(code="ODD").exists() else "TEMPLATE-LIST"
    ).versions.get()
    assert [field.field_id for field in version.fields.order_by("position")] == ["K1", "K2"]


def test_the_next_file_of_the_practice_is_not_asked_about(mel, cast):
    match(mel, choose(mel), **SAID)
    assert "2 fields accepted" in choose(mel).content.decode()
    mel.force_login(cast.dana)
    assert "2 fields accepted" in choose(mel, code="SOUTH").content.decode()
    mel.force_login(cast.sam)
    assert "What do the columns hold?" in choose(mel).content.decode()


def test_the_question_can_be_asked_for(mel):
    plain = b"Order,Field ID,Label,Remark\n1,K1,CC,x\n"
    assert "1 field accepted" in choose(mel, plain).content.decode()
    page = choose(mel, plain, match="on").content.decode()
    assert "What do the columns hold?" in page
    assert '<option value="id" selected' in page


def test_another_row_can_be_named(mel):
    page = match(mel, choose(mel), header_row="3", action="row").content.decode()
    assert '<option value="3" selected' in page
    assert not ColumnName.objects.exists()


def test_without_a_row_of_names_nothing_is_remembered(mel):
    page = choose(mel, b"K1,CC\nK2,HPI\n")
    preview = match(mel, page, header_row="none", **{"column-0": "id", "column-1": "label"})
    assert "2 fields accepted" in preview.content.decode()
    assert not ColumnName.objects.exists()


@pytest.mark.parametrize(
    "given, said",
    [
        ({"column-0": "", "column-1": "label"}, "Say which column holds the field identifier."),
        ({"column-0": "id", "column-1": "id"}, "Say which column holds the label."),
        ({"column-0": "nonsense", "column-1": "label"}, "Say which column holds the field identifier."),
    ],
)
def test_what_makes_no_template_is_said_and_what_was_chosen_stays(mel, given, said):
    answer = match(mel, choose(mel), **given)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert said in text
    assert text.count('<option value="label" selected') == (given["column-1"] == "label")
    assert not ColumnName.objects.exists()


def test_an_empty_file_is_refused_though_the_question_was_asked_for(mel):
    answer = choose(mel, b";;\n;;\n", match="on")
    assert answer.status_code == 422
    assert "The file is empty" in answer.content.decode()


def test_a_workbook_is_asked_about_like_any_table(mel):
    content = workbook(("Felder", [["Liste"], ["Kennung", "Text"], ["K1", "CC"], ["K2", "HPI"]]))
    preview = match(mel, choose(mel, content, "felder.xlsx"), **{"column-0": "id", "column-1": "label"})
    assert "<code>K2</code>" in preview.content.decode()


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c"])
def test_a_forged_question_is_refused(mel, token):
    answer = mel.post(reverse("mapping:import-columns", args=["NORTH"]), {"token": token, **SAID})
    assert answer.status_code == 422
    assert "Choose the file again" in answer.content.decode()


def test_the_token_of_a_question_saves_nothing_as_a_preview(mel):
    token = re.search(r'name="token" value="([^"]+)"', choose(mel).content.decode())[1]
    answer = mel.post(reverse("mapping:import-save", args=["NORTH"]), {"token": token, "t0-code": "X", "t0-name": "X"})
    assert answer.status_code == 422


def test_what_was_said_is_in_the_audit_log(mel):
    match(mel, choose(mel), **SAID)
    changes = AuditEvent.objects.filter(event="config.change", practice="lakeside")
    assert any(event.detail["model"].endswith("columnname") for event in changes), [e.detail for e in changes]


def test_S18_a_header_with_markup_is_shown_as_text(mel):
    page = choose(mel, b"<script>x</script>,Kennung\nCC,K1\n").content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


@pytest.mark.parametrize("who, status", [("sam", 422), ("omar", 403), ("ava", 403)])
def test_only_editors_answer(cast, client, mel, who, status):
    token = re.search(r'name="token" value="([^"]+)"', choose(mel).content.decode())[1]
    client.force_login(getattr(cast, who))
    answer = client.post(reverse("mapping:import-columns", args=["NORTH"]), {"token": token, "header_row": "2", **SAID})
    assert answer.status_code == status
    assert not ColumnName.objects.exists()
