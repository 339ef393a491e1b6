"""Routing: every section lands in exactly one place, and the one that cannot be divided waits whole."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.note import RuleSpec, Section
from mapping.routing import Routing, route, rule_pointer
from tests.mapping.specs import codes, numbered, section

FIELDS = ("F1", "F2", "F3")
SPLITS = [RuleSpec("plan", "F1", kind="split", heading="Plan"), RuleSpec("plan", "F2", kind="split", heading="Goals")]


def routed(sections, rules, fields=FIELDS) -> Routing:
    by_code: dict[str, list[RuleSpec]] = {}
    for rule in rules:
        by_code.setdefault(rule.section_code, []).append(rule)
    return route(sections, by_code, fields)


def places(routing: Routing) -> Counter:
    mapped = [one for listed in routing.mapped.values() for one in listed]
    return Counter(one.index for one in (*mapped, *routing.unclaimed, *routing.stuck, *routing.empty))


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u00a0\u202f\u3000"])
def test_a_section_without_a_visible_character_is_empty(text):
    routing = routed([section("plan", text)], [RuleSpec("plan", "F1")])
    assert routing.empty == [section("plan", text)]
    assert routing.problems == []


def test_an_invisible_character_is_text_all_the_same():
    """U+200B is no white space: who sees an empty field must find out why."""
    routing = routed([section("plan", "​")], [RuleSpec("plan", "F1")])
    assert routing.empty == []
    assert routing.mapped["plan"]


def test_an_empty_section_is_empty_before_it_is_unclaimed():
    assert routed([section("goals", " ")], []).unclaimed == []


def test_a_section_without_a_rule_is_unclaimed():
    routing = routed([section("goals", "walk")], [RuleSpec("plan", "F1")])
    assert [one.code for one in routing.unclaimed] == ["goals"]
    assert routing.problems == [], "whether that is a problem, the location's policy says"


def test_an_untitled_section_is_unclaimed_though_some_rule_has_no_code():
    assert routed([Section(0, "", "Zeta", "text")], [RuleSpec("plan", "F1")]).unclaimed


def test_one_broken_rule_keeps_the_section_whole_though_another_rule_is_sound():
    routing = routed([section("plan", "rest")], [RuleSpec("plan", "F1"), RuleSpec("plan", "GONE", position=2)])
    assert [one.code for one in routing.stuck] == ["plan"]
    (problem,) = routing.problems
    assert (problem.code, problem.field_id) == ("unknown_field", "GONE")
    assert routing.mapped == {}


def test_the_problem_of_a_broken_rule_points_at_the_rule():
    assert rule_pointer(RuleSpec("plan", "F1", id=7)) == "/rules/7"
    assert rule_pointer(RuleSpec("plan", "F1")) == "/rules/plan"


def test_a_divided_section_gives_each_rule_its_piece():
    sections = [section("plan", "Plan: rest\nGoals: walk")]
    routing = routed(sections, SPLITS)
    assert [text for _section, text in routing.texts(SPLITS[0])] == ["rest"]
    assert [text for _section, text in routing.texts(SPLITS[1])] == ["walk"]


def test_a_missing_heading_gives_its_rule_nothing():
    routing = routed([section("plan", "Plan: rest")], SPLITS)
    assert routing.texts(SPLITS[1]) == []


@pytest.mark.parametrize(
    "text, code",
    [
        ("Plan: a\nPlan: b", "split_heading_repeated"),
        ("First of all.\nPlan: a", "split_rest"),
        ("nothing", "split_rest"),
    ],
)
def test_what_cannot_be_divided_waits_whole_with_the_reason(text, code):
    routing = routed([section("plan", text)], SPLITS)
    assert [one.text for one in routing.stuck] == [text]
    assert codes(routing.problems) == [code]
    assert routing.problems[0].pointer == "/sections/0"


def test_the_rest_has_a_rule_of_its_own():
    rules = [*SPLITS, RuleSpec("plan", "F3", kind="split", heading="")]
    routing = routed([section("plan", "First of all.\nPlan: a")], rules)
    assert routing.stuck == []
    assert [text for _section, text in routing.texts(rules[2])] == ["First of all."]


def test_a_copy_beside_the_splits_takes_the_whole_text():
    rules = [*SPLITS, RuleSpec("plan", "F3")]
    routing = routed([section("plan", "First of all.\nPlan: a")], rules)
    assert [text for _section, text in routing.texts(rules[2])] == ["First of all.\nPlan: a"]


def test_a_section_of_headings_alone_is_empty():
    routing = routed([section("plan", "Plan:\nGoals:")], SPLITS)
    assert [one.code for one in routing.empty] == ["plan"]


def test_two_sections_of_one_code_are_divided_each_by_itself():
    routing = routed(numbered(("plan", "Plan: one"), ("plan", "Goals: two")), SPLITS)
    assert [text for _section, text in routing.texts(SPLITS[0])] == ["one"]
    assert [text for _section, text in routing.texts(SPLITS[1])] == ["two"]


def test_one_stuck_section_does_not_hold_the_other_of_its_code():
    routing = routed(numbered(("plan", "Plan: one\nPlan: two"), ("plan", "Plan: three")), SPLITS)
    assert [one.index for one in routing.stuck] == [0]
    assert [text for _section, text in routing.texts(SPLITS[0])] == ["three"]


kinds = st.sampled_from(["copy", "split"])
rules = st.lists(
    st.builds(
        RuleSpec,
        section_code=st.sampled_from(["plan", "goals", "assessment"]),
        field_id=st.sampled_from([*FIELDS, "GONE"]),
        kind=kinds,
        heading=st.sampled_from(["", "Plan", "Goals"]),
        position=st.integers(1, 5),
    ),
    max_size=6,
)
posted = st.lists(
    st.tuples(
        st.sampled_from(["plan", "goals", "assessment", "results", ""]),
        st.sampled_from(["", "rest", "Plan: a", "Plan: a\nGoals: b", "Plan: a\nPlan: b", "x\nGoals: b", "Plan:\n"]),
    ),
    max_size=6,
)


@given(posted, rules)
def test_every_section_lands_in_exactly_one_place(pairs, own):
    sections = numbered(*pairs)
    assert places(routed(sections, own)) == Counter({one.index: 1 for one in sections})


@given(posted, rules)
def test_every_stuck_section_has_a_problem_that_names_it(pairs, own):
    routing = routed(numbered(*pairs), own)
    assert len(routing.problems) == len(routing.stuck)
    for one, problem in zip(routing.stuck, routing.problems, strict=True):
        assert problem.section_code == one.code


@given(posted, rules)
def test_a_rule_takes_only_texts_of_its_own_section(pairs, own):
    routing = routed(numbered(*pairs), own)
    for rule in own:
        if rule.field_id != "GONE":
            assert all(taken.code == rule.section_code and text in taken.text for taken, text in routing.texts(rule))
