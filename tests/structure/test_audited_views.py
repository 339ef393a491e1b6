"""Every address says here whether it shows patient data, and with which event: none shows any unrecorded.

A new address is added to VISITS: how it is reached, by whom, and either the event that each such answer must leave
(`records`) or nothing, where no patient data may stand in the answer. Each is then visited with a delivered note at hand.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from audit.actions import ACTIONS
from audit.configuration import registered
from audit.models import AuditEvent, PurgeRequest, Tree
from audit.record import record
from audit.retention import Held, hold
from delivery import misrouting
from delivery.alerts.models import Alert, AlertRecipient
from delivery.certification.evidence import keep as keep_artefact
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.events import sources
from delivery.events.kinds import Happening
from delivery.events.models import Event, EventSource
from delivery.events.taking import take
from delivery.models import Delivery, Issue, Job, JobItem
from delivery.pilot import feedback, steps
from delivery.pilot.feedback import Said
from delivery.pilot.tables import Pilot
from delivery.rehearsal import rehearse
from delivery.release.register import Entered, enter
from delivery.ways.changes import judge
from delivery.ways.models import CapabilityProbe, Deviation
from mapping.codes import code_lists
from mapping.codes.drug_files import drug_row
from mapping.codes.drug_imports import keep
from mapping.codes.icd10 import CodeList
from mapping.models import Field, PublishRequest, Rehearsal, Rule
from mapping.publishing import start_draft
from portal import keys
from portal.data_keys import DataKey
from portal.exports.asking import begin
from portal.exports.running import run_due
from portal.exports.tables import ExportJob, ExportPiece
from portal.models import (
    Agreement,
    ApiKey,
    Connection,
    EmergencyAccess,
    Environment,
    GroupRole,
    Membership,
    OAuthGrant,
    RecoveryCode,
    SecondFactor,
    SignInAttempt,
)
from portal.partner import Facts, File, write_down
from portal.revision import Revision
from tests.cast import Cast
from tests.delivery.events.senders import listening_scribe
from tests.delivery.fhir import fhir_connection, one_key
from tests.delivery.rows import make_delivery
from tests.structure import tree

pytestmark = pytest.mark.alike  # on the servers each address is asked in test_doors.py

PATIENT = {"id": "ZZQ-7701", "family": "Quackenbush", "given": "Zephyrine", "birth_date": "1957-02-13", "sex": "F"}
TEXT = "Xylophonic rales at both bases"
SECTIONS = [
    ("chief_complaint", "CHIEF COMPLAINT", f"{TEXT} for nine days.", "NF-01", "Chief Complaint"),
    ("physical_exam", "PHYSICAL EXAM", f"{TEXT}, no rub.", "NF-04", "Examination"),
]
CANARIES = ("ZZQ-7701", "Quackenbush", "Zephyrine", "1957", "Xylophonic")
NOTE = {
    "source_note_id": "nt-canary",
    "version": 1,
    "location": "NORTH",
    "patient": PATIENT,
    "encounter": {"id": "E5001", "start": "2026-03-19T10:15:00-05:00"},
    "provider": {"id": "DR7", "family": "Lee", "given": "Ann"},
    "sections": [{"code": "plan", "title": "PLAN", "text": TEXT}],
}
MAPPING = {
    "rules-TOTAL_FORMS": "1",
    "rules-INITIAL_FORMS": "0",
    "rules-0-section_code": "physical_exam",
    "rules-0-field_id": "NF-04",
}
REASON = {"reason": "Called by the clinic"}


@dataclass(frozen=True)
class World:
    """A practice with a delivered note, and what addresses are made of."""

    cast: Cast
    delivery: Delivery
    event: Any

    @property
    def template(self) -> Any:
        return self.cast.north_mapping.template


@dataclass(frozen=True)
class Visit:
    """One visit of an address; `records` is the event it must leave, "" where it may show no patient data."""

    records: str = ""
    args: Callable[[World], list[Any]] = lambda world: []
    who: str = "dana"
    post: dict[str, Any] | Callable[[World], dict[str, Any]] | None = None
    query: dict[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = (200, 201, 302, 400, 422, 503)


def of_delivery(world: World) -> list[Any]:
    return [world.delivery.pk]


def with_a_fhir_chart(world: World) -> list[Any]:
    """That nobody answers for: what was sent is shown all the same."""
    fhir_connection(world.cast, "http://127.0.0.1:1")
    return [world.delivery.pk]


def held_for_a_clinician(world: World) -> list[Any]:
    cast = world.cast
    Membership.objects.get_or_create(user=cast.dana, practice=cast.practice, location=None, role="clinician")
    held = make_delivery(cast, "held", reason_code="awaits_review", patient=PATIENT, sections=SECTIONS)
    return [held.pk]


def for_a_clinician(world: World) -> list[Any]:
    held_for_a_clinician(world)
    return of_delivery(world)


def said_of(world: World) -> list[Any]:
    """A clinician has said something of the note, in words."""
    feedback.give(world.delivery, world.cast.dana, Said(True, False, True, TEXT))
    return of_delivery(world)


def with_a_pilot(world: World) -> list[Any]:
    if not Pilot.objects.filter(location=world.cast.north).exists():
        steps.begin(world.cast.north, steps.Plan(("DR7",), (50,), {}))
    return ["NORTH"]


def a_deviation(world: World) -> list[Any]:
    """eCW does otherwise than in the run before."""
    row = {"connection": 0, "name": "", "key": "write", "label": "Takes a note", "says": ""}
    north = world.cast.north
    for outcome in ("yes", "no"):
        run = CapabilityProbe.objects.create(location=north, by="dana", findings=[{**row, "outcome": outcome}])
    made = judge(run) or Deviation.objects.get(location=north)
    return ["NORTH", {**REASON, "deviation": made.pk, "probe": made.probe_id}]


def of_an_issue(world: World) -> list[Any]:
    now = timezone.now()
    made = Issue.objects.create(location=world.cast.north, reason_code="ae", first_seen=now, last_seen=now)
    return [made.pk]


def made_to(world: World, state: str) -> Delivery:
    return make_delivery(world.cast, state)


def of_a_group(world: World) -> list[Any]:
    return [GroupRole.objects.create(practice=world.cast.practice, group="it", role="director").pk]


def of_an_emergency(world: World) -> list[Any]:
    now = timezone.now()
    cast = world.cast
    made = EmergencyAccess.objects.create(
        user=cast.omar, practice=cast.practice, reason="Service away", opened_at=now, ends_at=now
    )
    return [made.pk]


def of_a_job(world: World) -> list[Any]:
    cast = world.cast
    made = Job.objects.create(
        practice=cast.practice, verb="cancel", created_by=cast.dana, created_at=timezone.now(), total=1
    )
    JobItem.objects.create(job=made, position=1, delivery=made_to(world, "held"))
    return [made.pk]


def of_template(world: World) -> list[Any]:
    return [world.template.pk]


def a_stop(world: World) -> int:
    """The template is stopped: a section of a note stood in another field."""
    found = [{"outcome": "moved", "field_id": "NF-02", "found_in": "NF-03"}]
    stop = misrouting.stop_for(world.delivery.pk, found) or misrouting.stop_of(world.template)
    assert stop is not None
    return stop.pk


def of_a_draft(world: World) -> list[Any]:
    return [start_draft(world.template, world.cast.mel).template_id]


def of_a_rehearsal(world: World) -> list[Any]:
    return [rehearse(start_draft(world.template, world.cast.mel), world.cast.mel).pk]


def of_a_code_list(world: World) -> list[Any]:
    codes = CodeList.of("October 2026", ["I10"])
    return [code_lists.add(world.cast.practice, codes, date(2026, 10, 1), world.cast.dana).pk]


def of_a_drug(world: World) -> list[Any]:
    return [
        keep(world.cast.practice, drug_row({"rxcui": "314076", "name": "L", "ecw_id": "1"}), world.cast.dana, "x").pk
    ]


def of_an_unknown_drug(world: World) -> list[Any]:
    medication = {"text": TEXT, "ndc": "0093-1113-01"}
    held = make_delivery(world.cast, "held", part="medications", reason_code="drug_unknown", medications=[medication])
    return [held.pk, 0]


def of_north(world: World) -> list[Any]:
    return ["NORTH"]


def of_mel(world: World) -> list[Any]:
    return [world.cast.mel.pk]


def of_a_second_role(world: World) -> list[Any]:
    cast = world.cast
    role = Membership.objects.create(user=cast.mel, practice=cast.practice, location=cast.south, role="operator")
    return [cast.mel.pk, role.pk]


def a_key(world: World) -> ApiKey:
    return keys.create(world.cast.scribe, Environment.SANDBOX)[0]


def with_the_stored_note(world: World) -> dict[str, Any]:
    return {**MAPPING, "preview_note": str(world.delivery.note_version_id)}


def a_hold(world: World) -> list[Any]:
    return [hold("lakeside", Held("location", "NORTH"), "Court order", "7").pk]


def a_month(world: World) -> list[Any]:
    return [Tree.objects.get_or_create(practice="lakeside", month="201501", size=1)[0].pk]


def a_purge(world: World) -> list[Any]:
    (tree,) = a_month(world)
    made = PurgeRequest.objects.create(tree_id=tree, reason="x", asked_by="somebody", asked_at=timezone.now())
    return [made.pk]


def a_request(world: World) -> list[Any]:
    what = Entered("patient", date(2026, 2, 1), "Zephyrine Quackenbush", TEXT, PATIENT["id"])
    return [enter(world.cast.practice, what, world.cast.dana).pk]


def of_a_document(world: World) -> list[Any]:
    write_down(world.cast.practice, "soc2", Facts("open"), File("report.pdf", b"%PDF"))
    return ["soc2"]


def an_export(world: World) -> list[Any]:
    return [begin(world.cast.dana, "audit", {"format": "csv", "query": "", "location": ""}).pk]


def an_export_of_everything(world: World) -> list[Any]:
    """Asked for by the auditor's colleague: the auditor decides."""
    return [begin(world.cast.dana, "ehi", {"format": "zip", "patient": ""}).pk, "approve"]


