"""Template files as the world makes them: any bytes are answered with templates or one plain refusal, never an error."""

import csv
import io
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mapping.importers import read_file
from mapping.importers.base import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, ImportedTemplate, ImportRefused, fingerprint
from mapping.importers.fields import code_from, shortened, stem, tidy
from mapping.importers.headers import HEADERS, meaning, meanings, words

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"]
HEAD = ["Order", "Field ID", "Label", "Type", "Max Length", "Required"]
ids = st.from_regex(r"[A-Z]{1,3}[-.][0-9]{1,4}", fullmatch=True)
labels = st.text(st.characters(categories=["L", "Nd"], include_characters=" -/'&()"), min_size=1, max_size=40)


def encoded(text: str, encoding: str) -> bytes:
    if encoding == "utf-16-le-bom":
        return b"\xff\xfe" + text.encode("utf-16-le")
    if encoding == "utf-16-be-bom":
        return b"\xfe\xff" + text.encode("utf-16-be")
    return text.encode(encoding)


def table(rows: list[list[str]], separator: str = ",", ending: str = "\r\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=ending).writerows(rows)
    return text.getvalue()


def answered(name: str, content: bytes) -> tuple[ImportedTemplate, ...] | str:
    """The templates, or the refusal's words."""
    try:
        return read_file(name, content)
    except ImportRefused as refused:
        return str(refused)


def sound(template: ImportedTemplate) -> None:
    """What holds for everything an importer yields."""
    assert [field.position for field in template.fields] == list(range(1, len(template.fields) + 1))
    assert len({field.field_id for field in template.fields}) == len(template.fields) > 0
    assert all(0 < len(field.field_id) <= 80 and 0 < len(field.label) <= 200 for field in template.fields)
    assert all(field.kind in ("free_text", "structured") for field in template.fields)
    assert all(field.max_length is None or field.max_length > 0 for field in template.fields)
    assert 0 < len(template.code) <= 60
    assert len(template.name) <= 200


# --- any bytes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.json"])
@given(content=st.binary(max_size=400))
def test_any_bytes_are_answered(name, content):
    found = answered(name, content)
    if isinstance(found, str):
        assert found
    else:
        for template in found:
            sound(template)


@given(st.text(max_size=400))
def test_any_text_behind_a_good_header_is_answered(text):
    found = answered("t.csv", ("Field ID,Label\n" + text).encode("utf-8", "surrogatepass"))
    if not isinstance(found, str):
        for template in found:
            sound(template)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["fields", "sections", "id", "label", "name", "order", "groups", "x"]), inner, max_size=5
        )
    ),
    max_leaves=25,
)


@given(json_values)
def test_any_json_is_answered(value):
    found = answered("t.json", json.dumps(value).encode())
    if not isinstance(found, str):
        for template in found:
            sound(template)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"fields": NaN}', "a number that is none"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"\xff\xfe[]", "is not UTF-8"),
        (b'{"fields": [', "this is not JSON"),
        (b"{}", "No list of fields was found"),
        (b"[1, 2]", "No list of fields was found"),
        (b'"text"', "No list of fields was found"),
        (b"  \n ", "The file is empty"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_json_that_holds_no_template_is_refused_in_words(content, words):
    assert words in answered("t.json", content)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b",,,\n,,\n\n", "empty"),
        (b"Field ID,Label\n", "no row follows it"),
        (b"Label,Type\nPlan,Free text\n", "No column of field identifiers"),
        (b'Field ID,Label\nA1,"open\n', "quotation mark is open"),
        (b"PK\x03\x04\x00\x00spreadsheet", "NUL bytes"),
        (b"Field ID,Label\n,Plan\n", "No row of"),
        (b"Field ID,Label\n" + b"A,B\n" * (MAX_ROWS + 40), "more than 2000 rows"),
        (b"Field ID,Label\n" + b"A," * (MAX_COLUMNS + 5) + b"\n", "columns"),
        (b"x," * (20 * MAX_COLUMNS), "columns"),
        (b"Field ID,Label\nA1," + b"x" * 200_000 + b"\n", "cannot be read"),
    ],
    ids=lambda value: value[:16] if isinstance(value, bytes) else None,
)
def test_a_table_that_holds_no_template_is_refused_in_words(content, words):
    assert words in answered("t.csv", content)


