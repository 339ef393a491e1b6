"""Files as practices really send them: merged cells, two header rows, marks nobody sees, samples with odd delimiters."""

import json

import openpyxl
import pytest

from mapping.importers import read_file
from mapping.importers.base import ImportRefused
from tests.mapping.importers.workbooks import changed, saved


def book(rows, *merged):
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for area in merged:
        made.active.merge_cells(area)
    return saved(made)


def one(content, name="t.xlsx"):
    (template,) = read_file(name, content)
    return template


HEADER = ["Section", "Field ID", "Label", "Type"]


def test_a_group_merged_over_its_rows_is_the_group_of_each_field():
    rows = [
        HEADER,
        ["Subjective", "S1", "CC", "Text"],
        [None, "S2", "HPI", "Text"],
        [None, "S3", "ROS", "Text"],
        ["Objective", "O1", "Vitals", "Text"],
        [None, "O2", "PE", "Text"],
        [None, "X1", "Other", "Text"],
    ]
    template = one(book(rows, "A2:A4", "A5:A6"))
    groups = {field.field_id: field.group for field in template.fields}
    assert groups == {
        "S1": "Subjective",
        "S2": "Subjective",
        "S3": "Subjective",
        "O1": "Objective",
        "O2": "Objective",
        "X1": "",
    }


def test_a_blank_group_that_is_not_merged_stays_blank():
    template = one(book([HEADER, ["Subjective", "S1", "CC", "Text"], [None, "S2", "HPI", "Text"]]))
    assert [field.group for field in template.fields] == ["Subjective", ""]


def test_an_identifier_merged_over_two_rows_is_one_field_and_the_second_row_is_refused():
    template = one(book([HEADER, ["S", "S1", "CC", "Text"], ["S", None, "HPI", "Text"]], "B2:B3"))
    assert [field.field_id for field in template.fields] == ["S1"]
    assert [row.place for row in template.refused] == ["row 3"]
    assert "stands already in row 2" in template.refused[0].reason


def test_an_area_merged_to_the_last_row_there_is_costs_no_more_than_the_rows():
    content = book([HEADER, ["S", "S1", "CC", "Text"], [None, "S2", "HPI", "Text"]], "A2:A3")
    template = one(changed(content, lambda _name, part: part.replace(b"A2:A3", b"A2:A1048576")))
    assert [field.group for field in template.fields] == ["S", "S"]


def test_blank_rows_within_a_merged_area_make_no_rows():
    template = one(book([HEADER, ["S", "S1", "CC", "Text"], [], [], [None, "S2", "HPI", "Text"]], "A2:A5"))
    assert ([field.field_id for field in template.fields], template.refused) == (["S1", "S2"], ())


def test_a_row_of_headings_over_the_header_is_no_title():
    rows = [
        ["Westside Internal Medicine", None, None, None],
        ["Field", None, "Rules", None],
        ["Field ID", "Label", "Max length", "Required"],
        ["A1", "Chief complaint", 200, "Y"],
    ]
    template = one(book(rows, "A1:D1", "A2:B2", "C2:D2"))
    assert (template.name, len(template.fields)) == ("Westside Internal Medicine", 1)
    assert (template.fields[0].max_length, template.fields[0].required) == (200, True)


@pytest.mark.parametrize("title", [["Name", "Knee Visit"], ["Template", "Knee Visit"], ["Label: Knee Visit"]])
def test_a_title_beside_its_word_is_still_the_name(title):
    assert one(book([title, ["Field ID", "Label"], ["A1", "CC"]])).name == "Knee Visit"


@pytest.mark.parametrize("mark", ["\u200f", "\u200e", "\u00ad", "\u200b", "\ufeff", "\u202b", "\u2066"])
def test_a_mark_nobody_sees_leaves_the_label_and_refuses_the_identifier(mark):
    rows = [["Field ID", "Label"], ["A1", f"{mark}Plan{mark}"], [f"A2{mark}", "HPI"]]
    template = one(book(rows))
    assert [(field.field_id, field.label) for field in template.fields] == [("A1", "Plan")]
    assert f"an invisible character (U+{ord(mark):04X})" in template.refused[0].reason
    assert "A2" in template.refused[0].reason


