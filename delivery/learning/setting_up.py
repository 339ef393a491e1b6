"""Begins a course at a location made for it, lets synthetic notes come there, and ends it.

The location is seen by its person only, counts in no figure, and is a sandbox one for good: no production connection
can be put there. What is prepared is written down as practice mode's deed, so that it is never taken for the person's.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery.intake import accept
from delivery.learning import synthetic
from delivery.learning.ecw import SimulatedEcw, found, teach
from delivery.learning.tables import Course
from delivery.serializers import NoteSerializer
from mapping.imports import save
from mapping.note import RuleSpec
from mapping.publishing import publish, save_rules, start_draft
from portal import connections, keys, locations
from portal.connections import Draft
from portal.models import (
    ApiKey,
    Connection,
    ConnectionKind,
    Environment,
    Location,
    Membership,
    Part,
    Practice,
    Role,
    Scribe,
    UnmappedPolicy,
    User,
)

COURSES = (Role.DIRECTOR, Role.MAPPING_EDITOR, Role.CLINICIAN)
SENDS, READS, SCRIBE = "Practice eCW, sends", "Practice eCW, reads back", "Practice mode (synthetic)"
FACILITY = "PRACTICE"
TOKEN = "sandbox-token"  # noqa: S105 - the simulated eCW's, which holds synthetic notes only
ENDED = "This course has ended."
FIRST_NOTES = 3


def ourselves() -> Actor:
    return Actor("worker", "practice-mode", "Practice mode")


@dataclass(frozen=True)
class Ways:
    """The two connections to the simulated eCW that every course of a practice uses."""

    sends: Connection
    reads: Connection


def begin(user: User, practice: Practice, role: str) -> Course:
    """The person's course for a role, with its location; one that was begun already goes on. Raises NoSimulatedEcw."""
    going = Course.objects.filter(user=user, role=role, ended_at=None).select_related("location").first()
    if going is not None:
        return going
    ecw = found()
    with acting(ourselves()), transaction.atomic():
        Practice.objects.select_for_update(no_key=True).get(pk=practice.pk)
        course = _made(user, practice, role)
        ways = _ways(practice, ecw)
    for facility in (course.location.code, FACILITY):  # a test of the connection asks for its own facility's templates
        teach(ecw, facility, synthetic.TEMPLATE, synthetic.at_ecw())
    with acting(ourselves()):
        _prepare(course, ways, user)
    with transaction.atomic():
        _record("course.begin", course)
    return course


def _record(event: str, course: Course) -> None:
    record(
        event,
        practice=course.location.practice.code,
        location=course.location.code,
        object_type="course",
        object_id=str(course.pk),
        detail={"role": str(course.role), "location": course.location.code},
    )


def _made(user: User, practice: Practice, role: str) -> Course:
    number = Location.objects.filter(practice=practice, for_learning=True).count() + 1
    taken = set(practice.locations.values_list("code", flat=True))
    code = next(name for name in (f"TRY-{place}" for place in range(number, number + 10_000)) if name not in taken)
    zone = practice.locations.filter(for_learning=False).values_list("time_zone", flat=True).first()
    location = locations.create(
        practice,
        code,
        f"Practice: {Role(role).label}",
        Environment.SANDBOX,
        zone or "America/New_York",
        for_learning=True,
    )
    locations.change(location, {"facility": code, "unmapped_policy": UnmappedPolicy.CATCH_ALL})
    course = Course.objects.create(user=user, role=role, location=location, begun_at=timezone.now())
    let_in(course)
    return course


@transaction.atomic
def let_in(course: Course) -> None:
    """The role at the course's location, for a person who holds it elsewhere; a sign-in service may have taken it."""
    at = course.location
    _, new = Membership.objects.get_or_create(
        user=course.user, practice_id=at.practice_id, location=at, role=course.role
    )
    if new:
        record(
            "authz.role.grant",
            practice=at.practice.code,
            location=at.code,
            object_type="user",
            object_id=str(course.user_id),
            detail={"user_id": course.user_id, "role": course.role},
        )


def _ways(practice: Practice, ecw: SimulatedEcw) -> Ways:
    hl7: dict[str, Any] = {
        "host": ecw.host,
        "port": ecw.mllp,
        "tls": False,
        "sending_application": "SCRIBEPORT",
        "receiving_application": "ECW",
        "receiving_facility": FACILITY,
        "sockets": 1,
    }
    reads = {"base_url": ecw.base, "practice_code": "LEARNS", "facility": FACILITY}
    return Ways(
        _connection(practice, ConnectionKind.HL7_MLLP, Draft(SENDS, hl7)),
        _connection(practice, ConnectionKind.OPENAPI, Draft(READS, reads, {"token": TOKEN})),
    )


def _connection(practice: Practice, kind: str, draft: Draft) -> Connection:
    """Made once; its address follows the simulated eCW's."""
    row = Connection.objects.filter(practice=practice, name=draft.name).first()
    if row is None:
        return connections.create(practice, kind, Environment.SANDBOX, draft)
    if any(row.settings.get(name) != value for name, value in draft.settings.items()) or not row.enabled:
        return connections.change(row, Draft(draft.name, draft.settings), row.revision)
    return row


def _prepare(course: Course, ways: Ways, user: User) -> None:
    """What the course takes for granted: nothing for a director, a template for an editor, notes for a clinician."""
    at = Location.objects.select_related("practice").get(pk=course.location_id)
    if course.role == Role.DIRECTOR:
        return
    locations.change(at, {"reading_connection": ways.reads})
    locations.set_routes(at, Part.NOTE, [ways.sends])
    save(at, synthetic.imported(), user=user, source="practice mode")
    if course.role == Role.CLINICIAN:
        _mapped(at, user)
        locations.change(at, {"review_first": True})
        for _ in range(FIRST_NOTES):
            let_a_note_come(course)


def _mapped(at: Location, user: User) -> None:
    template = at.templates.get()
    rules = [RuleSpec(code, field, position=place) for place, (code, field) in enumerate(synthetic.RULES.items(), 1)]
    draft = save_rules(start_draft(template, user), rules, synthetic.CATCH_ALL, user)
    publish(draft, user, reason="Prepared for practice.")


def let_a_note_come(course: Course) -> None:
    """The synthetic scribe posts one note, through the same door as every scribe."""
    at = Location.objects.select_related("practice").get(pk=course.location_id)
    scribe, _ = Scribe.objects.get_or_create(practice=at.practice, name=SCRIBE, defaults={"synthetic": True})
    key = ApiKey.objects.filter(scribe=scribe, locations=at, revoked_at=None).select_related("scribe__practice").first()
    if key is None:
        with acting(ourselves()), transaction.atomic():
            key, _ = keys.create(scribe, Environment.SANDBOX, locations=[at])
    body = synthetic.note(at.code, at.notes.count() + 1)
    checked = NoteSerializer(data=body)
    checked.is_valid(raise_exception=True)
    with acting(Actor("api_key", key.prefix, scribe.name)):
        accept(key, body, json.dumps(body).encode(), body["source_note_id"])


def end(course: Course) -> None:
    """Nothing is sent from its location any more; what was done there stays in the audit log."""
    with transaction.atomic():
        course.ended_at = timezone.now()
        course.save(update_fields=["ended_at"])
        for key in ApiKey.objects.filter(locations=course.location, scribe__name=SCRIBE, revoked_at=None):
            keys.revoke(key)
        locations.lock(course.location, ENDED)
        _record("course.end", course)
