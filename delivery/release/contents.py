"""The files of one note version for an export: as posted, text, PDF, C-CDA, FHIR, and its messages byte for byte.

A note needs no mapping and no delivery for that: each section stands under its own title. What one form cannot express
is left out of that form alone, and named in the manifest.
"""

import base64
import logging
import mimetypes
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError

from delivery.channels import ccda, fhir_document
from delivery.channels.base import CannotExpress, OutgoingNote
from delivery.models import NoteVersion, Wire
from delivery.posted import PostedNote, read
from mapping.note import Contribution, FieldValue
from portal import crypto
from portal.keyring import KeysUnavailable

log = logging.getLogger(__name__)
Made = TypeVar("Made")
ENDINGS = {"application/hl7-v2": "hl7", "application/fhir+json": "json", "application/json": "json"}


@dataclass(frozen=True)
class File:
    """One file of the archive."""

    path: str
    content: bytes


@dataclass(frozen=True)
class LeftOut:
    """What could not be made, and the code that says why."""

    path: str
    why: str


@dataclass(frozen=True)
class Message:
    """What went, or will go, over the wire, as it is stored; `key` is the wire's."""

    key: int
    content_type: str
    sealed_bytes: bytes | memoryview


def messages_of(versions: Iterable[NoteVersion]) -> dict[UUID, list[Message]]:
    """The messages of many versions, by version, read at once.

    Plain values: rows that refer to each other stay until the garbage is collected, which counts them, not their bytes.
    """
    found = Wire.objects.filter(delivery__note_version__in=[version.pk for version in versions]).order_by("pk")
    messages = defaultdict[UUID, list[Message]](list)
    columns = found.values_list("delivery__note_version", "pk", "content_type", "sealed_bytes")
    for version, key, content_type, sealed_bytes in columns:
        messages[version].append(Message(key, content_type, sealed_bytes))
    return messages


def body_of(version: NoteVersion) -> bytes:
    """The request body as posted; raises CannotOpen."""
    return crypto.unseal(version.sealed_body, table="noteversion", column="body", row=version.pk)


def folder(version: NoteVersion) -> str:
    return f"notes/{version.note_id}/v{version.number}"


def note_of(version: NoteVersion, posted: PostedNote) -> OutgoingNote:
    """The note with each of its sections under its own title, in its own order."""
    values = tuple(
        FieldValue(
            field_id=str(section.index),
            label=section.title or section.code or f"Section {section.index + 1}",
            position=section.index + 1,
            text=section.text,
            contributions=(Contribution(section.index, section.code, section.title, section.text),),
        )
        for section in posted.sections
        if section.text.strip()
    )
    return OutgoingNote(
        control_id=str(version.pk),
        note_id=str(version.note_id),
        version=version.number,
        visit=posted.visit,
        template_code="",
        template_name="Note",
        values=values,
        correction=version.number > 1,
        created_at=version.received_at,
    )


def files(version: NoteVersion, messages: Iterable[Message] = ()) -> Iterator[File | LeftOut]:
    """Every file of one version. What cannot be made of it is named, and keeps the others from nothing."""
    under = folder(version)
    try:
        body = body_of(version)
    except crypto.CannotOpen:
        yield LeftOut(under, "cannot_open")
        return
    yield File(f"{under}/note.json", body)
    posted = attempt(f"{under}/note", lambda: read(body))
    if isinstance(posted, LeftOut):
        yield posted
    else:
        yield from _forms(version, posted, under)
    yield from _messages(messages, under)


def _forms(version: NoteVersion, posted: PostedNote, under: str) -> Iterator[File | LeftOut]:
    note = note_of(version, posted)
    for name, form in (("note.txt", "text"), ("note.pdf", "pdf"), ("ccda.xml", "ccda")):
        path = f"{under}/{name}"
        made = attempt(path, partial(_form, note, form))
        yield made if isinstance(made, LeftOut) else File(path, made)
    for number, document in enumerate(posted.documents, 1):
        yield File(f"{under}/documents/{number}.{_ending(document.content_type)}", document.content)


def _form(note: OutgoingNote, form: str) -> bytes:
    return ccda.document(note) if form == "ccda" else fhir_document.document(note, form)


def attempt(path: str, make: Callable[[], Made]) -> Made | LeftOut:
    """What is made of one note, or why not: a fault of ours with one of ten thousand keeps none of the others back."""
    try:
        return make()
    except CannotExpress as wrong:
        return LeftOut(path, wrong.reason_code)
    except (DatabaseError, KeysUnavailable):
        raise
    except Exception as wrong:
        log.warning("a form of a note could not be made: %s", type(wrong), exc_info=True)
        return LeftOut(path, f"fault_{type(wrong).__name__}")


def _ending(content_type: str) -> str:
    return (mimetypes.guess_extension(content_type) or ".bin").removeprefix(".")


def _messages(messages: Iterable[Message], under: str) -> Iterator[File | LeftOut]:
    """The original bytes."""
    for one in messages:
        ending = ENDINGS.get(one.content_type.partition(";")[0], "bin")
        path = f"{under}/messages/{one.key}.{ending}"
        try:
            yield File(path, crypto.unseal(one.sealed_bytes, table="wire", column="bytes", row=one.key))
        except crypto.CannotOpen:
            yield LeftOut(path, "cannot_open")


def patient_resource(posted: PostedNote) -> dict[str, Any]:
    """FHIR R4 Patient, with what the note says of the patient."""
    patient = posted.visit.patient
    names = {"family": patient.family} | ({"given": [patient.given]} if patient.given else {})
    genders = {"M": "male", "F": "female", "O": "other"}
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:scribeport:patient", "value": patient.id}],
        **({"name": [names]} if patient.family else {}),
        **({"birthDate": patient.birth_date} if patient.birth_date else {}),
        "gender": genders.get(patient.sex, "unknown"),
    }


def document_resource(version: NoteVersion, posted: PostedNote) -> dict[str, Any]:
    """FHIR R4 DocumentReference with the note's text inside; references are by identifier: no server is assumed."""
    note = note_of(version, posted)
    text = "\n\n".join(f"{value.label}:\n{value.text}" for value in note.values)
    visit = posted.visit
    return {
        "resourceType": "DocumentReference",
        "id": str(version.pk),
        "identifier": [{"system": "urn:scribeport:note", "value": str(version.note_id)}],
        "status": "current",
        "docStatus": "amended" if version.number > 1 else "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]},
        "subject": {"identifier": {"system": "urn:scribeport:patient", "value": visit.patient.id or "unknown"}},
        "date": version.received_at.isoformat(),
        "author": [{"identifier": {"value": visit.provider_id or "unknown"}}],
        "context": {"encounter": [{"identifier": {"value": visit.encounter_id or "unknown"}}]},
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "data": base64.b64encode(text.encode("utf-8", "replace")).decode(),
                }
            }
        ],
    }
