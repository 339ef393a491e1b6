"""The outbox by the clock, without a network: when what is tried again, who is stopped, what one bad row may cost."""

import json
import logging
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import two_secrets
from delivery.events import sources
from delivery.models import EndpointState, ScribeEndpoint, WebhookMessage
from delivery.states import State
from delivery.webhooks import endpoints, posting, sending
from delivery.webhooks.capture import serving
from delivery.webhooks.kinds import LABELS
from delivery.webhooks.outbox import message, moved, put
from delivery.webhooks.posting import Said
from delivery.webhooks.queries import endpoint_of, endpoint_row
from delivery.webhooks.words import WHY, message_words
from portal import crypto, keys
from portal.models import ApiKey, Scribe
from tests.delivery.events import senders
from tests.delivery.rows import make_delivery

KIND = "delivery.verified"
FAILED, TAKEN = Said(500, "webhook_refused", 12), Said(204, "", 7)
SECRET = "whsec_" + "QUJD" * 8


class Clock:
    """The time of the outbox."""

    def __init__(self) -> None:
        self.time = timezone.now()

    def now(self) -> datetime:
        return self.time

    def on(self, **by: float) -> None:
        self.time += timedelta(**by)


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    for module in ("sending", "outbox", "endpoints"):
        monkeypatch.setattr(f"delivery.webhooks.{module}.timezone", made)
    return made


@pytest.fixture
def endpoint(cast, clock):
    return senders.listening_scribe(cast)[0]


def lay(endpoint, number: int = 1) -> list[WebhookMessage]:
    """So many messages in the outbox."""
    made = [message(endpoint, KIND, {"delivery_id": each}) for each in range(number)]
    put(made)
    return made


def tried(said: Said) -> WebhookMessage:
    """The one message that is due, tried."""
    (claimed,) = sending.claim()
    sending.conclude(claimed, said)
    claimed.refresh_from_db()
    return claimed


def another(cast, name: str = "Whisper") -> ScribeEndpoint:
    made = Scribe.objects.create(practice=cast.practice, name=name)
    keys.create(made, "sandbox")
    return endpoints.create(made, "sandbox", "http://127.0.0.1:1/other", list(LABELS))[0]


# --- when --------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestTheSchedule:
    def test_is_the_published_one_to_the_second_and_ends_with_the_eighth_try(self, endpoint, clock):
        lay(endpoint)
        for wait in (5, 300, 1800, 7200, 18_000, 36_000, 36_000):
            assert tried(FAILED).state == "waiting"
            clock.on(seconds=wait - 1)
            assert sending.claim() == []
            clock.on(seconds=1)
        last = tried(FAILED)
        assert (last.state, last.attempts, len(last.tries), last.finished_at) == ("given_up", 8, 8, clock.time)
        clock.on(days=30)
        assert sending.claim() == []

    def test_ends_with_the_first_success_whichever_try_it_was(self, endpoint, clock):
        lay(endpoint)
        for wait in (5, 300):
            tried(FAILED)
            clock.on(seconds=wait)
        done = tried(TAKEN)
        assert (done.state, done.finished_at, [each["status"] for each in done.tries]) == (
            "delivered",
            clock.time,
            [500, 500, 204],
        )
        clock.on(days=1)
        assert sending.claim() == []

    def test_is_a_messages_own(self, endpoint, clock):
        """One that was refused holds up none that came after it."""
        lay(endpoint)
        tried(FAILED)
        lay(endpoint)
        assert tried(TAKEN).state == "delivered"

    def test_begins_anew_with_a_person_and_what_was_tried_stays_to_be_read(self, endpoint, clock):
        lay(endpoint)
        tried(FAILED)
        WebhookMessage.objects.update(attempts=8, state="given_up", finished_at=clock.time)
        assert endpoints.resume(endpoint) == 1
        again = tried(FAILED)
        assert (again.attempts, len(again.tries), again.finished_at) == (1, 2, None)
        assert again.not_before == clock.time + timedelta(seconds=5)

    def test_says_of_each_try_when_and_how_and_nothing_of_what_was_sent(self, endpoint, clock):
        lay(endpoint)
        (said,) = tried(FAILED).tries
        assert said == {
            "at": clock.time.isoformat(timespec="seconds"),
            "status": 500,
            "reason": "webhook_refused",
            "ms": 12,
        }


