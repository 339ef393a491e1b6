"""Tables as practices keep them: titles above the header, separators, sites, several templates, several sheets."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.importers import csv as csv_reader
from mapping.importers import read, read_file
from mapping.importers.base import MAX_COLUMNS, ImportRefused
from mapping.importers.headers import accepted, meaning, meanings, words
from mapping.importers.reading import Reading, reading_from_json, reading_in_json, templates_of, unmatched, with_header
from mapping.importers.sheets import HEADER_WITHIN, Row, Sheet, bounded
from mapping.importers.table import ColumnsUnknown, header_index, likely_header, templates_in


def one(text: str, name: str = "knee.csv"):
    (template,) = read_file(name, text.encode())
    return template


def sheet(*rows: tuple[str, ...], name: str = "", **more) -> Sheet:
    return Sheet(name, tuple(Row(number, cells) for number, cells in enumerate(rows, 1)), **more)


def refusal(text: str) -> str:
    with pytest.raises(ImportRefused) as refused:
        read_file("t.csv", text.encode())
    return str(refused.value)


# --- Spanish headers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identifier", ["ID del campo", "Identificador", "Código"])
def test_the_headers_may_be_spanish(identifier):
    text = (
        f"Orden;{identifier};Etiqueta;Tipo;Longitud máxima;Obligatorio;Sección\n"
        "1;MX1;Motivo de consulta;Texto libre;300;Sí;Subjetivo\n"
        "2;MX2;Diagnósticos;Estructurado;500;No;Análisis\n"
    )
    first, second = one(text).fields
    assert (first.field_id, first.label, first.kind, first.max_length) == (
        "MX1",
        "Motivo de consulta",
        "free_text",
        300,
    )
    assert (first.required, first.group) == (True, "Subjetivo")
    assert (second.kind, second.required, second.group) == ("structured", False, "Análisis")


@pytest.mark.parametrize("header", ["Path", "Category path", "Section Path", "Note Section", "Categoría"])
def test_a_path_is_the_group_of_its_fields(header):
    (field,) = one(f"Field ID,{header},Field Label\nF1,Subjective > HPI,Comments\n").fields
    assert (field.group, field.label) == ("Subjective > HPI", "Comments")


def test_an_english_header_counts_before_a_spanish_one_for_the_same_property():
    assert meanings(["Nombre", "Field Label", "Código", "Field ID"]) == {"label": 1, "id": 3}


def test_what_a_person_said_of_an_accented_header_is_still_found():
    assert meaning("Sección", {"sección": "label"}) == "label"


# --- separators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "^", "~"])
def test_a_file_is_read_with_whatever_separates_it(mark):
    rows = [["Order", "Field ID", "Label"], ["1", "A", "Chief, complaint; today"], ["2", "B", "Plan"]]
    text = "\n".join(mark.join(f'"{cell}"' for cell in row) for row in rows)
    assert [(field.field_id, field.label) for field in one(text).fields] == [
        ("A", "Chief, complaint; today"),
        ("B", "Plan"),
    ]


@pytest.mark.parametrize("first", ["sep=!", '"sep=!"', "SEP=!", "sep=! "])
def test_the_line_by_which_a_spreadsheet_is_told_the_separator_counts_and_is_no_row(first):
    template = one(f"{first}\nField ID!Label\nA!CC\n!Plan\n")
    assert [field.field_id for field in template.fields] == ["A"]
    assert [item.place for item in template.refused] == ["row 4"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_rows_keep_their_numbers_whatever_ends_them(ending):
    text = ending.join(["Field ID,Label", "A,CC", "", ",Plan", ""])
    assert [item.place for item in one(text).refused] == ["row 4"]


def test_the_separator_that_explains_the_header_wins_over_one_that_is_frequent():
    assert [field.label for field in one("Field ID;Label\nA;a,b,c,d,e\nB;f,g,h,i,j\n").fields] == [
        "a,b,c,d,e",
        "f,g,h,i,j",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_accents_arrive_in_every_encoding_a_spreadsheet_saves(encoding):
    (template,) = read_file("t.csv", "Field ID,Label\nA,Café – Anamnèse\n".encode(encoding))
    assert template.fields[0].label == "Café – Anamnèse"
    assert any("Windows-1252" in note for note in template.notes) is (encoding == "cp1252")


def test_a_wide_line_is_refused_by_its_width():
    assert f"{MAX_COLUMNS} are the most" in refusal("Field ID,Label\nA" + "," * MAX_COLUMNS + "\n")


# --- what stands above the header -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "above, name, code, specialty",
    [
        ("Template: Knee Visit", "Knee Visit", "KNEE-VISIT", ""),
        ("Template Name,Knee Visit", "Knee Visit", "KNEE-VISIT", ""),
        ("Knee Visit", "Knee Visit", "KNEE-VISIT", ""),
        ("Template: Knee\nTemplate ID: K-7", "Knee", "K-7", ""),
        ("Template Code,K-7", "knee", "K-7", ""),
        ("Specialty: Orthopedics", "knee", "KNEE", "Orthopedics"),
        ("Exported: today", "knee", "KNEE", ""),
    ],
)
def test_titles_name_the_template_its_code_and_its_specialty(above, name, code, specialty):
    template = one(f"{above}\nField ID,Label\nA,CC\n")
    assert (template.name, template.code, template.specialty) == (name, code, specialty)


def test_a_site_above_the_header_is_said_to_be_checked():
    assert (
        "The file names the site East: check that this is the right location."
        in one("Location: East\nField ID,Label\nA,CC\n").notes
    )


def test_sites_in_a_column_are_said_once_each_in_order():
    text = "Location,Field ID,Label\nWest,A,CC\nEast,B,HPI\nWest,C,Plan\n"
    assert "The file names the site East, West: check that this is the right location." in one(text).notes


def test_no_more_than_five_sites_are_named():
    text = "Location,Field ID,Label\n" + "".join(f"S{n},F{n},L\n" for n in range(8))
    (said,) = [note for note in one(text).notes if "site" in note]
    assert "S4" in said
    assert "S5" not in said


def test_a_header_is_looked_for_near_the_top_only():
    within = "title\n" * (HEADER_WITHIN - 1) + "Field ID,Label\nA,CC\n"
    assert one(within).fields[0].field_id == "A"
    with pytest.raises(ColumnsUnknown):
        read_file("t.csv", ("title,x\n" * HEADER_WITHIN + "Field ID,Label\nA,CC\n").encode())


# --- columns ----------------------------------------------------------------------------------------------------------


def test_columns_nobody_knows_are_named_and_the_others_read():
    template = one("Colour,Field ID,Label,Mood\nred,A,CC,good\n")
    assert "Columns not used: Colour, Mood." in template.notes
    assert template.fields[0].label == "CC"


def test_a_column_that_a_person_set_aside_is_not_named_again():
    (template,) = read_file("t.csv", b"Colour,Field ID,Label\nred,A,CC\n", {"colour": ""})
    assert not any("not used" in note for note in template.notes)


@pytest.mark.parametrize(
    "headers, columns",
    [
        (["Field ID", "Section"], {"id": 0, "label": 1}),
        (["Field ID", "Label", "Section"], {"id": 0, "label": 1, "group": 2}),
        (["#", "Field ID", "Name"], {"order": 0, "id": 1, "label": 2}),
        (["Code", "Field ID", "Name"], {"id": 1, "label": 2}),
        (["Field ID", "Field ID"], {"id": 0}),
        (["", "Field ID"], {"id": 1}),
        ([], {}),
    ],
)
def test_headers_find_their_columns(headers, columns):
    assert meanings(headers) == columns


def test_what_a_person_said_of_a_header_comes_before_the_usual_name():
    assert meanings(["Field ID", "Kennung"], {"kennung": "id"}) == {"id": 1}


@pytest.mark.parametrize(
    "header, said",
    [
        ("eCW Field-ID*", "field id"),
        ("ecwFieldId", "field id"),
        ("eClinicalWorks Field ID", "field id"),
        ("OBX-3", "obx 3"),
        ("maxLength", "max length"),
        ("XMLKey", "xml key"),
        ("__max__len__", "max len"),
        ("  ", ""),
    ],
)
def test_a_header_is_known_by_its_words(header, said):
    assert words(header) == said


@pytest.mark.parametrize("header", ["Colour", "", "Field", "fieldidentifiers", "ID of patient"])
def test_of_headers_that_only_resemble_one_none_is_taken_for_an_identifier(header):
    assert meaning(header) != "id"


def test_messages_name_headers_as_people_write_them():
    assert accepted("id") == "Field ID, Field Identifier, Field Code, Field Key"


def test_without_identifiers_the_likeliest_row_is_shown_with_its_columns():
    said = refusal("Practice list\nLabel,Type,Length\nCC,Text,500\n")
    assert "Row 2 has the columns “Label”, “Type”, “Length”." in said
    assert "Name the column Field ID," in said


@pytest.mark.parametrize(
    "rows, place",
    [
        ((("Field ID", "Label"), ("A", "CC")), 0),
        ((("Visit",), ("Field ID", "Label")), 1),
        ((("Field ID",), ("Field ID", "Colour")), None),
        ((("Field ID", "Order"),), 0),
        ((("Field ID", "Max length"),), 0),
        ((("Label", "Type"),), None),
    ],
)
def test_a_header_has_identifiers_and_one_thing_more(rows, place):
    assert header_index(sheet(*rows).rows) == place


@pytest.mark.parametrize(
    "rows, place",
    [
        ((("a",), ("b", "c")), 1),
        ((("a", "b"), ("Label", "")), 1),
        ((("a", "b"), ("c", "d")), 0),
        ((("", ""), ("x",)), 1),
    ],
)
def test_the_row_asked_about_is_the_one_with_most_that_is_understood_and_else_most_words(rows, place):
    assert likely_header(sheet(*rows).rows) == place


# --- several templates, several sheets --------------------------------------------------------------------------------


def test_a_column_of_template_names_divides_the_file():
    text = "Template,Field ID,Label\nKnee,A,CC\nHip,A,CC\nKnee,B,Plan\n"
    assert [(found.name, len(found.fields)) for found in read_file("t.csv", text.encode())] == [("Knee", 2), ("Hip", 1)]


def test_templates_of_one_name_and_two_codes_are_two():
    text = "Template,Template ID,Field ID,Label\nKnee,K1,A,CC\nKnee,K2,A,CC\n"
    assert [found.code for found in read_file("t.csv", text.encode())] == ["K1", "K2"]


def test_a_sheet_without_identifiers_is_named_beside_the_others():
    reading = Reading(
        "book", sheets=(sheet(("Field ID", "Label"), ("A", "CC"), name="Visit"), sheet(("hello",), name="Notes"))
    )
    (template,) = templates_of(reading)
    assert template.name == "Visit"
    assert "Not read, for want of field identifiers: sheet “Notes”." in template.notes


@pytest.mark.parametrize(
    "name, called",
    [("Sheet1", "book"), ("Tabelle 2", "book"), ("export", "book"), ("", "book"), ("Knee", "Knee"), ("Data 3", "book")],
)
def test_a_sheet_s_own_name_counts_where_a_person_gave_it(name, called):
    (template,) = templates_of(Reading("book", sheets=(sheet(("Field ID", "Label"), ("A", "CC"), name=name),)))
    assert template.name == called


def test_refused_rows_of_a_named_sheet_say_the_sheet():
    (template,) = templates_in(sheet(("Field ID", "Label"), ("A", "CC"), ("", "Plan"), name="North"), "x")
    assert [item.place for item in template.refused] == ["sheet “North”, row 3"]


def test_a_header_nothing_follows_is_refused_with_its_place():
    with pytest.raises(ImportRefused, match="Sheet “north”, row 1 is the header, and no row follows it"):
        templates_in(sheet(("Field ID", "Label"), name="North"), "x")


def test_the_longest_sheet_is_the_one_asked_about_and_takes_the_headers_said_of_it():
    long = sheet(("a", "b"), ("c", "d"), name="long")
    reading = Reading("book", sheets=(sheet(("x",), name="short"), long))
    assert unmatched(reading) is long
    headed = with_header(reading, ["Field ID", "Label"])
    assert unmatched(headed).rows[0] == Row(0, ("Field ID", "Label"))
    assert headed.sheets[0] is reading.sheets[0]
    assert [field.field_id for field in templates_of(headed)[0].fields] == ["a", "c"]


def test_blank_rows_do_not_count_against_the_limits():
    rows = [Row(1, ("", " ")), Row(2, ("a",)), Row(3, ("\t",))]
    assert [row.number for row in bounded(rows)] == [2]


# --- whatever the cells -----------------------------------------------------------------------------------------------

cells = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=8)
tables = st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6)


@given(tables, st.dictionaries(st.integers(0, 3), st.text(max_size=5), max_size=2))
def test_sheets_come_back_from_json_as_they_were(rows, doubtful):
    made = Sheet("S", tuple(Row(number, tuple(row), doubtful) for number, row in enumerate(rows)), ("said",), "item")
    reading = Reading("book", sheets=(made,))
    assert reading_from_json(json.loads(json.dumps(reading_in_json(reading)))) == reading


@given(tables)
def test_any_table_has_a_row_to_ask_about(rows):
    listed = sheet(*map(tuple, rows)).rows
    assert 0 <= likely_header(listed) < len(listed)


@given(
    st.lists(
        st.tuples(st.integers(1, 999), cells.filter(str.strip)), min_size=1, max_size=8, unique_by=lambda pair: pair[0]
    )
)
def test_every_quoted_cell_arrives_as_it_was_typed(pairs):
    quoted = "\n".join(f'F{number},"{label.replace(chr(34), chr(34) * 2)}"' for number, label in pairs)
    made = csv_reader.read(f"Field ID,Label\n{quoted}\n".encode())
    assert [row.cells for row in made.rows[1:]] == [(f"F{number}", label) for number, label in pairs]


def test_an_ending_in_capitals_is_read_all_the_same():
    assert read("T.CSV", b"Field ID,Label\nA,CC\n").sheets[0].rows[0].cells == ("Field ID", "Label")
