"""Diagnoses judged: exactly as posted, the highest number of characters, and words that belong to the code shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.codes import icd10
from mapping.codes.code_lists import words_of
from mapping.codes.icd10 import CodeList, bare, dotted, judge
from mapping.codes.icd10_files import ListRefused, codes_in, read

FEW = CodeList.of("few", ["I10", "J45", "J459", "J4590", "J45909", "J45901", "T360X1A", "T360X1", "T360", "T36", "O80"])
a_code = st.text("01A", min_size=2, max_size=6).map(lambda signs: f"A{signs}")  # few signs: many share a category
lists = st.lists(a_code, max_size=15).map(lambda codes: (CodeList.of("any", codes), set(codes)))


@settings(max_examples=40)
@given(lists, a_code)
def test_a_list_holds_what_was_put_in_and_nothing_else(made, other):
    codes, put_in = made
    assert set(codes) == put_in
    assert all(codes.holds(code) for code in put_in)
    assert codes.holds(other) == (other in put_in)


@settings(max_examples=40)
@given(lists)
def test_what_is_billable_has_nothing_longer_and_is_counted_so(made):
    codes, put_in = made
    leaves = {code for code in put_in if not any(each != code and each.startswith(code) for each in put_in)}
    assert {code for code in put_in if codes.billable(code)} == leaves
    assert codes.billable_count() == len(leaves)


@settings(max_examples=40)
@given(lists)
def test_every_leaf_is_right_in_its_usual_spelling_and_in_no_other(made):
    codes, _ = made
    for code in (each for each in codes if codes.billable(each)):
        assert judge(dotted(code), codes).kind == icd10.OK
        for otherwise in (f" {dotted(code)}", dotted(code).lower(), f"{dotted(code)}."):
            assert judge(otherwise, codes).kind == icd10.BAD_FORM


@given(a_code)
def test_dot_and_no_dot_are_each_others_way_back(code):
    assert bare(dotted(code)) == bare(f" {dotted(code).lower()} ") == code


@pytest.mark.parametrize("code", ["J45", "J45.9", "J45.90", "T36", "T36.0X1"])
def test_a_code_with_longer_ones_below_is_never_billed_and_offers_only_what_lies_below(code):
    verdict = judge(code, FEW)
    assert verdict.kind == icd10.NOT_BILLABLE
    assert verdict.suggestions
    assert all(each.startswith(code) and FEW.billable(bare(each)) for each in verdict.suggestions)


def test_a_category_says_how_many_more_lie_below_it():
    many = CodeList.of("many", ["A00", *(f"A00{sign}" for sign in "0123456789")])
    verdict = judge("A00", many)
    assert (len(verdict.suggestions), verdict.more, verdict.suggestions[0]) == (5, 5, "A00.9")


@pytest.mark.parametrize(
    ("posted", "meant"),
    [
        ("I1O", "I10"),  # the letter O
        ("0I0", None),
        ("J45.999", "J45.909"),
        ("J45.099", None),
        ("I10.0", "I10"),  # too long
        ("T36.01A", "T36.0X1A"),  # without its X
    ],
)
def test_a_near_miss_is_held_and_only_named(posted, meant):
    verdict = judge(posted, FEW)
    assert verdict.kind in (icd10.UNKNOWN, icd10.BAD_FORM)
    assert (meant in verdict.suggestions) if meant else True


@given(st.text(max_size=20))
def test_no_text_outside_the_list_is_ever_right(text):
    if judge(text, FEW).kind == icd10.OK:
        assert text in {dotted(code) for code in FEW}


def test_a_code_that_a_newer_list_brings_is_not_called_by_its_categorys_words():
    assert words_of("J45.909").startswith("Unspecified asthma")
    assert words_of("J45.9Z") == "", "the table does not know it: its category's words are not its own"
    assert words_of("J45.Z") == ""


def test_a_seventh_character_is_called_as_the_code_it_extends():
    assert words_of("T36.0X1A") == words_of("T36.0X1")
    assert "penicillins" in words_of("T36.0X1A")


ORDER_LINE = "00001 A00     0 Cholera                                                      Cholera"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (ORDER_LINE, "A00"),
        ("A000    Cholera due to Vibrio cholerae 01, biovar cholerae", "A000"),
        ('"A00.0","Cholera due to Vibrio"', "A000"),
        ("a00.0;Cholera", "A000"),
        ("T36.0X1A", "T360X1A"),
    ],
)
def test_a_line_of_each_published_form_gives_its_code(line, code):
    assert list(codes_in([line])) == [code]


@pytest.mark.parametrize("line", ["Code,Description", "A00-A09  Intestinal infections", "", "   ", "Chapter 1"])
def test_headings_blocks_and_empty_lines_give_none(line):
    assert list(codes_in([line])) == []


def test_a_line_past_the_heading_that_begins_with_no_code_refuses_the_file_by_its_number():
    with pytest.raises(ListRefused, match="Line 41 does not begin with a code"):
        list(codes_in(["A00.0"] * 40 + ["the rest was lost in the printer"]))


def test_a_workbook_under_another_name_is_refused_as_no_text():
    with pytest.raises(ListRefused, match="NUL"):
        read("codes.txt", b"A000\0A001", "x")
    with pytest.raises(ListRefused, match="unpack an archive"):
        read("codes.xlsx", b"PK", "x")
