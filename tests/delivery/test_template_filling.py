"""Filling a visit's template before a note's texts: the intent first, never twice in doubt, and both read back."""

import json
import urllib.request
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from audit.models import AuditEvent
from delivery import fallback, sockets
from delivery.actions import decide_not_sent
from delivery.channels import openapi_populating
from delivery.channels.base import NoAnswer
from delivery.channels.openapi_sending import OpenApiChannel
from delivery.detail import detail_of
from delivery.failures import failure
from delivery.going_again import TRIES, doubts_of
from delivery.models import Attempt, ConnectionState, Delivery, Population
from delivery.population.filling import Filling
from delivery.sending import drain
from delivery.verification import read_due
from portal.models import Connection, Part, Route
from tests.cast import NORTH_FIELDS
from tests.delivery.conftest import a_note


@pytest.fixture
def writing(ecw, cast) -> Connection:
    """NORTH's notes go by the Open API, whose chart can be asked; eCW knows a second template there."""
    Route.objects.filter(location=cast.north, part=Part.NOTE).delete()
    Route.objects.create(location=cast.north, part=Part.NOTE, connection=cast.reader)
    ConnectionState.objects.create(connection=cast.reader, profile="readback", reader_proven_at=timezone.now())
    ecw.teach("NORTH", "SM-OLD", NORTH_FIELDS)
    return cast.reader


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """What the channel asks of eCW, in its order."""
    made: list[str] = []

    def listen(name):
        real = getattr(OpenApiChannel, name)

        def heard(self, *arguments):
            made.append(name)
            return real(self, *arguments)

        monkeypatch.setattr(OpenApiChannel, name, heard)

    for name in ("standing_template", "populate", "send"):
        listen(name)
    return made


def posted(scribe, **changes) -> Delivery:
    answer = scribe.post(a_note(**changes))
    assert answer.status_code == 201, answer.content
    return Delivery.objects.get(pk=answer.json()["deliveries"][0]["id"])


