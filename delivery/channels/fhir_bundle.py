"""A document of a visit as eCW takes it: one DocumentReference in a transaction Bundle, validated before it leaves.

FHIR R4B models (4.0.1-compatible); they let an empty author or a strange id pass, so those are asked for here.
"""

import base64
import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from pydantic import ValidationError

from delivery.channels.base import CannotExpress, OutgoingNote, Rendered

FHIR_JSON = "application/fhir+json"
MESSAGE, NOTE = "urn:scribeport:message", "urn:scribeport:note"
LARGEST = 5_000_000  # of a document; eCW publishes no limit (its code 109)
PROGRESS_NOTE = {"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}
CATEGORY = {
    "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "code": "clinical-note",
    "display": "Clinical Note",
}
MISSING = {
    "Encounter": "fhir_encounter_missing",
    "Patient": "fhir_patient_missing",
    "Practitioner": "fhir_author_missing",
}
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # FHIR's own, and the underscore that eCW's have


def bundle(note: OutgoingNote, content_type: str, content: bytes) -> Rendered:
    """The transaction as it is posted to the base address. Raises CannotExpress; pure, so retransmissions are equal."""
    if len(content) > LARGEST:
        raise CannotExpress("fhir_too_large")
    return transaction([(note.control_id, reference(note, content_type, content))])


def transaction(resources: Sequence[tuple[str, dict[str, Any]]]) -> Rendered:
    """Resources with the identity of each, as one transaction. Raises CannotExpress for what FHIR faults."""
    body: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{MESSAGE}:{identity}')}",
                "resource": resource,
                "request": {"method": "POST", "url": resource["resourceType"]},
            }
            for identity, resource in resources
        ],
    }
    try:
        Bundle.model_validate(body)
        raw = json.dumps(body, ensure_ascii=False).encode()
    except (ValidationError, UnicodeEncodeError):
        raw = b""
    if not raw:  # raised out here: the library's error carries the note
        raise CannotExpress("fhir_invalid")
    return Rendered(raw, FHIR_JSON)


def reference(note: OutgoingNote, content_type: str, content: bytes) -> dict[str, Any]:
    """The DocumentReference; raises CannotExpress for what eCW demands and the note does not have."""
    visit = note.visit
    context: dict[str, Any] = {"encounter": [refer("Encounter", visit.encounter_id, "/encounter/id")]}
    if visit.start is not None and visit.start.tzinfo is not None:
        context["period"] = {"start": visit.start.isoformat()}
    made = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": MESSAGE, "value": note.control_id},
        "identifier": [{"system": NOTE, "value": note.note_id}],
        "status": "current",
        "type": {"coding": [PROGRESS_NOTE]},
        "category": [{"coding": [CATEGORY]}],
        "subject": refer("Patient", visit.patient.id, "/patient/id"),
        "date": note.created_at.isoformat(),
        "author": [refer("Practitioner", visit.provider_id, "/provider/id")],
        "content": [{"attachment": {"contentType": content_type, "data": base64.b64encode(content).decode()}}],
        "context": context,
    }
    return {**made, "docStatus": "amended"} if note.correction else made


def refer(kind: str, identifier: str, place: str) -> dict[str, str]:
    """A reference to a resource by its id, which stands at `place` in the note. Raises CannotExpress for a bad one."""
    if not identifier:
        raise CannotExpress(MISSING[kind], place)
    if not _ID.fullmatch(identifier):
        raise CannotExpress("fhir_id", place)
    return {"reference": f"{kind}/{identifier}"}
