"""One rule on one section: headings found or not, cuts at words, limits and defaults, by table and by wild input."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.note import RuleSpec, Section
from mapping.rules import CUT_MARK, Division, Part, carry, divide, heading_key
from tests.mapping.specs import codes, section

words = st.text(st.sampled_from("abcdefgh12"), min_size=1, max_size=9)
prose = st.lists(words, min_size=1, max_size=30).map(" ".join)
lines = st.lists(st.sampled_from(["Plan:", "Assessment:", "start 5 mg", "", "- walk daily", "PLAN", "plan - rest"]))


def rule(**changes) -> RuleSpec:
    return RuleSpec("plan", "F1", **changes)


def carried(text: str, **changes) -> Part:
    part = carry(rule(**changes), [(section("plan", text), text)])
    assert part is not None
    return part


# --- headings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "heading, same",
    [
        ("Plan", "PLAN:"),
        ("Plan", "Treatment Plan"),
        ("Plan", " plan of care "),
        ("HPI", "History of Present Illness"),
        ("A/P", "Assessment and Plan"),
        ("Past Medical Hx", "PMH"),
        ("2. Plan", "Plan"),
        ("Home exercises", "home  EXERCISES."),
    ],
)
def test_two_headings_are_the_same_by_what_they_mean(heading, same):
    assert heading_key(heading) == heading_key(same)


@pytest.mark.parametrize("one, other", [("Plan", "Assessment"), ("Home exercises", "Home diet"), ("Hx", "PMH")])
def test_two_headings_that_may_mean_different_things_differ(one, other):
    assert heading_key(one) != heading_key(other)


@pytest.mark.parametrize(
    "line, body",
    [
        ("Plan: rest", "rest"),
        ("Plan:rest", "rest"),
        ("PLAN\nrest", "rest"),
        ("plan - rest", "rest"),
        ("Plan – rest", "rest"),
        ("Plan — rest", "rest"),
        ("Treatment plan: rest", "rest"),
        ("1. Plan: rest", "rest"),
        ("Plan -\nrest", "rest"),
        ("Plan:\r\nrest", "rest"),
        ("Plan:\rrest", "rest"),
    ],
)
def test_a_heading_is_found_however_it_is_written(line, body):
    assert divide(line, ["Plan"]) == Division({"plan": body}, "")


@pytest.mark.parametrize(
    "text",
    [
        "The plan: rest",
        "Plans are made with the family",
        "Planned: surgery",
        "We plan - as said - to wait",
        "Plan B: rest",
        "plan-rest",
        "no heading at all",
        "",
    ],
)
def test_a_word_in_a_sentence_is_no_heading(text):
    assert divide(text, ["Plan"]) == Division({}, text.strip())


def test_a_line_too_long_for_a_heading_is_none():
    text = "Plan " + "x" * 200 + ": rest"
    assert divide(text, ["Plan"]).pieces == {}
    long_name = "Home " + "y" * 98
    assert divide(f"{long_name}: rest", [long_name]).pieces == {}


def test_a_piece_runs_to_the_next_chosen_heading_and_keeps_the_others():
    text = "Assessment: fine\nLabs: none\nPlan: rest\nFollow-up: May"
    division = divide(text, ["Assessment", "Plan"])
    assert division.pieces == {"assessment": "fine\nLabs: none", "plan": "rest\nFollow-up: May"}
    assert division.rest == ""


def test_what_stands_before_the_first_heading_is_the_rest():
    assert divide("Well.\n\nPlan: rest", ["Plan"]) == Division({"plan": "rest"}, "Well.")


def test_a_heading_that_stands_twice_is_named_and_its_last_text_kept_for_the_problem():
    division = divide("Plan: one\nPlan: two", ["Plan"])
    assert division.repeated == ("plan",)


def test_a_synonym_of_a_chosen_heading_counts_as_a_repetition():
    assert divide("Plan: one\nTreatment plan: two", ["Plan"]).repeated == ("plan",)


def test_no_headings_leave_the_whole_text():
    assert divide("Plan: rest", []) == Division({}, "Plan: rest")
    assert divide("Plan: rest", ["", ""]) == Division({}, "Plan: rest")


def test_an_empty_piece_is_there_and_empty():
    assert divide("Plan:\nAssessment: fine", ["Plan", "Assessment"]).pieces == {"plan": "", "assessment": "fine"}


@given(lines, st.sampled_from(["\n", "\r\n", "\r"]))
def test_dividing_keeps_every_word_that_is_no_heading(rows, ending):
    text = ending.join(rows)
    division = divide(text, ["Plan", "Assessment"])
    if division.repeated:
        return
    kept = " ".join([division.rest, *division.pieces.values()]).split()
    for word in ("mg", "walk", "daily"):
        assert kept.count(word) == text.split().count(word)


@given(st.text(max_size=300), st.lists(st.text(max_size=20), max_size=4))
def test_any_text_is_divided_by_any_headings(text, headings):
    division = divide(text, headings)
    assert sum(map(len, division.pieces.values())) + len(division.rest) <= len(text)
    assert set(division.repeated) <= set(division.pieces)


# --- copies, prefixes, defaults ------------------------------------------------------------------------------------


def test_nothing_posted_and_no_default_is_nothing():
    assert carry(rule(), []) is None


def test_nothing_posted_files_the_default_behind_its_prefix_and_blames_no_section():
    part = carry(rule(default="None reported.", prefix="ROS: "), [])
    assert part == Part("ROS: None reported.")


def test_a_default_does_not_stand_beside_text():
    assert carried("rest", default="Nothing planned").text == "rest"


@given(prose, st.text(max_size=10))
def test_a_copy_is_the_text_itself_behind_the_prefix(text, prefix):
    part = carried(text, prefix=prefix)
    assert part.text == prefix + text
    assert [item.text for item in part.contributions] == [text]


@given(st.lists(prose, min_size=1, max_size=5), st.sampled_from(["\n\n", "\n", " ", "; ", ""]))
def test_several_sections_join_in_posted_order_with_the_rules_separator(texts, separator):
    posted = [(section("plan", text, index), text) for index, text in enumerate(texts)]
    part = carry(rule(separator=separator), posted)
    assert part.text == separator.join(texts)
    assert [item.index for item in part.contributions] == list(range(len(texts)))


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over, refused", [(0, False), (1, True)])
def test_the_limit_itself_is_allowed(over, refused):
    part = carried("x" * (10 + over), limit=10)
    assert codes(part.problems) == (["over_limit"] if refused else [])
    assert part.text == "x" * (10 + over), "what is refused is not cut either"


def test_the_separators_between_sections_count_against_the_limit():
    posted = [(section("plan", "12345", index), "12345") for index in range(2)]
    assert codes(carry(rule(limit=10), posted).problems) == ["over_limit"]
    assert carry(rule(limit=12), posted).problems == ()


def test_the_prefix_does_not_count_against_the_limit():
    """It is the practice's own, the same in every note; the field's length counts it (validation.py)."""
    assert carried("12345", prefix="Plan of today: ", limit=5).problems == ()


@given(prose, st.integers(1, 60))
def test_a_cut_text_is_a_beginning_of_the_text_at_a_words_end_marked_and_within_the_limit(text, limit):
    part = carried(text, limit=limit, limit_action="truncate")
    if len(text) <= limit:
        assert (part.text, part.problems, part.warnings) == (text, (), ())
    elif part.problems:
        assert codes(part.problems) == ["over_limit"]
        assert part.text == text
    else:
        assert part.text.endswith(CUT_MARK)
        assert len(part.text) <= limit
        kept = part.text.removesuffix(CUT_MARK)
        assert text.startswith(kept)
        assert text[len(kept)] == " ", "cut between words"
        assert codes(part.warnings) == ["truncated"]


@given(prose, st.integers(1, 60))
def test_the_warning_of_a_cut_counts_what_is_not_filed(text, limit):
    part = carried(text, limit=limit, limit_action="truncate")
    for warning in part.warnings:
        length, filed, _, lost = map(int, re.findall(r"\d+", warning.message)[:4])
        assert (length, filed) == (len(text), len(part.text) - len(CUT_MARK))
        assert lost == length - filed


@pytest.mark.parametrize("text", ["Amoxicillin", "x" * 50])
def test_a_single_word_is_never_torn(text):
    part = carried(text, limit=10, limit_action="truncate")
    assert codes(part.problems) == ["over_limit"]
    assert "tear a word" in part.problems[0].message


def test_a_dose_is_never_cut_into_another_dose():
    """Every limit that falls inside "150mg": never "1", "15" or "150"."""
    text = "Metoprolol 150mg twice daily"
    cuts = {
        carried(text, limit=len("Metoprolol ") + more + len(CUT_MARK), limit_action="truncate").text
        for more in range(5)
    }
    assert cuts == {"Metoprolol" + CUT_MARK}


def test_a_whole_section_is_never_lost_to_a_cut():
    posted = [(section("plan", "first of all", 0), "first of all"), (section("plan", "second part", 1), "second part")]
    part = carry(rule(limit=16, limit_action="truncate"), posted)
    assert codes(part.problems) == ["over_limit"]
    assert "lose a whole section" in part.problems[0].message


def test_a_refused_limit_says_what_to_do():
    (problem,) = carried("x" * 20, limit=10).problems
    assert "Shorten the section, or change the limit" in problem.message
    assert problem.pointer == "/sections/0"
    assert problem.field_id == "F1"


@given(st.text(max_size=80), st.integers(1, 40), st.sampled_from(["refuse", "truncate"]))
def test_no_message_repeats_the_notes_text(text, limit, action):
    marked = f"Quackenbush {text}"
    part = carry(rule(limit=limit, limit_action=action), [(Section(0, "plan", "PLAN", marked), marked)])
    assert not any("Quackenbush" in item.message for item in (*part.problems, *part.warnings))
