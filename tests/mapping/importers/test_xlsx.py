"""Excel workbooks: several sheets, title rows, numbers that a spreadsheet changed, and what is refused."""

from datetime import date, time

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.importers import read_file
from mapping.importers.base import ImportedField, ImportRefused
from tests.mapping.importers.workbooks import HEADER, ROWS, changed, in_sheet, outcome, saved, workbook


def one(content, name="knee-clinic.xlsx"):
    (template,) = read_file(name, content)
    return template


def refusal(content, name="t.xlsx"):
    with pytest.raises(ImportRefused) as refused:
        read_file(name, content)
    return str(refused.value)


def test_a_worksheet_is_read_as_a_table():
    template = one(workbook())
    assert template.fields == (
        ImportedField("K1", "CC", 1, "free_text", 500),
        ImportedField("K2", "HPI", 2, "free_text", 6000),
    )
    assert (template.name, template.code) == ("knee-clinic", "KNEE-CLINIC")


def test_title_rows_and_blank_rows_above_the_header_are_understood():
    rows = [
        ["Template Inventory"],
        ["Template:", "Knee Visit (East)"],
        [],
        ["Specialty", "Orthopedics"],
        [],
        HEADER,
        *ROWS,
    ]
    template = one(workbook(("North", rows)))
    assert (template.name, template.specialty, len(template.fields)) == ("Knee Visit (East)", "Orthopedics", 2)


def test_every_sheet_with_field_identifiers_is_a_template_and_the_others_are_named():
    content = workbook(("Read me", [["How to fill this in"]]), ("Knee", [HEADER, *ROWS]), ("Hip", [HEADER, *ROWS[:1]]))
    knee, hip = read_file("visits.xlsx", content)
    assert (knee.code, hip.code) == ("KNEE", "HIP")
    assert any("sheet “Read me”" in note for note in knee.notes)


def test_a_refused_row_says_in_which_sheet_it_stands():
    broken = [HEADER, [1, None, "CC", None, None], *ROWS[1:]]
    _knee, hip = read_file("v.xlsx", workbook(("Knee", [HEADER, *ROWS]), ("Hip", broken)))
    assert [(row.place, row.reason) for row in hip.refused] == [("sheet “Hip”, row 2", "it has no field identifier")]


def test_row_numbers_are_excels_own():
    template = one(workbook(("S", [[], ["Title"], [], HEADER, ROWS[0], [], [2, None, "HPI", None, None]])))
    assert [row.place for row in template.refused] == ["row 7"]


def test_hidden_sheets_are_not_read_and_are_named():
    book = openpyxl.Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    book.create_sheet("Lists").append(["Free text", "Structured"])
    book["Lists"].sheet_state = "hidden"
    template = one(saved(book))
    assert len(template.fields) == 2
    assert "Hidden sheets were not read: Lists." in template.notes


@pytest.mark.parametrize("name, expected", [("Sheet1", "visit"), ("Tabelle2", "visit"), ("Knee", "Knee")])
def test_a_template_without_a_title_is_called_as_its_sheet_unless_that_says_nothing(name, expected):
    content = workbook((name, [HEADER, *ROWS]), ("Read me", [["a"]]))
    assert one(content, "visit.xlsx").name == expected


def test_sheets_under_the_same_title_are_each_called_by_their_sheet_too():
    title = ["Lakeside, Progress Notes"]
    content = workbook(("North", [title, HEADER, *ROWS]), ("South", [title, HEADER, *ROWS[:1]]))
    north, south = read_file("visit.xlsx", content)
    assert (north.name, north.code) == ("Lakeside, Progress Notes, North", "LAKESIDE-PROGRESS-NOTES-NORTH")
    assert (south.code, len(south.fields)) == ("LAKESIDE-PROGRESS-NOTES-SOUTH", 1)
    assert "Other sheets have the title “Lakeside, Progress Notes” too" in " ".join(south.notes)


def test_a_title_longer_than_a_code_may_be_still_leaves_room_for_the_sheets():
    title = ["Template: " + "Very long title of a practice " * 5]
    found = read_file("v.xlsx", workbook(("A", [title, HEADER, *ROWS]), ("B", [title, HEADER, *ROWS])))
    assert len({template.code for template in found}) == 2
    assert all(len(template.code) <= 60 for template in found)


def test_sheets_of_which_one_has_a_title_of_its_own_keep_that():
    rows = [HEADER, *ROWS]
    named = [("A", "Same"), ("B", "Same"), ("C", "Own")]
    found = read_file("v.xlsx", workbook(*((sheet, [[f"Template: {title}"], *rows]) for sheet, title in named)))
    assert [template.code for template in found] == ["SAME-A", "SAME-B", "OWN"]


def test_sheets_that_say_nothing_still_get_codes_of_their_own():
    found = read_file("visit.xlsx", workbook(("Sheet1", [HEADER, *ROWS]), ("Sheet2", [HEADER, *ROWS])))
    assert [template.code for template in found] == ["VISIT-SHEET1", "VISIT-SHEET2"]


@pytest.mark.parametrize(
    "typed, reason",
    [
        (119070.1, "the field identifier 119070.1 is a number with decimals"),
        (1234567890123456789, "is a number of more than 15 digits"),
        (date(2026, 1, 2), "was made a date by a spreadsheet"),
        (time(12, 30), "was made a date by a spreadsheet"),
        (True, "the field identifier TRUE was made true or false by a spreadsheet"),
        (False, "the field identifier FALSE was made true or false by a spreadsheet"),
    ],
)
def test_an_identifier_that_a_spreadsheet_may_have_changed_is_refused_not_guessed(typed, reason):
    template = one(workbook(("S", [HEADER, [1, typed, "CC", None, None], ROWS[1]])))
    assert [field.field_id for field in template.fields] == ["K2"]
    assert reason in template.refused[0].reason
    assert template.refused[0].reason.endswith("format the column as text")


