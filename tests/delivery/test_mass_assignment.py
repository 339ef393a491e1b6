"""S06: nobody sets a column by naming it. What a form or the API does not ask for is ignored or refused by name."""

import re

import pytest
from django import forms
from rest_framework import serializers

from delivery.models import Delivery, Note, NoteVersion
from tests.delivery.conftest import a_note
from tests.structure import tree
from tests.structure.test_doors import ours

COLUMNS = [
    "state",
    "practice",
    "practice_id",
    "location_id",
    "scribe",
    "role",
    "approved_by",
    "reviewed_at",
    "id",
    "pk",
]
MORE = ["is_superuser", "received_at", "patient_bidx", "sealed_body", "created_by", "__class__", "state__in"]


def within(note: dict, place: str, name: str) -> dict:
    if not place:
        return {**note, name: "released"}
    if place == "sections":
        return {**note, "sections": [{**note["sections"][0], name: "released"}, *note["sections"][1:]]}
    return {**note, place: {**note[place], name: "released"}}


PLACES = ["", "patient", "encounter", "sections"]
OWN = [("patient", "id"), ("encounter", "id")]  # what the contract itself asks for
TRIED = [(place, name) for place in PLACES for name in (*COLUMNS, *MORE) if (place, name) not in OWN]


@pytest.mark.django_db
@pytest.mark.parametrize("place, name", TRIED)
def test_S06_a_note_that_names_a_column_of_ours_is_refused_by_its_place(scribe, place, name):
    answer = scribe.post(within(a_note(), place, name))
    assert answer.status_code in (400, 422)
    assert any(name in problem["pointer"] for problem in answer.json()["problems"])
    assert not Note.objects.exists()
    assert not NoteVersion.objects.exists()
    assert not Delivery.objects.exists()


def declared(kind: type) -> list[type]:
    return [one for one in ours(kind) if hasattr(one, "Meta")]


@pytest.mark.parametrize("kind", [forms.ModelForm, serializers.ModelSerializer])
def test_S06_no_form_or_serializer_takes_whatever_columns_a_model_has(kind):
    for one in declared(kind):
        fields = getattr(one.Meta, "fields", None)
        assert isinstance(fields, list | tuple), one
        assert not hasattr(one.Meta, "exclude"), one


def test_S06_nothing_posted_is_spread_over_a_model():
    """No `Model(**request.POST)`, `setattr(row, posted name, …)` or `update(**posted)` anywhere in the product."""
    spread = re.compile(r"\*\*\s*request\.(POST|GET|data)|setattr\([^)]*request\.|update\(\*\*request")
    assert [str(path) for path in tree.product() if spread.search(tree.text(path))] == []
