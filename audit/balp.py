"""An event as FHIR R4 AuditEvent, shaped after IHE BALP 1.1.3 (ITI Basic Audit Log Patterns). No profile is claimed.

Patients and encounters stand there as the log has them: by blind index, under an identifier system of our own. What
DICOM has a code for carries it (DCM, PS3.16 CID 400 and following); the event's own name is the subtype.
"""

import json
from typing import Any
from urllib.parse import quote

from fhir.resources.R4B.auditevent import AuditEvent as Resource
from pydantic import ValidationError

from audit.actions import ACTIONS
from audit.canonical import utc
from audit.event import AuditEvent

DCM = "http://dicom.nema.org/resources/ontology/DCM"
OURS = "urn:scribeport:event"
BLIND = "urn:scribeport:blind-index"
BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
OBJECT_KIND = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
SOURCE_KIND = "http://terminology.hl7.org/CodeSystem/security-source-type"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

# By the longest beginning that fits. Codes and displays: DICOM PS3.16 2024b, CID 400 (Audit Event ID).
TYPES = {
    "auth.": ("110114", "User Authentication"),
    "authz.": ("110113", "Security Alert"),
    "note.": ("110110", "Patient Record"),
    "chart.": ("110110", "Patient Record"),
    "delivery.": ("110106", "Export"),
    "disclosure.": ("110106", "Export"),
    "data.": ("110106", "Export"),
    "ehi.": ("110106", "Export"),
    "export.": ("110106", "Export"),
    "event.": ("110107", "Import"),
    "audit.": ("110101", "Audit Log Used"),
    "audit.export": ("110106", "Export"),
}
OTHERWISE = ("110100", "Application Activity")
# C, R, U, D, E by the last word of the event's name; what is not listed is an execution.
DEEDS = {
    "R": ("view", "list", "search", "read", "preview", "verify"),
    "C": ("create", "ingest", "record", "grant", "import", "begin"),
    "U": ("change", "publish", "end", "revoke", "lock", "release", "enable", "disable", "set", "lift"),
    "D": ("destroy", "discard", "purge"),
}
OUTCOMES = {"ok": "0", "denied": "4", "error": "8"}
METHODS = {"user": "humanuser", "api_key": "dataprocessor"}


def audit_event(event: AuditEvent) -> Resource:
    """The resource, checked by the model. Times are UTC; a text that no FHIR string can be stands there as in JSON."""
    said = _said(event)
    try:
        return Resource.model_validate(said)
    except ValidationError:
        pass  # its words repeat the text
    return Resource.model_validate(_sayable(said))


def _said(event: AuditEvent) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "id": str(event.pk),
        "type": _coding(DCM, *_type(event.event)),
        "subtype": [_coding(OURS, event.event, _sentence(event.event))],
        "action": _deed(event.event),
        "recorded": utc(event.at),
        "outcome": OUTCOMES.get(event.outcome, "8"),
        **({"outcomeDesc": event.outcome_class} if event.outcome_class else {}),
        **({"purposeOfEvent": [{"coding": [_coding(REASON, event.purpose_of_use)]}]} if _purpose(event) else {}),
        "agent": list(_agents(event)),
        "source": _source(event),
        "entity": list(_entities(event)),
    }


def _sayable(said: Any) -> Any:
    """The same with every text that FHIR takes for no string, blank or with controls, in quotes and escaped."""
    if isinstance(said, dict):
        return {name: _code(inner) if name == "code" else _sayable(inner) for name, inner in said.items()}
    if isinstance(said, list):
        return [_sayable(inner) for inner in said]
    if isinstance(said, str) and (said != said.strip() or not said.isprintable()):
        return json.dumps(said)
    return said


def _code(said: Any) -> Any:
    """A code holds no blanks: what has some is escaped as in an address; "-" where there is none."""
    return (quote(said, safe="/:.", errors="replace") or "-") if isinstance(said, str) else _sayable(said)


