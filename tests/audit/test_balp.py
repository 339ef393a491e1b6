"""An event as FHIR AuditEvent: what a reader of BALP finds where, and that nothing else is in it."""

import json
import uuid
from datetime import UTC, datetime

import pytest
from fhir.resources.R4B.auditevent import AuditEvent as Resource

from audit import balp
from audit.actions import ACTIONS
from audit.event import AuditEvent

pytestmark = pytest.mark.alike


def event(name: str = "note.view", **columns) -> AuditEvent:
    given = {
        "id": uuid.UUID(int=7),
        "at": datetime(2026, 5, 2, 14, 3, 5, 120, UTC),
        "schema": 1,
        "event": name,
        "outcome": "ok",
        "actor_type": "user",
        "actor_id": "7",
        "practice": "lakeside",
        "row_mac": "0" * 64,
    }
    return AuditEvent(**given | columns)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_every_event_there_is_becomes_a_valid_resource(name):
    resource = balp.audit_event(event(name))
    assert Resource.model_validate_json(balp.line(event(name))) == resource
    assert resource.action in "CRUDE"


@pytest.mark.parametrize(
    "name, code, deed",
    [
        ("note.view", "110110", "R"),
        ("note.ingest", "110110", "C"),
        ("auth.login.ok", "110114", "E"),
        ("authz.denied", "110113", "E"),
        ("authz.role.grant", "110113", "C"),
        ("disclosure.out", "110106", "E"),
        ("audit.export", "110106", "E"),
        ("audit.view", "110101", "R"),
        ("mapping.publish", "110100", "U"),
        ("encryption.destroy", "110100", "D"),
    ],
)
def test_type_and_action(name, code, deed):
    resource = balp.audit_event(event(name))
    assert (resource.type.code, resource.action, resource.subtype[0].code) == (code, deed, name)


@pytest.mark.parametrize("outcome, code", [("ok", "0"), ("denied", "4"), ("error", "8"), ("what", "8")])
def test_outcome(outcome, code):
    assert balp.audit_event(event(outcome=outcome)).outcome == code


def test_who_from_where_and_for_whom():
    made = balp.audit_event(
        event(actor_name="d.rivera", source_ip="10.0.0.9", on_behalf_of="scribe-3", recipient="eCW sandbox")
    )
    first, behalf, recipient = made.agent
    assert (first.requestor, first.altId, first.network.address) == (True, "d.rivera", "10.0.0.9")
    assert (behalf.requestor, behalf.who.identifier.value) == (False, "scribe-3")
    assert (recipient.type.coding[0].code, recipient.who.display) == ("110152", "eCW sandbox")


def test_an_event_of_nobody_known_still_has_an_agent():
    (agent,) = balp.audit_event(event(actor_type="anonymous", actor_id="")).agent
    assert agent.who.identifier.value == "anonymous"


def test_patient_visit_object_and_trace_are_entities():
    made = balp.audit_event(
        event(
            subject_bidx="a" * 32,
            encounter_bidx="b" * 32,
            object_type="delivery",
            object_id="5",
            correlation_id="t-1",
            detail={"delivery_id": 5, "filter": ["a", "b"]},
            data_category=["plan"],
        )
    )
    patient, visit, thing, trace, rest = made.entity
    assert (patient.what.identifier.system, patient.role.code) == (balp.BLIND, "1")
    assert visit.what.identifier.value == "b" * 32
    assert (thing.what.identifier.system, thing.what.identifier.value) == ("urn:scribeport:delivery", "5")
    assert (trace.type.code, trace.what.identifier.value) == ("XrequestId", "t-1")
    assert {one.type: one.valueString for one in rest.detail} == {
        "data_category": "plan",
        "delivery_id": "5",
        "filter": "a b",
        "row_mac": "0" * 64,
    }


def test_purpose_and_time():
    made = json.loads(balp.line(event(purpose_of_use="TREAT")))
    assert made["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    assert made["recorded"].startswith("2026-05-02T14:03:05.00012")


def test_the_site_is_where_it_was_done():
    assert balp.audit_event(event(location="NORTH")).source.site == "lakeside/NORTH"
    assert balp.audit_event(event(practice="", location="")).source.site is None
