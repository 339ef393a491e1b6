"""Makes the archive: every note of one patient, or of the practice, in every form; signed; written as it is made.

The manifest names each file with its SHA-256 and is signed with Ed25519 over its exact bytes. The key is derived from
the installation's audit secret and stays the same as long as that does; the page shows its public half.
"""

import base64
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db.models import Prefetch, QuerySet
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.documentreference import DocumentReference
from fhir.resources.R4B.patient import Patient

from audit.canonical import canonical, utc
from audit.event import AuditEvent
from audit.exports import safe
from audit.parts import in_parts, parts
from delivery.models import Delivery, NoteVersion
from delivery.posted import BadJson, PostedNote, read
from delivery.release import contents
from delivery.release.contents import File, LeftOut
from portal import crypto
from portal.exports.asking import Tell
from portal.models import Practice

CHUNK = 50  # notes read at once, with their messages: each may have 5 MiB, in every form
STATES = Prefetch("deliveries", Delivery.objects.order_by("pk").only("note_version", "part", "state"))
IN_ONE_BUNDLE = 500  # notes of one patient that go into Bundle.json as well
COLUMNS = (
    "note_id", "version", "location", "scribe", "source_note_id", "received_at", "provider_id", "visit_type",
    "encounter_start", "deliveries",
)  # fmt: skip
README = """This archive holds notes as this practice received them, whether or not they were delivered.

notes/<note>/v<version>/note.json   the note as it was posted, byte for byte
                        note.txt    each section under its title
                        note.pdf    the same on letter pages
                        ccda.xml    C-CDA R2.1 Progress Note
                        documents/  attached documents, as posted
                        messages/   what was made for eClinicalWorks, byte for byte (.hl7: HL7 v2, segments end with CR)
fhir/*.ndjson                       FHIR R4 Patient and DocumentReference, one resource a line
fhir/Bundle.json                    of one patient: the same as one Bundle of type collection
metadata.csv                        one line a version; a cell that could be a formula has an apostrophe in front
audit.jsonl                         of one patient: who did what with these notes, by blind index
manifest.json                       every file with its SHA-256; left_out: what one form could not express, and why
manifest.sig                        Ed25519 over the bytes of manifest.json, base64; the public key stands in it

HL7 v2.5.1, C-CDA R2.1 and FHIR R4 are published by HL7 International: https://www.hl7.org/implement/standards/
"""


@dataclass
class Manifest:
    """What the archive holds, collected while it is written."""

    files: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)


def versions(practice: Practice, patient: str) -> QuerySet[NoteVersion]:
    """The practice's note versions, or one patient's (blind index), oldest first."""
    found = NoteVersion.objects.filter(note__practice=practice).select_related("note__scribe", "note__location")
    return (found.filter(patient_bidx=patient) if patient else found).order_by("received_at", "pk")


def write(practice: Practice, patient: str, out: IO[bytes], tell: Tell, mark: dict[str, Any]) -> dict[str, int]:
    """Write the archive into `out`, which need not be able to seek; notes and files written, and files left out.

    `mark` stands in the manifest, signed with the rest: which export it is, who asked and who approved.
    """
    manifest = Manifest()
    found = versions(practice, patient)
    total = found.count()
    tell(0, total)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        made = _Archive(archive, manifest)
        made.add(File("README.txt", (README + _said_of(mark)).encode()))
        for number, (version, messages) in enumerate(_with_messages(found), 1):
            for one in contents.files(version, messages):
                made.add(one)
            if number % 20 == 0 or number == total:
                tell(number, total)
        made.stream("metadata.csv", _metadata(found))
        _fhir(made, found, bool(patient) and total <= IN_ONE_BUNDLE)
        if patient:
            made.stream("audit.jsonl", _audit(practice, patient))
        _sign(archive, manifest, practice, total, mark)
    return {"notes": total, "files": len(manifest.files), "left_out": len(manifest.left_out)}