def a_made_export(world: World) -> list[Any]:
    made = an_export(world)
    run_due()
    return made


def an_agreement(world: World) -> Agreement:
    return Agreement.objects.create(
        practice=world.cast.practice, kind="baa_ecw", party="eCW " * 45, signed_on=date(2026, 1, 2)
    )


def of_connection(world: World) -> list[Any]:
    return [world.cast.reader.pk]


def a_fhir_connection(world: World) -> Connection:
    made = Connection.objects.create(
        practice=world.cast.practice,
        name="eCW FHIR",
        kind="fhir",
        environment="sandbox",
        settings={"base_url": "http://127.0.0.1:1/fhir/r4/LAKESI", "client_id": "scribeport"},
    )
    made.set_secrets({"signing_key_pem": one_key()})
    made.save()
    return made


def a_source(world: World) -> EventSource:
    made = EventSource.objects.filter(location=world.cast.north, way="webhook").first()
    return made or sources.create(world.cast.north, "webhook", {})[0]


def an_event(world: World) -> list[Any]:
    """The patient has checked in, and the scribe is asked to begin."""
    told = Happening("patient.checked_in", "E5001", PATIENT["id"], "DR7", timezone.now(), "m-1")
    listening_scribe(world.cast)
    take(a_source(world), told)
    return []


