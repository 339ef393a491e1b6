"""JSON exports, flat and nested."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.importers import read_file
from mapping.importers.base import ImportedField, ImportRefused


def templates(tree, name="hip.json"):
    return read_file(name, json.dumps(tree).encode())


def refusal(content):
    with pytest.raises(ImportRefused) as refused:
        read_file("t.json", content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(refused.value)


def test_a_flat_template_is_read():
    (template,) = templates(
        {
            "template_id": "HIP1",
            "template_name": "Hip Visit",
            "specialty": "Orthopedics",
            "location": "East",
            "fields": [
                {"field_id": "H2", "label": "Plan", "order": 2, "type": "free_text", "max_length": 300},
                {"field_id": "H1", "label": "CC", "order": 1, "type": "structured", "required": True},
            ],
        }
    )
    assert (template.code, template.name, template.specialty) == ("HIP1", "Hip Visit", "Orthopedics")
    assert template.fields == (
        ImportedField("H1", "CC", 1, "structured", None, True),
        ImportedField("H2", "Plan", 2, "free_text", 300),
    )
    assert any("East" in note for note in template.notes)


def test_nested_templates_with_nested_limits_are_read():
    section = {"id": "R1", "name": "CC", "seq": 1, "kind": "free_text", "limits": {"maxChars": 300}}
    found = templates(
        {"practice": "Hill", "templates": [{"name": "A", "sections": [section]}, {"name": "B", "sections": [section]}]}
    )
    assert [template.code for template in found] == ["A", "B"]
    assert found[0].fields == (ImportedField("R1", "CC", 1, "free_text", 300),)


def test_groups_of_fields_become_groups():
    groups = [
        {
            "name": "Subjective",
            "fields": [{"fieldId": "A", "label": "CC", "order": 1}, {"fieldId": "B", "label": "HPI", "order": 2}],
        },
        {"name": "Plan", "fields": [{"fieldId": "C", "label": "Plan", "order": 1}]},
    ]
    (template,) = templates({"name": "Visit", "sections": groups})
    assert [(field.field_id, field.group, field.position) for field in template.fields] == [
        ("A", "Subjective", 1),
        ("B", "Subjective", 2),
        ("C", "Plan", 3),
    ]


def test_templates_under_locations_are_found_and_locations_are_no_fields():
    fields = [{"id": "A", "label": "CC"}]
    tree = {"locations": [{"id": 7, "name": "East", "templates": [{"id": "T1", "name": "Visit", "fields": fields}]}]}
    (template,) = templates(tree)
    assert (template.code, len(template.fields)) == ("T1", 1)


def test_the_choices_of_a_structured_field_are_not_fields():
    options = [{"code": "1", "label": "never"}, {"code": "2", "label": "daily"}]
    (template,) = templates({"fields": [{"id": "A", "label": "Smoking", "type": "list", "options": options}]})
    assert [field.field_id for field in template.fields] == ["A"]


def test_a_bare_list_is_a_template_named_after_the_file():
    (template,) = templates([{"id": "A", "label": "CC"}], "hip_visit.json")
    assert (template.name, template.code) == ("hip visit", "HIP-VISIT")


def test_a_row_that_is_no_field_is_refused_with_its_place():
    (template,) = templates({"fields": [{"id": "A", "label": "CC"}, {"label": "HPI"}, {"id": "A", "label": "X"}, 5]})
    assert [(row.place, row.reason) for row in template.refused] == [
        ("fields[1]", "it has no field identifier"),
        ("fields[2]", "the field identifier A stands already in fields[0]"),
        ("fields[3]", "it has no field identifier"),
    ]


@pytest.mark.parametrize("number", [1.5, "x", -2, 1e30])
def test_a_bad_number_refuses_its_row(number):
    (template,) = templates(
        {"fields": [{"id": "A", "label": "CC", "order": number}, {"id": "B", "label": "X", "order": 2}]}
    )
    assert [row.place for row in template.refused] == ["fields[0]"]


def test_an_identifier_that_is_a_number_is_kept_as_it_is_written():
    (template,) = templates({"fields": [{"id": 119007, "label": "CC", "order": 1.0}]})
    assert template.fields[0].field_id == "119007"


@pytest.mark.parametrize(
    "content, words",
    [
        (b"{", "Line 1, column 2"),
        (b'{"fields": [{"id": "A", "id": "B"}]}', "“id” twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"fields": [{"id": "A", "label": "x", "order": NaN}]}', "number that is none"),
        (b'"\xff"', "not UTF-8"),
        ({"fields": []}, "No list of fields"),
        ({"fields": [{"label": "CC"}]}, "No list of fields"),
        ([1, 2], "No list of fields"),
        ({"a": {"b": {"c": None}}}, "No list of fields"),
    ],
)
def test_what_is_not_a_template_is_refused_with_place_and_remedy(content, words):
    assert words in refusal(content)


def test_the_same_code_twice_in_a_file_is_refused():
    template = {"code": "T", "name": "T", "fields": [{"id": "A", "label": "CC"}]}
    assert "twice" in refusal({"templates": [template, template]})


@pytest.mark.parametrize("name", ["t.pdf", "t", "t.doc"])
def test_another_kind_of_file_is_refused_with_those_that_can_be_read(name):
    with pytest.raises(ImportRefused, match=r"\.csv, \.hl7, \.json"):
        read_file(name, b"{}")


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
keys = st.sampled_from(
    ["id", "label", "order", "fields", "sections", "templates", "type", "limits", "maxChars", "name"]
)
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5))


@given(trees)
def test_any_json_is_read_or_refused(tree):
    try:
        found = templates(tree)
    except ImportRefused:
        return
    for template in found:
        assert template.fields
        assert [field.position for field in template.fields] == list(range(1, len(template.fields) + 1))
