"""Headings resolve to one section or to none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.sections import CODES, SECTIONS, code_for, is_code, name_of, normalise, resolve_title


@pytest.mark.parametrize(
    "title, code",
    [
        ("CC:", "chief_complaint"),
        ("Reason for Appointment", "chief_complaint"),
        ("HPI", "history_of_present_illness"),
        ("GENHX", "history_of_present_illness"),
        ("  history of   PRESENT illness : ", "history_of_present_illness"),
        ("HISTORY OF THE PRESENT ILLNESS", "history_of_present_illness"),
        ("ROS", "review_of_systems"),
        ("REVIEW OF SYMPTOMS", "review_of_systems"),
        ("EXAM", "physical_exam"),
        ("O/E", "physical_exam"),
        ("PHYSICAL EXAMINATION", "physical_exam"),
        ("IMPRESSION", "assessment"),
        ("Imp", "assessment"),
        ("Treatment Plan", "plan"),
        ("Plan - Treatment", "plan"),
        ("A/P", "assessment_and_plan"),
        ("A&P", "assessment_and_plan"),
        ("ASSESSMENT & PLAN", "assessment_and_plan"),
        ("Assessment/Plan", "assessment_and_plan"),
        ("Assessment + Plan", "assessment_and_plan"),
        ("DIAGNOSIS", "diagnoses"),
        ("DHx", "medications"),
        ("CURRENT MEDICATIONS:", "medications"),
        ("ALLERGY", "allergies"),
        ("Allergies, Adverse Reactions, Alerts", "allergies"),
        ("PMHx", "past_medical_history"),
        ("PAST MEDICAL HX", "past_medical_history"),
        ("PASTMEDICALHX", "past_medical_history"),
        ("PSHx", "past_surgical_history"),
        ("FH", "family_history"),
        ("Social Hx", "social_history"),
        ("VITALS", "vital_signs"),
        ("IMMUNIZATIONS", "immunizations"),
        ("LABS", "results"),
        ("Laboratory Data", "results"),
        ("PROCEDURES", "procedures"),
        ("INSTRUCTIONS", "patient_instructions"),
        ("F/U", "follow_up"),
        ("Follow-up", "follow_up"),
        ("GYNHX", "ob_gyn_history"),
        ("OB/GYN History", "ob_gyn_history"),
        ("2. Past Medical History", "past_medical_history"),
        ("**Plan**", "plan"),
        ("birth_history", "birth_history"),
        ("Hospitalization/Major Diagnostic Procedures", "hospitalizations"),
    ],
)
def test_a_real_heading_resolves_to_its_section(title, code):
    assert resolve_title(title) == code


@pytest.mark.parametrize(
    "title",
    [
        *("", "   ", "\x00", "Hx", "History", "FAM/SOCHX", "PMHx and FH", "OTHER_HISTORY", "Interval history"),
        *("SUBJECTIVE", "Objective", "Summary", "ICE", "NEURO:", "GI/GU", "DISPOSITION", "EDCOURSE", "Risk factors"),
        *("No plan", "Plan B", "Goals of care", "PREOPERATIVE DIAGNOSIS", "Physical therapy", "Visit Codes", "計画"),
    ],
)
def test_a_heading_that_is_not_certain_resolves_to_nothing(title):
    assert resolve_title(title) == ""


def test_there_are_28_codes_and_each_resolves_from_its_own_name():
    assert len(CODES) == 28
    for code, section in SECTIONS.items():
        assert resolve_title(section.name) == code
        assert resolve_title(code.upper()) == code
        assert is_code(code)


@given(st.text(max_size=300))
def test_any_text_resolves_to_a_code_or_to_nothing(title):
    assert resolve_title(title) in {"", *CODES}


@given(st.sampled_from(CODES), st.sampled_from(["{}:", " {} ", "{}.", "## {}", "{} -", "\t{}\n", "3) {}"]))
def test_punctuation_and_case_do_not_matter(code, frame):
    assert resolve_title(frame.format(SECTIONS[code].name.swapcase())) == code


@pytest.mark.parametrize("code", ["sleep_diary", "a", "x9", "a" * 60])
def test_a_practice_may_have_codes_of_its_own(code):
    assert is_code(code)
    assert code_for(code, "PLAN") == code


@pytest.mark.parametrize("code", ["", "9lives", "Plan", "a b", "_x", "a" * 61, "plan\n", "é"])
def test_what_is_not_a_code_falls_back_to_the_title(code):
    assert not is_code(code)
    assert code_for(code, "PLAN") == "plan"
    assert code_for(code, "Hx") == ""


def test_a_code_of_the_practice_reads_as_itself():
    assert name_of("sleep_diary") == "Sleep diary"
    assert name_of("plan") == "Plan"


def test_normalising_twice_changes_nothing():
    once = normalise("3. A&P / Hx:")
    assert normalise(once) == once
