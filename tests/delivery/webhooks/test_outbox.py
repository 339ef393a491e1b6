"""What a scribe is told of its notes and of visits: written with the move, signed, sent until it is taken, or given up."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug import Response

from audit.models import AuditEvent
from delivery import rounds, two_secrets
from delivery.models import EndpointState, ScribeEndpoint, WebhookMessage
from delivery.sockets import stopping
from delivery.states import State
from delivery.transition import ticket_of, transition
from delivery.webhooks import endpoints, sending
from delivery.webhooks.kinds import LABELS
from delivery.webhooks.outbox import message, put
from delivery.webhooks.sending import WAITS, open_body, send_due
from delivery.webhooks.words import message_words
from portal import keys
from portal.models import Scribe
from tests.delivery.conftest import a_note
from tests.delivery.events import senders
from tests.delivery.events.senders import told
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db


class Hook:
    """A scribe's endpoint on a real socket: answers as told, keeps what came."""

    def __init__(self, server: HTTPServer) -> None:
        self.requests, self.answers = [], []
        server.expect_request("/hook").respond_with_handler(self.answer)
        self.url = server.url_for("/hook")

    def answer(self, request):
        self.requests.append((dict(request.headers), request.get_data()))
        return self.answers.pop(0) if self.answers else Response(status=204)


@pytest.fixture
def hook(httpserver):
    return Hook(httpserver)


@pytest.fixture
def endpoint(cast, hook):
    return senders.listening_scribe(cast, hook.url)


def moved(cast, old: State, new: State, **more):
    delivery = make_delivery(cast, old)
    with transaction.atomic():
        transition([ticket_of(delivery)], old, new, **more)
    return delivery


def due_again() -> None:
    WebhookMessage.objects.update(not_before=timezone.now())


@pytest.mark.parametrize(
    "old, new",
    [
        (State.ACCEPTED, State.VERIFIED),
        (State.ACCEPTED, State.MISFILED),
        (State.SENDING, State.REJECTED),
        (State.UNKNOWN, State.PARKED),
        (State.READY, State.HELD),
    ],
)
def test_each_outcome_is_told_with_ids_and_states_and_no_content(cast, endpoint, hook, old, new):
    delivery = moved(cast, old, new, reason_code="sections_differ")
    assert send_due() == 1
    ((_, body),) = hook.requests
    said = json.loads(body)
    assert said["type"] == f"delivery.{new.value}"
    assert said["data"] == {
        "delivery_id": delivery.pk,
        "note_id": str(delivery.note_id),
        "source_note_id": delivery.note.source_note_id,
        "version": 1,
        "part": "note",
        "location": "NORTH",
        "state": new.value,
        "reason": "sections_differ",
    }
    for content in (b"Cough", b"Okafor", b"P1001", b"E5001"):
        assert content not in body


@pytest.mark.parametrize(
    "old, new", [(State.READY, State.SENDING), (State.SENDING, State.UNKNOWN), (State.HELD, State.READY)]
)
def test_a_step_on_the_way_is_not_told(cast, endpoint, old, new):
    moved(cast, old, new)
    assert not WebhookMessage.objects.exists()


def test_a_note_held_at_intake_is_told_from_the_posting_itself(cast, endpoint, scribe):
    cast.north.routes.all().delete()
    scribe.post(a_note())
    message = WebhookMessage.objects.get()
    said = json.loads(open_body(message))
    assert (message.type, said["data"]["reason"], said["data"]["source_note_id"]) == (
        "delivery.held",
        "no_route",
        "nt-000417",
    )


def test_what_is_told_is_undone_with_the_move(cast, endpoint):
    delivery = make_delivery(cast, State.ACCEPTED)
    with pytest.raises(RuntimeError), transaction.atomic():
        transition([ticket_of(delivery)], State.ACCEPTED, State.VERIFIED)
        raise RuntimeError
    assert not WebhookMessage.objects.exists()


def test_standard_webhooks_own_library_takes_the_signature(cast, endpoint, hook):
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    ((headers, body),) = hook.requests
    assert Webhook(endpoint[1]).verify(body, headers)["type"] == "delivery.verified"
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint[1]).verify(body + b" ", headers)


def test_while_a_secret_is_replaced_old_and_new_both_verify(cast, endpoint, hook):
    row, old = endpoint
    new = endpoints.rotate(row)
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    ((headers, body),) = hook.requests
    assert Webhook(old).verify(body, headers) == Webhook(new).verify(body, headers)
    ScribeEndpoint.objects.update(previous_until=timezone.now())
    assert two_secrets.good(ScribeEndpoint.objects.get()) == [new]


