"""A mapping carries every section into its field, or says why it does not."""

import pytest

from mapping.apply import apply
from mapping.note import RuleSpec
from tests.mapping.specs import codes, field, numbered, section, spec, text_of


def test_a_copied_section_stands_verbatim_in_its_field():
    applied = apply(spec([("plan", "F2")]), [section("plan", "  Rest.\r\n|^~\\& Fluids. \n", 4)], "hold")
    (value,) = applied.values
    assert (value.field_id, value.label, value.position) == ("F2", "F2", 2)
    assert value.text == "  Rest.\r\n|^~\\& Fluids. \n"
    assert value.contributions[0].text == value.text
    assert value.contributions[0].index == 4
    assert applied.problems + applied.warnings + applied.unmapped + applied.empty == ()


def test_values_come_in_the_order_of_the_template_not_of_the_note():
    rules = [("plan", "F1"), ("assessment", "F3"), ("goals", "F2")]
    applied = apply(spec(rules), numbered(("assessment", "a"), ("goals", "g"), ("plan", "p")), "hold")
    assert [value.field_id for value in applied.values] == ["F1", "F2", "F3"]


def test_two_rules_on_one_field_join_in_rule_order_with_the_separator_of_the_later():
    rules = [
        RuleSpec("plan", "F1", position=2, separator="\n--\n"),
        RuleSpec("assessment", "F1", position=1, separator="never first"),
    ]
    applied = apply(spec(rules), numbered(("plan", "P"), ("assessment", "A")), "hold")
    assert text_of(applied, "F1") == "A\n--\nP"
    assert [item.code for item in applied.values[0].contributions] == ["assessment", "plan"]


def test_a_section_posted_twice_is_joined_in_posted_order():
    applied = apply(spec([("plan", "F1")]), numbered(("plan", "one"), ("plan", "two")), "hold")
    assert text_of(applied, "F1") == "one\n\ntwo"
    assert [item.index for item in applied.values[0].contributions] == [0, 1]


def test_a_section_may_go_to_two_fields():
    applied = apply(spec([("results", "F1"), ("results", "F3")]), numbered(("results", "Hb 12")), "hold")
    assert [value.text for value in applied.values] == ["Hb 12", "Hb 12"]


def test_a_prefix_stands_before_the_text_and_not_in_the_contribution():
    applied = apply(
        spec([RuleSpec("family_history", "F1", prefix="FH: ")]), numbered(("family_history", "none")), "hold"
    )
    assert text_of(applied, "F1") == "FH: none"
    assert applied.values[0].contributions[0].text == "none"


@pytest.mark.parametrize("posted", [[], [section("allergies", " \n\t")]])
def test_the_default_stands_in_when_the_section_is_missing_or_empty(posted):
    applied = apply(spec([RuleSpec("allergies", "F1", default="Not asked.", prefix="Allergies: ")]), posted, "hold")
    assert text_of(applied, "F1") == "Allergies: Not asked."
    assert applied.values[0].contributions == ()
    assert list(applied.empty) == posted


def test_an_empty_section_is_listed_as_empty_and_is_no_problem():
    applied = apply(spec([("plan", "F1")]), numbered(("plan", ""), ("unheard_of", "  ")), "hold")
    assert [item.index for item in applied.empty] == [0, 1]
    assert applied.values == ()
    assert applied.problems == ()


def test_a_limit_that_refuses_names_section_field_and_lengths():
    applied = apply(spec([RuleSpec("plan", "F1", limit=10)]), numbered(("plan", "x" * 11)), "hold")
    (problem,) = applied.problems
    assert (problem.code, problem.section_code, problem.field_id) == ("over_limit", "plan", "F1")
    assert problem.pointer == "/sections/0"
    assert "Plan" in problem.message
    assert "11" in problem.message
    assert "10" in problem.message
    assert "xxx" not in problem.message


def test_a_limit_that_truncates_cuts_at_a_word_marks_the_place_and_names_the_loss():
    rule = RuleSpec("plan", "F1", limit=24, limit_action="truncate")
    applied = apply(spec([rule]), numbered(("plan", "Metoprolol 150 mg every morning")), "hold")
    assert text_of(applied, "F1") == "Metoprolol 150 mg [cut]"
    assert applied.values[0].contributions[0].text == "Metoprolol 150 mg"
    assert applied.problems == ()
    (warning,) = applied.warnings
    assert (warning.code, warning.severity) == ("truncated", "warning")
    assert "31 characters" in warning.message
    assert "14 characters are not filed" in warning.message


