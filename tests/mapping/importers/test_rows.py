"""Rows become a template: in the order they say, each once, and every row that is not taken says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.importers.base import MAX_ROWS, ImportRefused, RefusedRow, fingerprint
from mapping.importers.fields import RawField, code_from, shortened, stem, template_of, tidy


def row(place: int, field_id: str = "", **values: str) -> RawField:
    return RawField(f"row {place}", {"id": field_id or f"F{place}", **values})


def made(*rows: RawField, **more):
    return template_of(rows, name="Visit", **more)


def ids(template) -> list[str]:
    return [field.field_id for field in template.fields]


def reasons(template) -> dict[str, str]:
    return {item.place: item.reason for item in template.refused}


# --- order ------------------------------------------------------------------------------------------------------------


def test_without_orders_the_file_s_own_counts_and_places_run_from_one():
    template = made(row(5), row(9), row(7))
    assert [(field.field_id, field.position) for field in template.fields] == [("F5", 1), ("F9", 2), ("F7", 3)]
    assert "No order is given: the fields keep the order of the file." in template.notes


def test_gaps_between_orders_are_closed():
    template = made(row(1, order="30"), row(2, order="10"), row(3, order="20"))
    assert [(field.field_id, field.position) for field in template.fields] == [("F2", 1), ("F3", 2), ("F1", 3)]
    assert not any("order" in note for note in template.notes)


def test_orders_are_numbers_and_not_texts():
    assert ids(made(row(1, order="10"), row(2, order="9"))) == ["F2", "F1"]


def test_an_order_of_nought_comes_first():
    assert ids(made(row(1, order="1"), row(2, order="0"))) == ["F2", "F1"]


def test_a_row_without_order_among_rows_with_one_is_refused_and_not_put_somewhere():
    template = made(row(1, order="1"), row(2), row(3, order="2"))
    assert ids(template) == ["F1", "F3"]
    assert reasons(template) == {"row 2": "it has no order, and other rows have"}


def test_of_two_rows_with_one_order_the_later_is_refused_and_names_the_earlier():
    template = made(row(1, order="1"), row(2, order="1"), row(3, order="2"))
    assert ids(template) == ["F1", "F3"]
    assert reasons(template) == {"row 2": "order 1 is taken by row 1"}


def test_orders_that_start_again_in_each_group_follow_the_groups_as_they_first_stand():
    template = made(
        row(1, group="Plan", order="2"),
        row(2, group="Subjective", order="1"),
        row(3, group="Plan", order="1"),
        row(4, group="Subjective", order="2"),
    )
    assert ids(template) == ["F3", "F1", "F2", "F4"]
    assert "The order starts again in each group: groups keep their order." in template.notes
    assert template.refused == ()


def test_an_order_taken_twice_within_a_group_is_no_new_start():
    template = made(
        row(1, group="Plan", order="1"), row(2, group="Plan", order="1"), row(3, group="Subjective", order="1")
    )
    assert ids(template) == ["F1"]
    assert set(reasons(template)) == {"row 2", "row 3"}


@pytest.mark.parametrize("order", ["1.5", "one", "-1", "1st", "0x1", "1e3", "1.000"])
def test_an_order_that_is_no_whole_number_refuses_its_row(order):
    template = made(row(1, order="1"), row(2, order=order))
    assert reasons(template) == {"row 2": f"the order “{order}” is not a whole number"}


@pytest.mark.parametrize("order, same", [("1,000", 1000), ("12.0", 12), ("12.00", 12), (" 7 ", 7), ("007", 7)])
def test_an_order_as_spreadsheets_write_it(order, same):
    template = made(row(1, order=str(same - 1)), row(2, order=str(same + 1)), row(3, order=order))
    assert ids(template) == ["F1", "F3", "F2"]


# --- lengths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written, length", [("12,000", 12000), ("1,234,567", 1234567), ("12.0", 12), ("500", 500)])
def test_a_length_is_read_as_it_was_meant(written, length):
    assert made(row(1, max_length=written)).fields[0].max_length == length


@pytest.mark.parametrize("written", ["12.000", "1.000", "5.000", "1,23", "12,0000", "1,2,3"])
def test_a_length_that_may_mean_thousands_or_not_is_never_guessed(written):
    """12.000 are twelve thousand in half of the world: twelve characters would hold every note."""
    template = made(row(1), row(2, max_length=written))
    assert reasons(template) == {"row 2": f"the length “{written}” is not a whole number of characters"}


@pytest.mark.parametrize("written", ["0", "0.0", "00"])
def test_a_length_of_nought_is_refused_with_the_remedy(written):
    template = made(row(1), row(2, max_length=written))
    assert reasons(template) == {"row 2": "the length is 0: leave it empty where there is no limit"}


@pytest.mark.parametrize("written", ["", "-", "–", "none", "N/A", "na", "Unlimited", "NO LIMIT", "null", "  "])
def test_no_limit_as_people_write_it(written):
    assert made(row(1, max_length=written)).fields[0].max_length is None


# --- identifiers and labels -------------------------------------------------------------------------------------------


def test_a_field_without_label_is_called_by_its_identifier():
    assert made(row(1, "NF-01")).fields[0].label == "NF-01"


def test_white_space_in_identifier_and_label_is_tidied():
    field = made(row(1, "  NF 01\n", label=" Chief \n complaint ")).fields[0]
    assert (field.field_id, field.label) == ("NF 01", "Chief complaint")


def test_identifiers_differ_by_case():
    assert ids(made(row(1, "a1"), row(2, "A1"))) == ["a1", "A1"]


def test_the_second_row_with_an_identifier_is_refused_and_names_the_first():
    template = made(row(4, "A"), row(6, "B"), row(9, "A"))
    assert reasons(template) == {"row 9": "the field identifier A stands already in row 4"}


def test_a_refused_row_does_not_take_its_identifier_from_a_sound_one():
    template = made(row(1, "A", kind="hologram"), row(2, "A"))
    assert ids(template) == ["A"]
    assert set(reasons(template)) == {"row 1"}


@pytest.mark.parametrize("text", ["=A1", "=CONCAT(A1)", "#REF!", "#N/A", "#NAME?", "#DIV/0!", "#value!", "#NUM"])
@pytest.mark.parametrize("column, called", [("id", "field identifier"), ("label", "label"), ("group", "group")])
def test_a_formula_or_a_cell_in_error_refuses_its_row(text, column, called):
    template = made(row(1), RawField("row 2", {"id": "F2", column: text}))
    assert reasons(template) == {
        "row 2": f"the {called} {text} is a formula or a cell's error: put the value itself there"
    }


@pytest.mark.parametrize("text", ["#1", "#Refills", "N/A", "A=B", "# of children"])
def test_what_only_looks_like_an_error_is_a_label(text):
    assert made(row(1, label=text)).fields[0].label == text


@pytest.mark.parametrize("column, called, most", [("label", "label", 200), ("group", "group", 200)])
def test_a_text_may_be_as_long_as_its_column_and_no_longer(column, called, most):
    assert getattr(made(row(1, **{column: "x" * most})).fields[0], column) == "x" * most
    template = made(row(1), row(2, **{column: "x" * (most + 1)}))
    assert reasons(template) == {"row 2": f"the {called} has {most + 1} characters; {most} are the most"}


def test_a_doubtful_identifier_is_refused_with_the_doubt_and_the_remedy():
    doubtful = RawField("row 2", {"id": "007"}, doubt="may have lost leading noughts")
    assert reasons(made(row(1), doubtful)) == {
        "row 2": "the field identifier 007 may have lost leading noughts: format the column as text"
    }


# --- the template as a whole ------------------------------------------------------------------------------------------


def test_what_names_no_type_is_free_text_and_that_is_said_with_its_count():
    template = made(row(1, kind="Structured"), row(2), row(3, kind=" "))
    assert [field.kind for field in template.fields] == ["structured", "free_text", "free_text"]
    assert "2 of 3 rows name no type and are taken as free text." in template.notes


def test_where_every_row_names_its_type_nothing_is_said():
    assert not any("type" in note for note in made(row(1, kind="text"), row(2, kind="date")).notes)


def test_the_notes_of_the_file_stand_before_those_of_its_rows():
    assert made(row(1), notes=["Read as Windows-1252."]).notes[0] == "Read as Windows-1252."


def test_without_a_single_sound_row_the_whole_is_refused_with_the_first_reason():
    with pytest.raises(ImportRefused) as refused:
        made(row(3, kind="hologram"), row(4, max_length="0"))
    assert str(refused.value).startswith("No row of “Visit” can be taken as a field. The first: row 3: the type")


def test_a_template_of_no_rows_is_refused():
    with pytest.raises(ImportRefused, match=r"No row of “Visit” can be taken as a field\.$"):
        made()


def test_the_most_rows_are_taken_and_one_more_is_not():
    assert len(made(*map(row, range(1, MAX_ROWS + 1))).fields) == MAX_ROWS
    with pytest.raises(ImportRefused, match=f"has {MAX_ROWS + 1} rows; {MAX_ROWS} are the most"):
        made(*map(row, range(1, MAX_ROWS + 2)))


def test_the_code_comes_from_the_name_where_none_is_given():
    assert made(row(1)).code == "VISIT"
    assert made(row(1), code="fm progress").code == "FM-PROGRESS"


@pytest.mark.parametrize(
    "name, code",
    [
        ("Primary Care (Reno)", "PRIMARY-CARE"),
        ("Café visité", "CAFE-VISITE"),
        ("FM_Progress.v2", "FM_PROGRESS.V2"),
        ("---", "TEMPLATE"),
        ("診察", "TEMPLATE"),
        ("(only brackets)", "ONLY-BRACKETS"),
        ("a" * 80, "A" * 60),
        ("  Knee / Hip  ", "KNEE-HIP"),
    ],
)
def test_a_code_is_what_a_person_can_type(name, code):
    assert code_from(name) == code


@pytest.mark.parametrize(
    "filename, name",
    [("a/b/Knee_visit.xlsx", "Knee visit"), ("C:\\x\\y.tar.gz", "y.tar"), ("  two   words .csv", "two words")],
)
def test_a_template_without_a_name_is_called_as_its_file(filename, name):
    assert stem(filename) == name


def test_a_value_of_forty_characters_is_shown_whole_and_a_longer_one_is_cut():
    assert shortened("x" * 40) == "x" * 40
    assert shortened("x" * 41) == "x" * 40 + "…"


# --- whatever the rows ------------------------------------------------------------------------------------------------

values = st.sampled_from(["", "1", "2", "3", "text", "yes", "structured", "no", "12,000", "1.5", "=x", "Plan"])
wild_rows = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["", "A", "B", "C", "D", "1E+5"])},
        optional=dict.fromkeys(("label", "order", "kind", "max_length", "required", "group"), values),
    ),
    min_size=1,
    max_size=8,
)


def outcome(listed):
    try:
        return template_of([RawField(f"row {n}", one) for n, one in enumerate(listed, 1)], name="T")
    except ImportRefused:
        return None


@given(wild_rows)
def test_every_row_is_a_field_or_refused_with_a_reason_and_never_both(listed):
    template = outcome(listed)
    if template is None:
        return
    assert len(template.fields) + len(template.refused) == len(listed)
    assert len({item.place for item in template.refused}) == len(template.refused)
    assert all(item.reason for item in template.refused)


@given(wild_rows)
def test_places_run_from_one_and_no_identifier_stands_twice(listed):
    template = outcome(listed)
    if template is None:
        return
    assert [field.position for field in template.fields] == list(range(1, len(template.fields) + 1))
    assert len(set(ids(template))) == len(template.fields)


@given(wild_rows)
def test_reading_the_same_rows_again_gives_the_same_fingerprint(listed):
    first, second = outcome(listed), outcome(listed)
    assert first == second
    assert first is None or fingerprint(first.fields) == fingerprint(second.fields)


@given(wild_rows, st.integers(0, 7))
def test_a_row_that_is_refused_could_have_been_left_out(listed, at):
    """Refusing a row changes nothing for the others."""
    template = outcome(listed)
    if template is None or not template.refused:
        return
    gone = template.refused[at % len(template.refused)].place
    kept = [RawField(f"row {n}", one) for n, one in enumerate(listed, 1) if f"row {n}" != gone]
    again = template_of(kept, name="T")
    assert again.fields == template.fields
    assert set(again.refused) == {item for item in template.refused if item.place != gone}


@given(st.text(max_size=60))
def test_tidied_text_has_single_spaces_and_every_word(text):
    assert tidy(text).split() == text.split()
    assert "  " not in tidy(text)
    assert tidy(tidy(text)) == tidy(text)


def test_a_refused_row_is_a_value_of_place_and_reason():
    assert made(row(1), row(2, "F1")).refused == (
        RefusedRow("row 2", "the field identifier F1 stands already in row 1"),
    )
