"""While the keys cannot be had, workers wait: no note is parked for it, none is half sent, and all goes on by itself."""

import pytest
from django.utils import timezone

from delivery.models import Attempt, Delivery
from delivery.poll import guarded
from delivery.states import State
from delivery.verification import read_due
from portal import keyring, rotation
from portal.keyring import KeysUnavailable, MasterKeys
from tests.delivery.test_sending import post, read_profile, run_lanes, state

pytestmark = pytest.mark.django_db(transaction=True)


class Away(MasterKeys):
    """A key service that does not answer."""

    def unwrap(self, wrapped, master):
        raise KeysUnavailable("the key service does not answer")


@pytest.fixture
def go(settings):
    """go("away") and go("back")."""
    before = settings.KEY_STORE

    def where(place: str) -> None:
        if place == "away":
            rotation.keep()
        settings.KEY_STORE = f"{__name__}.Away" if place == "away" else before
        keyring.forget()

    yield where
    keyring.forget()


def test_nothing_is_sent_and_nothing_is_counted_against_the_note(scribe, ecw, go):
    delivery = post(scribe)
    go("away")
    assert [run_lanes() for _ in range(4)] == [0, 0, 0, 0]
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.crashes, row.attempts, row.reason_code) == (State.READY, 0, 0, "")
    assert Attempt.objects.count() == 0
    assert ecw.filings() == []


def test_it_goes_at_once_when_the_keys_are_back(scribe, ecw, go):
    delivery = post(scribe)
    go("away")
    run_lanes()
    go("back")
    assert run_lanes() == 1
    assert state(delivery) == State.ACCEPTED
    assert len(ecw.filings()) == 1


def test_the_lane_is_free_for_another_worker_meanwhile(scribe, ecw, go):
    delivery = post(scribe)
    go("away")
    run_lanes()
    lane = Delivery.objects.get(pk=delivery).lane
    assert lane.owner == ""


def test_no_doubt_is_settled_or_parked_for_it(scribe, ecw, cast, go):
    """Three readings that fail would park a doubt for a person: a key service that is away is no such failure."""
    read_profile(cast, "readback")
    delivery = post(scribe)
    go("away")
    for _ in range(4):
        Delivery.objects.filter(pk=delivery).update(state=State.UNKNOWN, read_at=timezone.now())
        with pytest.raises(KeysUnavailable):
            read_due()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.readings_made) == (State.UNKNOWN, 0)


def test_a_worker_lives_on_and_says_why_it_waits(caplog):
    def work() -> None:
        raise KeysUnavailable("the key service at kms.internal.example does not answer")

    guarded(work)
    (line,) = [record for record in caplog.records if record.name == "delivery.poll"]
    assert line.levelname == "WARNING"
    assert "kms.internal.example" not in line.getMessage()