def test_truncation_never_tears_a_number():
    rule = RuleSpec("plan", "F1", limit=19, limit_action="truncate")
    applied = apply(spec([rule]), numbered(("plan", "Metoprolol 150 mg every morning")), "hold")
    assert text_of(applied, "F1") == "Metoprolol [cut]"


@pytest.mark.parametrize(
    "posted",
    [numbered(("plan", "x" * 30)), numbered(("plan", "a long first section"), ("plan", "a second"))],
    ids=["one word", "the last section would vanish"],
)
def test_truncation_that_would_lose_a_section_or_tear_a_word_is_refused(posted):
    rule = RuleSpec("plan", "F1", limit=20, limit_action="truncate")
    applied = apply(spec([rule]), posted, "hold")
    assert codes(applied.problems) == ["over_limit"]
    assert len(applied.values[0].contributions) == len(posted)


def test_more_text_than_the_field_takes_is_refused_with_the_lengths():
    fields = [field("F1", 1, max_length=8)]
    applied = apply(
        spec([("plan", "F1"), ("goals", "F1")], fields), numbered(("plan", "12345"), ("goals", "678")), "hold"
    )
    (problem,) = applied.problems
    assert (problem.code, problem.field_id, problem.section_code) == ("over_length", "F1", "plan")
    assert "10" in problem.message
    assert "8" in problem.message
    assert "Plan, Goals" in problem.message


def test_text_for_a_structured_field_is_a_problem():
    fields = [field("F1", 1, kind="structured")]
    applied = apply(spec([("medications", "F1")], fields), numbered(("medications", "lisinopril")), "hold")
    assert codes(applied.problems) == ["structured_field"]
    assert applied.problems[0].section_code == "medications"


def test_a_required_field_without_value_is_a_problem_and_a_structured_one_is_not():
    fields = [field("F1", 1, required=True), field("F2", 2, required=True, kind="structured")]
    applied = apply(spec([("plan", "F1")], fields), [], "hold")
    assert codes(applied.problems) == ["required_field_empty"]
    assert applied.problems[0].field_id == "F1"


def test_a_rule_to_a_field_the_template_lacks_holds_the_section_whole():
    rules = [RuleSpec("plan", "F1"), RuleSpec("plan", "GONE", id=7)]
    applied = apply(spec(rules), numbered(("plan", "Rest.")), "hold")
    assert codes(applied.problems) == ["unknown_field"]
    assert applied.problems[0].pointer == "/rules/7"
    assert applied.values == ()
    assert [item.code for item in applied.unmapped] == ["plan"]


def test_a_broken_rule_does_not_hold_a_note_without_that_section():
    applied = apply(spec([("plan", "GONE"), ("goals", "F1")]), numbered(("goals", "walk")), "hold")
    assert applied.problems == ()


def test_hold_keeps_an_unmapped_section_as_a_problem_that_names_its_place():
    posted = [section("", "Rash since Monday.", 3, "Mrs Lee's skin")]
    applied = apply(spec([]), posted, "hold")
    (problem,) = applied.problems
    assert (problem.code, problem.pointer) == ("unmapped_section", "/sections/3")
    assert problem.section_title == "Mrs Lee's skin"
    assert "Lee" not in problem.message
    assert list(applied.unmapped) == posted


def test_catch_all_files_unmapped_sections_under_their_titles_after_the_mapped_ones():
    posted = [
        section("", "Rash.", 0, "SKIN"),
        section("goals", "Walk.", 1, " "),
        section("plan", "Rest.", 2),
        section("", "Odd.", 3, " "),
    ]
    applied = apply(spec([("plan", "F3")], catch_all="F3"), posted, "catch-all")
    assert text_of(applied, "F3") == "Rest.\n\nSKIN\nRash.\n\nGoals\nWalk.\n\nUntitled section\nOdd."
    assert [item.index for item in applied.values[0].contributions] == [2, 0, 1, 3]
    assert applied.unmapped == ()
    assert codes(applied.warnings) == ["caught_section"] * 3


@pytest.mark.parametrize("catch_all", ["", "GONE"])
def test_catch_all_without_a_field_holds_the_section(catch_all):
    applied = apply(spec([], catch_all=catch_all), numbered(("plan", "Rest.")), "catch-all")
    assert codes(applied.problems) == ["no_catch_all"]
    assert len(applied.unmapped) == 1


def test_a_catch_all_field_that_overflows_is_refused():
    fields = [field("F1", 1, max_length=10)]
    applied = apply(spec([], fields, "F1"), numbered(("plan", "Rest and fluids.")), "catch-all")
    assert codes(applied.problems) == ["over_length"]
