"""Which of several fields a section goes to, and what a group makes of a heading: classes that strangers' templates had."""

import pytest

from mapping.importers.base import ImportedField
from mapping.matching import suggest

STRUCTURED = "structured"


def chosen(*rows: str, kinds: dict[str, str] | None = None) -> dict[str, tuple[str, ...]]:
    """Per code the labels chosen for it; a row is a label, or a group and a label ("Plan > Labs")."""
    fields = []
    for place, row in enumerate(rows, start=1):
        group, _, label = row.rpartition(">> ")
        kind = (kinds or {}).get(row, "free_text")
        fields.append(ImportedField(f"f{place}", label, place, kind, group=group.strip()))
    labels = {field.field_id: field.label for field in fields}
    found = suggest(fields)
    return {code: tuple(labels[item] for item in one.field_ids) for code, one in found.items() if one.field_ids}


@pytest.mark.parametrize(
    ("plain", "other", "code"),
    [
        ("HPI:", "HPI: Interim history", "history_of_present_illness"),
        ("Treatment", "Treatment: clinical notes", "plan"),
        ("Examination > Notes", "Examination > General Examination", "physical_exam"),
        ("Previous Medical Hx", "Prior Related Injuries/Illness", "past_medical_history"),
        ("Lab results", "Labs", "results"),
        ("Living situation, work, relationships", "Alcohol and drug use", "social_history"),
    ],
)
def test_of_two_alike_the_one_that_names_no_more_than_the_section_is_chosen(plain, other, code):
    assert chosen(other, plain)[code] == (plain,)


@pytest.mark.parametrize(
    "labels", [("Current Medications", "Home Medications"), ("Presenting problem", "Main concern")]
)
def test_of_two_alike_that_each_say_something_of_their_own_none_is(labels):
    assert chosen(*labels) == {}


def test_a_field_that_says_nothing_else_comes_before_one_for_two_sections():
    assert chosen("CC/HPI", "Complaint")["chief_complaint"] == ("Complaint",)
    assert chosen("CC/HPI", "Parent concern")["chief_complaint"] == ("CC/HPI",)


def test_what_only_speaks_of_a_section_is_no_rival_unless_it_says_the_same_and_more():
    assert chosen("Anticipatory Guidance", "BMI Percentile Counseling")["patient_instructions"] == (
        "Anticipatory Guidance",
    )
    assert "family_history" not in chosen("Family", "Pathological family background")


def test_labs_and_images_in_the_group_of_the_plan_are_ordered():
    found = chosen("Objective >> Labs", "Plan >> Labs", "Plan >> Diagnostic Imaging", "Plan >> Treatment")
    assert found["results"] == ("Labs",)
    assert found["orders"] == ("Labs", "Diagnostic Imaging")


def test_reports_of_them_are_results_there_too():
    found = chosen("Plan >> Labs", "Plan >> Lab Reports")
    assert found == {"orders": ("Labs",), "results": ("Lab Reports",)}


def test_in_a_group_for_assessment_and_plan_they_may_be_either():
    assert chosen("Assessment & Plan >> Labs") == {}


def test_the_letters_of_soap_are_groups_too():
    found = chosen("S >> HPI", "O >> Labs", "A >> Assessment", "P >> Labs", "P >> Plan")
    assert found["orders"] == ("Labs",)
    assert found["plan"] == ("Plan",)
    assert "orders" not in chosen("P >> Labs", "Q >> Plan")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("Meds >> Allergies", "allergies"),
        ("Assessment >> Plan", "plan"),
        ("Objective >> Immunizations", "immunizations"),
        ("Exam >> Procedure note", "procedures"),
        ("Exam >> Breast, abdomen, pelvic", "physical_exam"),
    ],
)
def test_an_exact_heading_stands_in_a_group_named_for_its_neighbours(row, code):
    assert set(chosen(row)) == {code}


@pytest.mark.parametrize("row", ["Allergies >> Medications", "Family history >> Diagnoses", "Plan >> Medications"])
def test_a_group_that_makes_another_thing_of_a_heading_leaves_it_open(row):
    assert chosen(row) == {}


def test_parts_of_the_body_are_examined_where_another_field_has_the_systems_review():
    assert chosen("ROS", "General, HEENT, lungs, heart")["physical_exam"] == ("General, HEENT, lungs, heart",)
    assert chosen("General, HEENT, lungs, heart") == {}


def test_comments_beside_a_coded_field_take_the_text_of_their_group():
    coded = {"Imms >> Imms given today": STRUCTURED}
    assert chosen("Imms >> Imms given today", "Imms >> Comments", kinds=coded)["immunizations"] == ("Comments",)
    coded = {"Allergies >> Allergies": STRUCTURED}
    assert chosen("Allergies >> Allergies", "Allergies >> Comments", kinds=coded)["allergies"] == ("Allergies",)


def test_history_beside_the_past_history_is_that_of_the_illness():
    assert chosen("History", "PMH")["history_of_present_illness"] == ("History",)
    assert chosen("History", "HPI", "PMH")["history_of_present_illness"] == ("HPI",)
    assert chosen("History") == {}


def test_after_the_letter_of_the_plan_everything_is_the_plan():
    found = chosen("S: report", "O: exam", "A: impression", "P: interventions & next session")
    assert found["plan"] == ("P: interventions & next session",)
    assert "follow_up" not in found


def test_orders_for_labs_and_for_images_are_two_parts_of_the_orders():
    assert chosen("Lab orders", "Imaging orders")["orders"] == ("Lab orders", "Imaging orders")
    assert chosen("Orders", "Lab orders", "Imaging orders")["orders"] == ("Orders",)


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (("Psych ROS", "Medical ROS"), "review_of_systems"),
        (("EXAM - FOCUSED", "EXAM - FBSE"), "physical_exam"),
        (("General exam", "MSK exam: ROM / strength / special tests"), "physical_exam"),
        (("All other surgeries", "Prior ortho surgeries"), "past_surgical_history"),
        (("X-rays (my read)", "MRI/CT/EMG"), "results"),
        (("Laboratory Data", "Imaging and Cardiac Studies"), "results"),
        (("Biopsy note (shave / punch)", "ED&C / Excision"), "procedures"),
    ],
)
def test_fields_of_one_group_for_each_kind_of_a_section_are_it_together(labels, code):
    assert chosen(*(f"Chart >> {label}" for label in labels))[code] == labels


def test_not_in_two_groups_nor_beside_a_field_for_all_of_it():
    assert "review_of_systems" not in chosen("A >> Psych ROS", "B >> Medical ROS")
    assert chosen("Psych ROS", "Medical ROS", "ROS")["review_of_systems"] == ("ROS",)


def test_what_is_scheduled_has_no_result():
    assert chosen("Echocardiogram (Scheduled)") == {}


def test_the_first_of_numbered_ones_is_chosen():
    assert chosen("Dx 1 + plan", "Dx 2 + plan", "Dx 3 + plan")["assessment_and_plan"] == ("Dx 1 + plan",)


def test_the_reason_for_a_consultation_is_the_complaint_where_nothing_else_may_be():
    assert chosen("Reason for consultation", "HPI")["chief_complaint"] == ("Reason for consultation",)
    assert chosen("Reason for consultation", "CC")["chief_complaint"] == ("CC",)
    assert chosen("CC: (copies of note to)", "UDS result") == {}
