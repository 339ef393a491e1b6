"""Looking a visit up before capture is asked for: what eCW says counts, and what it cannot say holds nobody up. Row W04."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Response

from audit.models import AuditEvent
from delivery.events import sources
from delivery.events.models import Event, EventSource, VisitStage
from delivery.models import WebhookMessage
from delivery.webhooks.sending import send_due
from delivery.webhooks.words import message_words
from portal import tokens
from portal.tokens import Issued
from tests.delivery.events import senders
from tests.delivery.events.senders import CHECKED_IN, OPENED, told
from tests.delivery.fhir import fhir_connection

pytestmark = pytest.mark.django_db


class Ehr:
    """A FHIR base that knows how far each visit has come, and a scribe's endpoint, on real sockets."""

    def __init__(self, server: HTTPServer) -> None:
        self.status: dict[str, str] = {}
        self.asked: list[str] = []
        self.heard: list[dict] = []
        self.failing: Response | None = None
        server.expect_request(re.compile("/fhir/r4/LAKESI/Encounter")).respond_with_handler(self.look)
        server.expect_request("/hook").respond_with_handler(self.hear)

    def look(self, request):
        self.asked.append(request.args["_id"])
        assert "_count" not in request.args
        if self.failing:
            return self.failing
        key = request.args["_id"]
        rows = (
            [{"resource": {"resourceType": "Encounter", "id": key, "status": self.status[key]}}]
            if key in self.status
            else []
        )
        return Response(
            json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": rows}),
            content_type="application/fhir+json",
        )

    def hear(self, request):
        self.heard.append(json.loads(request.get_data()))
        return Response(status=204)


@pytest.fixture
def ehr(httpserver):
    return Ehr(httpserver)


@pytest.fixture
def fhir(cast, httpserver, ehr):
    made = fhir_connection(cast, httpserver.url_for("").rstrip("/"))
    tokens.connect(made, Issued("token", "", timezone.now() + timedelta(hours=1), ()))
    return made


@pytest.fixture
def poll(cast, fhir):
    return sources.create(cast.north, "poll", {"practitioners": "DR7"}, fhir)[0]


@pytest.fixture(autouse=True)
def scribe_listens(cast, httpserver):
    return senders.listening_scribe(cast, httpserver.url_for("/hook"))


def outcome() -> str:
    return Event.objects.get().outcome


@pytest.mark.parametrize("status", ["finished", "cancelled", "entered-in-error"])
def test_W04_an_event_is_looked_up_again_and_of_a_visit_that_is_over_nobody_is_told(sender, poll, ehr, status):
    ehr.status["E5001"] = status
    sender.post(told(OPENED))
    assert (outcome(), WebhookMessage.objects.count()) == ("started", 1), "stored before it is looked up"
    send_due()
    assert (ehr.asked, ehr.heard) == (["E5001"], [])
    assert (outcome(), VisitStage.objects.get().rank) == ("late", 3)
    assert WebhookMessage.objects.get().state == "overtaken"


def test_W04_a_later_event_brings_a_visit_that_ecw_ended_back_as_little(sender, poll, ehr):
    ehr.status["E5001"] = "finished"
    sender.post(told(OPENED))
    send_due()
    sender.post(told(CHECKED_IN))
    send_due()
    assert ehr.heard == []
    assert VisitStage.objects.get().rank == 3


@pytest.mark.parametrize("status", ["arrived", "triaged", "in-progress", "onleave", "planned"])
def test_W04_one_that_is_not_over_is_told_after_the_look(sender, poll, ehr, status):
    ehr.status["E5001"] = status
    sender.post(told(OPENED))
    send_due()
    assert ehr.asked == ["E5001"]
    assert [body["data"]["encounter_id"] for body in ehr.heard] == ["E5001"]
    assert outcome() == "started"


