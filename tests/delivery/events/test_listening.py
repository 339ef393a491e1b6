"""The HL7 feed's port: a real socket and python-hl7 as the sender; who is let in, what is stored before the answer."""

import contextlib
import socket
import ssl

import pytest
import trustme
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from hl7.client import MLLPClient

from delivery.events import listening, sources
from delivery.events.listening import Listener, taken
from delivery.events.models import Arrival, Event, EventSource, SourceState
from delivery.models import WebhookMessage
from portal.supervisor import listener as listener_child
from tests.delivery.events import senders
from tests.delivery.events.senders import OPENED, told
from tests.delivery.events.test_adt import adt_message, siu_message
from tests.processes import free_port


def feed(cast, location=None, **more) -> EventSource:
    settings = {"port": free_port(), "peers": "127.0.0.1/32", **more}
    return sources.create(location or cast.north, "mllp", settings)[0]


def just_now() -> str:
    return f"{timezone.now():%Y%m%d%H%M%S}+0000"


def code(answer: bytes) -> str:
    return answer.strip(b"\x0b\x1c\r").split(b"\r")[1].split(b"|")[1].decode()


@contextlib.contextmanager
def open_ports(tls=None):
    made = Listener("127.0.0.1", tls)
    made.look()
    try:
        yield made
    finally:
        made.close()


def unheard(source: EventSource, sent: bytes) -> bool:
    """Whether the port hangs up on this without an answer."""
    with socket.create_connection(("127.0.0.1", source.settings["port"]), 5) as sock:
        try:
            sock.sendall(sent)
            return sock.recv(100) == b""
        except ConnectionError:
            return True


@pytest.mark.django_db
class TestAMessage:
    def test_is_stored_before_it_is_acknowledged_and_starts_capture(self, cast, scribes_endpoint):
        source = feed(cast)
        assert code(taken(source, adt_message(stamp=just_now()), "127.0.0.1")) == "AA"
        event = Event.objects.get()
        assert (event.kind, event.way, event.outcome) == ("patient.checked_in", "mllp", "started")
        assert WebhookMessage.objects.get().type == "capture.start"

    def test_that_comes_twice_is_acknowledged_twice_and_stored_once(self, cast, scribes_endpoint):
        source, raw = feed(cast), adt_message(stamp=just_now())
        assert [code(taken(source, raw, "127.0.0.1")) for _ in range(2)] == ["AA", "AA"]
        assert (Event.objects.count(), Arrival.objects.count(), WebhookMessage.objects.count()) == (1, 1, 1)

    def test_of_a_visit_that_a_webhook_told_of_is_the_same_event(self, cast, scribes_endpoint):
        senders.ecw(cast).post(told(OPENED))
        taken(feed(cast), adt_message("A01"), "127.0.0.1")
        assert (Event.objects.count(), WebhookMessage.objects.count()) == (1, 1)
        assert Event.objects.get().arrivals.count() == 2

    def test_that_concerns_nobody_is_acknowledged_and_nothing_of_it_is_kept(self, cast):
        assert code(taken(feed(cast), adt_message("A08"), "127.0.0.1")) == "AA"
        assert not Event.objects.exists()

    def test_that_cannot_be_read_is_answered_with_an_error_and_the_place(self, cast):
        answer = taken(feed(cast), adt_message(visit=""), "127.0.0.1")
        assert (code(answer), b"the encounter cannot be read" in answer) == ("AE", True)
        assert SourceState.objects.get().trouble == "event_unreadable"

    def test_that_cannot_be_stored_just_now_is_to_be_sent_again(self, cast, monkeypatch):
        def away(*_):
            raise OperationalError

        source = feed(cast)
        monkeypatch.setattr(listening, "take", away)
        assert code(taken(source, siu_message(), "127.0.0.1")) == "AR"


@pytest.mark.django_db(transaction=True)
class TestAPort:
    def test_takes_messages_of_an_independent_sender_one_after_the_other(self, cast):
        source = feed(cast)
        with open_ports(), MLLPClient("127.0.0.1", source.settings["port"]) as client:
            answers = [client.send_message(adt_message(trigger).decode()) for trigger in ("A04", "A01", "A03")]
        assert [code(answer) for answer in answers] == ["AA", "AA", "AA"]
        assert {event.kind for event in Event.objects.all()} == {
            "patient.checked_in",
            "encounter.opened",
            "encounter.closed",
        }

    def test_takes_a_frame_in_pieces_and_two_at_once(self, cast):
        source = feed(cast)
        frames = b"".join(b"\x0b" + adt_message(trigger) + b"\x1c\r" for trigger in ("A04", "A01"))
        with open_ports(), socket.create_connection(("127.0.0.1", source.settings["port"]), 5) as sock:
            for place in range(0, len(frames), 97):
                sock.sendall(frames[place : place + 97])
            said = b""
            while said.count(b"\x1c\r") < 2:
                said += sock.recv(4096)
        assert said.count(b"MSA|AA") == 2

    def test_turns_away_who_is_not_named(self, cast):
        source = feed(cast, peers="10.20.0.0/16")
        with open_ports():
            assert unheard(source, b"\x0b" + adt_message() + b"\x1c\r")
        assert not Arrival.objects.exists()

    def test_hangs_up_on_a_frame_that_never_ends(self, cast, monkeypatch):
        monkeypatch.setattr(listening, "LARGEST", 1000)
        source = feed(cast)
        with open_ports():
            assert unheard(source, b"\x0b" + b"x" * 5000)

    def test_speaks_tls_where_the_installation_has_a_certificate(self, cast, settings, tmp_path):
        authority = trustme.CA()
        issued = authority.issue_cert("localhost", "127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
        settings.LISTEN_CERT = str(tmp_path / "own.pem")
        context = ssl.create_default_context()
        authority.configure_trust(context)
        source = feed(cast)
        with (
            open_ports(listening.tls_context()),
            socket.create_connection(("127.0.0.1", source.settings["port"]), 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as sock,
        ):
            sock.sendall(b"\x0b" + adt_message() + b"\x1c\r")
            assert code(sock.recv(4096)) == "AA"

    def test_is_opened_closed_and_moved_as_the_sources_say(self, cast):
        source = feed(cast)
        first = source.settings["port"]
        with open_ports() as ports:
            second = free_port()
            sources.change(source, {**source.settings, "port": second}, None, enabled=True)
            ports.look()
            assert [port.server_address[1] for _, port in ports.ports.values()] == [second]
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", first), 1)
            sources.change(source, source.settings, None, enabled=False)
            ports.look()
            assert ports.ports == {}

    def test_that_is_taken_stands_on_the_source_until_it_can_be_opened(self, cast):
        source = feed(cast)
        with socket.create_server(("127.0.0.1", source.settings["port"])), open_ports() as ports:
            assert ports.ports == {}
            assert SourceState.objects.get().trouble == "port_not_opened"
        with open_ports():
            assert SourceState.objects.get().trouble == ""


def test_without_an_address_the_process_says_why_it_does_not_start(settings):
    settings.LISTEN_ADDRESS = ""
    with pytest.raises(CommandError, match="SCRIBEPORT_LISTEN_ADDRESS"):
        call_command("listen_events")


def test_the_supervisor_starts_it_as_a_process_of_its_own():
    assert listener_child().arguments[-1] == "listen_events"
    assert listener_child().name == "listener"
