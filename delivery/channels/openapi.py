"""Reads a progress note back, by field, and lists templates, as docs/channels/openapi.md assumes it.

Whatever is not a chart of this very encounter is Unavailable: no answer, however it looks, may pass for "not there".
"""

from typing import Any, NoReturn
from urllib.parse import quote

import httpx2

from delivery.channels import http, tls
from delivery.channels.base import Chart, ChartNote, Unavailable, Visit
from delivery.channels.network import Resolve
from delivery.channels.openapi_settings import OpenApiSettings
from delivery.channels.rest import json_object, rate_limit_ends, retry_after

__all__ = ["OpenApiReader", "OpenApiSettings", "open_reader"]

_REFUSALS = {401: "read_unauthorized", 403: "read_forbidden", 404: "read_not_found"}


def open_reader(settings: OpenApiSettings, resolve: Resolve) -> "OpenApiReader":
    """A reader with a client of its own; ValueError when a certificate of the settings cannot be read."""
    context = tls.context(settings) if settings.base_url.startswith("https:") else None
    return OpenApiReader(settings, http.client(resolve, settings.read_seconds, context))


class OpenApiReader:
    """base.ChartReader for the Open API. Several threads may read with one."""

    def __init__(self, settings: OpenApiSettings, client: httpx2.Client) -> None:
        self.settings = settings
        self.client = client

    def read(self, visit: Visit) -> Chart:
        """What stands in the chart of the visit's encounter. Raises Unavailable."""
        return chart_of(self._ask(address_of(self.settings, visit.encounter_id), visit.facility), visit)

    def templates(self, facility: str) -> bytes:
        """The Progress Note templates of a facility as JSON, as docs/channels/openapi.md shows. Raises Unavailable.

        What the answer says of fields is judged like any other import: mapping/importers/json.py.
        """
        practice = quote(self.settings.practice_code, safe="")
        answer = self._ask(f"{self.settings.base_url}/openapi/v1/{practice}/templates", facility)
        if not isinstance((json_object(answer) or {}).get("templates"), list):
            _unreadable("templates")
        return answer.content

    def _ask(self, address: str, facility: str) -> httpx2.Response:
        return ask(self.client, self.settings, address, facility)

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()


def address_of(settings: OpenApiSettings, encounter_id: str) -> str:
    """Where a visit's chart is read. Raises Unavailable for an id that could lead elsewhere."""
    if not encounter_id or encounter_id in (".", ".."):
        raise Unavailable("read_unreadable", "encounter")
    return settings.note_url(encounter_id)


def ask(client: httpx2.Client, settings: OpenApiSettings, address: str, facility: str) -> httpx2.Response:
    """The answer to a question that changes nothing, where it is 200. Raises Unavailable."""
    try:
        answer = client.get(
            address,
            params={"facility": facility or settings.facility},
            headers={"Authorization": f"Bearer {settings.token}", "Accept": "application/json"},
        )
    except http.NotAnswered as error:
        raise Unavailable("read_unavailable", error.reason) from None
    _refuse(answer)
    return answer


def _refuse(answer: httpx2.Response) -> None:
    status = answer.status_code
    if status == 200:
        return
    code = f"HTTP {status}"
    if status in _REFUSALS:
        raise Unavailable(_REFUSALS[status], code)
    if status == 429:
        raise Unavailable("rate_limited", code, retry_after=rate_limit_ends(answer))
    if status >= 500:
        raise Unavailable("read_unavailable", code, retry_after=retry_after(answer))
    raise Unavailable("read_unreadable", code)


def chart_of(answer: httpx2.Response, visit: Visit) -> Chart:
    """The chart of this very visit. Raises Unavailable for anything else."""
    body = json_object(answer)
    if body is None:
        _unreadable("JSON")
    if body.get("encounter_id") != visit.encounter_id:
        _unreadable("encounter")
    if body.get("patient_id") not in (None, "", visit.patient.id):
        _unreadable("patient")
    filings = body.get("filings")
    if not isinstance(filings, list):
        _unreadable("filings")
    template = body.get("template", "")
    if not isinstance(template, str):
        _unreadable("template")
    return Chart(tuple(_filing(each) for each in filings), _fields(body.get("fields")), template=template)


def _filing(raw: Any) -> ChartNote:
    control_id = raw.get("control_id") if isinstance(raw, dict) else None
    if not isinstance(control_id, str):
        _unreadable("filings")
    template = raw.get("template", "")
    if not isinstance(template, str):
        _unreadable("template")
    return ChartNote(control_id, _fields(raw.get("fields")), template=template)


def _fields(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        _unreadable("fields")
    return dict(raw)


def _unreadable(what: str) -> NoReturn:
    raise Unavailable("read_unreadable", what)
