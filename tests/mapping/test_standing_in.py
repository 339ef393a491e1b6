"""Sections without a field of their own: where another surely takes them, where it may, and where it never does."""

import pytest

from mapping.matching import suggest
from mapping.sections import CODES
from mapping.suggestion import CONFIDENCE, THRESHOLD
from mapping.vocabulary.phrases import Rung
from tests.mapping.specs import FieldSpec

TOLD = ["chief_complaint", "history_of_present_illness", "review_of_systems"]
HISTORIES = [
    *["past_medical_history", "past_surgical_history", "family_history", "social_history", "medications", "allergies"],
    *["hospitalizations", "ob_gyn_history", "birth_history", "developmental_history"],
]
FOUND = ["vital_signs", "physical_exam", "results"]
UNDER_PLAN = ["orders", "follow_up", "patient_instructions", "goals"]


def offered(*labels: str, **kinds: str):
    """Suggestions for a template of these labels, each its own identifier."""
    return suggest(
        [FieldSpec(label, label, n, kind=kinds.get(label, "free_text")) for n, label in enumerate(labels, 1)]
    )


SOAP = ["Subjective", "Objective", "Assessment", "Plan"]


@pytest.mark.parametrize("code", [*TOLD, *HISTORIES])
def test_in_a_soap_note_what_the_patient_tells_is_subjective(code):
    found = offered(*SOAP)[code]
    assert (found.field_ids, found.mode, found.confidence) == (("Subjective",), "container", CONFIDENCE[Rung.CONTAINER])
    assert found.reason == "It has no field of its own: “Subjective” takes it."


@pytest.mark.parametrize("code", FOUND)
def test_in_a_soap_note_what_is_found_is_objective(code):
    found = offered(*SOAP)[code]
    assert (found.field_ids, found.mode) == (("Objective",), "container")


@pytest.mark.parametrize("alone", ["Subjective", "Objective"])
@pytest.mark.parametrize("code", [*TOLD, *HISTORIES, *FOUND])
def test_one_container_without_the_other_is_never_sure(alone, code):
    found = offered(alone, "Assessment", "Plan")[code]
    assert found.field_ids == ()
    assert found.confidence < THRESHOLD


@pytest.mark.parametrize("code", [*TOLD, *HISTORIES])
def test_two_fields_called_subjective_take_nothing(code):
    fields = [FieldSpec(f"S{n}", "Subjective", n) for n in (1, 2)]
    assert suggest([*fields, FieldSpec("O", "Objective", 3)])[code].field_ids == ()


@pytest.mark.parametrize("code", [*HISTORIES, "review_of_systems", "chief_complaint"])
def test_beside_a_field_for_the_story_subjective_is_only_a_guess_for_the_rest_of_it(code):
    found = offered("HPI", *SOAP)[code]
    assert found.field_ids == ()
    assert [candidate.field_id for candidate in found.candidates] == ["Subjective"]


@pytest.mark.parametrize("code", ["vital_signs", "results"])
def test_beside_a_field_for_the_exam_objective_is_only_a_guess_for_the_rest_of_it(code):
    found = offered("Physical Exam", *SOAP)[code]
    assert found.field_ids == ()
    assert [candidate.field_id for candidate in found.candidates] == ["Objective"]


@pytest.mark.parametrize("code", ["assessment", "plan"])
def test_a_field_for_both_takes_each(code):
    found = offered("Assessment and Plan")[code]
    assert (found.field_ids, found.mode) == (("Assessment and Plan",), "container")
    assert found.confidence >= THRESHOLD


def test_where_one_of_them_has_its_own_field_the_joint_field_takes_the_other():
    found = offered("Assessment and Plan", "Plan")
    assert found["plan"].field_ids == ("Plan",)
    assert found["assessment"].field_ids == ("Assessment and Plan",)


def test_assessment_and_plan_apart_divide_what_was_dictated_as_one():
    found = offered("Assessment", "Plan")["assessment_and_plan"]
    assert (found.field_ids, found.mode) == (("Assessment", "Plan"), "split")
    assert found.reason == "Assessment and plan stand apart here: divide the section at the heading of the plan."


@pytest.mark.parametrize("labels", [["Assessment"], ["Plan"], ["HPI"]])
def test_half_of_both_is_not_both(labels):
    assert offered(*labels)["assessment_and_plan"].field_ids == ()


def test_a_structured_assessment_is_where_diagnoses_are_kept():
    found = offered("Assessment", "Plan", Assessment="structured")["diagnoses"]
    assert (found.field_ids, found.structured) == (("Assessment",), True)
    assert found.reason.startswith("“Assessment” is where coded diagnoses are kept.")


def test_a_dictated_assessment_only_may_take_them():
    found = offered("Assessment", "Plan")["diagnoses"]
    assert found.field_ids == ()
    assert [(one.field_id, one.confidence) for one in found.candidates] == [("Assessment", CONFIDENCE[Rung.PERHAPS])]


def test_a_field_of_their_own_outranks_both():
    found = offered("Assessment", "Diagnoses", Assessment="structured")["diagnoses"]
    assert found.field_ids == ("Diagnoses",)


@pytest.mark.parametrize("code", UNDER_PLAN)
@pytest.mark.parametrize("holder", ["Plan", "Assessment and Plan"])
def test_what_belongs_to_a_plan_is_a_faint_guess_there_and_never_more(code, holder):
    found = offered(holder)[code]
    assert found.field_ids == ()
    assert [(one.field_id, one.confidence) for one in found.candidates] == [(holder, CONFIDENCE[Rung.SPARE])]


@pytest.mark.parametrize("code", UNDER_PLAN)
def test_without_a_plan_there_is_not_even_a_guess(code):
    assert offered("HPI")[code].candidates == ()


@pytest.mark.parametrize(
    "code", ["goals", "orders", "immunizations", "procedures", "problem_list", "reason_for_referral"]
)
def test_what_soap_keeps_nowhere_is_put_nowhere(code):
    assert offered(*SOAP)[code].field_ids == ()


@pytest.mark.parametrize(
    "labels", [SOAP, ["S", "O", "A", "P"], ["Subjective", "Objective", "A/P"], ["HPI", "Exam", "A/P"]]
)
def test_every_suggestion_names_fields_of_the_template_and_none_below_the_threshold(labels):
    found = offered(*labels)
    assert tuple(found) == CODES
    for code, suggestion in found.items():
        named = {*suggestion.field_ids, *(one.field_id for one in suggestion.candidates)}
        assert named <= set(labels), code
        assert not suggestion.field_ids or suggestion.confidence >= THRESHOLD, code
        assert suggestion.reason, code
