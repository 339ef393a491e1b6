"""Headings that are questions, sentences or identifiers: what is asked for, and what is only about it."""

import pytest

from mapping.labels import read_label
from mapping.matching import suggest
from mapping.vocabulary.questions import asks, shortened
from tests.mapping.test_context import Field

A, P, AP, DX = "assessment", "plan", "assessment_and_plan", "diagnoses"
PMH, PSH, FH, SH = "past_medical_history", "past_surgical_history", "family_history", "social_history"


def surely(label: str) -> set[str]:
    return {meaning.code for meaning in read_label(label).meanings if meaning.sure}


def suggested(code: str, *fields: Field) -> list[str]:
    """The labels of the fields that are suggested for a section; labels are identifiers here."""
    listed = [Field(field.label, field.group, field.label, field.kind) for field in fields]
    return list(suggest(listed)[code].field_ids)


@pytest.mark.parametrize(
    "label, codes",
    [
        ("What brings the patient in?", {"chief_complaint"}),
        ("How can we help you today?", {"chief_complaint"}),
        ("How has she been since the last visit?", {"history_of_present_illness"}),
        ("How did the injury happen?", {"history_of_present_illness"}),
        ("Do you have any other symptoms?", {"review_of_systems"}),
        ("What did the exam show?", {"physical_exam"}),
        ("What did the tests show?", {"results"}),
        ("What do we think is going on?", {A}),
        ("What are we going to do next?", {P}),
        ("What do we think, and what are we going to do?", {A, P, AP}),
        ("Which medicines is the child taking?", {"medications"}),
        ("What is the patient allergic to?", {"allergies"}),
        ("Which health conditions do you have?", {PMH}),
        ("Have you ever been hospitalized? Where?", {"hospitalizations"}),
        ("Does anyone in your family have diabetes?", {FH}),
        ("How was the pregnancy and birth?", {"birth_history"}),
        ("Which shots were given today?", {"immunizations"}),
        ("What was the family told?", {"patient_instructions"}),
        ("How soon should they come back?", {"follow_up"}),
        ("What does the client hope to achieve?", {"goals"}),
        ("Why was the patient referred?", {"reason_for_referral"}),
    ],
)
def test_a_question_is_for_what_its_verb_asks(label, codes):
    assert surely(label) == codes


@pytest.mark.parametrize(
    "label, codes",
    [
        ("What treatment is recommended?", {P}),
        ("Does the patient use any medicines or supplements?", {"medications"}),
        ("What medical conditions does the client have now or in the past?", {PMH}),
        ("What is our impression?", {A}),
        ("Reason the patient is being seen today", {"chief_complaint"}),
    ],
)
def test_without_the_words_that_only_ask_a_question_is_a_heading(label, codes):
    assert surely(label) == codes


@pytest.mark.parametrize(
    "label",
    [
        *(
            "When was your last physical exam?",
            "When was your last surgery?",
            "When should the patient return to work?",
        ),
        *("Who accompanied the patient?", "Who is the referring provider?", "How many pregnancies have you had?"),
        *("Was the medication list reviewed?", "Have vaccines been declined?", "Has the consent been signed?"),
        *("Is the patient taking medications as prescribed?", "Which medications were tried before, and why stopped?"),
        *("What do you think is causing your symptoms?", "What labs do we need before the next visit?"),
        *("Have you had allergy testing?", "Do you have a plan to hurt yourself?", "What is the safety plan?"),
        *("Any problems at school?", "Is there anything else you want to tell us?", "Does anyone smoke at home?"),
    ],
)
def test_a_question_for_a_date_a_person_a_box_or_another_thing_names_no_section(label):
    assert surely(label) == set()


