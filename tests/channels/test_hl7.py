"""Rendering: golden messages, every refusal, and round trips of wild text through two other parsers."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import hl7 as python_hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import ValidationError
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.channels.base import CannotExpress, OutgoingNote
from delivery.channels.hl7 import render
from delivery.channels.hl7_settings import VERSIONS
from tests.channels.notes import NAMES, NASTY, SETTINGS, VISIT, WILD_NOTES, for_patient, for_visit, note, values

GOLDEN = Path(__file__).parents[1] / "golden" / "hl7"
PRODUCTION = replace(SETTINGS, environment="production", processing_id="P", tls=True)
GOLDEN_CASES = {
    "note": (note(), SETTINGS),
    "correction": (note(correction=True), SETTINGS),
    "production": (note(), PRODUCTION),
    "enhanced": (note(), replace(SETTINGS, ack_mode="enhanced", sending_facility="LAKESIDE")),
    "v23": (note(), replace(SETTINGS, version="2.3")),
    "delimiters": (note("\\ | ^ & ~", "\\.br\\ written out\nand a true break", *NASTY), SETTINGS),
    "patient-with-delimiters": (for_patient(family="O^Neil & Sons", given="Ti|na", birth_date="", sex="U"), SETTINGS),
}


def segments(body: bytes) -> list[str]:
    return body.decode().split("\r")


def field(row: str, number: int) -> str:
    """A field of a segment other than MSH, by its HL7 number."""
    return row.split("|")[number]


@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_the_message_is_the_golden_one(name):
    made, how = GOLDEN_CASES[name]
    assert render(made, how).body == (GOLDEN / f"{name}.hl7").read_bytes()


def test_every_golden_message_belongs_to_a_case():
    assert {path.stem for path in GOLDEN.glob("*.hl7")} == set(GOLDEN_CASES)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_message_structure_is_named_from_version_2_4_on(version):
    msh = segments(render(note(), replace(SETTINGS, version=version)).body)[0].split("|")
    assert msh[8] == ("ORU^R01" if version < "2.4" else "ORU^R01^ORU_R01")
    assert msh[11] == version
    assert msh[17] == "UNICODE UTF-8"


def test_segments_end_with_cr_alone_and_stand_in_order():
    body = render(note(), SETTINGS).body
    assert body.endswith(b"\r")
    assert b"\n" not in body
    assert [row[:3] for row in segments(body)[:-1]] == ["MSH", "PID", "PV1", "OBR", "OBX", "OBX", "OBX", "OBX"]


def test_rendering_the_same_note_again_gives_the_same_bytes():
    assert render(note(), SETTINGS) == render(note(), SETTINGS)


def test_fields_stand_at_their_numbers():
    _, pid, pv1, obr, obx, *_ = segments(render(note(correction=True), SETTINGS).body)
    assert [field(pid, place) for place in (3, 5, 7, 8)] == ["P1001", "Okafor^Lena", "19810719", "F"]
    assert [field(pv1, place) for place in (2, 7, 19)] == ["O", "DR7^Lee^Ann", "E5001"]
    assert [field(obr, place) for place in (1, 2, 3)] == ["1", "E5001", "0198c0de-0000-7000-8000-000000000001"]
    assert [field(obr, place) for place in (4, 7, 25)] == [
        "FM-PROGRESS^Family Medicine Progress Note^L",
        "20260319101500-0500",
        "C",
    ]
    assert [field(obx, place) for place in (1, 2, 3, 5, 11)] == [
        "1",
        "FT",
        "NF-01^Chief Complaint^L",
        "Cough for nine days.",
        "C",
    ]


def test_a_visit_without_a_start_leaves_the_start_empty():
    obr = segments(render(for_visit(start=None), SETTINGS).body)[3]
    assert field(obr, 7) == ""


def test_a_visit_without_a_provider_leaves_the_provider_empty():
    nobody = for_visit(provider_id="", provider_family="", provider_given="")
    assert field(segments(render(nobody, SETTINGS).body)[2], 7) == ""


def test_a_moment_without_a_zone_is_sent_without_one():
    obr = segments(render(for_visit(start=datetime(2026, 3, 19, 10, 15)), SETTINGS).body)[3]
    assert field(obr, 7) == "20260319101500"


def test_a_zone_with_seconds_is_cut_to_hours_and_minutes():
    odd = datetime(1880, 1, 2, 3, 4, 5, tzinfo=timezone(-timedelta(hours=4, minutes=56, seconds=2)))
    assert field(segments(render(for_visit(start=odd), SETTINGS).body)[3], 7) == "18800102030405-0456"


def test_a_section_of_eleven_thousand_characters_is_whole():
    text = ("Seen in clinic; long history | retold & retold.\n" * 240)[:11_000]
    body = render(note(text), SETTINGS).body.decode()
    assert python_hl7.parse(body)["OBX.F5"].replace("\r", "\n") == text


REFUSALS = {
    "hl7_control_id": [note(control_id="SHORT"), note(control_id="A" * 21), note(control_id="A|" * 10)],
    "hl7_note_identity_missing": [note(note_id=""), note(template_code="")],
    "hl7_patient_missing": [for_patient(id=""), for_patient(family="")],
    "hl7_encounter_missing": [for_visit(encounter_id="")],
    "hl7_birth_date": [for_patient(birth_date="19/07/1981"), for_patient(birth_date="1981")],
    "hl7_sex": [for_patient(sex="female")],
    "hl7_null_value": [for_patient(given='""'), note('""'), for_visit(encounter_id='""')],
    "hl7_nothing_to_send": [note(values=())],
    "hl7_field_twice": [note(values=(values(["a"])[0], replace(values(["b", "b"])[1], field_id="NF-01")))],
    "hl7_empty_value": [note("x", ""), note(" \n"), note(values=(replace(values(["a"])[0], field_id=""),))],
    "hl7_text_too_long": [note("x" * 65_537), note("|" * 30_000)],
    "hl7_control_character": [
        *(note(f"before{chr(code)}after") for code in [*range(9), *range(11, 32), 127]),
        for_patient(family="Oka\nfor"),
        for_patient(family="Oka\rfor"),
        for_visit(provider_family="L\x0bee"),
    ],
    "hl7_lone_surrogate": [note("half \ud83e of it"), for_patient(family="\udfff")],
}


@pytest.mark.parametrize("code, refused", [(code, each) for code, notes in REFUSALS.items() for each in notes])
def test_what_cannot_be_said_is_refused_by_name(code: str, refused: OutgoingNote):
    with pytest.raises(CannotExpress) as caught:
        render(refused, SETTINGS)
    assert caught.value.reason_code == code
    assert caught.value.__context__ is None  # nothing that carries the note's text along


def test_A22_fields_out_of_template_order_are_refused():
    first, second = values(["a", "b"])
    for disordered in [(second, first), (first, replace(second, position=1))]:
        with pytest.raises(CannotExpress, match="obx_order"):
            render(note(values=disordered), SETTINGS)


def test_gaps_in_the_template_order_are_no_disorder():
    first, second = values(["a", "b"])
    render(note(values=(first, replace(second, position=9))), SETTINGS)


@given(WILD_NOTES)
def test_S15_python_hl7_reads_back_every_wild_text(wild: OutgoingNote):
    message = python_hl7.parse(render(wild, SETTINGS).body.decode())
    assert len(message) == 4 + len(wild.values)
    read = [row.extract_field(field_num=5).replace("\r", "\n") for row in message.segments("OBX")]
    assert read == [value.text for value in wild.values]


@given(NAMES, NAMES, NAMES, NAMES)
def test_S16_names_with_delimiters_stay_in_their_components(family: str, given_name: str, patient_id: str, label: str):
    visit = replace(VISIT, patient=replace(VISIT.patient, id=patient_id, family=family, given=given_name))
    labelled = replace(values(["text"])[0], label=label)
    message = python_hl7.parse(render(note(visit=visit, values=(labelled,)), SETTINGS).body.decode())
    assert message["PID.F3"] == patient_id
    assert message["PID.F5.R1.C1"] == family
    assert message["PID.F5.R1.C2"] == given_name
    assert message["OBX.F3.R1.C2"] == label


# hl7apy's tables require these two; the standards have them optional (2.3, 7.3.1.27) and conditional (2.3.1, 7.3.2.4).
HL7APY_SLIPS = {
    "2.3": {"Error: Missing required child OBR.OBR_27"},
    "2.3.1": {"Error: Missing required child OBX.OBX_4"},
}


@pytest.mark.parametrize("version", VERSIONS)
def test_hl7apy_finds_a_valid_message_of_that_version(version, tmp_path):
    # TOLERANT: STRICT caps OBX-5 at 199 characters and quotes the note in its exception.
    body = render(note(*NASTY), replace(SETTINGS, version=version)).body.decode()
    parsed = parse_message(body, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=True)
    report = tmp_path / "report"
    with suppress(ValidationError):  # which names the first error only
        parsed.validate(report_file=str(report))
    errors = {line for line in report.read_text().splitlines() if line.startswith("Error")}
    assert errors == HL7APY_SLIPS.get(version, set())
    assert parsed.name == "ORU_R01"


@settings(max_examples=20)
@given(st.lists(st.sampled_from(NASTY), min_size=1, max_size=3))
def test_hl7apy_sees_the_same_segments(texts):
    body = render(note(*texts), SETTINGS).body
    parsed = parse_message(body.decode(), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    assert [segment.name for segment in parsed.children] == ["MSH", "PID", "PV1", "OBR"] + ["OBX"] * len(texts)
    assert [segment.obx_1.value for segment in parsed.obx] == [str(n) for n in range(1, len(texts) + 1)]
    # Not OBX-5: hl7apy escapes the escapes of what it has itself parsed.
    assert [segment.obx_3.obx_3_1.value for segment in parsed.obx] == [f"NF-{n:02}" for n in range(1, len(texts) + 1)]


def test_a_message_made_at_another_place_on_earth_names_its_zone():
    tokyo = timezone(timedelta(hours=9))
    for moment, said in [
        (datetime(2026, 3, 20, 0, 15, 2, tzinfo=tokyo), "20260320001502+0900"),
        (datetime(2026, 3, 19, 15, 15, 2, 999_999, tzinfo=UTC), "20260319151502+0000"),
    ]:
        msh = segments(render(note(created_at=moment), SETTINGS).body)[0]
        assert msh.split("|")[6] == said
