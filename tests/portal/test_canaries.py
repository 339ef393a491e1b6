"""A hundred forced failures with marked patients: no mark in a log line, the broker, a metric, an address, a title or a row.

Every value that says something of a patient carries the mark. What is kept of a note is sealed; what is told of a failure
is codes and places.
"""

import io
import json
import logging
import re
import sys
import traceback
from pathlib import Path

import pytest
from celery.backends.base import DisabledBackend
from django.apps import apps
from django.conf import settings as conf
from django.core import mail
from django.core.signals import got_request_exception
from django.test import Client
from django.urls import reverse

from delivery.channels.base import CannotExpress, NoAnswer, Refused, Unavailable
from delivery.channels.mllp import Hl7Channel
from delivery.poll import guarded
from delivery.states import State
from portal import keys
from portal.celery import app
from portal.logging import StandardError
from portal.models import Environment, Membership, Role
from tests.delivery.rows import make_delivery
from tests.delivery.test_sending import run_lanes

MARK = "Qzxcanary"
PATIENT = {
    "id": f"{MARK}7701",
    "family": f"{MARK}Okafor",
    "given": f"{MARK}Lena",
    "birth_date": "1981-07-19",
    "sex": "F",
}
NOTE = {
    "version": 1,
    "location": "NORTH",
    "template": "FM-PROGRESS",
    "visit_type": "in_person",
    "patient": PATIENT,
    "encounter": {"id": f"{MARK}E5001", "start": "2026-03-19T10:15:00-05:00"},
    "provider": {"id": "DR7", "npi": "1234567893", "family": "Lee", "given": "Ann"},
    "sections": [{"code": "plan", "title": f"{MARK} PLAN", "text": f"{MARK} rales"}],
    "diagnoses": [{"system": "icd-10-cm", "code": "J20.9", "text": f"{MARK} bronchitis"}],
    "medications": [{"text": f"{MARK}icillin daily", "ndc": "00093-1113-01"}],
    "allergies": [{"text": f"{MARK}nuts", "reaction": f"{MARK}hives"}],
}
RAW = {
    "cut off": lambda body: body[:-20],
    "no number": lambda body: body.replace(b'"version": 1', b'"version": NaN'),
    "twice the same name": lambda body: body.replace(b'"version": 1', b'"version": 1, "version": 1'),
    "a list": lambda body: b"[" + body + b"]",
    "no JSON": lambda body: f"patient={MARK}".encode(),
    "other bytes": lambda body: body.replace(b"rales", b"r\xe4les"),
    "deep": lambda body: b"[" * 6000 + body,
    "nothing": lambda body: b"",
    "half a letter": lambda body: body.replace(b"rales", b"\\ud800"),
}
INSIDE = (
    "delivery.intake.insert",
    "delivery.intake.new_version",
    "delivery.intake.new_delivery",
    "delivery.intake.empty_sections",
    "delivery.intake.answer_of",
    "delivery.intake.look_up",
    "delivery.intake.crypto.seal",
    "delivery.places.apply",
)
TELEMETRY = {"opentelemetry", "sentry_sdk", "newrelic", "ddtrace"}  # none of them is there to be told a trace
PAGES = ("sections_read", "posted_sections", "patient", "wire_of")


def leaves(value, at=()):
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*at, key))
    else:
        yield at, value


def with_leaf(at, value):
    note = json.loads(json.dumps(NOTE))
    inner = note
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return note


