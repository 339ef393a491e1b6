"""Coded entries of any wording: each a valid FHIR R4 resource with every word of the note in it, and read back strictly."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.channels import compare_entries, fhir_entries
from delivery.channels.base import CannotExpress, OutgoingEntries, Patient, Visit
from delivery.channels.fhir_settings import FhirSettings
from delivery.entries import Allergy, CodedMedication, Diagnosis, Immunization, Medication, Observation
from mapping.codes.drugs import EcwDrug

START = datetime(2026, 3, 19, 10, 15, tzinfo=UTC)
VISIT = Visit("E5001", Patient("P1001", "", "", "", ""), START, "DR7", "", "", "")
SETTINGS = FhirSettings("https://ecw.example/fhir/r4/AB", "sandbox", "client", signing_key_pem="x")
CONTROL = "CONTROLID20CHARACTER"
LISINOPRIL = EcwDrug(1, "Lisinopril", "70771", "10 mg", "tablet", "00093111301", "314076")
SAID = Medication("lisinopril 10 mg daily", "314076", "0093-1113-01")
PULSE = Observation("8867-4", 72, "/min", "2026-03-19T10:20:00-05:00")

text = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)
said = st.one_of(st.just(""), text)
diagnoses = st.builds(
    Diagnosis, st.sampled_from(["icd-10-cm", "snomed-ct"]), st.sampled_from(["I10", "195967001"]), said
)
allergies = st.builds(Allergy, text, said)
vaccines = st.builds(Immunization, st.sampled_from(["03", "140"]), st.dates().map(str), said)
drugs = st.builds(EcwDrug, st.just(1), text, st.just("70771"), said, said, st.just("00093111301"), st.just("314076"))
medications = st.builds(CodedMedication, st.builds(Medication, text, st.just(""), st.just("")), drugs)
numbers = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6, allow_nan=False), text)
vitals = st.builds(Observation, st.sampled_from(sorted(fhir_entries.VITAL_SIGNS)), numbers, text, st.just(""))
entries = st.one_of(diagnoses, allergies, vaccines, medications, vitals)


def body(*listed) -> bytes:
    return fhir_entries.render(OutgoingEntries(CONTROL, "note-1", VISIT, "any", listed, START), SETTINGS).body


def resources(*listed) -> list[dict]:
    return [entry["resource"] for entry in json.loads(body(*listed))["entry"]]


def words_in(value) -> list[str]:
    """Every text of a resource, wherever it stands."""
    if isinstance(value, dict):
        return [word for each in value.values() for word in words_in(each)]
    return [word for each in value for word in words_in(each)] if isinstance(value, list) else [str(value)]


def words_of(entry) -> list[str]:
    """What the note says in an entry, and the drug that was chosen for it."""
    if isinstance(entry, CodedMedication):
        return [entry.medication.text, entry.drug.name, entry.drug.strength, entry.drug.formulation, entry.drug.ecw_id]
    if isinstance(entry, Diagnosis):
        return [entry.code, entry.text]
    return [str(value) for value in vars(entry).values()]


@settings(max_examples=15, deadline=None)
@given(st.lists(entries, min_size=1, max_size=4))
def test_every_entry_is_a_valid_resource_of_its_own_with_every_word_of_the_note(listed):
    made = resources(*listed)
    assert len(made) == len(listed)
    for resource, entry in zip(made, listed, strict=True):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        everything = "\n".join(words_in(resource))
        assert [word for word in words_of(entry) if word not in everything] == []


@settings(max_examples=15, deadline=None)
@given(st.lists(entries, min_size=1, max_size=4))
def test_what_comes_back_as_it_was_sent_is_verified_and_what_does_not_come_waits(listed):
    sent = {f"{CONTROL}.{number}": resource for number, resource in enumerate(resources(*listed), start=1)}
    assert outcomes(sent, *listed) == ["verified"] * len(listed)
    last = f"{CONTROL}.{len(listed)}"
    assert outcomes({key: each for key, each in sent.items() if key != last}, *listed)[-1] == "waiting"


def outcomes(chart, *listed) -> list[str]:
    return [row.outcome for row in compare_entries.compare(body(*listed), CONTROL, chart, "Entry").sections]


def read_back(entry, **changes) -> str:
    """What an entry counts as where the chart has it with these changes."""
    (sent,) = resources(entry)
    return outcomes({f"{CONTROL}.1": {**sent, **changes}}, entry)[0]


def test_an_empty_chart_is_not_found_and_every_entry_waits():
    read = compare_entries.compare(body(PULSE, Allergy("latex", "")), CONTROL, {}, "Entry")
    assert (read.found, {row.outcome for row in read.sections}) == (False, {"waiting"})


def test_another_deliverys_entry_that_says_the_same_is_not_ours():
    (sent,) = resources(PULSE)
    assert outcomes({"ANOTHERCONTROLID.1": sent, f"{CONTROL}.10": sent}, PULSE) == ["waiting"]


def test_a_reaction_that_ecw_lost_or_changed_is_not_as_sent():
    penicillin = Allergy("penicillin", "anaphylaxis")
    assert read_back(penicillin, reaction=[]) == "altered"
    assert read_back(penicillin, reaction=None) == "altered"
    assert read_back(penicillin, reaction=[{"manifestation": [{"text": "rash"}]}]) == "altered"


def test_a_reaction_that_ecw_has_added_beside_ours_is_its_own():
    both = [{"manifestation": [{"text": "rash"}, {"text": "anaphylaxis"}]}]
    assert read_back(Allergy("penicillin", "anaphylaxis"), reaction=both) == "verified"


def test_the_reaction_stands_on_the_screen_beside_its_allergy():
    read = compare_entries.compare(body(Allergy("penicillin", "rash")), CONTROL, {}, "Allergy")
    assert read.sections[0].sent == "penicillin · rash"


@pytest.mark.parametrize("order", [("I10", "I11.9"), ("I11.9", "I10")])
def test_another_code_of_the_same_system_is_seen_wherever_it_stands(order):
    system = fhir_entries.DIAGNOSIS_SYSTEMS["icd-10-cm"]
    code = {"coding": [{"system": system, "code": each} for each in order]}
    assert read_back(Diagnosis("icd-10-cm", "I10", ""), code=code) == "altered"


@pytest.mark.parametrize("coding", [None, "I10", [], ["I10"], [{}], [{"code": "I10"}]])
def test_a_chart_without_our_code_is_not_as_sent_and_breaks_nothing(coding):
    assert read_back(Diagnosis("icd-10-cm", "I10", "x"), code={"coding": coding, "text": "x"}) == "altered"


@pytest.mark.parametrize("at", ["2026-03-19T15:20:00Z", "2026-03-19T15:20:00.000+00:00", "2026-03-19T10:20:00-05:00"])
def test_a_time_written_with_another_offset_is_the_same_moment(at):
    assert read_back(PULSE, effectiveDateTime=at) == "verified"


@pytest.mark.parametrize("at", ["2026-03-19T10:20:00Z", "2026-03-19T10:20:00", "2026-03-19", "soon", None, 5])
def test_another_moment_or_none_is_not_as_sent(at):
    assert read_back(PULSE, effectiveDateTime=at) == "altered"


def test_words_with_a_unit_keep_it():
    (made,) = resources(replace(PULSE, value="about 70"))
    assert made["valueString"] == "about 70 /min"


@pytest.mark.parametrize("value", [0, 0.0, -1, 36.6])
def test_nought_and_fractions_are_values_like_any(value):
    (made,) = resources(replace(PULSE, value=value))
    assert made["valueQuantity"]["value"] == value


def test_a_text_that_is_no_rxnorm_code_is_not_sent_as_one():
    decided = replace(LISINOPRIL, rxcui="")
    (made,) = resources(CodedMedication(replace(SAID, rxcui="RX1"), decided))
    systems = [row["system"] for row in made["medicationCodeableConcept"]["coding"]]
    assert systems == ["urn:ecw:drug", fhir_entries.NDC]
    (right,) = resources(CodedMedication(SAID, decided))
    assert {"system": fhir_entries.RXNORM, "code": "314076"} in right["medicationCodeableConcept"]["coding"]


def test_the_ndc_that_leaves_is_the_one_a_person_chose_and_never_ten_digits():
    (made,) = resources(CodedMedication(replace(SAID, ndc="0093111301"), LISINOPRIL))
    assert "0093111301" not in words_in(made)
    assert "00093111301" in words_in(made)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_entry_that_cannot_be_said_holds_all_and_is_named_by_its_place(place):
    listed = [PULSE, PULSE, PULSE]
    listed[place] = replace(PULSE, unit="")
    outgoing = OutgoingEntries(CONTROL, "note-1", VISIT, "observations", tuple(listed), START)
    with pytest.raises(CannotExpress) as caught:
        fhir_entries.render(outgoing, SETTINGS)
    assert (caught.value.reason_code, caught.value.places) == ("observation_unit", (f"/observations/{place}",))
