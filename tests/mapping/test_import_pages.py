"""Importing a template through the pages: choose, look, save."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from delivery.states import State
from mapping.carrying import CannotCarry, packed, unpacked
from mapping.importers import read_file
from mapping.importers.base import ImportedField, ImportedTemplate, ImportRefused
from mapping.models import Template
from tests.cast import NORTH_FIELDS
from tests.delivery.rows import add_wire, make_delivery

pytestmark = pytest.mark.alike  # files are read in Python; saving them is tried in test_imports.py

FILE = b"Template: Knee Visit\nOrder,Field ID,Label,Type\n1,K1,CC,Free text\n2,K2,Meds,Structured\n"


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


def choose(client, content, name="knee.csv"):
    return client.post(reverse("mapping:import", args=["NORTH"]), {"file": SimpleUploadedFile(name, content)})


def save(client, page, **given):
    text = page.content.decode()
    token = re.search(r'name="token" value="([^"]+)"', text)[1]
    fields = dict(re.findall(r'<input type="text" name="(t\d+-\w+)" value="([^"]*)"', text))
    chosen = {f"{name.split('-')[0]}-include": "on" for name in fields}
    seen = dict(re.findall(r'<input type="hidden" name="(t\d+-seen)" value="([^"]*)"', text))
    data = {"token": token, **fields, **chosen, **seen, **given}
    return client.post(reverse("mapping:import-save", args=["NORTH"]), data)


def test_the_preview_shows_accepted_fields_and_saves_nothing(mel):
    page = choose(mel, FILE).content.decode()
    assert "Knee Visit" in page
    assert "2 fields accepted" in page
    assert "<code>K2</code>" in page
    assert not Template.objects.filter(code="KNEE-VISIT").exists()


def test_saving_the_preview_makes_the_template(mel, cast):
    answer = save(mel, choose(mel, FILE))
    template = Template.objects.get(code="KNEE-VISIT")
    assert answer.url == reverse("mapping:template", args=[template.pk])
    version = template.versions.get()
    assert (version.number, version.source, version.imported_by) == (1, "knee.csv", cast.mel)
    assert [field.field_id for field in version.fields.order_by("position")] == ["K1", "K2"]


def test_code_and_name_can_be_changed_before_saving(mel):
    save(mel, choose(mel, FILE), **{"t0-code": "KNEE.2", "t0-name": "Knees"})
    assert Template.objects.get(code="KNEE.2").name == "Knees"


def test_the_same_file_again_says_that_nothing_changed(mel):
    save(mel, choose(mel, FILE))
    page = choose(mel, FILE)
    assert "Unchanged" in page.content.decode()
    save(mel, page)
    assert Template.objects.get(code="KNEE-VISIT").versions.count() == 1


def test_a_changed_file_says_what_changes_and_becomes_the_next_version(mel):
    save(mel, choose(mel, FILE))
    page = choose(mel, FILE.replace(b"K2,Meds", b"K9,Meds").replace(b"CC", b"Complaint"))
    assert (
        "Would become version 2 of <code>KNEE-VISIT</code>, “Knee Visit”: 1 added, 1 removed, 1 changed."
        in page.content.decode()
    )
    save(mel, page)
    assert Template.objects.get(code="KNEE-VISIT").versions.count() == 2


AGAIN = b"Template: FM-PROGRESS\nOrder,Field ID,Label,Type,Length,Required\n"


def again(*leaving_out: str, required: str = "", shorter: str = "") -> bytes:
    """NORTH's template as a file, without some of its fields."""
    kept = [line for line in NORTH_FIELDS if line[0] not in leaving_out]
    rows = (
        f"{place},{field_id},{label},Free text,{3 if field_id == shorter else limit or ''},{'yes' * (field_id == required)}"
        for place, (field_id, label, limit) in enumerate(kept, 1)
    )
    return AGAIN + "\n".join(rows).encode()


