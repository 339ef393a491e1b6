"""Writing over the Open API: a Progress Note filled field by field, checked against the template it names.

Assumed throughout (docs/openapi/ecw-open-api.yaml): what eCW really checks is not published.
"""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.fault_kinds import Stage
from sandbox.faults import Fault, Switchboard
from sandbox.filing import file_note
from sandbox.oru import Note, Observation
from sandbox.store import Store
from sandbox.tampering import tamper, under
from sandbox.template import Template

HALF = re.compile(r"[\ud800-\udfff]")  # JSON may escape one half of a surrogate pair; no text can hold it
TEXTS = ("control_id", "note_id", "facility", "encounter_id", "patient_id", "template")


@dataclass
class Rejected(Exception):
    """Nothing is filed: an HTTP status, a code of eCW's where one fits, and words."""

    status: int
    text: str
    code: str = ""


class Writing:
    """Files what is posted. `dedupe`: a control id that was filed before is not filed again."""

    def __init__(self, store: Store, switchboard: Switchboard, dedupe: bool = False) -> None:
        self.store = store
        self.switchboard = switchboard
        self.dedupe = dedupe

    async def take(self, request: web.Request) -> web.StreamResponse:
        """201 for a note filed, 200 for one filed before; 4xx for what is refused, and what a fault makes of it."""
        try:
            note = read(await request.read())
            fault = self.switchboard.first(Stage.FHIR, note.facility)
            if fault is not None and fault.kind.name in BEFORE:
                return before_filing(fault, request)
            status = self.file(note)
        except Rejected as rejected:
            return refusal(rejected)
        if fault is not None and fault.kind.name == "fhir_slow":
            await asyncio.sleep(fault.settings["seconds"])
        if fault is not None and fault.kind.name in ("fhir_error_filed", "fhir_cut_filed"):
            return after_filing(fault, request)
        body = {"control_id": note.control_id, "status": "filed" if status == 201 else "already_filed"}
        return web.json_response(body, status=status)

    def file(self, note: Note) -> int:
        """Files and commits; 201, or 200 where it had been filed. Raises Rejected."""
        template = self.template_of(note)
        if self.store.patient_of(note.facility, note.encounter) not in (None, note.patient):
            raise Rejected(422, "The encounter does not belong to this patient.", "303")
        if (note.facility, note.encounter) in self.store.signed:
            raise Rejected(409, "The encounter is locked.", "139")
        standing, _ = self.store.populated(note.facility, note.encounter)
        if standing not in ("", note.template):
            raise Rejected(409, "The visit's note is made of another template.")
        unknown = [each.field_id for each in note.observations if each.field_id not in template.by_id]
        if unknown:
            raise Rejected(422, f"The template has no field {unknown[0][:80]}.", "302")
        if self.dedupe and self.store.has_control_id(note.control_id):
            return 200
        faults = self.switchboard.struck(Stage.FILING, note.facility)
        filed = tamper(file_note(note.observations, template), faults, template)
        for _ in range(2 if any(fault.kind.name == "duplicate_filing" for fault in faults) else 1):
            self.store.file(under(note, faults), filed, b"application/json\n")
        self.store.populate(note.facility, note.encounter, note.patient, note.template)
        self.store.commit()
        return 201

    def template_of(self, note: Note) -> Template:
        return known_template(self.store, note.facility, note.template)


def known_template(store: Store, facility: str, code: str) -> Template:
    """A facility's template by its code. Raises Rejected."""
    templates = store.templates.get(facility)
    if templates is None:
        raise Rejected(404, "There is no such facility.")
    if code not in templates:
        raise Rejected(422, "The facility has no such template.")
    return templates[code]


BEFORE = ("fhir_status", "fhir_login_page", "fhir_code", "fhir_unauthorized", "fhir_no_answer")


def read(body: bytes) -> Note:
    """The note of a posted body. Raises Rejected naming what is wrong."""
    said = read_object(body, TEXTS)
    return Note(
        control_id=said["control_id"],
        note_id=said["note_id"],
        facility=said["facility"],
        encounter=said["encounter_id"],
        patient=said["patient_id"],
        template=said["template"],
        observations=fields(said.get("fields")),
        correction=said.get("correction") is True,
    )


def read_object(body: bytes, texts: Iterable[str]) -> dict[str, Any]:
    """The object of a posted body, each of `texts` in it. Raises Rejected."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Rejected(400, "The body is no JSON.") from None
    if HALF.search(json.dumps(said, ensure_ascii=False)):
        raise Rejected(400, "The body holds half a character.")
    if not isinstance(said, dict):
        raise Rejected(400, "The body is no object.")
    for name in texts:
        if not isinstance(said.get(name), str) or not said[name]:
            raise Rejected(422, f"{name} is missing or no text.")
    return said


def fields(rows: Any) -> tuple[Observation, ...]:
    if not isinstance(rows, list) or not rows:
        raise Rejected(422, "fields is missing or empty.")
    for row in rows:
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("field_id", "text")):
            raise Rejected(422, "Each of fields needs a field_id and a text.")
    return tuple(Observation(row["field_id"], row["text"]) for row in rows)


def refusal(rejected: Rejected) -> web.Response:
    return web.json_response({"error": rejected.text, "code": rejected.code}, status=rejected.status)


def before_filing(fault: Fault, request: web.Request) -> web.Response:
    """Faults that answer, or close, without filing anything."""
    match fault.kind.name:
        case "fhir_status":
            return web.json_response({"error": "Not taken."}, status=fault.settings["status"])
        case "fhir_code":
            return refusal(Rejected(422, "Refused by a fault.", fault.settings["code"]))
        case "fhir_unauthorized":
            return web.json_response({"error": "The access token is wrong or run out."}, status=401)
        case "fhir_login_page":
            return web.Response(text="<html><title>Sign in</title></html>", content_type="text/html")
    return closed(request)


def after_filing(fault: Fault, request: web.Request) -> web.Response:
    """Faults that strike when the note is in the chart: nobody outside can know."""
    if fault.kind.name == "fhir_cut_filed":
        return closed(request)
    return web.json_response({"error": "Server error."}, status=fault.settings["status"])


def closed(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
