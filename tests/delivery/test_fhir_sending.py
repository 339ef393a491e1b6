"""The whole way by FHIR against the simulated eCW: posted, sent as Clinical Notes, read back, proved."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from delivery import breaker, sockets, verification
from delivery.failures import CATALOGUE
from delivery.models import Attempt, Delivery, RateWindow, Reading, ReceiverProfile
from delivery.oauth import endpoints
from delivery.opening import Credentials
from delivery.probe import probe
from delivery.sending import drain as drain_held
from delivery.verification import read_due
from portal.models import OAuthGrant
from tests.delivery.conftest import a_note
from tests.delivery.fhir import PRACTICE, calls, fhir_connection, register
from tests.delivery.test_oauth import connected


@pytest.fixture
def fhir(ecw, cast):
    endpoints._kept.clear()
    made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
    register(ecw.process, made)
    ecw.process.api(
        "PUT", f"/practices/{PRACTICE}", {"facility": "NORTH", "template": "FM-PROGRESS", "per_minute": 2000}
    )
    return made


def drain(lane_id: int) -> None:
    with sockets.holding(lane_id):
        drain_held(lane_id)


def post(scribe, **changes) -> Delivery:
    answer = scribe.post(a_note(**changes))
    assert answer.status_code == 201, answer.content
    delivery = Delivery.objects.get(pk=answer.json()["deliveries"][0]["id"])
    Delivery.objects.filter(pk=delivery.pk).update(not_before=timezone.now())
    return delivery


def sent(scribe, **changes) -> Delivery:
    delivery = post(scribe, **changes)
    drain(delivery.lane_id)
    delivery.refresh_from_db()
    return delivery


def read(delivery: Delivery) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(read_at=timezone.now() - timedelta(seconds=1))
    read_due()
    delivery.refresh_from_db()
    return delivery


def test_a_note_goes_section_by_section_and_is_proved_by_section(ecw, scribe, fhir):
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("accepted", "")
    assert Attempt.objects.get().code == "1"
    delivery = read(delivery)
    assert (delivery.state, delivery.proof) == ("verified", "section")
    (filing,) = ecw.process.filings(fields=1)
    assert filing["fields"]["NF-01"] == "Cough for nine days."
    assert filing["fields"]["NF-06"] == "Rest & fluids | return if fever."
    assert filing["control_id"] == delivery.control_id


def test_the_same_note_is_proved_by_field_where_the_open_api_reads(ecw, scribe, fhir, cast):
    cast.north.reading_connection = cast.reader
    cast.north.save()
    delivery = read(sent(scribe))
    assert (delivery.state, delivery.proof) == ("verified", "field")


@pytest.mark.parametrize(
    "form, state, proof",
    [("text", "verified", "section"), ("ccda", "verified", "section"), ("pdf", "accepted", "document")],
)
def test_a_document_is_proved_as_far_as_it_can_be_read(ecw, scribe, fhir, form, state, proof):
    fhir.settings |= {"profile": "document", "document_form": form}
    fhir.save()
    delivery = read(sent(scribe))
    assert (delivery.state, delivery.proof) == (state, proof)


def test_a_misfiled_note_whose_document_has_no_text_stays_misfiled_and_is_not_asked_for_for_ever(ecw, scribe, fhir):
    fhir.settings |= {"profile": "document", "document_form": "pdf"}
    fhir.save()
    delivery = sent(scribe)
    Delivery.objects.update(state="misfiled", reason_code="sections_differ", proof="section")
    delivery = read(delivery)
    assert (delivery.state, delivery.reason_code, delivery.proof) == ("misfiled", "sections_differ", "section")
    assert delivery.read_at is None


def test_a_database_that_is_away_while_a_chart_is_read_is_no_fault_of_the_chart(ecw, scribe, fhir, monkeypatch):
    delivery = sent(scribe)

    def away(*_):
        raise OperationalError

    monkeypatch.setattr(Credentials, "token", away)
    with pytest.raises(OperationalError):
        read(delivery)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason_code, delivery.readings_made) == ("accepted", "", 0)


def test_notes_read_together_are_each_verified_with_their_own_proof(ecw, scribe, fhir, monkeypatch):
    """The same outcomes, seen in a field and in a document: nobody gets the other's proof."""
    by_field, by_section = sent(scribe), sent(scribe, source_note_id="nt-2", encounter={"id": "E5002"})
    compared = verification.compared

    def seen(look, known):
        found = compared(look, known)
        grade = "field" if look.delivery.pk == by_field.pk else "section"
        return replace(found, seen=replace(found.seen, grade=grade))

    monkeypatch.setattr(verification, "compared", seen)
    Delivery.objects.update(read_at=timezone.now() - timedelta(seconds=1))
    assert read_due() == 2
    for delivery, grade in ((by_field, "field"), (by_section, "section")):
        delivery.refresh_from_db()
        assert (delivery.state, delivery.proof) == ("verified", grade)
        assert Reading.objects.get(delivery=delivery).grade == grade


def test_A15_the_probe_finds_out_that_it_can_be_asked_and_files_repeats(ecw, cast, fhir):
    """Counted, not believed: a server that files a repeat is never taken for one that ignores it."""
    found = probe(fhir, cast.north)
    assert (found.filings, found.profile) == (2, ReceiverProfile.READBACK)


