"""Posts notes to eCW's FHIR base and reads its answer as eCW means it. Loaded for FHIR connections only."""

from typing import Any

import httpx2

from delivery.channels import clinical_notes, ecw_codes, fhir_document, http, tls
from delivery.channels.base import Credentials, NoAnswer, OutgoingNote, Receipt, Refused, Rendered, Unavailable
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.network import Guard, Resolve
from delivery.channels.posting import post
from delivery.channels.rest import json_object, rate_limit_ends, retry_after

REFUSALS = {403: "fhir_forbidden", 412: "fhir_multiple_matches", 413: "fhir_too_large"}


class FhirChannel:
    """One connection to one practice's base, used by one thread."""

    def __init__(self, settings: FhirSettings, credentials: Credentials, resolve: Resolve, guard: Guard) -> None:
        self.settings = settings
        self.credentials = credentials
        context = tls.context(settings) if settings.base_url.startswith("https:") else None
        self.client = http.client(resolve, settings.call_seconds, context, guard=guard)

    def render(self, note: OutgoingNote) -> Rendered:
        """Pure; raises CannotExpress."""
        way = fhir_document if self.settings.profile == "document" else clinical_notes
        return way.render(note, self.settings)

    def open(self) -> None:
        """Have a token that outlives a call; raises Unavailable. (Connecting is left to the first note.)"""
        self.credentials.token(self.settings.call_seconds)

    def send(self, rendered: Rendered, control_id: str) -> Receipt:
        """One transaction and its answer. A token that is refused is replaced once; nothing was taken then."""
        token = self.credentials.token(self.settings.call_seconds)
        answer = self._post(rendered, token)
        if answer.status_code == 401:
            answer = self._post(rendered, self.credentials.another(token, self.settings.call_seconds))
        return judge(answer)

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()

    def _post(self, rendered: Rendered, token: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
        if self.settings.expect_continue:
            headers["Expect"] = "100-continue"
        return post(self.client, self.settings.base_url, rendered, headers)


def judge(answer: httpx2.Response) -> Receipt:
    """What an answer says of the note: a Receipt, Refused, Unavailable, or NoAnswer where it does not say."""
    status, code, body = answer.status_code, f"HTTP {answer.status_code}", bytes(answer.content)
    if status in (200, 201):
        return _by_ecws_code(answer, body)
    if status == 429:
        raise Unavailable("rate_limited", code, retry_after=rate_limit_ends(answer))
    if status == 401:
        raise Unavailable("unauthorized", code, body)
    if 300 <= status < 400:
        raise Unavailable("fhir_redirected", code)
    if status in (404, 410):
        raise Unavailable("fhir_no_endpoint", code, body)
    if 400 <= status < 500 and status != 408:
        raise Refused(REFUSALS.get(status, "fhir_bad_request"), code, body)
    if not answer.extensions.get("body_left", True):
        raise Unavailable("fhir_busy", code, retry_after=retry_after(answer))
    raise NoAnswer("fhir_server_error", code, body)


def _by_ecws_code(answer: httpx2.Response, body: bytes) -> Receipt:
    """HTTP said yes; what counts is the one entry's own status, and that nothing beside it says otherwise."""
    said = json_object(answer)
    if said is None:
        raise NoAnswer("unreadable_answer", "no JSON", body)
    if said.get("resourceType") != "Bundle" or said.get("type") != "transaction-response":
        raise NoAnswer("fhir_contradiction", str(said.get("resourceType"))[:20], body)
    entries = said.get("entry")
    first = entries[0] if isinstance(entries, list) and len(entries) == 1 else None
    response = first.get("response") if isinstance(first, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(status, str):
        raise NoAnswer("fhir_contradiction", "entry", body)
    status = status.strip()
    reason = ecw_codes.reason(status)
    if reason:
        raise Refused(reason, status, body)
    if status != ecw_codes.SUCCESS:
        raise NoAnswer("fhir_unknown_code", status[:20], body)
    if _says_error(response.get("outcome")):
        raise NoAnswer("fhir_contradiction", "outcome", body)
    return Receipt(status, body)


def _says_error(outcome: Any) -> bool:
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    rows = issues if isinstance(issues, list) else []
    return any(isinstance(row, dict) and row.get("severity") in ("error", "fatal") for row in rows)
