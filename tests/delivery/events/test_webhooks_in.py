"""Webhooks of eCW: who is believed, what is stored before the answer, what a repeat or a flood does. Rows W01-W09."""

import json
import time
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.utils import timezone

from audit.models import AuditEvent
from delivery import rate, sockets, two_secrets
from delivery.events import receiving, sources
from delivery.events.limiter import Limiter
from delivery.events.models import Arrival, Event, EventSource, SourceState, VisitStage
from delivery.models import Delivery, Lane, RateWindow, WebhookMessage
from delivery.sending import drain
from delivery.webhooks import endpoints
from portal import crypto
from tests.delivery.conftest import a_note
from tests.delivery.events import senders
from tests.delivery.events.senders import CHECKED_IN, CLOSED, OPENED, signature, told

pytestmark = pytest.mark.django_db


def refusals() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event="event.refuse"))


def bodies() -> list[dict]:
    """What lies in the outbox, opened."""
    rows = WebhookMessage.objects.order_by("created_at")
    return [
        json.loads(crypto.unseal(row.sealed_body, table="webhookmessage", column="body", row=row.pk)) for row in rows
    ]


def test_an_event_is_stored_and_starts_capture_at_the_scribe(sender, scribes_endpoint):
    answer = sender.post(told(OPENED, occurred_at=timezone.now().isoformat()))
    assert (answer.status_code, answer.json()) == (200, {"message": "new"})
    event = Event.objects.get()
    assert (event.kind, event.way, event.outcome) == (OPENED, "webhook", "started")
    (body,) = bodies()
    assert body["type"] == "capture.start"
    assert body["data"] == {
        "event_id": str(event.pk),
        "event": OPENED,
        "location": "NORTH",
        "encounter_id": "E5001",
        "patient_id": "P1001",
        "provider_id": "DR7",
    }


def test_what_is_stored_names_nobody_in_clear(sender, scribes_endpoint):
    sender.post(told(OPENED))
    event, message = Event.objects.get(), WebhookMessage.objects.get()
    for sealed in (event.sealed_visit, message.sealed_body):
        assert b"P1001" not in bytes(sealed)
        assert b"E5001" not in bytes(sealed)
    assert event.encounter_bidx == crypto.blind_index("encounter", "E5001")
    assert Arrival.objects.get().message != "E5001"


def test_taking_it_and_asking_the_scribe_are_recorded_with_the_recipient(sender, scribes_endpoint):
    sender.post(told(OPENED))
    taken = AuditEvent.objects.get(event="event.take")
    assert (taken.practice, taken.location, taken.detail["outcome"]) == ("lakeside", "NORTH", "started")
    asked = AuditEvent.objects.get(event="capture.start")
    assert (asked.recipient, asked.subject_bidx) == ("Murmur Scribe", crypto.blind_index("patient", "P1001"))
    assert asked.correlation_id == taken.correlation_id


def test_W01_a_forged_signature_is_refused_and_nothing_is_stored(sender):
    assert sender.post(told(), signed=signature("whsec_" + "QUJD" * 8, json.dumps(told()).encode())).status_code == 401
    assert not Event.objects.exists()
    assert not Arrival.objects.exists()


def test_W01_an_unsigned_webhook_is_refused(sender):
    assert sender.post(told(), signed="").status_code == 401
    assert sender.post(told(), **{"X-Signature": None}).status_code == 401


def test_W01_a_signature_of_the_same_json_written_otherwise_is_refused(sender):
    """The bytes as they came are what is signed: nothing is read and written again before."""
    raw = json.dumps(told(), indent=2).encode()
    rewritten = json.dumps(json.loads(raw), separators=(",", ":")).encode()
    assert sender.post(raw, signed=signature(sender.secret, rewritten)).status_code == 401
    assert sender.post(raw).status_code == 200


def test_W01_a_forger_fills_one_audit_row_a_minute(sender):
    for _ in range(5):
        assert sender.post(told(), signed="AAAA").status_code == 401
    (row,) = refusals()
    assert (row.outcome, row.outcome_class, row.detail["reason"]) == ("denied", "signature", "signature")
    SourceState.objects.update(refused_at=timezone.now() - timedelta(seconds=61))
    sender.post(told(), signed="AAAA")
    assert len(refusals()) == 2