@pytest.mark.parametrize(
    "label",
    [
        *("Does the patient take medications at school?", "What medications does your family take?"),
        *("What medical problems does your mother have?", "Which medical conditions are we addressing today?"),
        *("Have you found the exam helpful?", "Do labs show improvement?", "What do we think about surgery?"),
        *("What are you going to do about smoking?", "When should medications return to normal?"),
        *("What symptoms should prompt a call?", "Which vaccines have caused reactions?", "Do you use oxygen at home?"),
        *("What was the patient told about the diagnosis?", "What happened at your last pregnancy?"),
    ],
)
def test_a_question_that_asks_for_more_than_its_verb_is_left_open(label):
    assert surely(label) == set()


@pytest.mark.parametrize(
    "label, code",
    [
        ("Vital signs obtained by nursing on arrival", "vital_signs"),
        ("Vital signs as recorded by the medical assistant", "vital_signs"),
        ("Medications (reconciled with patient)", "medications"),
        ("Return to wound center in", "follow_up"),
        ("Plan of care agreed with patient and family", P),
        ("Clinical assessment by the provider", A),
        ("Anticipated healing goals and target dates", "goals"),
        ("Dressing orders and other orders for nursing / home health", "orders"),
        ("17a. Procedure / injection performed today", "procedures"),
        ("1b. Reason for referral", "reason_for_referral"),
    ],
)
def test_where_by_whom_and_under_which_number_a_thing_is_noted_changes_no_heading(label, code):
    assert surely(label) == {code}


@pytest.mark.parametrize(
    "label", ["Nursing assessment on arrival", "Allergies reviewed by nurse", "Consent given to staff"]
)
def test_who_makes_another_thing_of_a_heading_still_does(label):
    assert surely(label) == set()


@pytest.mark.parametrize("label", ["Procedures at outside facility", "Medications given in clinic"])
def test_another_place_or_time_leaves_it_open(label):
    assert surely(label) == set()


@pytest.mark.parametrize(
    "label, code",
    [
        ("VS_GRID", "vital_signs"),
        ("OBGYN_HX_F", "ob_gyn_history"),
        ("f_hpi_memo", "history_of_present_illness"),
        ("FU_INT", "follow_up"),
        ("icd10_pick", DX),
        ("dx_data_review", "results"),
        ("PROB_LST", "problem_list"),
    ],
)
def test_an_identifier_is_read_without_its_type(label, code):
    assert surely(label) == {code}


@pytest.mark.parametrize(
    "label", ["Any allergies to foods or medicines?", "Allergies to drugs, foods and medications", "Drug all/intol"]
)
def test_a_label_that_names_allergies_is_never_for_the_medications(label):
    assert surely(label) == {"allergies"}


def test_reactions_to_medications_are_no_medications():
    assert surely("Reactions to vaccines or medications") == set()


def test_medications_beside_allergies_are_both():
    assert surely("Medications and allergies") == {"medications", "allergies"}


def test_what_was_past_is_past_in_the_whole_list():
    assert P not in surely("Past psychiatric diagnoses and outpatient treatment?")


def test_diagnoses_among_histories_are_past():
    assert DX not in surely("Diagnoses/Surgeries/Social")


def test_a_problem_described_by_onset_and_duration_is_the_present_illness():
    assert surely("Describe the current problem: onset, duration, severity") == {"history_of_present_illness"}


def test_an_impression_chosen_from_icd_10_is_the_diagnoses_and_at_most_a_candidate_for_the_assessment():
    fields = (Field("Clinical impression (ICD-10)", kind="structured"), Field("Plan"))
    assert suggested(DX, *fields) == ["Clinical impression (ICD-10)"]
    assert suggested(A, *fields) == suggested(AP, *fields) == []


def test_assessments_to_choose_beside_a_text_for_the_assessment_are_the_diagnoses():
    fields = (Field("Assessments", kind="structured"), Field("Assessment Notes"))
    assert suggested(DX, *fields) == ["Assessments"]
    assert suggested(A, *fields) == ["Assessment Notes"]


def test_assessments_to_choose_alone_are_the_assessment_too():
    assert suggested(A, Field("Assessments", kind="structured")) == ["Assessments"]


