"""Headings as small practices hastily write them: letters in a row, brackets with examples, a patient's words."""

import pytest

from mapping.labels import read_label
from mapping.matching import suggest
from mapping.suggestion import THRESHOLD
from tests.mapping.test_matching import fields

CC, HPI, ROS, PE = "chief_complaint", "history_of_present_illness", "review_of_systems", "physical_exam"
PMH, PSH, FH, SH = "past_medical_history", "past_surgical_history", "family_history", "social_history"
A, P, AP, DX = "assessment", "plan", "assessment_and_plan", "diagnoses"


def surely(label: str) -> set[str]:
    return {meaning.code for meaning in read_label(label).meanings if meaning.sure}


@pytest.mark.parametrize(
    "label, codes",
    [
        ("CC HPI", {CC, HPI}),
        ("PMH FH SH", {PMH, FH, SH}),
        ("Hx: PMH FH SH", {PMH, FH, SH}),
        ("VS PE", {"vital_signs", PE}),
        ("PM/S/F/S Hx", {PMH, PSH, FH, SH}),
        ("PMFSH", {PMH, FH, SH}),
        ("Meds/All", {"medications", "allergies"}),
        ("F/U & Instr", {"follow_up", "patient_instructions"}),
        ("Follow-up and instructions", {"follow_up", "patient_instructions"}),
        ("Hosp/Surg", {"hospitalizations", PSH}),
    ],
)
def test_several_sections_in_a_row_of_letters_are_each_meant(label, codes):
    assert surely(label) == codes


@pytest.mark.parametrize(
    "label, code",
    [
        ("H/O PI", HPI),
        ("Hx of P/I", HPI),
        ("Pt presents w/", CC),
        ("Client's stated reason for session", CC),
        ("Allx", "allergies"),
        ("Allergic to", "allergies"),
        ("Med rec", "medications"),
        ("Meds w/ doses", "medications"),
        ("Curr meds w/ doses", "medications"),
        ("Meds you take", "medications"),
        ("Rx / OTC", "medications"),
        ("Allergy rec", "allergies"),
        ("INV", "results"),
        ("Prenatal labs", "results"),
        ("RTC x wks", "follow_up"),
        ("F/up", "follow_up"),
        ("When to follow up", "follow_up"),
        ("Home vitals if avail", "vital_signs"),
        ("LE exam", PE),
        ("Lower ext. exam", PE),
        ("Biomechanical exam", PE),
        ("Tx rendered today", "procedures"),
        ("Dx (F-codes)", DX),
        ("Instructions sent to pt", "patient_instructions"),
        ("Tob/EtOH/Drugs", SH),
        ("Problem-oriented A/P", AP),
        ("A P", AP),
        ("AQx", PSH),
        ("Antecedentes heredo-familiares", FH),
        ("Medicinas que toma actualmente", "medications"),
    ],
)
def test_what_is_written_short_is_read_as_its_section(label, code):
    assert code in surely(label)


@pytest.mark.parametrize("label", ["Tob/EtOH/Drugs", "EtOH/Drugs", "Drugs, tobacco"])
def test_drugs_among_habits_are_no_medication(label):
    assert "medications" not in surely(label)


@pytest.mark.parametrize(
    "label", ["P", "p.", "X", "P:", "Fall risk A/P", "Diet assessment and plan", "Discharge A&P", "EF"]
)
def test_what_only_looks_like_assessment_and_plan_is_none(label):
    assert not surely(label) & {A, P, AP}


@pytest.mark.parametrize("label", ["CC - body part", "HPI - onset and location"])
def test_a_detail_after_the_complaint_or_its_history_counts_only_where_no_other_field_may_be_for_it(label):
    code = CC if label.startswith("CC") else HPI
    assert suggest(fields(label, "Plan"))[code].field_ids == (label,)
    whole = "Chief Complaint" if code == CC else "HPI"
    assert suggest(fields(label, whole))[code].field_ids == (whole,)
    another = "CC - laterality" if code == CC else "HPI - severity"
    assert suggest(fields(label, another))[code].field_ids == ()


@pytest.mark.parametrize("label", ["CC - score", "HPI - reason code", "CC: family history"])
def test_a_detail_that_makes_another_thing_of_it_does_not_count(label):
    assert not surely(label) & {CC, HPI}


class TestSoapLettersWithBrackets:
    LABELS = ("S (CC/HPI/ROS)", "O (VS/PE)", "A (Dx)", "P (Tx/Rx/Orders)")

    def test_take_what_their_brackets_list(self):
        found = suggest(fields(*self.LABELS))
        assert {code: found[code].field_ids for code in (CC, HPI, ROS)} == dict.fromkeys(
            (CC, HPI, ROS), self.LABELS[:1]
        )
        assert found["vital_signs"].field_ids == found[PE].field_ids == (self.LABELS[1],)
        assert (found[A].field_ids, found[P].field_ids) == ((self.LABELS[2],), (self.LABELS[3],))
        assert (found[AP].field_ids, found[AP].mode) == (self.LABELS[2:], "split")
        assert found[HPI].reason == "“S (CC/HPI/ROS)” is its letter in SOAP, and names it."

    def test_that_list_nothing_known_are_the_letters_alone(self):
        found = suggest(fields("S (patient's words)", "O (what I saw)", "A", "P"))
        assert found[HPI].field_ids == ("S (patient's words)",)
        assert found[HPI].mode == "container"

    def test_are_no_letters_where_fewer_stand(self):
        assert suggest(fields("S (size)", "M", "L"))[HPI].field_ids == ()


class TestMedHx:
    @pytest.mark.parametrize("medications", ["Medications & supplements", "Curr Meds", "Rx / OTC"])
    def test_is_the_medical_history_where_the_medications_have_a_field(self, medications):
        found = suggest(fields("Med Hx", medications))[PMH]
        assert found.field_ids == ("Med Hx",)
        assert found.reason == "“Med Hx” means Past medical history: another field is for Medications."

    @pytest.mark.parametrize("others", [(), ("Plan",), ("PMH", "Meds"), ("Med Hx.", "Meds")])
    def test_is_either_where_they_have_none_or_another_field_is_for_it(self, others):
        assert "Med Hx" not in suggest(fields("Med Hx", *others))[PMH].field_ids


@pytest.mark.parametrize(
    "assessment, plan",
    [
        ("Impresión diagnóstica", "Plan"),
        ("IDx", "Plan y manejo"),
        ("Valoración", "Conducta"),
        ("Análisis clínico", "Plan terapéutico"),
        ("IMPR", "MGMT"),
        ("Case Formulation", "Plan"),
        ("Imp", "Tx"),
        ("Diagnostic Impression", "Treatment Plan"),
        ("Impression", "Recommendations"),
        ("Impresión", "Recomendaciones"),
        ("Cardiac impression", "Recommendations to referring MD"),
    ],
)
def test_both_is_divided_where_one_half_is_named_and_the_other_stands_for_it(assessment, plan):
    found = suggest(fields("HPI", assessment, plan))[AP]
    assert (found.field_ids, found.mode) == ((assessment, plan), "split")
    assert found.confidence >= THRESHOLD


@pytest.mark.parametrize(
    "labels",
    [
        ("Impresión diagnóstica", "Manejo"),  # each only for want of a better
        ("Discussion", "Plan"),
        ("Assessment", "Treatment given"),  # done already
        ("Assessment", "Next steps"),
        ("Impresión diagnóstica", "Manejo y recomendaciones", "Plan"),  # two may be the plan
    ],
)
def test_both_is_not_divided_where_a_half_is_doubtful(labels):
    assert suggest(fields(*labels))[AP].field_ids == ()
