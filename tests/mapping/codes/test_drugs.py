"""NDCs in every spelling, and a crosswalk's rows: what is taken, what is refused and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.codes import drugs
from mapping.codes.drug_files import NotADrug, drug_row, drugs_in
from mapping.codes.drugs import drug_code, readings, spelt
from mapping.importers import limited
from mapping.importers.base import ImportRefused
from mapping.importers.reading import Reading


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("0093-1113-01", "00093111301"),  # 4-4-2
        ("50242-040-62", "50242004062"),  # 5-3-2
        ("60575-4112-1", "60575411201"),  # 5-4-1
        ("00093-1113-01", "00093111301"),  # 5-4-2, billing's
        ("00093111301", "00093111301"),
    ],
)
def test_a_written_ndc_has_one_reading(written, digits):
    assert readings(written) == (digits,)


def test_ten_digits_without_hyphens_have_three_readings():
    assert [spelt(one) for one in readings("0093111301")] == ["00093-1113-01", "00931-0113-01", "00931-1130-01"]
    assert drug_code("0093111301", "").kind == drugs.AMBIGUOUS


@pytest.mark.parametrize(
    "written", ["", "93111301", "0093-1113", "0093-1113-011", "009-31113-01", "0093 1113 01", "NDC"]
)
def test_what_is_no_ndc_has_no_reading(written):
    assert readings(written) == ()


@given(st.from_regex(r"[0-9]{4}-[0-9]{4}-[0-9]{2}|[0-9]{5}-[0-9]{3}-[0-9]{2}|[0-9]{5}-[0-9]{4}-[0-9]", fullmatch=True))
def test_the_hyphenated_reading_is_among_those_of_its_digits_alone(written):
    assert readings(written)[0] in readings(written.replace("-", ""))


@given(st.text(max_size=14), st.text(max_size=10))
def test_no_text_breaks_it_and_only_a_missing_code_has_no_key(ndc, rxcui):
    code = drug_code(ndc, rxcui)
    assert (code.key == "") == (not ndc.strip() and not rxcui.strip())
    assert len(code.pair) <= 120


def test_the_ndc_is_the_key_where_both_stand():
    assert drug_code("0093-1113-01", "314076").key == drug_code("00093111301", "").key == "ndc:00093111301"
    assert drug_code("", "314076").key == "rxcui:314076"


DRUG = {"ndc": "0093-1113-01", "rxcui": "314076", "name": "Lisinopril", "ecw_id": "77"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ndc": "", "rxcui": ""}, "neither"),
        ({"ndc": "0093111301"}, "00093-1113-01, 00931-0113-01, 00931-1130-01"),
        ({"ndc": "93111301"}, "drops zeros"),
        ({"rxcui": "RX1"}, "RxNorm"),
        ({"ecw_id": " "}, "eCW's id"),
        ({"name": ""}, "a name"),
        ({"name": "x" * 201}, "longer than 200"),
    ],
)
def test_a_row_that_cannot_be_kept_says_why(changed, why):
    with pytest.raises(NotADrug, match=why):
        drug_row({**DRUG, **changed})


CSV = """Our drugs
eCW Drug ID,Drug Name,NDC,RxCUI,Strength,Dosage Form
77,Lisinopril,0093-1113-01,314076,10 mg,tablet
78,Ambiguous,0093111302,,,
,No id,0093-1113-03,,,
79,Lisinopril again,00093111301,314076,20 mg,tablet
80,Metformin,,861007,500 mg,tablet
"""


def test_a_file_is_read_in_the_limited_process_and_its_bad_rows_named():
    rows, refused = drugs_in(limited.read("drugs.csv", CSV.encode()))
    assert [(row.key, row.ecw_id, row.formulation) for row in rows] == [
        ("ndc:00093111301", "77", "tablet"),
        ("rxcui:861007", "80", "tablet"),
    ]
    assert [row.place for row in refused] == ["row 4", "row 5", "row 6"]
    assert "another drug" in refused[2].reason


def test_a_file_without_the_columns_says_which_it_needs():
    with pytest.raises(ImportRefused, match="Name the columns NDC"):
        drugs_in(limited.read("drugs.csv", b"A,B\n1,2\n"))
    with pytest.raises(ImportRefused, match="CSV or Excel"):
        drugs_in(Reading("x"))