def of_a_closed_visit(world: World) -> Any:
    """eCW has closed the patient's visit, and no note of it came."""
    told = Happening("encounter.closed", "E5009", PATIENT["id"], "DR7", timezone.now() - timedelta(hours=4), "m-9")
    event = Event.objects.filter(kind=told.kind).first() or take(a_source(world), told).event
    return event.pk


def a_closed_visit(world: World) -> list[Any]:
    of_a_closed_visit(world)
    return []


def a_day(world: World) -> list[Any]:
    of_a_closed_visit(world)
    return ["NORTH", "2026-03-19"]


def a_certification(world: World) -> CertificationRun:
    """A run that is over, with an artefact of a patient like the canary's."""
    run, made = CertificationRun.objects.get_or_create(
        location=world.cast.north, state="failed", by="dana", subject={"templates": {}, "ways": {}, "unmapped": "hold"}
    )
    if made:
        kept = keep_artefact(run, "connections.json", json.dumps({"patient": PATIENT}).encode())
        CertificationResult.objects.create(
            run=run, position=1, name="connections", title="t", passed=True, says="s", seconds=0, artefact=kept
        )
    return run


def of_an_alert(world: World) -> list[Any]:
    place, now = world.cast.north, timezone.now()
    times = {"opened_at": now, "changed_at": now, "seen_at": now}
    row, _ = Alert.objects.get_or_create(
        practice=place.practice, location=place, place=place.code, kind="uncertain", defaults=times
    )
    return [row.pk]


def of_a_recipient(world: World) -> list[Any]:
    return [AlertRecipient.objects.create(practice=world.cast.practice, way="email", address="it@lakeside.example").pk]


def told_of(world: World) -> int:
    """The scribe is told that a visit has begun."""
    an_event(world)
    return world.cast.scribe.pk