def test_labels_from_right_to_left_are_kept_letter_by_letter():
    rows = [["Field ID", "Label"], ["H1", "תלונה עיקרית"], ["A2", "الشكوى الرئيسية (CC)"]]
    assert [field.label for field in one(book(rows)).fields] == ["תלונה עיקרית", "الشكوى الرئيسية (CC)"]


def test_joiners_that_make_a_letter_another_are_kept():
    assert one(book([["Field ID", "Label"], ["P1", "می\u200cخواهم"]])).fields[0].label == "می\u200cخواهم"


def test_a_semicolon_file_with_quotes_and_a_byte_order_mark_is_read_as_typed():
    text = '"Field ID";"Label";"Required"\r\n"A;1";"He said ""plan""; or not";"yes"\r\n"A2";"multi\r\nline";"no"\r\n'
    template = one(text.encode("utf-8-sig"), "s.csv")
    fields = [(field.field_id, field.label, field.required) for field in template.fields]
    assert fields == [("A;1", 'He said "plan"; or not', True), ("A2", "multi line", False)]


def test_utf_16_with_tabs_is_read():
    text = "Field ID\tLabel\nA1\tMotivo de la visita\nA2\tDiagnóstico\n"
    assert [field.label for field in one(text.encode("utf-16"), "u.csv").fields] == [
        "Motivo de la visita",
        "Diagnóstico",
    ]


def test_numbers_as_identifiers_in_json_are_the_digits_and_what_is_no_identifier_is_refused():
    rows = [
        {"id": 101, "label": "CC"},
        {"id": 10**20, "label": "HPI"},
        {"id": None, "label": "Z"},
        {"id": 101, "label": "D"},
    ]
    template = one(json.dumps({"name": "T", "fields": rows}).encode(), "n.json")
    assert template.fields[0].field_id == "101"
    reasons = {row.place: row.reason for row in template.refused}
    assert "no field identifier" in reasons["fields[2]"]
    assert "stands already" in reasons["fields[3]"]


@pytest.mark.parametrize("name", ["big.csv", "big.xlsx"])
def test_five_thousand_rows_are_refused_with_the_remedy(name):
    rows = [[f"F{number}", f"Field {number}"] for number in range(5000)]
    lines = "Field ID,Label\n" + "".join(",".join(row) + "\n" for row in rows)
    content = lines.encode() if name.endswith("csv") else book([["Field ID", "Label"], *rows])
    with pytest.raises(ImportRefused, match=r"more than 2000 rows\. Split it by template"):
        read_file(name, content)


SAMPLE = "MSH{f}{c}~\\&{f}ECW{f}NORTH{f}{f}{f}20260101{f}{f}ORU{c}R01{f}1{f}P{f}2.5.1\rPID{f}1\rOBR{f}1{f}{f}{f}FM{c}Family\r"


def sample(*lines, field="|", part="^"):
    head = SAMPLE.format(f=field, c=part)
    return (head + "".join(line.replace("|", field).replace("^", part) + "\r" for line in lines)).encode()


@pytest.mark.parametrize("field, part", [("|", "^"), ("$", "%"), ("!", "*"), ("#", "@")])
def test_a_sample_with_delimiters_of_its_own_is_read_by_them(field, part):
    content = sample("OBX|1|TX|A1^CC||x", "OBX|2|TX|A2^HPI \\T\\ more||y", field=field, part=part)
    template = one(content, "c.hl7")
    assert (template.code, [(item.field_id, item.label) for item in template.fields]) == (
        "FM",
        [("A1", "CC"), ("A2", "HPI & more")],
    )


def test_an_identifier_that_comes_again_later_in_a_sample_is_refused_with_both_places():
    template = one(sample("OBX|1|TX|A1^CC||x", "OBX|2|TX|A2^HPI||y", "OBX|3|TX|A1^CC||z"), "r.hl7")
    assert [item.field_id for item in template.fields] == ["A1", "A2"]
    assert [(row.place, row.reason) for row in template.refused] == [
        ("OBX 3", "the field identifier A1 stands already in OBX 1")
    ]


def test_lines_of_one_text_in_a_sample_are_one_field():
    template = one(sample("OBX|1|TX|A1^CC|1|x", "OBX|2|TX|A1^CC|2|more", "OBX|3|TX|A2^HPI||y"), "s.hl7")
    assert ([item.field_id for item in template.fields], template.refused) == (["A1", "A2"], ())
