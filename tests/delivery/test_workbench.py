"""Unknown drugs: only the medications wait, one decision releases every note with the code, and it is kept for later."""

import json

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery import workbench
from delivery.models import Delivery
from delivery.workbench import DecidedMeanwhile
from mapping.codes.drug_files import drug_row
from mapping.codes.drug_imports import keep
from mapping.models import CrosswalkDrug
from portal.models import Part, Route
from tests.delivery.conftest import a_note
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db

KNOWN = {"text": "metformin 500 mg twice a day", "rxcui": "861007"}
UNKNOWN = {"text": "lisinopril 10 mg daily", "ndc": "0093-1113-01"}
OTHER = {"text": "warfarin 5 mg", "ndc": "0056-0172-70"}
AMBIGUOUS = {"text": "lisinopril 10 mg daily", "ndc": "0093111301"}


@pytest.fixture(autouse=True)
def route(cast):
    keep(cast.practice, drug_row({"rxcui": "861007", "name": "Metformin", "ecw_id": "80"}), cast.dana, "x")
    return Route.objects.create(location=cast.north, part=Part.MEDICATIONS, connection=cast.hl7)


def post(scribe, name: str, *medications) -> Delivery:
    note = a_note(source_note_id=name, encounter={"id": f"E-{name}"}, medications=list(medications))
    assert scribe.post(note).status_code == 201
    return Delivery.objects.get(note__source_note_id=name, part="medications")


def decide(client, held: Delivery, index: int = 0, **said):
    data = {"drug": "other", "name": "Lisinopril", "ecw_id": "77", **said}
    return client.post(reverse("workbench:decide", args=[held.pk, index]), data)


@pytest.mark.parametrize(
    ("medication", "reason"),
    [
        (UNKNOWN, "drug_unknown"),
        (AMBIGUOUS, "drug_ndc_ambiguous"),
        ({"text": "x", "ndc": "123"}, "drug_code_form"),
        ({"text": "x"}, "drug_without_code"),
    ],
)
def test_A23_an_unknown_drug_holds_the_medications_and_lets_the_note_go(cast, scribe, medication, reason):
    held = post(scribe, "nt-1", KNOWN, medication)
    assert (held.state, held.reason_code) == ("held", reason)
    assert held.problems[0]["pointer"] == "/medications/1"
    assert Delivery.objects.get(part="note").state == "ready"
    assert "0093" not in json.dumps(held.problems)


def test_each_code_stands_once_with_how_many_notes_wait_for_it(cast, scribe):
    first = post(scribe, "nt-1", UNKNOWN)
    post(scribe, "nt-2", {**UNKNOWN, "ndc": "00093111301"}, OTHER)
    post(scribe, "nt-3", KNOWN)
    found = workbench.queue(cast.practice)
    assert [(one.found.key, one.notes) for one in found] == [("ndc:00093111301", 2), ("ndc:00056017270", 1)]
    assert (found[0].first.delivery, found[0].since) == (first, first.created_at)


def test_A23_one_decision_releases_every_waiting_note_and_later_ones_pass(cast, scribe, client):
    first, second = post(scribe, "nt-1", UNKNOWN), post(scribe, "nt-2", KNOWN, UNKNOWN)
    both = post(scribe, "nt-3", UNKNOWN, OTHER)
    client.force_login(cast.dana)
    page = client.get(reverse("workbench:decide", args=[first.pk, 0])).content.decode()
    assert "This releases 2 deliveries." in page
    assert "1 more waits for another drug too." in page
    assert decide(client, first).status_code == 302
    assert {row.pk: row.state for row in Delivery.objects.filter(part="medications")} == {
        first.pk: "ready",
        second.pk: "ready",
        both.pk: "held",
    }
    both.refresh_from_db()
    assert [row["pointer"] for row in both.problems] == ["/medications/1"]
    kept = CrosswalkDrug.objects.get(key="ndc:00093111301")
    assert (kept.ecw_id, kept.verified_by, kept.source) == ("77", cast.dana, "the workbench")
    assert AuditEvent.objects.get(event="crosswalk.decide").detail == {"released": 2, "asked": 2, "waiting": 1}
    assert post(scribe, "nt-4", UNKNOWN).reason_code != "drug_unknown"


