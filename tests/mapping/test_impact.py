"""What a newer version of a template does to the mapping in force: which rows break, which fields want a section."""

from dataclasses import replace

from mapping.impact import CATCH_ALL_ROW, impact
from mapping.note import RuleSpec
from tests.mapping.specs import field, spec

OLD = [field("F1", 1, max_length=100), field("F2", 2), field("F3", 3)]
BY = spec([("plan", "F1"), RuleSpec("assessment_and_plan", "F2", "split", heading="Plan")], OLD, "F3")


def rows(new):
    return [(row.name, row.field_id, row.severity) for row in impact(BY, new).rows]


def test_a_row_whose_field_is_gone_is_broken_and_says_how():
    found = impact(BY, [OLD[0], OLD[2]])
    assert [(row.name, row.field_id) for row in found.broken] == [("Assessment and plan (“Plan”)", "F2")]
    assert found.broken[0].message == "F2 is no longer in the template."
    assert found.shorter == []


def test_a_row_whose_field_is_shorter_goes_on_with_shorter_texts():
    found = impact(BY, [replace(OLD[0], max_length=50), *OLD[1:]])
    assert found.broken == []
    assert [(row.name, row.message) for row in found.shorter] == [
        ("Plan", "The field takes 50 characters now: longer text is held.")
    ]


def test_the_catch_all_field_is_a_row_too():
    assert rows([*OLD[:2], replace(OLD[2], kind="structured")]) == [(CATCH_ALL_ROW, "F3", "broken")]


def test_two_sections_in_a_broken_field_are_both_named():
    both = replace(BY, rules=(*BY.rules, RuleSpec("goals", "F1", position=2)))
    assert [row.name for row in impact(both, OLD[1:]).broken] == ["Plan", "Goals"]


def test_fields_that_nobody_maps_break_no_row():
    assert rows([*OLD, field("F4", 4)]) == []
    assert impact(replace(BY, catch_all_field_id=""), OLD[:2]).rows == ()


def test_a_field_required_since_that_no_row_fills_is_named_and_one_that_is_filled_is_not():
    new = [replace(OLD[0], required=True), OLD[1], replace(OLD[2], required=True), field("F4", 4, required=True)]
    assert [item.field_id for item in impact(BY, new).unfilled] == ["F3", "F4"]
    assert impact(BY, new).rows == ()


def test_a_field_of_coded_entries_or_one_that_was_required_before_wants_no_section_now():
    before = replace(BY, fields=(*OLD[:2], replace(OLD[2], required=True)))
    new = [*before.fields, field("S1", 4, kind="structured", required=True)]
    assert impact(before, new).unfilled == ()


def test_the_spec_it_carries_holds_what_the_newer_version_breaks():
    assert [item.field_id for item in impact(BY, OLD[:1]).spec.drifted] == ["F2", "F3"]
