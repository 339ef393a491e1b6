"""Suggestions for a whole template: one field, several, containers, none; and never a wrong one for want of a right one."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.matching import suggest
from mapping.sections import CODES, normalise
from mapping.suggestion import THRESHOLD, Taught


@dataclass(frozen=True)
class Field:
    field_id: str
    label: str
    kind: str = "free_text"
    group: str = ""


def fields(*labels: str, structured: tuple[str, ...] = (), groups: dict[str, str] | None = None) -> list[Field]:
    """Fields whose identifiers are their labels."""
    return [
        Field(label, label, "structured" if label in structured else "free_text", (groups or {}).get(label, ""))
        for label in labels
    ]


def chosen(*labels: str, **options) -> dict[str, tuple[str, ...]]:
    found = suggest(fields(*labels, **options))
    return {code: suggestion.field_ids for code, suggestion in found.items() if suggestion.field_ids}


def test_all_codes_of_the_contract_are_answered():
    found = suggest(fields("CC"))
    assert tuple(found) == CODES
    assert all(suggestion.section_code == code for code, suggestion in found.items())


def test_a_template_without_fields_has_no_suggestion():
    assert all(not suggestion.field_ids and suggestion.confidence == 0 for suggestion in suggest([]).values())


def test_one_field():
    suggestion = suggest(fields("Reason for Appointment"))["chief_complaint"]
    assert (suggestion.field_ids, suggestion.mode) == (("Reason for Appointment",), "one")
    assert "usual heading" in suggestion.reason


def test_a_joint_field_takes_both_of_its_sections():
    assert chosen("Fam/SocHx") == {"family_history": ("Fam/SocHx",), "social_history": ("Fam/SocHx",)}


def test_assessment_and_plan_is_split_over_two_fields_in_the_order_assessment_plan():
    suggestion = suggest(fields("Plan", "Impression"))["assessment_and_plan"]
    assert (suggestion.field_ids, suggestion.mode) == (("Impression", "Plan"), "split")


def test_a_field_for_assessment_and_plan_takes_each_of_them():
    found = suggest(fields("A/P"))
    assert found["assessment_and_plan"].mode == "one"
    for code in ("assessment", "plan"):
        assert (found[code].field_ids, found[code].mode) == (("A/P",), "container")


def test_assessment_alone_does_not_take_both():
    assert "assessment_and_plan" not in chosen("Assessment", "HPI")


def test_labs_and_imaging_are_the_results():
    suggestion = suggest(fields("Labs", "Imaging"))["results"]
    assert (suggestion.field_ids, suggestion.mode) == (("Labs", "Imaging"), "split")


@pytest.mark.parametrize("label", ["Lab Results", "Imaging", "Radiographs", "X-ray / MRI read"])
def test_labs_or_imaging_alone_take_the_results(label):
    assert chosen(label) == {"results": (label,)}


def test_two_fields_for_images_take_the_results_together():
    found = suggest(fields("MRI result", "CT result"))["results"]
    assert (found.field_ids, found.mode) == (("MRI result", "CT result"), "split")


def test_a_field_for_all_results_is_preferred_to_its_parts():
    assert chosen("Labs", "Imaging", "Results")["results"] == ("Results",)


def test_ob_and_gyn_history_are_one_section_in_two_fields():
    assert chosen("Gyn Hx", "OB Hx") == {"ob_gyn_history": ("Gyn Hx", "OB Hx")}
    assert chosen("OB History") == {"ob_gyn_history": ("OB History",)}


def test_subjective_and_objective_take_what_has_no_field():
    found = suggest(fields("Subjective", "Objective", "Assessment", "Plan"))
    for code in ("chief_complaint", "history_of_present_illness", "family_history", "medications"):
        assert (found[code].field_ids, found[code].mode) == (("Subjective",), "container")
    for code in ("vital_signs", "physical_exam", "results"):
        assert (found[code].field_ids, found[code].mode) == (("Objective",), "container")
    assert found["orders"].field_ids == found["goals"].field_ids == ()


def test_the_letters_of_soap_are_read_where_three_of_them_stand():
    assert chosen("S", "O", "A", "P")["history_of_present_illness"] == ("S",)
    assert chosen("S:", "O:", "A:", "P:")["assessment_and_plan"] == ("A:", "P:")
    assert chosen("S", "Plan") == {"plan": ("Plan",)}


def test_a_container_beside_fields_of_its_own_kind_is_not_filled_with_the_rest():
    found = chosen("Subjective", "Objective", "HPI", "Physical Exam", "A/P")
    assert found["history_of_present_illness"] == ("HPI",)
    assert "chief_complaint" not in found
    assert "vital_signs" not in found


def test_of_two_equally_good_fields_none_is_chosen_and_both_are_named():
    suggestion = suggest(fields("Current Medications", "Home Medications"))["medications"]
    assert suggestion.field_ids == ()
    assert suggestion.confidence < THRESHOLD
    assert "equally good" in suggestion.reason
    assert {item.label for item in suggestion.candidates} == {"Current Medications", "Home Medications"}


def test_the_better_of_two_fields_is_chosen_and_the_other_named():
    suggestion = suggest(fields("Treatment", "Plan"))["plan"]
    assert suggestion.field_ids == ("Plan",)
    assert [item.label for item in suggestion.candidates] == ["Treatment"]


@pytest.mark.parametrize(
    "alien", ["Family History", "Assessment", "Notes", "Plan - Preventative Medicine", "Visit Codes"]
)
def test_a_section_without_a_field_is_not_filed_in_a_field_for_another(alien):
    found = chosen(alien, "ROS")
    assert "past_medical_history" not in found
    assert "history_of_present_illness" not in found
    assert "orders" not in found


def test_a_structured_field_is_suggested_and_said_to_be_one():
    suggestion = suggest(fields("Meds", structured=("Meds",)))["medications"]
    assert suggestion.field_ids == ("Meds",)
    assert suggestion.structured
    assert "takes coded entries" in suggestion.reason


def test_a_structured_assessment_keeps_the_diagnoses_and_a_dictated_one_may():
    assert chosen("Assessment", structured=("Assessment",))["diagnoses"] == ("Assessment",)
    dictated = suggest(fields("Assessment"))["diagnoses"]
    assert dictated.field_ids == ()
    assert [item.label for item in dictated.candidates] == ["Assessment"]
    both = chosen("Assessment", "Diagnosis", structured=("Assessment", "Diagnosis"))
    assert both["diagnoses"] == ("Diagnosis",)


def test_a_group_completes_a_label():
    groups = {"Family": "Past History", "Medical": "Past History"}
    found = chosen("Family", "Medical", groups=groups)
    assert found == {"family_history": ("Family",), "past_medical_history": ("Medical",)}


def test_a_field_alone_in_a_group_is_what_the_group_says():
    assert chosen("Notes", groups={"Notes": "HPI"}) == {"history_of_present_illness": ("Notes",)}
    assert chosen("Notes", "General", groups={"Notes": "Physical Exam", "General": "Physical Exam"}) == {}


def test_a_label_that_cannot_stand_under_its_group_is_doubted():
    found = suggest(fields("Medications", groups={"Medications": "Plan"}))["medications"]
    assert found.field_ids == ()
    assert "group" in found.candidates[0].reason
    assert chosen("Follow Up", groups={"Follow Up": "Plan"}) == {"follow_up": ("Follow Up",)}


def test_a_kind_of_a_section_is_chosen_where_nothing_else_may_be_for_it():
    found = suggest(fields("HPI", "MSK Exam"))["physical_exam"]
    assert (found.field_ids, found.confidence) == (("MSK Exam",), 0.91)
    assert "no other field is for it" in found.reason
    several = suggest(fields("Breast Exam", "Pelvic Exam"))["physical_exam"]
    assert several.field_ids == ("Breast Exam", "Pelvic Exam")
    assert several.reason == "“Breast Exam” and “Pelvic Exam” hold its kinds: divide it by its headings."
    assert chosen("MSK Exam", "Exam")["physical_exam"] == ("Exam",)


def test_of_two_equal_labels_the_one_that_says_nothing_else_is_chosen():
    assert chosen("Surgical Hx/Procedures", "Procedures done today")["procedures"] == ("Procedures done today",)


def test_of_two_equal_labels_the_one_that_takes_text_is_chosen():
    found = chosen("Allergy list", "Allergies list", structured=("Allergy list",))
    assert found["allergies"] == ("Allergies list",)


def test_a_box_to_tick_is_not_the_section_beside_it():
    found = chosen("ROS reviewed", "Review of Systems comments", structured=("ROS reviewed",))
    assert found["review_of_systems"] == ("Review of Systems comments",)


def test_comments_among_other_fields_of_a_group_are_what_the_group_says():
    group = {"Current list": "Medications", "Discontinued": "Medications"}
    assert chosen("Current list", "Discontinued", groups=group) == {"medications": ("Current list",)}
    path = {"Comments": "Subjective > HPI"}
    assert chosen("Comments", groups=path)["history_of_present_illness"] == ("Comments",)
    twice = {"Comments": "Billing", "Modifier": "Billing"}
    assert chosen("Comments", "Modifier", groups=twice) == {}


def test_an_identifier_says_what_a_label_leaves_open():
    listed = [Field("HPI_TXT", "Free text"), Field("hx_pmh", "Hx"), Field("119007.1", "Notes"), Field("ROS", "Hx")]
    found = suggest(listed)
    assert found["history_of_present_illness"].field_ids == ("HPI_TXT",)
    assert found["past_medical_history"].field_ids == ("hx_pmh",)
    assert "has the identifier hx_pmh" in found["past_medical_history"].reason
    assert found["review_of_systems"].field_ids == ()


def taught(**labels: str) -> dict[str, Taught]:
    """What was learned: labels (with _ for a space) and the codes filed under them, divided by spaces."""
    return {label.replace("_", " "): Taught(frozenset(codes.split()), 3, 2) for label, codes in labels.items()}


def test_what_the_practice_filed_before_is_used_where_no_other_field_names_the_section():
    learned = taught(interval_summary="history_of_present_illness", notes="plan")
    found = suggest(fields("Interval Summary", "Notes", "Doctor's thoughts"), learned)
    assert found["history_of_present_illness"].field_ids == ("Interval Summary",)
    assert found["history_of_present_illness"].reason == (
        "Learned from 3 published mappings at 2 locations: filed under “Interval Summary”."
    )
    assert found["plan"].field_ids == ("Notes",)


def test_what_was_learned_from_one_mapping_says_one():
    learned = {"notes": Taught(frozenset({"plan"}))}
    assert suggest(fields("Notes"), learned)["plan"].reason == (
        "Learned from 1 published mapping at 1 location: filed under “Notes”."
    )


@pytest.mark.parametrize(
    "code, label, named",
    [
        ("plan", "Treatment", "Plan"),
        ("plan", "Notes", "Treatment"),
        ("allergies", "Interval Hx / Subjective", "Allergies"),
        ("past_medical_history", "Interval Hx / Subjective", "Past Medical History"),
        ("results", "Chart notes", "Labs"),
    ],
)
def test_where_a_field_names_the_section_and_another_was_learned_none_is_chosen(code, label, named):
    found = suggest(fields(label, named), {normalise(label): Taught(frozenset({code}), 2, 1)})[code]
    assert (found.field_ids, found.mode) == ((), "none")
    assert [item.label for item in found.candidates] == [label, named]
    assert found.candidates[0].reason.startswith(
        f"Learned from 2 published mappings at 1 location: filed under “{label}”."
    )
    assert found.candidates[1].reason == f"“{named}” names the section itself."
    assert found.reason == f"The practice files it under “{label}”, and “{named}” names it too: choose yourself."


def test_a_contested_plan_is_not_filed_with_the_assessment_instead():
    found = suggest(fields("Treatment", "Plan", "A/P", "Assessment"), taught(treatment="plan"))
    assert found["plan"].field_ids == ()
    assert [item.label for item in found["plan"].candidates][:2] == ["Treatment", "Plan"]


def test_a_learned_label_that_names_the_section_best_stays_chosen():
    found = suggest(fields("Treatment", "Plan"), taught(plan="plan"))["plan"]
    assert found.field_ids == ("Plan",)
    assert [item.label for item in found.candidates] == ["Treatment"]


def test_a_field_for_a_part_of_a_section_does_not_contest_what_was_learned():
    found = suggest(fields("Chart notes", "Imaging"), taught(chart_notes="results"))["results"]
    assert found.field_ids == ("Chart notes",)


def test_of_two_learned_fields_the_words_decide_and_else_none_is_chosen():
    learned = taught(hpi="history_of_present_illness", story="history_of_present_illness")
    assert suggest(fields("Story", "HPI"), learned)["history_of_present_illness"].field_ids == ("HPI",)
    assert suggest(fields("Musings", "Tale"), taught(musings="plan", tale="plan"))["plan"].field_ids == ()


def test_both_parts_of_a_split_that_was_learned_are_suggested():
    learned = taught(assessment="assessment assessment_and_plan", plan="plan assessment_and_plan")
    found = suggest(fields("Assessment", "Plan"), learned)["assessment_and_plan"]
    assert (found.field_ids, found.mode) == (("Assessment", "Plan"), "split")


@pytest.mark.parametrize(
    "code, label, other",
    [
        ("plan", "Assessment", "Assessment"),
        ("assessment", "Plan", "Plan"),
        ("assessment_and_plan", "Assessment", "Assessment"),
        ("history_of_present_illness", "Chief Complaint", "Chief complaint"),
        ("medications", "Allergies", "Allergies"),
        ("family_history", "PMH", "Past medical history"),
        ("plan", "Motivo de consulta", "Chief complaint"),
        ("plan", "Objective", "Objective"),
        ("results", "Subjective", "Subjective"),
        ("social_history", "PMH/PSH", "Past medical history and Past surgical history"),
    ],
)
def test_what_was_learned_against_the_name_of_a_field_is_offered_with_its_reason_and_never_chosen(code, label, other):
    found = suggest(fields(label), {normalise(label): Taught(frozenset({code}), 2, 1)})[code]
    assert (found.field_ids, found.mode) == ((), "none")
    assert found.confidence < THRESHOLD
    learned = f"Learned from 2 published mappings at 1 location: filed under “{label}”."
    assert [(item.label, item.reason) for item in found.candidates] == [(label, f"{learned} But that names {other}.")]
    assert found.reason == f"The practice files it under “{label}”, by its name for something else: choose yourself."


@pytest.mark.parametrize(
    "code, label",
    [
        ("plan", "Assessment & Plan"),
        ("assessment", "A/P"),
        ("diagnoses", "Assessment"),
        ("orders", "Plan"),
        ("follow_up", "A/P"),
        ("reason_for_referral", "HPI"),
        ("chief_complaint", "HPI"),
        ("vital_signs", "Physical Exam"),
        ("hospitalizations", "PMH"),
        ("past_surgical_history", "PMH/PSH"),
        ("medications", "Subjective"),
        ("results", "Objective"),
        ("diagnoses", "Impression"),
        ("plan", "Thoughts"),
    ],
)
def test_what_was_learned_is_followed_where_the_name_of_the_field_leaves_room_for_it(code, label):
    found = suggest(fields(label), {normalise(label): Taught(frozenset({code}), 2, 1)})[code]
    assert found.field_ids == (label,)
    assert found.reason == f"Learned from 2 published mappings at 1 location: filed under “{label}”."


def test_what_was_learned_against_a_name_still_stands_beside_the_field_that_names_the_section():
    found = suggest(fields("Assessment", "Plan"), taught(assessment="plan"))["plan"]
    assert found.field_ids == ()
    assert [item.label for item in found.candidates] == ["Assessment", "Plan"]


def test_codes_of_the_practices_own_are_not_suggested():
    assert "own_code" not in suggest(fields("Own"), taught(own="own_code"))


odd_fields = st.lists(
    st.builds(
        Field,
        field_id=st.text(max_size=10),
        label=st.one_of(st.text(max_size=60), st.sampled_from(["HPI", "Labs", "Subjective", "S", "A/P", "Plan", "Hx"])),
        kind=st.sampled_from(["free_text", "structured"]),
        group=st.one_of(st.just(""), st.text(max_size=30), st.sampled_from(["Plan", "Past History", "Objective"])),
    ),
    max_size=25,
    unique_by=lambda field: field.field_id,
)


odd_lessons = st.builds(Taught, st.frozensets(st.sampled_from(CODES), max_size=3))


@given(odd_fields, st.dictionaries(st.text(max_size=10), odd_lessons, max_size=5))
def test_any_template_is_answered_soundly(listed, learned):
    ids = {field.field_id for field in listed}
    for suggestion in suggest(listed, learned).values():
        assert set(suggestion.field_ids) <= ids
        assert len(set(suggestion.field_ids)) == len(suggestion.field_ids)
        assert 0 <= suggestion.confidence <= 1
        assert bool(suggestion.field_ids) == (suggestion.confidence >= THRESHOLD)
        assert bool(suggestion.field_ids) == (suggestion.mode != "none")
        assert suggestion.reason
        assert {item.field_id for item in suggestion.candidates} <= ids - set(suggestion.field_ids)
        assert all(item.confidence < THRESHOLD and item.reason for item in suggestion.candidates)