@pytest.mark.parametrize("name", ["t.pdf", "t.exe", "t", ".csv", "t.csv.zip", "t." + "x" * 300])
def test_other_kinds_of_files_are_refused_by_their_ending(name):
    said = answered(name, b"Field ID,Label\nA1,Plan\n")
    assert "cannot be read" in said
    assert len(said) < 200


def test_the_ending_may_be_in_capitals():
    assert not isinstance(answered("VISIT.CSV", b"Field ID,Label\nA1,Plan\n"), str)


def test_a_file_too_large_is_refused_with_its_size():
    assert "5.0 MB; 5 MB are the most" in answered("t.csv", b"x" * (MAX_BYTES + 1))


# --- separators, encodings, line ends --------------------------------------------------------------------------------

cells = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=20
).filter(lambda text: text.strip()[:1] not in ("=", "#"))  # formulas and cells' errors are refused: test_fields.py


@given(
    rows=st.lists(st.tuples(ids, cells), min_size=1, max_size=6, unique_by=lambda row: row[0]),
    separator=st.sampled_from(list(SEPARATORS.values())),
    encoding=st.sampled_from(ENCODINGS),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_a_spreadsheet_saves_is_read_as_it_was_typed(rows, separator, encoding, ending):
    text = table([["Field ID", "Label"], *map(list, rows)], separator, ending)
    (template,) = read_file("visit.csv", encoded(text, encoding))
    expected = [(field_id, tidy(label) or field_id) for field_id, label in rows]
    assert [(field.field_id, field.label) for field in template.fields] == expected


@pytest.mark.parametrize("separator", SEPARATORS)
def test_other_separators_inside_quoted_cells_do_not_confuse(separator):
    label = "Hx, past; social | family\tall"
    text = table([HEAD, ["1", "A1", label, "Free text", "12,000", "yes"]], SEPARATORS[separator])
    (template,) = read_file("t.csv", text.encode())
    assert (template.fields[0].label, template.fields[0].max_length) == (tidy(label), 12000)


def test_windows_text_is_read_and_said_to_be_guessed():
    (template,) = read_file("t.csv", "Field ID,Label\nA1,Café\n".encode("cp1252"))
    assert template.fields[0].label == "Café"
    assert "Windows-1252" in " ".join(template.notes)


def test_a_line_end_inside_a_quoted_cell_becomes_a_space():
    (template,) = read_file("t.csv", b'Field ID,Label\nA1,"Past\r\nmedical"\n')
    assert template.fields[0].label == "Past medical"


# --- values -------------------------------------------------------------------------------------------------------


def field_of(**values: str):
    head = {
        "id": "Field ID",
        "label": "Label",
        "order": "Order",
        "kind": "Type",
        "max": "Max Length",
        "must": "Required",
    }
    row = {"id": "A1", "label": "Plan", "order": "1", "kind": "", "max": "", "must": ""} | values
    text = table([[head[name] for name in row], list(row.values()), ["B2", "Other", "2", "", "", ""]])
    (template,) = read_file("t.csv", text.encode())
    found = [field for field in template.fields if field.field_id != "B2"]
    return found[0] if found else template.refused[0].reason


@pytest.mark.parametrize(
    "text, length",
    [("200", 200), ("12,000", 12000), ("12.0", 12), ("", None), ("n/a", None), ("–", None), ("Unlimited", None)],
)
def test_a_length_as_people_write_it(text, length):
    assert field_of(max=text).max_length == length


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "about 200", "1e3", "99999999999", "²"])
def test_a_length_that_is_none_refuses_the_row(text):
    assert "length" in field_of(max=text)


@pytest.mark.parametrize(
    "text, required",
    [
        ("yes", True),
        ("X", True),
        ("1", True),
        ("Mandatory", True),
        ("no", False),
        ("", False),
        ("-", False),
        ("Optional", False),
    ],
)
def test_required_as_people_write_it(text, required):
    assert field_of(must=text).required is required


@pytest.mark.parametrize("text", ["maybe", "2", "ja"])
def test_a_requirement_that_is_neither_refuses_the_row(text):
    assert "neither yes nor no" in field_of(must=text)