PLAN = {
    "others": "DR7", "percents": "25, 50", "fresh_days": "7", "window": "days", "window_size": "7", "least_notes": "20",
    "least_verified": "98", "most_misfiled": "0", "most_edits": "100", "most_p50_seconds": "60",
    "most_p95_seconds": "600", "least_feedback": "30", "least_good": "80",
}  # fmt: skip
LIMITS = {"uncertain_minutes": "20", "silence_minutes": "0", "escalate_minutes": "30", "near_days": "14"}
RECIPIENT = {"way": "email", "address": "it@lakeside.example", "level": "1", "time_zone": "America/New_York"}
FEED = {
    "port": "26610",
    "peers": "127.0.0.1/32",
    "patient_field": "PID-2",
    "starts_on": ["encounter.opened"],
    "within_minutes": "60",
}
VISITS: dict[str, list[Visit]] = {
    # The deliveries: masked patients in the lists, content behind a recorded view.
    "delivery:deliveries": [
        Visit("note.list"),
        Visit("note.list", query={"provider": "p" * 300, "since": "2026-01-01", "state": "verified"}),
    ],
    "delivery:rows": [Visit("note.list")],
    "delivery:issues": [Visit()],
    "delivery:issue": [Visit(args=of_an_issue)],
    "delivery:issues-act": [
        Visit(
            "issue.change",
            args=lambda world: ["acknowledge"],
            post=lambda world: {"id": of_an_issue(world)},
        )
    ],
    "delivery:issue-act": [Visit("issue.change", args=lambda world: [*of_an_issue(world), "acknowledge"], post={})],
    "delivery:bulk": [
        Visit(args=lambda world: ["cancel"]),
        Visit("job.begin", args=lambda world: [made_to(world, "held") and "cancel"], post=REASON),
    ],
    "delivery:job": [Visit(args=of_a_job)],
    "delivery:job-step": [Visit("job.step", args=lambda world: [*of_a_job(world), "pause"], post={})],
    "delivery:why": [Visit(), Visit("note.search", post={"patient": PATIENT["id"]})],
    # Closed visits without a verified note: patients masked; numbers alone on the first page.
    "delivery:completeness": [Visit(args=a_closed_visit), Visit(query={"days": "31", "until": "2026-03-19"})],
    "delivery:completeness-export": [Visit("report.export")],
    "delivery:completeness-day": [Visit("visit.list", args=a_day)],
    "delivery:completeness-day-export": [Visit("visit.list", args=a_day), Visit("report.export", args=a_day)],
    "delivery:why-visit": [Visit("visit.view", args=lambda world: [of_a_closed_visit(world)])],
    "delivery:reveal-visit": [
        Visit(args=lambda world: [of_a_closed_visit(world)]),
        Visit("visit.view", args=lambda world: [of_a_closed_visit(world)], post=REASON),
    ],
    "delivery:narrow": [Visit(), Visit(query={"template": "FM", "section": "hpi", "took": "5m", "replayed": "no"})],
    "delivery:list-exports": [Visit(), Visit("export.begin", post={})],
    "delivery:row-menu": [Visit(args=of_delivery)],
    "delivery:columns": [Visit(post={"column": "patient"})],
    # Reports: numbers.
    "delivery:report": [Visit(), Visit(query={"kind": "month"})],
    "delivery:report-mailing": [Visit(post={}), Visit("report.mailing", post={"weekly": "NORTH"})],
    "delivery:report-file": [
        Visit("report.export", args=lambda world: ["csv"]),
        Visit("report.export", args=lambda world: ["pdf"]),
    ],
    # Alerts: counts, codes and things of ours.
    "delivery:alerts": [Visit(args=lambda world: of_an_alert(world)[:0])],
    "delivery:alerts-take": [Visit("alert.change", args=lambda world: of_an_alert(world)[:0], post={})],
    "delivery:alert": [Visit(args=of_an_alert)],
    "delivery:alert-take": [Visit("alert.change", args=of_an_alert, post={})],
    "delivery:alert-settings": [Visit(), Visit("alert.settings", post=LIMITS)],
    "delivery:alert-recipient-new": [Visit(), Visit("alert.recipient", post=RECIPIENT)],
    "delivery:alert-recipient": [
        Visit(args=of_a_recipient),
        Visit("alert.recipient", args=of_a_recipient, post=RECIPIENT),
    ],
    "delivery:alert-recipient-act": [
        Visit("alert.test", args=lambda world: [*of_a_recipient(world), "test"], post={}),
        Visit("alert.recipient", args=lambda world: [*of_a_recipient(world), "remove"], post={}),
    ],
    "delivery:above": [Visit(), Visit(query={"range": "30d"})],
    "delivery:releases": [Visit(), Visit("export.begin", post={"patient": PATIENT["id"]})],
    "delivery:ehi-requests": [Visit("ehi.view")],
    "delivery:ehi-answer": [
        Visit("ehi.answer", args=a_request, post={"answer": "provided", "on": f"{date(2026, 3, 1)}"})
    ],
    "delivery:search": [Visit("note.search", post={"q": PATIENT["id"]}), Visit("note.search", post={"q": "nobody"})],
    "delivery:delivery": [
        Visit(args=of_delivery, query={"tab": tab}) for tab in ("timeline", "sections", "message", "attempts", "audit")
    ],
    "delivery:content": [
        Visit("note.view", args=lambda world, tab=tab: [world.delivery.pk, tab], post={})
        for tab in ("sections", "message", "attempts")
    ],
    "delivery:compare-chart": [Visit("note.view", args=with_a_fhir_chart, post={})],
    "delivery:review": [
        Visit("note.view", args=held_for_a_clinician, who="dana"),
        Visit("note.edit", args=held_for_a_clinician, post={"deed": "save", "text-0": "Changed"}),
    ],
    "delivery:reveal": [Visit("note.view", args=of_delivery, post=REASON)],
    "delivery:feedback": [
        Visit("note.feedback", args=for_a_clinician, post={"poor_format": "on", "text": TEXT, "from": "review"})
    ],
    "delivery:feedback-read": [Visit("note.view", args=said_of, post={})],
    "delivery:act": [
        Visit("chart.ask", args=lambda world: [make_delivery(world.cast, "accepted").pk, "verify"], post=REASON),
        Visit("delivery.cancelled", args=lambda world: [make_delivery(world.cast, "held").pk, "cancel"], post=REASON),
        Visit(args=lambda world: [world.delivery.pk, "cancel"], post=REASON),
    ],
    "delivery:app-data": [Visit()],
    "delivery:events": [Visit(args=an_event)],
    "delivery:event-source": [
        Visit(args=lambda world: ["NORTH", "webhook"]),
        Visit("event.source", args=lambda world: ["NORTH", "mllp"], post=FEED),
    ],
    "delivery:endpoint": [
        Visit(args=lambda world: [told_of(world), "sandbox"]),
        Visit(
            "endpoint.change",
            args=lambda world: [world.cast.scribe.pk, "sandbox"],
            post={"url": "http://127.0.0.1:1/", "types": ["delivery.held"]},
        ),
    ],
    "delivery:endpoint-act": [
        Visit("endpoint.test", args=lambda world: [told_of(world), "sandbox", "test"], post={}),
        Visit("endpoint.secret", args=lambda world: [told_of(world), "sandbox", "secret"], post={}),
        Visit("endpoint.resume", args=lambda world: [told_of(world), "sandbox", "resume"], post={}),
    ],
    "delivery:event-secret": [
        Visit("event.secret", args=lambda world: [a_source(world).location.code, "webhook"], post={})
    ],
    "delivery:held": [
        Visit(args=of_template),
        Visit("delivery.release_held", args=of_template, post=lambda world: {"mapping": world.cast.north_mapping.pk}),
    ],
    "delivery:misrouted": [
        Visit(args=of_template),
        Visit("template.resume", args=of_template, post=lambda world: {**REASON, "stop": a_stop(world)}),
    ],
    "delivery:discover": [Visit(args=of_north, post={})],
    "delivery:probe": [Visit(args=of_connection, post={})],
    # Capabilities of connections: of no patient.
    "delivery:ways": [Visit(args=of_north)],
    # Practice mode: invented notes of nobody, at a location of one's own.
    "delivery:learning": [Visit()],
    "delivery:course": [Visit(args=lambda world: ["clinician"], answers=(404,))],
    "delivery:course-begin": [Visit(args=lambda world: ["clinician"], post={})],
    "delivery:course-note": [Visit(args=lambda world: ["clinician"], post={}, answers=(404,))],
    "delivery:course-leave": [Visit(args=lambda world: ["clinician"], post={}, answers=(404,))],
    "delivery:sheet": [Visit(args=of_north)],
    "delivery:sheet-file": [
        Visit("report.export", args=lambda world: ["NORTH", "csv"]),
        Visit("report.export", args=lambda world: ["NORTH", "pdf"]),
    ],
    "delivery:facts": [Visit(args=of_north)],
    "delivery:changes": [Visit(args=of_north), Visit(args=lambda world: a_deviation(world)[:1])],
    "delivery:accept-change": [Visit("ecw.accept", args=of_north, post=lambda world: a_deviation(world)[1])],
    # A pilot's page: counts, providers, numbers.
    "delivery:pilot": [Visit(args=of_north), Visit(args=with_a_pilot)],
    "delivery:pilot-plan": [Visit("pilot.begin", args=of_north, post=PLAN)],
    "delivery:pilot-step": [
        Visit("pilot.window", args=lambda world: [*with_a_pilot(world), "window"], post={**REASON, "step": "1"}),
        Visit("pilot.narrow", args=lambda world: [*with_a_pilot(world), "narrow"], post={**REASON, "step": "1"}),
    ],
    "delivery:certification": [Visit(args=of_north)],
    "delivery:certify": [Visit("certification.begin", args=of_north, post={"notes": "3", "seconds": "9"})],
    "delivery:certification-sign": [Visit(args=lambda world: ["NORTH", 1], post={}, answers=(404,))],
    "delivery:certification-report": [
        Visit(args=lambda world, kind=kind: [a_certification(world).pk, kind]) for kind in ("html", "json", "sig")
    ],
    "delivery:certification-artefact": [
        Visit("certification.view", args=lambda world: [a_certification(world).pk, "connections.json"])
    ],
    "delivery:probe-location": [Visit("location.probe", args=of_north, post={})],
    "delivery:test-connection": [Visit(args=of_connection, post={})],
    "delivery:close-breaker": [Visit(args=of_connection, post={})],
    "delivery:authorize": [Visit(args=lambda world: [a_fhir_connection(world).pk])],
    "delivery:authorized": [Visit(query={"state": "unknown", "code": "x"})],
    "delivery:check-scopes": [Visit(args=lambda world: [a_fhir_connection(world).pk], post={})],
    "delivery:jwks": [Visit(args=lambda world: [a_fhir_connection(world).pk], who="nobody")],
    "delivery:leave-recovery": [Visit(post={}, answers=(403,))],  # of two practices neither ends it for the other
    "delivery:preview": [
        Visit(args=of_template, who="mel", post=MAPPING),
        Visit("note.preview", args=of_template, who="mel", post=with_the_stored_note),
    ],
    # Codes: of code systems, of no patient.
    "codes:drugs": [Visit(), Visit(query={"q": "lisinopril"}, who="ava")],
    "codes:drug-new": [Visit()],
    "codes:drug": [Visit(args=of_a_drug)],
    "codes:drug-remove": [Visit(args=of_a_drug, post={})],
    "codes:drug-import": [Visit()],
    "codes:drug-import-save": [Visit(post={})],
    "workbench:waiting": [Visit()],
    "workbench:decide": [Visit(args=of_an_unknown_drug)],
    "workbench:words": [Visit("note.view", args=of_an_unknown_drug, post={})],
    "codes:diagnoses": [Visit(), Visit(query={"code": "J45"}, who="ava")],
    "codes:diagnosis-upload": [Visit(post={})],
    "codes:diagnosis-remove": [Visit(args=of_a_code_list, post={})],
    # The scribe's API.
    "api:notes": [
        Visit("note.ingest", who="scribe", post=NOTE),
        Visit("note.refuse", who="scribe", post={**NOTE, "sections": []}),
        Visit("note.view", who="scribe", query={"source_note_id": "nt-1"}),
    ],
    "api:note": [Visit("note.view", who="scribe", args=lambda world: [world.delivery.note_id])],
    "api:retract": [Visit("note.retract", who="scribe", args=lambda world: [world.delivery.note_id], post={})],
    "api:delivery": [Visit("note.view", who="scribe", args=of_delivery)],
    "api:event": [Visit(who="nobody", args=lambda world: [a_source(world).public_id], post={}, answers=(401,))],
    "api:schema": [Visit(who="nobody")],
    "api:docs": [Visit(who="nobody")],
    # The audit log: blind indexes only; looking is recorded all the same.
    "portal:audit": [Visit("audit.view", who="ava")],
    "portal:audit-event": [Visit("audit.view", who="ava", args=lambda world: [world.event])],
    "portal:audit-export": [Visit("audit.export", who="ava")],
    "portal:audit-patient": [Visit(who="ava", post={"patient": PATIENT["id"]})],
    "portal:audit-exports": [Visit(), Visit("export.begin", post={"format": "csv"})],
    "portal:export": [Visit(args=an_export)],
    "portal:export-cancel": [Visit("export.end", args=an_export, post={})],
    "portal:export-decide": [Visit("export.approve", who="ava", args=an_export_of_everything, post={})],
    "portal:export-file": [Visit("export.fetch", args=a_made_export)],
    "portal:retention": [
        Visit(who="ava"),
        Visit(
            "audit.hold.set",
            post={"hold-kind": "patient", "hold-patient": PATIENT["id"], "hold-reason": "Court order"},
        ),
    ],
    "portal:retention-years": [Visit("audit.retention.set", post={"years": "12"})],
    "portal:hold-lift": [Visit("audit.hold.lift", args=a_hold, post=REASON)],
    "portal:purge-ask": [Visit(args=a_month, post=REASON)],
    "portal:purge-decide": [
        Visit("audit.purge.approve", args=lambda world: [*a_purge(world), "approve"], post={}),
        Visit("audit.purge.withdraw", args=lambda world: [*a_purge(world), "withdraw"], post={}),
    ],
    # What knows no patient.
    "portal:home": [Visit()],
    "operator:metrics": [Visit(who="nobody", answers=(404,))],
    "portal:healthz": [Visit(who="nobody")],
    "portal:readyz": [Visit(who="nobody")],
    "portal:sign-in": [Visit(who="nobody")],
    "portal:openid": [Visit(who="nobody", answers=(404,))],  # no service is set up
    "portal:openid-callback": [Visit(who="nobody", answers=(404,))],
    "portal:second-step": [Visit(who="nobody")],
    "portal:emergency": [Visit(who="nobody", answers=(404,))],  # no service is required
    "portal:emergency-review": [Visit("auth.breakglass.review", args=of_an_emergency, post={})],
    "portal:second-factor": [Visit(), Visit(post={"deed": "begin"})],
    "portal:sign-out": [Visit(post={})],
    "portal:password": [Visit()],
    "portal:appearance": [Visit(post={"theme": "dark"})],
    "portal:connections": [Visit()],
    "portal:connection-new": [Visit(args=lambda world: ["hl7"])],
    "portal:connection": [Visit(args=of_connection)],
    "portal:connection-edit": [Visit(args=of_connection)],
    "portal:settings": [Visit()],
    "portal:location-new": [Visit()],
    "portal:location": [Visit(args=of_north)],
    "portal:routes": [Visit(args=of_north, post={})],
    "portal:location-lock": [Visit("location.lock", args=lambda world: ["NORTH", "lock"], post=REASON)],
    "portal:scribes": [Visit()],
    "portal:key-new": [Visit(args=lambda world: [world.cast.scribe.pk])],
    "portal:key-revoke": [Visit("key.revoke", args=lambda world: [a_key(world).pk], post={})],
    "portal:agreements": [Visit()],
    "portal:agreement-end": [Visit("agreement.end", args=lambda world: [an_agreement(world).pk], post={})],
    "portal:sign-in-settings": [Visit(), Visit("config.change", post={"group": "it", "role": "director"})],
    "portal:group-remove": [Visit(args=of_a_group, post={})],
    "portal:partner": [Visit()],
    "portal:partner-step": [
        Visit(args=lambda world: ["soc2"]),
        Visit("partner.change", args=lambda world: ["soc2"], post={"state": "open"}),
    ],
    "portal:partner-file": [Visit("partner.fetch", args=of_a_document)],
    "portal:people": [Visit()],
    "portal:person-new": [Visit()],
    "portal:person": [Visit(args=of_mel)],
    "portal:role-revoke": [Visit("authz.role.revoke", args=of_a_second_role, post={})],
    "portal:account": [
        Visit("authz.user.disable", args=lambda world: [world.cast.mel.pk, "disable"], post={}),
        Visit("auth.factor.remove", args=lambda world: [world.cast.mel.pk, "factor"], post={}),
        Visit("authz.user.password", args=lambda world: [world.cast.mel.pk, "password"], post={}),
    ],
    "mapping:templates": [Visit()],
    "mapping:import": [Visit(args=of_north)],
    "mapping:import-columns": [Visit(args=of_north, post={})],
    "mapping:import-save": [Visit(args=of_north, post={})],
    "mapping:template": [Visit(args=of_template)],
    "mapping:template-version": [Visit(args=lambda world: [world.template.pk, 1])],
    "mapping:defaults": [Visit(args=of_template, post={})],
    "mapping:mapping": [Visit(args=of_template)],
    "mapping:check": [Visit(args=of_template, post={})],
    "mapping:accept": [Visit(args=of_template, post={"accept": "plan"})],
    "mapping:drift": [Visit(args=of_template), Visit(args=of_template, post={})],
    "mapping:compare": [Visit()],
    "mapping:values": [Visit(args=of_template)],
    "mapping:copy": [Visit(args=of_template), Visit(args=of_template, post={})],
    "mapping:default": [Visit()],
    "mapping:make-default": [
        Visit(args=of_template),
        Visit(args=of_template, post={"action": "look", "sections": ["plan"], "scope": "every"}),
        Visit(
            "mapping.default",
            args=of_template,
            post=lambda world: {
                "action": "publish",
                "sections": ["plan"],
                "scope": "every",
                "seen": f"{world.cast.north_mapping.pk}:every:plan",
                "reason": "One plan for all of us",
            },
        ),
    ],
    "mapping:return": [Visit(args=lambda world: [world.cast.north_mapping.pk], post={})],
    "delivery:rehearse": [Visit(args=of_template, post={}), Visit("mapping.rehearse", args=of_a_draft, post={})],
    "delivery:rehearsal": [Visit(args=of_a_rehearsal)],
    "mapping:version": [Visit(args=lambda world: [world.cast.north_mapping.pk])],
}


