"""Whether a kept connection still lives is looked up at its socket, not asked of the server."""

import select
import time

import pytest
from django.db import connection, connections

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgres_only")]


@pytest.fixture
def kept():
    """A connection of one's own, as a thread keeps it between two requests."""
    own = connections.create_connection("default")
    own.settings_dict["CONN_HEALTH_CHECKS"] = True
    own.ensure_connection()
    yield own
    own.close()


def end(own) -> None:
    """The server ends the session, and the system has had time to say so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [own.connection.info.backend_pid])
    deadline = time.monotonic() + 5
    while own.is_usable() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_living_one_is_usable_and_the_server_is_not_asked(kept, monkeypatch):
    monkeypatch.setattr(type(kept).__bases__[0], "is_usable", lambda _: pytest.fail("the server was asked"))
    assert kept.is_usable()


def test_one_that_the_server_ended_is_not(kept):
    end(kept)
    assert not kept.is_usable()


def test_one_that_was_closed_or_never_opened_is_not(kept):
    assert not connections.create_connection("default").is_usable()
    kept.connection.close()
    assert not kept.is_usable()


def test_one_to_which_the_server_said_something_else_is_asked_and_lives(kept):
    with connection.cursor() as cursor:
        with kept.cursor() as listening:
            listening.execute("LISTEN said_something")
        cursor.execute("NOTIFY said_something")
    assert select.select([kept.connection.fileno()], [], [], 5)[0], "it has come"
    assert kept.is_usable()


def test_a_request_after_the_server_ended_the_session_opens_another_one(kept):
    before = kept.connection.info.backend_pid
    end(kept)
    kept.health_check_done = False
    kept.close_if_unusable_or_obsolete()
    with kept.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert kept.connection.info.backend_pid != before
