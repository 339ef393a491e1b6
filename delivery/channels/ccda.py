"""Builds a C-CDA R2.1 Progress Note (2015-08-01) of a note. Pure; valid against HL7's CDA schema with SDTC.

Templates: US Realm Header 2.16.840.1.113883.10.20.22.1.1, Progress Note 2.16.840.1.113883.10.20.22.1.9. Section
codes are those of the note contract (LOINC); a section without a settled code keeps its title and has none.
"""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from lxml import etree

from delivery.channels import hl7
from delivery.channels.base import CannotExpress, OutgoingNote, Patient, Visit
from mapping.note import FieldValue

NS = "urn:hl7-org:v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
LOINC, LOINC_NAME = "2.16.840.1.113883.6.1", "LOINC"
EXTENSION = "2015-08-01"
HEADER, PROGRESS_NOTE = "2.16.840.1.113883.10.20.22.1.1", "2.16.840.1.113883.10.20.22.1.9"
CODES = {
    "chief_complaint": ("10154-3", "2.16.840.1.113883.10.20.22.2.13"),
    "history_of_present_illness": ("10164-2", "1.3.6.1.4.1.19376.1.5.3.1.3.4"),
    "review_of_systems": ("10187-3", "1.3.6.1.4.1.19376.1.5.3.1.3.18"),
    "physical_exam": ("29545-1", "2.16.840.1.113883.10.20.2.10"),
    "vital_signs": ("8716-3", "2.16.840.1.113883.10.20.22.2.4"),
    "assessment": ("51848-0", "2.16.840.1.113883.10.20.22.2.8"),
    "plan": ("18776-5", "2.16.840.1.113883.10.20.22.2.10"),
    "assessment_and_plan": ("51847-2", "2.16.840.1.113883.10.20.22.2.9"),
    "past_medical_history": ("11348-0", ""),
    "past_surgical_history": ("10167-5", ""),
    "family_history": ("10157-6", ""),
    "social_history": ("29762-2", ""),
    "problem_list": ("11450-4", ""),
    "medications": ("10160-0", ""),
    "allergies": ("48765-2", ""),
    "immunizations": ("11369-6", ""),
    "results": ("30954-2", ""),
    "procedures": ("47519-4", ""),
    "patient_instructions": ("69730-0", ""),
}
BOTH = {"assessment_and_plan", "assessment", "plan"}
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
GENDERS = {"M": "M", "F": "F", "O": "UN"}


def document(note: OutgoingNote) -> bytes:
    """The ClinicalDocument in UTF-8, equal bytes for equal notes. Raises CannotExpress."""
    codes = {part.code for value in note.values for part in value.contributions}
    if "assessment_and_plan" in codes and codes & {
        "assessment",
        "plan",
    }:  # together or apart, never both
        filled = [value for value in note.values if BOTH & {part.code for part in value.contributions}]
        raise CannotExpress("ccda_both_forms", *map(hl7.field_place, filled))
    if not note.visit.patient.id:
        raise CannotExpress("fhir_patient_missing", "/patient/id")  # the document travels by FHIR
    if not note.visit.encounter_id:
        raise CannotExpress("fhir_encounter_missing", "/encounter/id")
    root = etree.Element(_q("ClinicalDocument"), nsmap={None: NS, "xsi": XSI})
    try:
        _header(root, note)
        body = _add(_add(root, "component"), "structuredBody")
        for value in note.values:
            _section(_add(body, "component"), value)
        return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
    except ValueError:
        pass  # a character XML has no place for; raised out here, without the text
    raise CannotExpress("ccda_character", *unwritable(note))


def unwritable(note: OutgoingNote) -> list[str]:
    """The places whose text holds a character that XML 1.0 (2.2, Char) has no place for."""
    lines = hl7.names_of(note) | {"/patient/birth_date": note.visit.patient.birth_date, "/template": note.template_name}
    lines |= {hl7.field_place(value): value.label + value.text for value in note.values}
    return [place for place, text in lines.items() if _NO_CHARACTER.search(text)]


def _q(name: str) -> str:
    return f"{{{NS}}}{name}"


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    made = etree.SubElement(parent, _q(name), {key.rstrip("_"): value for key, value in attributes.items()})
    if text:
        made.text = text
    return made


def _time(moment: datetime | None) -> dict[str, str]:
    if moment is None:
        return {"nullFlavor": "UNK"}
    zone = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return {"value": f"{zone:%Y%m%d%H%M%S%z}"}


