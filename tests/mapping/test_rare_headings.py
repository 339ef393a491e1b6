"""Headings that no textbook has and every practice uses: where an exam looks, who told it, letters that count."""

import pytest

from mapping.importers.base import ImportedField
from mapping.labels import read_label
from mapping.matching import suggest


def chosen(*labels: str) -> dict[str, tuple[str, ...]]:
    """Per code the labels chosen for it, in a template of these labels."""
    fields = [ImportedField(label, label, place) for place, label in enumerate(labels, start=1)]
    return {code: found.field_ids for code, found in suggest(fields).items() if found.field_ids}


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Exam - CV focused", "physical_exam"),
        ("Exam: L knee", "physical_exam"),
        ("skin exam by site", "physical_exam"),
        ("Interval Hx since last WCC", "history_of_present_illness"),
        ("HISTORY PRESENT ILL.", "history_of_present_illness"),
        ("Hx Pres Illness", "history_of_present_illness"),
        ("ROS: all other neg", "review_of_systems"),
        ("R.O.S", "review_of_systems"),
        ("Ht Wt HC BMI %ile", "vital_signs"),
        ("T P R BP O2", "vital_signs"),
        ("IZ given today", "immunizations"),
        ("Co-morbidities", "past_medical_history"),
        ("P.M.Hx", "past_medical_history"),
        ("Prior eye surgery, lasers, injections", "past_surgical_history"),
        ("Prior admits", "hospitalizations"),
        ("Anticipatory Guid.", "patient_instructions"),
        ("Labs before next visit", "orders"),
    ],
)
def test_a_rare_heading_names_its_section(label, code):
    assert chosen(label) == {code: (label,)}


@pytest.mark.parametrize(
    "label", ["HPI obtained from", "ROS reviewed by", "Next of kin", "Work/School note", "Plan ID", "Referred to"]
)
def test_a_person_a_number_or_a_paper_is_no_section(label):
    assert chosen(label) == {}


def test_vits_beside_medications_are_vitamins():
    assert chosen("Meds/Vits", "Ht/Wt/BMI") == {"medications": ("Meds/Vits",), "vital_signs": ("Ht/Wt/BMI",)}


def test_s_and_o_are_soap_beside_a_field_for_both_the_others():
    found = chosen("S:", "O:", "A/P by problem")
    assert found["history_of_present_illness"] == ("S:",)
    assert found["physical_exam"] == ("O:",)
    assert found["plan"] == ("A/P by problem",)


def test_a_letter_before_a_label_and_the_next_alone_are_assessment_and_plan():
    assert chosen("CC", "A: WCC", "P:")["assessment_and_plan"] == ("A: WCC", "P:")


def test_letters_that_count_pregnancies_are_no_assessment_and_plan():
    assert not {"assessment", "plan", "assessment_and_plan"} & chosen("OB Hx", "G", "T", "P", "A", "L").keys()


def test_a_field_that_only_speaks_of_a_section_is_no_rival_to_one_for_a_part_of_it():
    assert chosen("PFTs, CT, 6MWT", "CT / PFT / sleep study orders")["results"] == ("PFTs, CT, 6MWT",)


def test_an_impression_of_diagnoses_beside_another_for_the_assessment_is_no_half_of_both():
    assert "assessment_and_plan" not in chosen("Formulation", "Dx Impression", "Plan y referidos")
    assert chosen("Dx Impression", "Plan")["assessment_and_plan"] == ("Dx Impression", "Plan")


def test_a_field_for_both_outdoes_a_discussion_for_the_assessment():
    assert chosen("Assessment & Plan Notes", "Discussion Notes")["assessment"] == ("Assessment & Plan Notes",)


def test_an_exam_of_one_place_says_that_it_is_one_kind():
    assert [meaning.code for meaning in read_label("Exam - R shoulder").meanings] == ["physical_exam"]
    assert chosen("Exam - R shoulder", "Physical exam")["physical_exam"] == ("Physical exam",)


def test_a_short_consultation_is_one():
    assert chosen("Reason for cons.")["reason_for_referral"] == ("Reason for cons.",)
