"""A02: fifty workers need a token at once, the refresh token rotates, and the server is asked once."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from delivery.channels.base import Unavailable
from delivery.oauth import renewal
from delivery.oauth.renewal import TokenSource
from portal import tokens
from portal.models import Connection, OAuthGrant
from tests.delivery.fhir import calls, fhir_connection, register
from tests.delivery.test_oauth import connected

WORKERS = 50
SCRIPT = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from django.db import connections
from delivery.oauth.renewal import TokenSource
from portal.models import Connection

def ask(_):
    ready.wait()
    try:
        return TokenSource(Connection.objects.get(name="eCW sandbox FHIR")).token(30)
    finally:
        connections.close_all()

threads, start = int(sys.argv[1]), float(sys.argv[2])
ready = threading.Barrier(threads)
time.sleep(max(start - time.time(), 0))
with ThreadPoolExecutor(threads) as pool:
    print(*set(pool.map(ask, range(threads))))
"""


def personal(ecw, cast) -> Connection:
    base = f"http://127.0.0.1:{ecw.process.http}"
    made = fhir_connection(cast, base, {}, grant="authorization_code", client_auth="none")
    register(ecw.process, made)
    return connected(made)


def nearly_over(connection: Connection, seconds: float) -> None:
    OAuthGrant.objects.filter(connection=connection).update(expires_at=timezone.now() + timedelta(seconds=seconds))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("left", [80, 5])
def test_A02_fifty_threads_make_one_refresh_call(ecw, cast, left):
    connection = personal(ecw, cast)
    nearly_over(connection, left)
    before, first = calls(ecw.process), tokens.held(connection)
    together = threading.Barrier(WORKERS)

    def ask(_: int) -> str:
        together.wait()
        try:
            return TokenSource(Connection.objects.get(pk=connection.pk)).token(30)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        found = set(pool.map(ask, range(WORKERS)))
    assert calls(ecw.process) == before + 1
    newest = tokens.held(connection)
    assert newest.refresh != first.refresh
    # Who still holds a good token goes on with it; who does not waits for the new one.
    assert newest.access in found
    assert found <= {newest.access, first.access}
    assert left > 60 or found == {newest.access}


@pytest.mark.django_db(transaction=True)
def test_when_the_one_who_renews_dies_another_takes_its_turn(ecw, cast, monkeypatch):
    connection = personal(ecw, cast)
    nearly_over(connection, 5)
    held = tokens.held(connection)
    assert tokens.take_turn(connection, held.generation, "a process killed since", 0.5)
    assert TokenSource(connection).token(30) != held.access


@pytest.mark.django_db(transaction=True)
def test_who_waits_in_vain_says_so_and_asks_nobody(ecw, cast, monkeypatch):
    connection = personal(ecw, cast)
    nearly_over(connection, 5)
    held, before = tokens.held(connection), calls(ecw.process)
    monkeypatch.setattr(renewal, "WAIT_SECONDS", 0.2)
    tokens.take_turn(connection, held.generation, "somebody slow", 30)
    with pytest.raises(Unavailable, match="oauth_no_answer"):
        TokenSource(connection).token(30)
    assert calls(ecw.process) == before


@pytest.mark.process
def test_A02_fifty_workers_in_five_processes_make_one_refresh_call(site, sandbox_process):
    """Real processes on one database: nothing but the row is between them."""
    process = sandbox_process
    process.api("POST", "/reset")
    base = f"http://127.0.0.1:{process.http}"
    callback = "http://testserver/deliveries/connections/authorized/"
    process.api("PUT", "/apps/scribeport", {"redirect_uris": [callback]})
    site.manage("shell", "-v", "0", "-c", PREPARE.format(base=base))
    before = calls(process)
    import time

    start = str(time.time() + 6)
    running = [
        site.run(f"asker{number}", sys.executable, "-c", SCRIPT, "10", start, DJANGO_SETTINGS_MODULE="portal.settings")
        for number in range(5)
    ]
    said = []
    for one in running:
        assert one.popen.wait(60) == 0, one.log()
        said += one.log().split()
    assert len(said) == 5, said
    assert len(set(said)) == 1
    assert calls(process) == before + 1


PREPARE = """
from datetime import timedelta
from django.utils import timezone
from tests.cast import make_cast
from tests.delivery.fhir import fhir_connection
from audit.record import Actor, acting
from portal.models import OAuthGrant
from tests.delivery.test_oauth import connected
with acting(Actor("system", "tests", "tests")):
    connected(fhir_connection(make_cast(), "{base}", {{}}, grant="authorization_code", client_auth="none"))
OAuthGrant.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
"""
