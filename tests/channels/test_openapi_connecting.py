"""The reader's connections: kept, replaced, bounded in time, and only to hosts that were checked and prove themselves."""

import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from werkzeug import Request, Response

from delivery.channels.base import Chart
from tests.channels.charts import EMPTY, PATH, fails, reader, url, with_body
from tests.channels.notes import VISIT
from tests.channels.peers import Conversation, Peer
from tests.channels.test_tls import NAME, authority, pem, server, stranger  # noqa: F401


def raw(body: bytes = json.dumps(EMPTY).encode()) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def asked(talk: Conversation) -> None:
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += talk.sock.recv(65_536)
    talk.got += head


def peers_url(peer: Peer, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{peer.port}"


def test_connections_are_kept_between_reads():
    def serves(talk: Conversation) -> None:
        while True:
            asked(talk)
            talk.say(raw())

    with Peer(serves) as peer:
        made = reader(peers_url(peer))
        for _ in range(20):
            made.read(VISIT)
        assert len(peer.talks) == 1
        made.close()


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced():
    def serves_once(talk: Conversation) -> None:
        asked(talk)
        talk.say(raw())

    with Peer(serves_once) as peer:
        made = reader(peers_url(peer))
        for _ in range(3):
            assert made.read(VISIT) == Chart((), {})
        assert len(peer.talks) == 3


def test_a_connection_closed_at_the_moment_of_asking_is_tried_once_more():
    def hangs_up(talk: Conversation) -> None:
        asked(talk)

    def serves(talk: Conversation) -> None:
        asked(talk)
        talk.say(raw())

    with Peer(hangs_up, serves) as peer:
        assert reader(peers_url(peer)).read(VISIT) == Chart((), {})
    with Peer(hangs_up) as peer:
        error = fails(reader(peers_url(peer)))
        assert (error.reason_code, error.code, len(peer.talks)) == ("read_unavailable", "partial_answer", 2)


def test_a_body_cut_short_is_no_chart():
    def cuts(talk: Conversation) -> None:
        asked(talk)
        talk.say(raw()[:-5])

    with Peer(cuts) as peer:
        assert fails(reader(peers_url(peer))).code == "partial_answer"


@pytest.mark.parametrize("slow_part", [b"HTTP/1.1 200 OK\r\nX: ", raw()[:60]])
def test_one_deadline_covers_headers_and_body_however_slowly_they_drip(slow_part):
    def drips(talk: Conversation) -> None:
        asked(talk)
        talk.say(slow_part)
        while True:
            talk.say(b"x")
            time.sleep(0.02)

    with Peer(drips) as peer:
        started = time.monotonic()
        error = fails(reader(peers_url(peer), read_seconds=0.4))
        assert (error.reason_code, error.code) == ("read_unavailable", "no_answer")
        assert time.monotonic() - started < 1


def test_a_silent_server_meets_the_deadline():
    with Peer(lambda talk: talk.wait_for_end()) as peer:
        assert fails(reader(peers_url(peer), read_seconds=0.3)).code == "no_answer"


def test_what_is_no_http_is_no_chart():
    def babbles(talk: Conversation) -> None:
        asked(talk)
        talk.say(b"\x0bMSH|^~\\&|\x1c\r")

    with Peer(babbles) as peer:
        assert fails(reader(peers_url(peer))).reason_code == "read_unavailable"


def test_N01_a_refused_connection_cannot_say():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = fails(reader(f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert (error.reason_code, error.code) == ("read_unavailable", "connection_refused")


@pytest.mark.parametrize(
    "raised, code",
    [(socket.gaierror(-2, "unknown"), "dns"), (ValueError("not allowed"), "target_not_allowed")],
)
def test_a_name_that_is_unknown_or_not_allowed_cannot_say(raised, code):
    def resolve(host, port):
        raise raised

    assert fails(reader("http://ecw.test", resolve)).code == code


def test_the_address_that_was_checked_is_the_one_connected_to(httpserver):
    asked_for = []

    def resolve(host, port):
        asked_for.append((host, port))
        return "127.0.0.1", httpserver.port

    httpserver.expect_request(PATH).respond_with_json(EMPTY)
    reader("http://chart.ecw.test:8080", resolve).read(VISIT)
    assert asked_for == [("chart.ecw.test", 8080)]
    assert httpserver.log[0][0].headers["Host"] == "chart.ecw.test:8080"


def serves_tls(talk: Conversation) -> None:
    asked(talk)
    talk.say(raw())


def test_a_chart_is_read_over_tls_from_the_host_that_proves_itself(authority):  # noqa: F811
    with Peer(serves_tls, tls=server(authority)) as peer:
        made = reader(f"https://{NAME}", lambda host, port: ("127.0.0.1", peer.port), ca_pem=pem(authority))
        assert made.read(VISIT) == Chart((), {})


def test_N15_no_token_reaches_a_host_that_cannot_prove_itself(authority, stranger):  # noqa: F811
    past = datetime.now(UTC) - timedelta(days=1)
    for context, code in [
        (server(stranger), "tls_unknown_ca"),
        (server(authority, "other.test"), "tls_wrong_host"),
        (server(authority, not_before=past - timedelta(days=9), not_after=past), "tls_expired"),
    ]:
        with Peer(serves_tls, tls=context) as peer:
            target = ("127.0.0.1", peer.port)
            made = reader(f"https://{NAME}", lambda host, port, to=target: to, ca_pem=pem(authority))
            error = fails(made)
            assert (error.reason_code, error.code) == ("read_unavailable", code)
            assert peer.received == b""


def test_several_threads_read_with_one_reader(httpserver):
    def answer(request: Request) -> Response:
        encounter = request.path.split("/")[5]
        time.sleep(0.01)
        body = {**EMPTY, "encounter_id": encounter, "fields": {"NF-01": encounter}}
        return Response(json.dumps(body), content_type="application/json")

    httpserver.expect_request("/openapi/v1/LAKESI/encounters/").respond_with_handler(answer)
    for number in range(40):
        path = f"/openapi/v1/LAKESI/encounters/E{number}/progress-note"
        httpserver.expect_request(path).respond_with_handler(answer)
    made = reader(url(httpserver))
    with ThreadPoolExecutor(8) as pool:
        charts = pool.map(lambda number: made.read(replace(VISIT, encounter_id=f"E{number}")), range(40))
    assert [chart.fields["NF-01"] for chart in charts] == [f"E{number}" for number in range(40)]


def test_neither_encounter_nor_token_is_logged(httpserver, caplog):
    caplog.set_level(logging.DEBUG)
    with_body(httpserver, EMPTY).read(VISIT)
    fails(reader(url(httpserver), practice_code="OTHERS"))
    mine = [record for record in caplog.records if record.name.split(".")[0] in ("httpx2", "httpcore2", "delivery")]
    assert mine == []
