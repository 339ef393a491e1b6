"""One template saved in every format there is comes out the same; what a format cannot say is said, never made up."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.importers import INSTEAD, READERS, read, read_file
from mapping.importers.base import ImportedField, ImportRefused, fingerprint
from mapping.importers.headers import HEADERS, meanings
from mapping.importers.reading import Reading, reading_from_json, reading_in_json, templates_of
from mapping.importers.sheets import Row, Sheet
from tests.mapping.importers.workbooks import workbook

HEADER = ["Order", "Field ID", "Label", "Type", "Max Length", "Required", "Group"]
WORDS = st.sampled_from(["Complaint", "Exam", "Größe", "Año", "主訴", "History", "Plan", "Knee & Hip"])
texts = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
fields = st.lists(
    st.builds(
        ImportedField,
        st.from_regex(r"[A-Z]{2}-[0-9]{2}\.[a-z]{2}", fullmatch=True),
        texts,
        st.just(0),
        st.sampled_from(["free_text", "structured"]),
        st.none() | st.integers(1, 99_999),
        st.booleans(),
        st.just("") | texts,
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda field: field.field_id,
).map(lambda made: [replace(field, position=place) for place, field in enumerate(made, start=1)])
shuffled = fields.flatmap(lambda made: st.permutations(made).map(lambda order: (made, list(order))))


FEW = settings(max_examples=12)  # each reads whole files


def cells(field):
    kind = "Free text" if field.kind == "free_text" else "Structured"
    limit = "" if field.max_length is None else str(field.max_length)
    row = [str(field.position), field.field_id, field.label, kind, limit, "Yes" if field.required else "No"]
    return [*row, field.group]


def as_csv(rows, separator=","):
    return "\r\n".join(separator.join(row) for row in [HEADER, *rows]).encode()


def as_json(rows):
    return json.dumps({"fields": [dict(zip(HEADER, row, strict=True)) for row in rows]}).encode()


def as_hl7(made):
    """A sample message that fills every field."""
    lines = ["MSH|^~\\&|A|N|||||ORU^R01|1|P|2.5.1", "OBR|1|||T^T"]
    for place, field in enumerate(made, start=1):
        kind = "TX" if field.kind == "free_text" else "CWE"
        lines.append(f"OBX|{place}|{kind}|{field.field_id}^{field.label.replace('&', chr(92) + 'T' + chr(92))}||x")
    return "\r".join(lines).encode()


def only(name, content):
    (template,) = read_file(name, content)
    return template


@FEW
@given(shuffled)
def test_a_table_of_text_a_workbook_and_json_make_the_same_fields_in_whatever_order_the_rows_stand(given_fields):
    made, order = given_fields
    rows = [cells(field) for field in order]
    found = [
        only("t.csv", as_csv(rows)),
        only("t.tsv", as_csv(rows, "\t")),
        only("t.json", as_json(rows)),
        only("t.xlsx", workbook(("Visit", [HEADER, *rows]))),
    ]
    assert [template.fields for template in found] == [tuple(made)] * 4
    assert {fingerprint(template.fields) for template in found} == {fingerprint(made)}
    assert not any(template.refused for template in found)


@FEW
@given(fields)
def test_a_sample_message_names_the_same_fields_and_says_that_it_shows_no_more(made):
    template = only("t.hl7", as_hl7(made))
    assert [(one.field_id, one.label, one.kind) for one in template.fields] == [
        (one.field_id, one.label, one.kind) for one in made
    ]
    assert {(one.max_length, one.required, one.group) for one in template.fields} == {(None, False, "")}
    assert "Lengths and required fields are not known" in " ".join(template.notes)


@FEW
@given(fields, st.data())
def test_one_wrong_row_is_refused_alone_and_takes_nothing_from_the_others_in_any_format(made, data):
    at = data.draw(st.integers(0, len(made) - 1))
    rows = [cells(field) for field in made]
    rows[at] = data.draw(
        st.sampled_from([[*rows[at][:3], "Holograph", *rows[at][4:]], [*rows[at][:4], "some", *rows[at][5:]]])
    )
    sound = [field.field_id for field in made if field is not made[at]]
    files = {"t.csv": as_csv(rows), "t.json": as_json(rows), "t.xlsx": workbook(("Visit", [HEADER, *rows]))}
    for name, content in files.items():
        if not sound:
            with pytest.raises(ImportRefused, match="No row of"):
                read_file(name, content)
            continue
        template = only(name, content)
        assert [field.field_id for field in template.fields] == sound
        (refused,) = template.refused
        assert refused.place in (f"row {at + 2}", f"fields[{at}]")


@FEW
@given(fields)
def test_a_reading_of_any_format_survives_the_way_out_of_the_child_that_read_it(made):
    rows = [cells(field) for field in made]
    for name, content in (("t.csv", as_csv(rows)), ("t.json", as_json(rows)), ("t.hl7", as_hl7(made))):
        reading = read(name, content)
        carried = reading_from_json(json.loads(json.dumps(reading_in_json(reading))))
        assert templates_of(carried) == templates_of(reading)


@FEW
@given(st.permutations(range(7)), fields)
def test_the_order_of_the_columns_says_nothing(order, made):
    rows = [cells(field) for field in made]
    content = "\n".join(",".join(row[column] for column in order) for row in [HEADER, *rows]).encode()
    assert only("t.csv", content).fields == tuple(made)


@FEW
@given(fields, st.integers(0, 3))
def test_blank_rows_between_the_others_change_no_field(made, blank):
    rows = [line for field in made for line in ([""] * 7, cells(field))]
    content = as_csv([*[[""] * 7] * blank, *rows])
    assert only("t.csv", content).fields == tuple(made)


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_no_property_has_a_header_twice(name):
    assert len(set(HEADERS[name])) == len(HEADERS[name])


@given(st.lists(st.sampled_from([header for listed in HEADERS.values() for header in listed]), max_size=8))
def test_no_column_holds_two_properties_and_each_property_one_column(headers):
    found = meanings(headers)
    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= set(range(len(headers)))


class TestAnEnding:
    @pytest.mark.parametrize("ending", sorted(INSTEAD))
    def test_that_is_not_read_says_what_to_do_instead(self, ending):
        assert ending not in READERS
        with pytest.raises(ImportRefused, match=r"cannot be read\. \w+.*\.$"):
            read(f"template{ending}", b"x")

    @pytest.mark.parametrize("name", ["template", ".csv", "template.", "csv"])
    def test_that_is_missing_is_answered_with_those_that_are(self, name):
        with pytest.raises(ImportRefused, match=r"\.csv, \.hl7, \.json"):
            read(name, b"x")

    def test_as_long_as_a_name_is_shown_cut(self):
        with pytest.raises(ImportRefused) as refused:
            read("a." + "x" * 300, b"x")
        assert "x" * 10 not in str(refused.value)

    @pytest.mark.parametrize("name", ["sample.txt", "sample.csv", "sample.tsv"])
    def test_of_text_is_not_believed_where_the_content_is_a_message(self, name):
        made = [ImportedField("AA-01.aa", "Exam", 1)]
        assert only(name, as_hl7(made)).fields == tuple(made)

    @pytest.mark.parametrize("content", [b"", b" ", b"\r\n\r\n", b"\t"])
    @pytest.mark.parametrize("ending", sorted(READERS))
    def test_of_any_kind_over_an_empty_file_is_an_empty_file(self, ending, content):
        with pytest.raises(ImportRefused, match="The file is empty"):
            read(f"t{ending}", content)


class TestAMessage:
    def test_at_fault_among_sound_ones_is_named_by_its_number_and_takes_all_with_it(self):
        sound = as_hl7([ImportedField("AA-01.aa", "Exam", 1)])
        with pytest.raises(ImportRefused, match="Message 2 is ADT"):
            read_file("t.hl7", sound + b"\r" + sound.replace(b"ORU^R01", b"ADT^A01"))

    def test_of_fifty_is_taken_and_one_more_is_not(self):
        one = as_hl7([ImportedField("AA-01.aa", "Exam", 1)])
        many = [one.replace(b"T^T", f"T{number}^T".encode()) for number in range(51)]
        assert len(read("t.hl7", b"\r".join(many[:50])).templates) == 50
        with pytest.raises(ImportRefused, match="51 messages; 50 are the most"):
            read("t.hl7", b"\r".join(many))

    def test_in_a_batch_is_read_past_the_segments_around_it(self):
        one = as_hl7([ImportedField("AA-01.aa", "Exam", 1)])
        batch = b"FHS|^~\\&\rBHS|^~\\&\r" + one + b"\rBTS|1\rFTS|1\r"
        assert [field.field_id for field in only("t.hl7", batch).fields] == ["AA-01.aa"]

    def test_that_names_no_template_is_called_as_its_file(self):
        content = as_hl7([ImportedField("AA-01.aa", "Exam", 1)]).replace(b"|T^T", b"|")
        assert (only("knee_visit.hl7", content).name, only("knee_visit.hl7", content).code) == (
            "knee visit", "KNEE-VISIT"
        )  # fmt: skip


def test_a_file_of_sheets_without_a_single_filled_row_is_empty():
    with pytest.raises(ImportRefused, match="The file is empty"):
        templates_of(Reading("t", sheets=(Sheet("One", ()), Sheet("Two", ()))))


def test_a_code_given_to_two_sheets_is_refused_by_name():
    rows = (Row(1, ("Template Code", "Field ID", "Label")), Row(2, ("KNEE", "A", "Exam")))
    with pytest.raises(ImportRefused, match="twice"):
        templates_of(Reading("t", sheets=(Sheet("Same", rows), Sheet("Same", rows))))
