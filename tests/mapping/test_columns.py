"""What a practice's people say of columns that nobody else names so: asked once, remembered for the practice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.columns import NO_ROW, CannotMatch, asked, matched, remember, remembered
from mapping.importers import read
from mapping.importers.base import ImportRefused
from mapping.importers.reading import templates_of
from mapping.models import ColumnName
from tests.mapping.importers.workbooks import workbook

ODD = b"Template list\nKennung;Feldtext;Art;Zeichen;Bemerkung\nK1;CC;Free text;200;x\nK2;HPI;Free text;6000;y\n"
SAID = {0: "id", 1: "label", 2: "kind", 3: "max_length"}


@pytest.fixture
def reading():
    return read("odd.csv", ODD)


def test_the_likeliest_row_is_asked_about_with_its_first_values(reading):
    found = asked(reading, {})
    assert found.row == 2
    assert [column.header for column in found.columns] == ["Kennung", "Feldtext", "Art", "Zeichen", "Bemerkung"]
    assert found.columns[0].samples == ("K1", "K2")
    assert found.rows[0] == (1, "Template list")


def test_columns_that_are_understood_are_filled_in(reading):
    found = asked(read("t.csv", b"Order,Kennung,Label\n1,K1,CC\n"), {})
    assert [column.said for column in found.columns] == ["order", "", "label"]


def test_what_was_said_makes_the_template(reading):
    headed, named = matched(reading, asked(reading, {}), SAID)
    (template,) = templates_of(headed, named)
    assert [(field.field_id, field.label, field.max_length) for field in template.fields] == [
        ("K1", "CC", 200),
        ("K2", "HPI", 6000),
    ]
    assert not any("not used" in note for note in template.notes), "what was set aside is not named again"


def test_another_row_can_be_the_one_that_names_the_columns(reading):
    found = asked(reading, {}, 3)
    assert [column.header for column in found.columns] == ["K1", "CC", "Free text", "200", "x"]


def test_a_file_in_which_no_row_names_the_columns_is_read_by_their_places():
    bare = read("bare.csv", b"K1,CC\nK2,HPI\n")
    found = asked(bare, {}, NO_ROW)
    assert [column.header for column in found.columns] == ["Column A", "Column B"]
    headed, named = matched(bare, found, {0: "id", 1: "label"})
    (template,) = templates_of(headed, named)
    assert [(field.field_id, field.label) for field in template.fields] == [("K1", "CC"), ("K2", "HPI")]


def test_the_twenty_seventh_column_has_a_name():
    wide = read("wide.csv", (",".join(f"v{n}" for n in range(30)) + "\n").encode())
    assert asked(wide, {}, NO_ROW).columns[26].header == "Column AA"


@pytest.mark.parametrize(
    "said, why",
    [
        ({}, "which column holds the field identifier"),
        ({0: "id"}, "which column holds the label"),
        ({0: "id", 1: "label", 2: "label"}, "cannot both be the label"),
    ],
)
def test_what_makes_no_template_is_said(reading, said, why):
    with pytest.raises(CannotMatch, match=why):
        matched(reading, asked(reading, {}), said)


def test_two_columns_of_one_name_cannot_hold_two_things():
    twice = read("t.csv", b"Kennung,Text,Text\nK1,CC,5\n")
    with pytest.raises(CannotMatch, match="Two columns are called “Text”"):
        matched(twice, asked(twice, {}, 1), {0: "id", 1: "label", 2: "max_length"})


def test_a_column_without_a_name_cannot_be_remembered():
    nameless = read("t.csv", b"Kennung,,Text\nK1,5,CC\n")
    with pytest.raises(CannotMatch, match="without a name"):
        matched(nameless, asked(nameless, {}, 1), {0: "id", 2: "label", 1: "max_length"})


def test_what_was_said_is_remembered_for_the_practice_alone(cast):
    remember(cast.practice, {"kennung": "id", "feldtext": "label", "bemerkung": ""})
    assert remembered(cast.practice) == {"kennung": "id", "feldtext": "label", "bemerkung": ""}
    assert remembered(cast.elsewhere.practice) == {}
    (template,) = templates_of(read("odd.csv", ODD), remembered(cast.practice))
    assert len(template.fields) == 2


def test_what_is_understood_anyway_is_not_kept(cast):
    remember(cast.practice, {"field id": "id", "label": "label"})
    assert not ColumnName.objects.exists()


def test_a_second_answer_replaces_the_first(cast):
    remember(cast.practice, {"art": "group"})
    remember(cast.practice, {"art": "kind"})
    assert remembered(cast.practice) == {"art": "kind"}


def test_a_person_s_word_outranks_the_usual_meaning(cast):
    content = b"Name,Field ID,Heading\nx,K1,CC\n"
    (usual,) = templates_of(read("t.csv", content))
    (said,) = templates_of(read("t.csv", content), {"heading": "label", "name": ""})
    assert (usual.fields[0].label, said.fields[0].label) == ("x", "CC")


def test_a_json_list_with_unknown_keys_is_asked_about_by_its_keys():
    content = b'{"export": [{"kennung": "K1", "text": "CC", "n": 1}, {"kennung": "K2", "text": "HPI", "n": 2}]}'
    reading = read("t.json", content)
    found = asked(reading, {})
    assert [column.header for column in found.columns] == ["kennung", "text", "n"]
    headed, named = matched(reading, found, {0: "id", 1: "label", 2: "order"})
    (template,) = templates_of(headed, named)
    assert [field.field_id for field in template.fields] == ["K1", "K2"]
    again = read("t.json", content, named)
    assert [field.field_id for field in templates_of(again, named)[0].fields] == ["K1", "K2"]


def test_of_several_sheets_the_longest_is_asked_about(reading):
    book = read(
        "b.xlsx", workbook(("Read me", [["a", "b"]]), ("Felder", [["Kennung", "Text"], ["K1", "CC"], ["K2", "H"]]))
    )
    assert [column.header for column in asked(book, {}).columns] == ["Kennung", "Text"]


@given(
    st.lists(st.lists(st.text(max_size=6), min_size=1, max_size=5), min_size=1, max_size=6),
    st.dictionaries(st.integers(0, 5), st.sampled_from(["id", "label", "order", "kind", "group", ""])),
)
def test_whatever_the_table_and_the_answers_a_template_or_a_reason_comes_out(rows, said):
    text = "\n".join(";".join(cell.replace(";", " ").replace('"', " ") for cell in row) for row in rows)
    assert answered(text.encode(), said)


def answered(content: bytes, said) -> bool:
    """Whether a table and the answers about it end in templates, or in one of the two ways of saying why not."""
    try:
        reading = read("t.csv", content)
        if not reading.sheets[0].rows:
            return True
        headed, named = matched(reading, asked(reading, {}), said)
        return bool(templates_of(headed, named))
    except (CannotMatch, ImportRefused):
        return True
