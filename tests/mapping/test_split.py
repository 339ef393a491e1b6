"""A section divided by its headings loses nothing on the way."""

import pytest

from mapping.apply import apply
from mapping.note import RuleSpec
from mapping.rules import divide
from tests.mapping.specs import codes, numbered, spec, text_of

SPLIT = [
    RuleSpec("assessment_and_plan", "F1", "split", heading="Assessment"),
    RuleSpec("assessment_and_plan", "F2", "split", heading="Plan", position=2),
]
REST = RuleSpec("assessment_and_plan", "F3", "split", position=3)


def applied_to(text, rules=SPLIT):
    return apply(spec(rules), numbered(("assessment_and_plan", text)), "hold")


@pytest.mark.parametrize(
    "text",
    [
        "Assessment:\nStable angina.\nPlan:\nStress test.\nStop smoking.",
        "ASSESSMENT: Stable angina.\r\nPLAN: Stress test.\r\nStop smoking.",
        "**Assessment**\n\nStable angina.\n\n**Plan**\nStress test.\nStop smoking.\n",
        "Impression: Stable angina.\nTreatment plan - Stress test.\nStop smoking.",
        "1. Assessment\nStable angina.\n2. Plan\nStress test.\nStop smoking.",
    ],
)
def test_each_heading_s_text_goes_to_its_field(text):
    applied = applied_to(text)
    assert applied.problems == ()
    assert text_of(applied, "F1") == "Stable angina."
    assert text_of(applied, "F2").split() == ["Stress", "test.", "Stop", "smoking."]


def test_the_order_of_headings_in_the_text_does_not_matter():
    applied = applied_to("Plan: Stress test.\nAssessment: Stable angina.")
    assert text_of(applied, "F1") == "Stable angina."
    assert text_of(applied, "F2") == "Stress test."


def test_other_headings_stay_inside_the_piece_they_stand_in():
    applied = applied_to("Assessment: Angina.\nPlan: ECG.\nFollow-up: two weeks.\nLabs: lipids")
    assert text_of(applied, "F2") == "ECG.\nFollow-up: two weeks.\nLabs: lipids"


@pytest.mark.parametrize(
    "text", ["Angina.\nPlan: ECG.", "No headings at all.", "Planning: ECG.", "We discussed Plan: ECG."]
)
def test_text_under_no_chosen_heading_holds_the_section_whole(text):
    applied = applied_to(text)
    assert codes(applied.problems) == ["split_rest"]
    assert [item.text for item in applied.unmapped] == [text]
    assert applied.values == ()
    assert text not in applied.problems[0].message


def test_a_split_rule_without_heading_takes_the_rest():
    applied = applied_to("Angina, as before.\nPlan: ECG.", [*SPLIT, REST])
    assert applied.problems == ()
    assert text_of(applied, "F2") == "ECG."
    assert text_of(applied, "F3") == "Angina, as before."


def test_a_copy_beside_the_split_keeps_everything():
    applied = applied_to("Angina.\nPlan: ECG.", [*SPLIT, RuleSpec("assessment_and_plan", "F3")])
    assert applied.problems == ()
    assert text_of(applied, "F3") == "Angina.\nPlan: ECG."


def test_a_heading_that_stands_twice_is_not_torn_apart():
    text = "1. Angina\nPlan: ECG.\n2. Gout\nPlan: colchicine."
    applied = applied_to(text, [*SPLIT, REST])
    assert codes(applied.problems) == ["split_heading_repeated"]
    assert [item.text for item in applied.unmapped] == [text]


def test_headings_without_any_text_are_an_empty_section():
    applied = applied_to("Assessment:\n\nPlan:\n")
    assert applied.problems == ()
    assert len(applied.empty) == 1


def test_a_missing_heading_leaves_its_field_to_the_default():
    rules = [SPLIT[0], RuleSpec("assessment_and_plan", "F2", "split", heading="Plan", default="See assessment.")]
    applied = applied_to("Assessment: Angina.", rules)
    assert text_of(applied, "F2") == "See assessment."


def test_a_practice_may_divide_by_headings_of_its_own():
    division = divide("Sleep: poor\nMood: low\nFurther", ["MOOD", "Sleep"])
    assert division.pieces == {"sleep": "poor", "mood": "low\nFurther"}
    assert division.rest == ""
