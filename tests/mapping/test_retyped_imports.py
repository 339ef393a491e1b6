"""An import saved over a template that is there already: never unseen, never renamed in silence."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from delivery.states import State
from mapping.importers.base import ImportedField, ImportedTemplate
from mapping.imports import save as save_import
from mapping.models import Template
from mapping.publishing import publish, start_draft
from tests.delivery.rows import make_delivery
from tests.mapping.rehearsing import rehearsed

FILE = b"Template: Knee Visit\nOrder,Field ID,Label,Type\n1,K1,CC,Free text\n2,K2,Meds,Free text\n"
TYPED = {"t0-code": "FM-PROGRESS"}
SAVE = reverse("mapping:import-save", args=["NORTH"])


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


@pytest.fixture
def progress(cast):
    return Template.objects.get(location=cast.north, code="FM-PROGRESS")


def choose(client, content=FILE):
    upload = SimpleUploadedFile("knee.csv", content)
    return client.post(reverse("mapping:import", args=["NORTH"]), {"file": upload})


def inputs(page):
    """What a browser would post from the page as it stands: texts, hidden values, no box that is not ticked."""
    named = re.findall(
        r'<input type="(?:text|hidden)" name="((?:t\d+-\w+|token))" value="([^"]*)"', page.content.decode()
    )
    return {"t0-include": "on", **dict(named)}


def box(page, name):
    """The value of a box on the page; None where the page has no such box."""
    found = re.search(rf'<input type="checkbox" name="{name}"[^>]* value="([^"]*)"', page.content.decode())
    return found and found[1]


def versions(template):
    return template.versions.count()


class TestACodeOfAnotherTemplateTypedByHand:
    def test_saves_nothing_at_first_and_shows_what_it_would_break(self, mel, cast, progress):
        make_delivery(cast, State.READY, sections=[("plan", "PLAN", "Rest.", "NF-06", "")])
        page = mel.post(SAVE, inputs(choose(mel)) | TYPED)
        text = page.content.decode()
        assert page.status_code == 422
        assert versions(progress) == 1
        assert f"FM-PROGRESS is a template of {cast.north.name} already" in text
        assert "Would become version 2 of <code>FM-PROGRESS</code>" in text
        assert "2 added, 7 removed, 0 changed" in text
        assert "of the mapping in force" in text
        assert "<strong>Plan</strong>, in <code>NF-06</code>" in text
        assert "<strong>1 of 1</strong> note waiting to be sent would be held." in text
        assert not AuditEvent.objects.filter(event="template.import").exists()

    def test_is_not_saved_by_pressing_save_again_without_the_tick(self, mel, progress):
        page = mel.post(SAVE, inputs(choose(mel)) | TYPED)
        assert box(page, "t0-seen")
        again = mel.post(SAVE, inputs(page))
        assert again.status_code == 422
        assert "then tick that it is meant" in again.content.decode()
        assert versions(progress) == 1

    def test_is_saved_once_ticked_and_keeps_the_name_of_the_template(self, mel, progress):
        called = progress.name
        page = mel.post(SAVE, inputs(choose(mel)) | TYPED)
        assert mel.post(SAVE, inputs(page) | {"t0-seen": box(page, "t0-seen")}).status_code == 302
        progress.refresh_from_db()
        assert (versions(progress), progress.name) == (2, called)

    def test_renames_it_where_that_is_ticked_too(self, mel, progress):
        page = mel.post(SAVE, inputs(choose(mel)) | TYPED)
        assert f"Otherwise it stays “{progress.name}”." in page.content.decode()
        ticked = {"t0-seen": box(page, "t0-seen"), "t0-rename": box(page, "t0-rename")}
        assert mel.post(SAVE, inputs(page) | ticked).status_code == 302
        progress.refresh_from_db()
        assert progress.name == "Knee Visit"

    def test_after_which_a_free_code_is_typed_saves_a_new_template(self, mel, progress):
        page = mel.post(SAVE, inputs(choose(mel)) | TYPED)
        assert mel.post(SAVE, inputs(page) | {"t0-code": "KNEE"}).status_code == 302
        assert versions(progress) == 1
        assert Template.objects.get(code="KNEE").name == "Knee Visit"

    def test_whose_fields_are_the_same_says_so_and_makes_no_version(self, mel, cast):
        mel.post(SAVE, inputs(choose(mel)))
        page = mel.post(SAVE, inputs(choose(mel, FILE.replace(b"Knee Visit", b"Hip"))) | {"t0-code": "KNEE-VISIT"})
        assert "Its fields equal version 1 of <code>KNEE-VISIT</code>" in page.content.decode()
        mel.post(SAVE, inputs(page) | {"t0-seen": box(page, "t0-seen")})
        knee = Template.objects.get(code="KNEE-VISIT")
        assert (versions(knee), knee.name) == (1, "Knee Visit")

    def test_a_tick_for_one_template_is_none_for_another(self, mel, cast, progress):
        mel.post(SAVE, inputs(choose(mel)))
        page = mel.post(SAVE, inputs(choose(mel, FILE.replace(b"Meds", b"Plan"))) | TYPED)
        ticked = {"t0-seen": box(page, "t0-seen"), "t0-code": "KNEE-VISIT"}
        assert mel.post(SAVE, inputs(page) | ticked).status_code == 422
        assert versions(Template.objects.get(code="KNEE-VISIT")) == 1
        assert versions(progress) == 1

    def test_among_several_only_the_template_it_is_typed_for_is_asked_about(self, mel, progress):
        two = b"TemplateName,FieldID,Label,Order\nKnee,K1,CC,1\nHip,H1,CC,1\n"
        posted = inputs(choose(mel, two)) | {"t1-include": "on", "t1-code": "FM-PROGRESS"}
        page = mel.post(SAVE, posted)
        assert (box(page, "t0-seen"), bool(box(page, "t1-seen"))) == (None, True)
        assert not Template.objects.filter(code="KNEE").exists(), "a file is saved whole or not at all"
        left_out = {name: value for name, value in inputs(page).items() if name != "t1-include"}
        assert mel.post(SAVE, left_out).status_code == 302
        assert versions(progress) == 1


class TestTheCodeThatTheFileGives:
    """The first preview has shown what it does; one press saves, unless that changed since."""

    def shown(self, mel):
        return inputs(choose(mel, FILE.replace(b"Template: Knee Visit", b"Template: FM-PROGRESS")))

    def test_is_saved_at_once_and_the_template_keeps_its_name(self, mel, progress):
        called = progress.name
        assert mel.post(SAVE, self.shown(mel)).status_code == 302
        progress.refresh_from_db()
        assert (versions(progress), progress.name) == (2, called)

    def test_offers_the_name_of_the_file_and_takes_it_only_where_ticked(self, mel, progress):
        page = choose(mel, FILE.replace(b"Template: Knee Visit", b"Template: FM-PROGRESS"))
        assert box(page, "t0-rename") == "on"
        mel.post(SAVE, inputs(page) | {"t0-rename": "on"})
        progress.refresh_from_db()
        assert progress.name == "FM-PROGRESS"

    def test_with_another_name_typed_is_asked_about_once_more(self, mel, progress):
        page = mel.post(SAVE, self.shown(mel) | {"t0-name": "Winter visit"})
        assert page.status_code == 422
        assert "Call it “Winter visit” from now on." in page.content.decode()
        assert mel.post(SAVE, inputs(page) | {"t0-rename": "on"}).status_code == 302
        progress.refresh_from_db()
        assert progress.name == "Winter visit"

    def test_with_the_name_it_has_is_not_asked_about(self, mel, progress):
        page = mel.post(SAVE, self.shown(mel) | {"t0-name": progress.name})
        assert box(page, "t0-rename") is None

    def test_is_shown_again_where_somebody_imported_meanwhile(self, mel, cast, progress):
        shown = self.shown(mel)
        meanwhile = ImportedTemplate("x", "FM-PROGRESS", (ImportedField("NF-06", "Plan", 1),))
        save_import(cast.north, meanwhile, user=cast.dana)
        page = mel.post(SAVE, shown)
        assert page.status_code == 422
        assert "Would become version 3 of" in page.content.decode()
        assert mel.post(SAVE, inputs(page)).status_code == 302
        assert versions(progress) == 3

    def test_is_shown_again_where_another_mapping_was_published_meanwhile(self, mel, cast, progress):
        shown = self.shown(mel)
        publish(rehearsed(start_draft(progress, cast.dana), cast.dana), cast.dana, "the same, reviewed")
        assert mel.post(SAVE, shown).status_code == 422
        assert versions(progress) == 1

    def test_without_what_the_page_showed_is_not_taken(self, mel, progress):
        posted = {name: value for name, value in self.shown(mel).items() if name != "t0-seen"}
        assert mel.post(SAVE, posted).status_code == 422
        assert versions(progress) == 1
