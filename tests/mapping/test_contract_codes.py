"""The section codes against the contract with the scribe, and headings as scribes write them."""

import pytest

from mapping.sections import CODES, SECTIONS, code_for, is_code, name_of, normalise, resolve_title

# The contract's own table; "" where there is no settled LOINC number.
CONTRACT = {
    "chief_complaint": "10154-3",
    "history_of_present_illness": "10164-2",
    "review_of_systems": "10187-3",
    "physical_exam": "29545-1",
    "assessment": "51848-0",
    "plan": "18776-5",
    "assessment_and_plan": "51847-2",
    "diagnoses": "",
    "medications": "10160-0",
    "allergies": "48765-2",
    "past_medical_history": "11348-0",
    "past_surgical_history": "10167-5",
    "family_history": "10157-6",
    "social_history": "29762-2",
    "vital_signs": "8716-3",
    "immunizations": "11369-6",
    "results": "30954-2",
    "procedures": "47519-4",
    "orders": "",
    "patient_instructions": "69730-0",
    "follow_up": "",
    "problem_list": "11450-4",
    "hospitalizations": "",
    "ob_gyn_history": "",
    "birth_history": "",
    "developmental_history": "",
    "goals": "61146-7",
    "reason_for_referral": "42349-1",
}


def test_codes_and_their_order_are_the_contract_s():
    assert tuple(CONTRACT) == CODES


@pytest.mark.parametrize("code, loinc", CONTRACT.items())
def test_each_code_has_its_loinc_number(code, loinc):
    assert SECTIONS[code].loinc == loinc


@pytest.mark.parametrize("loinc", [number for number in CONTRACT.values() if number])
def test_each_number_ends_in_its_check_digit(loinc):
    """LOINC's last digit is Luhn's (mod 10) of those before it: a slip of the pen would show."""
    digits, check = loinc.split("-")
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    assert (10 - total % 10) % 10 == int(check)


@pytest.mark.parametrize(
    "written, plain",
    [
        ("2. Past Medical Hx:", "past medical history"),
        ("iv) Plan", "plan"),
        ("IV. PLAN", "plan"),
        ("A & P", "a and p"),
        ("A+P", "a and p"),
        ("O/E", "o e"),
        ("*** HPI ***", "hpi"),
        ("past_medical_history", "past medical history"),
        ("\uff28\uff30\uff29", "hpi"),
        ("Follow\u2011up", "follow up"),
        ("", ""),
        ("123)", "123"),
    ],
)
def test_a_heading_is_read_without_its_dress(written, plain):
    assert normalise(written) == plain


@pytest.mark.parametrize(
    "title, code",
    [
        ("CHIEF COMPLAINT", "chief_complaint"),
        ("1) CC:", "chief_complaint"),
        ("Reason for Appointment", "chief_complaint"),
        ("GENHX", "history_of_present_illness"),
        ("IMP", "assessment"),
        ("Impression & Plan", "assessment_and_plan"),
        ("A/P", "assessment_and_plan"),
        ("PSHx", "past_surgical_history"),
        ("Labs", "results"),
        ("F/U", "follow_up"),
        ("Return to clinic", "follow_up"),
        ("OB/GYN History", "ob_gyn_history"),
        ("Drug allergies", "allergies"),
    ],
)
def test_a_scribe_s_heading_resolves(title, code):
    assert resolve_title(title) == code


@pytest.mark.parametrize(
    "title",
    ["Hx", "Fam/SocHx", "Subjective", "Objective", "SHx", "Notes", "", "   ", "Planning", "Examiner", "x" * 500],
)
def test_a_heading_that_may_mean_two_things_or_none_resolves_to_none(title):
    assert resolve_title(title) == ""


@pytest.mark.parametrize(
    "code, title, counts_as",
    [
        ("plan", "ASSESSMENT", "plan"),
        ("", "Assessment", "assessment"),
        ("", "Something else", ""),
        ("sports_history", "HPI", "sports_history"),
        ("Plan", "HPI", "history_of_present_illness"),
        ("pl an", "", ""),
    ],
)
def test_a_code_counts_before_the_title_where_it_is_one(code, title, counts_as):
    assert code_for(code, title) == counts_as


@pytest.mark.parametrize(
    "code, good",
    [
        ("a", True),
        ("a" * 60, True),
        ("a" * 61, False),
        ("1a", False),
        ("_a", False),
        ("A", False),
        ("a-b", False),
        ("a\n", False),
        ("é", False),
    ],
)
def test_what_may_be_a_code(code, good):
    assert is_code(code) is good


def test_a_practice_s_own_code_reads_as_itself_and_the_contract_s_by_name():
    assert (name_of("sports_history"), name_of("ob_gyn_history"), name_of("")) == (
        "Sports history",
        "OB/GYN history",
        "",
    )
