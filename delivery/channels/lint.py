"""Reads every rendered message again with a second parser (python-hl7) before it may leave.

Nothing here is shared with the renderer. python-hl7 splits the message, lazily: its whole tree of a ten-OBX note costs
more than the rendering; only the fields compared below are split further.
"""

import logging
from base64 import b64decode
from functools import lru_cache
from typing import Any

from hl7 import Field
from hl7 import util as hl7_util
from hl7.parser import _ParsePlan, _split, create_parse_plan

from delivery.channels.base import CannotExpress, OutgoingNote

# python-hl7 logs the field it cannot decode: a note's text has no place in a log. By its level, as whoever configures
# logging anew (Celery's workers do) takes back that a logger was disabled.
hl7_util.logger.setLevel(logging.CRITICAL + 1)

DELIMITERS = "MSH|^~\\&|"
_FORBIDDEN = bytes(byte for byte in range(0x20) if byte not in (0x09, 0x0D)) + b"\x7f"
_SEQUENCES = frozenset({"E", "F", "S", "T", "R", ".br"})


class _OneLevel(_ParsePlan):
    """python-hl7's plan for one level: it splits what it is given and leaves the parts as they are, in a list."""

    def next(self) -> None:
        return None

    def container(self, data: list[Any]) -> list[Any]:
        return data  # one of python-hl7's own costs more than the splitting


@lru_cache(maxsize=1)
def _plans() -> tuple[_OneLevel, ...]:
    """For a message, a segment, a field, a repetition and a component, in this order."""
    plan, levels = create_parse_plan(DELIMITERS), []
    while plan:
        levels.append(_OneLevel(plan.separator, plan.separators, plan.containers, plan.esc, plan.factory))
        plan = plan.next()
    return tuple(levels)


def check(body: bytes, note: OutgoingNote) -> None:
    """Raise CannotExpress("lint_…") unless a second parser finds exactly the note in the message."""
    text = _decode(body)
    read = Reading(text)
    names = [str(row[0]) for row in read.rows]
    if names != ["MSH", "PID", "PV1", "OBR"] + ["OBX"] * len(note.values):
        raise CannotExpress("lint_segments")
    _check_header(read, note)
    _check_observations(read, note)


def check_documents(body: bytes, note: OutgoingNote, wanted: list[tuple[list[str], bytes]]) -> None:
    """Raise CannotExpress("lint_…") unless a second parser finds exactly these documents: OBX-3 and bytes of each."""
    read = Reading(_decode(body))
    if [str(row[0]) for row in read.rows] != ["MSH", "PID", "PV1", "OBR"] + ["OBX"] * len(wanted):
        raise CannotExpress("lint_segments")
    _check_header(read, note)
    for at, (what, content) in enumerate(wanted, start=4):
        row = read.rows[at]
        if len(row) != 12 or row[1] != str(at - 3) or row[2] != "ED" or row[11] != "F":
            raise CannotExpress("lint_obx_fields")
        data = read.components(at, 5)
        if read.components(at, 3) != what or len(data) != 5 or data[3] != "Base64":
            raise CannotExpress("lint_obx_3")
        if not _is_base64_of(data[4], content):
            raise CannotExpress("lint_obx_5")


def _is_base64_of(text: str, content: bytes) -> bool:
    try:
        return b64decode(text, validate=True) == content
    except ValueError:
        return False


class Reading:
    """A parsed message, asked for decoded parts: `components(3, 5)` is field 5 of the fourth segment."""

    def __init__(self, text: str) -> None:
        """Split a message, whose last segment ends with CR, into its fields."""
        message, segment, self.field, self.repetition, self.component = _plans()
        self.rows: list[list[Any]] = [list(_split(each, segment)) for each in _split(text[:-1], message)]

    def components(self, segment: int, field: int) -> list[str]:
        """The decoded components of a field; CannotExpress when the field repeats or nests."""
        fields = self.rows[segment]
        repetitions = _split(str(fields[field]) if field < len(fields) else "", self.field)
        if len(repetitions) != 1:
            raise CannotExpress("lint_repetition")
        components = _split(repetitions[0], self.repetition)
        if any(self.component.applies(each) for each in components):
            raise CannotExpress("lint_subcomponent")
        return [decode(each) for each in components]

    def value(self, segment: int, field: int) -> str:
        """The decoded text of a field that has no components."""
        text = self.rows[segment][field]
        if self.field.applies(text):
            raise CannotExpress("lint_component")
        return decode(text)


def decode(text: str) -> str:
    """The text behind HL7 escapes. Each sequence is given its meaning by python-hl7; an unknown one is an error."""
    if "\\" not in text:
        return text
    pieces = text.split("\\")
    if len(pieces) % 2 == 0:
        raise CannotExpress("lint_escape")
    pieces[1::2] = [_meaning(piece) for piece in pieces[1::2]]
    return "".join(pieces)


def _meaning(sequence: str) -> str:
    if sequence not in _SEQUENCES:
        raise CannotExpress("lint_escape")
    return _known_meaning(sequence)


@lru_cache(maxsize=16)
def _known_meaning(sequence: str) -> str:
    return str(hl7_util.unescape(Field(), f"\\{sequence}\\", {".br": "\n"}))


def _decode(body: bytes) -> str:
    if body[-1:] != b"\r" or len(body.translate(None, _FORBIDDEN)) != len(body):
        raise CannotExpress("lint_control_character")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if not text:  # raised out here: the decoder's error carries the whole message
        raise CannotExpress("lint_charset")
    if not text.startswith(DELIMITERS):
        raise CannotExpress("lint_msh")
    return text


def _check_header(read: Reading, note: OutgoingNote) -> None:
    patient = note.visit.patient
    status = "C" if note.correction else "F"
    expected: list[tuple[str, list[str], list[str]]] = [
        ("lint_msh_10", read.components(0, 10), [note.control_id]),
        ("lint_pid_3", read.components(1, 3), [patient.id]),
        ("lint_pid_5", read.components(1, 5), [patient.family, patient.given]),
        ("lint_pv1_19", read.components(2, 19), [note.visit.encounter_id]),
        ("lint_obr_2", read.components(3, 2), [note.visit.encounter_id]),
        ("lint_obr_3", read.components(3, 3), [note.note_id]),
        ("lint_obr_4", read.components(3, 4), [note.template_code, note.template_name, "L"]),
        ("lint_obr_25", read.components(3, 25), [status]),
    ]
    if note.visit.facility:
        expected.append(("lint_msh_6", read.components(0, 6), [note.visit.facility]))
    for code, found, wanted in expected:
        if found != wanted:
            raise CannotExpress(code)


def _check_observations(read: Reading, note: OutgoingNote) -> None:
    status = "C" if note.correction else "F"
    for number, value in enumerate(note.values, start=1):
        at = number + 3
        row = read.rows[at]
        if len(row) != 12 or row[4] or any(row[6:11]):
            raise CannotExpress("lint_obx_fields", f"/fields/{value.field_id}")
        if row[1] != str(number):
            raise CannotExpress("lint_obx_1", f"/fields/{value.field_id}")
        if row[2] != "FT":
            raise CannotExpress("lint_obx_2", f"/fields/{value.field_id}")
        if read.components(at, 3) != [value.field_id, value.label, "L"]:
            raise CannotExpress("lint_obx_3", f"/fields/{value.field_id}")
        if read.value(at, 5) != value.text:
            raise CannotExpress("lint_obx_5", f"/fields/{value.field_id}")
        if row[11] != status:
            raise CannotExpress("lint_obx_11", f"/fields/{value.field_id}")