def line(event: AuditEvent) -> bytes:
    """The resource as one line of NDJSON."""
    return audit_event(event).model_dump_json(exclude_none=True).encode() + b"\n"


def _coding(system: str, code: str, display: str = "") -> dict[str, str]:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def _type(name: str) -> tuple[str, str]:
    fitting = [start for start in TYPES if name.startswith(start)]
    return TYPES[max(fitting, key=len)] if fitting else OTHERWISE


def _sentence(name: str) -> str:
    return ACTIONS[name].sentence if name in ACTIONS else ""


def _deed(name: str) -> str:
    last = name.rpartition(".")[2]
    return next((deed for deed, words in DEEDS.items() if last in words), "E")


def _purpose(event: AuditEvent) -> bool:
    """A code of HL7's list; what is none stands with the rest of the details."""
    return event.purpose_of_use.isascii() and event.purpose_of_use.isalnum()


def _agents(event: AuditEvent) -> list[dict[str, Any]]:
    """Whoever did it, first; then on whose behalf, and who received what was sent."""
    first: dict[str, Any] = {
        "requestor": True,
        "who": {"identifier": {"value": event.actor_id or event.actor_type or "unknown"}},
    }
    if event.actor_name:
        first |= {"altId": event.actor_name}
    first["type"] = {"coding": [_coding("urn:scribeport:actor", event.actor_type)]}
    if event.source_ip:
        first["network"] = {"address": event.source_ip, "type": "2"}
    agents = [first]
    if event.on_behalf_of:
        agents.append({"requestor": False, "who": {"identifier": {"value": event.on_behalf_of}}})
    if event.recipient:
        kind = {"coding": [_coding(DCM, "110152", "Destination Role ID")]}
        agents.append({"requestor": False, "type": kind, "who": {"display": event.recipient}})
    return agents


def _source(event: AuditEvent) -> dict[str, Any]:
    site = "/".join(part for part in (event.practice, event.location) if part)
    observer = {"display": "Scribeport", "identifier": {"value": event.practice or "installation"}}
    return {"observer": observer, "type": [_coding(SOURCE_KIND, "4", "Application Server")]} | (
        {"site": site} if site else {}
    )


def _entities(event: AuditEvent) -> list[dict[str, Any]]:
    entities = []
    if event.subject_bidx:
        entities.append(_thing(BLIND, event.subject_bidx, "1", "Person", "1", "Patient"))
    if event.encounter_bidx:
        entities.append(_thing(BLIND, event.encounter_bidx, "2", "System Object", "4", "Domain Resource"))
    if event.object_type:
        named = f"urn:scribeport:{quote(event.object_type.replace(' ', '-'), errors='replace')}"
        entities.append(_thing(named, event.object_id or "-", "2", "System Object", "4", "Domain Resource"))
    if event.correlation_id:
        entities.append(
            {
                "what": {"identifier": {"value": event.correlation_id}},
                "type": _coding(BALP, "XrequestId", "X-Request-Id"),
            }
        )
    if details := [*_details(event)]:
        entities.append({"type": _coding(OBJECT_KIND, "4", "Other"), "detail": details})
    return entities


def _thing(system: str, value: str, kind: str, kind_name: str, role: str, role_name: str) -> dict[str, Any]:
    return {
        "what": {"identifier": {"system": system, "value": value}},
        "type": _coding(OBJECT_KIND, kind, kind_name),
        "role": _coding(OBJECT_ROLE, role, role_name),
    }


def _details(event: AuditEvent) -> list[dict[str, str]]:
    """What is left: the detail's codes and counts, the categories of data, the reason, the check value."""
    rest = {**event.detail, "data_category": event.data_category, "reason": event.reason, "row_mac": event.row_mac}
    return [
        {"type": name, "valueString": " ".join(map(str, value)) if isinstance(value, list) else str(value)}
        for name, value in sorted(rest.items())
        if value not in ("", [], None)
    ]
