"""P12-P17, S22: a broker, a database or a commit's answer that is away."""

import hmac

import pytest
from django.db import OperationalError

from delivery import bell, incarnation, poll
from delivery.bell import publish as really_publish
from delivery.due import lanes_with_work
from delivery.models import Delivery
from delivery.states import State
from delivery.verification import read_due
from portal import keys
from portal.celery import app
from tests.delivery.conftest import a_note
from tests.delivery.test_sending import post, read_profile, run_lanes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def no_broker(monkeypatch):
    """Every publishing fails; returns how often it was tried."""
    tried = []

    def refused(*arguments, **options):
        tried.append(arguments)
        raise OSError("no broker")

    monkeypatch.setattr(app, "send_task", refused)
    monkeypatch.setattr(bell, "publish", really_publish)
    monkeypatch.setattr(bell, "_silent_until", 0.0)
    return tried


def test_P12_without_a_broker_notes_are_taken_and_found_by_the_poll(scribe, ecw, no_broker):
    ids = [post(scribe, number) for number in range(3)]
    assert len(no_broker) == 1, "a broker that is down is not waited for by every request"
    for lane in lanes_with_work():
        poll.work_on(lane)
    assert {row.state for row in Delivery.objects.filter(pk__in=ids)} == {State.ACCEPTED}


def test_P14_there_is_no_beat_that_could_be_missing_or_run_twice():
    assert not app.conf.beat_schedule


def test_P15_a_database_that_is_away_is_503_with_a_time_and_never_201(scribe, monkeypatch):
    def away(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr(keys, "authenticate", away)
    answer = scribe.post(a_note())
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert not Delivery.objects.exists()


def test_P17_a_commit_whose_answer_was_lost_is_doubted_and_never_assumed(scribe, ecw, cast, monkeypatch, settings):
    settings.SETTLE_SECONDS = settings.DOUBT_SETTLE_SECONDS = 0.0
    read_profile(cast, "readback")
    delivery = post(scribe)

    def lost(attempt):
        raise OperationalError("the connection went away")

    monkeypatch.setattr(incarnation, "remember", lost)
    monkeypatch.setattr("delivery.sending.DATABASE_PAUSE", 0.0)
    run_lanes()
    assert Delivery.objects.get().state == State.SENDING, "the intent stands, and nothing was sent"
    assert ecw.filings() == []
    monkeypatch.undo()
    monkeypatch.setattr("delivery.bell.publish", lambda *_: None)
    run_lanes()
    assert Delivery.objects.get().state == State.UNKNOWN
    for _ in range(2):
        read_due()
    run_lanes()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.attempts) == (State.ACCEPTED, 2)
    assert len(ecw.filings()) == 1


def test_S22_a_key_is_compared_in_constant_time_also_an_unknown_one(scribe, monkeypatch):
    compared = []
    really = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or really(a, b))
    assert keys.authenticate("sp_nobody_has_this_key") is None
    assert len(compared) == 1
    assert all(isinstance(each, bytes) for each in compared[0])
