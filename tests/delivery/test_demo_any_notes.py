"""Any file of notes for the demonstration is read whole or refused by its line, and no word of a note is lost or told."""

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.api import wrong_content
from delivery.demo.clinics import CLINICS, EXCHANGED
from delivery.demo.notes import batches, complete, notes_from, own_notes, patient
from delivery.demo.run import SETTLED, Tally, watch
from delivery.demo.world import Ports, reader_settings, sender_settings
from delivery.states import State

plain = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
sections = st.lists(st.fixed_dictionaries({"header": plain, "text": plain}), max_size=4)
notes = st.lists(
    st.fixed_dictionaries({"sections": sections}, optional={"id": st.from_regex(r"[a-z]{1,9}", fullmatch=True)}),
    min_size=1,
    max_size=5,
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | plain, lambda inner: st.lists(inner) | st.dictionaries(plain, inner)
)


def read(content: bytes):
    """The notes of a file with this content, or the words by which it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.jsonl"
        path.write_bytes(content)
        try:
            return notes_from(path)
        except ValueError as refused:
            return str(refused)


def lines(rows, ending=b"\n"):
    return ending.join(json.dumps(row).encode() for row in rows)


class TestAFile:
    @given(notes, st.sampled_from([b"\n", b"\r\n", b"\n\n \n"]))
    def test_gives_every_note_in_its_order_with_every_heading_and_text(self, rows, ending):
        found = read(lines(rows, ending))
        assert [[(part["title"], part["text"]) for part in note["sections"]] for note in found] == [
            [(part["header"][:200], part["text"]) for part in row["sections"]] for row in rows
        ]

    @given(notes)
    def test_gives_each_note_an_encounter_and_a_patient_of_its_own_and_both_clinics_their_share(self, rows):
        found = read(lines(rows))
        assert (
            len({note["encounter"]["id"] for note in found})
            == len({note["patient"]["id"] for note in found})
            == len(rows)
        )
        assert [note["location"] for note in found] == [CLINICS[place % 2].code for place in range(len(rows))]

    @given(notes)
    def test_may_begin_with_a_byte_order_mark(self, rows):
        assert [note["sections"] for note in read(b"\xef\xbb\xbf" + lines(rows))] == [
            note["sections"] for note in read(lines(rows))
        ]

    @given(notes, anything, st.data())
    def test_with_anything_at_all_for_a_line_is_read_or_names_that_line(self, rows, odd, data):
        at = data.draw(st.integers(0, len(rows)))
        found = read(lines([*rows[:at], odd, *rows[at:]]))
        assert not isinstance(found, str) or found.startswith(f"mine.jsonl, line {at + 1}: ")

    @given(st.binary(max_size=60))
    def test_of_any_bytes_is_answered(self, content):
        found = read(content)
        assert found
        assert not isinstance(found, str) or found.startswith("mine.jsonl")

    @pytest.mark.parametrize(
        "odd", [{"sections": [{"text": "Quackenbush"}, 7]}, {"sections": "Quackenbush"}, ["Quackenbush"]]
    )
    def test_is_refused_without_a_word_of_the_note(self, odd):
        assert "Quackenbush" not in read(lines([odd]))

    def test_keeps_diagnoses_and_medications_and_leaves_the_rest_of_a_row_alone(self):
        row = {"sections": [], "diagnoses": [{"code": "I10"}], "medications": [], "billing": "x"}
        (found,) = read(lines([row]))
        assert found["diagnoses"] == [{"code": "I10"}]
        assert not {"medications", "billing"} & set(found)


class TestAPatient:
    @given(st.integers(0, 110))
    def test_of_an_age_is_born_in_that_year(self, age):
        assert patient({"patient_age": age}, 0)["birth_date"] == f"{2026 - age}-01-01"

    @pytest.mark.parametrize("age", ["unknown", "-3", "4.5", "", None, "40 years", "4²"])
    def test_of_an_age_that_is_no_number_has_the_date_that_stands_for_none(self, age):
        assert patient({"patient_age": age}, 0)["birth_date"] == "1970-01-01"

    @pytest.mark.parametrize(
        "given_sex, sex",
        [("Female", "F"), ("MALE", "M"), ("other", "U"), (None, "U")],
    )
    def test_has_the_sex_that_is_said_and_none_that_is_guessed(self, given_sex, sex):
        assert patient({"patient_gender": given_sex}, 0)["sex"] == sex

    def test_is_never_known_by_an_id_of_the_file(self):
        assert patient({"id": "REAL-7", "patient_id": "REAL-7"}, 3)["id"] == "P10003"


class TestItsOwnNotes:
    def test_are_what_a_scribe_may_post_and_survive_being_written_as_lines(self):
        again = [json.loads(line) for line in batches(own_notes())]
        assert [wrong_content(note) for note in again] == [[]] * len(again)

    @given(st.integers(0, 5000))
    def test_of_any_place_are_complete_with_nothing_but_sections(self, place):
        made = complete({"sections": [{"title": "HPI", "text": "Cough."}]}, place)
        assert wrong_content(made) == []


class TestTheClinics:
    def test_are_asked_and_written_to_on_the_ports_they_were_given_alone(self):
        for clinic in CLINICS:
            sender, reader = sender_settings(clinic, Ports(4001, 4002)), reader_settings(clinic, Ports(4001, 4002))
            assert (sender["port"], reader["base_url"]) == (4001, "http://127.0.0.1:4002")
            assert sender["receiving_facility"] == reader["facility"] == clinic.code

    def test_have_exchanged_fields_that_a_section_fills_or_the_fault_would_show_nothing(self):
        for clinic in CLINICS:
            filled = {line.field_id for line in clinic.lines if line.sections}
            assert set(EXCHANGED[clinic.code]) <= filled

    def test_file_what_has_no_field_in_a_field_of_their_own_template(self):
        for clinic in CLINICS:
            assert clinic.catch_all in {line.field_id for line in clinic.lines}


class TestWatching:
    def watched(self, monkeypatch, *tallies, seconds=60.0):
        left, said, looks = [Tally(one) for one in tallies], [], []
        monkeypatch.setattr("delivery.demo.run.tally", lambda ids: left.pop(0) if len(left) > 1 else left[0])
        monkeypatch.setattr("delivery.demo.run.time.sleep", lambda _: None)
        return watch(["n"], said.append, lambda: looks.append(1), seconds), said, looks

    def test_says_each_standing_once_and_ends_with_the_last(self, monkeypatch):
        steps = [{"ready": 2}, {"ready": 2}, {"ready": 1, "verified": 1}, {"verified": 2}]
        end, said, looks = self.watched(monkeypatch, *steps)
        assert end.by_state == {"verified": 2}
        assert said == ["  2 ready", "  1 ready, 1 verified", "  2 verified"]
        assert len(looks) == 4, "and looked at the processes each time"

    def test_gives_up_when_its_time_is_over_and_tells_what_is_left_as_it_stands(self, monkeypatch):
        end, said, _ = self.watched(monkeypatch, {"unknown": 1}, seconds=-1.0)
        assert (end.by_state, end.settled, said) == ({"unknown": 1}, False, ["  1 unknown"])

    def test_ends_with_a_process_that_died_for_good(self, monkeypatch):
        def dead():
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            watch(["n"], lambda _: None, dead, 60.0)

    @given(st.sets(st.sampled_from(list(State)), min_size=1))
    def test_is_over_only_when_no_note_moves_by_itself(self, states):
        assert Tally({state.value: 1 for state in states}).settled == (states <= set(SETTLED))


def test_every_refusal_names_the_file_without_its_folder(tmp_path):
    path = tmp_path / "a patient's name" / "n.jsonl"
    path.parent.mkdir()
    path.write_text("{")
    with pytest.raises(ValueError, match=re.escape("n.jsonl, line 1")) as refused:
        notes_from(path)
    assert "patient's name" not in str(refused.value)
