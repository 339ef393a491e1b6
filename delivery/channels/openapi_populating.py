"""Has eCW make a visit's note of a practice template over the Open API, as docs/openapi/ecw-open-api.yaml assumes it.

A call of its own, before the note's texts. What is to be made is read from the note's own frozen bytes, so that both
calls name the same visit and template however often they are made.
"""

import json

import httpx2

from delivery.channels.base import NoAnswer, Patient, Receipt, Rendered, Visit, WantedTemplate
from delivery.channels.openapi_answers import no_yes
from delivery.channels.rest import as_kept, json_object

POPULATED = ("populated", "already_populated")
REFUSALS = {
    403: "openapi_forbidden",
    404: "openapi_template_not_offered",
    409: "openapi_template_other",
    422: "openapi_template_unknown",
}


def wanted(rendered: Rendered) -> WantedTemplate:
    """What a note rendered by openapi_sending.render asks for."""
    said = json.loads(rendered.body)
    patient = Patient(said["patient_id"], "", "", "", "U")
    visit = Visit(said["encounter_id"], patient, None, said["provider_id"], "", "", "", said["facility"])
    return WantedTemplate(said["control_id"], visit, said["template"])


def render(wanted: WantedTemplate) -> Rendered:
    """The body of the call."""
    body = {
        "control_id": wanted.control_id,
        "facility": wanted.visit.facility,
        "encounter_id": wanted.visit.encounter_id,
        "patient_id": wanted.visit.patient.id,
        "template": wanted.template,
    }
    return Rendered(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), "application/json")


def judge(answer: httpx2.Response, wanted: WantedTemplate) -> Receipt:
    """What an answer says of the template: a Receipt, Refused, Unavailable, or NoAnswer where it does not say."""
    status, code, body = answer.status_code, f"HTTP {answer.status_code}", as_kept(answer)
    if status in (200, 201):
        said = json_object(answer) or {}
        same = (said.get("control_id"), said.get("template")) == (wanted.control_id, wanted.template)
        if not same or said.get("status") not in POPULATED:
            raise NoAnswer("openapi_template_contradiction", "status", body)
        return Receipt(code, body)
    no_yes(answer, REFUSALS, "openapi_template_no_answer")
