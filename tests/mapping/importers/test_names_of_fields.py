"""Fields are not left nameless, nor left out, because a practice heads their names in its own way."""

import json

import pytest

from mapping.importers import json as json_reader
from mapping.importers import read_file
from mapping.importers.headers import meanings
from mapping.importers.reading import templates_of


def table(header: str, *rows: str):
    (template,) = read_file("visit.csv", "\n".join([header, *rows]).encode())
    return template


def nested(*groups):
    listed = [{"heading": name, "items": items} for name, items in groups]
    found = templates_of(json_reader.read("neuro.json", json.dumps({"form": {"groups": listed}}).encode()))
    (template,) = found
    return template


def item(field_id: str, **more):
    return {"fieldId": field_id, "dataType": "text", **more}


@pytest.mark.parametrize("header", ["Name on screen", "Screen label", "Nombre en pantalla", "On-form caption"])
def test_a_column_whose_header_says_that_it_names_is_taken_for_the_names_and_said(header):
    template = table(f"Order,ID,{header},Format", "1,A1,HPI,Text", "2,A2,Plan,Text")
    assert [field.label for field in template.fields] == ["HPI", "Plan"]
    assert f"“{header}” was taken for the fields' names: look whether that is right." in template.notes
    assert not any("not used" in note for note in template.notes)


@pytest.mark.parametrize("header", ["User name", "Name of practice", "File name", "Help"])
def test_a_column_that_names_something_else_is_not_taken_and_the_want_of_names_is_said(header):
    template = table(f"Order,ID,{header},Format", "1,A1,HPI,Text")
    assert f"Columns not used: {header}." in template.notes
    assert any("No column of the fields' names was found" in note for note in template.notes)


def test_of_two_such_columns_none_is_guessed():
    assert "label" not in meanings(["ID", "Name on screen", "Name on paper"])


def test_a_header_that_is_known_wins_and_what_a_person_set_aside_is_not_taken():
    assert meanings(["ID", "Name on screen", "Field Label"])["label"] == 2
    assert "label" not in meanings(["ID", "Name on screen", "Type"], {"name on screen": ""})
    assert meanings(["ID", "Name on screen", "Tab"], {}) == {"id": 0, "label": 1, "group": 2}


def test_without_identifiers_no_column_is_guessed():
    assert "label" not in meanings(["Name on screen", "Type"])


@pytest.mark.parametrize("header", ["EMR item no.", "EHR ID", "Item Number", "Item code"])
def test_the_systems_word_before_an_identifier_says_nothing(header):
    assert meanings([header, "Section heading"])["id"] == 0


class TestNested:
    @pytest.mark.parametrize("key", ["display", "ui", "presentation", "properties"])
    def test_a_name_inside_what_says_how_a_field_is_shown_is_its_name_and_its_order_the_order(self, key):
        shown = [
            item(f"n{at}", **{key: {"label": name, "sort order": 3 - at}}) for at, name in enumerate(["HPI", "VS"])
        ]
        template = nested(("Subjective", shown))
        assert [(field.field_id, field.label) for field in template.fields] == [("n1", "VS"), ("n0", "HPI")]

    def test_the_fields_own_name_comes_first(self):
        (field,) = nested(("Subjective", [item("n1", label="HPI", display={"label": "Other"})])).fields
        assert field.label == "HPI"

    def test_a_name_inside_anything_else_is_not_the_fields(self):
        (field,) = nested(("Subjective", [item("n1", order=1, owner={"name": "Dr. Lee"})])).fields
        assert field.label != "Dr. Lee"

    def test_every_group_of_a_form_is_read_and_not_the_longest_alone(self):
        """Without names and order the list is one that a person is asked about: it must be the whole of it."""
        groups = [("Subjective", [item("a"), item("b")]), ("Objective", [item("c"), item("d"), item("e")])]
        assert [field.field_id for field in nested(*groups).fields] == ["a", "b", "c", "d", "e"]

    def test_a_list_of_other_things_is_not_mixed_in(self):
        tree = {
            "groups": [{"items": [item("a"), item("b"), item("c")]}],
            "users": [{"userId": "u1", "role": "x"}, {"userId": "u2", "role": "y"}],
        }
        (template,) = templates_of(json_reader.read("neuro.json", json.dumps(tree).encode()))
        assert [field.field_id for field in template.fields] == ["a", "b", "c"]
