"""Builds a C-CDA R2.1 Progress Note (2015-08-01) of a note. Pure; valid by HL7's CDA schema and C-CDA Schematron.

Templates: US Realm Header 2.16.840.1.113883.10.20.22.1.1, Progress Note 2.16.840.1.113883.10.20.22.1.9. Section
codes are those of the note contract (LOINC); a section without a settled code keeps its title and has none.
"""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from lxml import etree

from delivery.channels import hl7
from delivery.channels.base import CannotExpress, OutgoingNote, Patient, Visit
from mapping.note import FieldValue

NS = "urn:hl7-org:v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
LOINC, LOINC_NAME = "2.16.840.1.113883.6.1", "LOINC"
EXTENSION = "2015-08-01"
SERVICE = "2.16.840.1.113883.10.20.21.3.1"
HEADER, PROGRESS_NOTE = "2.16.840.1.113883.10.20.22.1.1", "2.16.840.1.113883.10.20.22.1.9"


class Kind(NamedTuple):
    """What a section is called: LOINC, and the root and extension of the C-CDA template that binds this code."""

    loinc: str
    root: str = ""
    extension: str = ""


CODES = {
    "chief_complaint": Kind("10154-3", "1.3.6.1.4.1.19376.1.5.3.1.1.13.2.1"),
    "history_of_present_illness": Kind("10164-2", "1.3.6.1.4.1.19376.1.5.3.1.3.4"),
    "review_of_systems": Kind("10187-3", "1.3.6.1.4.1.19376.1.5.3.1.3.18"),
    "physical_exam": Kind("29545-1", "2.16.840.1.113883.10.20.2.10", "2015-08-01"),
    "vital_signs": Kind("8716-3", "2.16.840.1.113883.10.20.22.2.4", "2015-08-01"),
    "assessment": Kind("51848-0", "2.16.840.1.113883.10.20.22.2.8"),
    "plan": Kind("18776-5", "2.16.840.1.113883.10.20.22.2.10", "2014-06-09"),
    "assessment_and_plan": Kind("51847-2", "2.16.840.1.113883.10.20.22.2.9", "2014-06-09"),
    "past_medical_history": Kind("11348-0", "2.16.840.1.113883.10.20.22.2.20", "2015-08-01"),
    "past_surgical_history": Kind("10167-5"),
    "family_history": Kind("10157-6", "2.16.840.1.113883.10.20.22.2.15", "2015-08-01"),
    "social_history": Kind("29762-2", "2.16.840.1.113883.10.20.22.2.17", "2015-08-01"),
    "problem_list": Kind("11450-4", "2.16.840.1.113883.10.20.22.2.5", "2015-08-01"),
    "medications": Kind("10160-0", "2.16.840.1.113883.10.20.22.2.1", "2014-06-09"),
    "allergies": Kind("48765-2", "2.16.840.1.113883.10.20.22.2.6", "2015-08-01"),
    "immunizations": Kind("11369-6", "2.16.840.1.113883.10.20.22.2.2", "2015-08-01"),
    "results": Kind("30954-2", "2.16.840.1.113883.10.20.22.2.3", "2015-08-01"),
    "procedures": Kind("47519-4", "2.16.840.1.113883.10.20.22.2.7", "2014-06-09"),
    "patient_instructions": Kind("69730-0"),
}
APART = {"assessment": "Assessment", "plan": "Plan of Treatment"}
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
        _body(_add(_add(root, "component"), "structuredBody"), note.values)
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
        _template(root, template, EXTENSION)
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
    _service(root, note.visit)
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
    _add(person, "raceCode", nullFlavor="UNK")  # demanded by the header, and not posted to us
    _add(person, "ethnicGroupCode", nullFlavor="UNK")


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


def _service(root: etree._Element, visit: Visit) -> None:
    """documentationOf/serviceEvent: the care of this visit, whose end was not posted to us (CONF:1198-10066)."""
    event = _add(_add(root, "documentationOf"), "serviceEvent", classCode="PCPR")
    _add(event, "templateId", root=SERVICE)
    time = _add(event, "effectiveTime")
    _add(time, "low", **_time(visit.start))
    _add(time, "high", nullFlavor="UNK")


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
    """US Realm names have a given and a family name; the one that was not posted is unknown."""
    name = _add(parent, "name") if family or given else _add(parent, "name", nullFlavor="UNK")
    for part, text in (("given", given), ("family", family)) if family or given else ():
        _add(name, part, text, **({} if text else {"nullFlavor": "UNK"}))


def _template(parent: etree._Element, root: str, extension: str) -> None:
    """A template of R2.1 is named beside its form of R1.1, which has no extension (CONF:1198-32934 and on)."""
    _add(parent, "templateId", root=root)
    if extension:
        _add(parent, "templateId", root=root, extension=extension)


def _body(parent: etree._Element, values: tuple[FieldValue, ...]) -> None:
    """A section for each field; where no assessment or no plan came, one without information (CONF:1198-30657)."""
    kinds = _kinds(values)
    for place, (value, kind) in enumerate(zip(values, kinds, strict=True)):
        _section(_add(parent, "component"), value, CODES.get(kind), first=kind not in kinds[:place])
    for code in APART if "assessment_and_plan" not in kinds else ():
        if code not in kinds:
            section = _add(_add(parent, "component"), "section", nullFlavor="NI")
            _coded(section, CODES[code], first=True)
            _add(section, "title", APART[code])
            _add(section, "text")


def _kinds(values: tuple[FieldValue, ...]) -> list[str]:
    """Which section each field is: its only contributor; assessment and plan where one field is all of both."""
    found = [{part.code for part in value.contributions} for value in values]
    elsewhere = [codes for codes in found if codes & BOTH]
    joined = elsewhere == [set(APART)]
    return [
        "assessment_and_plan" if joined and codes == set(APART) else next(iter(codes)) if len(codes) == 1 else ""
        for codes in found
    ]


def _coded(section: etree._Element, kind: Kind | None, first: bool) -> None:
    """Template and code. A document has at most one section of a template: a second keeps the code alone."""
    if kind and kind.root and first:
        _template(section, kind.root, kind.extension)
    if kind:
        _add(section, "code", code=kind.loinc, codeSystem=LOINC, codeSystemName=LOINC_NAME)
    else:
        _add(section, "code", nullFlavor="UNK")


def _section(parent: etree._Element, value: FieldValue, kind: Kind | None, first: bool) -> None:
    """One field as a section: its text line by line, spaces and all."""
    section = _add(parent, "section")
    _coded(section, kind, first)
    _add(section, "title", value.label)
    paragraph = _add(_add(section, "text"), "paragraph")
    lines = value.text.split("\n")
    paragraph.text = lines[0]
    for line in lines[1:]:
        _add(paragraph, "br").tail = line


def texts(raw: bytes) -> dict[str, str]:
    """Title and text of each section of a document of ours, line breaks restored. Raises ValueError.

    Sections of one title are read one after another. What is commented out or without information is not there.
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
        text = _narrative(section.find(_q("text")))
        if text or not section.get("nullFlavor"):
            found.setdefault(str(section.findtext(_q("title")) or ""), []).append(text)
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
