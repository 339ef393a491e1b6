"""A mapping is judged before it is published."""

import pytest

from mapping.note import RuleSpec
from mapping.sections import CODES
from mapping.validation import errors, validate, warnings
from tests.mapping.specs import field, spec

FIELDS = [field("F1", 1, max_length=100), field("F2", 2), field("S1", 3, kind="structured")]


def error_codes(rules, fields=FIELDS, **given):
    return [problem.code for problem in errors(validate(spec(rules, fields, given.pop("catch_all", "")), **given))]


def test_a_sound_mapping_has_no_errors():
    assert error_codes([RuleSpec("plan", "F1", limit=100, default="None."), RuleSpec("goals", "F2")]) == []


@pytest.mark.parametrize(
    "rule, code",
    [
        (RuleSpec("plan", "GONE"), "unknown_field"),
        (RuleSpec("medications", "S1"), "structured_field"),
        (RuleSpec("plan", "F1", limit=101), "limit_over_field"),
        (RuleSpec("plan", "F2", limit=0), "limit_too_small"),
        (RuleSpec("plan", "F2", limit=6, limit_action="truncate"), "limit_too_small"),
        (RuleSpec("plan", "F1", default="x" * 101), "default_too_long"),
        (RuleSpec("Plan B", "F1"), "bad_section_code"),
    ],
)
def test_a_rule_that_would_misfile_or_hold_is_an_error_that_names_its_row(rule, code):
    problems = errors(validate(spec([rule], FIELDS)))
    assert [problem.code for problem in problems] == [code]
    assert problems[0].section_code == rule.section_code
    assert problems[0].pointer == f"/rules/{rule.section_code}"


def test_two_sections_in_one_structured_field_are_named():
    rules = [("medications", "S1"), ("allergies", "S1")]
    (shared,) = [p for p in validate(spec(rules, FIELDS)) if p.code == "structured_field_shared"]
    assert "Allergies, Medications" in shared.message


def test_the_same_line_twice_is_an_error():
    assert error_codes([("plan", "F1"), ("plan", "F1")]) == ["duplicate_rule"]


def test_two_split_rules_with_different_headings_are_not_the_same_line():
    rules = [RuleSpec("plan", "F1", "split", heading=heading) for heading in ("Plan", "Goals")]
    assert error_codes(rules) == []


def test_a_required_field_without_rule_is_an_error_and_a_structured_one_a_warning():
    fields = [field("F1", 1, required=True), field("S1", 2, kind="structured", required=True)]
    problems = validate(spec([], fields))
    assert [problem.field_id for problem in errors(problems)] == ["F1"]
    assert "required_structured_field" in [problem.code for problem in warnings(problems)]


@pytest.mark.parametrize(
    "catch_all, policy, found",
    [
        ("", "hold", []),
        ("", "catch-all", ["no_catch_all"]),
        ("F2", "catch-all", []),
        ("GONE", "hold", ["catch_all_unknown_field"]),
        ("S1", "catch-all", ["catch_all_structured"]),
    ],
)
def test_the_catch_all_field_is_judged_by_the_location_s_policy(catch_all, policy, found):
    assert error_codes([("plan", "F1")], catch_all=catch_all, policy=policy) == found


def test_each_of_the_28_sections_without_a_field_is_a_warning():
    problems = warnings(validate(spec([("plan", "F1")], FIELDS)))
    assert [problem.section_code for problem in problems] == [code for code in CODES if code != "plan"]
    assert "held" in problems[0].message
    assert "catch-all" in warnings(validate(spec([], FIELDS, "F2"), policy="catch-all"))[0].message


def test_a_section_copied_to_two_fields_is_a_warning():
    problems = warnings(validate(spec([("plan", "F1"), ("plan", "F2")], FIELDS)))
    assert problems[0].code == "section_in_two_fields"


def test_a_newer_template_version_is_a_warning():
    codes = [problem.code for problem in warnings(validate(spec([], FIELDS), newest_template_version_id=9))]
    assert "template_newer" in codes


def test_errors_come_before_warnings():
    severities = [problem.severity for problem in validate(spec([("plan", "GONE")], FIELDS))]
    assert severities == sorted(severities)
    assert severities[0] == "error"


def same_place(rules, fields=FIELDS):
    return [problem for problem in validate(spec(rules, fields)) if problem.code == "same_place"]


def test_rules_with_the_same_place_in_a_field_are_a_warning_at_the_field_that_names_every_row():
    rules = [RuleSpec(code, "F2", position=3) for code in ("plan", "goals", "assessment")]
    (problem,) = same_place([*rules, RuleSpec("history_of_present_illness", "F2", position=4)])
    assert problem.message.startswith("Plan, Goals and Assessment have the same place 3 in F2 (F2):")
    assert (problem.severity, problem.pointer, problem.field_id) == ("warning", "/fields/F2", "F2")


