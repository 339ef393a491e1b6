"""Pure: which answers are taken, what is signed, what a page says of a message, and which addresses may be typed."""

import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from delivery.models import WebhookMessage
from delivery.states import State
from delivery.webhooks import posting, sending
from delivery.webhooks.forms import EndpointForm
from delivery.webhooks.kinds import LABELS, OF_STATE
from delivery.webhooks.signing import headers
from delivery.webhooks.words import WHY, message_words, said_of

KIND = "delivery.verified"
SECRET = "whsec_" + "QUJD" * 8


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_answer_of_the_two_hundreds_is_taken(status):
    assert posting._reason(status) == ""


@pytest.mark.parametrize(
    "status, reason",
    [(300, "webhook_redirect"), (301, "webhook_redirect"), (304, "webhook_redirect"), (308, "webhook_redirect"),
     (101, "webhook_refused"), (400, "webhook_refused"), (401, "webhook_refused"), (410, "webhook_refused"),
     (429, "webhook_refused"), (503, "webhook_refused"), (599, "webhook_refused")],
)  # fmt: skip
def test_every_other_answer_is_a_failure_and_a_redirect_says_so(status, reason):
    assert posting._reason(status) == reason


def test_a_signature_is_by_each_good_secret_and_of_this_id_and_this_moment():
    now, other = datetime.now(UTC).replace(microsecond=0), "whsec_" + "REVG" * 8
    sent = headers([SECRET, other], "msg_1", b'{"type": "x"}', now)
    assert len(sent["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, other):
        assert Webhook(secret).verify(b'{"type": "x"}', sent) == {"type": "x"}
    for change in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(now.timestamp()) + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(b'{"type": "x"}', {**sent, **change})


def test_the_name_of_a_message_has_no_dot_and_its_headers_nothing_of_its_content():
    name = sending.name_of(WebhookMessage(id=uuid.UUID("0c5f2c1e-0000-4000-8000-000000000000")))
    assert name == "msg_0c5f2c1e000040008000000000000000"
    sent = headers([SECRET], name, '{"patient_id": "Pé1"}'.encode(), datetime.now(UTC))
    assert "Pé1" not in str(sent)
    assert all(value.isascii() for value in sent.values())


@pytest.mark.parametrize(
    "state, attempts, label", [("waiting", 0, "Waiting"), ("waiting", 3, "Being tried again"), ("given_up", 8, "Given up"), ("delivered", 2, "Taken")]
)  # fmt: skip
def test_a_message_is_shown_as_it_stands(state, attempts, label):
    row = SimpleNamespace(state=state, attempts=attempts, tries=[{"reason": "dns", "status": 0}] if attempts else [])
    words = message_words(row)
    assert words.label == label
    assert bool(words.why) is (label in ("Being tried again", "Given up"))


@pytest.mark.parametrize("reason", [*WHY, "tls_untrusted"])
def test_why_it_could_not_be_told_is_a_sentence_and_no_code(reason):
    said = said_of(reason, 0)
    assert said.endswith(".")
    assert reason not in said
    assert "_" not in said


def test_a_status_says_more_than_its_reason_and_an_unknown_reason_is_named():
    assert said_of("webhook_refused", 503) == "It answered 503."
    assert said_of("too_large", 0) == "It could not be told (too_large)."
    assert said_of("", 0) == ""


def test_every_move_that_is_told_can_be_chosen_and_in_flight_ones_never_are():
    assert set(OF_STATE.values()) < set(LABELS)
    assert not {State.READY, State.SENDING, State.ACCEPTED, State.UNKNOWN} & set(OF_STATE)


@pytest.mark.parametrize(
    "url",
    ["", "hook", "ftp://127.0.0.1/", "http://127.0.0.1:1/?token=1", "http://127.0.0.1:1/#x", "http://u:p@127.0.0.1:1/",
     "http://169.254.169.254/", "http://127.0.0.1:6379/", "http://0x7f.1/", "//127.0.0.1/"],
)  # fmt: skip
def test_an_address_that_may_not_be_told_anything_is_refused_where_it_is_typed(url):
    form = EndpointForm("sandbox", None, {"url": url, "types": [KIND]})
    assert not form.is_valid()
    assert list(form.errors) == ["url"]


def test_production_is_told_over_tls_only():
    given = {"url": "http://127.0.0.1:9443/hook", "types": [KIND]}
    assert EndpointForm("sandbox", None, given).is_valid()
    assert not EndpointForm("production", None, given).is_valid()
    assert EndpointForm("production", None, {**given, "url": "https://127.0.0.1:9443/hook"}).is_valid()
