"""No answer of the scribe's API repeats a value that was posted: it may be a patient's name in the wrong field."""

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from rest_framework import serializers

from delivery.serializers import Choice, NoteSerializer
from tests.delivery.conftest import a_note

pytestmark = pytest.mark.django_db
CANARY = "Zephyrine-Quackenbush"
ODD: list[Any] = [
    CANARY,
    [CANARY],
    {"value": CANARY},
    f" {CANARY} ",
    f"{CANARY}\x00",
    f"{CANARY}\ud800",
    CANARY * 300,
    7,
    True,
    None,
]


def places(field: serializers.Field, path: tuple = ()) -> Iterator[tuple]:
    """Every place of a note that can hold a value, as keys and a 0 for a row."""
    if isinstance(field, serializers.ListSerializer):
        yield path
        yield from places(field.child, (*path, 0))
    elif isinstance(field, serializers.Serializer):
        if path:
            yield path
        for name, inner in field.fields.items():
            yield from places(inner, (*path, name))
    else:
        yield path


PLACES = list(places(NoteSerializer()))


def put(note: dict, path: tuple, value: Any) -> dict:
    """The note with this value at this place; rows and objects are made where there are none."""
    made = copy.deepcopy(note)
    at: Any = made
    for key, following in pairwise(path):
        empty: Any = [{}] if following == 0 else {}
        if isinstance(key, str) and not at.get(key):
            at[key] = empty
        at = at[key]
    at[path[-1]] = value
    return made


def test_every_field_of_a_note_is_tried():
    named = {path[0] for path in PLACES}
    assert named == set(NoteSerializer().fields)
    assert ("patient", "sex") in PLACES
    assert ("diagnoses", 0, "system") in PLACES
    assert len(PLACES) > 50


@pytest.mark.parametrize("path", PLACES, ids=lambda path: "/".join(map(str, path)))
def test_a_refused_value_is_named_by_its_place_and_never_repeated(scribe, path):
    for number, value in enumerate(ODD):
        answer = scribe.post(put(a_note(source_note_id=f"N-{number}"), path, value))
        if answer.status_code >= 400:
            assert CANARY not in answer.content.decode()
            assert answer.status_code in (400, 409, 422)
            assert answer.json()["problems"]


@pytest.mark.parametrize("query", ["notes?source_note_id=", "notes?location=", "notes/", "deliveries/"])
def test_nor_is_a_value_of_an_address(scribe, query):
    answer = scribe.get(f"{query}{CANARY}")
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert CANARY not in answer.content.decode()


@pytest.mark.parametrize("head", ["Idempotency-Key", "Content-Type", "Accept", "Authorization"])
def test_nor_is_a_value_of_a_header(scribe, head):
    answer = scribe.post(a_note(), **{head: f"{CANARY} {'x' * 300}"})
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert CANARY not in answer.content.decode()


def choices(field: serializers.Field) -> Iterator[serializers.ChoiceField]:
    if isinstance(field, serializers.ListSerializer):
        yield from choices(field.child)
    elif isinstance(field, serializers.Serializer):
        for inner in field.fields.values():
            yield from choices(inner)
    elif isinstance(field, serializers.ChoiceField):
        yield field


def test_every_choice_of_a_note_is_one_that_lists_its_words_instead():
    found = list(choices(NoteSerializer()))
    assert len(found) >= 3
    assert all(type(field) is Choice for field in found)


@pytest.mark.parametrize("value", [CANARY, 7, [CANARY], {}])
def test_a_choice_says_what_it_takes(value):
    with pytest.raises(serializers.ValidationError) as refused:
        Choice(["in_person", "telehealth"]).run_validation(value)
    assert refused.value.detail == ["Must be one of: in_person, telehealth."]
