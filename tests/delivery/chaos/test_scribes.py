"""The scribes of a chaos run: in order, the same key until 201, and never past a refusal."""

import http.server
import json
import threading
from collections import Counter
from contextlib import contextmanager

import pytest

from delivery.chaos.notes import plan
from delivery.chaos.scribes import Scribes
from tests.processes import wait_until

PLACES = ["NORTH", "SOUTH"]


@contextmanager
def portal(statuses):
    """An HTTP server that answers each post with the next status (0: hangs up), then 201; what it got is kept."""
    got, lock = [], threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            note = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                status = statuses.pop(0) if statuses else 201
                got.append((self.headers["Idempotency-Key"], self.headers["Authorization"], status, note))
            if status:
                self.send_response(status)
                self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], got
        finally:
            server.shutdown()


def post(port, notes, threads=3, may_post=lambda posted: True):
    scribes = Scribes(port, "secret", PLACES, plan(notes, seed=5), may_post)
    scribes.start(threads)
    wait_until(lambda: not scribes.at_work, 20)
    return scribes


def test_every_note_is_posted_once_and_each_encounter_in_order():
    with portal([]) as (port, got):
        scribes = post(port, 60)
    assert {each.mark for each in scribes.accepted} == {key for key, *_ in got}
    assert max(Counter(key for key, *_ in got).values()) == 1
    places: dict[str, int] = {}
    order = {each.mark: each for each in scribes.accepted}
    for key, *_ in got:
        assert order[key].place == places.get(order[key].encounter, -1) + 1
        places[order[key].encounter] = order[key].place


def test_both_clinics_get_notes_and_an_encounter_stays_where_it_is():
    with portal([]) as (port, got):
        post(port, 60)
    where = {(note["encounter"]["id"], note["location"]) for *_, note in got}
    assert {place for _, place in where} == set(PLACES)
    assert len(where) == len({encounter for encounter, _ in where})


@pytest.mark.parametrize("status", [0, 500, 503, 507, 409, 429])
def test_what_may_be_repeated_is_repeated_under_the_same_key(status):
    with portal([status, status]) as (port, got):
        scribes = post(port, 1, threads=1)
    assert [key for key, *_ in got] == [scribes.accepted[0].mark] * 3
    assert (len(scribes.accepted), scribes.repeated) == (1, 2)


def test_a_portal_that_is_away_is_waited_for():
    with portal([]) as (port, _):
        pass
    scribes = Scribes(port, "secret", PLACES, plan(1, seed=1), lambda posted: True)
    scribes.start(1)
    wait_until(lambda: scribes.repeated > 1, 5)
    scribes.stop()
    assert scribes.accepted == []


def test_a_refusal_ends_the_run_and_is_told():
    with portal([422]) as (port, got):
        scribes = post(port, 5, threads=1)
    assert (scribes.refused, len(got), scribes.accepted) == ("a note was refused with 422", 1, [])


def test_nobody_posts_before_it_is_allowed():
    allowed = threading.Event()
    with portal([]) as (port, got):
        scribes = Scribes(port, "secret", PLACES, plan(3, seed=1), lambda posted: allowed.is_set())
        scribes.start(2)
        assert got == []
        allowed.set()
        wait_until(lambda: not scribes.at_work, 10)
    assert len(scribes.accepted) == 3