def test_an_ambiguous_code_is_decided_with_one_of_its_readings(cast, scribe, client):
    held = post(scribe, "nt-1", AMBIGUOUS)
    client.force_login(cast.dana)
    assert decide(client, held).status_code == 422
    assert decide(client, held, reading="00093-1113-01").status_code == 302
    assert CrosswalkDrug.objects.get(ecw_id="77").ndc11 == "00093111301"
    held.refresh_from_db()
    assert held.state == "ready"


def test_candidates_are_named_with_why_and_none_is_chosen(cast, scribe, client):
    for ndc, name, ecw_id in (("0093-1113-10", "Zestril", "71"), ("9999-9999-01", "Lisinopril 10 mg tablet", "72")):
        keep(cast.practice, drug_row({"ndc": ndc, "name": name, "ecw_id": ecw_id}), cast.dana, "x")
    held = post(scribe, "nt-1", UNKNOWN)
    unknown = workbench.unknown_at(cast.practice, held.pk, 0)
    found = {one.row.ecw_id: one.why for one in workbench.candidates(cast.practice, unknown)}
    assert found == {"71": "the same product in another package", "72": "a similar name"}
    client.force_login(cast.dana)
    assert "checked" not in client.get(reverse("workbench:decide", args=[held.pk, 0])).content.decode()
    chosen = CrosswalkDrug.objects.get(ecw_id="72")
    assert decide(client, held, drug=chosen.pk, name="", ecw_id="").status_code == 302
    kept = CrosswalkDrug.objects.get(key="ndc:00093111301")
    assert (kept.ecw_id, kept.name, kept.ndc_written) == ("72", "Lisinopril 10 mg tablet", "0093-1113-01")


def test_of_two_who_decide_at_once_the_first_counts(cast, scribe):
    held = post(scribe, "nt-1", UNKNOWN)
    unknown = workbench.unknown_at(cast.practice, held.pk, 0)
    row = drug_row({"ndc": UNKNOWN["ndc"], "name": "Lisinopril", "ecw_id": "77"})
    with acting(Actor("user", str(cast.dana.pk))):
        assert workbench.decide(cast.practice, unknown, row, cast.dana) == (1, 0)
        with pytest.raises(DecidedMeanwhile):
            workbench.decide(cast.practice, unknown, row, cast.omar)


def test_the_words_of_notes_are_shown_to_deciders_alone_and_each_look_is_recorded(cast, scribe, client):
    held = post(scribe, "nt-1", UNKNOWN)
    client.force_login(cast.dana)
    for page in (reverse("workbench:waiting"), reverse("workbench:decide", args=[held.pk, 0])):
        assert "lisinopril 10 mg" not in client.get(page).content.decode()
    shown = client.post(reverse("workbench:words", args=[held.pk, 0])).content.decode()
    assert "lisinopril 10 mg daily" in shown
    assert AuditEvent.objects.get(event="note.view").detail == {"delivery_id": held.pk, "what": "medications"}


def test_a_code_that_nobody_waits_for_is_not_there(cast, scribe, client):
    held = post(scribe, "nt-1", KNOWN, UNKNOWN)
    client.force_login(cast.dana)
    assert client.get(reverse("workbench:decide", args=[held.pk, 0])).status_code == 404
    client.force_login(cast.sam)
    assert client.get(reverse("workbench:decide", args=[held.pk, 1])).status_code == 404


def test_others_see_what_waits_and_what_ecw_refused_without_a_button(cast, scribe, client):
    post(scribe, "nt-1", UNKNOWN)
    refused = make_delivery(cast, "rejected", part="medications", reason_code="ecw_2027")
    client.force_login(cast.ava)
    page = client.get(reverse("workbench:waiting")).content.decode()
    assert "NDC 0093-1113-01" in page
    assert "Decide<" not in page
    assert f"Delivery {refused.pk}</a>" in page


def test_an_empty_workbench_says_so(cast, client):
    client.force_login(cast.dana)
    assert "No note waits for a drug code" in client.get(reverse("workbench:waiting")).content.decode()
