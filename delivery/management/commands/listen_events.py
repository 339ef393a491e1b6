"""`manage.py listen_events`: the process that eCW's ADT and SIU feeds come to."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, close_old_connections

from delivery.events.listening import LOOK_SECONDS, Listener, tls_context


class Command(BaseCommand):
    help = "Listen for ADT and SIU messages over MLLP, as the locations' event sources say; until asked to end."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LISTEN_ADDRESS:
            raise CommandError(
                "Set SCRIBEPORT_LISTEN_ADDRESS to the address to listen at; without it no port is opened."
            )
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        signal.signal(signal.SIGINT, lambda *_: ended.set())
        listener = Listener(settings.LISTEN_ADDRESS, tls_context())
        while not ended.is_set():
            try:
                close_old_connections()
                listener.look()
            except (DatabaseError, InterfaceError) as error:
                self.stderr.write(f"the database is away ({type(error).__name__}); looking again")
            ended.wait(LOOK_SECONDS)
        listener.close()