def test_W02_a_signature_that_is_not_ascii_is_refused_and_breaks_nothing(sender):
    assert sender.post(told(), signed="é" * 44).status_code == 401
    assert sender.post(told(), **{"X-Timestamp": "é"}).status_code == 401


def test_W03_a_replay_within_five_minutes_is_answered_200_and_changes_nothing(sender, scribes_endpoint):
    first = sender.post(told(), id="evt-1")
    again = sender.post(told(), id="evt-1", age=200)
    assert (first.json()["message"], again.status_code, again.json()["message"]) == ("new", 200, "repeated")
    assert (Event.objects.count(), Arrival.objects.count(), WebhookMessage.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("age", [301, -305])
def test_W03_a_replay_outside_five_minutes_is_refused(sender, age):
    assert sender.post(told(), age=age).status_code == 401
    assert refusals()[0].detail["reason"] == "timestamp"


def test_W03_the_same_event_under_a_new_id_is_known_and_starts_nothing_again(sender, scribes_endpoint):
    sender.post(told(), id="evt-1")
    assert sender.post(told(), id="evt-2").json()["message"] == "known"
    assert (Event.objects.count(), Arrival.objects.count(), WebhookMessage.objects.count()) == (1, 2, 1)


def test_W03_without_ids_the_same_bytes_are_the_same_message(sender, scribes_endpoint):
    answers = [sender.post(told(), **{"X-Event-Id": None}).json()["message"] for _ in range(2)]
    assert answers == ["new", "repeated"]


def test_W04_closed_before_opened_brings_no_visit_back(sender, scribes_endpoint):
    sender.post(told(CLOSED))
    sender.post(told(OPENED))
    assert VisitStage.objects.get().rank == 3
    assert {event.kind: event.outcome for event in Event.objects.all()} == {CLOSED: "recorded", OPENED: "late"}
    assert not WebhookMessage.objects.exists()


def test_W04_checked_in_after_opened_starts_no_second_capture(sender, scribes_endpoint):
    sender.post(told(OPENED))
    sender.post(told(CHECKED_IN))
    assert VisitStage.objects.get().rank == 2
    assert Event.objects.get(kind=CHECKED_IN).outcome == "already"
    assert WebhookMessage.objects.count() == 1


def test_W05_an_event_of_six_hours_ago_is_taken_by_its_own_time(sender, scribes_endpoint):
    happened = timezone.now() - timedelta(hours=6)
    assert sender.post(told(OPENED, occurred_at=happened.isoformat())).status_code == 200
    assert Event.objects.get().happened_at == happened
    (body,) = bodies()
    assert body["timestamp"][:16] == happened.isoformat()[:16]


def test_W05_one_of_long_ago_is_recorded_and_starts_nothing(cast, scribes_endpoint):
    sender = senders.ecw(cast, within_minutes=60)
    sender.post(told(OPENED, occurred_at=(timezone.now() - timedelta(hours=6)).isoformat()))
    assert Event.objects.get().outcome == "too_old"
    assert not WebhookMessage.objects.exists()


def test_W06_a_flood_is_answered_429_and_costs_no_query(sender, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(receiving, "limiter", Limiter(5.0, clock=lambda: 0.0))
    answers = [sender.post(told(), signed="AAAA").status_code for _ in range(15)]
    assert answers == [401] * 10 + [429] * 5
    with django_assert_num_queries(0):
        assert sender.post(told()).status_code == 429


def test_W06_the_limit_holds_for_all_web_processes_together(sender, monkeypatch):
    """Each process has a bucket of its own; what these let through is counted in one row for all of them."""
    monkeypatch.setattr(rate, "time", SimpleNamespace(time=lambda: 1_900_000_000.0))
    answers = []
    for _process in range(4):
        monkeypatch.setattr(receiving, "limiter", Limiter(3.0, clock=lambda: 0.0))
        answers += [sender.post(told(), signed="AAAA").status_code for _ in range(10)]
    assert answers.count(401) == 24, "four processes let 6 each through, and all of it lies within 30 in ten seconds"
    monkeypatch.setattr(receiving, "limiter", Limiter(3.0, clock=lambda: 0.0))
    more = [sender.post(told()).status_code for _ in range(6)]
    monkeypatch.setattr(receiving, "limiter", Limiter(3.0, clock=lambda: 0.0))
    assert (more, sender.post(told()).status_code) == ([200] * 6, 429)


def test_W06_ten_seconds_later_events_are_taken_again(sender, monkeypatch):
    clock = [1_900_000_000.0]
    monkeypatch.setattr(rate, "time", SimpleNamespace(time=lambda: clock[0]))
    monkeypatch.setattr(receiving, "limiter", Limiter(0.1, clock=lambda: clock[0]))
    assert sender.post(told(OPENED, "E1")).status_code == 200
    monkeypatch.setattr(receiving, "limiter", Limiter(0.1, clock=lambda: clock[0]))
    assert sender.post(told(OPENED, "E2")).status_code == 429, "another process, the same second"
    clock[0] += 10
    assert sender.post(told(OPENED, "E3")).status_code == 200


def test_W06_one_sources_flood_leaves_anothers_events_alone(sender, cast, monkeypatch):
    monkeypatch.setattr(rate, "time", SimpleNamespace(time=lambda: 1_900_000_000.0))
    monkeypatch.setattr(receiving, "limiter", Limiter(0.1, clock=lambda: 0.0))
    other = senders.Ecw(*sources.create(cast.south, "webhook", {}))
    assert [sender.post(told()).status_code for _ in range(3)] == [200, 429, 429]
    assert other.post(told(OPENED, "E9")).status_code == 200


def test_W06_addresses_that_are_no_sources_leave_no_row(cast, client):
    for _ in range(3):
        assert client.post(f"/api/v1/events/{uuid.uuid4()}", b"{}", content_type="application/json").status_code == 401
    assert not RateWindow.objects.exists()


def test_W06_deliveries_go_on_during_a_flood(ecw, scribe, sender, monkeypatch):
    """The worker's threads are others than those that answer webhooks: what is ready goes out in between."""
    monkeypatch.setattr(receiving, "limiter", Limiter(5.0, clock=lambda: 0.0))
    answer = scribe.post(a_note())
    flood = [sender.post(told(), signed="AAAA").status_code for _ in range(40)]
    lane = Lane.objects.get().pk
    with sockets.holding(lane):
        drain(lane)
    assert flood.count(429) == 30
    assert answer.status_code == 201
    assert Delivery.objects.get().state == "accepted"


def test_W07_for_a_day_both_secrets_are_good(sender):
    old, new = sender.secret, sources.rotate(sender.source)
    body = json.dumps(told()).encode()
    assert sender.post(body, signed=signature(old, body)).status_code == 200
    assert sender.post(body, signed=signature(new, body)).status_code == 200
    EventSource.objects.filter(pk=sender.source.pk).update(previous_until=timezone.now() - timedelta(seconds=1))
    assert sender.post(body, signed=signature(old, body)).status_code == 401
    assert sender.post(body, signed=signature(new, body)).status_code == 200


@pytest.mark.parametrize(
    "form", ["{old} {new}", "v1,{old} v1,{new}", "v1={old},v1={new}", "sha256={new}", "{old}, {new}"]
)
def test_W07_of_several_signatures_in_a_header_one_good_one_is_enough(sender, form):
    body = json.dumps(told()).encode()
    header = form.format(old=signature("whsec_" + "QUJD" * 8, body), new=signature(sender.secret, body))
    assert sender.post(body, signed=header).status_code == 200


def test_W07_the_secret_before_the_last_ends_at_once(sender):
    first = sender.secret
    sources.rotate(sender.source)
    sender.source.refresh_from_db()
    sources.rotate(sender.source)
    sender.source.refresh_from_db()
    assert len(two_secrets.good(sender.source)) == 2
    assert first not in two_secrets.good(sender.source)


@pytest.mark.parametrize("id", ["evt.1", "x" * 129, "evt 1", "é"])
def test_W09_an_id_with_a_dot_or_too_long_is_refused(sender, id):
    assert sender.post(told(), id=id).status_code == 401


@pytest.mark.parametrize("stamp", ["", "now", "1.5", "-1", "9" * 13, "9" * 12, " 1"])
def test_W09_a_timestamp_that_is_no_whole_number_is_refused(sender, stamp):
    assert sender.post(told(), **{"X-Timestamp": stamp}).status_code == 401


def test_where_id_and_time_are_signed_too_they_cannot_be_changed(cast):
    sender = senders.ecw(cast, signed="id.timestamp.body")
    body, stamp = json.dumps(told()).encode(), str(int(time.time()))
    good = signature(sender.secret, b"evt-1." + stamp.encode() + b"." + body)
    headers = {"X-Timestamp": stamp}
    assert sender.post(body, id="evt-2", signed=good, **headers).status_code == 401
    assert sender.post(body, id="evt-1", signed=good, **headers).status_code == 200
    assert sender.post(body, signed=good, **{**headers, "X-Event-Id": None}).status_code == 401


def test_headers_and_places_are_the_sources_to_name(cast, scribes_endpoint):
    sender = senders.ecw(
        cast,
        signature_header="X-eCW-Hmac",
        kind_path="event.name",
        encounter_path="visit_id",
        patient_path="who",
        provider_path="by",
    )
    body = json.dumps({"event": {"name": OPENED}, "visit_id": 5001}).encode()
    sent = {"X-eCW-Hmac": signature(sender.secret, body), "X-Signature": None}
    assert sender.post(body, **sent).json() == {"message": "new"}
    assert bodies()[0]["data"]["encounter_id"] == "5001"


@pytest.mark.parametrize(
    "body, place",
    [
        (b"{", "json"),
        (b'{"type": "encounter.opened", "type": "x"}', "json"),
        (b"[]", "kind"),
        (told(encounter=""), "encounter"),
        (told(encounter="x" * 121), "encounter"),
        (told(encounter={"id": 1}), "encounter"),
        (told(patient={"id": True}), "patient"),
        (told(occurred_at="yesterday"), "time"),
        (told(occurred_at=5), "time"),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_answered_400_with_the_place(sender, body, place):
    answer = sender.post(body)
    assert (answer.status_code, place in answer.json()["message"]) == (400, True)
    assert SourceState.objects.get().trouble == "event_unreadable"
    assert not Event.objects.exists()


def test_a_kind_that_does_not_concern_us_is_answered_200_and_nothing_of_it_is_kept(sender):
    assert sender.post(told("lab.ordered")).json() == {"message": "ignored"}
    assert Arrival.objects.get().event is None
    assert not Event.objects.exists()


def test_an_unknown_address_one_switched_off_and_one_of_another_way_answer_alike(sender, cast):
    body = json.dumps(told()).encode()
    sources.change(sender.source, {}, None, enabled=False)
    off = sender.post(body)
    sender.address = "/api/v1/events/5f1f2c1e-0000-4000-8000-000000000000"
    unknown = sender.post(body)
    feed, _ = sources.create(cast.north, "mllp", {"port": 26610, "peers": "127.0.0.1/32"})
    sender.address = f"/api/v1/events/{feed.public_id}"
    other = sender.post(body)
    assert {(each.status_code, each.content) for each in (off, unknown, other)} == {
        (401, b'{"message": "Not signed for this address."}')
    }


def test_too_large_a_body_is_refused_before_it_is_read(sender):
    assert sender.post(b"x" * 65537).status_code == 413


def test_only_post_is_answered(sender):
    assert sender.client.get(sender.address).status_code == 405


def test_while_the_database_is_away_the_sender_is_asked_to_come_again(sender, monkeypatch):
    def away(*_):
        raise OperationalError

    monkeypatch.setattr(receiving, "take", away)
    answer = sender.post(told())
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_a_scribe_without_a_key_for_the_location_is_not_told(sender, cast):
    endpoints.create(cast.scribe, "sandbox", "http://127.0.0.1:1/hook", ["capture.start"])
    sender.post(told())
    assert Event.objects.get().outcome == "no_scribe"


def test_a_later_event_starts_capture_where_the_first_found_no_scribe(sender, cast):
    sender.post(told(CHECKED_IN))
    senders.listening_scribe(cast)
    sender.post(told(OPENED))
    assert {event.kind: event.outcome for event in Event.objects.all()} == {CHECKED_IN: "no_scribe", OPENED: "started"}
