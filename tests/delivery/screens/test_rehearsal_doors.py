"""The doors of a rehearsal: how many notes are replayed, what is saved first, what is said, and how it is listed."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from delivery.failures import failure
from delivery.rehearsal import CANNOT_OPEN, COUNTS, USUAL
from delivery.views.rehearsal import NOT_SAVED
from mapping.forms import MappingForm
from mapping.models import MappingVersion, Rehearsal, Template
from mapping.note import RuleSpec
from mapping.publishing import save_rules, start_draft
from mapping.queries import spec_of
from tests.delivery.rows import note_version
from tests.mapping.test_mapping_page import form_of

pytestmark = pytest.mark.django_db
COUGH = ("chief_complaint", "CC", "Cough.", "NF-01", "")
PLAN = ("plan", "PLAN", "Rest and fluids.", "NF-06", "")


@pytest.fixture
def template(cast) -> Template:
    return cast.north_mapping.template


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


def rehearse(client, template: Template, data: dict | None = None):
    return client.post(reverse("delivery:rehearse", args=[template.pk]), data or {}, follow=True)


def said(answer) -> list[str]:
    return [str(each) for each in answer.context["messages"]]


def without_plan(cast, template: Template) -> MappingVersion:
    draft = start_draft(template, cast.mel)
    kept = [rule for rule in spec_of(draft).rules if rule.section_code != "plan"]
    return save_rules(draft, kept, "", cast.mel)


class TestHowManyNotes:
    @pytest.fixture
    def asked(self, monkeypatch) -> list[int]:
        """The numbers of notes that were asked for."""
        found: list[int] = []

        def newest(template, count):
            found.append(count)
            return iter(())

        monkeypatch.setattr("delivery.rehearsal.newest_notes", newest)
        return found

    def test_are_offered_is_twenty_fifty_or_two_hundred(self):
        assert (COUNTS, USUAL) == ((20, 50, 200), 50)

    @pytest.mark.parametrize("chosen", ["20", "50", "200"])
    def test_are_replayed_is_what_was_chosen(self, cast, mel, template, asked, chosen):
        start_draft(template, cast.mel)
        rehearse(mel, template, {"replay": chosen})
        assert asked == [int(chosen)]

    @pytest.mark.parametrize("chosen", ["", "0", "-1", "21", "100000", "all", "20 ", "５０"])
    def test_are_replayed_is_the_usual_number_for_anything_else(self, cast, mel, template, asked, chosen):
        start_draft(template, cast.mel)
        rehearse(mel, template, {"replay": chosen})
        assert asked == [50]


class TestWhatIsSavedFirst:
    def test_is_what_the_mapping_page_holds(self, cast, mel, template):
        note_version(cast, sections=[COUGH, PLAN])
        draft = start_draft(template, cast.mel)
        rehearse(mel, template, form_of(draft, "rehearse", ("plan", {"field_id": "NF-07"})))
        assert {rule.section_code: rule.field_id for rule in spec_of(draft).rules}["plan"] == "NF-07"
        assert Rehearsal.objects.get().findings[0]["changed"] == ["plan"]

    def test_is_nothing_where_no_form_came_along(self, cast, mel, template):
        draft = start_draft(template, cast.mel)
        before = spec_of(draft)
        rehearse(mel, template)
        assert spec_of(draft) == before
        assert Rehearsal.objects.count() == 1

    def test_is_nothing_of_a_form_that_is_no_mapping(self, cast, mel, template, monkeypatch):
        draft = start_draft(template, cast.mel)
        before = spec_of(draft)
        monkeypatch.setattr(MappingForm, "is_valid", lambda form: False)
        answer = rehearse(mel, template, form_of(draft, "rehearse"))
        assert said(answer) == [NOT_SAVED]
        assert spec_of(draft) == before
        assert not Rehearsal.objects.exists()

    def test_is_nothing_where_somebody_else_saved_meanwhile(self, cast, mel, template):
        draft = start_draft(template, cast.mel)
        form = form_of(draft, "rehearse", ("plan", {"field_id": "NF-07"}))
        save_rules(draft, [RuleSpec("plan", "NF-05", position=1)], "", cast.mel)
        answer = rehearse(mel, template, form)
        assert said(answer) == ["Somebody else saved this draft meanwhile; nothing of yours was saved or rehearsed."]
        assert [rule.field_id for rule in spec_of(draft).rules] == ["NF-05"]
        assert not Rehearsal.objects.exists()

    def test_is_nothing_where_there_is_no_draft_any_more(self, cast, mel, template):
        draft = start_draft(template, cast.mel)
        form = form_of(draft, "rehearse")
        draft.delete()
        answer = rehearse(mel, template, form)
        assert said(answer) == ["This draft was published or discarded meanwhile; nothing was rehearsed."]
        assert answer.redirect_chain == [(reverse("mapping:mapping", args=[template.pk]), 302)]


class TestTheList:
    def rows(self, mel, template: Template) -> list:
        return rehearse(mel, template).context["rows"]

    def test_has_only_notes_that_would_come_out_otherwise(self, cast, mel, template):
        note_version(cast, sections=[COUGH])
        note_version(cast, sections=[COUGH, PLAN])
        without_plan(cast, template)
        assert len(self.rows(mel, template)) == 1

    def test_names_the_sections_in_plain_words(self, cast, mel, template):
        note_version(cast, sections=[COUGH, PLAN])
        without_plan(cast, template)
        (row,) = self.rows(mel, template)
        assert (row.lost, row.blocked, row.changed, row.freed) == (
            ("Plan",),
            (failure("unmapped_section").title,),
            (),
            False,
        )

    def test_names_the_provider_and_no_patient(self, cast, mel, template):
        note_version(cast, sections=[COUGH, PLAN])
        without_plan(cast, template)
        answer = rehearse(mel, template)
        assert [row.provider for row in answer.context["rows"]] == ["Ann Lee"]
        assert b"Okafor" not in answer.content

    def test_says_so_where_the_provider_is_not_known(self, cast, mel, template):
        version = note_version(cast, sections=[COUGH, PLAN])
        type(version).objects.filter(pk=version.pk).update(provider_name="")
        without_plan(cast, template)
        assert self.rows(mel, template)[0].provider == "provider not given"

    def test_has_the_gravest_first_and_the_newest_first_among_equals(self, cast, mel, template):
        noon = timezone.now()
        opened = note_version(cast, sections=[PLAN], received_at=noon)
        shut = note_version(cast, sections=[COUGH], received_at=noon - timedelta(hours=1))
        older = note_version(cast, sections=[PLAN], received_at=noon - timedelta(hours=2))
        type(shut).objects.filter(pk=shut.pk).update(sealed_body=b"1garbage")
        without_plan(cast, template)
        found = [row.received_at for row in self.rows(mel, template)]
        assert found == [opened.received_at, older.received_at, shut.received_at]

    def test_says_of_a_note_that_cannot_be_opened_that_it_was_not_replayed(self, cast, mel, template):
        version = note_version(cast, sections=[COUGH])
        type(version).objects.filter(pk=version.pk).update(sealed_body=b"1garbage")
        start_draft(template, cast.mel)
        (row,) = self.rows(mel, template)
        assert row.blocked == ("The stored note cannot be opened, so it was not replayed",)
        assert Rehearsal.objects.get().findings[0]["blocked"] == [CANNOT_OPEN]

    def test_leaves_out_a_note_that_stands_at_another_location_now(self, cast, mel, template):
        version = note_version(cast, sections=[COUGH, PLAN])
        without_plan(cast, template)
        kept = rehearse(mel, template).context["kept"]
        type(version.note).objects.filter(pk=version.note_id).update(location=cast.south)
        answer = mel.get(reverse("delivery:rehearsal", args=[kept.pk]))
        assert answer.context["rows"] == []


class TestTheButtonToGoLive:
    def page(self, client, kept: Rehearsal):
        return client.get(reverse("delivery:rehearsal", args=[kept.pk]))

    @pytest.fixture
    def kept(self, cast, mel, template) -> Rehearsal:
        note_version(cast, sections=[COUGH, PLAN])
        start_draft(template, cast.mel)
        return rehearse(mel, template).context["kept"]

    def test_is_there_for_the_draft_that_was_rehearsed(self, mel, kept):
        context = self.page(mel, kept).context
        assert (context["is_draft"], context["current"], context["may_edit"]) == (True, True, True)

    def test_is_not_there_once_the_draft_has_changed(self, cast, mel, kept):
        save_rules(kept.mapping, [RuleSpec("plan", "NF-05", position=1)], "", cast.mel)
        assert self.page(mel, kept).context["current"] is False

    def test_is_not_there_for_an_older_rehearsal_of_the_same_draft(self, mel, template, kept):
        newer = rehearse(mel, template).context["kept"]
        assert newer.pk != kept.pk
        assert self.page(mel, kept).context["current"] is False
        assert self.page(mel, newer).context["current"] is True

    def test_is_not_there_for_a_mapping_that_is_no_draft_any_more(self, mel, kept):
        MappingVersion.objects.filter(pk=kept.mapping_id).update(state="retired")
        context = self.page(mel, kept).context
        assert (context["is_draft"], context["current"]) == (False, False)

    def test_is_not_for_those_who_only_look(self, cast, client, kept):
        client.force_login(cast.omar)
        answer = self.page(client, kept)
        assert answer.context["may_edit"] is False
        assert b"live:" not in answer.content

    def test_is_not_pressed_by_looking(self, mel, kept, cast):
        self.page(mel, kept)
        assert MappingVersion.objects.get(pk=cast.north_mapping.pk).state == "published"

    def test_of_a_rehearsal_that_does_not_exist_is_not_found(self, mel):
        assert mel.get(reverse("delivery:rehearsal", args=[10**9])).status_code == 404


def test_a_rehearsal_is_begun_by_a_post_alone(mel, template):
    assert mel.get(reverse("delivery:rehearse", args=[template.pk])).status_code == 405


def test_a_rehearsal_is_looked_at_and_not_posted_to(cast, mel, template):
    start_draft(template, cast.mel)
    kept = rehearse(mel, template).context["kept"]
    assert mel.post(reverse("delivery:rehearsal", args=[kept.pk])).status_code == 405