@pytest.mark.parametrize(
    "text, kind",
    [
        ("Free Text", "free_text"),
        ("free-text (multi-line)", "free_text"),
        ("FT", "free_text"),
        ("CWE", "structured"),
        ("Drop_down", "structured"),
        ("", "free_text"),
    ],
)
def test_a_kind_as_people_and_hl7_write_it(text, kind):
    assert field_of(kind=text).kind == kind


def test_an_unknown_kind_refuses_the_row_and_shows_a_short_form_of_it():
    reason = field_of(kind="hologram " * 20)
    assert "hologram" in reason
    assert len(reason) < 150


@pytest.mark.parametrize("mangled", ["1.2E+05", "1E+10", "3,4E-2"])
def test_an_identifier_that_a_spreadsheet_mangled_is_refused_with_the_remedy(mangled):
    assert "format the column as text" in field_of(id=mangled)


@pytest.mark.parametrize("length, taken", [(80, True), (81, False)])
def test_an_identifier_fits_into_obx_3(length, taken):
    found = field_of(id="x" * length)
    assert (found if isinstance(found, str) else found.field_id).startswith(
        "x" if taken else "the field identifier has 81"
    )


@pytest.mark.parametrize("control, taken", [("\x07", False), ("\x00", False), ("\x0b", True), ("\x1c", True)])
def test_no_control_character_gets_into_an_identifier(control, taken):
    """Some count as white space and become a space; of the others each refuses its row (NUL the file)."""
    if control == "\0":
        assert "NUL" in answered("t.csv", b"Field ID,Label\nA\x001,Plan\n")
        return
    found = field_of(id=f"A{control}1")
    assert found.field_id == "A 1" if taken else "control characters" in found


# --- names and headers ------------------------------------------------------------------------------------------------


@given(st.text(max_size=80))
def test_a_template_code_is_always_one_that_can_be_typed(name):
    code = code_from(name)
    assert 1 <= len(code) <= 60
    assert code.isascii()
    assert all(letter.isalnum() or letter in "._-" for letter in code)


@given(st.text(max_size=80))
def test_a_code_stays_as_it_is(name):
    assert code_from(code_from(name)) == code_from(name)


@pytest.mark.parametrize(
    "filename, name",
    [
        ("visit.csv", "visit"),
        ("C:\\temp\\05_peds-visit.csv", "05 peds-visit"),
        ("../../etc/x.csv", "x"),
        (".csv", ".csv"),
        ("", "Template"),
    ],
)
def test_a_file_names_its_template_without_folders(filename, name):
    assert stem(filename) == name


@given(st.text(max_size=200))
def test_a_value_in_a_message_is_short(text):
    assert len(shortened(text)) <= 41


@pytest.mark.parametrize("name", HEADERS)
def test_every_accepted_header_is_understood_in_every_case(name):
    for header in HEADERS[name]:
        for written in (
            header,
            header.upper(),
            header.title(),
            f" {header}* ",
            header.replace(" ", "_"),
            f"eCW {header}",
        ):
            assert meaning(written) == name, written


def test_no_header_means_two_things():
    every = [header for headers in HEADERS.values() for header in headers]
    assert len(every) == len(set(every))


@given(st.text(max_size=40))
def test_any_header_is_read(header):
    assert meaning(header) in {"", *HEADERS}
    assert words(header) == words(words(header)) or "eCW" in header or any(letter.isupper() for letter in header)


def test_of_two_headers_for_one_property_the_more_usual_counts():
    assert meanings(["Code", "Field ID", "Label"])["id"] == 1
    assert meanings(["Field ID", "Code", "Label"])["id"] == 0


@given(st.lists(st.tuples(ids, labels), min_size=2, max_size=6, unique_by=lambda row: row[0]))
def test_the_fingerprint_changes_with_the_order_and_with_any_label(rows):
    def mark(listed):
        (template,) = read_file("t.csv", table([["Field ID", "Label"], *map(list, listed)]).encode())
        return fingerprint(template.fields)

    assume(all(tidy(label) for _, label in rows))
    assert mark(rows) == mark(rows)
    assert mark(rows[::-1]) != mark(rows)
    assert mark([(rows[0][0], rows[0][1] + " x"), *rows[1:]]) != mark(rows)