# --- who takes it ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestAClaim:
    def test_of_a_worker_that_died_ends_after_a_minute_and_no_sooner(self, endpoint, clock):
        lay(endpoint)
        assert len(sending.claim()) == 1
        clock.on(seconds=59)
        assert sending.claim() == []
        clock.on(seconds=1)
        assert [each.attempts for each in sending.claim()] == [2]

    def test_lasts_longer_than_any_try(self):
        assert sending.CLAIM.total_seconds() > 2 * posting.SECONDS

    def test_takes_eight_of_one_endpoint_the_longest_due_first_and_some_of_each(self, cast, endpoint, clock):
        old = lay(endpoint, 8)
        clock.on(seconds=1)
        new = lay(endpoint, 3)
        other = lay(another(cast), 2)
        assert {each.pk for each in sending.claim()} == {each.pk for each in [*old, *other]}
        assert {each.pk for each in sending.claim()} == {each.pk for each in new}

    @pytest.mark.parametrize("off", ["enabled", "stopped_at"])
    def test_leaves_what_an_endpoint_that_is_off_or_stopped_would_be_told_where_it_lies(self, endpoint, clock, off):
        lay(endpoint)
        if off == "enabled":
            endpoints.change(endpoint, endpoint.url, endpoint.types, enabled=False)
        else:
            EndpointState.objects.update(stopped_at=clock.time)
        clock.on(days=3)
        assert sending.claim() == []
        endpoints.change(endpoint, endpoint.url, endpoint.types, enabled=True)
        EndpointState.objects.update(stopped_at=None)
        assert [each.attempts for each in sending.claim()] == [1]

    def test_after_a_change_of_address_goes_to_the_new_one(self, endpoint):
        lay(endpoint)
        endpoints.change(endpoint, "http://127.0.0.1:1/new", endpoint.types, enabled=True)
        assert [each.endpoint.url for each in sending.claim()] == ["http://127.0.0.1:1/new"]


# --- how an endpoint stands --------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestAnEndpoint:
    def state(self) -> EndpointState:
        return EndpointState.objects.get()

    def test_is_stopped_after_five_whole_days_of_failure_and_not_a_second_sooner(self, endpoint, clock):
        sending.judge(endpoint, FAILED)
        clock.on(days=5, seconds=-1)
        sending.judge(endpoint, FAILED)
        assert self.state().stopped_at is None
        clock.on(seconds=1)
        sending.judge(endpoint, FAILED)
        assert self.state().stopped_at == clock.time

    def test_is_stopped_once_and_recorded_once_however_many_tries_are_on_their_way(self, endpoint, clock):
        sending.judge(endpoint, FAILED)
        clock.on(days=6)
        stopped = clock.time
        for _ in range(3):
            sending.judge(endpoint, FAILED)
            clock.on(seconds=1)
        assert self.state().stopped_at == stopped
        (event,) = AuditEvent.objects.filter(event="endpoint.stop")
        assert (event.practice, event.detail) == ("lakeside", {"endpoint": endpoint.pk, "reason": "webhook_refused"})

    def test_that_fails_by_turns_is_never_stopped(self, endpoint, clock):
        for _ in range(8):
            sending.judge(endpoint, FAILED)
            clock.on(days=2)
            sending.judge(endpoint, TAKEN)
        assert (self.state().stopped_at, self.state().failing_since, self.state().reason) == (None, None, "")

    def test_fails_since_the_first_of_a_row_and_for_the_reason_of_the_last(self, endpoint, clock):
        first = clock.time
        sending.judge(endpoint, FAILED)
        clock.on(hours=3)
        sending.judge(endpoint, Said(0, "dns"))
        assert (self.state().failing_since, self.state().reason) == (first, "dns")

    def test_keeps_the_time_of_its_last_answer_while_it_fails(self, endpoint, clock):
        answered = clock.time
        sending.judge(endpoint, TAKEN)
        clock.on(days=9)
        sending.judge(endpoint, FAILED)
        assert (self.state().answered_at, self.state().stopped_at) == (answered, None)

    def test_of_another_scribe_is_judged_by_itself(self, cast, endpoint, clock):
        other = another(cast)
        sending.judge(endpoint, FAILED)
        clock.on(days=6)
        sending.judge(other, FAILED)
        assert EndpointState.objects.get(endpoint=other).stopped_at is None

    def test_is_shown_as_it_stands(self, cast, endpoint, clock):
        def tone() -> str:
            return endpoint_row(endpoint_of(cast.scribe, "sandbox")).tone

        said = [tone()]
        for answer, days in ((TAKEN, 0), (FAILED, 6), (FAILED, 0)):
            sending.judge(endpoint, answer)
            said.append(tone())
            clock.on(days=days)
        assert said == ["wait", "ok", "warn", "act"]