def test_pieces_of_one_section_in_the_same_place_are_told_apart_by_their_headings():
    rules = [RuleSpec("assessment_and_plan", "F2", "split", heading=heading) for heading in ("Plan", "Goals")]
    (problem,) = same_place(rules)
    assert "(“Plan”) and Assessment and plan (“Goals”) have" in problem.message


@pytest.mark.parametrize(
    "rules",
    [
        [RuleSpec("plan", "F2", position=1), RuleSpec("goals", "F2", position=2)],
        [RuleSpec("plan", "F1", position=3), RuleSpec("goals", "F2", position=3)],
        [RuleSpec("plan", "GONE", position=3), RuleSpec("goals", "GONE", position=3)],
    ],
    ids=["places of their own", "other fields", "a field that is not there"],
)
def test_what_does_not_compete_for_a_place_is_not_warned_of(rules):
    assert same_place(rules) == []


def shared(rules, fields=FIELDS):
    return [problem for problem in validate(spec(rules, fields)) if problem.code == "shared_field"]


def test_a_section_after_another_in_one_field_without_a_prefix_is_a_warning_at_its_row_with_the_remedy():
    rules = [RuleSpec("plan", "F2", position=2, id=7), RuleSpec("assessment", "F2", position=1)]
    (problem,) = shared(rules)
    assert problem.message.startswith("Plan stands in F2 (F2) after Assessment, and nothing marks where it begins.")
    assert "a prefix, such as “Plan: ”" in problem.message
    assert (problem.severity, problem.pointer, problem.section_code) == ("warning", "/rules/7", "plan")


def test_every_section_after_the_first_is_named():
    codes = ("assessment", "plan", "goals", "follow_up")
    rules = [RuleSpec(code, "F2", position=place) for place, code in enumerate(codes)]
    assert [problem.section_code for problem in shared(rules)] == ["plan", "goals", "follow_up"]


@pytest.mark.parametrize(
    "rules",
    [
        [RuleSpec("assessment", "F2"), RuleSpec("plan", "F2", prefix="Plan: ", position=2)],
        [RuleSpec("assessment", "F1"), RuleSpec("plan", "F2")],
        [RuleSpec("plan", "F2", "split"), RuleSpec("plan", "F2", "split", heading="Goals", position=2)],
        [RuleSpec("assessment", "GONE"), RuleSpec("plan", "GONE", position=2)],
    ],
    ids=["a prefix", "fields of their own", "pieces of one section", "a field that is not there"],
)
def test_what_a_reader_can_tell_apart_is_not_warned_of(rules):
    assert shared(rules) == []


def test_a_prefix_of_blanks_marks_nothing():
    assert shared([RuleSpec("assessment", "F2"), RuleSpec("plan", "F2", prefix="\n  ", position=2)])


def without_rest(*rules):
    return [problem for problem in validate(spec(rules, FIELDS)) if problem.code == "split_without_rest"]


def test_a_section_divided_without_a_rule_for_the_rest_is_a_warning_that_proposes_one():
    parts = [RuleSpec("assessment_and_plan", f"F{n}", "split", heading=said) for n, said in ((1, "A"), (2, "Plan"))]
    (problem,) = without_rest(*parts)
    assert "is divided by “A” and “Plan”, and no rule takes text that stands under none of them" in problem.message
    assert "splits it without a heading, for instance into F1 (F1)" in problem.message
    assert (problem.severity, problem.pointer) == ("warning", "/sections/assessment_and_plan")
    assert without_rest(*parts, RuleSpec("assessment_and_plan", "F1", "split")) == []
    assert without_rest(*parts, RuleSpec("assessment_and_plan", "F1")) == [], "a copy takes everything"
    assert without_rest(RuleSpec("plan", "F1")) == []


def test_sections_that_share_a_single_value_are_an_error_and_not_warned_of_their_order():
    rules = [("medications", "S1"), ("allergies", "S1")]
    assert "structured_field_shared" in error_codes(rules)
    assert same_place(rules) == shared(rules) == []


def test_a_rule_that_cannot_be_read_stops_publishing_and_is_named_by_its_row():
    (problem,) = errors(validate(spec([RuleSpec("plan", "F2", damaged=("limit", "limit_action"))], FIELDS)))
    assert problem.code == "unsendable_rule"
    assert problem.message == (
        "In the row that sends Plan to F2, the limit and the limit action cannot be read. "
        "Whoever edits the mapping: set it anew and publish."
    )
