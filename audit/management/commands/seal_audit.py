"""`manage.py seal_audit`: the sealer, a process of its own; it alone needs the signing key.

Every few seconds it seals what is due, every minute it anchors, once a night it verifies. `--once` does all three once.
"""

import json
import logging
import signal
import threading
import time
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django.utils import timezone

from audit.anchors import anchor_all, missing_from_database
from audit.checkpoints import NoSigningKey, private_key
from audit.purging import purge_due
from audit.record import Actor, acting, record
from audit.sealed import SealerState
from audit.sealing import seal_all
from audit.whole import nightly

log = logging.getLogger(__name__)

ANCHOR_SECONDS = 60.0
NIGHT = 2  # the hour (UTC) from which the nightly verification may begin


class Command(BaseCommand):
    help = "Seal, anchor and verify the audit log, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="seal, anchor and verify once, then end")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            private_key()
        except NoSigningKey as wrong:
            raise CommandError(str(wrong)) from wrong
        with acting(Actor("worker", "sealer")):
            if options["once"]:
                self.stdout.write(json.dumps(self.once()))
            else:
                self.loop()

    def once(self) -> dict[str, Any]:
        """What `--once` prints: events sealed, anchors that failed, leaves read, what was found."""
        missing = missing_from_database()
        sealed = 0 if missing else seal_all()
        failed = [] if missing else anchor_all()
        purged = 0 if missing else purge_due()
        report = nightly()
        return {
            "sealed": sealed,
            "anchors_failed": failed,
            "purged": purged,
            "older_than_anchor": len(missing),
            "leaves": report.leaves,
            "unsealed": report.unsealed,
            "found": [str(one) for one in report.findings],
        }

    def loop(self) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        rounds = Rounds()
        while not stop.is_set():
            rounds.guarded()
            stop.wait(settings.AUDIT_SEAL_SECONDS)


class Rounds:
    """The sealer's passes, each tried again where the database or an anchor is away."""

    def __init__(self) -> None:
        self.anchored = 0.0
        self.complained = False
        self.failing = ""

    def guarded(self) -> None:
        try:
            close_old_connections()
            self.round()
            self.failing = ""
        except (DatabaseError, InterfaceError) as error:
            log.warning("the database refused a step of the sealer: %s", type(error))
        except Exception as error:
            log.error("a step of the sealer failed: %s", type(error), exc_info=True)
            self.tell(type(error).__name__)

    def tell(self, step: str) -> None:
        """Record a trouble when it begins: one that lasts must not fill the log that it keeps from being sealed."""
        if step == self.failing:
            return
        try:
            with transaction.atomic():
                record("audit.seal.fail", outcome="error", detail={"step": step})
            self.failing = step
        except (DatabaseError, InterfaceError) as error:
            log.warning("the database refused a step of the sealer: %s", type(error))

    def round(self) -> None:
        if missing_from_database():  # nothing is sealed onto a restored database before a person has seen it
            if not self.complained:
                log.error("the audit log in the database is older than its anchor: nothing is sealed")
            self.complained = True
            return
        self.complained = False
        seal_all()
        if time.monotonic() - self.anchored >= ANCHOR_SECONDS or not self.anchored:
            for failure in anchor_all():
                log.warning("a checkpoint could not be anchored: %s", failure)
            if gone := purge_due():
                log.info("%d events left the audit log under a certificate", gone)
            self.anchored = time.monotonic()
        self.verify_at_night(timezone.now().date(), timezone.now().hour)

    def verify_at_night(self, today: date, hour: int) -> None:
        """Once a day, whichever sealer is first."""
        due = SealerState.objects.exclude(verified_on=today)
        if hour >= NIGHT and due.filter(pk=1).update(verified_on=today):
            report = nightly(today.toordinal())
            if report.findings:
                log.error("the audit log is not whole: %s", "see the page Audit")