def names(resolver: URLResolver, within: str = "") -> set[str]:
    found = set()
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            found |= names(pattern, f"{within}{pattern.namespace}:" if pattern.namespace else within)
        else:
            found.add(f"{within}{pattern.name}")
    return found


def test_every_address_says_whether_it_shows_patient_data():
    assert names(get_resolver()) - VISITS.keys() == set(), "add these to VISITS, with the event each must leave"
    assert VISITS.keys() - names(get_resolver()) == set()


def test_every_event_a_visit_must_leave_can_be_recorded():
    assert {visit.records for visits in VISITS.values() for visit in visits} - {""} <= ACTIONS.keys()


@pytest.fixture
def world(cast, monkeypatch) -> World:
    monkeypatch.setattr("delivery.bell.publish", lambda task, identifier: None)
    delivery = make_delivery(cast, patient=PATIENT, sections=SECTIONS)
    delivery.note.source_note_id = "nt-1"
    delivery.note.save()
    event = record("note.view", practice="lakeside", location="NORTH", subject_bidx=delivery.note_version.patient_bidx)
    return World(cast, delivery, event)


def client_of(world: World, who: str) -> Client:
    if who == "scribe":
        _, secret = keys.create(world.cast.scribe, Environment.SANDBOX)
        return Client(headers={"Authorization": f"Bearer {secret}"})
    client = Client()
    if who != "nobody":
        client.force_login(getattr(world.cast, who))
    return client