def test_the_same_bytes_go_under_the_same_id_at_every_try(cast, endpoint, hook):
    hook.answers = [Response(status=500), Response(status=503)]
    moved(cast, State.ACCEPTED, State.VERIFIED)
    for _ in range(3):
        send_due()
        due_again()
    ids, bodies = {headers["Webhook-Id"] for headers, _ in hook.requests}, {body for _, body in hook.requests}
    assert (len(hook.requests), len(ids), len(bodies)) == (3, 1, 1)
    message = WebhookMessage.objects.get()
    assert [one["status"] for one in message.tries] == [500, 503, 204]
    assert (message.state, message_words(message).label) == ("delivered", "Taken")


def test_it_waits_longer_each_time_and_is_given_up_after_the_eighth_try(cast, endpoint, hook):
    hook.answers = [Response(status=500) for _ in range(9)]
    moved(cast, State.ACCEPTED, State.VERIFIED)
    waits = []
    for _ in range(9):
        now = timezone.now()
        send_due()
        message = WebhookMessage.objects.get()
        waits.append(round((message.not_before - now).total_seconds()))
        due_again()
    assert len(hook.requests) == 8
    assert waits[:7] == pytest.approx([wait.total_seconds() for wait in WAITS], abs=2)
    assert waits[:4] == pytest.approx([5, 300, 1800, 7200], abs=2)
    assert (message.state, message_words(message).why) == ("given_up", "It answered 500.")


def test_a_redirect_is_a_failure_and_is_not_followed(cast, endpoint, hook, httpserver):
    hook.answers = [Response(status=302, headers={"Location": httpserver.url_for("/elsewhere")})]
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    assert WebhookMessage.objects.get().tries[0]["reason"] == "webhook_redirect"
    assert len(httpserver.log) == 1


def test_an_endpoint_that_does_not_answer_in_time_has_failed(cast, endpoint, hook, monkeypatch):
    let_go = threading.Event()
    monkeypatch.setattr("delivery.webhooks.posting.SECONDS", 0.3)
    with HTTPServer() as slow:
        slow.expect_request("/hook").respond_with_handler(lambda request: let_go.wait(5) and Response(status=204))
        ScribeEndpoint.objects.update(url=slow.url_for("/hook"))
        moved(cast, State.ACCEPTED, State.VERIFIED)
        send_due()
        let_go.set()
    (tried,) = WebhookMessage.objects.get().tries
    assert (tried["reason"], tried["ms"] < 3000) == ("no_answer", True)


def test_an_endpoint_nobody_listens_at_has_failed(cast):
    senders.listening_scribe(cast, "http://127.0.0.1:1/hook")
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    (tried,) = WebhookMessage.objects.get().tries
    assert (tried["reason"], tried["status"]) == ("connection_refused", 0)
    assert message_words(WebhookMessage.objects.get()).why == "Nobody listens at its address."


def test_an_address_that_may_not_be_reached_any_more_is_not_reached(cast, endpoint, hook, settings):
    settings.ALLOWED_NETWORKS = ["10.0.0.0/8"]
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    assert (hook.requests, WebhookMessage.objects.get().tries[0]["reason"]) == ([], "target_not_allowed")


def test_after_five_days_of_failure_an_endpoint_is_stopped_and_it_is_recorded(cast, endpoint, hook):
    hook.answers = [Response(status=500), Response(status=500)]
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    assert EndpointState.objects.get().stopped_at is None
    EndpointState.objects.update(failing_since=timezone.now() - timedelta(days=5, seconds=1))
    due_again()
    send_due()
    assert EndpointState.objects.get().stopped_at is not None
    assert AuditEvent.objects.get(event="endpoint.stop").detail["reason"] == "webhook_refused"
    due_again()
    assert send_due() == 0
    moved(cast, State.ACCEPTED, State.VERIFIED)
    assert WebhookMessage.objects.count() == 1


def test_let_go_on_by_a_person_it_is_told_what_it_missed(cast, endpoint, hook):
    hook.answers = [Response(status=500)]
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    EndpointState.objects.update(stopped_at=timezone.now())
    WebhookMessage.objects.update(state="given_up")
    assert endpoints.resume(endpoint[0]) == 1
    assert send_due() == 1
    state = EndpointState.objects.get()
    assert (state.failing_since, state.stopped_at, state.answered_at is not None) == (None, None, True)


