"""Reads a practice's FHIR base: searches and binaries, in eCW's manner. Nothing elsewhere is ever asked.

Ids are opaque and may hold dots, so a resource is searched by `_id` and not read by its path; `_count` is answered
400, so it is not sent. A link that leads to another origin is refused: it would carry our token there.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx2

from delivery.channels import http, tls
from delivery.channels.base import Credentials, Unavailable
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.network import Resolve
from delivery.channels.rest import json_object, minute_ends, rate_limit_ends, retry_after

TYPES = frozenset(
    {
        "Patient",
        "Encounter",
        "Condition",
        "MedicationRequest",
        "AllergyIntolerance",
        "Observation",
        "DocumentReference",
    }
)
MOST_PAGES = 20
SEPARATING = re.compile(r"[\\,$|]")  # FHIR R4 search, escaping: "P1,P2" would ask for two patients
_REFUSALS = {401: "read_unauthorized", 403: "read_forbidden", 404: "read_not_found"}
Resource = dict[str, Any]


class FhirClient:
    """GET requests to one base, for one thread; every call raises Unavailable where it cannot say.

    The first call of a read is paid for by whoever asks; each further one is asked of `credentials.spend`.
    """

    def __init__(self, settings: FhirSettings, credentials: Credentials, resolve: Resolve) -> None:
        self.settings = settings
        self.credentials = credentials
        context = tls.context(settings) if settings.base_url.startswith("https:") else None
        self.client = http.client(resolve, settings.call_seconds, context)

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()

    def search(self, kind: str, **parameters: str) -> list[Resource]:
        """Every resource of a search, over all its pages. A value is one value, whatever characters it is made of."""
        if kind not in TYPES:
            raise ValueError(f"{kind} is not read here.")
        address: str | None = f"{self.settings.base_url}/{kind}"
        asked = {name: SEPARATING.sub(r"\\\g<0>", value) for name, value in parameters.items()}
        found: list[Resource] = []
        for page in range(MOST_PAGES):
            if address is None:
                return found
            if page and not self.credentials.spend():
                raise Unavailable("rate_limited", retry_after=minute_ends())
            said = self._get(address, asked)
            found += _resources(said, kind)
            address, asked = self._next(said), {}
        raise Unavailable("read_unreadable", "pages")

    def one(self, kind: str, identifier: str) -> Resource | None:
        """The resource of an opaque id; None when there is none."""
        found = [each for each in self.search(kind, _id=identifier) if each.get("id") == identifier]
        return found[0] if len(found) == 1 else None

    def capability(self) -> Resource:
        """The base's CapabilityStatement: no patient is asked for."""
        return self._get(f"{self.settings.base_url}/metadata", {})

    def binary(self, url: str) -> tuple[str, bytes]:
        """Content type and content behind an attachment's address."""
        if not self.credentials.spend():
            raise Unavailable("rate_limited", retry_after=minute_ends())
        said = self._get(self._own(url), {})
        kind, data = said.get("contentType"), said.get("data")
        if said.get("resourceType") != "Binary" or not isinstance(kind, str) or not isinstance(data, str):
            raise Unavailable("read_unreadable", "Binary")
        try:
            return kind.partition(";")[0].strip().lower(), base64.b64decode(data, validate=True)
        except (ValueError, binascii.Error):
            raise Unavailable("read_unreadable", "Base64") from None

    def _own(self, url: str) -> str:
        """The address under our base that a link means. Raises Unavailable for any other place."""
        base = self.settings.base_url
        try:
            address = urljoin(f"{base}/", url)
            steps = unquote(urlsplit(address).path).split("/")
        except ValueError:
            raise Unavailable("read_elsewhere") from None
        if not address.startswith((f"{base}/", f"{base}?")) or ".." in steps or "\\" in address:
            raise Unavailable("read_elsewhere")
        return address

    def _next(self, said: Resource) -> str | None:
        links = said.get("link")
        rows = links if isinstance(links, list) else []
        for row in rows:
            if isinstance(row, dict) and row.get("relation") == "next" and isinstance(row.get("url"), str):
                return self._own(row["url"])
        return None

    def _get(self, address: str, parameters: dict[str, str]) -> Resource:
        token = self.credentials.token(self.settings.call_seconds)
        answer = self._ask(address, parameters, token)
        if answer.status_code == 401:
            answer = self._ask(address, parameters, self.credentials.another(token, self.settings.call_seconds))
        _refuse(answer)
        said = json_object(answer)
        if said is None or said.get("resourceType") in (None, "OperationOutcome"):
            raise Unavailable("read_unreadable", "resource")
        return said

    def _ask(self, address: str, parameters: dict[str, str], token: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
        try:
            return self.client.get(address, params=parameters or None, headers=headers)
        except http.NotAnswered as error:
            raise Unavailable("read_unavailable", error.reason[:20]) from None
        except (httpx2.InvalidURL, ValueError):  # a link with characters, or a length, that no address has
            raise Unavailable("read_elsewhere") from None


def _refuse(answer: httpx2.Response) -> None:
    status, code = answer.status_code, f"HTTP {answer.status_code}"
    if status == 200:
        return
    if status in _REFUSALS:
        raise Unavailable(_REFUSALS[status], code)
    if status == 429:
        raise Unavailable("rate_limited", code, retry_after=rate_limit_ends(answer))
    if status >= 500:
        raise Unavailable("read_unavailable", code, retry_after=retry_after(answer))
    raise Unavailable("read_unreadable", code)


def _resources(said: Resource, kind: str) -> Iterator[Resource]:
    if said.get("resourceType") != "Bundle" or said.get("type") != "searchset":
        raise Unavailable("read_unreadable", "Bundle")
    entries = said.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == kind:
            yield resource