def go(delivery: Delivery) -> Delivery:
    """One round of the lane."""
    Delivery.objects.filter(pk=delivery.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    with sockets.holding(delivery.lane_id):
        drain(delivery.lane_id)
    delivery.refresh_from_db()
    return delivery


def look(delivery: Delivery, ago: timedelta = timedelta(0)) -> Delivery:
    """One look into the chart, as if the last move lay so far back."""
    past = timezone.now() - ago
    rows = Delivery.objects.filter(pk=delivery.pk)
    rows.update(read_at=timezone.now() - timedelta(seconds=1), updated_at=min(past, delivery.updated_at))
    read_due()
    delivery.refresh_from_db()
    return delivery


def settled(delivery: Delivery) -> Delivery:
    """Looked for until the chart has said twice that the text is not there."""
    look(delivery, timedelta(hours=1))
    return look(delivery, timedelta(hours=1))


def chart(ecw, encounter: str = "E5001") -> dict:
    address = f"http://127.0.0.1:{ecw.process.http}/openapi/v1/LAKESI/encounters/{encounter}/progress-note"
    asked = urllib.request.Request(address + "?facility=NORTH", headers={"Authorization": "Bearer sandbox-token"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def choose(ecw, template: str, patient: str = "P1001") -> None:
    """A clinician's choice in eCW, made before our note came."""
    body = {"control_id": "BYHAND", "facility": "NORTH", "encounter_id": "E5001", "patient_id": patient}
    asked = urllib.request.Request(
        f"http://127.0.0.1:{ecw.process.http}/openapi/v1/LAKESI/visit-templates",
        json.dumps({**body, "template": template}).encode(),
        {"Authorization": "Bearer sandbox-token", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 201


def outcomes() -> list[str]:
    return list(Population.objects.order_by("pk").values_list("outcome", flat=True))


class TestOneNote:
    def test_has_the_template_filled_then_its_texts_written_then_both_read_back(self, ecw, scribe, writing, calls):
        delivery = go(posted(scribe))
        assert (delivery.state, calls) == ("accepted", ["standing_template", "populate", "send"])
        there = chart(ecw)
        assert there["template"] == "FM-PROGRESS"
        assert there["fields"]["NF-01"] == "Cough for nine days."
        assert (look(delivery).state, delivery.proof) == ("verified", "field")

    def test_keeps_what_was_asked_for_and_what_came_of_it(self, ecw, scribe, writing):
        delivery = go(posted(scribe))
        row = Population.objects.get()
        assert (row.outcome, row.code, row.template_code, row.attempt) == ("filled", "HTTP 201", "FM-PROGRESS", 1)
        assert row.connection == writing
        assert row.finished_at >= row.intent_at >= Attempt.objects.get(delivery=delivery).intent_at

    def test_leaves_the_intent_and_the_outcome_in_the_log_and_no_word_of_the_note(self, ecw, scribe, writing):
        delivery = go(posted(scribe))
        told = AuditEvent.objects.filter(object_id=str(delivery.pk), object_type="delivery").order_by("pk")
        names = [event.event for event in told if event.event.startswith("delivery.")]
        assert names == [
            "delivery.ready",
            "delivery.intent",
            "delivery.template_intent",
            "delivery.template_done",
            "delivery.accepted",
        ]
        done = told.get(event="delivery.template_done")
        assert done.detail == {
            "delivery_id": delivery.pk,
            "attempt": 1,
            "connection": writing.pk,
            "template": "FM-PROGRESS",
            "answer": "filled",
            "code": "HTTP 201",
        }
        assert done.subject_bidx

    def test_commits_the_intent_before_the_first_byte(self, ecw, scribe, writing, monkeypatch):
        seen = []
        real = OpenApiChannel.populate

        def populate(self, wanted):
            seen.append((outcomes(), chart(ecw)["template"]))
            return real(self, wanted)

        monkeypatch.setattr(OpenApiChannel, "populate", populate)
        go(posted(scribe))
        assert seen == [([""], "")]

    def test_shows_it_in_its_timeline(self, ecw, scribe, writing):
        delivery = go(posted(scribe))
        titles = [event.title for event in detail_of(delivery).events]
        assert "Template FM-PROGRESS: filled" in titles
        assert titles.index("Template FM-PROGRESS: filled") < titles.index("Attempt 1 begins"), "newest first"


class TestNoCall:
    def test_where_the_template_stands_already(self, ecw, scribe, writing, calls):
        choose(ecw, "FM-PROGRESS")
        assert go(posted(scribe)).state == "accepted"
        assert (calls, outcomes()) == (["standing_template", "send"], ["found"])

    def test_for_a_later_note_of_the_visit(self, ecw, scribe, writing, calls):
        go(posted(scribe))
        calls.clear()
        assert go(posted(scribe, version=2)).state == "accepted"
        assert (calls, outcomes()) == (["send"], ["filled"])

    def test_but_one_for_the_same_template_at_another_visit(self, ecw, scribe, writing, calls):
        go(posted(scribe))
        calls.clear()
        go(posted(scribe, source_note_id="nt-2", encounter={"id": "E5002"}))
        assert calls == ["standing_template", "populate", "send"]

    def test_where_the_connection_leaves_it_to_the_texts(self, ecw, scribe, writing, calls):
        writing.settings |= {"texts_choose_template": True}
        writing.save()
        delivery = go(posted(scribe))
        assert (delivery.state, calls, outcomes()) == ("accepted", ["send"], [])
        assert look(delivery).state == "verified"

    def test_by_a_way_that_fills_none(self, ecw, scribe, cast):
        delivery = go(posted(scribe))
        assert (delivery.connection.kind, delivery.state) == ("hl7", "accepted")
        assert outcomes() == []


class TestRefused:
    def test_where_somebody_chose_another_template_and_no_text_leaves(self, ecw, scribe, writing, calls):
        choose(ecw, "SM-OLD")
        delivery = go(posted(scribe))
        assert (delivery.state, delivery.reason_code) == ("rejected", "openapi_template_other")
        assert calls == ["standing_template"]
        assert (ecw.filings(), outcomes()) == ([], [])

    def test_another_template_goes_by_no_second_way(self, ecw, scribe, writing, cast):
        Route.objects.create(location=cast.north, part=Part.NOTE, connection=cast.hl7, position=2)
        cast.north.fallback = True
        cast.north.save()
        choose(ecw, "SM-OLD")
        delivery = go(posted(scribe))
        assert delivery.state == "rejected"
        assert fallback.why_not(delivery, delivery.reason_code) == "of_the_visit"

    def test_where_the_call_is_not_offered_the_note_goes_by_the_next_way(self, ecw, scribe, writing, cast):
        Route.objects.create(location=cast.north, part=Part.NOTE, connection=cast.hl7, position=2)
        cast.north.fallback = True
        cast.north.save()
        ecw.fault("populate_status", status=404)
        delivery = go(posted(scribe))
        assert (delivery.state, delivery.reason_code) == ("superseded", "went_by_next_route")
        assert outcomes() == ["refused"]
        assert Population.objects.get().reason_code == "openapi_template_not_offered"
        assert delivery.replaced_by.get().connection == cast.hl7

    @pytest.mark.parametrize(
        "status, reason",
        [
            (403, "openapi_forbidden"),
            (404, "openapi_template_not_offered"),
            (409, "openapi_template_other"),
            (422, "openapi_template_unknown"),
        ],
    )
    def test_each_refusal_is_explained_and_has_its_button(self, ecw, scribe, writing, status, reason):
        ecw.fault("populate_status", status=status)
        delivery = go(posted(scribe))
        assert (delivery.state, delivery.reason_code) == ("rejected", reason)
        assert ecw.filings() == []
        assert failure(reason).button.value

    def test_a_locked_visit_keeps_ecws_own_code(self, ecw, scribe, writing):
        ecw.process.api("PUT", "/facilities/NORTH/encounters/E5001", {"signed": True})
        delivery = go(posted(scribe))
        assert (delivery.state, delivery.reason_code) == ("rejected", "ecw_139")
        assert outcomes() == ["refused"]

    def test_at_a_place_that_ecw_does_not_know_it_is_refused_at_once_and_not_tried_for_a_day(
        self, ecw, scribe, writing, cast, calls
    ):
        cast.north.facility = "NOWHERE"
        cast.north.save()
        delivery = go(posted(scribe))
        assert (delivery.state, delivery.reason_code) == ("rejected", "openapi_not_found")
        assert (calls, outcomes()) == (["standing_template"], [])
        assert Attempt.objects.get().code == "HTTP 404"

    def test_another_filled_behind_a_yes_is_refused_with_the_texts(self, ecw, scribe, writing):
        ecw.fault("populate_other", template="SM-OLD")
        delivery = go(posted(scribe))
        assert (delivery.state, delivery.reason_code) == ("rejected", "openapi_template_other")
        assert outcomes() == ["filled"]
        assert ecw.filings() == []


class TestInDoubt:
    def test_a_template_filled_without_an_answer_is_found_and_not_filled_again(self, ecw, scribe, writing, calls):
        ecw.fault("populate_cut", count=1)
        delivery = go(posted(scribe))
        assert (delivery.state, delivery.reason_code) == ("unknown", "openapi_template_no_answer")
        assert ecw.filings() == [], "its text was not sent"
        assert settled(delivery).state == "ready"
        calls.clear()
        assert go(delivery).state == "accepted"
        assert (calls, outcomes()) == (["standing_template", "send"], ["no_answer", "found"])
        assert look(delivery, timedelta(hours=1)).state in ("accepted", "verified")
        assert chart(ecw)["template"] == "FM-PROGRESS"

    def test_one_that_was_not_filled_is_filled_by_the_second_try(self, ecw, scribe, writing, calls):
        ecw.fault("populate_no_answer", count=1)
        delivery = go(posted(scribe))
        assert delivery.state == "unknown"
        assert settled(delivery).state == "ready"
        calls.clear()
        assert go(delivery).state == "accepted"
        assert (calls, outcomes()) == (["standing_template", "populate", "send"], ["no_answer", "filled"])

    def test_nothing_is_asked_again_before_the_chart_has_spoken(self, ecw, scribe, writing, calls):
        ecw.fault("populate_cut", count=1)
        delivery = go(posted(scribe))
        calls.clear()
        go(delivery)
        assert (delivery.state, calls) == ("unknown", [])

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_an_error_after_the_body_is_a_doubt(self, ecw, scribe, writing, status):
        ecw.fault("populate_status", status=status)
        assert go(posted(scribe)).reason_code == "openapi_template_no_answer"

    def test_a_worker_that_dies_in_the_call_leaves_a_doubt_that_reading_settles(
        self, ecw, scribe, writing, calls, monkeypatch
    ):
        real = OpenApiChannel.populate

        def dies(self, wanted):
            real(self, wanted)
            raise SystemExit

        delivery = posted(scribe)
        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(OpenApiChannel, "populate", dies)
            go(delivery)
        assert outcomes() == [""]
        go(delivery)
        assert (delivery.state, delivery.reason_code) == ("unknown", "crash")
        assert settled(delivery).state == "ready"
        calls.clear()
        assert go(delivery).state == "accepted"
        assert (calls, outcomes()) == (["standing_template", "send"], ["no_answer", "found"])

    def test_a_chart_that_cannot_be_asked_sends_nothing_and_tries_later(self, ecw, scribe, writing, calls):
        ecw.fault("read_http_500")
        delivery = go(posted(scribe))
        assert (delivery.state, calls, outcomes()) == ("ready", ["standing_template"], [])
        assert Attempt.objects.get().outcome == "unavailable"


class TestNeverUnderstood:
    """A yes about something else, each time: what the receiver is, and no trouble that passes."""

    def tried(self, delivery: Delivery) -> Delivery:
        go(delivery)
        return settled(delivery) if delivery.state == "unknown" else delivery

    @pytest.fixture
    def elsewhere(self, monkeypatch):
        """eCW answers the call for the template with a yes that names nothing of it."""

        def judge(answer, wanted):
            raise NoAnswer("openapi_template_contradiction", "status", b"<html>Sign in</html>")

        monkeypatch.setattr(openapi_populating, "judge", judge)

    def test_it_ends_for_a_person_after_a_bounded_number_of_looks(
        self, ecw, scribe, writing, elsewhere, calls, monkeypatch
    ):
        monkeypatch.setattr(OpenApiChannel, "standing_template", lambda self, wanted: "")
        delivery = posted(scribe)
        states = [self.tried(delivery).state for _ in range(TRIES + 2)]
        assert states == ["ready"] * (TRIES - 1) + ["parked"] * 3
        assert calls == ["populate"] * TRIES
        assert delivery.reason_code == "never_understood"
        assert (ecw.filings(), outcomes()) == ([], ["no_answer"] * TRIES)

    def test_it_says_why_and_asks_for_a_decision(self, ecw, scribe, writing, elsewhere, monkeypatch):
        monkeypatch.setattr(OpenApiChannel, "standing_template", lambda self, wanted: "")
        delivery = posted(scribe)
        for _ in range(TRIES):
            self.tried(delivery)
        assert failure(delivery.reason_code).button.value == "decide"
        assert "template" in failure(delivery.reason_code).happened

    def test_a_person_who_lets_it_go_gives_it_as_many_tries_again(self, ecw, scribe, writing, elsewhere, monkeypatch):
        monkeypatch.setattr(OpenApiChannel, "standing_template", lambda self, wanted: "")
        delivery = posted(scribe)
        for _ in range(TRIES):
            self.tried(delivery)
        decide_not_sent([delivery.pk], "eCW says that it is mended")
        assert doubts_of(Delivery.objects.get(pk=delivery.pk)) == []
        assert self.tried(delivery).state == "ready"

    def test_a_person_may_leave_the_template_to_the_texts_and_it_goes(
        self, ecw, scribe, writing, elsewhere, monkeypatch
    ):
        monkeypatch.setattr(OpenApiChannel, "standing_template", lambda self, wanted: "")
        delivery = posted(scribe)
        for _ in range(TRIES):
            self.tried(delivery)
        writing.settings |= {"texts_choose_template": True}
        writing.save()
        decide_not_sent([delivery.pk], "eCW fills no templates")
        assert go(delivery).state == "accepted"
        assert chart(ecw)["fields"]["NF-01"] == "Cough for nine days."


class TestTheDatabase:
    def test_that_takes_no_intent_lets_nothing_leave(self, ecw, scribe, writing, calls, monkeypatch):
        def away(self, outcome=""):
            raise OperationalError("away")

        monkeypatch.setattr(Filling, "begin", away)
        delivery = go(posted(scribe))
        assert (delivery.state, calls) == ("ready", ["standing_template"])
        assert Attempt.objects.get().reason_code == "openapi_template_unwritten"
        assert chart(ecw)["template"] == ""

    def test_that_takes_no_outcome_leaves_the_row_open_and_the_texts_go(self, ecw, scribe, writing, monkeypatch):
        real = Population.save

        def save(self, *arguments, **rest):
            if "update_fields" in rest:
                raise OperationalError("away")
            real(self, *arguments, **rest)

        monkeypatch.setattr(Population, "save", save)
        delivery = go(posted(scribe))
        assert (delivery.state, outcomes()) == ("accepted", [""])
        assert look(delivery).state == "verified"


def test_A24_a_visit_that_ecw_shows_under_another_patient_gets_nothing(ecw, scribe, writing, calls):
    choose(ecw, "FM-PROGRESS", patient="P9999")
    delivery = go(posted(scribe))
    assert (delivery.state, delivery.reason_code) == ("rejected", "encounter_of_another_patient")
    assert (calls, ecw.filings()) == (["standing_template"], [])
    assert fallback.why_not(delivery, delivery.reason_code) in ("of_the_visit", "switched_off")


def test_both_calls_count_within_the_connections_limit(ecw, scribe, writing, calls):
    writing.settings |= {"calls_per_minute": 2}
    writing.save()
    delivery = go(posted(scribe))
    assert (delivery.state, calls) == ("ready", []), "one call is the note's own, and two are needed more"
    assert Attempt.objects.get().reason_code == "rate_limited"
