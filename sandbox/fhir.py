"""The FHIR face of a practice: a transaction endpoint that speaks eCW's codes, searches, and Binary.

Graded in docs/sandbox.md: most of it is relayed by client code that talks to eCW, the echo of identifiers is assumed.
"""

import asyncio
import base64
import json
from typing import Any

from aiohttp import web

from sandbox import reconciling
from sandbox.caller import at_hand
from sandbox.clinical_notes import CodedRefusal, read_bundle
from sandbox.fault_kinds import Stage
from sandbox.faults import Fault, Switchboard
from sandbox.fhir_filing import FhirFiling, as_reference
from sandbox.limits import Limits
from sandbox.practices import Practices
from sandbox.smart import Tokens
from sandbox.store import Store

FHIR_JSON = "application/fhir+json"
LARGEST_BODY = 8 * 2**20
READABLE = (
    "Patient",
    "Encounter",
    "Condition",
    "MedicationRequest",
    "AllergyIntolerance",
    "Observation",
    "DocumentReference",
)


class Fhir:
    """Everything under /fhir/r4/{practice}."""

    def __init__(
        self, store: Store, switchboard: Switchboard, practices: Practices, tokens: Tokens, limits: Limits
    ) -> None:
        self.switchboard = switchboard
        self.practices = practices
        self.tokens = tokens
        self.limits = limits
        self.filing = FhirFiling(store, switchboard)

    def routes(self) -> list[web.RouteDef]:
        base = "/fhir/r4/{practice}"
        return [
            web.get(base + "/metadata", self.metadata),
            web.post(base, self.transaction),
            web.get(base + "/Binary/{id}", self.binary),
            web.get(base + "/{type}", self.search),
            web.get(base + "/{type}/{id}", self.read),
        ]

    async def metadata(self, request: web.Request) -> web.Response:
        resources = [{"type": name, "interaction": [{"code": "read"}, {"code": "search-type"}]} for name in READABLE]
        body = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "status": "active", "kind": "instance"}
        return answer({**body, "format": ["json"], "rest": [{"mode": "server", "resource": resources}]})

    async def transaction(self, request: web.Request) -> web.StreamResponse:
        """Takes one note, or coded entries; HTTP 200 even where eCW's own code says no."""
        body = await loaded(request)
        kinds = reconciling.posted_types(body)
        for kind in dict.fromkeys(kinds or ["DocumentReference"]):
            refused = self.refused(request, kind, "write")
            if refused is not None:
                return refused
        practice = self.practices.of(request.match_info["practice"])
        fault = self.switchboard.first(Stage.FHIR, practice.facility)
        name = fault.kind.name if fault else ""
        if fault is not None and name in ("fhir_status", "fhir_login_page", "fhir_code", "fhir_unauthorized"):
            return before_filing(fault, posted_entries(body))
        if name == "fhir_no_answer":
            return cut(request)
        if body is None:
            return outcome(400, "The body is no JSON.")
        try:
            if kinds:
                locations = [f"AppData/{key}" for key in reconciling.keep(body, practice)]
            else:
                posted = read_bundle(body)
                for each in posted:
                    self.filing.check(each, practice)
                locations = [f"DocumentReference/{key}" for key in self.filing.file_all(posted, practice)]
        except ValueError:  # half a character, for one: no text
            return outcome(400, "The body is no JSON.")
        except CodedRefusal as refusal:
            return coded(refusal.code, refusal.text, *[""] * posted_entries(body))
        if name == "fhir_error_filed" and fault is not None:
            return outcome(fault.settings["status"], "Server error.")
        if name == "fhir_cut_filed":
            return cut(request)
        if name == "fhir_slow" and fault is not None:
            await asyncio.sleep(fault.settings["seconds"])
        return coded("1", "", *locations)

    async def search(self, request: web.Request) -> web.Response:
        """By _id, patient, encounter; _count is answered 400, as eCW's is said to be."""
        kind, query = request.match_info["type"], request.query
        refused = self.refused(request, kind, "read")
        if refused is not None:
            return refused
        if kind not in READABLE:
            return outcome(404, "There is no such resource.")
        if "_count" in query or (kind == "Encounter" and "status" in query):
            return outcome(400, "This parameter is not supported.")
        found = [each for each in self.resources(request, kind) if matches(each, query)]
        base = base_of(request)
        entries = [{"fullUrl": f"{base}/{kind}/{each['id']}", "resource": each} for each in found]
        return answer({"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries})

    async def read(self, request: web.Request) -> web.Response:
        """By id in the path; an id with a dot is not found this way, as client code has seen of eCW."""
        kind, wanted = request.match_info["type"], request.match_info["id"]
        refused = self.refused(request, kind, "read")
        if refused is not None:
            return refused
        found = [] if "." in wanted else [each for each in self.resources(request, kind) if each["id"] == wanted]
        return answer(found[0]) if found else outcome(404, "There is no such resource.")

    async def binary(self, request: web.Request) -> web.Response:
        refused = self.refused(request, "Binary", "read")
        if refused is not None:
            return refused
        for document in self.all_documents(request):
            if document.id == request.match_info["id"]:
                data = base64.b64encode(document.content).decode()
                body = {"resourceType": "Binary", "id": document.id, "contentType": document.content_type}
                return answer({**body, "data": data})
        return outcome(404, "There is no such Binary.")

    def resources(self, request: web.Request, kind: str) -> list[dict[str, Any]]:
        practice = self.practices.of(request.match_info["practice"])
        own = [each for (name, _), each in practice.resources.items() if name == kind]
        if kind != "DocumentReference":
            return own
        base = base_of(request)
        return own + [as_reference(document, base) for document in self.all_documents(request)]

    def all_documents(self, request: web.Request) -> Any:
        """The documents of the encounter asked for, or the one a document's id names."""
        practice = self.practices.of(request.match_info["practice"])
        encounter = request.query.get("encounter", "").removeprefix("Encounter/")
        wanted = request.match_info.get("id") or request.query.get("_id") or ""
        kind, _, number = wanted.partition(".")
        if not encounter and number.isdecimal():
            encounter = self.filing.encounter_of(kind, int(number), practice.facility)
        return self.filing.documents(practice, encounter) if encounter else iter(())

    def refused(self, request: web.Request, kind: str, right: str) -> web.Response | None:
        """The answer to a call that may not be made: 429, 401, 403, or a fault's."""
        practice = request.match_info["practice"]
        if self.limits.over(practice):
            return outcome(429, "Too many requests.")
        given = request.headers.get("Authorization", "")
        grant = self.tokens.grant_of(given.removeprefix("Bearer ")) if given.startswith("Bearer ") else None
        at_hand.set(grant.app.client_id if grant else "")
        trouble = self.trouble(practice) if right == "read" else None
        if trouble is not None:
            return trouble
        if grant is None or grant.practice != practice:
            return unauthorized()
        spelt = {"read": ("read", "rs", "*"), "write": ("write", "c", "cu", "cud", "*")}[right]
        wanted = {f"{context}/{each}.{way}" for context in ("user", "system") for each in (kind, "*") for way in spelt}
        return None if wanted & set(grant.scopes) else outcome(403, "The scope is not sufficient.")

    def trouble(self, practice: str) -> web.Response | None:
        """What the faults of reading make of it."""
        for fault in self.switchboard.struck(Stage.READING, self.practices.of(practice).facility):
            if fault.kind.name == "read_http_500":
                return outcome(fault.settings["status"], "Server error.")
            if fault.kind.name == "read_unauthorized":
                return unauthorized()
        return None


def posted_entries(body: Any) -> int:
    """How many entries an answer has: as many as were posted, one at least."""
    entries = body.get("entry") if isinstance(body, dict) else None
    return max(len(entries), 1) if isinstance(entries, list) else 1


def before_filing(fault: Fault, entries: int = 1) -> web.Response:
    """Faults that answer without filing anything."""
    match fault.kind.name:
        case "fhir_status":
            return outcome(fault.settings["status"], "Not taken.")
        case "fhir_code":
            return coded(fault.settings["code"], "Refused by a fault.", *[""] * entries)
        case "fhir_unauthorized":
            return unauthorized()
    return web.Response(text="<html><title>Sign in</title></html>", content_type="text/html")


def cut(request: web.Request) -> web.Response:
    """Closes the connection instead of answering."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def base_of(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}/fhir/r4/{request.match_info['practice']}"


def matches(resource: dict[str, Any], query: Any) -> bool:
    """Whether a resource is what a search asks for; parameters that are not known here narrow nothing."""
    subject = str((resource.get("subject") or resource.get("patient") or {}).get("reference", ""))
    visits = (resource.get("context") or {}).get("encounter") or [resource.get("encounter") or {}]
    encounter = str(visits[0].get("reference", ""))
    for name, found in (("_id", resource["id"]), ("patient", subject), ("encounter", encounter)):
        wanted = query.get(name)
        if wanted is not None and found.rpartition("/")[2] != wanted.rpartition("/")[2]:
            return False
    wanted = query.get("identifier")
    values = [f"{each.get('system', '')}|{each.get('value', '')}" for each in resource.get("identifier") or []]
    return wanted is None or wanted in values


def answer(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status, content_type=FHIR_JSON)


def outcome(status: int, text: str) -> web.Response:
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return answer({"resourceType": "OperationOutcome", "issue": [issue]}, status)


def coded(code: str, text: str, *locations: str) -> web.Response:
    """A transaction's answer: HTTP 200, and eCW's own code in each entry; one entry where no location is said."""
    entries = []
    for location in locations or ("",):
        said: dict[str, Any] = {"status": code}
        if location:
            said["location"] = location
        if text:
            issue = {"severity": "error", "code": "processing", "diagnostics": text}
            said["outcome"] = {"resourceType": "OperationOutcome", "issue": [issue]}
        entries.append({"response": said})
    return answer({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})


async def loaded(request: web.Request) -> Any:
    """The JSON of a request; None for what is none."""
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        return None


def unauthorized() -> web.Response:
    response = outcome(401, "The access token is missing, wrong or run out.")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