# --- one bad row -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestARow:
    @pytest.fixture
    def posted(self, monkeypatch):
        found = []
        monkeypatch.setattr(sending, "post", lambda endpoint, secrets, name, body: found.append(body) or TAKEN)
        return found

    def test_that_does_not_open_holds_no_other_up_and_is_no_fault_of_its_endpoint(self, endpoint, posted):
        bad, _ = lay(endpoint, 2)
        WebhookMessage.objects.filter(pk=bad.pk).update(sealed_body=b"1" + b"\0" * 60)
        assert sending.send_due() == 2
        assert [json.loads(body)["data"]["delivery_id"] for body in posted] == [1]
        bad.refresh_from_db()
        assert (bad.state, message_words(bad).why) == ("waiting", WHY["cannot_open"])
        assert EndpointState.objects.get().failing_since is None

    def test_of_an_endpoint_whose_secret_does_not_open_is_not_sent_unsigned(self, cast, endpoint, posted):
        lay(endpoint)
        lay(another(cast))
        ScribeEndpoint.objects.filter(pk=endpoint.pk).update(sealed_secrets=b"1" + b"\0" * 60)
        assert (sending.send_due(), len(posted)) == (2, 1)

    def test_copied_to_another_row_does_not_open_there(self, endpoint, posted):
        one, other = lay(endpoint, 2)
        WebhookMessage.objects.filter(pk=one.pk).update(sealed_body=other.sealed_body)
        assert (sending.send_due(), len(posted)) == (2, 1)

    def test_that_was_removed_while_it_was_posted_keeps_no_other_from_being_written_down(self, endpoint, monkeypatch):
        gone, kept = lay(endpoint, 2)

        def remove(*_):
            WebhookMessage.objects.filter(pk=gone.pk).delete()
            return TAKEN

        claimed = sending.claim()
        remove()
        for each in claimed:
            sending.conclude(each, TAKEN)
        assert [each.state for each in WebhookMessage.objects.all()] == ["delivered"]
        assert kept.pk == WebhookMessage.objects.get().pk

    def test_shows_nobody_in_a_log_whatever_breaks(self, endpoint, monkeypatch, caplog):
        def broken(*_, **__):
            raise RuntimeError("P1001 at http://127.0.0.1:1/hook")

        monkeypatch.setattr(posting.http, "client", broken)
        with caplog.at_level(logging.DEBUG):
            said = posting.post(endpoint, [SECRET], "msg_1", b'{"patient_id": "P1001"}')
        assert said.reason == "webhook_failed"
        for content in ("P1001", "/hook", SECRET):
            assert content not in caplog.text


# --- to whom -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestWhoIsTold:
    def test_of_a_move_is_the_scribe_of_the_note_and_no_other(self, cast, endpoint):
        another(cast)
        delivery = make_delivery(cast, State.ACCEPTED)
        moved({delivery.pk: ""}, State.VERIFIED)
        assert [each.endpoint_id for each in WebhookMessage.objects.all()] == [endpoint.pk]

    def test_of_many_moves_costs_as_many_queries_as_of_one(self, cast, endpoint, django_assert_num_queries):
        rows = [make_delivery(cast, State.ACCEPTED) for _ in range(3)]
        with django_assert_num_queries(3):
            moved({rows[0].pk: ""}, State.VERIFIED)
        with django_assert_num_queries(3):
            moved({each.pk: "" for each in rows}, State.VERIFIED)
        assert WebhookMessage.objects.count() == 4

    def test_of_a_visit_is_a_scribe_with_a_working_key_for_the_place(self, cast, endpoint):
        now, key = timezone.now(), ApiKey.objects.filter(scribe=cast.scribe)
        assert serving(cast.north) == serving(cast.south) == [endpoint]
        assert serving(cast.elsewhere) == []  # another practice's, of the same code
        key.update(expires_at=now - timedelta(seconds=1))
        assert serving(cast.north) == []
        key.update(expires_at=now + timedelta(hours=1))
        assert serving(cast.north) == [endpoint]
        key.get().locations.add(cast.south)
        assert (serving(cast.north), serving(cast.south)) == ([], [endpoint])
        key.update(environment="production")
        assert serving(cast.south) == []
        key.update(environment="sandbox", revoked_at=now)
        assert serving(cast.south) == []

    def test_of_a_visit_is_nobody_who_did_not_ask_for_it_or_is_off(self, cast, endpoint):
        endpoints.change(endpoint, endpoint.url, [KIND], enabled=True)
        assert serving(cast.north) == []
        endpoints.change(endpoint, endpoint.url, list(LABELS), enabled=False)
        assert serving(cast.north) == []

    def test_a_scribe_with_three_keys_is_asked_once(self, cast, endpoint):
        for _ in range(2):
            keys.create(cast.scribe, "sandbox")
        assert serving(cast.north) == [endpoint]


# --- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestSecrets:
    def test_of_before_are_good_for_a_day_to_the_second(self, endpoint, monkeypatch):
        (old,) = two_secrets.good(endpoint)
        clock = Clock()
        monkeypatch.setattr(two_secrets, "timezone", clock)
        new = endpoints.rotate(endpoint)
        clock.on(hours=24, seconds=-1)
        assert two_secrets.good(endpoint) == [new, old]
        clock.on(seconds=1)
        assert two_secrets.good(endpoint) == [new]

    def test_of_a_source_do_not_open_as_those_of_an_endpoint(self, cast, endpoint):
        source, _ = sources.create(cast.north, "webhook", {})
        endpoint.sealed_secrets = source.sealed_secrets
        with pytest.raises(crypto.CannotOpen):
            two_secrets.good(endpoint)

    def test_are_not_sealed_for_a_row_that_has_no_key_yet(self, cast):
        with pytest.raises(ValueError, match="save the row"):
            two_secrets.replace(ScribeEndpoint(scribe=cast.scribe), SECRET)

    def test_stand_in_no_audit_event(self, endpoint):
        shown = [*two_secrets.good(endpoint), endpoints.rotate(endpoint)]
        said = " ".join(str(vars(each)) for each in AuditEvent.objects.all())
        assert AuditEvent.objects.filter(event="endpoint.secret").count() == 1
        assert not [each for each in shown if each in said or each.removeprefix("whsec_") in said]
