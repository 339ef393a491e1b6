"""Files what came by FHIR into the same charts as HL7's, and shows them again as documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox import documents as beside
from sandbox.chart import Filing
from sandbox.clinical_notes import CodedRefusal, Posted
from sandbox.fault_kinds import Stage
from sandbox.faults import Switchboard
from sandbox.filing import Filed, Lost, truncate
from sandbox.oru import Note
from sandbox.practices import Practice
from sandbox.store import Store
from sandbox.tampering import tamper
from sandbox.template import Template, TemplateField

DOCUMENT = "document"  # the template of what is no note but a document beside it


@dataclass(frozen=True)
class Document:
    """One document of an encounter as it is read: the note as charted, or what was posted as it is."""

    id: str
    control_id: str
    patient: str
    encounter: str
    moment: str
    content_type: str
    content: bytes
    title: str = ""


class FhirFiling:
    """Files notes and documents of a practice, and reads them back."""

    def __init__(self, store: Store, switchboard: Switchboard) -> None:
        self.store = store
        self.switchboard = switchboard

    def check(self, posted: Posted, practice: Practice) -> None:
        """Raises CodedRefusal for an unknown encounter, another patient's, a locked one."""
        described = practice.patient_of(posted.encounter)
        if practice.strict and described is None:
            raise CodedRefusal("304", "The encounter is not found.")
        owner = described or self.store.patient_of(practice.facility, posted.encounter)
        if owner not in (None, posted.patient):
            raise CodedRefusal("303", "The encounter does not belong to this patient.")
        if (practice.facility, posted.encounter) in self.store.signed:
            raise CodedRefusal("139", "The encounter is locked.")

    def file_all(self, posted: list[Posted], practice: Practice) -> list[str]:
        """Files a note, or the documents beside it, and commits; the ids. Raises CodedRefusal."""
        if not posted[0].beside:
            return [f"doc.{self.file(posted[0], practice)}"]
        faults = {fault.kind.name: fault for fault in self.switchboard.struck(Stage.FILING, practice.facility)}
        kept = posted[:-1] if "silent_drop" in faults else posted
        for each in kept * (2 if "duplicate_filing" in faults else 1):
            content = each.content[: faults["truncate"].settings["length"]] if "truncate" in faults else each.content
            at = (each.control_id, practice.facility, each.encounter, each.patient)
            documents = (beside.Document("DOCUMENT", each.title, each.content_type, content),)
            self.store.begin()
            beside.file_documents(self.store.db, at, documents)
        self.store.commit()
        return [f"att.{at}" for at, _ in enumerate(posted, start=1)]

    def encounter_of(self, kind: str, number: int, facility: str) -> str:
        """The encounter of a document by its id; "" where there is none."""
        if kind == "doc":
            return self.store.encounter_of(number, facility)
        return beside.encounter_of(self.store.committed, number, facility) if kind == "att" else ""

    def file(self, posted: Posted, practice: Practice) -> int:
        """Files and commits; the number of the filing. Raises CodedRefusal."""
        faults = self.switchboard.struck(Stage.FILING, practice.facility)
        if posted.sections:
            template = self.template_of(practice, posted)
            filed = tamper(by_section(posted, template), faults, template)
        else:
            template, filed = Template(practice.facility, DOCUMENT, DOCUMENT, ()), Filed({}, ())
        note = Note(
            control_id=posted.control_id,
            note_id=posted.note_id,
            facility=practice.facility,
            encounter=posted.encounter,
            patient=posted.patient,
            template=template.code,
            observations=posted.sections,
            correction=posted.amended,
        )
        raw = posted.content_type.encode() + b"\n" + posted.content
        for _ in range(2 if any(fault.kind.name == "duplicate_filing" for fault in faults) else 1):
            self.store.file(note, filed, raw)
        self.store.commit()
        return self.store.filings(practice.facility, posted.encounter)[-1].sequence

    def template_of(self, practice: Practice, posted: Posted) -> Template:
        """The practice's template; where it has none, one made of the sections that came."""
        own = self.store.templates.get(practice.facility, {})
        code = practice.template or next(iter(own), "")
        if code in own:
            return own[code]
        names = dict.fromkeys(section.field_id for section in posted.sections)
        fields = tuple(TemplateField(name, name, place) for place, name in enumerate(names, start=1))
        return Template(practice.facility, "none", "none", fields)

    def documents(self, practice: Practice, encounter: str) -> Iterator[Document]:
        """Every document of an encounter, oldest first."""
        for filing in self.store.filings(practice.facility, encounter):
            kind, _, content = self.store.raw(filing.sequence).partition(b"\n")
            if filing.template != DOCUMENT:
                kind, content = b"text/plain", self.as_text(filing).encode()
            identity = (filing.control_id, filing.patient, filing.encounter, filing.moment)
            yield Document(f"doc.{filing.sequence}", *identity, kind.decode(), content)
        for number, control_id, patient, title, kind_of, content in beside.whole(
            self.store.committed, practice.facility, encounter
        ):
            yield Document(f"att.{number}", control_id, patient, encounter, "", kind_of, content, title)

    def as_text(self, filing: Filing) -> str:
        """A filed note as a reader sees it: each field's label, and its text below."""
        template = self.store.templates.get(filing.facility, {}).get(filing.template)
        labels = {field.field_id: field.label for field in template.fields} if template else {}
        return "\n\n".join(f"{labels.get(name, name)}:\n{text}" for name, text in filing.fields.items())


def by_section(posted: Posted, template: Template) -> Filed:
    """Each section in the field its name means, by identifier or label. Raises CodedRefusal(302) for a strange name."""
    names = {field.label.casefold(): field.field_id for field in template.fields}
    placed: dict[str, str] = {}
    lost: list[Lost] = []
    for section in posted.sections:
        field_id = section.field_id if section.field_id in template.by_id else names.get(section.field_id.casefold())
        if field_id is None:
            raise CodedRefusal("302", "A section's name is not in the content table.")
        if field_id in placed:
            lost.append(Lost(field_id, "repeated_field"))
        else:
            placed[field_id] = section.text
    fields = {field.field_id: placed[field.field_id] for field in template.fields if field.field_id in placed}
    return Filed(truncate(fields, template, lost) if template.truncate else fields, tuple(lost))


def as_reference(document: Document, base: str) -> dict[str, Any]:
    """The DocumentReference of a document; its content is behind a Binary of its own."""
    note = document.id.startswith("doc.")
    coding = {"system": "http://loinc.org", "code": "11506-3" if note else "34109-9"}
    attachment = {"contentType": document.content_type, "url": f"{base}/Binary/{document.id}"}
    made = {
        "resourceType": "DocumentReference",
        "id": document.id,
        "status": "current",
        "masterIdentifier": {"system": "urn:scribeport:message", "value": document.control_id},
        "type": {"coding": [{**coding, "display": "Progress note" if note else "Note"}]},
        "subject": {"reference": f"Patient/{document.patient}"},
        "content": [{"attachment": {**attachment, "title": document.title} if document.title else attachment}],
        "context": {"encounter": [{"reference": f"Encounter/{document.encounter}"}]},
    }
    return {**made, "date": document.moment} if document.moment else made
