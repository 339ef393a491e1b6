"""Listens for ADT and SIU messages over MLLP, a port for each location's feed: stored first, acknowledged afterwards.

A process of its own (`manage.py listen_events`): a feed that floods or hangs costs neither pages nor deliveries.
"""

import contextlib
import logging
import socket
import socketserver
import ssl
import threading
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from audit.record import Actor, acting
from delivery.events import adt
from delivery.events.models import EventSource, SourceState, Way
from delivery.events.settings import FeedSettings
from delivery.events.taking import ignore, take
from delivery.events.told import Unreadable
from portal.keyring import KeysUnavailable

log = logging.getLogger(__name__)
START, END = b"\x0b", b"\x1c\r"
LARGEST = 256 * 1024
IDLE_SECONDS = 600.0
FRAME_SECONDS = 30.0  # for a frame once begun, and for shaking hands
MOST_CALLERS = 8
LOOK_SECONDS = 5.0  # between two looks at which feeds there are


def taken(source: EventSource, raw: bytes, address: str) -> bytes:
    """Take one message in and give the answer to send: AA stored, AE not to be read, AR not now."""
    now, message = timezone.now(), None
    with acting(Actor("system", f"event source {source.pk}", "HL7 feed", source_ip=address)):
        try:
            message = adt.read(raw)
            told = adt.happening(FeedSettings.read(source.settings), message, ZoneInfo(source.location.time_zone), now)
            if told is None:
                ignore(source, adt.name_of(message))
            else:
                take(source, told)
        except Unreadable as wrong:
            SourceState.objects.update_or_create(
                source=source, defaults={"trouble": "event_unreadable", "trouble_at": now}
            )
            return adt.answer(message, "AE", now, f"the {wrong.place} cannot be read")
        except (DatabaseError, InterfaceError, KeysUnavailable):
            return adt.answer(message, "AR", now, "not stored just now, send it again")
    return adt.answer(message, "AA", now)


class Caller(socketserver.BaseRequestHandler):
    """One connection: frame after frame, each answered before the next is read."""

    server: "Port"

    def handle(self) -> None:
        try:
            self._talk()
        except (OSError, ValueError) as error:
            log.info("a feed's connection ended: %s", type(error))
        except Exception as error:
            log.error("a feed's message could not be taken: %s", type(error), exc_info=True)

    def _talk(self) -> None:
        sock, held = self.request, bytearray()
        sock.settimeout(FRAME_SECONDS)
        if self.server.tls is not None:
            sock = self.server.tls.wrap_socket(sock, server_side=True)
        with contextlib.closing(sock):
            while (raw := self._frame(sock, held)) is not None:
                close_old_connections()
                sock.sendall(START + taken(self.server.source, raw, self.client_address[0]) + END)

    def _frame(self, sock: socket.socket, held: bytearray) -> bytes | None:
        """The next whole frame; None when the caller has hung up. Bytes before a frame are dropped."""
        while (end := held.find(END)) < 0:
            sock.settimeout(FRAME_SECONDS if held else IDLE_SECONDS)
            more = sock.recv(65_536)
            if not more:
                return None
            held += more
            if len(held) > LARGEST:
                raise ValueError("too large")
        # From the last start on: a frame that broke off before it must not lend its patient to the next one's visit.
        raw = bytes(held[held.rfind(START, 0, end) + 1 : end])
        del held[: end + len(END)]
        return raw


class Port(socketserver.ThreadingTCPServer):
    """The open port of one feed; strangers and callers beyond the eighth are turned away unheard."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, address: str, source: EventSource, tls: ssl.SSLContext | None) -> None:
        self.source, self.tls = source, tls
        self.feed = FeedSettings.read(source.settings)
        self._callers = threading.Semaphore(MOST_CALLERS)
        super().__init__((address, self.feed.port), Caller)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self.feed.lets_in(client_address[0]) and self._callers.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._callers.release()
            close_old_connections()

    def begin(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.2,), daemon=True).start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class Listener:
    """The open ports, kept as the sources say: looked up anew every few seconds."""

    def __init__(self, address: str, tls: ssl.SSLContext | None = None) -> None:
        self.address, self.tls = address, tls
        self.ports: dict[int, tuple[Any, Port]] = {}

    def look(self) -> None:
        """Open, close and reopen ports so that they are as the sources say."""
        rows = EventSource.objects.filter(way=Way.MLLP, enabled=True).select_related("location__practice")
        wanted = {source.pk: source for source in rows}
        for key, (said, port) in list(self.ports.items()):
            if key not in wanted or said != _said(wanted[key]):
                port.end()
                del self.ports[key]
        for key in wanted.keys() - self.ports.keys():
            self._open(wanted[key])

    def _open(self, source: EventSource) -> None:
        try:
            port = Port(self.address, source, self.tls)
        except (OSError, ValueError) as error:
            log.warning("a feed's port cannot be opened: %s", type(error))
            state = {"trouble": "port_not_opened", "trouble_at": timezone.now()}
            SourceState.objects.update_or_create(source=source, defaults=state)
            return
        port.begin()
        self.ports[source.pk] = (_said(source), port)
        SourceState.objects.filter(source=source, trouble="port_not_opened").update(trouble="")

    def close(self) -> None:
        for _, port in self.ports.values():
            port.end()
        self.ports.clear()


def _said(source: EventSource) -> Any:
    """What a port was opened by: when it changes the port is opened anew."""
    return source.settings, source.location.time_zone


def tls_context() -> ssl.SSLContext | None:
    """As the installation's settings say; None for a port that a VPN or a tunnel guards."""
    if not settings.LISTEN_CERT:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.LISTEN_CERT, settings.LISTEN_KEY or None)
    if settings.LISTEN_CLIENT_CA:
        context.load_verify_locations(settings.LISTEN_CLIENT_CA)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
