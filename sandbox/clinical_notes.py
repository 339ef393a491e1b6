"""Reads what is posted as a note: a transaction Bundle with one DocumentReference, and the HL7 within it.

eCW's status codes, relayed by client code that talks to it: "1" is success; others collide with HTTP's numbers.
"""

import base64
import re
from dataclasses import dataclass
from typing import Any

from sandbox.hl7 import Message, Segment, Unreadable, read
from sandbox.oru import Observation

HL7 = "text/hl7v2"
DOCUMENTS = ("text/plain", "application/pdf", "application/xml", "text/xml")
PICTURES = ("image/jpeg", "image/png", "image/tiff")
LARGEST = 5_000_000
PROGRESS_NOTE = "11506-3"  # LOINC: any other type is a document beside the note
REFERENCE = re.compile(r"(?:.*/)?(Patient|Practitioner|Encounter)/([A-Za-z0-9._-]{1,64})")


class CodedRefusal(Exception):
    """eCW's own code for what is wrong; `text` in words, without anything of the note."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Posted:
    """A note or document as posted; `sections` for text/hl7v2, else `content` as it is."""

    patient: str
    encounter: str
    control_id: str
    note_id: str
    amended: bool
    content_type: str
    content: bytes
    sections: tuple[Observation, ...]
    title: str = ""
    beside: bool = False  # a document of its own, not the visit's note


def read_bundle(body: Any) -> list[Posted]:
    """The one note of a transaction, or the documents of one. Raises CodedRefusal."""
    entries = body.get("entry") if isinstance(body, dict) else None
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle" or body.get("type") != "transaction":
        raise CodedRefusal("305", "The body is no transaction Bundle.")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise CodedRefusal("305", "A transaction holds one entry.")
    posted = [read_entry(entry) for entry in entries]
    if len(posted) > 1 and not all(each.beside for each in posted):
        raise CodedRefusal("305", "A transaction holds one entry.")
    return posted


def read_entry(entry: dict[str, Any]) -> Posted:
    """One entry's DocumentReference. Raises CodedRefusal."""
    right = entry.get("request") == {"method": "POST", "url": "DocumentReference"}
    if not right or not str(entry.get("fullUrl", "")).startswith("urn:uuid:"):
        raise CodedRefusal("305", "The entry has no urn:uuid fullUrl, or another request than POST DocumentReference.")
    resource = entry.get("resource")
    if not isinstance(resource, dict) or resource.get("resourceType") != "DocumentReference":
        raise CodedRefusal("305", "The entry holds no DocumentReference.")
    return read_reference(resource)


def read_reference(resource: dict[str, Any]) -> Posted:
    """The note of a DocumentReference. Raises CodedRefusal."""
    patient = referred(resource.get("subject"), "Patient", "100")
    authors = resource.get("author")
    referred(authors[0] if isinstance(authors, list) and authors else None, "Practitioner", "101")
    context, identifiers = resource.get("context"), resource.get("identifier")
    visits = context.get("encounter") if isinstance(context, dict) else None
    encounter = referred(visits[0] if isinstance(visits, list) and visits else None, "Encounter", "123")
    try:
        attachment = resource["content"][0]["attachment"]
        content, kind = base64.b64decode(attachment["data"], validate=True), str(attachment["contentType"])
    except (KeyError, IndexError, TypeError, ValueError):
        raise CodedRefusal("305", "The content has no attachment with data in Base64.") from None
    if len(content) > LARGEST:
        raise CodedRefusal("109", "The document is too large.")
    kind = kind.partition(";")[0].strip()
    if kind not in (HL7, *DOCUMENTS) and not (kind in PICTURES and not is_note(resource)):
        raise CodedRefusal("114", "This MIME type is not taken.")
    control_id, sections = read_hl7(content, patient, encounter) if kind == HL7 else ("", ())
    return Posted(
        patient=patient,
        encounter=encounter,
        control_id=control_id or identifier(resource.get("masterIdentifier")),
        note_id=identifier(identifiers[0]) if isinstance(identifiers, list) and identifiers else "",
        amended=resource.get("docStatus") == "amended",
        content_type=kind,
        content=content,
        sections=sections,
        title=str(attachment.get("title") or ""),
        beside=kind != HL7 and not is_note(resource),
    )


def is_note(resource: dict[str, Any]) -> bool:
    """Whether the type is Progress note, or none is said."""
    kind = resource.get("type")
    codings = kind.get("coding") if isinstance(kind, dict) else None
    codes = [str(each.get("code")) for each in codings if isinstance(each, dict)] if isinstance(codings, list) else []
    return PROGRESS_NOTE in codes or not codes


def referred(reference: Any, kind: str, code: str) -> str:
    """The id a reference names; CodedRefusal with `code` when it does not name one of this kind."""
    said = reference.get("reference") if isinstance(reference, dict) else None
    found = REFERENCE.fullmatch(str(said))
    if found is None or found[1] != kind:
        raise CodedRefusal(code, f"There is no valid reference to a {kind}.")
    return found[2]


def identifier(raw: Any) -> str:
    return str(raw.get("value", "")) if isinstance(raw, dict) else ""


def read_hl7(content: bytes, patient: str, encounter: str) -> tuple[str, tuple[Observation, ...]]:
    """Control id and sections: one OBR for each, its OBX below it. Raises CodedRefusal."""
    if not content.startswith(b"MSH"):
        raise CodedRefusal("301", "MSH is missing.")
    try:
        message = read(content)
        return take(message, patient, encounter)
    except Unreadable as error:
        raise CodedRefusal("108", str(error)) from error


def take(message: Message, patient: str, encounter: str) -> tuple[str, tuple[Observation, ...]]:
    header, rest = message.header, message.segments[1:]
    if "PROG" not in (message.first(header, 3), message.first(header, 4)):
        raise CodedRefusal("306", "The PROG identifier is missing.")
    if not rest or rest[0].name != "PID" or message.first(rest[0], 3) != patient:
        raise CodedRefusal("100", "PID-3 is not the patient of the DocumentReference.")
    sections: list[Observation] = []
    name = ""
    for segment in rest[1:]:
        if segment.name == "OBR":
            name = section_name(message, segment, encounter)
        elif segment.name == "OBX" and name:
            sections.append(Observation(name, message.text(segment, 5)))
            name = ""
        else:
            raise CodedRefusal("307", "An OBX stands without an OBR of its own.")
    if not sections or name:
        raise CodedRefusal("307", "OBR is missing, or stands without its OBX.")
    return message.first(header, 10), tuple(sections)


def section_name(message: Message, segment: Segment, encounter: str) -> str:
    """OBR-4; OBR-2 has to name the DocumentReference's encounter. Raises CodedRefusal."""
    if message.first(segment, 2) != encounter:
        raise CodedRefusal("303", "OBR-2 is not the encounter of the DocumentReference.")
    name = message.component(segment, 4, 1)
    if not name:
        raise CodedRefusal("302", "OBR-4 names no section.")
    return name