class TestOneThatIsOver:
    def test_is_recorded_without_a_word_of_the_visit(self, sender, poll, ehr):
        ehr.status["E5001"] = "finished"
        sender.post(told(OPENED))
        send_due()
        event = AuditEvent.objects.get(event="event.overtaken")
        assert event.detail.keys() == {"kind", "endpoint"}
        assert event.subject_bidx
        assert event.encounter_bidx
        assert "E5001" not in str(AuditEvent.objects.values())

    def test_says_so_on_the_page(self, sender, poll, ehr):
        ehr.status["E5001"] = "finished"
        sender.post(told(OPENED))
        send_due()
        words = message_words(WebhookMessage.objects.get())
        assert (words.tone, words.label) == ("off", "Not told")
        assert "the visit was over" in words.why

    def test_is_found_out_at_a_later_try_too(self, sender, poll, ehr, httpserver):
        ehr.status["E5001"] = "in-progress"
        httpserver.clear()
        httpserver.expect_request(re.compile("/fhir/r4/LAKESI/Encounter")).respond_with_handler(ehr.look)
        httpserver.expect_request("/hook").respond_with_data("", status=503)
        sender.post(told(OPENED))
        send_due()
        assert WebhookMessage.objects.get().state == "waiting"
        ehr.status["E5001"] = "finished"
        WebhookMessage.objects.update(not_before=timezone.now())
        send_due()
        assert WebhookMessage.objects.get().state == "overtaken"


class TestOneThatIsNot:
    def test_is_told_where_ecw_does_not_know_the_visit_by_this_id(self, sender, poll, ehr):
        sender.post(told(OPENED))
        send_due()
        assert len(ehr.heard) == 1

    @pytest.mark.parametrize("status", [401, 403, 429, 500])
    def test_is_believed_where_ecw_cannot_say(self, sender, poll, ehr, status):
        ehr.failing = Response(status=status)
        sender.post(told(OPENED))
        send_due()
        assert len(ehr.heard) == 1

    def test_is_believed_where_the_limit_leaves_no_call(self, sender, poll, fhir, ehr):
        fhir.settings |= {"calls_per_minute": 1}
        fhir.save()
        for encounter in ("E1", "E2"):
            ehr.status[encounter] = "finished"
            sender.post(told(OPENED, encounter))
        send_due()
        assert len(ehr.asked) == 1
        assert len(ehr.heard) == 1


class TestWhoIsAsked:
    def test_nobody_where_the_location_neither_polls_nor_looks_up(self, sender, fhir, ehr):
        sender.post(told(OPENED))
        send_due()
        assert (ehr.asked, len(ehr.heard)) == ([], 1)

    def test_the_reading_connection_that_is_set_to_look_encounters_up(self, sender, fhir, ehr):
        fhir.settings |= {"check_encounter": True}
        fhir.save()
        ehr.status["E5001"] = "finished"
        sender.post(told(OPENED))
        send_due()
        assert (ehr.asked, ehr.heard) == (["E5001"], [])

    @pytest.mark.parametrize("off", ["source", "connection"])
    def test_nobody_through_what_is_switched_off(self, sender, poll, fhir, ehr, off):
        EventSource.objects.filter(pk=poll.pk).update(enabled=off != "source")
        type(fhir).objects.filter(pk=fhir.pk).update(enabled=off != "connection")
        sender.post(told(OPENED))
        send_due()
        assert (ehr.asked, len(ehr.heard)) == ([], 1)

    def test_a_base_that_failed_is_not_asked_again_in_the_same_round(self, sender, poll, ehr):
        ehr.failing = Response(status=500)
        for encounter in ("E1", "E2", "E3"):
            sender.post(told(OPENED, encounter))
        send_due()
        assert len(ehr.asked) == 1
        assert len(ehr.heard) == 3

    def test_each_visit_once_however_many_scribes_are_to_be_told(self, cast, sender, poll, ehr, httpserver):
        ehr.status["E5001"] = "finished"
        sender.post(told(OPENED))
        first = WebhookMessage.objects.get()
        second = WebhookMessage(**{field.attname: getattr(first, field.attname) for field in first._meta.fields})
        second.pk = "00000000-0000-4000-8000-000000000001"
        second.save(force_insert=True)
        send_due()
        assert ehr.asked == ["E5001"]
        assert set(WebhookMessage.objects.values_list("state", flat=True)) == {"overtaken"}
