"""The measurement measures: a small run loses nothing, late answers are seen, percentiles and losses are counted right."""

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import psycopg
import pytest

from delivery.bench import limits, site
from delivery.bench.load import Order, Posted, post_all
from delivery.bench.meter import Meter, pss, tree
from delivery.bench.notes import CLINICS, CODES, body, note
from delivery.bench.results import Journey, backlog, losses, percentile, rate, times
from delivery.channels.mllp import Hl7Channel
from delivery.serializers import NoteSerializer
from tests.processes import ROOT, wait_until

NOTES = 24


def run_bench(folder: Path, *arguments: str) -> dict:
    environment = {name: value for name, value in os.environ.items() if name not in ("SCRIBEPORT_DATA", site.FOLDER)}
    environment["TMPDIR"] = str(folder)
    command = [sys.executable, str(ROOT / "manage.py"), "bench", "--json", "--notes", str(NOTES), "--seconds", "0.2"]
    environment["SCRIBEPORT_OWN_ENVIRONMENT"] = "1"
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = done.stdout.splitlines()
    return json.loads(line)


def all_arrived(found: dict) -> bool:
    print(found)  # noqa: T201 - read when it fails
    return (found["lost"], found["duplicated"], found["refused"], found["states"]) == (0, 0, 0, {"verified": NOTES})


@pytest.fixture
def folder():
    """A temporary folder of this measurement's own: others may be running. (Short: a socket's path has 107 bytes.)"""
    with tempfile.TemporaryDirectory(prefix="sp-") as path:
        yield Path(path)


@pytest.mark.process
@pytest.mark.alike
def test_a_small_run_on_sqlite_loses_nothing_and_leaves_nothing_behind(folder):
    found = run_bench(folder, "--database", "sqlite")
    assert all_arrived(found)
    assert found["machine"]["broker"] == "files"
    assert min(found["commits_per_second"].values()) > 0
    assert found["idle_pss_mib"]["sum"] > 0
    assert set(found["cpu_seconds_per_1000"]) == {"web", "worker", "sandbox", "sum"}
    assert list(folder.glob("scribeport-bench-*")) == []


@pytest.mark.process
def test_a_small_run_on_postgresql_at_a_rate_loses_nothing_and_drops_its_database(postgres_only, folder):
    found = run_bench(folder, "--database", "postgres", "--rate", "20")
    assert all_arrived(found)
    assert found["mode"] == "rate"
    assert found["accepted_per_second"] <= 25
    assert found["cpu_seconds_per_1000"]["postgres"] > 0
    with psycopg.connect(os.environ["DATABASE_URL"]) as admin:
        left = admin.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'scribeport_bench_%'").fetchone()
    assert left == (0,)
    assert list(folder.glob("scribeport-bench-*")) == []


def test_a_measured_note_has_ten_sections_and_is_what_a_scribe_may_post():
    posted = note("run", 7)
    assert len(posted["sections"]) == len(CODES) == 10
    assert NoteSerializer(data=posted).is_valid()
    assert json.loads(body("run", 7)) == posted
    assert all({code for line in clinic.lines for code in line.sections} >= set(CODES) for clinic in CLINICS), (
        "every section has a field of its own"
    )


def test_a_measured_message_is_as_large_as_the_figures_say():
    rendered = Hl7Channel(limits.hl7_settings(1), limits.same_address).render(limits.outgoing(3))
    assert 2200 <= len(rendered.body) <= 2400
    assert rendered.body.count(b"\rOBX|") == 10


def test_the_nearest_rank_is_the_percentile():
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.50) == 51.0
    assert percentile(values, 0.99) == 100.0
    assert percentile([3.0], 0.99) == 3.0
    assert percentile([], 0.5) == 0.0


def journey(sent=0.0, answered=1.0, control_id="A", state="verified", accepted=2.0, verified=3.0) -> Journey:
    return Journey(sent, answered, control_id, state, accepted, verified)


def test_a_backlog_is_what_was_answered_and_not_yet_accepted():
    ways = [journey(answered=1, accepted=5), journey(answered=1, accepted=0.0), journey(answered=4, accepted=4.5)]
    assert [backlog(ways, moment) for moment in (0.5, 1, 4, 4.7, 6)] == [0, 2, 3, 2, 1]


