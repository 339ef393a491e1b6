"""`manage.py export_audit PRACTICE FILE`: the log as a file for audit/verify_log.py; the export is itself an event."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit.log_file import Line, NotCovered, patient_log, whole_log
from audit.part_file import time_log
from audit.record import record


def moment(text: str) -> datetime:
    """A time with its zone; UTC where none is given."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Export a practice's audit log, or one patient's part of it, with the proofs that verify_log.py checks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("practice", help="the practice's code; - for events of none")
        parser.add_argument("file", type=Path)
        parser.add_argument("--subject", default="", help="a patient's blind index: this patient's events only")
        parser.add_argument("--since", type=moment, help="only what was recorded from then on (ISO 8601)")
        parser.add_argument("--until", type=moment, help="only what was recorded before (ISO 8601)")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        practice = "" if options["practice"] == "-" else options["practice"]
        subject = options["subject"]
        since, until = options["since"], options["until"]
        if subject and (since or until):
            raise CommandError("A patient's events are proved whole; take --since and --until away.")
        part = time_log(practice, since, until) if since or until else whole_log(practice)
        lines = patient_log(practice, subject) if subject else part
        draft = options["file"].with_name(options["file"].name + ".part")
        try:
            made = self.write(draft, lines)
            draft.replace(options["file"])
        except NotCovered as wrong:
            raise CommandError(
                f"The month {wrong} has no checkpoint for patients yet; try again in a minute."
            ) from None
        except OSError as wrong:
            raise CommandError(f"{options['file']} cannot be written: {type(wrong).__name__}") from None
        finally:
            draft.unlink(missing_ok=True)
        with transaction.atomic():
            record(
                "audit.export",
                practice=practice,
                subject_bidx=subject,
                detail={"rows": made["events"], "format": "proved", "sha256": made["sha256"]},
            )
        told = made | {"file": str(options["file"])}
        self.stdout.write(json.dumps(told) if options["json"] else f"{made['events']} events in {options['file']}")

    def write(self, path: Path, lines: Any) -> dict[str, Any]:
        digest, events = hashlib.sha256(), 0
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            line: Line
            for line in lines:
                content = line.content + b"\n"
                digest.update(content)
                file.write(content)
                events += line.event
        return {"events": events, "sha256": digest.hexdigest()}
