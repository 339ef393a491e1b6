"""What one mapping does otherwise than another is said in sentences a person can judge."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.difference import differences
from mapping.note import RuleSpec
from tests.mapping.specs import field, spec

FIELDS = [field("F1", 1), field("F2", 2), field("F3", 3)]


def said(old, new, **catch_all) -> list[str]:
    before, after = spec(old, FIELDS), spec(new, FIELDS, catch_all.get("catch_all", ""))
    return [item.message for item in differences(before, after)]


def test_the_same_rules_differ_in_nothing_whatever_their_row_ids():
    rules = [RuleSpec("plan", "F1", id=1), RuleSpec("goals", "F2", id=2)]
    assert said(rules, [replace(rule, id=rule.id + 10) for rule in rules]) == []


def test_a_section_in_another_field_names_both_fields():
    assert said([("plan", "F1")], [("plan", "F2")]) == ["Plan goes to F2 (F2), to F1 (F1) before."]


def test_added_and_removed_sections_are_named_with_their_fields():
    assert said([("plan", "F1")], [("goals", "F2")]) == [
        "Plan no longer goes to F1 (F1).",
        "Goals goes to F2 (F2).",
    ]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"prefix": "P: "}, "Plan, prefix: “P: ”, none before."),
        ({"limit": 200}, "Plan, limit: 200, none before."),
        ({"limit_action": "truncate"}, "Plan, over the limit: cut, hold the note before."),
        ({"separator": "\n"}, "Plan, joined after: “\n”, a blank line before."),
        ({"default": "None."}, "Plan, default: “None.”, none before."),
    ],
)
def test_a_changed_setting_is_said_with_its_old_and_new_value(change, words):
    assert said([("plan", "F1")], [RuleSpec("plan", "F1", **change)]) == [words]


def test_a_second_field_of_a_section_is_an_addition_and_not_a_move():
    assert said([("plan", "F1")], [("plan", "F1"), ("plan", "F2")]) == ["Plan goes to F2 (F2)."]


def test_divided_rules_are_matched_by_their_headings():
    halves = [RuleSpec("plan", "F1", "split", heading="Plan"), RuleSpec("plan", "F2", "split", heading="Orders")]
    moved = [halves[0], replace(halves[1], field_id="F3")]
    assert said(halves, moved[::-1]) == ["Plan goes to F3 (F3), to F2 (F2) before."]


def test_another_order_of_joined_sections_is_said_field_by_field():
    old = [RuleSpec("assessment", "F1", position=1), RuleSpec("plan", "F1", position=2)]
    new = [RuleSpec("assessment", "F1", position=2), RuleSpec("plan", "F1", position=1)]
    assert said(old, new) == ["In F1 (F1) the order is now Plan, then Assessment."]


def test_the_catch_all_field_and_the_template_version_count_too():
    old, new = spec([], FIELDS), replace(spec([], FIELDS, "F3"), template_version_id=9)
    assert [item.kind for item in differences(old, new)] == ["catch-all", "template"]
    assert differences(old, new)[0].message == "The catch-all field is F3 (F3), none before."


def test_a_field_that_is_gone_is_named_by_its_identifier():
    old = spec([("plan", "OLD")], [field("OLD", 1)])
    assert "to Old (OLD) before" in differences(old, spec([("plan", "F1")], FIELDS))[0].message


RULES = st.lists(
    st.builds(
        RuleSpec,
        st.sampled_from(["plan", "goals", "assessment"]),
        st.sampled_from(["F1", "F2", "F3"]),
        st.sampled_from(["copy", "split"]),
        prefix=st.sampled_from(["", "P: "]),
        heading=st.sampled_from(["", "Plan"]),
    ),
    max_size=5,
    unique_by=lambda rule: (rule.section_code, rule.field_id, rule.heading),
)


@given(RULES, RULES)
def test_silence_means_that_every_section_goes_to_the_same_fields(old, new):
    if not differences(spec(old, FIELDS), spec(new, FIELDS)):
        assert sorted((rule.section_code, rule.field_id) for rule in old) == sorted(
            (rule.section_code, rule.field_id) for rule in new
        )


def test_a_row_that_could_not_be_read_is_told_to_be_looked_at():
    damaged, whole = spec([RuleSpec("plan", "F1", damaged=("limit_action",))]), spec([("plan", "F1")])
    (said,) = differences(damaged, whole)
    assert said.message == "Plan: what its row says of limit action could not be read; look at it anew."
    assert differences(damaged, damaged) == ()
