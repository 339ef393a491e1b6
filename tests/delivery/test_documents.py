"""Documents attached to a note: taken in, sent by HL7 beside the note, never twice, never to a chart's fields."""

import base64
import hashlib

import pytest
from django.utils import timezone

from delivery.models import ConnectionState, Delivery
from delivery.states import State
from delivery.verification import read_due
from portal.connections import able
from portal.forms.locations import RoutesForm
from portal.models import Connection, Part, Route
from tests.delivery.conftest import a_note
from tests.delivery.fhir import words
from tests.delivery.test_sending import run_lanes

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.7 synthetic"
ATTACHED = [{"content_type": "application/pdf", "title": "Summary", "data": base64.b64encode(PDF).decode()}]


@pytest.fixture
def routed(cast):
    Route.objects.create(location=cast.north, part=Part.ATTACHMENTS, connection=cast.hl7)
    return cast


def post(scribe, **changes) -> Delivery:
    answer = scribe.post(a_note(**{"attachments": ATTACHED, **changes}))
    assert answer.status_code == 201, answer.content
    return Delivery.objects.filter(part=Part.ATTACHMENTS).latest("pk")


def filed(ecw, encounter="E5001") -> list[dict]:
    return ecw.process.api("GET", f"/facilities/NORTH/encounters/{encounter}/documents")["documents"]


def state(row: Delivery) -> tuple[str, str]:
    row.refresh_from_db()
    return row.state, row.reason_code


def fault(ecw, kind, **how) -> None:
    ecw.process.api("PUT", "/faults", {"seed": 0, "faults": [{"kind": kind, **how}]})


def test_a_document_stands_beside_the_visit_with_its_very_bytes(scribe, ecw, routed):
    row = post(scribe)
    run_lanes()
    assert state(row) == (State.ACCEPTED, "")
    assert (row.proof, row.read_at) == ("none", None)
    assert filed(ecw) == [
        {
            "control_id": row.control_id,
            "patient": "P1001",
            "field_id": "DOCUMENT",
            "title": "Summary",
            "content_type": "application/pdf",
            "bytes": len(PDF),
            "sha256": hashlib.sha256(PDF).hexdigest(),
        }
    ]


def test_the_notes_sections_go_their_own_way_and_no_field_gets_a_document(scribe, ecw, routed):
    post(scribe)
    run_lanes()
    [filing] = ecw.filings()
    assert "PDF" not in str(filing)
    assert Delivery.objects.get(part=Part.NOTE).state == State.ACCEPTED


@pytest.mark.parametrize("form", ["mime", "table", "short"])
def test_each_spelling_is_understood(scribe, ecw, routed, form):
    Connection.objects.filter(pk=routed.hl7.pk).update(settings={**routed.hl7.settings, "document_form": form})
    row = post(scribe)
    run_lanes()
    assert state(row)[0] == State.ACCEPTED
    assert filed(ecw)[0]["content_type"] == "application/pdf"


def test_without_a_route_it_waits(scribe, ecw, cast):
    assert state(post(scribe)) == (State.HELD, "no_route")


def test_by_a_way_that_carries_none_it_waits(scribe, ecw, cast):
    Route.objects.create(location=cast.north, part=Part.ATTACHMENTS, connection=cast.reader)
    assert state(post(scribe)) == (State.HELD, "part_not_supported")


def test_another_patients_encounter_refuses_the_document_too(scribe, ecw, routed):
    post(scribe)
    run_lanes()
    other = {"id": "P2002", "family": "Roe", "given": "Sam", "birth_date": "1990-01-01", "sex": "M"}
    row = post(scribe, source_note_id="other", patient=other)
    run_lanes()
    assert state(row)[0] == State.REJECTED
    assert len(filed(ecw)) == 1


class TestADoubt:
    def doubted(self, scribe, ecw) -> Delivery:
        fault(ecw, "cut_after_file", count=2)
        row = post(scribe, sections=[])
        run_lanes()
        assert state(row)[0] == State.UNKNOWN
        Delivery.objects.update(read_at=timezone.now())
        return row

    def test_waits_for_a_person_though_the_notes_own_doubt_is_settled_by_the_chart(self, scribe, ecw, routed):
        ConnectionState.objects.create(connection=routed.hl7, profile="readback", reader_proven_at=timezone.now())
        row = self.doubted(scribe, ecw)
        read_due()
        assert state(row) == (State.PARKED, "documents_in_doubt")
        run_lanes()
        assert len(filed(ecw)) == 1

    def test_goes_again_where_the_receiver_is_known_to_ignore_repeats(self, scribe, ecw, routed):
        ConnectionState.objects.create(connection=routed.hl7, profile="dedupe")
        row = self.doubted(scribe, ecw)
        read_due()
        assert state(row) == (State.READY, "receiver_ignores_repeats")


def test_a_newer_versions_documents_wait_where_the_first_ones_are_there(scribe, ecw, routed):
    post(scribe)
    run_lanes()
    row = post(scribe, version=2)
    run_lanes()
    assert state(row) == (State.HELD, "documents_sent_before")
    assert len(filed(ecw)) == 1


@pytest.mark.parametrize(
    "changes, pointer",
    [
        ({"data": "no base64!"}, "/attachments/0/data"),
        ({"data": ""}, "/attachments/0/data"),
        ({"data": "===="}, "/attachments/0/data"),
        ({"content_type": "pdf"}, "/attachments/0/content_type"),
        ({"content_type": "application/pdf; charset=x"}, "/attachments/0/content_type"),
        ({"content_type": "a|b/c"}, "/attachments/0/content_type"),
        ({"title": "x" * 201}, "/attachments/0/title"),
        ({"size": 3}, "/attachments/0/size"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(scribe, cast, changes, pointer):
    answer = scribe.post(a_note(attachments=[ATTACHED[0] | changes]))
    assert answer.status_code in (400, 422)
    assert pointer in [one["pointer"] for one in answer.json()["problems"]]
    assert not Delivery.objects.exists()


def test_the_page_of_its_delivery_opens(scribe, ecw, routed, client):
    row = post(scribe)
    run_lanes()
    client.force_login(routed.dana)
    said = words(client.get(f"/deliveries/{row.pk}/").content.decode())
    assert "Documents" in said
    client.force_login(routed.sam)
    assert client.get(f"/deliveries/{row.pk}/").status_code == 404


class TestRoutesOfEachPart:
    def test_a_part_is_offered_the_connections_that_can_carry_it(self, cast):
        def offered(part):
            return list(RoutesForm(cast.north, part).fields["route0"].queryset)

        assert set(offered(Part.NOTE)) == {cast.hl7, cast.reader}
        assert offered(Part.ATTACHMENTS) == [cast.hl7]
        assert offered(Part.DIAGNOSES) == []

    def test_the_director_gives_documents_a_route_on_the_locations_page(self, cast, client):
        client.force_login(cast.dana)
        data = {"note-route0": cast.hl7.pk, "attachments-route0": cast.hl7.pk}
        assert client.post("/settings/locations/NORTH/routes/", data).status_code == 302
        assert Route.objects.get(location=cast.north, part=Part.ATTACHMENTS).connection == cast.hl7

    def test_a_connection_that_cannot_carry_it_is_refused(self, cast, client):
        client.force_login(cast.dana)
        client.post("/settings/locations/NORTH/routes/", {"note-route0": cast.hl7.pk, "diagnoses-route0": cast.hl7.pk})
        assert not Route.objects.filter(part=Part.DIAGNOSES).exists()

    def test_each_part_has_some_kind_that_carries_it(self):
        assert all(able(part) for part in Part)
