"""The MLLP client and channel: framing, the guard, the batch, and python-hl7's own server at the other end."""

import asyncio
import socket
import time
from dataclasses import replace

import hl7.mllp
import pytest

from delivery.channels import mllp
from delivery.channels.base import CannotExpress, Receipt, Unavailable
from delivery.channels.mllp import Hl7Channel, MllpClient
from tests.channels.notes import CONTROL_ID, NASTY, note
from tests.channels.peers import (
    Peer,
    ack,
    always,
    client_for,
    exchange,
    fails,
    framed,
    message,
    settings_for,
    silent,
)


def test_a_message_is_sent_in_one_frame_and_its_answer_returned():
    with Peer(always()) as peer:
        receipt = exchange(client_for(peer))
        assert receipt == Receipt("AA", ack())
        assert peer.received == framed(message())


def test_a_batch_goes_over_one_socket_one_after_another():
    with Peer(always()) as peer:
        client = client_for(peer)
        for number in range(50):
            exchange(client, f"{number:020}")
        assert len(peer.talks) == 1


def test_opening_sends_nothing():
    with Peer(lambda talk: talk.wait_for_end()) as peer:
        client = client_for(peer)
        client.open()
        client.open()
        client.close()
        time.sleep(0.05)
        assert len(peer.talks) == 1
        assert peer.received == b""


def test_a_body_with_a_frame_byte_is_never_written():
    with Peer(always()) as peer:
        client = client_for(peer)
        for byte in (b"\x0b", b"\x1c"):
            with pytest.raises(CannotExpress, match="hl7_frame_byte"):
                client.exchange(message() + byte, CONTROL_ID)
        assert peer.received == b""


def test_the_socket_is_set_for_small_frames_and_dead_peers():
    with Peer(always()) as peer:
        client = client_for(peer, ack_seconds=7)
        client.open()
        asked = ["TCP_NODELAY", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT"]
        found = [client._sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in asked]
        assert found == [1, 60, 10, 3, 7000]
        assert client._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_the_guard_is_asked_before_every_frame_and_a_lost_lease_writes_nothing():
    leases = iter([True, False, True])
    with Peer(always()) as peer:
        client = client_for(peer, guard=lambda: next(leases))
        exchange(client)
        assert fails(client, Unavailable).reason_code == "lease_lost"
        assert peer.received == framed(message())
        exchange(client)
        assert peer.received == framed(message()) * 2


def test_the_guard_is_asked_after_a_slow_connect():
    order = []

    def resolve(host, port):
        order.append("connect")
        return host, port

    with Peer(always()) as peer:
        client = MllpClient(settings_for(peer.port), resolve, lambda: not order.append("guard"))
        exchange(client)
    assert order == ["connect", "guard"]


def test_a_worker_stopped_in_the_middle_leaves_no_socket_behind(monkeypatch):
    with Peer(silent) as peer:
        client = client_for(peer)
        monkeypatch.setattr(mllp, "_take_frame", lambda buffer: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            exchange(client)
        assert client._sock is None


def test_python_hl7s_own_server_receives_a_note_and_its_answer_is_understood():
    received = []

    async def serve(reader, writer):
        while not writer.is_closing():
            got = await reader.readmessage()
            received.append(got)
            writer.writemessage(got.create_ack())
            await writer.drain()

    async def scenario():
        server = await hl7.mllp.start_hl7_server(serve, "127.0.0.1", 0, encoding="utf-8", limit=2**20)
        port = server.sockets[0].getsockname()[1]
        channel = Hl7Channel(settings_for(port), lambda host, port: (host, port))
        texts = [*NASTY, "long " * 2_200]
        rendered = channel.render(note(*texts))
        receipts = [await asyncio.to_thread(channel.send, rendered, CONTROL_ID) for _ in range(2)]
        channel.close()
        server.close()
        return texts, receipts

    texts, receipts = asyncio.run(scenario())
    assert [receipt.code for receipt in receipts] == ["AA", "AA"]
    assert [row.extract_field(field_num=5).replace("\r", "\n") for row in received[0].segments("OBX")] == texts


def test_the_channel_renders_opens_sends_and_closes():
    with Peer(always()) as peer:
        channel = Hl7Channel(settings_for(peer.port), lambda host, port: (host, port))
        rendered = channel.render(note())
        channel.open()
        assert channel.send(rendered, CONTROL_ID).code == "AA"
        channel.close()
        assert peer.received == framed(rendered.body)


def test_the_channel_refuses_what_the_second_parser_does_not_find(monkeypatch):
    broken = replace(mllp.hl7.render(note(), settings_for(1)), body=b"MSH|^~\\&|\r")
    monkeypatch.setattr(mllp.hl7, "render", lambda note, settings: broken)
    with pytest.raises(CannotExpress, match="lint_"):
        Hl7Channel(settings_for(1), lambda host, port: (host, port)).render(note())
