"""Words on letter pages: every one of them, in order, within the margins, and the same bytes for the same words."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from reportlab.pdfbase.pdfmetrics import stringWidth

from delivery.channels import letter
from delivery.channels.letter import BODY, HEADING, lines, pages

WIDTH = 468
SHOWN = st.text(st.characters(codec=letter.CODEC, exclude_categories=("Cc",)) | st.sampled_from(" \n\t"), max_size=300)


def read(raw: bytes) -> list[str]:
    return [page.extract_text().rstrip("\n") for page in PdfReader(io.BytesIO(raw)).pages]


@given(SHOWN, st.sampled_from([BODY, HEADING]))
def test_no_character_is_lost_and_no_line_is_wider_than_the_page(words, style):
    made = list(lines(words, style, WIDTH))
    assert "".join(made) == words.expandtabs(4).replace("\n", "")
    assert all(stringWidth(line, style.font, style.size) <= WIDTH + 0.01 for line in made)


def test_a_line_is_broken_after_the_last_blank_that_fits():
    made = list(lines("word " * 40, BODY, WIDTH))
    assert [len(line) // 5 for line in made] == [19, 19, 2]
    assert made[0].endswith("word ")
    assert stringWidth(made[0] + "word", BODY.font, BODY.size) > WIDTH


def test_a_word_wider_than_the_page_is_broken_where_the_room_ends():
    made = list(lines("x" * 300, BODY, WIDTH))
    assert "".join(made) == "x" * 300
    assert stringWidth(made[0] + "x", BODY.font, BODY.size) > WIDTH


@pytest.mark.parametrize("words", ["", "\n", "a\n\nb", "  indented\n- item", "a\n"])
def test_line_ends_and_indents_stay(words):
    assert list(lines(words, BODY, WIDTH)) == words.split("\n")


@pytest.mark.parametrize("width", [1, 6, 20])
def test_a_page_too_narrow_for_a_letter_still_comes_to_an_end(width):
    assert "".join(lines("Wide words", BODY, width)) == "Wide words"


def test_paragraphs_come_out_in_order_under_their_headings():
    (page,) = read(pages("Progress note", [("PLAN", HEADING), ("Rest.\nReturn in a week.", BODY), ("HPI", HEADING)]))
    assert page.split("\n") == ["PLAN", "Rest.", "Return in a week.", "HPI"]


def test_what_one_page_does_not_hold_goes_on_the_next():
    found = read(pages("Progress note", [("\n".join(f"line {number}" for number in range(120)), BODY)]))
    assert len(found) == 3
    assert " ".join(found).split() == " ".join(f"line {number}" for number in range(120)).split()


def test_a_heading_at_the_foot_of_a_page_keeps_its_look_on_the_next():
    raw = pages("Progress note", [("\n".join(["x"] * 53), BODY), ("PLAN", HEADING), ("Rest.", BODY)])
    first, second = read(raw)
    assert "PLAN" not in first
    assert second.split("\n") == ["PLAN", "Rest."]


def test_its_title_says_what_it_is_and_names_nobody():
    about = PdfReader(io.BytesIO(pages("Progress note", [("x", BODY)]))).metadata
    assert about.title == "Progress note"
    assert about.author == "anonymous"


@settings(max_examples=20)
@given(SHOWN)
def test_equal_words_make_equal_bytes(words):
    assert pages("a", [(words, BODY)]) == pages("a", [(words, BODY)])


@pytest.mark.parametrize("words", ["é – “quoted” €", "(a) \\ b)", "<b>bold</b> &amp;", "100 %  Tj ET"])
def test_characters_that_mean_something_in_a_pdf_are_words_like_others(words):
    assert read(pages("a", [(words, BODY)])) == [words]
