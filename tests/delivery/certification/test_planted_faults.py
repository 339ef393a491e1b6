"""Twelve faults planted at eCW, one after the other: the suite fails, and the right test says why."""

import pytest

from delivery.certification import settling
from delivery.certification.plan import Plan
from delivery.certification.running import carry_out, request
from delivery.opening import Credentials
from portal.models import Part
from tests.delivery.certification.conftest import QUICK, failed
from tests.delivery.certification.tls_front import TlsFront

pytestmark = pytest.mark.alike  # what eCW did is judged in Python; test_clean_run.py runs on the servers too

IN_PERSON = "functional.FM-PROGRESS.in_person"
HPI = "119007.2"


def test_a_silent_drop_fails_the_functional_test_and_names_the_section(clinic):
    clinic.fault("silent_drop", field_id=HPI)
    run = clinic.certify("connections", "templates", "functional.FM", "security.tls")
    assert set(failed(run)) == {IN_PERSON, "functional.FM-PROGRESS.telehealth"}
    assert "history_of_present_illness missing" in failed(run)[IN_PERSON]
    assert run.state == "failed"


def test_a_moved_field_fails_the_functional_test_and_says_moved(clinic):
    clinic.fault("move_field", **{"from": HPI, "to": "119112.17"})
    found = failed(clinic.certify("connections", "templates", IN_PERSON))
    assert set(found) == {IN_PERSON}
    assert "history_of_present_illness moved" in found[IN_PERSON]


def test_error_2027_fails_the_medications_alone(clinic):
    clinic.fault("fhir_code", code="2027")
    found = failed(clinic.certify("connections", IN_PERSON, "functional.medications", "encounter"))
    assert set(found) == {"functional.medications"}
    assert "rejected" in found["functional.medications"]
    assert "2027" in found["functional.medications"] or "drug" in found["functional.medications"]


def test_a_token_that_runs_out_and_is_not_renewed_fails_the_renewal(clinic):
    Credentials(clinic.route(Part.DIAGNOSES)).token(5)  # there is one, and the server fails from here on
    clinic.fault("oauth_server_error")
    found = failed(clinic.certify("connections", IN_PERSON, "security.token_renewal"))
    assert set(found) == {"security.token_renewal"}
    assert "Not renewed: NORTH entries (FHIR)" in found["security.token_renewal"]


def test_a_slow_answer_fails_the_load_alone(clinic):
    clinic.fault("delay_ack", seconds=0.4)
    plan = Plan(load_notes=3, verified_within=0.3, settle_within=8.0)
    found = failed(clinic.certify("connections", IN_PERSON, "load", plan=plan))
    assert set(found) == {"load"}
    assert "the limit is 0.3 s" in found["load"]


def test_a_receiver_that_still_takes_tls_1_1_fails_the_tls_test(clinic):
    with TlsFront(clinic.process.mllp, oldest="TLSv1_1") as front:
        lead_to(clinic, front)
        found = failed(clinic.certify("connections", IN_PERSON, "security.tls", "security.bad"))
    assert set(found) == {"security.tls"}
    assert "NORTH notes (HL7): accepts TLS 1.1" in found["security.tls"]


def test_a_receiver_that_takes_tls_1_2_alone_passes_the_tls_test(clinic):
    with TlsFront(clinic.process.mllp, oldest="TLSv1_2") as front:
        lead_to(clinic, front)
        run = clinic.certify("connections", IN_PERSON, "security.tls", "errors.malformed", "errors.cut_after")
    assert failed(run) == {}


def lead_to(clinic, front: TlsFront) -> None:
    sender = clinic.route(Part.NOTE)
    sender.settings |= {"port": front.port, "host": "localhost", "tls": True, "ca_pem": front.ca_pem}
    sender.revision += 1
    sender.save()


def test_a_missing_scope_fails_the_rights_and_names_it(clinic):
    own = clinic.route(Part.DIAGNOSES)
    clinic.process.api(
        "PUT", f"/apps/{own.settings['client_id']}", {"jwks": app_keys(own), "scopes": ["system/Condition.write"]}
    )
    found = failed(clinic.certify("connections", IN_PERSON, "security.scopes"))
    assert "security.scopes" in found
    assert IN_PERSON not in found
    assert "MedicationStatement" in found["security.scopes"]


def app_keys(connection):
    from delivery.oauth import keyset

    return keyset.public(connection)


def test_a_locked_encounter_fails_the_encounter_and_says_so(clinic):
    waiting = request(clinic.location, QUICK)
    clinic.process.api("PUT", f"/facilities/NORTH/encounters/CERT{waiting.pk}-E1", {"signed": True})
    run = carry_out(waiting, settling.by_hand, only=["connections", "encounter", "checklist.amendment"])
    assert set(failed(run)) == {"encounter"}
    assert "139 The encounter is locked." in failed(run)["encounter"]


def test_a_duplicate_fails_the_functional_test_and_says_duplicated(clinic):
    clinic.fault("duplicate_filing")
    found = failed(clinic.certify("connections", IN_PERSON, "checklist.same_again"))
    assert set(found) == {IN_PERSON, "checklist.same_again"}
    assert "duplicated" in found[IN_PERSON]


def test_another_order_at_ecw_fails_the_templates_and_names_the_template(clinic):
    address = "/facilities/NORTH/templates/FM-PROGRESS/swap"
    clinic.process.api("POST", address, {"fields": ["119091.14", "119098.15"]})
    found = failed(clinic.certify("connections", "templates", IN_PERSON))
    assert set(found) == {"templates", IN_PERSON}
    assert "FM-PROGRESS differs" in found["templates"]


def test_a_rate_limit_below_the_volume_fails_the_load_alone(clinic):
    clinic.fault("read_rate_limit", per_minute=8)
    plan = Plan(load_notes=20, verified_within=10.0, settle_within=2.0)
    found = failed(clinic.certify("connections", IN_PERSON, "load", plan=plan))
    assert set(found) == {"load"}
    assert "rate_limited" in found["load"] or "limit of calls" in found["load"]


def test_a_receiver_that_files_for_the_wrong_patient_fails_that_check(clinic):
    clinic.fault("any_patient")
    found = failed(clinic.certify("connections", IN_PERSON, "checklist"))
    assert set(found) == {"checklist.wrong_patient"}
    assert found["checklist.wrong_patient"] == "eCW accepted a note of another patient for this visit."


@pytest.mark.parametrize("kind", ["no_file_no_ack", "garbage_ack"])
def test_what_the_product_repairs_by_itself_fails_nothing(clinic, kind):
    """A doubt that is settled is no fault of the set-up: the note stands in the chart once."""
    sender = clinic.route(Part.NOTE)
    sender.settings |= {"ack_seconds": 0.5}
    sender.save()
    clinic.fault(kind, count=1)
    assert failed(clinic.certify("connections", IN_PERSON)) == {}
