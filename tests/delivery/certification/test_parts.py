"""The suite's own parts, each alone: plans, numbers, subjects, the relay, the scribe's ear, percentiles."""

import socket
import threading
import time

import httpx2
import pytest
from standardwebhooks import Webhook

from delivery.certification.impostor import Impostor
from delivery.certification.listener import Listener
from delivery.certification.load import percentile
from delivery.certification.notes import Numbering, note, sections
from delivery.certification.plan import Plan
from delivery.certification.relay import NOISE, Mood, Relay
from delivery.certification.security import handed_to_impostor, shakes_hands
from delivery.certification.subject import differences, fingerprint
from tests.delivery.certification.tls_front import TlsFront


@pytest.mark.parametrize(
    "wrong",
    [{"load_notes": 0}, {"load_notes": 2001}, {"verified_within": 0}, {"settle_within": 9999}, {"answer_within": 61}],
)
def test_a_plan_beyond_its_bounds_is_refused(wrong):
    with pytest.raises(ValueError):
        Plan(**wrong)


def test_a_plan_is_read_back_as_it_was_kept_and_nothing_else_is_one():
    plan = Plan(load_notes=7, verified_within=3.5)
    assert Plan.read(vars(plan)) == plan
    for wrong in ({}, {"load_notes": 3}, {**vars(plan), "load_notes": None}):
        with pytest.raises(ValueError):
            Plan.read(wrong)


def test_every_visit_of_a_run_is_another_patient_and_says_which_run_made_it():
    numbers = Numbering(12)
    first, second = numbers.next(), numbers.next()
    assert (first.patient, first.encounter) == ("CERT12-P1", "CERT12-E1")
    assert (second.patient, second.encounter) == ("CERT12-P2", "CERT12-E2")
    made = note("NORTH", first, sections(["plan", "assessment"], first), version=2)
    assert (made["source_note_id"], made["version"], made["patient"]["family"]) == ("cert-12-1", 2, "Certification")
    texts = [row["text"] for row in made["sections"]]
    assert len(set(texts)) == 2
    assert all("Synthetic" in text for text in texts)


A = {"template": "t", "mapping": "m", "visit_types": ["in_person"]}
SUBJECT = {"templates": {"FM": A}, "ways": {"note": ["hl7"]}, "unmapped": "hold"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"templates": {}}, "template FM was not part of it"),
        ({"templates": {"FM": {**A, "template": "u"}}}, "template FM has changed since"),
        ({"templates": {"FM": {**A, "mapping": "n"}}}, "the mapping of FM has changed since"),
        ({"templates": {"FM": {**A, "visit_types": []}}}, "FM is filled for other visits now"),
        ({"ways": {"note": ["openapi"]}}, "Note sections go by another way"),
        ({"ways": {}}, "Note sections go by another way"),
        ({"unmapped": "catch-all"}, "what becomes of unmapped sections has changed since"),
    ],
)
def test_each_way_a_run_can_fall_short_is_named(changed, words):
    assert differences(SUBJECT, SUBJECT | changed) == [words]


def test_a_run_that_proved_more_proves_less_too():
    more = {
        "templates": {"FM": {**A, "visit_types": ["in_person", "telehealth"]}, "SM": A},
        "ways": SUBJECT["ways"] | {"diagnoses": ["fhir"]},
    }
    assert differences(SUBJECT, SUBJECT | more) == []


def test_a_fingerprint_depends_on_content_and_not_on_the_order_of_keys():
    assert fingerprint({"a": 1, "b": [1]}) == fingerprint({"b": [1], "a": 1}) != fingerprint({"a": 1, "b": [2]})


class Echo:
    """A receiver that answers every message with b"ack"."""

    def __init__(self):
        self.got = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line):
        while data := line.recv(100):
            self.got.append(data)
            line.sendall(b"ack")


@pytest.fixture
def echo():
    made = Echo()
    yield made
    made.listener.close()


