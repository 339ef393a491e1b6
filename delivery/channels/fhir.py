"""Posts notes to eCW's FHIR base and reads its answer as eCW means it. Loaded for FHIR connections only."""

from typing import Any

import httpx2

from delivery.channels import clinical_notes, ecw_codes, fhir_attachments, fhir_document, fhir_entries, http, tls
from delivery.channels.base import (
    Credentials,
    NoAnswer,
    OutgoingDocuments,
    OutgoingEntries,
    OutgoingNote,
    Receipt,
    Refused,
    Rendered,
    Unavailable,
)
from delivery.channels.fhir_settings import FhirSettings, post_headers
from delivery.channels.network import Guard, Resolve
from delivery.channels.posting import post
from delivery.channels.rest import as_kept, json_object, rate_limit_ends, retry_after

ONE_ENTRY = b'"fullUrl": "urn:uuid:'  # as it can stand in no text, whose quotation marks are escaped
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

    def render_entries(self, entries: OutgoingEntries) -> Rendered:
        """Pure; raises CannotExpress."""
        return fhir_entries.render(entries, self.settings)

    def render_documents(self, documents: OutgoingDocuments) -> Rendered:
        """Pure; raises CannotExpress."""
        return fhir_attachments.render(documents)

    def open(self) -> None:
        """Have a token that outlives a call; raises Unavailable. (Connecting is left to the first note.)"""
        self.credentials.token(self.settings.call_seconds)

    def send(self, rendered: Rendered, control_id: str) -> Receipt:
        """One transaction and its answer. A token that is refused is replaced once; nothing was taken then."""
        token = self.credentials.token(self.settings.call_seconds)
        answer = self._post(rendered, token)
        if answer.status_code == 401:
            answer = self._post(rendered, self.credentials.another(token, self.settings.call_seconds))
        return judge(answer, rendered.body.count(ONE_ENTRY))

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()

    def _post(self, rendered: Rendered, token: str) -> httpx2.Response:
        headers = post_headers(token, self.settings.expect_continue)
        return post(self.client, self.settings.base_url, rendered, headers)


def judge(answer: httpx2.Response, entries: int = 1) -> Receipt:
    """What an answer says of what was posted: a Receipt, Refused, Unavailable, or NoAnswer where it does not say."""
    status, code, body = answer.status_code, f"HTTP {answer.status_code}", as_kept(answer)
    if status in (200, 201):
        return _by_ecws_code(answer, body, entries)
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


def _by_ecws_code(answer: httpx2.Response, body: bytes, entries: int) -> Receipt:
    """HTTP said yes; what counts is each entry's own status, and that nothing beside it says otherwise."""
    said = json_object(answer)
    if said is None:
        raise NoAnswer("unreadable_answer", "no JSON", body)
    if said.get("resourceType") != "Bundle" or said.get("type") != "transaction-response":
        raise NoAnswer("fhir_contradiction", "resourceType", body)
    rows = said.get("entry")
    if not isinstance(rows, list) or len(rows) != max(entries, 1):
        raise NoAnswer("fhir_contradiction", "entry", body)
    codes = [_code_of(row, body) for row in rows]
    refused = [code for code in codes if ecw_codes.reason(code)]
    if refused and ecw_codes.SUCCESS in codes:  # a transaction is taken whole or not at all
        raise NoAnswer("fhir_contradiction", refused[0], body)
    if refused:
        raise Refused(ecw_codes.reason(refused[0]), refused[0], body)
    strange = [code for code in codes if code != ecw_codes.SUCCESS]
    if strange:
        raise NoAnswer("fhir_unknown_code", ecw_codes.plain(strange[0]) or "no code", body)
    if any(_says_error(row["response"].get("outcome")) for row in rows):
        raise NoAnswer("fhir_contradiction", "outcome", body)
    return Receipt(codes[0], body)


def _code_of(row: Any, body: bytes) -> str:
    """eCW's own status in one entry of an answer."""
    response = row.get("response") if isinstance(row, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    if not isinstance(status, str):
        raise NoAnswer("fhir_contradiction", "entry", body)
    return status.strip()


def _says_error(outcome: Any) -> bool:
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    rows = issues if isinstance(issues, list) else [issues]
    return any(isinstance(row, dict) and row.get("severity") in ("error", "fatal") for row in rows)
