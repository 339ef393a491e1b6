"""eCW's feed of visits: what is sent to a listener, read by another party's parser; and what is refused."""

import json
import socket
import threading
from datetime import UTC, datetime

import hl7
import pytest

from sandbox.feed import EVENTS, BadVisit, VisitNews, visit_from_json
from tests.sandbox.desk import ROOT

NOW = datetime(2026, 3, 19, 10, 15, tzinfo=UTC)
NEWS = {"event": "A04", "encounter": "E5001", "patient": "P1001"}


class Listener:
    """One connection is taken: a frame is read, and `answer` is said."""

    def __init__(self, answer: bytes = b"\x0bMSH|^~\\&\rMSA|AA|\r\x1c\r") -> None:
        self.answer, self.got = answer, b""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self.take, daemon=True)
        self.thread.start()

    def take(self) -> None:
        sock, _ = self.server.accept()
        with sock:
            while b"\x1c\r" not in self.got:
                self.got += sock.recv(65_536)
            sock.sendall(self.answer)

    def message(self) -> hl7.Message:
        self.thread.join(10)
        self.server.close()
        assert self.got[:1] == b"\x0b"
        return hl7.parse(self.got[1:-2].decode())


def announce(sandbox, **body):
    status, _, answer = sandbox.call("POST", "/sandbox/api/visits/announce", {**NEWS, **body})
    return status, json.loads(answer)


def test_a_check_in_arrives_at_the_listener_and_its_answer_comes_back(sandbox):
    listener = Listener()
    status, said = announce(sandbox, port=listener.port, account="77", provider="DR7", at="20260319101500")
    told = listener.message()
    assert (status, said["answer"].splitlines()[1]) == (200, "MSA|AA|")
    assert str(told.segment("MSH")[9]) == "ADT^A04"
    assert (str(told.segment("PID")[2]), str(told.segment("PID")[4])) == ("P1001", "77")
    assert (str(told.segment("PV1")[7]), str(told.segment("PV1")[19])) == ("DR7", "E5001")
    assert str(told.segment("PV1")[44]) == "20260319101500"


def test_the_header_is_as_empty_as_real_ones_are():
    header = hl7.parse(VisitNews(**NEWS).message(NOW).decode()).segment("MSH")
    assert [str(header[place]) for place in (3, 4, 5, 6, 10)] == [""] * 5
    assert str(header[12]) == "2.3"


def test_an_appointment_names_the_visit_in_its_own_place():
    told = hl7.parse(VisitNews("S12", "E9", "P9", at="20260320090000").message(NOW).decode())
    assert str(told.segment("SCH")[2]) == "E9"
    assert str(told.segment("SCH")[11]).endswith("20260320090000")


def test_delimiters_and_line_ends_in_a_name_break_no_segment():
    text = VisitNews(**NEWS, family="O|Neil^&~\\", given="A\rB").message(NOW).decode()
    assert len(text.split("\r")) == 5
    assert r"O\F\Neil\S\\T\\R\\E\^A B" in text


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_a_message_of_its_kind(event):
    told = hl7.parse(VisitNews(event, "E1", "P1").message(NOW).decode())
    assert str(told.segment("MSH")[9]) == f"{'SIU' if event.startswith('S') else 'ADT'}^{event}"


@pytest.mark.parametrize(
    "body", [[], {}, {**NEWS, "event": "A99"}, {**NEWS, "encounter": ""}, {**NEWS, "patient": 7}, {**NEWS, "ssn": "1"}]
)
def test_what_is_no_visit_is_refused(body):
    with pytest.raises(BadVisit):
        visit_from_json(body)


def test_nothing_is_sent_to_other_machines_or_to_no_port(sandbox):
    assert announce(sandbox, host="192.0.2.1", port=2575)[0] == 400
    assert announce(sandbox, port=0)[0] == 400
    assert announce(sandbox, event="A99", port=2575)[0] == 400


def test_a_listener_that_is_away_or_says_nothing_is_named(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert announce(sandbox, port=free)[0] == 502
    silent = Listener(answer=b"")
    assert announce(sandbox, port=silent.port)[0] == 502


def test_the_request_is_documented():
    assert "`POST visits/announce`" in (ROOT / "docs" / "sandbox.md").read_text()