def asked(port: int, message: bytes = b"note") -> bytes:
    """The answer; b"" where the line was closed; raises TimeoutError where nothing came."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as line:
        line.sendall(message)
        return line.recv(100)


def test_a_relay_passes_on_what_it_is_given(echo):
    relay = Relay(echo.address)
    assert asked(relay.port) == b"ack"
    assert echo.got == [b"note"]
    assert relay.struck == 0
    relay.close()


def test_each_mood_befalls_one_exchange_and_no_second(echo):
    relay = Relay(echo.address)
    relay.be(Mood.SILENT)
    with pytest.raises(TimeoutError):
        asked(relay.port)
    assert echo.got == [b"note"], "it arrived"
    relay.be(Mood.CUT_BEFORE)
    assert closed(relay.port)
    assert echo.got == [b"note"], "it did not arrive"
    relay.be(Mood.CUT_AFTER)
    assert closed(relay.port)
    assert len(echo.got) == 2
    relay.be(Mood.GARBLED)
    assert asked(relay.port) == NOISE
    assert relay.struck == 4
    assert asked(relay.port) == b"ack"
    relay.close()


def closed(port: int) -> bool:
    try:
        return asked(port) == b""
    except ConnectionError:
        return True


def test_a_closed_relay_lets_nobody_speak_and_opens_again(echo):
    relay = Relay(echo.address)
    relay.be(Mood.CLOSED)
    assert closed(relay.port)
    assert echo.got == []
    relay.be(Mood.PASS)
    assert asked(relay.port) == b"ack"
    relay.close()


def test_lines_that_were_open_meet_the_new_mood_from_the_beginning(echo):
    relay = Relay(echo.address)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=1) as line:
        line.sendall(b"one")
        assert line.recv(100) == b"ack"
        relay.be(Mood.SILENT)
        assert line.recv(100) == b""
    relay.close()


def test_the_scribes_ear_believes_what_is_signed_and_nothing_else():
    ear = Listener()
    ear.secret = "whsec_" + "c2VjcmV0" * 4
    body = '{"type": "capture.start", "data": {"encounter_id": "E1"}}'
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    good = {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(ear.secret).sign("m1", now, body),
    }
    assert httpx2.post(ear.url, content=body, headers=good).status_code == 204
    assert httpx2.post(ear.url, content=body + " ", headers=good).status_code == 401
    assert httpx2.post(ear.url, content=b"\xff", headers=good).status_code == 401
    assert httpx2.post(ear.url, content=body).status_code == 401
    assert ear.refused == 3
    assert ear.heard("capture.start", "E1") is not None
    assert ear.heard("capture.start", "E2") is None
    ear.close()


def test_old_tls_is_seen_where_it_is_spoken_and_not_where_it_is_not():
    with TlsFront(1, oldest="TLSv1_1") as old, TlsFront(1, oldest="TLSv1_2") as new:
        assert shakes_hands(("127.0.0.1", old.port), "localhost")
        assert not shakes_hands(("127.0.0.1", new.port), "localhost")


def test_an_impostor_is_refused_and_one_that_is_trusted_is_seen():
    import ssl

    assert handed_to_impostor(ssl.create_default_context()) == "tls_unknown_ca"
    credulous = ssl.create_default_context()
    credulous.check_hostname, credulous.verify_mode = False, ssl.CERT_NONE
    assert handed_to_impostor(credulous) == "trusted"


def test_an_impostor_that_nobody_calls_can_be_closed():
    impostor = Impostor()
    impostor.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", impostor.port), timeout=0.5)


def test_percentiles_of_none_one_and_many():
    assert percentile([]) is None
    assert percentile([2.5]) == 2.5
    assert percentile([float(number) for number in range(101)]) == 95.0


def test_waiting_ends_when_it_comes_true_or_the_time_is_up():
    from delivery.certification.settling import until

    rounds = []
    assert until(lambda: len(rounds) > 2, lambda: rounds.append(1), 5)
    began = time.monotonic()
    assert not until(lambda: False, lambda: None, 0.1)
    assert time.monotonic() - began < 2
