"""What the suggestions offer for a draft, and which rules accepting them makes."""

import pytest

from mapping.apply import HOLD, apply
from mapping.note import FieldSpec, MappingSpec, RuleSpec
from mapping.offers import accepted, offers
from mapping.suggestion import Taught
from mapping.validation import errors, validate
from tests.mapping.specs import numbered, text_of

NO_PICKS: dict[str, str] = {}


def mapping(*labels, rules=()):
    fields = [
        FieldSpec(f"F{place}", label.removeprefix("*"), place, "structured" if label.startswith("*") else "free_text")
        for place, label in enumerate(labels, start=1)
    ]
    return MappingSpec("T", "Template", tuple(fields), tuple(rules))


def sure(offered):
    return {offer.code: offer for offer in offered.sure}


def test_a_sure_field_is_offered_as_a_copy_with_its_reason_and_confidence():
    offer = sure(offers(mapping("CC", "HPI"), {}))["chief_complaint"]
    assert [field.field_id for field in offer.fields] == ["F1"]
    assert offer.rules == (RuleSpec("chief_complaint", "F1"),)
    assert (offer.name, offer.percent) == ("Chief complaint", 99)
    assert "CC" in offer.suggestion.reason


def test_a_section_that_has_a_rule_is_left_alone_wherever_it_goes():
    offered = offers(mapping("CC", "HPI", rules=[RuleSpec("chief_complaint", "F2")]), {})
    assert "chief_complaint" not in sure(offered)
    assert "Chief complaint" not in offered.without


def test_under_the_threshold_nothing_is_sure_and_the_guesses_are_candidates():
    offered = offers(mapping("CC", "Hx"), {})
    told = {offer.code: [item.field_id for item in offer.candidates] for offer in offered.open}
    assert told["past_medical_history"] == ["F2"]
    assert "past_medical_history" not in sure(offered)
    assert all(not offer.rules for offer in offered.open)


def test_a_structured_field_is_named_and_cannot_be_accepted():
    offered = offers(mapping("CC", "*Medications"), {})
    (offer,) = offered.coded
    assert (offer.code, offer.fields[0].field_id) == ("medications", "F2")
    assert accepted(offered, ["medications"], {"medications": "F2"}) == []


def test_sections_without_any_field_are_named():
    assert "Birth history" in offers(mapping("CC"), {}).without
    assert not offers(mapping("Fall risk"), {}) or "Chief complaint" in offers(mapping("Fall risk"), {}).without


def test_a_field_for_several_sections_gets_each_under_its_name():
    offered = offers(mapping("Subjective", "Objective", "Assessment", "Plan"), {})
    rules = accepted(offered, [offer.code for offer in offered.sure], NO_PICKS)
    spec = mapping("Subjective", "Objective", "Assessment", "Plan", rules=rules)
    filed = apply(spec, numbered(("chief_complaint", "Cough."), ("history_of_present_illness", "Nine days.")), HOLD)
    assert filed.problems == ()
    assert text_of(filed, "F1") == "Chief complaint:\nCough.\n\nHistory of present illness:\nNine days."


def test_assessment_and_plan_is_divided_where_the_template_has_them_apart():
    offered = offers(mapping("Assessment", "Plan"), {})
    rules = sure(offered)["assessment_and_plan"].rules
    assert [(rule.kind, rule.heading, rule.field_id) for rule in rules] == [
        ("split", "Assessment", "F1"),
        ("split", "Plan", "F2"),
    ]
    spec = mapping("Assessment", "Plan", rules=rules)
    filed = apply(spec, numbered(("assessment_and_plan", "Assessment: gout.\nPlan: rest.")), HOLD)
    assert (text_of(filed, "F1"), text_of(filed, "F2")) == ("gout.", "rest.")
    undivided = apply(spec, numbered(("assessment_and_plan", "Gout; rest.")), HOLD)
    assert undivided.problems, "what cannot be divided waits for a person"


