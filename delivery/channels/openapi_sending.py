"""Writes a Progress Note field by field over the Open API, as docs/channels/openapi.md assumes it.

The answer is believed only where it names this very message; which fields it says it filed proves nothing: that is
what reading back is for.
"""

import json
from typing import Any

import httpx2

from delivery.channels import hl7, http, openapi, openapi_populating, tls
from delivery.channels.base import (
    CannotExpress,
    NoAnswer,
    OutgoingNote,
    Receipt,
    Refused,
    Rendered,
    Unavailable,
    WantedTemplate,
)
from delivery.channels.network import Guard, Resolve
from delivery.channels.openapi_answers import no_yes
from delivery.channels.openapi_settings import OpenApiSettings
from delivery.channels.posting import post
from delivery.channels.rest import as_kept, json_object

CONTENT_TYPE = "application/json"
FILED = ("filed", "already_filed")
REFUSALS = {
    403: "openapi_forbidden",
    404: "openapi_not_found",
    409: "openapi_template_other",
    413: "openapi_too_large",
}
# Tried again, a note that eCW will not hear of would wait a day before anybody knew.
UNREAD = {"read_not_found": "openapi_not_found", "read_forbidden": "openapi_forbidden"}


def open_channel(settings: OpenApiSettings, resolve: Resolve, guard: Guard) -> "OpenApiChannel":
    """A channel with a client of its own; ValueError when a certificate of the settings cannot be read."""
    context = tls.context(settings) if settings.base_url.startswith("https:") else None
    return OpenApiChannel(settings, http.client(resolve, settings.read_seconds, context, guard=guard))


class OpenApiChannel:
    """base.Channel for the Open API, used by one thread."""

    def __init__(self, settings: OpenApiSettings, client: httpx2.Client) -> None:
        self.settings = settings
        self.client = client

    def render(self, note: OutgoingNote) -> Rendered:
        """Pure; raises CannotExpress."""
        return render(note, self.settings.facility)

    def open(self) -> None:
        """Connecting is left to the first note: HTTP has nothing to agree on before."""

    def send(self, rendered: Rendered, control_id: str) -> Receipt:
        """One note and its answer. Raises Refused, Unavailable or NoAnswer."""
        return judge(self._post(self.settings.notes_url, rendered), control_id)

    def wanted_template(self, rendered: Rendered) -> WantedTemplate | None:
        """The template that these bytes name, unless the connection is set to leave it to them."""
        return None if self.settings.texts_choose_template else openapi_populating.wanted(rendered)

    def standing_template(self, wanted: WantedTemplate) -> str:
        """What the visit's note is made of by now. Raises Unavailable, or Refused where the texts would be too."""
        address = openapi.address_of(self.settings, wanted.visit.encounter_id)
        try:
            answer = openapi.ask(self.client, self.settings, address, wanted.visit.facility)
        except Unavailable as error:
            if error.reason_code in UNREAD:
                raise Refused(UNREAD[error.reason_code], error.code) from None
            reason = "unauthorized" if error.reason_code == "read_unauthorized" else error.reason_code
            raise Unavailable(reason, error.code, retry_after=error.retry_after) from None
        try:
            return openapi.chart_of(answer, wanted.visit).template
        except Unavailable as error:
            if error.code == "patient":
                raise Refused("encounter_of_another_patient", "patient") from None
            raise

    def populate(self, wanted: WantedTemplate) -> Receipt:
        """One template and its answer. Raises Refused, Unavailable or NoAnswer."""
        try:
            answer = self._post(self.settings.templates_url, openapi_populating.render(wanted))
        except NoAnswer as error:
            raise NoAnswer("openapi_template_no_answer", error.code) from None
        return openapi_populating.judge(answer, wanted)

    def _post(self, address: str, rendered: Rendered) -> httpx2.Response:
        return post(self.client, address, rendered, self.settings.post_headers())

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()


def render(note: OutgoingNote, facility: str) -> Rendered:
    """The body of docs/openapi/ecw-open-api.yaml: the template to be filled, and each field's text in its order."""
    hl7.refuse_values(note.values)
    visit = note.visit
    if not visit.encounter_id:
        raise CannotExpress("openapi_encounter_missing", "/encounter/id")
    if not visit.patient.id:
        raise CannotExpress("openapi_patient_missing", "/patient/id")
    body = {
        "control_id": note.control_id,
        "note_id": note.note_id,
        "version": note.version,
        "correction": note.correction,
        "facility": visit.facility or facility,
        "encounter_id": visit.encounter_id,
        "patient_id": visit.patient.id,
        "provider_id": visit.provider_id,
        "template": note.template_code,
        "fields": [{"field_id": value.field_id, "text": value.text} for value in note.values],
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise CannotExpress("hl7_lone_surrogate", *hl7.unwritable(note))
    return Rendered(text.encode(), CONTENT_TYPE)


def judge(answer: httpx2.Response, control_id: str) -> Receipt:
    """What an answer says of the note: a Receipt, Refused, Unavailable, or NoAnswer where it does not say."""
    status, code, body = answer.status_code, f"HTTP {answer.status_code}", as_kept(answer)
    if status in (200, 201):
        return _filed(json_object(answer), control_id, code, body)
    no_yes(answer, REFUSALS, "openapi_server_error")


def _filed(said: dict[str, Any] | None, control_id: str, code: str, body: bytes) -> Receipt:
    if said is None:
        raise NoAnswer("unreadable_answer", "no JSON", body)
    if said.get("control_id") != control_id or said.get("status") not in FILED:
        raise NoAnswer("openapi_contradiction", "status", body)
    return Receipt(code, body)