def test_what_was_answered_and_not_filed_is_lost_and_what_was_filed_twice_is_duplicated():
    posted = [Posted(number, 0.0, 1.0, 201) for number in range(4)] + [Posted(4, 0.0, 1.0, 503)]
    ways = [journey(control_id="A"), journey(control_id="B"), journey(control_id="C", state="accepted")]
    found = losses(posted, ways, Counter({"A": 1, "B": 2, "other": 7}))
    assert found == {"refused": 1, "lost": 2, "duplicated": 1, "states": {"accepted": 1, "verified": 2}}


def test_rates_count_from_the_first_posting_to_the_last_arrival():
    assert rate([2.0, 4.0, 0.0], 0.0) == 0.5
    assert rate([], 0.0) == 0.0
    posted = [Posted(0, 10.0, 10.5, 201), Posted(1, 10.0, 12.0, 201)]
    ways = [journey(10, 10.5, accepted=11, verified=12), journey(10, 12, accepted=14, verified=0.0)]
    found = times(posted, ways)
    assert (found["accepted_per_second"], found["delivered_per_second"]) == (1.0, 0.5)
    assert (found["accept_p50_ms"], found["end_to_end_p99_ms"]) == (2000.0, 4000.0)
    assert found["verified_p95_s"] == 2.0
    assert (found["backlog_half_way"], found["backlog_at_end"], found["backlog_growth"]) == (0, 1, 1)


class Door(http.server.BaseHTTPRequestHandler):
    """Answers every post with the next status; may be slow, and may close the connection behind each answer."""

    protocol_version = "HTTP/1.1"
    slow = 0.0
    closing = False

    def do_POST(self):
        received = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.headers["Idempotency-Key"], received, self.client_address))
        time.sleep(self.slow)
        self.send_response(201)
        self.send_header("Content-Length", "2")
        if self.closing:
            self.close_connection = True  # without a word, as a server does whose keep-alive is over
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Nothing to the console."""


@pytest.fixture
def door():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("OwnDoor", (Door,), {}))
    server.posted = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


def order(server, **changes) -> Order:
    wanted = {"notes": 6, "clients": 2, "rate": 0.0, **changes}
    return Order("127.0.0.1", server.server_address[1], "key", "run", **wanted)


def test_the_load_posts_every_note_once_over_kept_connections(door):
    posted = post_all(order(door))
    assert [one.number for one in posted] == list(range(6))
    assert {one.status for one in posted} == {201}
    assert sorted(received for _, received, _ in door.posted) == sorted(body("run", number) for number in range(6))
    assert len({key for key, _, _ in door.posted}) == 6
    assert len({address for _, _, address in door.posted}) <= 2


def test_a_connection_the_server_gave_up_is_opened_anew(door):
    door.RequestHandlerClass.closing = True
    posted = post_all(order(door, clients=1, notes=3))
    assert {one.status for one in posted} == {201}
    assert len({address for _, _, address in door.posted}) == 3


def test_a_server_that_makes_the_generator_wait_cannot_hide_it(door):
    door.RequestHandlerClass.slow = 0.1
    posted = post_all(order(door, clients=1, notes=5, rate=100.0))
    waits = [one.answered - one.sent for one in posted]
    assert waits == sorted(waits), "each note waits for those before it as well"
    assert waits[-1] > 0.4


def test_the_meter_sees_what_a_process_and_its_children_use():
    burn = "import time; end = time.time() + 1.5\nwhile time.time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent])
    try:
        wait_until(lambda: len(tree(process.pid)) == 2, 10)
        meter = Meter({"it": lambda: tree(process.pid)}, ["it"])
        meter.start()
        process.wait(30)
        meter.stop()
        assert meter.cpu()["it"] > 0.1
        assert meter.peak["it"] > 1
        assert tree(process.pid) == []
    finally:
        process.kill()


def test_memory_is_shared_out_and_a_gone_process_has_none():
    me = psutil.Process()
    assert pss([me]) > 10
    gone = subprocess.Popen([sys.executable, "-c", ""])
    watched = psutil.Process(gone.pid)
    gone.wait()
    assert pss([watched]) == 0


@pytest.mark.parametrize("clients", [1, 3])
def test_a_limit_counts_what_all_clients_do(clients):
    found = limits.rate_of(clients, 0.3, lambda: lambda: time.sleep(0.01))
    assert clients * 20 < found <= clients * 100


def test_a_commit_is_measured_on_the_database_that_is_given(tmp_path):
    assert limits.commits(f"sqlite:///{tmp_path}/x.sqlite3", 2, 0.2) > 0
