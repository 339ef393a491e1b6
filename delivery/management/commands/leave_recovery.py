"""`manage.py leave_recovery`: end recovery mode for every practice of this installation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.record import Actor, acting
from delivery import incarnation
from delivery.models import Delivery
from delivery.states import State


class Command(BaseCommand):
    help = "After a restore: sending goes on, for every practice. Look first at what is in doubt (state unknown)."

    def handle(self, *args: Any, **options: Any) -> None:
        if incarnation.in_recovery() is None:
            raise CommandError("There is no recovery mode to end; nothing was changed.")
        with acting(Actor("command", "leave_recovery", "leave_recovery")):
            incarnation.leave()
        doubted = Delivery.objects.filter(state=State.UNKNOWN).count()
        self.stdout.write(f"Recovery mode has ended; sending goes on. {doubted} deliveries are still in doubt.")
