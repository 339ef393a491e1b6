"""Reads an encounter's documents back by FHIR: found by our identifier, each section looked for in the text.

Proof by section: that a text stands in the note, not in which field. Where a document has no text (a PDF), its being
there is all that can be said.
"""

import re
from dataclasses import dataclass
from typing import Any

from delivery.channels import ccda, fhir_attachments
from delivery.channels.base import Chart, ChartNote, Unavailable, Visit
from delivery.channels.compare import ReadBack
from delivery.channels.fhir_bundle import MESSAGE
from delivery.channels.fhir_search import FhirClient, Resource

# As what a part's entries are read: eCW reads no MedicationStatement and no Immunization.
READABLE = {
    "diagnoses": "Condition",
    "allergies": "AllergyIntolerance",
    "medications": "MedicationRequest",
    "observations": "Observation",
}
NUMBERED = re.compile(r"\.[0-9]+$")  # the identity of an attached document: its message's, and its number
XML = ("application/xml", "text/xml", "application/cda+xml")


@dataclass(frozen=True)
class HeldDocument:
    """One document of ours as the chart holds it. `text`: None where it has none to read."""

    identity: str
    resource: Resource
    content_type: str
    content: bytes
    text: str | None


class FhirReader:
    """base.ChartReader by DocumentReference and Binary; its limit of calls leaves nothing for several at a time."""

    one_thread = True

    def __init__(self, client: FhirClient) -> None:
        self.client = client

    def read(self, visit: Visit) -> Chart:
        """Every document of the visit's encounter that carries an identifier of ours. Raises Unavailable."""
        found = self._of_visit(visit)
        ours = [(identity_of(each), each) for each in found]
        for key, each in ours:
            _check(each, visit)
            if key:
                _check_visit(each, visit)
        notes = tuple(ChartNote(key, {}, self._text(each)) for key, each in ours if key and not NUMBERED.search(key))
        return Chart(notes, {}, grade="section")

    def compare_documents(self, visit: Visit, control_id: str, body: bytes) -> ReadBack:
        """Attached documents of one message, by identity and byte for byte. Raises Unavailable."""
        found = self._of_visit(visit)
        chart: dict[str, list[bytes]] = {}
        for each in found:
            key = identity_of(each)
            if key.startswith(f"{control_id}."):
                _check(each, visit)
                _check_visit(each, visit)
                chart.setdefault(key, []).append(self.client.binary(_url(each))[1])
        return fhir_attachments.compare(body, chart)

    def documents(self, visit: Visit, control_id: str) -> list[HeldDocument]:
        """The documents of one message, whole: the note's own, or its attached ones. Raises Unavailable."""
        found: list[HeldDocument] = []
        for each in self._of_visit(visit):
            key = identity_of(each)
            if key == control_id or key.startswith(f"{control_id}."):
                _check(each, visit)
                _check_visit(each, visit)
                kind, content = self.client.binary(_url(each))
                found.append(HeldDocument(key, each, kind, content, _text(kind, content)))
        return found

    def _of_visit(self, visit: Visit) -> list[Resource]:
        if not visit.encounter_id or not visit.patient.id:
            raise Unavailable("read_unreadable", "encounter")
        return self.client.search("DocumentReference", patient=visit.patient.id, encounter=visit.encounter_id)

    def entries(self, visit: Visit, part: str) -> dict[str, Resource] | None:
        """Identity to resource of the part's entries of ours in the patient's chart; None where none can be read.

        Raises Unavailable.
        """
        kind = READABLE.get(part)
        if kind is None:
            return None
        if not visit.patient.id:
            raise Unavailable("read_unreadable", "patient")
        found = self.client.search(kind, patient=visit.patient.id)
        ours = {key: each for each in found if (key := identity_of(each))}
        for each in ours.values():
            _check(each, visit)
        return ours

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()

    def _text(self, resource: Resource) -> str | None:
        return _text(*self.client.binary(_url(resource)))


def _text(kind: str, content: bytes) -> str | None:
    """The text of a document; None for one that has none to read."""
    try:
        if kind == "text/plain":
            return content.decode()
        if kind in XML:
            return "\n\n".join(f"{title}:\n{text}" for title, text in ccda.texts(content).items())
    except ValueError:
        raise Unavailable("read_unreadable", "document") from None
    return None


def identity_of(resource: Resource) -> str:
    """Our identity on a document, "" for somebody else's."""
    own = resource.get("masterIdentifier")
    rows = [own, *(resource.get("identifier") or [])] if isinstance(resource.get("identifier"), list) else [own]
    for row in rows:
        if isinstance(row, dict) and row.get("system") == MESSAGE and isinstance(row.get("value"), str):
            return str(row["value"])
    return ""


def _attachment(resource: Resource) -> dict[str, Any]:
    content = resource.get("content")
    first = content[0] if isinstance(content, list) and content else None
    attachment = first.get("attachment") if isinstance(first, dict) else None
    if not isinstance(attachment, dict):
        raise Unavailable("read_unreadable", "attachment")
    return attachment


def _url(resource: Resource) -> str:
    url = _attachment(resource).get("url")
    if not isinstance(url, str):
        raise Unavailable("read_unreadable", "attachment")
    return url


def _check(resource: Resource, visit: Visit) -> None:
    """No other patient's document or entry may pass for this one's, nor that of somebody who is no patient."""
    subject = resource.get("subject") or resource.get("patient")
    said = subject.get("reference") if isinstance(subject, dict) else None
    steps = said.split("/") if isinstance(said, str) else []
    if steps[-1:] != [visit.patient.id] or steps[-2:-1] not in ([], ["Patient"]):
        raise Unavailable("read_unreadable", "patient")


def _check_visit(resource: Resource, visit: Visit) -> None:
    """A document of ours that names its encounters must name this one: the server may not heed what it was asked for.

    Neither there nor not there: for a yes it stands in the wrong place, and a no would have it sent a second time.
    """
    context = resource.get("context")
    named = context.get("encounter") if isinstance(context, dict) else None
    if named is None:
        return  # the search by encounter is all that is known of it
    rows = named if isinstance(named, list) else [named]
    steps = [str(row.get("reference")).split("/") for row in rows if isinstance(row, dict)]
    if not any(one[-1] == visit.encounter_id and one[-2:-1] in ([], ["Encounter"]) for one in steps):
        raise Unavailable("read_unreadable", "encounter")
