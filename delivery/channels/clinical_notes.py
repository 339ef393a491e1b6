"""Renders a note as eCW's "Clinical Notes": HL7 v2.4 text, one OBR for each section, in a DocumentReference. Pure.

docs/channels/fhir.md says which parts of it are documented; it breaks HL7's own rules (PID-5, OBX-3 and OBX-11 are
empty), so it is checked against its own profile.
"""

from delivery.channels import hl7, lint
from delivery.channels.base import CannotExpress, OutgoingNote, Rendered
from delivery.channels.fhir_bundle import bundle
from delivery.channels.fhir_settings import FhirSettings
from mapping.note import FieldValue

CONTENT_TYPE = "text/hl7v2"
LONGEST_NAME = 200


def render(note: OutgoingNote, settings: FhirSettings) -> Rendered:
    """The transaction Bundle. Raises CannotExpress."""
    return bundle(note, CONTENT_TYPE, message(note, settings))


def message(note: OutgoingNote, settings: FhirSettings) -> bytes:
    """The HL7 text within: read again by a second parser before it is taken. Raises CannotExpress."""
    hl7.refuse_values(note.values)
    names = [section_name(value, settings) for value in note.values]
    if len(set(names)) != len(names):
        named = zip(names, note.values, strict=True)
        raise CannotExpress(
            "fhir_section_name_twice", *(hl7.field_place(value) for name, value in named if names.count(name) > 1)
        )
    visit = note.visit
    segments = [_msh(note, settings), f"PID|1||{hl7.escape(visit.patient.id)}"]
    for number, (name, value) in enumerate(zip(names, note.values, strict=True), start=1):
        said = hl7.escape(name)
        text = hl7.escape(value.text).replace("\n", "\\.br\\")
        segments.append(f"OBR|{number}|{hl7.escape(visit.encounter_id)}||{said}^{said}")
        segments.append(f"OBX|1|TX|||{text}")
    body = hl7.encode(segments, note)
    _check(body.decode(), note, names)
    return body


def section_name(value: FieldValue, settings: FhirSettings) -> str:
    """What the section is called in OBR-4: which words eCW knows is configuration, not documented."""
    name = (value.field_id if settings.section_name == "field_id" else value.label).strip()
    if not name or len(name) > LONGEST_NAME or "\n" in name:
        raise CannotExpress("fhir_section_name", hl7.field_place(value))
    return name


def _msh(note: OutgoingNote, settings: FhirSettings) -> str:
    kind = "P" if settings.environment == "production" else "T"
    head = f"MSH|^~\\&|PROG|PROG|PROG||{note.created_at:%Y%m%d%H%M%S}||ORU^R01|{note.control_id}|{kind}|2.4"
    texts = [value.text + value.label + value.field_id for value in note.values]
    return head if all(text.isascii() for text in texts) else f"{head}||||||UNICODE UTF-8"


def _check(text: str, note: OutgoingNote, names: list[str]) -> None:
    """Raise CannotExpress("lint_…") unless a second parser finds exactly the note in the message."""
    read = lint.Reading(text)
    if [str(row[0]) for row in read.rows] != ["MSH", "PID"] + ["OBR", "OBX"] * len(names):
        raise CannotExpress("lint_segments")
    if read.components(0, 10) != [note.control_id]:
        raise CannotExpress("lint_msh_10")
    if read.components(1, 3) != [note.visit.patient.id]:
        raise CannotExpress("lint_pid_3")
    for number, (name, value) in enumerate(zip(names, note.values, strict=True)):
        at = 2 + 2 * number
        if read.components(at, 2) != [note.visit.encounter_id]:
            raise CannotExpress("lint_obr_2")
        if read.components(at, 4) != [name, name]:
            raise CannotExpress("lint_obr_4")
        if read.value(at + 1, 5) != value.text:
            raise CannotExpress("lint_obx_5")