def made(world: World, name: str, visit: Visit) -> Any:
    client, address = client_of(world, visit.who), reverse(name, args=visit.args(world))
    if visit.post is None:
        return client.get(address, visit.query)
    if visit.who == "scribe":
        body = json.dumps(visit.post)
        return client.post(address, body, content_type="application/json", headers={"Idempotency-Key": "once"})
    return client.post(address, visit.post(world) if callable(visit.post) else visit.post)


def shown(response: Any) -> str:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    # (A length says nothing of a patient, but may have the digits of a year in it.)
    return body.decode() + str([(name, value) for name, value in response.items() if name != "Content-Length"])


@pytest.mark.parametrize(
    "name, visit",
    [
        pytest.param(name, visit, id=f"{name}-{place}")
        for name, all_ in VISITS.items()
        for place, visit in enumerate(all_)
    ],
)
def test_no_address_shows_patient_data_unrecorded(world, name, visit):
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    response = made(world, name, visit)
    assert response.status_code in visit.answers, response.status_code
    left = [event for event in AuditEvent.objects.exclude(pk__in=before) if event.event == visit.records]
    if visit.records:
        assert left, f"{name} leaves no {visit.records}"
        assert all(event.practice == "lakeside" for event in left)
        assert {event.actor_type for event in left} == {"api_key" if visit.who == "scribe" else "user"}
    else:
        text = shown(response)
        assert [canary for canary in CANARIES if canary in text] == []


