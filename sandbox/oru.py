"""Checks an ORU^R01 against docs/channels/hl7.md and takes out of it what can be filed."""

from dataclasses import dataclass

from sandbox.documents import Document, read_document
from sandbox.hl7 import Message, Segment, Unreadable
from sandbox.refusal import Refusal

__all__ = ["Note", "Observation", "Refusal", "check_header", "read_note"]

VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1")
PROCESSING_IDS = ("D", "P", "T")  # HL7 table 0103
STATUSES = ("C", "F", "P")  # of HL7 table 0085, those that carry text
TEXT_TYPES = ("FT", "ST", "TX")
IGNORED = ("SFT", "PD1", "PV2", "ORC", "NTE")  # allowed between, read by nobody
ORDER = ("MSH", "PID", "PV1", "OBR", "OBX")
RANK = {name: place for place, name in enumerate(ORDER, start=1)}


@dataclass(frozen=True, slots=True)
class Observation:
    """One OBX: the field it names and its text."""

    field_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """What an ORU^R01 asks to file."""

    control_id: str
    note_id: str
    facility: str
    encounter: str
    patient: str
    template: str
    observations: tuple[Observation, ...]
    correction: bool
    documents: tuple[Document, ...] = ()  # in place of observations: they go into no template's field


def check_header(message: Message) -> None:
    """MSH-9, 10, 11, 12. Raises Refusal(AR)."""
    header = message.header
    kind, event, structure = (message.component(header, 9, place) for place in (1, 2, 3))
    if kind != "ORU":
        raise Refusal("AR", "200", "MSH-9: this interface takes ORU^R01 only.", "MSH^1^9")
    if event != "R01" or structure not in ("", "ORU_R01"):
        raise Refusal("AR", "201", "MSH-9: this interface takes ORU^R01^ORU_R01 only.", "MSH^1^9")
    if not message.first(header, 10):
        raise Refusal("AR", "101", "MSH-10: the message has no control id.", "MSH^1^10")
    if message.first(header, 11) not in PROCESSING_IDS:
        raise Refusal("AR", "202", "MSH-11: the processing id is none of D, P, T.", "MSH^1^11")
    if message.first(header, 12) not in VERSIONS:
        raise Refusal("AR", "203", f"MSH-12: the version is none of {', '.join(VERSIONS)}.", "MSH^1^12")


def read_note(message: Message) -> Note:
    """The note in a message whose header is right. Raises Refusal(AE)."""
    try:
        return take_note(message)
    except Unreadable as error:
        raise Refusal("AE", "102", str(error)) from error


def take_note(message: Message) -> Note:
    pid, pv1, obr, obx = arrange(message)
    attached = all(message.first(segment, 2) == "ED" for segment in obx)
    documents = (
        tuple(attach(message, segment, number) for number, segment in enumerate(obx, start=1)) if attached else ()
    )
    observations = () if attached else tuple(observe(message, segment, number) for number, segment in enumerate(obx, 1))
    return Note(
        control_id=message.first(message.header, 10),
        note_id=message.first(obr, 3),
        facility=required(message, message.header, 6, "the receiving facility"),
        encounter=encounter(message, pv1, obr),
        patient=required(message, pid, 3, "the patient id"),
        template=required(message, obr, 4, "the template code"),
        observations=observations,
        correction=any(message.first(segment, 11) == "C" for segment in obx),
        documents=documents,
    )


def arrange(message: Message) -> tuple[Segment, Segment | None, Segment, list[Segment]]:
    """PID, PV1 (may be absent), OBR and the OBX, in just this order. Raises Refusal(AE)."""
    segments = [segment for segment in message.segments if segment.name not in IGNORED]
    names = [segment.name for segment in segments]
    places = [RANK.get(name, 0) for name in names]
    if 0 in places or places != sorted(places):
        raise Refusal("AE", "100", "The segments are not MSH, PID, PV1, OBR, OBX … in this order.")
    counts = {name: names.count(name) for name in ORDER}
    if counts["MSH"] != 1 or counts["PID"] != 1 or counts["OBR"] != 1 or counts["PV1"] > 1 or not counts["OBX"]:
        raise Refusal("AE", "100", "A message holds one MSH, PID and OBR, at most one PV1, and at least one OBX.")
    first_obx = names.index("OBX")
    pv1 = segments[2] if counts["PV1"] else None
    return segments[1], pv1, segments[first_obx - 1], segments[first_obx:]


def required(message: Message, segment: Segment, number: int, what: str) -> str:
    value = message.first(segment, number)
    if not value:
        raise Refusal("AE", "101", f"{segment.name}-{number}: {what} is missing.", f"{segment.name}^1^{number}")
    return value


def encounter(message: Message, pv1: Segment | None, obr: Segment) -> str:
    """PV1-19, or OBR-2 where there is none; where both stand they must agree."""
    visit = message.first(pv1, 19) if pv1 else ""
    order = message.first(obr, 2)
    if not visit and not order:
        raise Refusal("AE", "101", "PV1-19, OBR-2: the encounter is missing.", "PV1^1^19")
    if visit and order and visit != order:
        raise Refusal("AE", "204", "PV1-19 and OBR-2 name two different encounters.", "OBR^1^2")
    return visit or order


def attach(message: Message, obx: Segment, number: int) -> Document:
    """One OBX of type ED. Raises Refusal(AE)."""
    check_place(message, obx, number)
    return read_document(message, obx, number)


def observe(message: Message, obx: Segment, number: int) -> Observation:
    """One OBX of text. Raises Refusal(AE)."""
    field_id = check_place(message, obx, number)
    if message.first(obx, 2) not in TEXT_TYPES:
        raise Refusal("AE", "103", f"OBX-2 is none of FT, ST, TX (OBX {number}).", f"OBX^{number}^2")
    text = message.text(obx, 5)
    if not text:
        raise Refusal("AE", "101", f"OBX-5 is empty (OBX {number}).", f"OBX^{number}^5")
    return Observation(field_id, text)


def check_place(message: Message, obx: Segment, number: int) -> str:
    """The field that an OBX names, which must be the `number`-th of its group. Raises Refusal(AE)."""
    if message.first(obx, 1) != str(number):
        raise Refusal("AE", "102", f"OBX-1: the segments are not numbered 1 to n (at {number}).", f"OBX^{number}^1")
    field_id = message.first(obx, 3)
    if not field_id:
        raise Refusal("AE", "101", f"OBX-3 is empty (OBX {number}).", f"OBX^{number}^3")
    status = message.first(obx, 11)
    if not status:
        raise Refusal("AE", "101", f"OBX-11 is empty (OBX {number}).", f"OBX^{number}^11")
    if status not in STATUSES:
        raise Refusal("AE", "103", f"OBX-11 is none of C, F, P (OBX {number}).", f"OBX^{number}^11")
    return field_id
