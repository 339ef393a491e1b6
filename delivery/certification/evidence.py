"""Keeps what proves a test: each piece sealed as an artefact, and one account of the test that names them all.

What is opened here is synthetic: a run posts nothing else, and takes evidence of its own deliveries only.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from audit.event import AuditEvent
from delivery import contents
from delivery.certification.models import CertificationArtefact, CertificationRun
from delivery.models import Attempt, Delivery
from portal import crypto

JSON = "application/json"
LONGEST = 83  # of an artefact's 120: behind it come a control id and ".read-back.json"


def keep(run: CertificationRun, name: str, content: bytes, content_type: str = JSON) -> CertificationArtefact:
    """Seal one artefact of a run."""
    row = CertificationArtefact(run=run, name=name, content_type=content_type)
    row.sha256 = hashlib.sha256(content).hexdigest()
    row.sealed_content = crypto.seal(content, table="certificationartefact", column="content", row=row.pk)
    row.save()
    return row


def file_name(test: str) -> str:
    """A test's name as one part of an address and of a file's name; whatever a template's code holds is encoded.

    What would be longer than an artefact's name may be ends in a hash of the whole instead.
    """
    name = quote(test, safe="")
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def open_artefact(artefact: CertificationArtefact) -> bytes:
    """The content; raises CannotOpen."""
    return crypto.unseal(artefact.sealed_content, table="certificationartefact", column="content", row=artefact.pk)


def encoded(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode()


class Account:
    """What one test did, step by step, the facts it found, and the artefacts it rests on."""

    def __init__(self, run: CertificationRun, name: str, title: str) -> None:
        self.run, self.name, self.title = run, name, title
        self.steps: list[dict[str, str]] = []
        self.facts: dict[str, Any] = {}
        self.deliveries: list[dict[str, Any]] = []

    def step(self, what: str, came: str = "done") -> None:
        self.steps.append({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "step": what, "came": came})

    def rests_on(self, deliveries: list[Delivery]) -> None:
        """Take the evidence of each delivery: its message, the answers, the read-back, its moves and audit events."""
        for delivery in deliveries:
            self.deliveries.append(self._evidence(delivery))

    def _evidence(self, delivery: Delivery) -> dict[str, Any]:
        moves = delivery.moves.order_by("pk").values_list("to_state", "reason_code", "at")
        return {
            "delivery": delivery.pk,
            "control_id": delivery.control_id,
            "part": delivery.part,
            "state": str(delivery.state),
            "proof": delivery.proof,
            "moves": [{"to": to, "reason": reason, "at": at.isoformat()} for to, reason, at in moves],
            "sections": delivery.section_outcomes,
            "artefacts": [self._reference(row) for row in self._artefacts(delivery)],
            "audit_events": events_of(delivery),
        }

    def _artefacts(self, delivery: Delivery) -> list[CertificationArtefact]:
        name = f"{file_name(self.name)}.{delivery.control_id}"
        found = []
        wire = contents.wire_of(delivery)
        if wire is not None:
            raw = crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=wire.pk)
            found.append(keep(self.run, f"{name}.message", raw, wire.content_type))
        for attempt in Attempt.objects.filter(delivery=delivery).order_by("number"):
            found.append(keep(self.run, f"{name}.answer{attempt.number}.json", encoded(answer(attempt))))
        reading = contents.last_reading(delivery)
        if reading is not None:
            found.append(keep(self.run, f"{name}.read-back.json", encoded(contents.sections_read(reading))))
        return found

    @staticmethod
    def _reference(row: CertificationArtefact) -> dict[str, str]:
        return {"name": row.name, "sha256": row.sha256}

    def close(self, says: str, passed: bool) -> CertificationArtefact:
        """The account itself, the artefact that the result links to."""
        content = {
            "test": self.name,
            "title": self.title,
            "passed": passed,
            "says": says,
            "steps": self.steps,
            "facts": self.facts,
            "deliveries": self.deliveries,
        }
        return keep(self.run, f"{file_name(self.name)}.json", encoded(content))


def answer(attempt: Attempt) -> dict[str, Any]:
    """One try and what the receiver said to it."""
    return {
        "attempt": attempt.number,
        "intent_at": attempt.intent_at.isoformat(),
        "finished_at": attempt.finished_at.isoformat() if attempt.finished_at else None,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "reason": attempt.reason_code,
        "wire_sha256": attempt.wire_sha256,
        "answer": list(contents.answer(attempt)),
    }


def events_of(delivery: Delivery) -> list[dict[str, str]]:
    """The audit events of a delivery, in order; audit.json of the run proves each."""
    rows = AuditEvent.objects.filter(object_type="delivery", object_id=str(delivery.pk)).order_by("id")
    return [{"event": event, "id": str(key)} for event, key in rows.values_list("event", "id")]