def test_the_visits_would_notice_patient_data(world):
    (sections, *_) = VISITS["delivery:content"]
    assert TEXT in shown(made(world, "delivery:content", sections))
    (reveal,) = VISITS["delivery:reveal"]
    assert "Quackenbush" in shown(made(world, "delivery:reveal", reveal))


OPENERS = {
    "delivery/completeness/visits.py": "opens visits without a verified note, patients masked until a recorded view",
    "delivery/actions.py": "seals the frozen message again for a replay's own row",
    "delivery/certification/evidence.py": "keeps and opens the evidence of synthetic notes, each view recorded",
    "delivery/document_verification.py": "opens the note whose attached documents are looked for in the chart",
    "delivery/events/asking.py": "opens whose visit is looked up before a scribe is told of it",
    "delivery/contents.py": "opens what the delivery pages show, each behind a recorded view",
    "delivery/entry_verification.py": "opens the note whose coded entries are looked for in the chart",
    "delivery/file_verification.py": "opens the document that is compared with what was left for a partner",
    "delivery/pilot/feedback.py": "opens what clinicians wrote of a note, behind a recorded view",
    "delivery/plans.py": "opens the frozen plan the chart is compared with",
    "delivery/intake.py": "compares a note posted again with the first",
    "delivery/webhooks/sending.py": "opens what a scribe is told, for posting it",
    "delivery/two_secrets.py": "opens the secrets that sign webhooks, shows none",
    "delivery/outgoing.py": "maps, renders and sends",
    "delivery/release/contents.py": "opens notes and messages for the practice's own export, under data.export",
    "delivery/release/register.py": "opens who asked for information, under ehi.view",
    "delivery/patients.py": "masks patients for the lists",
    "portal/exports/tables.py": "opens the pieces of an export for whoever asked for it, under export.fetch",
    "portal/factors/tables.py": "opens a second factor's seed, shown to its person while it is set up",
    "portal/models.py": "opens a connection's secrets",
    "portal/partner.py": "opens a document of the partner registration, under partner.fetch",
    "portal/rotation.py": "seals every value again under another key; shows none",
    "portal/tokens.py": "opens a connection's OAuth tokens",
}


