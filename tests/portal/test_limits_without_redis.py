"""S24: the limits count in the database and in the process: without Redis they neither open nor close."""

import socket

import pytest
from django.urls import reverse

from delivery.events.limiter import Limiter
from portal.signin import PAIR
from tests.structure import tree


@pytest.fixture
def nowhere(monkeypatch, settings):
    """No connection to anything new can be made: Redis, wherever it is, is away."""

    def refuse(*arguments, **named):
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"


def sign_in(client, password: str):
    return client.post(reverse("portal:sign-in"), {"username": "dana", "password": password})


def test_S24_guessed_passwords_are_slowed_down(cast, client, nowhere):
    for _ in range(PAIR.free):
        assert sign_in(client, "wrong").status_code == 200
    answer = sign_in(client, "wrong")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


def test_S24_and_whoever_knows_theirs_signs_in(cast, client, nowhere):
    assert sign_in(client, "correct-horse-battery").status_code == 302


def test_S24_a_flood_of_webhooks_is_cut_and_those_within_the_limit_are_taken(nowhere):
    now = [0.0]
    limiter = Limiter(5, clock=lambda: now[0])
    assert [limiter.allows("source") for _ in range(12)] == [True] * 10 + [False] * 2
    now[0] += 1
    assert [limiter.allows("source") for _ in range(6)] == [True] * 5 + [False]


def test_S24_one_flood_takes_nothing_from_another_source(nowhere):
    limiter = Limiter(1, clock=lambda: 0.0)
    while limiter.allows("loud"):
        pass
    assert limiter.allows("quiet")


def test_S24_nothing_of_ours_asks_redis_but_celery():
    clients = [
        str(path) for path in tree.product() if "import redis" in tree.text(path) or "from redis" in tree.text(path)
    ]
    assert [
        path for path in clients if not path.startswith(("portal/readiness", "delivery/bench", "delivery/chaos"))
    ] == []
    assert "CACHES" not in tree.text(tree.Path("portal/settings.py"))