class Failures:
    """Brings failures about and keeps what each showed; `names` are the distinct ones."""

    def __init__(self, cast, monkeypatch):
        self.cast, self.patch = cast, monkeypatch
        _, bearer = keys.create(cast.scribe, Environment.SANDBOX)
        self.scribe = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {bearer}"})
        self.person = Client(raise_request_exception=False)
        Membership.objects.create(user=cast.dana, practice=cast.practice, location=None, role=Role.CLINICIAN)
        self.person.force_login(cast.dana)
        self.names, self.went_well, self.posted = set(), set(), 0
        self.addresses, self.titles, self.traces = [], [], []
        got_request_exception.connect(self._trace)

    def _trace(self, **sent):
        """Each exception that no view caught, as a process shows it that shows too much: how many there were."""
        self.traces.append(traceback.format_exc())

    def failed(self, name, answer, least=400):
        (self.names if answer.status_code >= least else self.went_well).add(name)
        text = answer.content.decode()
        self.addresses.append(answer.headers.get("Location", ""))
        self.addresses += re.findall(r'(?:href|action|src|hx-get|hx-post)="([^"]*)"', text)
        self.titles += re.findall(r"<title>(.*?)</title>", text, re.DOTALL)
        return text

    def post(self, body, **more):
        self.posted += 1
        body = body if isinstance(body, bytes) else json.dumps({"source_note_id": f"nt-{self.posted}", **body}).encode()
        headers = {"Idempotency-Key": more.pop("key", f"key-{self.posted}")}
        return self.scribe.post("/api/v1/notes", body, content_type="application/json", headers=headers, **more)

    def bodies(self):
        for at, value in leaves(NOTE):
            place = "/".join(map(str, at))
            for kind, wrong in (("kind", {"x": MARK}), ("control", f"{MARK}{value}\x1c"), ("list", [MARK])):
                self.failed(f"{place} {kind}", self.post(with_leaf(at, wrong)))
        for name, spoil in RAW.items():
            good = json.dumps({"source_note_id": "nt-raw", **NOTE}).encode()
            self.failed(name, self.post(spoil(good)))

    def conflicts(self):
        assert self.post({**NOTE, "source_note_id": "nt-x"}, key="one").status_code == 201
        again = {**NOTE, "source_note_id": "nt-x"}
        other = {**again, "sections": [{"code": "plan", "title": "PLAN", "text": f"{MARK} other"}]}
        self.failed("the key with another body", self.post(other, key="one"))
        self.failed("the version with another body", self.post(other))
        patient = {**again, "version": 2, "patient": {**PATIENT, "id": f"{MARK}9"}}
        self.failed("a version of another patient", self.post(patient))
        for name, code in (("location", f"{MARK}WEST"), ("template", f"{MARK}-T")):
            self.failed(f"an unknown {name}", self.post({**NOTE, name: code}))
        asked = self.scribe.get("/api/v1/notes", {"source_note_id": MARK})
        self.failed("an unknown note", asked)
        stranger = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {MARK}"})
        self.failed("an unknown key", stranger.get("/api/v1/notes", {"source_note_id": MARK}))

    def inside(self):
        for where in INSIDE:
            with self.patch.context() as patch:
                patch.setattr(where, fails)
                self.failed(where, self.post(NOTE), 500)

    def pages(self):
        one = make_delivery(self.cast, State.MISFILED, patient=PATIENT)
        held = make_delivery(self.cast, State.HELD, patient=PATIENT)
        for name in PAGES:
            with self.patch.context() as patch:
                patch.setattr(f"delivery.contents.{name}", fails)
                tab = reverse("delivery:content", args=[one.pk, "sections"])
                address = reverse("delivery:reveal", args=[one.pk]) if name == "patient" else tab
                if name == "posted_sections":
                    address = reverse("delivery:content", args=[held.pk, "sections"])
                answer = self.person.post(address, {"reason": "Called by the clinic"})
                self.failed(f"page {name}", answer, 500)
        review = reverse("delivery:review", args=[held.pk])
        self.failed("a text that cannot travel", self.person.post(review, {"deed": "save", "text-0": f"{MARK}\x1c"}))
        self.failed("no reason", self.person.post(review, {"deed": "reject", "text-0": MARK}))
        for path in (
            f"/{MARK}",
            f"/deliveries/{MARK}/",
            f"/audit/{MARK}/",
            f"/settings/locations/{MARK}/",
            "/?location=" + MARK,
        ):
            self.failed(path, self.person.get(path))
        self.failed("NUL", self.person.get(reverse("delivery:deliveries"), {"q": f"{MARK}\0"}))
        self.failed("another host", self.person.get("/", headers={"host": f"{MARK}.example"}))
        unsigned = Client(enforce_csrf_checks=True)
        form = {"username": MARK, "password": MARK}
        self.failed("an unsigned form", unsigned.post(reverse("portal:sign-in"), form))
        self.failed("nobody", Client().post(reverse("portal:sign-in"), form), 200)

    def sending(self):
        wrong = {
            "no answer": NoAnswer("ack_timeout", answer=MARK.encode()),
            "refused": Refused("ae", "AE", answer=MARK.encode()),
            "away": Unavailable("connection_refused", "x", answer=MARK.encode()),
            "broken": RuntimeError(MARK),
            "a wrong value": ValueError(MARK),
        }
        for name, error in wrong.items():
            self._sent(name, "send", error)
        self._sent("cannot be said", "render", CannotExpress("cannot_express", "/sections/0"))
        self._sent("cannot be made", "render", KeyError(MARK))

    def _sent(self, name, method, error):
        def raises(*arguments):
            raise error

        with self.patch.context() as patch:
            patch.setattr(Hl7Channel, "open", lambda channel: None)
            patch.setattr(Hl7Channel, method, raises)
            note = {**NOTE, "encounter": {"id": f"{MARK}{name}"}}
            assert (
                self.post(
                    {key: note[key] for key in note if key not in ("diagnoses", "medications", "allergies")}
                ).status_code
                == 201
            )
            guarded(run_lanes)
        self.names.add(f"sending: {name}")


