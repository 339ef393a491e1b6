"""`manage.py run`: the embedded set-up: web, worker, sealer and, where it is set, a listener, under one supervisor."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.listening import CannotListen, port_at
from portal.sole import Held, sole
from portal.supervisor import Supervisor, listener, sealer, web, worker


class Command(BaseCommand):
    help = "Run web, worker and sealer together (embedded set-up); Ctrl-C ends them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with sole(settings.DATA_DIR):
                self.supervise(options["host"], port_at(options["host"], options["port"]))
        except (Held, CannotListen) as error:
            raise CommandError(str(error)) from None

    def supervise(self, host: str, port: int) -> None:
        call_command("migrate", verbosity=0)
        children = [web(host, port), worker(), sealer()]
        if settings.LISTEN_ADDRESS:
            children.append(listener())
        supervisor = Supervisor(children)
        supervisor.start()
        self.stdout.write(f"Scribeport runs at http://{host}:{port} - Ctrl-C ends it.")
        supervisor.run()
