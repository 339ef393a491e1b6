"""The second parser: whatever a broken renderer could do to a message is caught before it leaves."""

import logging
from dataclasses import replace

import hl7 as python_hl7
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from delivery.channels import lint
from delivery.channels.base import CannotExpress
from delivery.channels.hl7 import render
from portal.celery import keep_our_logging
from tests.channels.notes import CONTROL_ID, OTHER_ID, SETTINGS, WILD, WILD_NOTES, note

NOTE = note()
BODY = render(NOTE, SETTINGS).body


@given(WILD_NOTES)
def test_every_rendered_wild_note_passes(wild):
    lint.check(render(wild, SETTINGS).body, wild)


@given(WILD)
def test_our_reading_of_escapes_is_python_hl7s_own(text):
    sent = render(note(text), SETTINGS).body.decode().split("\r")[4].split("|")[5]
    whole = python_hl7.util.unescape(python_hl7.Field(), sent, {".br": "\n"})
    assert lint.decode(sent) == whole == text


@given(WILD_NOTES)
def test_the_lazy_parse_is_python_hl7s_own_parse(wild):
    body = render(wild, SETTINGS).body
    lazy = lint.Reading(body.decode())
    message = python_hl7.parse(body.decode())
    assert [[str(field) for field in row] for row in message] == [[str(field) for field in row] for row in lazy.rows]


# What renderers have really got wrong, as a change of the bytes, and the name it is caught under.
SABOTAGE = {
    "a raw CR adds a segment": (b"nine days", b"nine\rdays", "lint_segments"),
    "a raw line feed": (b"nine days", b"nine\ndays", "lint_control_character"),
    "a frame's end byte": (b"nine days", b"nine\x1cdays", "lint_control_character"),
    "a frame's start byte": (b"nine days", b"nine\x0bdays", "lint_control_character"),
    "NUL": (b"nine days", b"nine\x00days", "lint_control_character"),
    "DEL": (b"nine days", b"nine\x7fdays", "lint_control_character"),
    "no CR at the end": (b"return if worse||||||F\r".title(), b"", "lint_control_character"),
    "an unescaped field delimiter": (b"\\F\\ pulse", b"| pulse", "lint_obx_fields"),
    "an unescaped component delimiter": (b"nine days", b"nine^days", "lint_component"),
    "an unescaped repetition delimiter": (b"nine days", b"nine~days", "lint_component"),
    "an unescaped subcomponent delimiter": (b"\\T\\ lemon", b"& lemon", "lint_component"),
    "an unescaped escape": (b"nine days", b"nine \\ days", "lint_escape"),
    "an escape of an escape": (b"\\T\\ lemon", b"\\E\\T\\E\\ lemon", "lint_obx_5"),
    "hex for a line end": (b"\\.br\\No", b"\\X0D\\No", "lint_escape"),
    "a lost word": (b"nine ", b"", "lint_obx_5"),
    "a lost segment": (b"OBX|2|FT|NF-02^HPI^L||", b"ZBX|2|FT|NF-02^HPI^L||", "lint_segments"),
    "a field id of another field": (b"NF-02^", b"NF-04^", "lint_obx_3"),
    "a wrong number": (b"OBX|3|", b"OBX|4|", "lint_obx_1"),
    "a type of another kind": (b"OBX|2|FT|", b"OBX|2|TX|", "lint_obx_2"),
    "a unit nobody gave": (b"nine days.||", b"nine days.|mg|", "lint_obx_fields"),
    "a preliminary status": (b"2) Return if worse||||||F", b"2) Return if worse||||||P", "lint_obx_11"),
    "another control id": (CONTROL_ID.encode(), OTHER_ID.encode(), "lint_msh_10"),
    "another patient": (b"P1001", b"P1002", "lint_pid_3"),
    "another name": (b"Okafor^Lena", b"Okafor^Lina", "lint_pid_5"),
    "a name with a subcomponent": (b"Okafor^Lena", b"Oka&for^Lena", "lint_subcomponent"),
    "two patient ids": (b"P1001", b"P1001~P1002", "lint_repetition"),
    "another encounter of the visit": (b"|||E5001\r", b"|||E5002\r", "lint_pv1_19"),
    "another encounter of the order": (b"OBR|1|E5001", b"OBR|1|E5002", "lint_obr_2"),
    "another note": (b"000000000001|", b"000000000002|", "lint_obr_3"),
    "another template": (b"FM-PROGRESS", b"FM-PROGRES", "lint_obr_4"),
    "a corrected status": (b"||||||||||||||||||F", b"||||||||||||||||||C", "lint_obr_25"),
    "other delimiters": (b"MSH|^~\\&|", b"MSH|^~\\$|", "lint_msh"),
    "another charset": (b"Cough", "Coügh".encode("latin-1"), "lint_charset"),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_S15_a_broken_rendering_is_caught(name):
    old, new, code = SABOTAGE[name]
    broken = BODY.replace(old, new, 1) if name != "no CR at the end" else BODY[:-1]
    assert broken != BODY
    with pytest.raises(CannotExpress) as caught:
        lint.check(broken, NOTE)
    assert caught.value.reason_code == code


def test_a_message_of_another_note_is_caught():
    with pytest.raises(CannotExpress, match="lint_obx_5"):
        lint.check(BODY, replace(NOTE, values=(*NOTE.values[:3], replace(NOTE.values[3], text="Something else"))))


@settings(max_examples=300)
@given(st.data())
def test_no_single_change_of_a_compared_byte_slips_through(data):
    place = data.draw(st.integers(BODY.index(b"OBX|1"), len(BODY) - 1))
    change = data.draw(st.sampled_from(["drop", "double", "replace"]))
    byte = BODY[place : place + 1]
    new = {"drop": b"", "double": byte * 2, "replace": bytes([data.draw(st.integers(0, 255))])}[change]
    broken = BODY[:place] + new + BODY[place + 1 :]
    assume(broken != BODY)
    with pytest.raises(CannotExpress):
        lint.check(broken, NOTE)


def test_nothing_of_a_note_is_logged_when_an_escape_is_broken(caplog):
    with pytest.raises(CannotExpress):
        lint.check(BODY.replace(b"nine days", b"nine \\Q\\ days"), NOTE)
    assert caplog.text == ""
    assert not python_hl7.util.logger.isEnabledFor(logging.CRITICAL)


def test_a_worker_that_configures_logging_anew_gives_the_parser_no_voice():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        keep_our_logging()
        assert not python_hl7.util.logger.isEnabledFor(logging.CRITICAL)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
