"""Headings read by a rule rather than by heart: words of one meaning, short capitals, circumstances, nouns at the end."""

import pytest

from mapping.labels import read_label


def surely(label: str) -> set[str]:
    return {meaning.code for meaning in read_label(label).meanings if meaning.sure}


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Previous hospital stays", "hospitalizations"),
        ("Earlier surgeries", "past_surgical_history"),
        ("MedList_Current", "medications"),
        ("DxCodes_ICD10", "diagnoses"),
        ("Coded diagnoses", "diagnoses"),
        ("Working diagnoses (coded)", "diagnoses"),
        ("Surgeon's impression", "assessment"),
        ("Triage C/O", "chief_complaint"),
        ("Px Done Today", "procedures"),
        ("Ord - Lab/Img", "orders"),
        ("Med conditions", "past_medical_history"),
        ("Med reconciliation", "medications"),
        ("Past Surg Hx (with dates)", "past_surgical_history"),
        ("Surgical History > Date/Reason", "past_surgical_history"),
        ("Family History > Notes", "family_history"),
        ("Education (kick counts, labor precautions)", "patient_instructions"),
        ("CC per parent", "chief_complaint"),
        ("PMH from school record", "past_medical_history"),
        ("VS by MA", "vital_signs"),
        ("Dressing instructions", "patient_instructions"),
        ("Asthma education", "patient_instructions"),
        ("Personal weight goal", "goals"),
        ("Dyspnea/cough hx", "history_of_present_illness"),
        ("Reason for pulmonary consult", "reason_for_referral"),
        ("SocHx_Tob_EtOH", "social_history"),
        ("IUD/implant procedure", "procedures"),
        ("Tdap given today", "immunizations"),
        ("What the tests showed", "results"),
        ("What was done today in the office", "procedures"),
        ("Health of parents, brothers, sisters", "family_history"),
        ("Delivery/nursery course", "birth_history"),
        ("PMH (resolved and chronic)", "past_medical_history"),
        ("Referring Clinician's Question", "reason_for_referral"),
        ("Thyroid US / DXA / Other Data", "results"),
        ("FNA Procedure Note", "procedures"),
        ("MDM / DDX", "assessment"),
    ],
)
def test_a_heading_that_nobody_listed_is_read(label, code):
    assert surely(label) == {code}


def test_a_histories_word_among_others_is_a_history():
    assert surely("PMH/SURG/IMM") == {"past_medical_history", "past_surgical_history", "immunizations"}


@pytest.mark.parametrize(
    "label",
    [
        "Problem #2",
        "Medications (new, prior failed)",
        "Pap/cultures sent",
        "UDS Table 7: A1c > 9%",
        "Billing instructions",
        "Instructions of the insurer",
        "Goal met?",
        "Pain goal",
        "Patient complaint form",
        "Vascular procedures",
        "Historian",
        "Triage assessment",
        "Nurse assessment",
        "Exam type",
        "Cardiac procedures planned",
        "Family present",
        "Genetic counseling",
        "Sleep history",
        "PMH (resolved)",
        "Med plan",
    ],
)
def test_what_only_looks_like_a_section_is_not_read_as_one(label):
    assert surely(label) == set()


def test_a_reason_for_two_things_is_no_follow_up():
    assert surely("Reason for Consultation/Follow up:") <= {"reason_for_referral", "chief_complaint"}


def test_single_words_of_capitals_stay_whole():
    assert surely("EtOH") == set()
    assert surely("PMHx") == {"past_medical_history"}
    assert surely("SocHx") == {"social_history"}