def test_a_field_called_as_a_group_is_for_the_whole_of_its_parts():
    parts = [Field(label, "Lower extremity exam") for label in ("Derm - skin/nails", "MSK exam")]
    assert suggested("physical_exam", Field("Lower extremity exam"), *parts) == ["Lower extremity exam"]


@pytest.mark.parametrize("sure, code", [("PSHX", SH), ("Social history", PSH)])
def test_shx_is_the_history_that_no_other_field_is_for(sure, code):
    assert suggested(code, Field(sure), Field("SHX")) == ["SHX"]


def test_shx_by_itself_is_left_open():
    assert suggested(SH, Field("SHX")) == suggested(PSH, Field("SHX")) == []


def test_a_label_that_asks_nothing_is_left_as_it_is():
    assert not asks("past medical history")
    assert shortened("past medical history") == "past medical history"


@pytest.mark.parametrize(
    "label, codes",
    [
        ("memHPI", {"history_of_present_illness"}),
        ("txtBirthHx", {"birth_history"}),
        ("grdMeds", {"medications"}),
        ("lst_ROS", {"review_of_systems"}),
        ("txtCTResults", {"results"}),
        ("chkROS", set()),
        ("txtReferredTo", set()),
    ],
)
def test_an_identifier_means_the_same_without_the_kind_of_its_control_unless_that_is_a_box_to_tick(label, codes):
    assert surely(label) == codes


@pytest.mark.parametrize(
    "label, codes",
    [
        ("Nursing vitals", {"vital_signs"}),
        ("Medications per MAR", {"medications"}),
        ("ROS (or unable secondary to aphasia)", {"review_of_systems"}),
        ("Family Hx: non-contributory or other", {FH}),
        ("Asthma Self-Management Goals", {"goals"}),
        ("Return-to-Sport Goals", {"goals"}),
        ("Labs to be drawn", {"orders"}),
        ("Imaging Next Visit", {"orders"}),
        ("Next appt due", {"follow_up"}),
        ("Referred by / reason", {"reason_for_referral"}),
        ("Hospital stays since last visit", {"hospitalizations"}),
        ("Other operations", {PSH}),
        ("Other medical illnesses", {PMH}),
    ],
)
def test_whose_where_and_what_for_change_nothing(label, codes):
    assert surely(label) == codes


@pytest.mark.parametrize(
    "label",
    [
        "Referred to",
        "Referred to: reason",
        "Pain goal",
        "Goals of Care Discussion",
        "Target lesions",
        "FH - noncontributory",
        "ROS unable due to dementia",
        "Hospital admission date",
        "Next appointment time",
        "School support",
        "Asthma Action Plan",
    ],
)
def test_what_only_looks_like_it_names_no_section(label):
    assert surely(label) == set()


def test_chronic_conditions_are_the_problems_only_beside_a_field_for_the_history():
    chronic, history = Field("Chronic conditions", "", "1"), Field("Past medical history", "", "2")
    assert suggested("problem_list", chronic, history) == ["Chronic conditions"]
    assert suggested(PMH, chronic) == ["Chronic conditions"]
    assert suggested("problem_list", chronic) == []


def test_other_surgeries_and_diagnoses_for_the_claim_yield_to_a_better_field():
    other, past = Field("Other surgeries", "", "1"), Field("Past surgical history", "", "2")
    assert suggested(PSH, other) == ["Other surgeries"]
    assert suggested(PSH, other, past) == ["Past surgical history"]
    claim, coded = Field("Diagnoses for claim", "", "1", "structured"), Field("ICD-10", "", "2", "structured")
    assert suggested(DX, claim) == ["Diagnoses for claim"]
    assert suggested(DX, claim, coded) == ["ICD-10"]


def test_lab_reports_are_results_in_the_group_of_the_plan_too_but_labs_alone_are_not():
    assert suggested("results", Field("Lab Reports", "Plan", "1")) == ["Lab Reports"]
    assert suggested("results", Field("Labs", "Plan", "1")) == []
