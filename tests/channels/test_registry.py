"""From a connection's kind and settings to its channel."""

import pytest

from delivery.channels.base import Unavailable
from delivery.channels.mllp import Hl7Channel
from delivery.channels.openapi import OpenApiReader
from delivery.channels.registry import channel_for, reader_for
from tests.channels.notes import CONTROL_ID, note
from tests.channels.peers import Peer, always

HL7 = {"host": "ecw.test", "receiving_facility": "NORTH"}


def test_an_hl7_connection_sends_where_resolve_says():
    with Peer(always()) as peer:
        asked = []

        def resolve(host, port):
            asked.append((host, port))
            return "127.0.0.1", peer.port

        channel = channel_for("hl7", {**HL7, "port": 2575}, {}, "sandbox", resolve)
        assert isinstance(channel, Hl7Channel)
        assert channel.send(channel.render(note()), CONTROL_ID).code == "AA"
        assert asked == [("ecw.test", 2575)]


def test_the_guard_reaches_the_channel():
    with Peer(always()) as peer:

        def here(host, port):
            return host, port

        channel = channel_for(
            "hl7", {**HL7, "host": "127.0.0.1", "port": peer.port}, {}, "sandbox", here, lambda: False
        )
        with pytest.raises(Unavailable, match="lease_lost"):
            channel.send(channel.render(note()), CONTROL_ID)


def test_a_kind_nobody_knows_is_refused_in_plain_words():
    with pytest.raises(ValueError, match="cannot send notes"):
        channel_for("fax", {}, {}, "sandbox", lambda host, port: (host, port))


def test_an_open_api_connection_reads():
    settings = {"base_url": "http://127.0.0.1:1", "practice_code": "LAKESI", "facility": "NORTH"}
    made = reader_for("openapi", settings, {"token": "t"}, "sandbox", lambda host, port: (host, port))
    assert isinstance(made, OpenApiReader)
    made.close()


def test_an_hl7_connection_cannot_read():
    with pytest.raises(ValueError, match="cannot read a chart"):
        reader_for("hl7", HL7, {}, "sandbox", lambda host, port: (host, port))
