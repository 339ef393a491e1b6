"""Ids and names in a posted note: on one line, not blank, exactly what was meant; or refused with the place."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.api import wrong_content
from delivery.models import Note
from tests.delivery.conftest import a_note

FULL = a_note(
    template="FM-PROGRESS",
    diagnoses=[{"system": "icd-10-cm", "code": "I10", "text": "Hypertension"}],
    medications=[{"text": "lisinopril 10 mg daily", "rxcui": "314076", "ndc": "0093-1113-01"}],
    allergies=[{"text": "penicillin", "reaction": "rash"}],
    immunizations=[{"cvx": "140", "date": "2025-10-02", "text": "influenza"}],
    observations=[{"loinc": "8867-4", "value": 72, "unit": "/min", "at": "2026-03-19T10:20:00-05:00"}],
    attachments=[{"content_type": "application/pdf", "title": "After-visit summary", "data": "JVBERi0="}],
)
# Every place of the contract that holds an id, a code or a name.
ONE_LINE = [
    "/source_note_id",
    "/location",
    "/template",
    "/patient/id",
    "/patient/family",
    "/patient/given",
    "/encounter/id",
    "/provider/id",
    "/provider/family",
    "/provider/given",
    "/provider/npi",
    "/diagnoses/0/code",
    "/medications/0/rxcui",
    "/medications/0/ndc",
    "/immunizations/0/cvx",
    "/observations/0/loinc",
    "/observations/0/unit",
    "/attachments/0/content_type",
    "/attachments/0/title",
]
IDS = ["/source_note_id", "/location", "/patient/id", "/encounter/id", "/provider/id"]
NAMES = ["/patient/family", "/patient/given", "/provider/family", "/provider/given"]
# What a person reads over several lines: a line break belongs there.
TEXTS = ["/sections/0/text", "/medications/0/text", "/allergies/0/text", "/allergies/0/reaction", "/diagnoses/0/text"]
BREAKS = {
    "line feed": "\n",
    "carriage return": "\r",
    "both": "\r\n",
    "tab": "\t",
    "vertical tab": "\x0b",
    "file separator": "\x1c",
    "NUL": "\x00",
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "non-character": "\ufdd0",
    "byte order mark the wrong way round": "\ufffe",
    "non-character of a higher plane": "\U0002ffff",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "lone surrogate": "\ud800",
}
BLANKS = {
    "nothing": "",
    "a space": " ",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "zero width space": "\u200b",
    "word joiner and spaces": " \u2060 ",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
}


def with_value(pointer: str, value):
    """The full note with another value at one place."""
    note = copy.deepcopy(FULL)
    *way, last = pointer.strip("/").split("/")
    place = note
    for step in way:
        place = place[int(step)] if step.isdecimal() else place[step]
    place[last] = value
    return note


def value_at(pointer: str) -> str:
    place = FULL
    for step in pointer.strip("/").split("/"):
        place = place[int(step)] if step.isdecimal() else place[step]
    return place


def complaints(note) -> dict[str, str]:
    return {wrong.pointer: wrong.message for wrong in wrong_content(note)}


def test_the_full_note_of_the_contract_is_right():
    assert complaints(FULL) == {}


@pytest.mark.parametrize("pointer", ONE_LINE)
@pytest.mark.parametrize("character", BREAKS.values(), ids=BREAKS)
def test_no_line_break_or_control_character_stands_in_an_id_a_code_or_a_name(pointer, character):
    words = wrong_content(with_value(pointer, value_at(pointer) + character + "x"))
    said = [wrong.message for wrong in words if wrong.pointer == pointer and "cannot stand in" in wrong.message]
    assert len(said) == 1
    assert f"U+{ord(character[0]):04X} at position {len(value_at(pointer))} " in said[0]
    assert said[0].endswith("remove it.")


@pytest.mark.parametrize("pointer", TEXTS)
@pytest.mark.parametrize("character", ["\n", "\r\n", "\t", "\u2028", "\x85"])
def test_in_a_text_a_line_break_is_at_home(pointer, character):
    assert complaints(with_value(pointer, f"one{character}two")) == {}


@pytest.mark.parametrize("pointer", IDS)
@pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS)
def test_a_blank_id_is_refused_by_name(pointer, blank):
    said = complaints(with_value(pointer, blank))
    assert list(said) == [pointer]
    assert said[pointer].startswith("Is blank. Give ")


@pytest.mark.parametrize("pointer, who", [("/patient/id", "patient"), ("/encounter/id", "encounter")])
@pytest.mark.parametrize("missing", [None, "absent"])
def test_a_missing_id_is_refused_at_its_own_place(pointer, who, missing):
    note = with_value(pointer, None)
    if missing == "absent":
        del note[who]["id"]
    assert list(complaints(note)) == [pointer]


@pytest.mark.parametrize("pointer", IDS)
@pytest.mark.parametrize("text", [" X1", "X1 ", "\u00a0X1", "X1\u3000"])
def test_an_id_with_a_space_around_it_would_be_another_one(pointer, text):
    assert complaints(with_value(pointer, text)) == {pointer: "Begins or ends with a space; remove it."}


@pytest.mark.parametrize("pointer", IDS)
def test_spaces_and_signs_within_an_id_are_the_other_systems_business(pointer):
    assert complaints(with_value(pointer, "X 1|^~\\&é-漢")) == {}


@pytest.mark.parametrize("pointer", NAMES)
def test_a_name_may_be_absent_but_not_look_like_one_without_being_one(pointer):
    for nothing in ("", None):
        assert complaints(with_value(pointer, nothing)) == {}
    for blank in (" ", "\u200b", "\u00a0 "):
        assert complaints(with_value(pointer, blank))[pointer].endswith("name, or leave it out.")


def test_a_provider_without_an_id_is_taken_in():
    for provider in (None, {}, {"family": "Lee"}, {"id": None, "npi": "1234567893"}):
        assert complaints({**FULL, "provider": provider}) == {}


@given(st.text(max_size=12))
def test_whatever_id_is_taken_in_is_one_line_with_something_to_see(text):
    """The other way round: an id that passes can be searched for, shown on one line and put into any header."""
    if not complaints(with_value("/patient/id", text)):
        assert text == text.strip() != ""
        assert len(text.splitlines()) == 1
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)


@given(st.text(max_size=12), st.sampled_from([*NAMES, "/provider/id", "/encounter/id"]))
def test_no_text_whatever_makes_the_check_itself_fail(text, pointer):
    said = complaints(with_value(pointer, text))
    assert set(said) <= {pointer}
    assert all(message.isprintable() for message in said.values())


@pytest.mark.django_db
def test_the_api_says_it_and_keeps_nothing(scribe):
    note = with_value("/patient/family", "Oka\nfor")
    note["encounter"]["id"] = "  "
    answer = scribe.post(note)
    assert answer.status_code == 422
    assert {row["pointer"] for row in answer.json()["problems"]} == {"/patient/family", "/encounter/id"}
    assert not Note.objects.exists()


@pytest.mark.django_db
class TestFindingANote:
    """GET /notes?source_note_id=&version=: what is not understood is said, never passed over."""

    @pytest.mark.parametrize("version", ["abc", "", "-1", "0", "1.0", "1e3", "٣", "1000001", "9" * 30, " 1", "0x1"])
    def test_a_version_that_is_none_is_a_400_that_says_what_is_one(self, scribe, version):
        scribe.post(a_note())
        answer = scribe.client.get("/api/v1/notes", {"source_note_id": "nt-000417", "version": version})
        assert answer.status_code == 400
        assert answer.json()["problems"] == [
            {"pointer": "", "message": "The parameter version must be a whole number from 1 to 1,000,000."}
        ]

    def test_without_a_version_it_is_the_newest(self, scribe):
        scribe.post(a_note())
        scribe.post(a_note(version=3))
        assert scribe.get("notes?source_note_id=nt-000417").json()["version"] == 3
        assert scribe.get("notes?source_note_id=nt-000417&version=1").json()["version"] == 1

    def test_a_version_never_posted_is_404(self, scribe):
        scribe.post(a_note())
        assert scribe.get("notes?source_note_id=nt-000417&version=2").status_code == 404

    @pytest.mark.parametrize("query", ["", "?version=1", "?source_note_id="])
    def test_without_the_notes_id_the_answer_says_how_to_ask(self, scribe, query):
        answer = scribe.get(f"notes{query}")
        assert answer.status_code == 400
        assert "?source_note_id=" in answer.json()["problems"][0]["message"]

    @pytest.mark.parametrize("wild", ["%ff", "%F0%9F%AB%81", "a" * 500])
    def test_a_wild_id_is_simply_not_there(self, scribe, wild):
        assert scribe.get(f"notes?source_note_id={wild}").status_code == 404
