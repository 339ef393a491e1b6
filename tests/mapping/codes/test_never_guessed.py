"""Drug codes in the wild: every written form means one drug or none, and nothing is kept or released under another's key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping import importers
from mapping.codes import drugs
from mapping.codes.drug_files import NotADrug, drug_row, drugs_in
from mapping.codes.drugs import drug_code, readings, spelt
from mapping.importers.base import ImportRefused

SHORT = [(4, 4, 2), (5, 3, 2), (5, 4, 1)]


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def written(lengths) -> st.SearchStrategy[list[str]]:
    return st.tuples(*(digits(length) for length in lengths)).map(list)


@given(st.sampled_from([(5, 4, 2), *SHORT]).flatmap(written))
def test_hyphens_decide_where_the_zero_goes_and_no_digit_is_lost(parts):
    (code,) = readings("-".join(parts))
    assert len(code) == 11
    assert [int(code[:5]), int(code[5:9]), int(code[9:])] == [int(part) for part in parts]
    assert readings(spelt(code)) == readings(code) == (code,)


@given(st.tuples(*[st.integers(0, 7)] * 3).filter(lambda each: each not in [(5, 4, 2), *SHORT]).flatmap(written))
def test_parts_of_any_other_length_are_no_ndc_even_where_their_digits_are_ten_or_eleven(parts):
    code = drug_code("-".join(parts), "")
    assert (code.kind, code.ndc11) == (drugs.BAD_NDC, "")


@given(digits(10), st.sampled_from(["", "314076"]))
def test_ten_digits_alone_are_never_one_drug_though_two_readings_may_be_alike(ndc, rxcui):
    code = drug_code(ndc, rxcui)
    assert (code.kind, code.ndc11, code.key) == (drugs.AMBIGUOUS, "", f"as:{ndc}")
    assert set(code.readings) == {readings(form)[0] for form in spellings(ndc)}


def spellings(ndc: str) -> list[str]:
    return [f"{ndc[:a]}-{ndc[a : a + b]}-{ndc[a + b :]}" for a, b, _ in SHORT]


@given(digits(10))
def test_an_ambiguous_code_is_kept_apart_from_each_code_it_may_mean(ndc):
    keys = {drug_code(form, "").key for form in spellings(ndc)}
    assert drug_code(ndc, "").key not in keys


def test_digits_of_another_script_and_hyphens_that_only_look_so_are_no_ndc():
    for ndc in ("٠٠٠٩٣١١١٣٠١", "0093\N{EN DASH}1113\N{EN DASH}01", "0093 1113 01", "0093--1113-01", "-0093-1113-01"):
        assert drug_code(ndc, "").kind == drugs.BAD_NDC, ndc


def test_space_around_a_code_changes_nothing():
    assert drug_code(" 0093-1113-01\n", "\t314076 ") == drug_code("0093-1113-01", "314076")


def test_an_ndc_in_the_rxnorm_field_is_not_decided_by_a_decision_on_the_ndc():
    in_its_field, astray = drug_code("0093111301", ""), drug_code("", "0093111301")
    assert (in_its_field.kind, astray.kind) == (drugs.AMBIGUOUS, drugs.BAD_RXCUI)
    assert in_its_field.key != astray.key


@given(st.text(max_size=20), st.text(max_size=20))
def test_every_key_fits_its_column_alone_and_as_a_pair(ndc, rxcui):
    code = drug_code(ndc, rxcui)
    assert len(code.key) <= 60
    assert len(code.pair) <= 60


@given(digits(11), digits(11))
def test_two_whole_codes_share_a_key_only_where_they_are_one(one, other):
    assert (drug_code(one, "").key == drug_code(other, "").key) == (one == other)


@pytest.mark.parametrize("rxcui", ["0314076", "123456789", "314076.0", "3.14e5", "RX1", "-1", "３１４"])
def test_a_number_that_a_spreadsheet_or_a_hand_has_changed_is_no_rxnorm_code(rxcui):
    assert drug_code("", rxcui).kind == drugs.BAD_RXCUI
    assert drug_code("0093-1113-01", rxcui).kind == drugs.BAD_RXCUI, "nor is it passed over beside a right NDC"


DRUG = {"ndc": "0093-1113-01", "rxcui": "314076", "name": "Lisinopril", "ecw_id": "77"}


@pytest.mark.parametrize(("name", "most"), [("name", 200), ("ecw_id", 40), ("strength", 80), ("formulation", 80)])
def test_a_value_that_fills_its_column_is_taken_whole_and_one_sign_more_is_refused_by_name(name, most):
    assert getattr(drug_row({**DRUG, name: "x" * most}), name) == "x" * most
    with pytest.raises(NotADrug, match=f"{name.replace('_', ' ')} is longer than {most}"):
        drug_row({**DRUG, name: "x" * (most + 1)})


def test_a_row_with_a_right_ndc_and_a_wrong_rxnorm_code_is_refused_for_the_latter():
    with pytest.raises(NotADrug, match="RxNorm code is no number"):
        drug_row({**DRUG, "rxcui": "RX1"})


def from_csv(*rows: str):
    return drugs_in(importers.read("drugs.csv", "\n".join(("NDC,RxCUI,Drug,eCW drug ID,Strength", *rows)).encode()))


def test_one_drug_in_two_spellings_of_its_ndc_is_one_row_and_no_contradiction():
    rows, refused = from_csv("0093-1113-01,,Lisinopril,77,10 mg", "00093111301,,Lisinopril,77,10 mg")
    assert refused == []
    assert [(row.key, row.ndc) for row in rows] == [("ndc:00093111301", "0093-1113-01")]


def test_a_second_row_that_differs_in_one_word_is_refused_and_the_first_stands():
    rows, refused = from_csv("0093-1113-01,,Lisinopril,77,10 mg", "00093111301,,Lisinopril,77,20 mg")
    assert [row.strength for row in rows] == ["10 mg"]
    assert [(row.place, row.reason) for row in refused] == [
        ("row 3", "The same code stands in an earlier row with another drug.")
    ]


def test_each_refused_row_is_named_with_its_own_reason_and_the_others_are_kept():
    rows, refused = from_csv(
        "0093-1113-01,314076,Lisinopril,77,",
        "9.31113E+09,,Zestril,78,",
        "0093111302,,Ambiguous,79,",
        ",,Without a code,80,",
        ",861007,,81,",
        ",861008,Metformin,,",
        ",861009,Metformin,82,",
    )
    assert [row.ecw_id for row in rows] == ["77", "82"]
    said = {row.place: row.reason for row in refused}
    assert list(said) == ["row 3", "row 4", "row 5", "row 6", "row 7"]
    for place, words in {
        "row 3": "format the column as text",
        "row 4": "write it with hyphens",
        "row 5": "neither an NDC nor an RxNorm code",
        "row 6": "It lacks a name",
        "row 7": "It lacks eCW's id",
    }.items():
        assert words in said[place], (place, said[place])


def test_an_ambiguous_row_names_every_reading_so_that_a_person_can_choose():
    _, [refused] = from_csv("0093111302,,Ambiguous,79,")
    assert all(spelt(reading) in refused.reason for reading in readings("0093111302"))


def test_a_row_cut_short_is_refused_and_takes_nothing_from_its_neighbours():
    rows, [refused] = from_csv("0093-1113-01,,Lisinopril", "0093-1113-02,,Zestril,78,")
    assert (refused.place, [row.name for row in rows]) == ("row 2", ["Zestril"])
    assert "eCW's id" in refused.reason


def test_a_header_without_a_row_is_said_and_nothing_is_kept():
    with pytest.raises(ImportRefused, match="no row below it"):
        from_csv()


def test_columns_in_any_order_and_under_other_names_are_read_as_what_they_are():
    text = "Formulation,Item ID,Medication,National Drug Code\ntablet,77,Lisinopril,0093-1113-01\n"
    [row], refused = drugs_in(importers.read("drugs.csv", text.encode()))
    assert (row.ecw_id, row.name, row.ndc11, row.formulation, refused) == (
        "77",
        "Lisinopril",
        "00093111301",
        "tablet",
        [],
    )
