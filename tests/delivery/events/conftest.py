"""What the tests of events share."""

import pytest

from delivery.events import receiving
from delivery.events.limiter import Limiter
from tests.delivery.events import senders


@pytest.fixture(autouse=True)
def an_empty_bucket(monkeypatch):
    """Each test with the limit as it is when nobody has sent anything."""
    monkeypatch.setattr(receiving, "limiter", Limiter(20.0))


@pytest.fixture
def sender(cast):
    return senders.ecw(cast)


@pytest.fixture
def scribes_endpoint(cast):
    return senders.listening_scribe(cast)