def test_A19_a_silent_drop_is_found_behind_a_positive_answer(ecw, scribe, fhir, settings):
    settings.SETTLE_SECONDS = 0.0
    ecw.fault("silent_drop", field_id="NF-02")
    delivery = sent(scribe)
    for _ in range(3):
        delivery = read(delivery)
    assert (delivery.state, delivery.reason_code) == ("misfiled", "sections_differ")
    assert {row["field_id"]: row["outcome"] for row in delivery.section_outcomes}["NF-02"] == "missing"


@pytest.mark.parametrize("code", ["100", "139", "201", "302", "303", "305", "308", "2027"])
def test_A23_A24_A25_ecws_codes_reject_with_a_reason_of_their_own(ecw, scribe, fhir, code):
    ecw.fault("fhir_code", code=code)
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("rejected", f"ecw_{code}")
    assert f"({code})" in CATALOGUE[delivery.reason_code].title
    assert ecw.filings() == []


def test_A25_a_locked_encounter_is_refused(ecw, scribe, fhir):
    ecw.process.api("PUT", "/facilities/NORTH/encounters/E5001", {"signed": True})
    assert sent(scribe).reason_code == "ecw_139"


def test_A24_an_unknown_encounter_is_never_guessed(ecw, scribe, fhir):
    ecw.process.api("PUT", f"/practices/{PRACTICE}", {"strict": True})
    assert sent(scribe).reason_code == "ecw_304"


FILED = {"fhir_error_filed": {"status": 502}, "fhir_cut_filed": {}, "fhir_slow": {"seconds": 3}}


@pytest.mark.parametrize("kind", FILED)
def test_A08_what_was_filed_without_an_answer_is_unknown_and_found_by_looking(ecw, scribe, fhir, kind):
    ecw.fault(kind, count=1, **FILED[kind])
    delivery = sent(scribe)
    assert delivery.state == "unknown"
    delivery = read(delivery)
    assert (delivery.state, delivery.reason_code) == ("accepted", "reader_found_it")
    assert len(ecw.filings()) == 1


@pytest.mark.parametrize("kind", ["fhir_no_answer", "fhir_login_page"])
def test_A10_what_was_not_filed_is_unknown_and_never_accepted(ecw, scribe, fhir, kind):
    ecw.fault(kind, count=1)
    delivery = sent(scribe)
    assert delivery.state == "unknown"
    assert ecw.filings() == []


def test_A07_a_429_waits_for_the_end_of_the_minute_and_goes_then(ecw, scribe, fhir):
    ecw.fault("fhir_status", status=429, count=1)
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("ready", "rate_limited")
    assert timedelta(0) < delivery.not_before - timezone.now() <= timedelta(seconds=60)
    Delivery.objects.update(not_before=timezone.now())
    drain(delivery.lane_id)
    delivery.refresh_from_db()
    assert delivery.state == "accepted"


def test_A01_a_token_that_ends_in_the_middle_of_the_work_is_renewed_unseen(ecw, scribe, fhir):
    assert sent(scribe).state == "accepted"
    before = calls(ecw.process)
    OAuthGrant.objects.update(expires_at=timezone.now() + timedelta(seconds=20))
    other = sent(scribe, source_note_id="nt-2", encounter={"id": "E5002"})
    assert other.state == "accepted"
    assert calls(ecw.process) == before + 1


def test_A05_one_401_costs_one_renewal_and_the_note_goes(ecw, scribe, fhir):
    ecw.fault("fhir_unauthorized", count=1)
    assert sent(scribe).state == "accepted"
    assert calls(ecw.process) == 2


def test_A05_A04_401_again_stops_the_lane_until_a_person_acts(ecw, scribe, fhir):
    ecw.fault("fhir_unauthorized")
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("ready", "unauthorized")
    assert not breaker.allows(fhir.pk)
    before = calls(ecw.process)
    for _ in range(5):
        drain(delivery.lane_id)
    assert calls(ecw.process) == before


def test_A04_a_revoked_grant_parks_the_lane_and_connecting_again_sends_what_waits(ecw, scribe, cast):
    endpoints._kept.clear()
    base = f"http://127.0.0.1:{ecw.process.http}"
    personal = fhir_connection(cast, base, {}, grant="authorization_code", client_auth="none")
    register(ecw.process, personal)
    connected(personal)
    ecw.process.api("POST", "/apps/scribeport/revoke")
    OAuthGrant.objects.update(expires_at=timezone.now())
    delivery = sent(scribe)
    assert delivery.state == "ready"
    state = breaker.state_of(personal.pk)
    assert (state.breaker, state.last_reason) == ("auth", "invalid_grant")
    connected(personal)
    breaker.close(personal)
    drain(delivery.lane_id)
    delivery.refresh_from_db()
    assert delivery.state == "accepted"


def test_A06_a_scope_that_is_missing_is_named_as_such(ecw, scribe, fhir):
    fhir.settings["scopes"] = "system/DocumentReference.read system/Binary.read"
    fhir.save()
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("rejected", "fhir_forbidden")


def test_every_call_counts_against_the_practices_limit(ecw, scribe, fhir):
    read(sent(scribe))
    # one token, one transaction, one search and one Binary
    assert RateWindow.objects.get(key=PRACTICE).used == 4


def test_A27_a_sandbox_connection_serves_no_production_location(ecw, scribe, cast, fhir):
    fhir.environment = "production"
    fhir.save()
    delivery = sent(scribe)
    assert delivery.state in ("held", "ready")
    assert ecw.filings() == []


def test_a_note_without_a_provider_is_held_with_the_reason(ecw, scribe, fhir):
    delivery = sent(scribe, provider={})
    assert (delivery.state, delivery.reason_code) == ("held", "fhir_author_missing")