def test_one_success_ends_a_row_of_failures(cast, endpoint, hook):
    hook.answers = [Response(status=500)]
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    assert EndpointState.objects.get().failing_since is not None
    due_again()
    send_due()
    assert EndpointState.objects.get().failing_since is None


def test_a_slow_or_dead_endpoint_holds_no_other_up(cast, endpoint, hook):
    dead = Scribe.objects.create(practice=cast.practice, name="Whisper")
    keys.create(dead, "sandbox")
    broken, _ = endpoints.create(dead, "sandbox", "http://127.0.0.1:1/", ["delivery.verified"])
    put([message(broken, "delivery.verified", {}) for _ in range(40)])
    moved(cast, State.ACCEPTED, State.VERIFIED)
    send_due()
    assert len(hook.requests) == 1


def test_what_a_scribe_did_not_ask_for_it_is_not_told(cast, endpoint):
    endpoints.change(endpoint[0], endpoint[0].url, ["delivery.misfiled"], enabled=True)
    moved(cast, State.ACCEPTED, State.VERIFIED)
    moved(cast, State.ACCEPTED, State.MISFILED)
    assert [message.type for message in WebhookMessage.objects.all()] == ["delivery.misfiled"]


def test_an_endpoint_switched_off_is_told_nothing(cast, endpoint):
    endpoints.change(endpoint[0], endpoint[0].url, list(LABELS), enabled=False)
    moved(cast, State.ACCEPTED, State.VERIFIED)
    assert not WebhookMessage.objects.exists()


def test_sandbox_and_production_never_mix(cast, endpoint):
    type(cast.north).objects.filter(pk=cast.north.pk).update(environment="production")
    moved(cast, State.ACCEPTED, State.VERIFIED)
    assert not WebhookMessage.objects.exists()


def test_W08_what_was_stored_before_a_crash_is_told_after_the_restart(cast, hook, endpoint):
    """The receiving process dies after its answer, a worker before it has posted: the row is the queue."""
    sender = senders.ecw(cast)
    assert sender.post(told()).status_code == 200
    claimed = sending.claim()  # and here the worker dies
    assert (len(claimed), sending.claim()) == (1, [])
    WebhookMessage.objects.update(not_before=timezone.now())  # a minute later
    assert send_due() == 1
    ((_, body),) = hook.requests
    assert json.loads(body)["type"] == "capture.start"


def test_a_message_is_claimed_by_one_worker_only(cast, endpoint):
    for _ in range(3):
        moved(cast, State.ACCEPTED, State.VERIFIED)
    first, second = sending.claim(), sending.claim()
    assert (len(first), len(second)) == (3, 0)


def test_nothing_of_it_stands_in_the_database_in_clear(cast, endpoint):
    delivery = moved(cast, State.ACCEPTED, State.VERIFIED)
    message = WebhookMessage.objects.get()
    assert delivery.note.source_note_id.encode() not in bytes(message.sealed_body)
    assert endpoint[1].encode() not in bytes(ScribeEndpoint.objects.get().sealed_secrets)


def test_where_nobody_listens_a_move_costs_one_query_more(cast, django_assert_max_num_queries):
    delivery = make_delivery(cast, State.ACCEPTED)
    with django_assert_max_num_queries(6), transaction.atomic():
        transition([ticket_of(delivery)], State.ACCEPTED, State.VERIFIED)


def test_the_workers_round_goes_on_until_nothing_is_due_and_ends_with_the_worker(monkeypatch):
    found = iter([2, 1, 0])
    seen = []

    def work() -> int:
        seen.append(next(found))
        if seen[-1] == 0:
            stopping.set()
        return seen[-1]

    monkeypatch.setitem(rounds.ROUNDS, "webhooks", work)
    try:
        rounds.keep_at("webhooks", lambda step: step())
    finally:
        stopping.clear()
    assert seen == [2, 1, 0]


def test_figures_counted_ahead_rest_between_two_rounds_ten_times_as_long_as_one_took(monkeypatch):
    found, rests = iter([20, 20, 0]), []

    class Stopping:
        def wait(self, seconds: float) -> bool:
            rests.append(seconds)
            return False

    def work() -> int:
        time.sleep(0.01)
        return next(found)

    monkeypatch.setattr(rounds, "stopping", Stopping())
    rounds.until_done(work, rounds.REST)
    assert len(rests) == 2
    assert min(rests) >= 10 * 0.01
    assert set(rounds.ROUNDS) >= rounds.COUNTED