def _header(root: etree._Element, note: OutgoingNote) -> None:
    _add(root, "realmCode", code="US")
    _add(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for template in (HEADER, PROGRESS_NOTE):
        _add(root, "templateId", root=template, extension=EXTENSION)
    _add(root, "id", root=str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:scribeport:message:{note.control_id}")))
    _add(root, "code", code="11506-3", codeSystem=LOINC, codeSystemName=LOINC_NAME, displayName="Progress note")
    _add(root, "title", note.template_name or "Progress note")
    _add(root, "effectiveTime", **_time(note.created_at))
    _add(root, "confidentialityCode", code="N", codeSystem="2.16.840.1.113883.5.25")
    _add(root, "languageCode", code="en-US")
    _add(root, "setId", root=str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:scribeport:note:{note.note_id}")))
    _add(root, "versionNumber", value=str(note.version))
    _patient(root, note.visit.patient)
    _author(root, note)
    _custodian(root)
    _encounter(root, note.visit)


def _patient(root: etree._Element, patient: Patient) -> None:
    role = _add(_add(root, "recordTarget"), "patientRole")
    _identity(role, patient.id)
    _address(role)
    person = _add(role, "patient")
    _name(person, patient.family, patient.given)
    gender = GENDERS.get(patient.sex)
    codes = {"code": gender, "codeSystem": "2.16.840.1.113883.5.1"} if gender else {"nullFlavor": "UNK"}
    _add(person, "administrativeGenderCode", **codes)
    born = {"value": patient.birth_date.replace("-", "")} if patient.birth_date else {"nullFlavor": "UNK"}
    _add(person, "birthTime", **born)


def _author(root: etree._Element, note: OutgoingNote) -> None:
    visit, author = note.visit, _add(root, "author")
    _add(author, "time", **_time(note.created_at))
    assigned = _add(author, "assignedAuthor")
    if visit.provider_npi:
        _add(assigned, "id", root="2.16.840.1.113883.4.6", extension=visit.provider_npi)
    else:
        _identity(assigned, visit.provider_id)
    _address(assigned)
    _name(_add(assigned, "assignedPerson"), visit.provider_family, visit.provider_given)


def _custodian(root: etree._Element) -> None:
    within = _add(_add(_add(root, "custodian"), "assignedCustodian"), "representedCustodianOrganization")
    _add(within, "id", nullFlavor="NI")
    _add(within, "name", nullFlavor="NI")
    _add(within, "telecom", nullFlavor="NI")
    _add(within, "addr", nullFlavor="NI")


def _encounter(root: etree._Element, visit: Visit) -> None:
    """componentOf/encompassingEncounter with effectiveTime/low and the facility's id: required of a Progress Note."""
    encounter = _add(_add(root, "componentOf"), "encompassingEncounter")
    _identity(encounter, visit.encounter_id)
    _add(_add(encounter, "effectiveTime"), "low", **_time(visit.start))
    facility = _add(_add(encounter, "location"), "healthCareFacility")
    _add(facility, "id", nullFlavor="NI")


def _identity(parent: etree._Element, identifier: str) -> None:
    """Local ids have no OID of their own here: the system that assigned them is not known."""
    if identifier:
        _add(parent, "id", nullFlavor="UNK", extension=identifier)
    else:
        _add(parent, "id", nullFlavor="NI")


def _address(parent: etree._Element) -> None:
    _add(parent, "addr", nullFlavor="NI")
    _add(parent, "telecom", nullFlavor="NI")


def _name(parent: etree._Element, family: str, given: str) -> None:
    name = _add(parent, "name") if family or given else _add(parent, "name", nullFlavor="UNK")
    if given:
        _add(name, "given", given)
    if family:
        _add(name, "family", family)


def _section(parent: etree._Element, value: FieldValue) -> None:
    """One field as a section: its text line by line, spaces and all; an only contributor's code names it."""
    section = _add(parent, "section")
    codes = {part.code for part in value.contributions}
    code, template = CODES.get(codes.pop(), ("", "")) if len(codes) == 1 else ("", "")
    if template:
        _add(section, "templateId", root=template)
    if code:
        _add(section, "code", code=code, codeSystem=LOINC, codeSystemName=LOINC_NAME)
    else:
        _add(section, "code", nullFlavor="UNK")
    _add(section, "title", value.label)
    paragraph = _add(_add(section, "text"), "paragraph")
    lines = value.text.split("\n")
    paragraph.text = lines[0]
    for line in lines[1:]:
        _add(paragraph, "br").tail = line


def texts(raw: bytes) -> dict[str, str]:
    """Title and text of each section of a document of ours, line breaks restored. Raises ValueError.

    Sections of one title are read one after another. What is commented out is not there.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError:
        raise ValueError("This is no XML document.") from None
    found: dict[str, list[str]] = {}
    for section in root.iter(_q("section")):
        found.setdefault(str(section.findtext(_q("title")) or ""), []).append(_narrative(section.find(_q("text"))))
    return {title: "\n\n".join(texts) for title, texts in found.items()}


def _narrative(element: etree._Element | None) -> str:
    return "" if element is None else "".join(_pieces(element))


def _pieces(element: etree._Element) -> Iterator[str]:
    """The text of an element and all within it, in the order in which it is read; a br is a line break."""
    if element.tag == _q("br"):
        yield "\n"
    yield element.text or ""
    for child in element:
        yield from _pieces(child)
        yield child.tail or ""
