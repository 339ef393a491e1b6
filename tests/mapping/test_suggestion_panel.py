"""Accepting suggestions on the mapping page, with nothing but a form."""

import re

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from mapping.publishing import discard_draft, fingerprint, save_rules, start_draft
from mapping.queries import draft_of, spec_of
from tests.cast import make_template, publish
from tests.mapping.test_mapping_page import form_of, url

FIELDS = [("K1", "CC", 500), ("K2", "HPI", None), ("K3", "Hx", None), ("K4", "A/P", None), ("K5", "Fall risk", None)]


@pytest.fixture
def mel(cast, client):
    client.force_login(cast.mel)
    return client


@pytest.fixture
def draft(cast):
    version = make_template(cast.north, "KNEE", "Knee", FIELDS, default_for=())
    return start_draft(version.template, cast.mel)


def rules_of(draft):
    return {rule.section_code: rule.field_id for rule in spec_of(draft).rules}


def accept(client, draft, *codes, **more):
    return client.post(url(draft.template, "accept"), {"accept": list(codes), **more}, follow=True)


def test_the_panel_ticks_what_is_sure_and_nothing_else(mel, draft):
    page = mel.get(url(draft.template)).content.decode()
    panel = page[page.index('id="suggestions"') :]
    ticked = re.findall(r'name="accept" value="(\w+)"[^>]* checked', panel)
    assert {"chief_complaint", "history_of_present_illness", "assessment_and_plan", "assessment", "plan"} == set(ticked)
    picks = re.search(r'<select[^>]*name="pick-past_medical_history".*?</select>', panel, re.DOTALL)[0]
    assert '<option value="">Leave open</option>' in picks
    assert "selected" not in picks
    assert "Fall risk" not in panel[: panel.index("</section>")]


def test_what_is_ticked_and_picked_becomes_rules_of_the_draft_only(mel, draft):
    answer = accept(mel, draft, "chief_complaint", "plan", **{"pick-past_medical_history": "K3"})
    assert "3 sections added to the draft" in answer.content.decode()
    assert rules_of(draft) == {"chief_complaint": "K1", "plan": "K4", "past_medical_history": "K3"}
    assert draft_of(draft.template).state == "draft"


def test_a_divided_section_asks_where_the_rest_goes_and_takes_the_answer(cast, mel):
    version = make_template(
        cast.north, "AP", "Apart", [("P1", "Assessment", None), ("P2", "Plan", None)], default_for=()
    )
    draft = start_draft(version.template, cast.mel)
    page = mel.get(url(draft.template)).content.decode()
    asked = re.search(r'<select[^>]*name="rest-assessment_and_plan".*?</select>', page, re.DOTALL)[0]
    assert '<option value="">waits for a person</option><option value="P1">goes to Assessment (P1)</option>' in asked
    accept(mel, draft, "assessment_and_plan", **{"rest-assessment_and_plan": "P1"})
    rules = [(rule.field_id, rule.kind, rule.heading) for rule in spec_of(draft).rules]
    assert rules == [("P1", "split", ""), ("P1", "split", "Assessment"), ("P2", "split", "Plan")]


def test_every_accepted_rule_is_in_the_audit_log(mel, draft):
    accept(mel, draft, "chief_complaint", "plan")
    said = [event.detail["rule"] for event in AuditEvent.objects.filter(event="mapping.change")]
    assert {"chief_complaint > K1 set", "plan > K4 set"} <= set(said)


def test_sections_that_share_a_field_keep_the_contract_s_order(mel, draft):
    accept(mel, draft, "plan", "assessment")
    places = {rule.section_code: rule.position for rule in spec_of(draft).rules}
    assert places["assessment"] < places["plan"]


def test_unsaved_edits_of_the_form_come_along(mel, draft):
    data = form_of(draft, "accept", ("goals", {"field_id": "K2"})) | {"accept": ["chief_complaint"]}
    mel.post(url(draft.template, "accept"), data)
    assert rules_of(draft) == {"goals": "K2", "chief_complaint": "K1"}


def test_a_choice_made_in_the_form_is_not_overruled_by_a_ticked_suggestion(mel, draft):
    data = form_of(draft, "accept", ("chief_complaint", {"field_id": "K2"})) | {"accept": ["chief_complaint"]}
    mel.post(url(draft.template, "accept"), data)
    assert rules_of(draft) == {"chief_complaint": "K2"}


def test_a_draft_somebody_else_saved_meanwhile_is_not_overwritten(mel, draft, cast):
    data = form_of(draft, "accept") | {"accept": ["plan"]}
    save_rules(draft, [], "K5", cast.dana, fingerprint(spec_of(draft)))
    answer = mel.post(url(draft.template, "accept"), data, follow=True)
    assert "Somebody else saved this draft meanwhile" in answer.content.decode()
    assert (rules_of(draft), spec_of(draft).catch_all_field_id) == ({}, "K5")


def test_a_form_that_is_no_mapping_adds_nothing_and_says_so(mel, draft):
    data = form_of(draft, "accept", ("plan", {"field_id": "K4", "limit": "lots"})) | {"accept": ["chief_complaint"]}
    answer = mel.post(url(draft.template, "accept"), data, follow=True)
    assert "Nothing was accepted" in answer.content.decode()
    assert rules_of(draft) == {}


def test_nothing_ticked_adds_nothing(mel, draft):
    assert "Nothing was chosen" in accept(mel, draft).content.decode()
    assert "Nothing was chosen" in accept(mel, draft, "medications", "made_up").content.decode()
    assert rules_of(draft) == {}


def test_without_a_draft_there_is_nothing_to_accept_into(mel, draft):
    discard_draft(draft)
    assert "published or discarded meanwhile" in accept(mel, draft, "plan").content.decode()
    assert draft_of(draft.template) is None


def test_a_practice_s_published_mapping_is_followed_at_its_next_location(mel, draft, cast):
    elsewhere = make_template(cast.south, "KNEE-S", "Knee South", [("X1", "Fall risk", None)], default_for=())
    publish(elsewhere, [("goals", "X1")])
    page = mel.get(url(draft.template)).content.decode()
    assert "Learned from 1 published mapping at 1 location: filed under “Fall risk”." in page
    accept(mel, draft, "goals")
    assert rules_of(draft) == {"goals": "K5"}


def test_the_decisions_of_another_practice_are_not_followed(mel, draft, cast):
    elsewhere = make_template(cast.elsewhere, "KNEE-H", "Knee", [("X1", "Fall risk", None)])
    publish(elsewhere, [("goals", "X1")])
    assert "file it under “Fall risk”" not in mel.get(url(draft.template)).content.decode()


@pytest.mark.parametrize("who, status", [("sam", 404), ("omar", 403), ("ava", 403)])
def test_only_editors_of_the_location_accept(cast, client, draft, who, status):
    client.force_login(getattr(cast, who))
    assert client.post(url(draft.template, "accept"), {"accept": ["plan"]}).status_code == status
    assert rules_of(draft) == {}


def test_S18_a_label_with_markup_is_shown_as_text(mel, cast):
    version = make_template(cast.north, "ODD", "Odd", [("<b>1</b>", "HPI <script>x</script>", None)], default_for=())
    start_draft(version.template, cast.mel)
    assert "<script>x" not in mel.get(reverse("mapping:mapping", args=[version.template_id])).content.decode()
