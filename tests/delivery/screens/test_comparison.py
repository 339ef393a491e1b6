"""The difference between what was sent and what is charted never adds, loses or hides a character."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.comparison import HIDDEN, TOO_MANY, compare, pieces, seen
from delivery.words import ago, who

PLAN = [
    {
        "field_id": "NF-02",
        "label": "HPI",
        "text": "a\n\nb",
        "contributions": [{"code": "hpi", "title": "HPI", "text": "a"}, {"code": "pmh", "title": "PMH", "text": "b"}],
    },
    {"field_id": "NF-07", "label": "Notes", "text": "none given", "contributions": []},
]


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_pieces_make_up_both_texts(before, after):
    made = list(pieces(before, after))
    assert "".join(piece.text for piece in made if piece.kind in ("same", "del")) == before
    assert "".join(piece.text for piece in made if piece.kind in ("same", "ins")) == after


def test_only_the_changed_word_is_marked():
    made = [(piece.kind, piece.text) for piece in pieces("worse at night, dry", "worse at dawn, dry")]
    assert made == [("same", "worse at "), ("del", "night"), ("ins", "dawn"), ("same", ", dry")]


def test_very_long_texts_are_compared_by_lines():
    line = "word " * 50 + "\n"
    before = line * (TOO_MANY // 50)
    made = list(pieces(before, before.replace("word", "term", 1)))
    assert {piece.kind for piece in made} == {"same", "del", "ins"}
    assert next(piece for piece in made if piece.kind == "del").text == line


@given(st.text())
def test_no_hidden_character_is_left_hidden(text):
    assert not HIDDEN.search(seen(text))


def test_unread_sections_stand_as_sent_each_with_its_place_in_the_message():
    shown = compare(PLAN, [])
    assert [(one.title, one.obx, one.in_chart, one.outcome.label) for one in shown] == [
        ("HPI", 1, None, "Not read yet"),
        ("PMH", 1, None, "Not read yet"),
        ("Notes", 2, None, "Not read yet"),
    ]


def test_a_section_found_elsewhere_says_where():
    row = {"title": "HPI", "field_id": "NF-02", "outcome": "moved", "sent": "a", "in_chart": "a", "found_in": "NF-07"}
    (one,) = compare(PLAN, [row])
    assert one.elsewhere
    assert one.outcome.label == "Moved"
    assert one.pieces == ()


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=-3), "0.0 s"),
        (timedelta(milliseconds=840), "0.8 s"),
        (timedelta(seconds=45), "45 s"),
        (timedelta(seconds=200), "3 min"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(days=4, hours=3), "4 d 3 h"),
    ],
)
def test_lengths_of_time_are_said_in_at_most_two_units(length, said):
    assert ago(length) == said


def test_a_worker_is_named_by_host_and_process_and_a_person_as_they_are():
    assert who("worker clinic-1/ab12cd34/4026531836|4711|1763820000") == "worker on clinic-1, process 4711"
    assert who("clinic-1/ab12cd34/4026531836|4711|1763820000") == "worker on clinic-1, process 4711"
    assert who("dana") == "dana"
