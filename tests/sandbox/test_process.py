"""The sandbox as a process: framing on the wire, kills, TLS, command line, other people's clients."""

import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
import trustme
from hl7.client import MLLPClient
from hypothesis import given
from hypothesis import strategies as st

from sandbox.mllp import LARGEST, Deframer, TooLarge
from tests.sandbox.desk import ROOT, Process, Wire, frame, msa, oru

NOTE = [("NF-01", "cc"), ("NF-02", "hpi\\.br\\second line")]
# A lone end byte is legal inside a frame; only followed by CR does it end one.
BODIES = st.lists(st.binary(max_size=40).filter(lambda body: b"\x1c\r" not in body and not body.endswith(b"\x1c")))


@given(BODIES, st.binary(max_size=5).filter(lambda noise: b"\x0b" not in noise), st.data())
def test_frames_are_cut_right_wherever_the_stream_is_split(bodies, noise, data):
    stream = b"".join(noise + frame(body) for body in bodies)
    deframer, got = Deframer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += deframer.feed(stream[:size])
        stream = stream[size:]
    assert got == bodies


def test_a_frame_without_end_is_given_up():
    deframer = Deframer()
    assert deframer.feed(b"\x0b" + b"x" * (LARGEST - 1)) == []
    with pytest.raises(TooLarge):
        deframer.feed(b"x")


def test_a_frame_without_end_closes_the_socket(sandbox):
    with sandbox.wire() as wire:
        wire.send(b"\x0b" + b"x" * LARGEST)
        with pytest.raises((EOFError, ConnectionError)):
            wire.answer()


def test_noise_between_frames_does_not_fill_the_memory():
    deframer = Deframer()
    for _ in range(100):
        assert deframer.feed(b"x" * 2**20) == []
    assert len(deframer.buffer) == 0


def test_a_message_sent_byte_by_byte_is_answered(sandbox):
    with sandbox.wire() as wire:
        for byte in frame(oru(NOTE)):
            wire.send(bytes([byte]))
        assert msa(wire.answer()) == ("AA", "C1")


def test_two_messages_in_one_segment_are_both_answered(sandbox):
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE, "C1")) + frame(oru(NOTE, "C2")))
        assert [msa(wire.answer()), msa(wire.answer())] == [("AA", "C1"), ("AA", "C2")]


def test_half_a_message_is_never_filed(sandbox):
    with sandbox.wire() as wire:
        wire.send(frame(oru(NOTE))[:-1])
    time.sleep(0.1)
    assert sandbox.filings() == []


def test_a_large_note_arrives_whole(sandbox):
    text = "line of a long note \\.br\\" * 50_000
    assert msa(sandbox.ask(oru([("NF-02", text)])))[0] == "AA"
    assert sandbox.note()[1]["fields"]["NF-02"] == text.replace("\\.br\\", "\n")


def test_python_hl7s_client_can_talk_to_it(sandbox):
    with MLLPClient("127.0.0.1", sandbox.mllp) as client:
        assert msa(client.send_message(oru(NOTE, "C1"))) == ("AA", "C1")
        assert msa(client.send_message(oru(NOTE, "C2").decode())) == ("AA", "C2")
    assert [row["control_id"] for row in sandbox.filings()] == ["C1", "C2"]


def talk_until_cut(process, lane, answered):
    """Sends notes over one socket until it is cut; notes down whose AA came."""
    with process.wire() as wire:
        for number in range(100_000):
            control_id = f"L{lane}-{number}"
            try:
                answer = wire.ask(oru(NOTE, control_id, encounter=f"E{lane}-{number}"))
            except (OSError, EOFError):
                return
            assert msa(answer) == ("AA", control_id)
            answered.append(control_id)


@pytest.mark.process
@pytest.mark.alike
def test_kill_9_keeps_whatever_was_answered(tmp_path):
    answered = []
    for turn in range(2):
        process = Process(tmp_path).clinics()
        lanes = [threading.Thread(target=talk_until_cut, args=(process, f"{turn}{n}", answered)) for n in range(4)]
        for lane in lanes:
            lane.start()
        time.sleep(0.3 + 0.2 * turn)
        assert process.stop(signal.SIGKILL) == -signal.SIGKILL
        for lane in lanes:
            lane.join()
    process = Process(tmp_path)
    filed = [row["control_id"] for row in process.every_filing()]
    process.stop()
    assert len(answered) > 50
    assert set(answered) <= set(filed)
    assert len(filed) == len(set(filed))
    assert len(set(filed) - set(answered)) <= 8  # at most one under way on each socket of each turn


