"""What the delivery tests share: a scribe's key and client, and a note to post."""

import json

import pytest
from django.test import Client

from portal import keys
from portal.models import Environment
from tests.cast import NORTH_FIELDS
from tests.sandbox.desk import Process as SandboxProcess

NOTE = {
    "source_note_id": "nt-000417",
    "version": 1,
    "location": "NORTH",
    "patient": {"id": "P1001", "family": "Okafor", "given": "Lena", "birth_date": "1981-07-19", "sex": "F"},
    "encounter": {"id": "E5001", "start": "2026-03-19T10:15:00-05:00"},
    "provider": {"id": "DR7", "npi": "1234567893", "family": "Lee", "given": "Ann"},
    "sections": [
        {"code": "chief_complaint", "title": "CHIEF COMPLAINT", "text": "Cough for nine days."},
        {"code": "history_of_present_illness", "title": "HPI", "text": "Worse at night.\nNo fever."},
        {"title": "Plan:", "text": "Rest & fluids | return if fever."},
    ],
}


def a_note(**changes):
    """The note above with other values at the top level."""
    return {**json.loads(json.dumps(NOTE)), **changes}


class Scribe:
    """Posts like a scribe does."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})
        self.posted = 0

    def post(self, note, key: str = "", **headers):
        self.posted += 1
        body = note if isinstance(note, bytes) else json.dumps(note).encode()
        headers = {"Idempotency-Key": key or f"key-{self.posted}", **headers}
        return self.client.post("/api/v1/notes", body, content_type="application/json", headers=headers)

    def get(self, path: str):
        return self.client.get(f"/api/v1/{path}")

    def retract(self, note_id: str):
        return self.client.post(f"/api/v1/notes/{note_id}/retract")


@pytest.fixture
def scribe(cast):
    _, secret = keys.create(cast.scribe, Environment.SANDBOX)
    return Scribe(secret)


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch, request):
    """No broker in unit tests: what would have been rung is collected instead."""
    rung: list[int] = []
    monkeypatch.setattr("delivery.bell.publish", lambda task, identifier: rung.append(identifier))
    return rung


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory):
    """One simulated eCW for all tests of a run; `ecw` empties it for each."""
    process = SandboxProcess(tmp_path_factory.mktemp("ecw"))
    yield process
    process.stop()


class Ecw:
    """The simulated eCW, knowing the cast's two templates, with the cast's connections pointing at it."""

    def __init__(self, process, cast) -> None:
        self.process = process
        process.api("POST", "/reset")
        process.api("PUT", "/faults", {"faults": []})
        cast.hl7.settings |= {"port": process.mllp, "tls": False}
        cast.hl7.save()
        cast.reader.settings |= {"base_url": f"http://127.0.0.1:{process.http}"}
        cast.reader.save()
        self.teach("NORTH", "FM-PROGRESS", NORTH_FIELDS)

    def teach(self, facility, code, fields):
        rows = [
            {"field_id": field_id, "label": label, "position": place, "max_length": limit}
            for place, (field_id, label, limit) in enumerate(fields, start=1)
        ]
        self.process.api("PUT", f"/facilities/{facility}/templates/{code}", {"name": code, "fields": rows})

    def fault(self, kind, **settings):
        self.process.api("POST", "/faults", {"kind": kind, **settings})

    def heal(self):
        self.process.api("PUT", "/faults", {"faults": []})

    def filings(self):
        return self.process.filings()


@pytest.fixture
def ecw(sandbox_process, cast, settings):
    settings.LINGER_SECONDS = 0.0
    settings.SETTLE_SECONDS = settings.DOUBT_SETTLE_SECONDS = 0.2
    return Ecw(sandbox_process, cast)


@pytest.fixture(autouse=True)
def own_mark(settings, tmp_path):
    """Each test's database is a new one, and so is the mark outside it."""
    settings.INCARNATION_FILE = tmp_path / "outside" / "incarnation"