class _Archive:
    """The zip file and its manifest, written together."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.archive, self.manifest = archive, manifest

    def add(self, one: File | LeftOut) -> None:
        if isinstance(one, LeftOut):
            self.leave_out(one)
            return
        self.archive.writestr(one.path, one.content)
        self._note(one.path, hashlib.sha256(one.content).hexdigest(), len(one.content))

    def leave_out(self, one: LeftOut) -> None:
        self.manifest.left_out.append({"path": one.path, "why": one.why})

    def stream(self, path: str, lines: Iterator[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with self.archive.open(path, "w", force_zip64=True) as file:
            for line in lines:
                file.write(line)
                digest.update(line)
                size += len(line)
        self._note(path, digest.hexdigest(), size)

    def _note(self, path: str, sha256: str, size: int) -> None:
        self.manifest.files.append({"path": path, "sha256": sha256, "bytes": size})


def _metadata(found: QuerySet[NoteVersion]) -> Iterator[bytes]:
    yield _cells(COLUMNS)
    for version in _in_order(found.defer("sealed_body").prefetch_related(STATES)):
        note = version.note
        yield _cells(
            (
                str(note.pk), str(version.number), note.location.code, note.scribe.name, note.source_note_id,
                utc(version.received_at), version.provider_id, version.visit_type,
                utc(version.encounter_start) if version.encounter_start else "",
                "; ".join(f"{each.part}: {each.state}" for each in version.deliveries.all()),
            )
        )  # fmt: skip


def _cells(row: tuple[str, ...]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([safe(cell) for cell in row])
    return text.getvalue().encode("utf-8", "replace")


def _in_order(found: QuerySet[NoteVersion], newest_first: bool = False) -> Iterator[NoteVersion]:
    return in_parts(found, "received_at", "pk", size=CHUNK, backwards=newest_first)


def _with_messages(found: QuerySet[NoteVersion]) -> Iterator[tuple[NoteVersion, list[contents.Message]]]:
    for part in parts(found, "received_at", "pk", size=CHUNK):
        messages = contents.messages_of(part)
        while part:
            version = part.pop(0)
            yield version, messages.pop(version.pk, [])


def _opened(found: QuerySet[NoteVersion], newest_first: bool = False) -> Iterator[tuple[NoteVersion, PostedNote]]:
    for version in _in_order(found, newest_first):
        try:
            yield version, read(contents.body_of(version))
        except (crypto.CannotOpen, BadJson, ValueError, TypeError, LookupError, AttributeError):
            continue  # named in the manifest already


def _fhir(made: _Archive, found: QuerySet[NoteVersion], as_bundle: bool) -> None:
    made.stream("fhir/Patient.ndjson", _patients(found, made.leave_out))
    made.stream("fhir/DocumentReference.ndjson", _documents(found, made.leave_out))
    if as_bundle:
        lines = (*_patients(found, _named_already), *_documents(found, _named_already))
        entries = [{"resource": json.loads(line)} for line in lines]
        body = {"resourceType": "Bundle", "type": "collection"} | ({"entry": entries} if entries else {})
        Bundle.model_validate(body)
        made.add(File("fhir/Bundle.json", json.dumps(body, ensure_ascii=False).encode()))


def _named_already(one: LeftOut) -> None:
    """The lines of NDJSON have named what no resource could be made of."""


def _patients(found: QuerySet[NoteVersion], leave_out: Callable[[LeftOut], None]) -> Iterator[bytes]:
    """Each patient once, as the newest note has them of which a resource can be made."""
    seen: set[bytes] = set()
    for version, posted in _opened(found, newest_first=True):
        known = hashlib.sha256(posted.visit.patient.id.encode("utf-8", "replace")).digest()
        if known not in seen:
            path = f"fhir/Patient.ndjson of {contents.folder(version)}"
            line = contents.attempt(path, partial(_resource, Patient, contents.patient_resource(posted)))
            if isinstance(line, LeftOut):
                leave_out(line)
            else:
                seen.add(known)
                yield line


def _documents(found: QuerySet[NoteVersion], leave_out: Callable[[LeftOut], None]) -> Iterator[bytes]:
    for version, posted in _opened(found):
        path = f"fhir/DocumentReference.ndjson of {contents.folder(version)}"
        resource = contents.document_resource(version, posted)
        line = contents.attempt(path, partial(_resource, DocumentReference, resource))
        if isinstance(line, LeftOut):
            leave_out(line)
        else:
            yield line


def _resource(model: type[Patient] | type[DocumentReference], resource: dict[str, Any]) -> bytes:
    """One line of NDJSON, checked by the model."""
    model.model_validate(resource)
    return json.dumps(resource, ensure_ascii=False).encode() + b"\n"


def _audit(practice: Practice, patient: str) -> Iterator[bytes]:
    events = AuditEvent.objects.filter(practice=practice.code, subject_bidx=patient)
    for event in in_parts(events, "at", "pk", size=CHUNK):
        yield canonical(event) + b"\n"


def _said_of(mark: dict[str, Any]) -> str:
    return "\nThis copy: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in mark.items()) + "\n"


def _sign(archive: zipfile.ZipFile, manifest: Manifest, practice: Practice, notes: int, mark: dict[str, Any]) -> None:
    said = {
        "practice": practice.code,
        **mark,
        "made": utc(datetime.now(UTC)),
        "notes": notes,
        "public_key": public_key(),
        "files": manifest.files,
        "left_out": manifest.left_out,
    }
    raw = json.dumps(said, indent=1).encode()
    archive.writestr("manifest.json", raw)
    archive.writestr("manifest.sig", base64.b64encode(_key(settings.AUDIT_MAC_KEY).sign(raw)) + b"\n")


@lru_cache(maxsize=2)
def _key(secret: str) -> Ed25519PrivateKey:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"scribeport/export-signature")
    return Ed25519PrivateKey.from_private_bytes(derive.derive(secret.encode()))


def public_key() -> str:
    """64 hex digits: by which anybody can tell that an archive is this installation's."""
    return _key(settings.AUDIT_MAC_KEY).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