@pytest.mark.process
@pytest.mark.alike
def test_templates_and_signatures_outlive_a_kill(tmp_path):
    process = Process(tmp_path).clinics()
    process.ask(oru(NOTE))
    process.api("PUT", "/facilities/NORTH/encounters/E1", {"signed": True})
    process.api("POST", "/facilities/NORTH/templates/FM-PROGRESS/swap", {"fields": ["NF-01", "NF-02"]})
    process.stop(signal.SIGKILL)
    process = Process(tmp_path)
    fields = process.api("GET", "/facilities/NORTH/templates/FM-PROGRESS")["fields"]
    assert [field["field_id"] for field in fields][:2] == ["NF-02", "NF-01"]
    assert process.note()[1]["signed"] is True
    assert process.stop() == 0


def test_dedupe_answers_a_repeated_id_without_filing_again(tmp_path):
    process = Process(tmp_path, "--dedupe").clinics()
    with process.wire() as wire:
        wire.send(frame(oru(NOTE)) * 2)
        assert [msa(wire.answer()), msa(wire.answer())] == [("AA", "C1"), ("AA", "C1")]
        assert msa(wire.ask(oru(NOTE))) == ("AA", "C1")
    assert len(process.filings()) == 1
    assert process.stop() == 0


def test_practices_and_token_can_be_named(tmp_path):
    process = Process(tmp_path, "--practice", "LAKESI", "--practice", "HARBOR", "--token", "another").clinics()
    assert process.note(practice="HARBOR", token="another")[0] == 200
    assert process.note(practice="NOBODY", token="another")[0] == 404
    assert process.note(token="sandbox-token")[0] == 401
    assert process.stop() == 0


def test_sigterm_ends_it_cleanly_with_sockets_open(tmp_path):
    process = Process(tmp_path).clinics()
    with process.wire() as wire:
        assert msa(wire.ask(oru(NOTE)))[0] == "AA"
        begun = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - begun < 3
        with pytest.raises((EOFError, ConnectionError)):
            wire.ask(oru(NOTE))


def test_a_port_in_use_is_an_error_not_a_silence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "sandbox", "--mllp-port", port, "--http-port", "0", "--data", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=20)
    assert done.returncode != 0
    assert done.stdout == b""


@pytest.fixture
def authority(tmp_path):
    """A certificate authority of our own, with files of what it issued."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, identity in (("server", "127.0.0.1"), ("client", "scribeport.example")):
        issued = ca.issue_cert(identity)
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        for place, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(tmp_path / f"{name}.pem", append=bool(place))
    return tmp_path


def secure(process, context):
    wire = Wire(process.mllp)
    wire.socket = context.wrap_socket(wire.socket, server_hostname="127.0.0.1")
    return wire


def test_mllp_over_tls_with_client_certificates(authority, tmp_path):
    options = ["--tls-cert", authority / "server.pem", "--tls-key", authority / "server.key"]
    process = Process(tmp_path / "data", *options, "--client-ca", authority / "ca.pem").clinics()
    context = ssl.create_default_context(cafile=authority / "ca.pem")
    with pytest.raises((ssl.SSLError, OSError, EOFError)), secure(process, context) as wire:
        wire.ask(oru(NOTE))
    context.load_cert_chain(authority / "client.pem", authority / "client.key")
    with secure(process, context) as wire:
        assert msa(wire.ask(oru(NOTE))) == ("AA", "C1")
    assert [row["control_id"] for row in process.filings()] == ["C1"]
    assert process.stop() == 0


@pytest.mark.filterwarnings("ignore:ssl.OP_NO")
def test_tls_older_than_1_2_is_refused(authority, tmp_path):
    process = Process(tmp_path / "data", "--tls-cert", authority / "server.pem", "--tls-key", authority / "server.key")
    context = ssl.create_default_context(cafile=authority / "ca.pem")
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # so that it is the server who refuses
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secure(process, context)
    assert process.stop() == 0


@pytest.mark.slow
def test_four_lanes_at_once_have_each_of_their_messages_answered_and_filed(sandbox):
    text = "The patient reports a cough for nine days.\\.br\\" * 20
    lanes = [
        threading.Thread(
            target=send_all,
            args=(
                sandbox,
                [
                    oru([(f"NF-0{n}", text) for n in range(1, 7)], f"C{k}-{m}", encounter=f"E{k}-{m}")
                    for m in range(300)
                ],
            ),
        )
        for k in range(4)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    assert len(sandbox.filings(limit=10_000)) == 1200


def send_all(process, messages):
    with process.wire() as wire:
        for message in messages:
            assert msa(wire.ask(message))[0] == "AA"
