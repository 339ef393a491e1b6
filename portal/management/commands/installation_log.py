"""`manage.py installation_log`: the audit events that belong to no practice, for whoever runs the server.

Tries to sign in by accounts nobody knows, commands on the server, starts. Where one practice has the installation to
itself, its auditors read them in the portal as well (portal/trail.py).
"""

import json
from collections import deque
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from audit.canonical import utc
from audit.event import AuditEvent
from audit.queries import Search, page
from audit.record import Actor, acting, record
from audit.sentences import facts, sentence
from portal.trail import INSTALLATION


class Command(BaseCommand):
    help = "Show the newest audit events that belong to no practice; looking is itself recorded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--last", type=int, default=50, help="how many (1 to 10000)")
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        events = deque(page(Search(INSTALLATION), size=min(max(options["last"], 1), 10_000)).events)
        with acting(Actor("command", "installation_log", "installation_log")), transaction.atomic():
            record("audit.view", detail={"shown": len(events)})
        if options["json"]:
            self.stdout.write(json.dumps({"events": [in_json(event) for event in events]}))
            return
        while events:
            self.stdout.write(line(events.pop()))


def line(event: AuditEvent) -> str:
    """Time in UTC, how it ended, who did what, from where."""
    said = [utc(event.at), event.outcome, sentence(event, {}), facts(event), event.source_ip]
    return "  ".join(part for part in said if part)


def in_json(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": str(event.pk),
        "at": utc(event.at),
        "event": event.event,
        "outcome": event.outcome,
        "actor": [event.actor_type, event.actor_id],
        "object": [event.object_type, event.object_id],
        "source_ip": event.source_ip,
        "detail": event.detail,
    }
