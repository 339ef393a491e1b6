"""The shapes in which systems export JSON: lists, objects, groups, sites; and where a refused item stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.importers import read, read_file
from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.reading import ColumnsUnknown, reading_from_json, reading_in_json, templates_of

ONE = {"id": "A", "label": "Chief Complaint"}
TWO = {"id": "B", "label": "Plan"}


def templates(tree, name: str = "knee_visit.json") -> tuple[ImportedTemplate, ...]:
    return read_file(name, json.dumps(tree).encode())


def only(tree) -> ImportedTemplate:
    (template,) = templates(tree)
    return template


def ids(tree) -> list[str]:
    return [field.field_id for field in only(tree).fields]


def refusal(content: bytes) -> str:
    with pytest.raises(ImportRefused) as refused:
        read_file("t.json", content)
    return str(refused.value)


# --- where fields are found -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["fields", "Fields", "sections", "items", "elements", "components", "columns", "field_list", "fieldList", "obx"],
)
def test_the_list_of_fields_may_be_called_as_systems_call_it(key):
    assert ids({"name": "Visit", key: [ONE, TWO]}) == ["A", "B"]


@pytest.mark.parametrize("depth", [1, 5, 15])
def test_a_template_is_found_however_deep_it_lies(depth):
    tree = {"name": "Visit", "fields": [ONE]}
    for _ in range(depth):
        tree = {"export": tree}
    assert only(tree).name == "Visit"


def test_deeper_than_anybody_nests_nothing_is_looked_for():
    tree: dict = {"name": "Visit", "fields": [ONE]}
    for _ in range(30):
        tree = {"export": tree}
    assert "No list of fields was found" in refusal(json.dumps(tree).encode())


@pytest.mark.parametrize("key", ["options", "choices", "values", "answers", "picklist", "pick_list", "codes", "enum"])
def test_the_answers_a_field_may_have_are_no_fields(key):
    assert ids({"fields": [{**ONE, key: [{"id": "X", "label": "Yes"}, {"id": "Y", "label": "No"}]}, TWO]}) == ["A", "B"]


@pytest.mark.parametrize("key", ["groups", "tabs", "panels", "categories", "areas", "pages", "blocks", "sections"])
def test_fields_in_groups_carry_the_name_of_their_group(key):
    tree = {key: [{"name": "Subjective", "fields": [ONE]}, {"title": "Plan", "items": [TWO]}]}
    assert [(field.field_id, field.group) for field in only(tree).fields] == [("A", "Subjective"), ("B", "Plan")]


THREE = {
    "name": "Visit",
    "sections": [
        {
            "id": "S1",
            "name": "Subjective",
            "groups": [
                {"id": "G1", "name": "Complaint", "fields": [ONE]},
                {"id": "G2", "name": "History", "fields": [{"id": "C", "label": "PMH"}, {"id": "D", "label": "FH"}]},
            ],
        },
        {"id": "S2", "name": "Plan", "groups": [{"id": "G3", "name": "Orders", "fields": [TWO]}]},
    ],
}


class TestThreeLevels:
    """Sections of groups of fields: what holds fields is never one itself, though it has an identifier and a name."""

    def test_are_read_to_the_fields_each_under_the_way_to_it(self):
        found = [(field.field_id, field.group) for field in only(THREE).fields]
        assert found == [
            ("A", "Subjective › Complaint"),
            ("C", "Subjective › History"),
            ("D", "Subjective › History"),
            ("B", "Plan › Orders"),
        ]

    def test_are_one_template_of_the_name_it_has(self):
        assert (only(THREE).name, only(THREE).refused) == ("Visit", ())

    def test_are_said_to_be_containers(self):
        (said,) = [note for note in only(THREE).notes if "taken as a group" in note]
        assert said.startswith("5 entries were taken as a group of fields, not as a field: “Subjective”, “Subjective ›")

    def test_may_have_fields_beside_groups_at_every_level(self):
        tree = {"sections": [{"id": "S", "name": "S", "groups": [{"name": "G", "fields": [ONE]}], "fields": [TWO]}]}
        tree["sections"].append({"id": "E", "label": "Alone"})
        assert [(item.field_id, item.group) for item in only(tree).fields] == [("A", "S › G"), ("B", "S"), ("E", "")]

    def test_and_more_are_read_too(self):
        tree = {"name": "Deep", "fields": [ONE]}
        for level in range(6):
            tree = {"id": f"L{level}", "name": f"Level {level}", "items": [tree]}
        assert ids({"name": "Visit", "sections": [tree]}) == ["A"]

    def test_name_a_refused_field_by_its_whole_place(self):
        tree = {"sections": [{"name": "S", "groups": [{"name": "G", "fields": [ONE, {**TWO, "type": "hologram"}]}]}]}
        (refused,) = only(tree).refused
        assert refused.place == "sections[0].groups[0].fields[1]"

    def test_under_names_longer_than_a_group_may_be_keep_the_innermost(self):
        tree = {"sections": [{"name": "S" * 150, "groups": [{"name": "G" * 150, "fields": [ONE]}]}]}
        assert only(tree).fields[0].group == "G" * 150

    def test_of_a_template_inside_categories_are_the_template_and_no_fields(self):
        tree = {"categories": [{"id": 1, "name": "Ortho", "templates": [{"id": 7, "name": "Knee", "fields": [ONE]}]}]}
        assert (only(tree).name, ids(tree)) == ("Knee", ["A"])

    @pytest.mark.parametrize("holder", ["validators", "history", "audit"])
    def test_are_not_seen_in_lists_about_a_field(self, holder):
        assert ids([{**ONE, holder: [{"rule": "max", "value": 3}]}, TWO]) == ["A", "B"]


def test_a_field_that_names_a_group_of_its_own_keeps_it():
    tree = {"groups": [{"name": "Subjective", "fields": [{**ONE, "category": "History"}]}]}
    assert only(tree).fields[0].group == "History"


def test_a_list_that_is_mostly_something_else_is_no_list_of_fields():
    assert "No list of fields" in refusal(json.dumps({"fields": [ONE, 1, 2]}).encode())


def test_of_a_list_that_is_half_fields_the_rest_is_refused_by_its_place():
    template = only({"fields": [ONE, 7]})
    assert [field.field_id for field in template.fields] == ["A"]
    assert [(item.place, item.reason) for item in template.refused] == [("fields[1]", "it has no field identifier")]


def test_a_refused_field_of_a_nested_template_is_found_by_its_path():
    tree = {"templates": [{"name": "Knee", "groups": [{"name": "S", "fields": [ONE, {**TWO, "type": "hologram"}]}]}]}
    (refused,) = only(tree).refused
    assert refused.place == "templates[0].groups[0].fields[1]"
    assert "hologram" in refused.reason


# --- what a field says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["id", "field_id", "fieldId", "FieldID", "code", "key", "identifier", "eCWFieldId"])
def test_the_identifier_may_be_called_as_systems_call_it(key):
    assert ids({"fields": [{key: "A", "label": "CC"}]}) == ["A"]


@pytest.mark.parametrize("key", ["label", "name", "title", "caption", "displayName", "field_name", "heading"])
def test_the_label_may_be_called_as_systems_call_it(key):
    assert only({"fields": [{"field_id": "A", key: "CC"}]}).fields[0].label == "CC"


@pytest.mark.parametrize(
    "value, required", [(True, True), (False, False), (1, True), (0, False), ("yes", True), (None, False)]
)
def test_a_requirement_is_read_from_every_type(value, required):
    assert only({"fields": [{**ONE, "required": value}]}).fields[0].required is required


@pytest.mark.parametrize(
    "value, length", [(500, 500), ("500", 500), ("12,000", 12000), (None, None), ("", None), (500.0, 500)]
)
def test_a_length_is_read_from_every_type(value, length):
    assert only({"fields": [{**ONE, "maxLength": value}]}).fields[0].max_length == length


@pytest.mark.parametrize("holder", ["limits", "constraints", "validation", "anything"])
def test_a_length_inside_a_nested_object_counts(holder):
    assert only({"fields": [{**ONE, holder: {"maxLength": 300, "required": True}}]}).fields[0].max_length == 300
    assert only({"fields": [{**ONE, holder: {"maxLength": 300, "required": True}}]}).fields[0].required


def test_a_length_of_the_field_itself_outranks_a_nested_one():
    assert only({"fields": [{**ONE, "maxLength": 200, "limits": {"maxLength": 300}}]}).fields[0].max_length == 200


@pytest.mark.parametrize(
    "identifier, text", [(12, "12"), (0, "0"), ("012", "012"), (12345678901234567890, "12345678901234567890")]
)
def test_a_numeric_identifier_keeps_every_digit(identifier, text):
    assert ids({"fields": [{"id": identifier, "label": "CC"}]}) == [text]


def test_an_identifier_of_null_refuses_the_field():
    template = only({"fields": [ONE, {"id": None, "label": "Plan"}]})
    assert [item.place for item in template.refused] == ["fields[1]"]


# --- what the template is called --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "node, name, code",
    [
        ({}, "knee visit", "KNEE-VISIT"),
        ({"name": "Knee"}, "Knee", "KNEE"),
        ({"template": "Knee"}, "Knee", "KNEE"),
        ({"name": "Knee", "template_id": "K1"}, "Knee", "K1"),
        ({"title": "Knee", "code": "K-2"}, "Knee", "K-2"),
        ({"name": "Knee", "id": 7}, "Knee", "7"),
    ],
)
def test_name_and_code_come_from_the_template_and_else_from_the_file(node, name, code):
    template = only({**node, "fields": [ONE]})
    assert (template.name, template.code) == (name, code)


@pytest.mark.parametrize("key", ["location", "site", "facility", "clinic"])
def test_a_site_that_the_file_names_is_said_to_be_checked(key):
    assert (
        "The file names the site East: check that this is the right location."
        in only({key: "East", "fields": [ONE]}).notes
    )


@pytest.mark.parametrize("key", ["specialty", "speciality", "department"])
def test_the_specialty_is_kept(key):
    assert only({key: "Orthopedics", "fields": [ONE]}).specialty == "Orthopedics"


def test_two_templates_of_one_code_are_refused_by_name():
    tree = [{"code": "K", "fields": [ONE]}, {"code": "k", "fields": [TWO]}]
    assert refusal(json.dumps(tree).encode()) == "The file holds the template K twice. Give each its own code."


# --- what is no JSON --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, said",
    [
        (b'{"fields": [}', "Line 1, column 13: this is not JSON"),
        (b'{\n "a": 1,\n "b" 2}', "Line 3, column 6: this is not JSON"),
        (b'{"id": 1, "id": 2}', "An object has the key “id” twice"),
        (b'[{"id": Infinity}]', "holds a number that is none"),
        (b"\xc3\x28", "Byte 0 is not UTF-8"),
    ],
)
def test_a_fault_is_said_with_its_place(content, said):
    assert said in refusal(content)


def test_a_byte_order_mark_is_no_fault():
    assert read_file("t.json", b"\xef\xbb\xbf" + json.dumps([ONE]).encode())[0].fields[0].field_id == "A"


def test_a_list_nobody_understands_is_asked_about_with_its_keys():
    tree = {"rows": [{"kennung": "A", "titel": "CC"}, {"kennung": "B", "titel": "Plan"}]}
    with pytest.raises(ColumnsUnknown, match="“kennung”, “titel”"):
        templates(tree)


def test_what_a_person_said_of_the_keys_makes_the_template():
    tree = {"rows": [{"kennung": "A", "titel": "CC"}, {"kennung": "B", "titel": "Plan"}]}
    known = {"kennung": "id", "titel": "label"}
    (template,) = read_file("t.json", json.dumps(tree).encode(), known)
    assert [(field.field_id, field.label) for field in template.fields] == [("A", "CC"), ("B", "Plan")]


# --- whatever the tree ------------------------------------------------------------------------------------------------

labels = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10).filter(str.strip)
listed = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 10**6), "label": labels}),
    min_size=1,
    max_size=6,
    unique_by=lambda f: f["id"],
)


@given(listed)
def test_every_field_of_a_plain_list_arrives_in_its_order(fields):
    assert ids(fields) == [str(field["id"]) for field in fields]


@given(listed)
def test_how_the_file_is_indented_does_not_matter(fields):
    tree = {"name": "Visit", "fields": fields}
    packed, spaced = (json.dumps(tree, **how).encode() for how in ({"separators": (",", ":")}, {"indent": 3}))
    assert read_file("t.json", packed) == read_file("t.json", spaced)


@given(listed, st.booleans())
def test_a_reading_survives_its_way_through_the_page(fields, understood):
    """The page carries what was read; what comes back makes the same templates."""
    tree = fields if understood else [{"x" + key: value for key, value in field.items()} for field in fields]
    reading = read("t.json", json.dumps(tree).encode())
    again = reading_from_json(json.loads(json.dumps(reading_in_json(reading))))
    assert again == reading
    if understood:
        assert templates_of(again) == templates_of(reading)
