"""CSV files as spreadsheets and people make them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.importers import read_file
from mapping.importers.base import MAX_BYTES, ImportedField, ImportRefused

PLAIN = "Order,Field ID,Label,Type,Max Length,Required,Group\n1,A1,CC,Free text,200,yes,Subjective\n2,A2,Meds,Structured,,no,\n"


def one(text, name="knee-clinic.csv", encoding="utf-8"):
    (template,) = read_file(name, text.encode(encoding))
    return template


def refusal(content, name="t.csv"):
    with pytest.raises(ImportRefused) as refused:
        read_file(name, content if isinstance(content, bytes) else content.encode())
    return str(refused.value)


def test_every_property_of_a_field_is_read():
    template = one(PLAIN)
    assert template.fields == (
        ImportedField("A1", "CC", 1, "free_text", 200, True, "Subjective"),
        ImportedField("A2", "Meds", 2, "structured", None, False, ""),
    )
    assert (template.name, template.code, template.refused) == ("knee-clinic", "KNEE-CLINIC", ())


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_separator_encoding_and_line_ends_do_not_matter(separator, encoding, ending):
    text = PLAIN.replace("CC", "Café, “CC”" if separator != "," else "Café").replace(",", separator)
    if separator != ",":
        text = text.replace(f"Café{separator} ", "Café, ")
    template = one(text.replace("\n", ending), encoding=encoding)
    assert [field.field_id for field in template.fields] == ["A1", "A2"]
    assert template.fields[0].label.startswith("Café")
    assert ("Windows-1252" in " ".join(template.notes)) == (encoding == "cp1252")


def test_titles_above_the_header_name_the_template():
    template = one(f"Template: Knee Visit (East)\nSpecialty;Orthopedics\n\nTemplate Code: KN-7\n{PLAIN}")
    assert (template.name, template.code) == ("Knee Visit (East)", "KN-7")


def test_a_lone_title_is_the_name_and_an_export_remark_is_not():
    template = one(f"Template Inventory\nKnee Visit\nExported: yesterday\n{PLAIN}")
    assert (template.name, template.code) == ("Knee Visit", "KNEE-VISIT")


def test_blank_rows_are_passed_over_and_refused_rows_keep_the_file_s_row_numbers():
    template = one("Order,Field ID,Label\n\n1,A1,CC\n , ,\n2,,Plan\n\n3,A1,HPI\n")
    assert [field.field_id for field in template.fields] == ["A1"]
    assert [(row.place, row.reason) for row in template.refused] == [
        ("row 5", "it has no field identifier"),
        ("row 7", "the field identifier A1 stands already in row 3"),
    ]


def test_a_cell_over_several_lines_does_not_shift_the_row_numbers():
    template = one('Order,Field ID,Label\n1,A1,"Chief\ncomplaint"\n2,,Plan\n')
    assert template.fields[0].label == "Chief complaint"
    assert template.refused[0].place == "row 4"


def test_fields_follow_their_order_not_their_rows():
    template = one("Order,Field ID,Label\n30,C,Plan\n10,A,CC\n20,B,HPI\n")
    assert [(field.field_id, field.position) for field in template.fields] == [("A", 1), ("B", 2), ("C", 3)]


def test_without_an_order_column_the_file_s_order_counts_and_is_said():
    template = one("Field ID,Label\nB,HPI\nA,CC\n")
    assert [field.field_id for field in template.fields] == ["B", "A"]
    assert any("order of the file" in note for note in template.notes)


def test_an_order_given_twice_refuses_the_later_row():
    template = one("Order,Field ID,Label\n1,A,CC\n1,B,HPI\n,C,ROS\n")
    assert [(row.place, row.reason) for row in template.refused] == [
        ("row 4", "it has no order, and other rows have"),
        ("row 3", "order 1 is taken by row 2"),
    ]


def test_an_order_that_starts_again_in_each_group_follows_the_groups():
    text = "Group,Order,Field ID,Label\nS,1,A,CC\nO,2,D,Labs\nS,2,B,HPI\nO,1,C,Exam\n"
    assert [field.field_id for field in one(text).fields] == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    "row, reason",
    [
        ("one,A1,CC,,", "the order “one” is not a whole number"),
        ("1.5,A1,CC,,", "the order “1.5” is not a whole number"),
        ("-1,A1,CC,,", "the order “-1” is not a whole number"),
        ("1,A1,CC,,lots", "the length “lots” is not a whole number of characters"),
        ("1,A1,CC,,0", "the length is 0: leave it empty where there is no limit"),
        ("1,A1,CC,,99999999999", "the length “99999999999” is not a whole number of characters"),
        ("1,A1,CC,Hologram,", "the type “Hologram” is not known: write Free Text or Structured"),
        ("1,1.19E+05,CC,,", "the field identifier 1.19E+05 was mangled by a spreadsheet: format the column as text"),
        (f"1,{'x' * 81},CC,,", "the field identifier has 81 characters; 80 are the most"),
        (f"1,A1,{'x' * 201},,", "the label has 201 characters; 200 are the most"),
        ("1,A\x07,CC,,", "the field identifier holds control characters"),
    ],
)
def test_a_bad_value_refuses_its_row_with_the_reason(row, reason):
    template = one(f"Order,Field ID,Label,Type,Max Length\n{row}\n2,OK,Plan,,\n")
    assert [(refused.place, refused.reason) for refused in template.refused] == [("row 2", reason)]
    assert [field.field_id for field in template.fields] == ["OK"]


@pytest.mark.parametrize(
    "written, length", [("", None), ("none", None), ("N/A", None), ("250", 250), ("250.0", 250), ('"12,000"', 12000)]
)
def test_lengths_as_spreadsheets_write_them(written, length):
    assert one(f"Order,Field ID,Label,Max Chars\n1,A,CC,{written}\n").fields[0].max_length == length


@pytest.mark.parametrize(
    "written, kind",
    [
        *[(written, "free_text") for written in ("F", "FREE_TEXT", "", "Free-text")],
        *[(written, "structured") for written in ("S", "Structured (dropdown)", "Coded")],
    ],
)
def test_types_as_practices_write_them(written, kind):
    assert one(f"Order,Field ID,Label,Type\n1,A,CC,{written}\n").fields[0].kind == kind


@pytest.mark.parametrize(
    "header",
    [
        "Seq,Section / Field Name,eCW Field ID,Field Type,Max Chars",
        "#,Title,fieldId,Kind,maxLen",
        "No.,Name,OBX-3,TYPE,Limit",
        "Sequence,Section,Identifier,Data Type,Length",
    ],
)
def test_headers_as_practices_write_them(header):
    field = one(f"{header}\n1,Chief Complaints,119.1,Free text,500\n").fields[0]
    assert field == ImportedField("119.1", "Chief Complaints", 1, "free_text", 500)


def test_several_templates_in_one_file_are_told_apart():
    text = "TemplateName,Loc,FieldID,Label,Order\nKnee,East,K1,CC,1\nHip,East,K1,CC,1\nKnee,East,K2,Plan,2\n"
    knee, hip = read_file("t.csv", text.encode())
    assert ([field.field_id for field in knee.fields], knee.code) == (["K1", "K2"], "KNEE")
    assert ([field.field_id for field in hip.fields], hip.code) == (["K1"], "HIP")
    assert any("site East" in note for note in knee.notes)


@pytest.mark.parametrize(
    "made",
    [
        *(
            "1-Feb",
            "01-Feb-24",
            "1 February 2024",
            "Feb-24",
            "1. Mai 2024",
            "2/1/2024",
            "2/1/24",
            "01.02.2024",
            "1-2-2024",
        ),
        *("2024-02-01", "2024/2/1", "2024-02-01 00:00:00", "2024-02-01T00:00:00.000", "2/1/2024 0:00"),
    ],
)
def test_an_identifier_that_a_spreadsheet_made_a_date_refuses_its_row_with_the_reason(made):
    template = one(f"Field ID,Label\n{made},CC\nK2,Plan\n")
    assert [field.field_id for field in template.fields] == ["K2"]
    (refused,) = template.refused
    assert refused.place == "row 2"
    assert refused.reason == (
        f"the field identifier {made} was made a date by a spreadsheet: format the column as text"
    )


@pytest.mark.parametrize("made", ["TRUE", "False", "WAHR", "faux"])
def test_an_identifier_that_a_spreadsheet_made_true_or_false_refuses_its_row(made):
    (refused,) = one(f"Field ID,Label\n{made},CC\nK2,Plan\n").refused
    assert "was made true or false by a spreadsheet" in refused.reason


@pytest.mark.parametrize(
    "typed",
    [
        *("MAR-01", "1-FEB", "8716-3", "12-3", "2024-1-A", "1/2", "1.2.3", "Plan-24", "1-Marker", "2024", "13-40-2024"),
        *("TRUE-1", "Decem-24", "FM-2024-02-01", "1.10.003"),
    ],
)
def test_an_identifier_that_only_resembles_a_date_is_taken_as_it_was_typed(typed):
    assert [field.field_id for field in one(f"Field ID,Label\n{typed},CC\n").fields] == [typed]


def test_a_date_or_true_in_another_column_is_no_doubt_about_the_identifier():
    (field,) = one("Field ID,Label,Required\nK1,2024-02-01,TRUE\n").fields
    assert (field.field_id, field.label, field.required) == ("K1", "2024-02-01", True)


def test_columns_without_meaning_are_said():
    assert "Columns not used: Colour, Shelf." in one("Order,Field ID,Label,Colour,Shelf\n1,A,CC,red,3\n").notes


def test_a_file_without_identifiers_says_which_columns_it_has_and_what_would_do():
    message = refusal("Order;Label;Type\n1;CC;Free Text\n")
    assert "Row 1 has the columns “Order”, “Label”, “Type”" in message
    assert "Field ID" in message


@pytest.mark.parametrize("content", [b"", b"  \n \n", b"\xef\xbb\xbf", b",,,\n,,\n"])
def test_an_empty_file_says_so(content):
    assert "empty" in refusal(content)


def test_a_header_alone_says_so():
    assert "no row follows it" in refusal("Order,Field ID,Label\n")


def test_a_file_over_five_megabytes_is_refused():
    assert "10.0 MB; 5 MB are the most" in refusal(b"x" * (2 * MAX_BYTES))


def test_more_rows_than_the_limit_are_refused():
    rows = "\n".join(f"{number},F{number},Field {number}" for number in range(1, 2200))
    assert "2000" in refusal(f"Order,Field ID,Label\n{rows}\n")


def test_two_thousand_rows_are_taken():
    rows = "\n".join(f"{number},F{number},Field {number}" for number in range(1, 2001))
    assert len(one(f"Order,Field ID,Label\n{rows}\n").fields) == 2000


@pytest.mark.parametrize("columns", [300, 1_000_000])
def test_more_columns_than_the_limit_are_refused(columns):
    assert "columns; 200 are the most" in refusal("Order,Field ID,Label" + ",x" * columns + "\n1,A,CC\n")


def test_nul_bytes_are_refused():
    assert "NUL" in refusal(b"Order,Field ID,Label\n1,A\x00,CC\n")


def test_an_open_quotation_mark_is_refused_with_its_row():
    assert "Row 3 cannot be read" in refusal('Order,Field ID,Label\n1,A,CC\n2,B,"HPI\n3,C,ROS\n')


def test_bytes_that_are_no_text_are_refused():
    assert "no text" in refusal(b"Order,Field ID\n1,\x81\x8d\n")


def test_a_file_of_refused_rows_alone_gives_the_first_reason():
    assert "row 2: it has no field identifier" in refusal("Order,Field ID,Label\n1,,CC\n")


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content):
    with contextlib.suppress(ImportRefused):
        assert all(template.fields for template in read_file("t.csv", content))


@given(st.text(max_size=200))
def test_any_text_under_a_header_is_read_or_refused(text):
    try:
        (template,) = read_file("t.csv", f"Order,Field ID,Label,Type\n{text}".encode())
    except (ImportRefused, UnicodeEncodeError):
        return
    assert [field.position for field in template.fields] == list(range(1, len(template.fields) + 1))
    assert len({field.field_id for field in template.fields}) == len(template.fields)
