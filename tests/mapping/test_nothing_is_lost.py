"""Whatever is posted and however it is mapped: every section is accounted for once, every text verbatim."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.apply import apply
from mapping.note import FieldSpec, MappingSpec, RuleSpec, Section
from mapping.rules import divide

CODES = ["plan", "assessment", "assessment_and_plan", "goals", "own_code"]
FIELDS = ["F1", "F2", "F3"]

wild = st.text(max_size=60) | st.lists(
    st.sampled_from(["Plan:", "Assessment: ok", "ECG 12", "Impression - x", "", " ", "more words", "\r"]), max_size=8
).map("\n".join)
posted = st.lists(st.tuples(st.sampled_from(["", *CODES]), st.text(max_size=12), wild), max_size=8).map(
    lambda rows: [Section(index, *row) for index, row in enumerate(rows)]
)
rules = st.builds(
    RuleSpec,
    section_code=st.sampled_from(CODES),
    field_id=st.sampled_from([*FIELDS, "GONE"]),
    kind=st.sampled_from(["copy", "copy", "split"]),
    prefix=st.sampled_from(["", "P: "]),
    separator=st.sampled_from(["\n\n", ", ", ""]),
    default=st.sampled_from(["", "none"]),
    limit=st.none() | st.integers(1, 40),
    heading=st.sampled_from(["", "Plan", "Assessment", "Own"]),
    position=st.integers(1, 4),
    limit_action=st.sampled_from(["refuse", "truncate"]),
)
fields = st.builds(
    lambda kinds, sizes, musts: tuple(
        FieldSpec(name, name, place, kind, size, must)
        for place, (name, kind, size, must) in enumerate(zip(FIELDS, kinds, sizes, musts, strict=True), 1)
    ),
    st.tuples(*[st.sampled_from(["free_text", "free_text", "structured"])] * 3),
    st.tuples(*[st.none() | st.integers(1, 80)] * 3),
    st.tuples(*[st.booleans()] * 3),
)
mappings = st.builds(
    MappingSpec,
    st.just("T"),
    st.just("T"),
    fields,
    st.lists(rules, max_size=6).map(tuple),
    st.sampled_from(["", "F3", "GONE"]),
)


def visible(text: str) -> str:
    return "".join(text.split())


@given(mappings, posted, st.sampled_from(["hold", "catch-all"]))
@settings(max_examples=200)
def test_every_section_is_filed_unmapped_or_empty_and_only_one_of_them(mapping, sections, policy):
    applied = apply(mapping, sections, policy)
    filed = {item.index for value in applied.values for item in value.contributions}
    unmapped = [item.index for item in applied.unmapped]
    empty = [item.index for item in applied.empty]
    assert sorted([*filed, *unmapped, *empty]) == [section.index for section in sections]


@given(mappings, posted, st.sampled_from(["hold", "catch-all"]))
@settings(max_examples=200)
def test_every_contribution_stands_verbatim_in_its_field_and_in_its_section(mapping, sections, policy):
    for value in apply(mapping, sections, policy).values:
        assert value.text
        for item in value.contributions:
            source = sections[item.index]
            assert item.text
            assert item.text in value.text
            assert item.text in source.text
            assert (item.code, item.title) == (source.code, source.title)


@given(mappings, posted, st.sampled_from(["hold", "catch-all"]))
@settings(max_examples=200)
def test_no_word_is_lost_unless_a_problem_or_a_warning_says_so(mapping, sections, policy):
    applied = apply(mapping, sections, policy)
    cut = {problem.pointer for problem in applied.warnings if problem.code == "truncated"}
    unmapped = {item.index for item in applied.unmapped}
    for section in sections:
        filed = [item.text for value in applied.values for item in value.contributions if item.index == section.index]
        split = any(rule.kind == "split" and rule.section_code == section.code for rule in mapping.rules)
        if section.index in unmapped:
            assert applied.problems
        elif filed and not cut and not split:
            assert section.text in filed


HEADED = ["Plan: rest", "PLAN", "Assessment:", "Impression - sound", "and more", "", " \t", "Planning: x", "12 mg."]
HEADINGS = ["plan:", "plan", "assessment:", "impression-"]


@given(st.lists(st.sampled_from(HEADED), max_size=7), st.sampled_from(["\n", "\r\n", "\n\n"]))
@settings(max_examples=200)
def test_a_divided_text_keeps_every_visible_character_but_its_headings(lines, ending):
    division = divide(ending.join(lines), ["Plan", "Assessment"])
    if division.repeated:
        return
    kept = Counter(visible(division.rest + "".join(division.pieces.values())))
    left = Counter(visible("".join(lines))) - kept
    assert not kept - Counter(visible("".join(lines)))
    lost = "".join(sorted(left.elements())).lower()
    pairs = [*HEADINGS, *(first + second for first in HEADINGS for second in HEADINGS)]
    assert "".join(sorted(lost)) in {"", *("".join(sorted(pair)) for pair in pairs)}