def test_what_stands_under_none_of_the_headings_goes_where_a_person_says_and_else_waits():
    offered = offers(mapping("Assessment", "Plan"), {})
    note = numbered(("assessment_and_plan", "Stable.\nAssessment: gout.\nPlan: rest."))
    for field_id, first in (("F1", "Stable.\n\ngout."), ("F2", "gout.")):
        rules = accepted(offered, ["assessment_and_plan"], NO_PICKS, {"assessment_and_plan": field_id})
        filed = apply(mapping("Assessment", "Plan", rules=rules), note, HOLD)
        assert filed.problems == ()
        assert text_of(filed, "F1") == first
    for field_id in ("", "F9", "nowhere"):
        rules = accepted(offered, ["assessment_and_plan"], NO_PICKS, {"assessment_and_plan": field_id})
        assert len(rules) == 2
        assert apply(mapping("Assessment", "Plan", rules=rules), note, HOLD).problems


def test_a_rest_is_asked_of_divided_sections_alone():
    offered = sure(offers(mapping("CC", "Assessment", "Plan"), {}))
    assert [code for code, offer in offered.items() if offer.divided] == ["assessment_and_plan"]
    assert offered["chief_complaint"].resting_in("F1") == offered["chief_complaint"].rules


def test_parts_that_no_heading_tells_apart_are_left_to_a_person():
    offered = offers(mapping("Labs", "Imaging"), {})
    assert "results" not in sure(offered)
    (results,) = [offer for offer in offered.open if offer.code == "results"]
    assert [item.field_id for item in results.candidates] == ["F1", "F2"]


def test_only_what_was_ticked_and_picked_is_accepted():
    offered = offers(mapping("CC", "HPI", "Hx"), {})
    rules = accepted(offered, ["chief_complaint"], {"past_medical_history": "F3"})
    assert [(rule.section_code, rule.field_id) for rule in rules] == [
        ("chief_complaint", "F1"),
        ("past_medical_history", "F3"),
    ]


@pytest.mark.parametrize("picks", [{"past_medical_history": "F1"}, {"past_medical_history": "nowhere"}, {"plan": "F1"}])
def test_a_pick_that_was_never_offered_is_not_accepted(picks):
    assert accepted(offers(mapping("CC", "Hx"), {}), ["nonsense", "past_medical_history"], picks) == []


def test_what_the_practice_files_elsewhere_is_not_ticked_over_a_field_that_names_the_section():
    labels = ("Story", "HPI")
    assert sure(offers(mapping(*labels), {}))["history_of_present_illness"].fields[0].field_id == "F2"
    learned = {"story": Taught(frozenset({"history_of_present_illness"}))}
    offered = offers(mapping(*labels), learned)
    assert "history_of_present_illness" not in sure(offered)
    (offer,) = [offer for offer in offered.open if offer.code == "history_of_present_illness"]
    assert [item.label for item in offer.candidates] == ["Story", "HPI"]


def test_a_plan_that_the_practice_filed_under_assessment_is_not_ticked_but_may_be_picked():
    learned = {"assessment": Taught(frozenset({"plan"}))}
    offered = offers(mapping("CC", "Assessment"), learned)
    assert "plan" not in sure(offered)
    (offer,) = [offer for offer in offered.open if offer.code == "plan"]
    assert "But that names Assessment." in offer.candidates[0].reason
    assert accepted(offered, [], {"plan": "F2"}) == [RuleSpec("plan", "F2")]


@pytest.mark.parametrize(
    "labels",
    [
        ("CC", "HPI", "ROS", "PMH", "Exam", "A/P"),
        ("Subjective", "Objective", "Assessment", "Plan"),
        ("S", "O", "A", "P"),
        ("Reason for Appointment", "GENHX", "Fam/SocHx", "IMP", "Plan", "*Allergies", "Labs", "Imaging"),
    ],
)
def test_all_that_is_sure_makes_a_mapping_without_errors(labels):
    offered = offers(mapping(*labels), {})
    rules = accepted(offered, [offer.code for offer in offered.sure], NO_PICKS)
    assert rules
    assert errors(validate(mapping(*labels, rules=rules))) == ()
    assert not {rule.section_code for rule in rules} & {offer.code for offer in offered.open}
