"""Rules in words, and the board's rows beside what the practice default has for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.board import beside, board_of
from mapping.difference import in_words, labels_of
from mapping.forms import MappingForm, PracticeDefaultForm, initial_rows
from mapping.inheritance import inherited
from mapping.note import RuleSpec
from tests.mapping.specs import field, spec

FIELDS = [field("F1", 1), field("F2", 2)]
PLAN, GOALS = RuleSpec("plan", "F1"), RuleSpec("goals", "F2")


def rows(rules, default) -> dict:
    """The board's first row of each section, by code."""
    mapping = spec(rules, FIELDS)
    board = beside(board_of(MappingForm(initial=initial_rows(mapping)), mapping, ()), default)
    return {row.code: row for row in board.every_row}


@pytest.mark.parametrize(
    "rule, words",
    [
        (PLAN, "F1 (F1)"),
        (RuleSpec("plan", "GONE"), "GONE"),
        (RuleSpec("plan", "F1", prefix="P: ", default="None."), "F1 (F1), prefix “P: ”, default “None.”"),
        (RuleSpec("plan", "F1", "split", heading="Plan"), "F1 (F1), text under “Plan”"),
        (RuleSpec("plan", "F1", "split"), "F1 (F1), text under no chosen heading"),
        (RuleSpec("plan", "F1", limit=9), "F1 (F1), limit 9, held over it"),
        (RuleSpec("plan", "F1", limit=9, limit_action="truncate"), "F1 (F1), limit 9, cut over it"),
    ],
)
def test_a_rule_says_where_it_files_its_section_and_how(rule, words):
    assert in_words(rule, labels_of(FIELDS)) == words


def test_a_row_says_what_the_default_has_for_its_section():
    found = rows([PLAN], [RuleSpec("plan", "F2")])
    assert (found["plan"].default, found["plan"].inherited) == ("F2 (F2)", False)


def test_an_inherited_row_is_told_from_one_that_only_does_the_same():
    assert rows(inherited([PLAN]), [PLAN])["plan"].inherited
    assert not rows([PLAN], [PLAN])["plan"].inherited


def test_a_section_that_the_default_does_not_have_says_nothing_of_it():
    assert rows([PLAN, GOALS], [PLAN])["goals"].default == ""


def test_a_section_left_out_stands_beside_the_default_too():
    row = rows([], [GOALS])["goals"]
    assert (row.mapped, row.default) == (False, "F2 (F2)")


def test_a_divided_section_says_the_default_once():
    halves = [RuleSpec("plan", "F1", "split", heading="Plan"), RuleSpec("plan", "F2", "split")]
    mapping = spec(halves, FIELDS)
    board = beside(board_of(MappingForm(initial=initial_rows(mapping)), mapping, ()), halves)
    said = [row.default for row in board.mapped if row.code == "plan"]
    assert said == ["F1 (F1), text under “Plan”; F2 (F2), text under no chosen heading", ""]


@given(
    st.lists(st.sampled_from(["plan", "goals", "x", ""]), max_size=3),
    st.sampled_from(["every", "code", "", "all"]),
    st.text(max_size=220),
)
def test_a_form_is_good_exactly_where_it_names_sections_of_the_mapping_a_scope_and_a_reason(sections, scope, reason):
    form = PracticeDefaultForm(spec([PLAN], FIELDS), {"sections": sections, "scope": scope, "reason": reason})
    said = reason.strip()
    good = bool(sections) and set(sections) == {"plan"} and scope in ("every", "code")
    assert form.is_valid() == (good and 5 <= len(said) <= 200 and "\0" not in said)
    assert form.is_valid() or form.errors