def test_what_is_sealed_is_opened_in_these_places_only():
    found = {str(path) for path in tree.product() if "unseal(" in tree.text(path)} - {"portal/crypto.py"}
    assert found == OPENERS.keys()


# Not configuration, or written as a whole with an event that says what changed.
UNREGISTERED = {
    Revision: "one random value that every change of the configuration replaces; the changes are recorded",
    DataKey: "wrapped keys; encryption.rewrap, .rotate and .destroy record what is done to them",
    ExportJob: "what was asked for and how far it is; export.begin, .fetch and .end record it",
    ExportPiece: "an export's file, sealed, for a day",
    SecondFactor: "a sealed seed; auth.factor.set and .remove record it",
    RecoveryCode: "codes of a second factor; auth.factor.codes records new ones",
    EmergencyAccess: "an hour of emergency; auth.breakglass.open, .close and .review record it",
    SignInAttempt: "counted tries, kept thirty days; signing in has its own events",
    Field: "the fields of a template version, frozen and fingerprinted; template.import records them",
    OAuthGrant: "tokens, renewed every few minutes; connection.authorize and .unauthorized say what a person must know",
    Rule: "the rules of a mapping; publishing.py records mapping.change for each",
    Rehearsal: "what a replay found; mapping.rehearse records it",
    PublishRequest: "a request to a second person; mapping.ask_second records it",
}


def test_every_model_of_portal_and_mapping_is_registered_or_says_why_not():
    ours = {model for app in ("portal", "mapping") for model in apps.get_app_config(app).get_models()}
    others = {model for model in registered() if model._meta.app_label not in ("portal", "mapping")}
    assert ours == {*registered(), *UNREGISTERED} - others


def test_rules_and_fields_are_written_in_one_place_each():
    def writers(model: type[models.Model]) -> set[str]:
        marks = [
            f"{model.__name__}.objects.{way}(" for way in ("create", "bulk_create", "bulk_update", "update_or_create")
        ]
        return {str(path) for path in tree.product() if any(mark in tree.text(path) for mark in marks)}

    assert writers(Rule) == {"mapping/publishing.py"}
    assert writers(Field) == {"mapping/imports.py"}


SILENCERS = ("disable_auditlog", "auditlog.unregister", "_base_manager", "save_base(", "_raw_delete(", "mask_fields")


def test_nobody_writes_configuration_past_the_log():
    # The other exchanges sealed values under the same content: no entry ever holds one, and rotation has its own events.
    allowed = {"audit/configuration.py", "portal/rotation.py"}
    found = {str(path) for path in tree.product() if any(word in tree.text(path) for word in SILENCERS)}
    assert found <= allowed


def test_no_statement_of_our_own_writes_configuration():
    tables = "|".join(model._meta.db_table for model in registered())
    pattern = re.compile(rf"(UPDATE|INSERT INTO|DELETE FROM)\s+\"?({tables})\b", re.IGNORECASE)
    assert [str(path) for path in tree.product() if pattern.search(tree.text(path))] == []


def test_the_librarys_middleware_is_not_used():
    assert not any("auditlog" in name for name in settings.MIDDLEWARE)
