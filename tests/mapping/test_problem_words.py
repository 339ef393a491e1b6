"""Every problem a mapping or a note can have, in words: what is wrong, where, and who puts it right; no note's text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.apply import CATCH_ALL, HOLD, apply
from mapping.note import FieldSpec, Problem, RuleSpec, Section
from mapping.sections import CODES, SECTIONS
from mapping.validation import errors, validate, warnings
from tests.mapping.specs import codes, field, spec

CANARY = "Quackenbush"
ORDINARY = ("plan", "F1")


def note(*texts: str, code: str = "plan", title: str = "PLAN") -> list[Section]:
    return [Section(index, code, title, f"{CANARY} {text}") for index, text in enumerate(texts)]


def problem_of(applied_or_found, code: str) -> Problem:
    found = [problem for problem in applied_or_found if problem.code == code]
    assert len(found) == 1, codes(applied_or_found)
    return found[0]


# --- a note -----------------------------------------------------------------------------------------------------------

NOTES = {
    "unmapped_section": (spec([]), note("x"), HOLD, "Plan has no field in the mapping"),
    "no_catch_all": (spec([]), note("x"), CATCH_ALL, "it names no catch-all field"),
    "unknown_field": (spec([("plan", "GONE")]), note("x"), HOLD, "the field GONE, which its template does not have"),
    "over_limit": (spec([RuleSpec("plan", "F1", limit=5)]), note("xxxxxx"), HOLD, "its rule into F1 allows 5"),
    "over_length": (spec([ORDINARY], [field("F1", 1, max_length=5)]), note("xxxxxx"), HOLD, "takes 5 characters"),
    "required_field_empty": (
        spec([ORDINARY], [field("F1", 1), field("F2", 2, required=True)]),
        note("x"),
        HOLD,
        "The template requires F2 (F2), and nothing in the note fills it.",
    ),
    "structured_field": (spec([ORDINARY], [field("F1", 1, kind="structured")]), note("x"), HOLD, "takes coded entries"),
    "split_rest": (
        spec([RuleSpec("plan", "F1", kind="split", heading="Goals")]),
        note("x"),
        HOLD,
        "is divided by the headings “Goals”, but has text under none of them",
    ),
    "split_heading_repeated": (
        spec([RuleSpec("plan", "F1", kind="split", heading="Goals")]),
        [Section(0, "plan", "PLAN", f"Goals: {CANARY}\nGoals: more")],
        HOLD,
        "would tear its entries apart",
    ),
}


@pytest.mark.parametrize("code", NOTES)
def test_a_note_that_cannot_go_says_why_in_words(code):
    mapping, sections, policy, words = NOTES[code]
    problem = problem_of(apply(mapping, sections, policy).problems, code)
    assert words in problem.message
    assert problem.message.endswith(".")
    assert CANARY not in problem.message
    assert problem.severity == "error"


@pytest.mark.parametrize("code", NOTES)
def test_every_problem_of_a_note_points_at_a_place(code):
    mapping, sections, policy, _ = NOTES[code]
    problem = problem_of(apply(mapping, sections, policy).problems, code)
    assert re.fullmatch(r"/(sections/\d+|fields/\S+|rules/\S+)", problem.pointer)


@pytest.mark.parametrize("code", NOTES)
def test_a_note_with_a_problem_keeps_every_word_somewhere(code):
    mapping, sections, policy, _ = NOTES[code]
    applied = apply(mapping, sections, policy)
    kept = "".join(value.text for value in applied.values) + "".join(section.text for section in applied.unmapped)
    assert all(CANARY in kept for _ in sections)


@pytest.mark.parametrize("code", ["unmapped_section", "no_catch_all", "unknown_field", "structured_field"])
def test_what_only_the_mapping_can_put_right_names_whose_job_it_is(code):
    mapping, sections, policy, _ = NOTES[code]
    assert "Whoever edits the mapping:" in problem_of(apply(mapping, sections, policy).problems, code).message


def test_a_section_without_a_code_is_named_by_what_it_lacks():
    applied = apply(spec([]), [Section(0, "", "Zeta", "x")], HOLD)
    assert problem_of(applied.problems, "unmapped_section").message.startswith("This section's title is not a known")


def test_what_is_caught_is_a_warning_that_names_the_field():
    applied = apply(spec([], catch_all="F2"), note("x"), CATCH_ALL)
    warning = problem_of(applied.warnings, "caught_section")
    assert (warning.severity, warning.field_id) == ("warning", "F2")
    assert applied.problems == ()


@pytest.mark.parametrize(
    "section, heading",
    [
        (Section(0, "goals", "MY GOALS", "walk"), "MY GOALS\nwalk"),
        (Section(0, "goals", "  ", "walk"), "Goals\nwalk"),
        (Section(0, "own_code", "", "walk"), "Own code\nwalk"),
        (Section(0, "", "", "walk"), "Untitled section\nwalk"),
    ],
    ids=["title", "name", "own code", "nothing"],
)
def test_a_caught_section_stands_under_the_best_heading_there_is(section, heading):
    (value,) = apply(spec([], catch_all="F2"), [section], CATCH_ALL).values
    assert value.text == heading


def test_a_field_that_overflows_names_each_section_in_it_once():
    mapping = spec([("plan", "F1"), ("goals", "F1")], [field("F1", 1, max_length=9)])
    sections = [Section(0, "plan", "", "x" * 8), Section(1, "goals", "", "y" * 8), Section(2, "plan", "", "z")]
    message = problem_of(apply(mapping, sections, HOLD).problems, "over_length").message
    assert "Plan, Goals would fill it with" in message


def test_a_default_that_overflows_is_blamed_on_itself():
    mapping = spec([RuleSpec("plan", "F1", default="None reported at all.")], [field("F1", 1, max_length=5)])
    assert "its default text would fill it" in problem_of(apply(mapping, [], HOLD).problems, "over_length").message


# --- a mapping ----------------------------------------------------------------------------------------------------------

S1 = field("S1", 4, kind="structured")
FIELDS = [field("F1", 1, max_length=100), field("F2", 2), field("F3", 3)]
MAPPINGS = {
    "bad_section_code": (spec([("Plan!", "F1")]), {}, "'Plan!' is not a section code."),
    "duplicate_rule": (spec([ORDINARY, ORDINARY]), {}, "its text would stand there twice"),
    "unknown_field": (spec([("plan", "GONE")]), {}, "GONE, which this template version lacks"),
    "structured_field": (spec([("plan", "S1")], [*FIELDS, S1]), {}, "Choose a free-text field."),
    "structured_field_shared": (
        spec([("plan", "S1"), ("goals", "S1")], [*FIELDS, S1]),
        {},
        "holds a single coded value, not Goals, Plan",
    ),
    "limit_over_field": (spec([RuleSpec("plan", "F1", limit=101)], FIELDS), {}, "is 101, but F1 takes 100"),
    "limit_too_small": (spec([RuleSpec("plan", "F1", limit=0)], FIELDS), {}, "must be at least 1"),
    "default_too_long": (spec([RuleSpec("plan", "F1", default="x" * 101)], FIELDS), {}, "101 characters; F1 takes 100"),
    "required_field_unmapped": (
        spec([ORDINARY], [*FIELDS, field("F9", 9, required=True)]),
        {},
        "every note would be held",
    ),
    "no_catch_all": (spec([ORDINARY]), {"policy": CATCH_ALL}, "the mapping names none"),
    "catch_all_unknown_field": (spec([ORDINARY], catch_all="GONE"), {}, "GONE is not in this template version"),
    "catch_all_structured": (spec([ORDINARY], [*FIELDS, S1], "S1"), {}, "takes coded entries"),
}
CAUTIONS = {
    "required_structured_field": (
        spec([ORDINARY], [*FIELDS, field("S9", 9, kind="structured", required=True)]),
        {},
        "no section fills it; coded entries must",
    ),
    "section_in_two_fields": (spec([ORDINARY, ("plan", "F2")]), {}, "its text will stand in the chart 2 times"),
    "same_place": (spec([ORDINARY, ("goals", "F1")]), {}, "Plan and Goals have the same place 1 in F1 (F1)"),
    "template_newer": (spec([ORDINARY]), {"newest_template_version_id": 99}, "imported again since"),
}


@pytest.mark.parametrize("code", MAPPINGS)
def test_what_would_misfile_or_hold_every_note_stops_publishing(code):
    mapping, outside, words = MAPPINGS[code]
    problem = problem_of(errors(validate(mapping, **outside)), code)
    assert words in problem.message
    assert problem.message.endswith(".")


@pytest.mark.parametrize("code", CAUTIONS)
def test_what_is_to_be_weighed_needs_a_reason_and_stops_nothing(code):
    mapping, outside, words = CAUTIONS[code]
    found = validate(mapping, **outside)
    assert words in problem_of(warnings(found), code).message
    assert errors(found) == ()


@pytest.mark.parametrize("policy, fate", [(HOLD, "is held for a person"), (CATCH_ALL, "goes to the catch-all field")])
def test_each_section_without_a_field_says_what_becomes_of_it(policy, fate):
    found = [
        problem for problem in validate(spec([ORDINARY]), policy=policy) if problem.code == "section_without_field"
    ]
    assert len(found) == len(CODES) - 1
    assert all(fate in problem.message for problem in found)
    assert {problem.section_code for problem in found} == set(CODES) - {"plan"}


def test_a_whole_mapping_has_neither_errors_nor_cautions():
    rules = [RuleSpec(code, "F1", prefix=f"{code}: ", position=place) for place, code in enumerate(CODES, start=1)]
    assert validate(spec(rules)) == ()


@pytest.mark.parametrize("limit, action, good", [(1, "refuse", True), (6, "truncate", False), (7, "truncate", True)])
def test_a_limit_that_cuts_leaves_room_for_the_mark(limit, action, good):
    found = codes(validate(spec([RuleSpec("plan", "F2", limit=limit, limit_action=action)])))
    assert ("limit_too_small" not in found) == good


fields = st.lists(
    st.builds(
        FieldSpec,
        field_id=st.sampled_from(["F1", "F2", "F3", "F4"]),
        label=st.sampled_from(["Plan", "Goals"]),
        position=st.integers(1, 9),
        kind=st.sampled_from(["free_text", "structured"]),
        max_length=st.none() | st.integers(1, 50),
        required=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda one: one.field_id,
)
rules = st.lists(
    st.builds(
        RuleSpec,
        section_code=st.sampled_from(["plan", "goals", "assessment", "Bad Code"]),
        field_id=st.sampled_from(["F1", "F2", "GONE"]),
        kind=st.sampled_from(["copy", "split"]),
        prefix=st.sampled_from(["", "P: "]),
        default=st.sampled_from(["", "None.", "x" * 60]),
        limit=st.none() | st.integers(-1, 60),
        limit_action=st.sampled_from(["refuse", "truncate"]),
        heading=st.sampled_from(["", "Plan", "Goals"]),
        position=st.integers(1, 5),
    ),
    max_size=5,
)
policies = st.sampled_from([HOLD, CATCH_ALL])
catch_alls = st.sampled_from(["", "F1", "F4", "GONE"])


@given(rules, fields, catch_alls, policies)
def test_any_mapping_is_judged_in_sentences_errors_first(own, has, catch_all, policy):
    found = validate(spec(own, has, catch_all), policy=policy)
    severities = [problem.severity for problem in found]
    assert severities == sorted(severities, key=lambda severity: severity != "error")
    assert all(problem.message.endswith(".") and problem.pointer.startswith("/") for problem in found)


@given(rules, fields, catch_alls, policies, st.lists(st.sampled_from(["plan", "goals", "assessment"]), max_size=4))
def test_a_mapping_without_errors_never_holds_a_note_for_a_fault_of_its_own(own, has, catch_all, policy, posted):
    """What publishing let through may hold a note for the note's sake, never for a field that is not there."""
    mapping = spec(own, has, catch_all)
    if errors(validate(mapping, policy=policy)):
        return
    sections = [Section(index, code, "", "short") for index, code in enumerate(posted)]
    found = set(codes(apply(mapping, sections, policy).problems))
    assert not found & {"unknown_field", "structured_field", "no_catch_all"}


@given(rules, fields, catch_alls, policies)
def test_the_names_in_messages_are_those_of_the_screen(own, has, catch_all, policy):
    for problem in validate(spec(own, has, catch_all), policy=policy):
        if problem.code == "section_without_field":
            assert problem.message.startswith(SECTIONS[problem.section_code].name)
