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
from delivery.channels.hl7 import field_place

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
# Elements of a note's DocumentReference, and what of the note they are made of.
ELEMENTS = {
    "subject": "/patient/id",
    "author": "/provider/id",
    "encounter": "/encounter/id",
    "period": "/encounter/start",
}
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # FHIR's own, and the underscore that eCW's have


def bundle(note: OutgoingNote, content_type: str, content: bytes) -> Rendered:
    """The transaction as it is posted to the base address. Raises CannotExpress; pure, so retransmissions are equal."""
    if len(content) > LARGEST:
        longest = sorted(note.values, key=lambda value: len(value.text), reverse=True)[:1]
        raise CannotExpress("fhir_too_large", *map(field_place, longest))
    return transaction([(note.control_id, reference(note, content_type, content))])


def transaction(resources: Sequence[tuple[str, dict[str, Any]]], places: Sequence[str] = ()) -> Rendered:
    """Resources with the identity of each, as one transaction. Raises CannotExpress for what FHIR faults.

    `places` say where in the note as posted each resource comes from; without them the faulted element says it.
    """
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
    faults: list[tuple[int | str, ...]]
    try:
        Bundle.model_validate(body)
        return Rendered(json.dumps(body, ensure_ascii=False).encode(), FHIR_JSON)
    except ValidationError as error:
        faults = [fault["loc"] for fault in error.errors(include_url=False, include_context=False, include_input=False)]
    except UnicodeEncodeError:
        faults = [("entry", at) for at, (_, resource) in enumerate(resources) if not _encodes(resource)]
    raise CannotExpress("fhir_invalid", *_places(faults, places))  # out here: the library's error carries the note


def _encodes(resource: dict[str, Any]) -> bool:
    try:
        json.dumps(resource, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _places(faults: Sequence[tuple[int | str, ...]], places: Sequence[str]) -> list[str]:
    """Where in the note each fault ("entry", 0, "resource", "subject", …) lies, once, as far as that can be told."""
    found: dict[str, None] = {}
    for fault in faults:
        entry = fault[1] if len(fault) > 1 and fault[0] == "entry" else None
        if isinstance(entry, int) and entry < len(places):
            found[places[entry]] = None
        else:
            found |= dict.fromkeys(ELEMENTS[part] for part in fault if isinstance(part, str) and part in ELEMENTS)
    return list(found)


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