@pytest.mark.parametrize("typed", ["TRUE", "1-Feb", "2024-02-01", "1.10"])
def test_an_identifier_in_a_cell_of_text_is_what_was_typed(typed):
    assert [field.field_id for field in one(workbook(("S", [HEADER, [1, typed, "CC", None, None]]))).fields] == [typed]


def test_true_and_false_say_whether_a_field_is_required():
    rows = [["Field ID", "Label", "Required"], ["K1", "CC", True], ["K2", "HPI", False]]
    assert [field.required for field in one(workbook(("S", rows))).fields] == [True, False]


def test_whole_numbers_are_identifiers_as_they_are_shown():
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active.append([1, 7, "CC", None, None])
    book.active["B2"].number_format = "000"
    book.active.append([2.0, 8, "HPI", None, 500.0])
    assert [(field.field_id, field.max_length) for field in one(saved(book)).fields] == [("007", None), ("8", 500)]


def test_true_and_false_are_yes_and_no():
    rows = [["Field ID", "Label", "Required"], ["K1", "CC", True], ["K2", "HPI", False]]
    assert [field.required for field in one(workbook(("S", rows))).fields] == [True, False]


def test_rows_formatted_to_the_last_column_there_is_are_no_wide_rows():
    book = openpyxl.Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    book.active.cell(2, 16384).number_format = "0"
    book.active.cell(2, 16384, " ")
    assert len(one(saved(book)).fields) == 2


def test_a_sheet_that_claims_to_be_the_largest_there_is_is_read_by_its_rows():
    content = in_sheet(workbook(), b'<dimension ref="A1:E3"', b'<dimension ref="A1:XFD1048576"')
    assert len(one(content).fields) == 2


def test_S14_a_formula_is_refused_with_its_cell():
    said = refusal(workbook(("North", [HEADER, [1, "=A1&B1", "CC", None, None]])))
    assert "Cell B2 of sheet “North” holds a formula" in said
    assert "paste it as values" in said


@pytest.mark.parametrize("typed", ["#REF!", "#N/A", "#NAME?"])
def test_a_cell_in_error_is_a_refused_row(typed):
    template = one(workbook(("S", [HEADER, [1, "K1", typed, None, None], ROWS[1]])))
    assert "is a formula or a cell's error" in template.refused[0].reason


@pytest.mark.parametrize(
    "part",
    ["xl/vbaProject.bin", "xl/macrosheets/sheet1.xml", "xl/activeX/activeX1.xml", "xl/VBAPROJECT.BIN"],
)
def test_S13_macros_are_refused(part):
    content = changed(workbook(), lambda name, body: body, **{part: b"<x/>"})
    assert "holds macros" in refusal(content)


def test_S13_a_macro_workbook_under_another_ending_is_refused_by_its_type():
    macro = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    plain = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    content = changed(workbook(), lambda name, body: body.replace(plain, macro))
    assert "holds macros" in refusal(content)
    assert "macros" in refusal(workbook(), "t.xlsm")


ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "docProps/app.xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_S10_declared_entities_are_refused_wherever_they_stand(part, encoding):
    def change(name: str, body: bytes) -> bytes:
        return ("<?xml version='1.0'?>" + ENTITY + "<x/>").encode(encoding) if name == part else body

    assert "declares XML entities" in refusal(changed(workbook(), change))


def test_S10_a_declaration_behind_a_long_comment_is_found():
    body = b"<?xml version='1.0'?><!--" + b"x" * (1024 * 1024 - 30) + b"-->" + ENTITY.encode() + b"<x/>"
    content = changed(workbook(), lambda name, part: body if name == "xl/workbook.xml" else part)
    assert "declares XML entities" in refusal(content)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"PK\x03\x04 and no more", "is not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "has a password, or is in the old Excel format"),
        (b"Order,Field ID,Label\n1,K1,CC\n", "is not an Excel workbook"),
    ],
)
def test_what_is_no_workbook_is_refused(content, said):
    assert said in refusal(content)


def test_an_archive_of_something_else_is_no_workbook():
    content = changed(workbook(), lambda name, body: None, **{"word/document.xml": b"<x/>"})
    assert "not an Excel workbook" in refusal(content)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"])
def test_a_damaged_part_is_refused_in_plain_words(part):
    content = changed(workbook(), lambda name, body: b"<broken" if name == part else body)
    assert "damaged" in refusal(content)


@pytest.mark.parametrize("name, said", [("a.xls", ".xlsx"), ("a.ods", ".xlsx"), ("a.zip", "Unpack"), ("a.xml", "CSV")])
def test_other_endings_say_what_to_do_instead(name, said):
    assert said in refusal(b"content", name)


CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), st.text(max_size=8))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=6), max_size=8))
def test_whatever_stands_in_the_cells_is_a_template_or_a_refusal(rows):
    try:
        content = workbook(("S", [HEADER, *rows]))
    except openpyxl.utils.exceptions.IllegalCharacterError:
        return
    assert outcome("t.xlsx", content)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=40), st.integers(0, 4000))
def test_S13_damaged_bytes_never_raise_anything_but_a_refusal(noise, place):
    content = bytearray(workbook())
    place %= len(content) - len(noise)
    content[place : place + len(noise)] = noise
    assert outcome("t.xlsx", bytes(content))