def fails(*arguments, **named):
    raise RuntimeError(f"{PATIENT} {MARK}")


def rows():
    """Everything that stands in the database, as anybody who has a copy of it reads it."""
    for model in apps.get_models():
        for row in model._base_manager.values():
            yield (
                model.__name__,
                " ".join(
                    bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v) for v in row.values()
                ),
            )


@pytest.fixture
def log_lines(monkeypatch):
    """What the product's own handlers write (pytest's see the raw records)."""
    written = io.StringIO()
    ours = [one for one in logging.getLogger().handlers if isinstance(one, StandardError)]
    assert ours
    for handler in ours:
        monkeypatch.setattr(handler, "stream", written)
    return written


@pytest.mark.django_db(transaction=True)
def test_S20_a_hundred_failures_leave_no_mark_anywhere(cast, monkeypatch, log_lines, settings):
    settings.METRICS_TOKEN = "a-token-of-thirty-two-characters!"
    failures = Failures(cast, monkeypatch)
    for bring_about in (failures.bodies, failures.conflicts, failures.inside, failures.pages, failures.sending):
        bring_about()
    metrics = Client().get("/metrics", headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"})
    assert metrics.status_code == 200
    broker = [path for path in Path(conf.DATA_DIR).glob("broker/**/*") if path.is_file()]
    sinks = {
        "log": log_lines.getvalue(),
        "metrics": metrics.content.decode(),
        "traces": " ".join(re.findall(r"trace=\S+", log_lines.getvalue())),
        "reports by mail": " ".join(f"{one.subject} {one.body} {one.alternatives}" for one in mail.outbox),
        "broker": "".join(path.read_text(errors="replace") for path in broker),
        "addresses": " ".join(failures.addresses),
        "titles": " ".join(failures.titles),
        **{f"rows of {name}": text for name, text in rows() if MARK.lower() in text.lower()},
    }
    assert failures.went_well == set()
    assert len(failures.names) >= 100, len(failures.names)
    assert "request refused or failed" in sinks["log"]
    # The very exceptions carried marks; what is written of them is where they were raised.
    assert sum(MARK in one for one in failures.traces) >= len(INSIDE)
    assert sinks["traces"].count("trace=") >= len(INSIDE)
    assert isinstance(app.backend, DisabledBackend)  # so no task's result or traceback is kept
    assert not [name for name in sys.modules if name.partition(".")[0] in TELEMETRY]
    assert {name for name, text in sinks.items() if MARK.lower() in text.lower()} == set()


def test_a_mark_in_a_sink_would_be_seen(cast):
    cast.north.name = f"{MARK} Clinic"
    cast.north.save()
    assert any(MARK in text for _, text in rows())