class TestAReimport:
    """What it will break is said before it is saved: the rows, the fields, and how many waiting notes it would hold."""

    def test_names_the_rows_that_break_and_counts_the_waiting_notes_that_fill_their_fields(self, mel, cast):
        plan = ("plan", "PLAN", "Rest.", "NF-06", "")
        for sections in (
            [plan],
            [plan, ("chief_complaint", "CC", "Cough.", "NF-01", "")],
            [("goals", "G", "Walk.", "", "")],
        ):
            make_delivery(cast, State.READY, sections=sections)
        make_delivery(cast, State.VERIFIED, sections=[plan])
        page = choose(mel, again("NF-06")).content.decode()
        assert "Saving this breaks 1 row of the mapping in force" in page
        assert "<strong>Plan</strong>, in <code>NF-06</code>: Treatment Plan is no longer in the template." in page
        assert "<strong>2 of 3</strong> notes waiting to be sent would be held." in page
        assert Template.objects.get(code="FM-PROGRESS").versions.count() == 1, "nothing is saved by looking"

    def test_that_breaks_nothing_says_so_and_names_what_became_required(self, mel, cast):
        page = choose(mel, again(required="NF-07")).content.decode()
        assert "No row of the mapping in force breaks." in page
        assert "<strong>Notes</strong> <code>NF-07</code> is required now, and no section goes there" in page
        assert "waiting to be sent" not in page

    def test_that_makes_a_field_shorter_counts_only_the_notes_whose_text_is_longer(self, mel, cast):
        for text in ("Rest.", "No."):
            make_delivery(cast, State.READY, sections=[("plan", "PLAN", text, "NF-06", "")])
        page = choose(mel, again(shorter="NF-06")).content.decode()
        assert "The field takes 3 characters now: longer text is held." in page
        assert "<strong>1 of 2</strong> notes waiting to be sent would be held." in page

    def test_counts_what_is_frozen_already_by_what_it_fills(self, mel, cast):
        frozen = make_delivery(cast, State.READY, sections=[("plan", "PLAN", "Rest.", "NF-06", "")])
        add_wire(frozen, [("plan", "PLAN", "Rest.", "NF-05", "")])
        assert "<strong>0 of 1</strong> note waiting" in choose(mel, again("NF-06")).content.decode()
        assert "<strong>1 of 1</strong> note waiting" in choose(mel, again("NF-05")).content.decode()

    def test_looks_at_the_oldest_and_says_how_many_wait(self, mel, cast, monkeypatch):
        monkeypatch.setattr("delivery.would_hold.MOST", 1)
        for _ in range(3):
            make_delivery(cast, State.READY, sections=[("plan", "PLAN", "Rest.", "NF-06", "")])
        page = choose(mel, again("NF-06")).content.decode()
        assert (
            "<strong>1 of 1</strong> note waiting to be sent (3 wait; the oldest were looked at) would be held." in page
        )

    def test_of_a_note_that_cannot_be_opened_counts_it_as_not_held_by_this(self, mel, cast):
        shut = make_delivery(cast, State.READY, sections=[("plan", "PLAN", "Rest.", "NF-06", "")])
        type(shut.note_version).objects.filter(pk=shut.note_version_id).update(sealed_body=b"1garbage")
        page = choose(mel, again("NF-06")).content.decode()
        assert "<strong>0 of 1</strong> note waiting to be sent would be held." in page


def test_refused_rows_are_named_and_must_be_let_go_knowingly(mel):
    page = choose(mel, FILE + b"3,,Plan,Free text\n")
    assert "row 5" in page.content.decode()
    assert "it has no field identifier" in page.content.decode()
    refused = save(mel, page)
    assert refused.status_code == 422
    assert not Template.objects.filter(code="KNEE-VISIT").exists()
    assert save(mel, page, without_refused="yes").status_code == 302
    assert Template.objects.get(code="KNEE-VISIT").versions.get().fields.count() == 2


TWO = b"TemplateName,FieldID,Label,Order\nKnee,K1,CC,1\nHip,H1,CC,1\n"


def test_of_several_templates_only_the_chosen_are_saved(mel):
    page = choose(mel, TWO)
    answer = save(mel, page, **{"t1-include": ""})
    assert answer.status_code == 302
    assert set(Template.objects.values_list("code", flat=True)) >= {"KNEE"}
    assert not Template.objects.filter(code="HIP").exists()


def test_several_templates_need_codes_of_their_own(mel):
    assert save(mel, choose(mel, TWO), **{"t1-code": "KNEE"}).status_code == 422
    assert not Template.objects.filter(code="KNEE").exists()


def test_a_file_that_cannot_be_read_is_refused_in_plain_words(mel):
    answer = choose(mel, b'Order,Field ID,Label\n1,"K1,CC\n')
    assert answer.status_code == 422
    assert "a quotation mark is open or misplaced" in answer.content.decode()


@pytest.mark.parametrize("content, said", [(b"", "empty"), (b"x" * 10_000_000, "5 MB are the most")])
def test_an_empty_and_a_huge_file_are_refused(mel, content, said):
    answer = choose(mel, content)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_without_a_file_the_form_says_so(mel):
    answer = mel.post(reverse("mapping:import", args=["NORTH"]))
    assert answer.status_code == 422
    assert "required" in answer.content.decode()


def test_S18_a_label_with_markup_is_shown_as_text(mel):
    page = choose(mel, b"Order,Field ID,Label\n1,K1,<script>alert(1)</script>\n").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c"])
def test_a_forged_preview_saves_nothing(mel, token):
    answer = mel.post(reverse("mapping:import-save", args=["NORTH"]), {"token": token, "t0-code": "X", "t0-name": "X"})
    assert answer.status_code == 422
    assert "Choose the file again" in answer.content.decode()


def test_a_preview_is_for_one_person_and_one_location(cast):
    templates = list(read_file("knee.csv", FILE))
    token = packed(templates, "knee.csv", cast.north, cast.mel)
    assert unpacked(token, cast.north, cast.mel) == (templates, "knee.csv")
    for location, user in ((cast.south, cast.mel), (cast.north, cast.dana)):
        with pytest.raises(CannotCarry):
            unpacked(token, location, user)


def test_a_preview_of_two_thousand_fields_can_be_carried(cast):
    fields = tuple(ImportedField(f"FIELD-{n}", f"A label of some length {n}", n, group="Group") for n in range(1, 2001))
    token = packed([ImportedTemplate("Big", "BIG", fields)], "big.csv", cast.north, cast.mel)
    assert len(unpacked(token, cast.north, cast.mel)[0][0].fields) == 2000


def test_a_preview_that_is_too_large_is_refused(cast, monkeypatch):
    monkeypatch.setattr("mapping.carrying.MAX_CHARACTERS", 100)
    with pytest.raises(ImportRefused):
        packed(list(read_file("knee.csv", FILE)), "knee.csv", cast.north, cast.mel)
