"""Compare with FHIR: the chart's documents beside the message; who may, where it is offered, and what is said when not."""

import pytest

from audit.models import AuditEvent
from delivery import chart_documents
from delivery.channels.base import Unavailable
from delivery.channels.fhir_reader import HeldDocument
from delivery.chart_documents import comparable, facts_of, held
from delivery.models import Delivery, RateWindow
from delivery.oauth import endpoints
from portal.models import Role
from tests.delivery.fhir import PRACTICE, fhir_connection, register, words
from tests.delivery.rows import SECTIONS, make_delivery
from tests.delivery.screens.test_rows_patient import person
from tests.delivery.test_fhir_sending import read, sent

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "Compare with the chart by FHIR"


@pytest.fixture
def fhir(ecw, cast):
    endpoints._kept.clear()
    made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
    register(ecw.process, made)
    ecw.process.api(
        "PUT", f"/practices/{PRACTICE}", {"facility": "NORTH", "template": "FM-PROGRESS", "per_minute": 2000}
    )
    return made


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def compare(client, one: Delivery):
    return client.post(f"/deliveries/{one.pk}/content/chart/")


def whole(one: Delivery) -> Delivery:
    return Delivery.objects.select_related(
        "location__reading_connection", "connection", "note_version__template", "note"
    ).get(pk=one.pk)


class TestAgainstTheSimulatedEcw:
    def test_a_document_is_shown_with_its_facts_its_text_and_each_section(self, scribe, fhir, dana):
        fhir.settings |= {"profile": "document", "document_form": "text"}
        fhir.save()
        one = read(sent(scribe))
        page = words(compare(dana, one).content.decode())
        assert "As sent" in page
        assert "In the chart, by FHIR" in page
        assert one.control_id in page
        assert "text/plain" in page
        assert page.count("Cough for nine days.") >= 1
        (document,) = held(whole(one))
        assert document.text is not None
        assert "Cough for nine days." in document.text
        assert {said.label for _, said in document.sections} == {"Verified"}

    def test_what_stands_there_otherwise_is_named_by_section(self, scribe, fhir, monkeypatch):
        fhir.settings |= {"profile": "document", "document_form": "text"}
        fhir.save()
        one = whole(sent(scribe))
        real = chart_documents.in_document.look
        monkeypatch.setattr(
            chart_documents.in_document,
            "look",
            lambda values, text: real(values, text.replace("Cough for nine days.", "Cough.")),
        )
        (document,) = held(one)
        assert "Missing" in {said.label for _, said in document.sections}

    def test_only_this_deliverys_documents_are_shown(self, scribe, fhir):
        first = sent(scribe)
        second = sent(scribe, source_note_id="n2")
        identities = [dict(one.facts)["masterIdentifier"] for one in held(whole(second))]
        assert identities
        assert all(one.startswith(second.control_id) for one in identities)
        assert first.control_id not in "".join(identities)

    def test_where_the_chart_has_none_the_page_says_so_beside_what_was_sent(self, cast, fhir, dana):
        one = make_delivery(cast)
        page = words(compare(dana, one).content.decode())
        assert "No document of this delivery" in page
        assert SECTIONS[0][2] in page

    def test_a_server_that_does_not_answer_is_named_and_the_message_shown_all_the_same(self, cast, fhir, dana):
        fhir.settings |= {"base_url": f"http://127.0.0.1:1/fhir/r4/{PRACTICE}"}
        fhir.save()
        one = make_delivery(cast)
        answer = compare(dana, one)
        page = words(answer.content.decode())
        assert answer.status_code == 200
        assert "As sent" in page
        assert "No document of this delivery" not in page
        assert 'role="alert"' in answer.content.decode()


class TestWhoAndWhere:
    def test_each_look_is_recorded(self, cast, dana):
        fhir_connection(cast, "http://127.0.0.1:1")
        one = make_delivery(cast)
        compare(dana, one)
        event = AuditEvent.objects.get(event="note.view")
        assert (event.object_id, event.detail["what"], event.actor_name) == (str(one.pk), "chart", "dana")

    def test_it_is_offered_where_the_chart_is_read_by_fhir_only(self, cast, dana):
        one = make_delivery(cast)
        address = f"/deliveries/{one.pk}/?tab=message"
        assert WORDS not in dana.get(address).content.decode()
        assert compare(dana, one).status_code == 404
        fhir_connection(cast, "http://127.0.0.1:1")
        assert WORDS in dana.get(address).content.decode()

    @pytest.mark.parametrize("part, possible", [("note", True), ("attachments", True), ("diagnoses", False)])
    def test_for_what_stands_there_as_documents(self, cast, part, possible):
        fhir_connection(cast, "http://127.0.0.1:1")
        assert comparable(whole(make_delivery(cast, part=part))) is possible

    def test_roles_that_read_no_content_are_refused_and_not_offered_it(self, cast, client):
        fhir_connection(cast, "http://127.0.0.1:1")
        one = make_delivery(cast)
        client.force_login(person(cast, Role.METADATA_ONLY))
        assert compare(client, one).status_code == 403
        assert WORDS not in client.get(f"/deliveries/{one.pk}/?tab=message").content.decode()

    def test_nothing_is_asked_beyond_the_connections_share_of_calls(self, cast, monkeypatch):
        fhir_connection(cast, "http://127.0.0.1:1")
        monkeypatch.setattr(chart_documents.rate, "granted", lambda connection: False)
        with pytest.raises(Unavailable) as refused:
            held(whole(make_delivery(cast)))
        assert refused.value.reason_code == "rate_limited"
        assert not RateWindow.objects.exists()


def test_what_a_resource_leaves_out_stands_as_such_and_odd_shapes_break_nothing():
    odd = {"type": "note", "author": "x", "context": None, "status": 7}
    facts = dict(facts_of(HeldDocument("C1", odd, "application/pdf", b"12345", None)))
    assert (facts["masterIdentifier"], facts["size"], facts["docStatus"]) == ("C1", "5 bytes", "not given")
    assert (facts["type"], facts["author"], facts["status"]) == ("not given", "not given", "7")
    whole_one = {
        "type": {"coding": [{"code": "11506-3", "display": "Progress note"}]},
        "author": [{"reference": "Practitioner/1", "display": "Ann Lee"}],
        "context": {"encounter": [{"reference": "Encounter/E1"}]},
    }
    facts = dict(facts_of(HeldDocument("C1", whole_one, "text/plain", b"", "")))
    assert (facts["type"], facts["author"]) == ("11506-3 Progress note", "Ann Lee")
    assert facts["context.encounter"] == "Encounter/E1"
