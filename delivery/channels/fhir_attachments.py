"""Renders the documents attached to a note as DocumentReferences of their own, beside the Progress Note. Pure.

One transaction for all of one note, taken whole or not at all; that eCW takes several entries is assumed, as for coded
entries (docs/channels/fhir.md). Each carries the control id and its number, so that it can be found again.
"""

import base64
import hashlib
import json
from typing import Any

from delivery.channels.base import CannotExpress, OutgoingDocuments, Rendered
from delivery.channels.compare import ReadBack, SectionReading
from delivery.channels.fhir_bundle import CATEGORY, LARGEST, MESSAGE, NOTE, refer, transaction
from delivery.channels.in_field import ALTERED, DUPLICATED, MISSING, VERIFIED
from delivery.documents import Document

DOCUMENT = {"system": "http://loinc.org", "code": "34109-9", "display": "Note"}
ROUTED = "text/hl7v2"  # eCW would file it into fields as a Clinical Note


def render(outgoing: OutgoingDocuments) -> Rendered:
    """The transaction. Raises CannotExpress."""
    if not outgoing.documents:
        raise CannotExpress("hl7_nothing_to_send")
    made, places = [], [f"/attachments/{at}" for at in range(len(outgoing.documents))]
    for number, document in enumerate(outgoing.documents, start=1):
        identity = f"{outgoing.control_id}.{number}"
        made.append((identity, reference(document, outgoing, identity, places[number - 1])))
    return transaction(made, places)


def reference(document: Document, outgoing: OutgoingDocuments, identity: str, place: str) -> dict[str, Any]:
    """One document with its bytes. Raises CannotExpress."""
    visit = outgoing.visit
    context: dict[str, Any] = {"encounter": [refer("Encounter", visit.encounter_id, "/encounter/id")]}
    if visit.start is not None and visit.start.tzinfo is not None:
        context["period"] = {"start": visit.start.isoformat()}
    content = content_of(document, place)
    attachment = {"contentType": document.content_type, "data": base64.b64encode(content).decode()}
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"system": MESSAGE, "value": identity},
        "identifier": [{"system": NOTE, "value": outgoing.note_id}],
        "status": "current",
        "type": {"coding": [DOCUMENT]},
        "category": [{"coding": [CATEGORY]}],
        "subject": refer("Patient", visit.patient.id, "/patient/id"),
        "date": outgoing.created_at.isoformat(),
        "author": [refer("Practitioner", visit.provider_id, "/provider/id")],
        "content": [{"attachment": {**attachment, **({"title": document.title} if document.title else {})}}],
        "context": context,
    }


def content_of(document: Document, place: str) -> bytes:
    """The bytes to be filed. Raises CannotExpress for what eCW would take for something else, or not at all."""
    if document.content_type == ROUTED:
        raise CannotExpress("fhir_document_type", f"{place}/content_type")
    try:
        content = document.content
    except ValueError:
        content = b""
    if not content:
        raise CannotExpress("hl7_document", f"{place}/data")
    if len(content) > LARGEST:
        raise CannotExpress("fhir_too_large", f"{place}/data")
    return content


def compare(body: bytes, chart: dict[str, list[bytes]]) -> ReadBack:
    """What was sent against the documents of ours that the chart holds, by identity; every byte counts."""
    rows = [_row(number, entry["resource"], chart) for number, entry in enumerate(json.loads(body)["entry"])]
    return ReadBack(any(row.outcome != MISSING for row in rows), tuple(rows), "document")


def _row(number: int, sent: dict[str, Any], chart: dict[str, list[bytes]]) -> SectionReading:
    attachment = sent["content"][0]["attachment"]
    found = chart.get(sent["masterIdentifier"]["value"], [])
    content = base64.b64decode(attachment["data"])
    outcome = DUPLICATED if len(found) > 1 else VERIFIED if found == [content] else ALTERED if found else MISSING
    title = attachment.get("title") or f"Document {number + 1}"
    stands = ", ".join(_said(one) for one in found)
    return SectionReading(number, "", title, "", outcome, _said(content), stands, "")


def _said(content: bytes) -> str:
    """A document in a reading: its size and SHA-256, not its bytes."""
    return f"{len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}"
