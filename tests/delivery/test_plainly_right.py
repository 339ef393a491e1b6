"""What is called plainly right is right: the quick look never says yes where the serializer finds anything."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.api import all_wrong, wrong_content
from delivery.bench.notes import CODES, note
from delivery.plainly_right import plainly_right

WHOLE = note("x", 1) | {
    "template": "FM-PROGRESS",
    "diagnoses": [{"system": "icd-10-cm", "code": "J20.9", "text": "Acute bronchitis"}],
    "medications": [{"text": "Amoxicillin 500 mg", "rxcui": "308182", "ndc": None}],
    "allergies": [{"text": "Penicillin", "reaction": "Rash\nfor a day"}],
    "immunizations": [{"cvx": "140", "date": "2026-03-19", "text": ""}],
}
ODD = [
    None, True, 0, 1, -1, 10**9, 1.5, "", " ", "  x", "x ", "\u00a0", "\u200b", "x\u200b", "\n", "a\nb", "a\r\nb", "a\rb",
    "\0", "\x7f", "\x85", "\u2028", "\ud800", "\ufffe", "\U0001ffff", "佐藤", "é", "x" * 41, "x" * 121, "x" * 201,
    "2026-02-30", "2026-03-19", "2026-03-19T10:15:00", "2026-03-19T10:15:00Z", "0001-01-01T00:00:00+14:00", "M", "m",
    "1234567893", "123", [], [None], [{}], {}, {"x": 1}, "plan", "Plan", "icd-10-cm",
]  # fmt: skip


def places(value, path=()):
    """Every place of a note, containers before what they hold."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


PLACES = [path for path in places(WHOLE) if path]


def changed(path, value):
    made = copy.deepcopy(WHOLE)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return made


def without(path):
    made = copy.deepcopy(WHOLE)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    return made


@pytest.mark.parametrize("number", range(3))
def test_an_ordinary_note_is_plainly_right_and_nobody_asks_further(number, monkeypatch):
    monkeypatch.setattr("delivery.api.all_wrong", None)
    assert wrong_content(note("x", number)) == []


def test_a_note_with_entries_of_every_plain_kind_is_so_too():
    assert plainly_right(WHOLE)
    assert all_wrong(WHOLE) == []


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)))
def test_whatever_stands_in_one_place_of_it_nothing_wrong_is_called_right(path):
    passed = [odd for odd in ODD if plainly_right(changed(path, odd))]
    assert [odd for odd in passed if all_wrong(changed(path, odd))] == []


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)))
def test_what_is_left_out_is_missed_as_the_serializer_misses_it(path):
    assert not plainly_right(without(path)) or all_wrong(without(path)) == []


@given(st.sampled_from(PLACES), st.text(max_size=30))
def test_no_text_of_any_kind_passes_that_the_serializer_refuses(path, text):
    made = changed(path, text)
    assert not plainly_right(made) or all_wrong(made) == []


@given(
    st.sampled_from(PLACES), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4)
)
def test_no_value_of_any_kind_passes_that_the_serializer_refuses(path, value):
    made = changed(path, value)
    assert not plainly_right(made) or all_wrong(made) == []


@pytest.mark.parametrize("strange", ["extra", "Version", "", "sections/0"])
def test_a_key_that_nobody_knows_is_not_plain_at_any_level(strange):
    assert not plainly_right({**WHOLE, strange: 1})
    assert not plainly_right(changed(("patient", strange), "x"))
    assert not plainly_right(changed(("sections", 0, strange), "x"))


def test_what_a_method_of_the_serializer_judges_goes_the_long_way():
    assert not plainly_right(WHOLE | {"observations": [{"loinc": "8480-6", "value": 120}]})
    assert wrong_content(WHOLE | {"observations": [{"loinc": "8480-6", "value": 120}]}) == []
    document = {"content_type": "application/pdf", "data": "JVBERi0="}
    assert not plainly_right(WHOLE | {"attachments": [document]})


@pytest.mark.parametrize("nothing", [{}, {"sections": []}, {"sections": [], "diagnoses": []}])
def test_a_note_of_nothing_is_not_right(nothing):
    bare = {key: value for key, value in note("x", 1).items() if key != "sections"}
    assert not plainly_right(bare | nothing)
    assert wrong_content(bare | nothing)


def test_lists_may_be_as_long_as_the_serializer_says_and_no_longer():
    section = {"code": CODES[0], "text": "x"}
    assert plainly_right(WHOLE | {"sections": [section] * 200})
    assert not plainly_right(WHOLE | {"sections": [section] * 201})


@pytest.mark.parametrize("other", [[], "note", 1, None, json.dumps(WHOLE)])
def test_what_is_no_object_is_not_right(other):
    assert not plainly_right(other)
    assert wrong_content(other)
