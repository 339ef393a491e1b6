"""Take notes in: everything in one transaction, then the answer, then the bell.

Notes that arrive in the same moments share a transaction (delivery/group.py); each has its own fate. The same
Idempotency-Key with the same body gets the first answer again; with another body it is refused. A higher version of a
note supersedes what still waits of the older ones.
"""

import hashlib
import os
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import uuid_utils.compat
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.record import Entry, acting, current
from delivery import bell, sql
from delivery.affected import by_problems
from delivery.answers import note_answer
from delivery.group import Group
from delivery.known import MOST_TOGETHER, Answer, Known, Posting, look_up
from delivery.models import Delivery, IdempotencyKey, Note, NoteVersion
from delivery.overtaken import ask_to_strike
from delivery.places import Destination, Places, Refusal, kept
from delivery.posted import PostedNote, Wrong, note_of
from delivery.states import State
from delivery.transition import Ticket, begin, tickets, transition
from delivery.visits import other_visit, visit_index
from portal import crypto
from portal.models import ApiKey

DEADLINE = timedelta(hours=24)
RETRIES = 3
Fate = Answer | Exception


@dataclass
class Arrival:
    """A note version about to be stored, with its deliveries."""

    posting: Posting
    to: Destination
    is_new: bool  # the note; else a further version of it
    late: bool  # a newer version has been here before
    version: NoteVersion
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def codes(self) -> tuple[str, str]:
        return self.to.location.practice.code, self.to.location.code


def accept(key: ApiKey, data: dict[str, Any], body: bytes, idempotency_key: str) -> Answer:
    """Store the note and its deliveries, ring the bell; returns the answer, or raises Refusal."""
    return together.submit(
        Posting(
            key=key,
            actor=current().actor,
            posted=note_of(data),
            body=body,
            key_hash=hashlib.sha256(idempotency_key.encode()).hexdigest(),
            body_sha256=hashlib.sha256(body).hexdigest(),
        )
    )


def take_in(postings: Sequence[Posting]) -> list[Fate]:
    """Several notes in one transaction. What spoils that spoils it for one note only: then each has its own."""
    # In one order everywhere: two processes that take the same notes in must not wait for each other in a circle.
    order = sorted(range(len(postings)), key=lambda place: sorted(postings[place].names))
    try:
        fates = commit([postings[place] for place in order])
    except Exception:
        kept.forget()
        if len(postings) > 1 and not connection.is_usable():
            raise
        fates = [alone(postings[place]) for place in order]
    by_place = dict(zip(order, fates, strict=True))
    return [by_place[place] for place in range(len(postings))]


def alone(posting: Posting) -> Fate:
    for _ in range(RETRIES):
        try:
            return commit([posting])[0]
        except IntegrityError:
            kept.forget()
            continue  # the same key or note arrived in the same moment: look again, its answer stands now
        except Exception as error:
            kept.forget()
            return error
    return Refusal(409, [Wrong("", "The same note or key is being taken in at this moment; ask again in a second.")])


def commit(postings: Sequence[Posting]) -> list[Fate]:
    """One transaction, in rounds: postings that share a key or a note see each other's outcome. Then the bell."""
    fates: dict[int, Fate] = {}
    lane_ids: set[int] = set()
    with transaction.atomic():
        waiting = list(range(len(postings)))
        while waiting:
            taken: set[str] = set()
            turn = [place for place in waiting if not _shares(postings[place], taken)]
            outcome, woken = store([postings[place] for place in turn])
            fates |= dict(zip(turn, outcome, strict=True))
            lane_ids |= woken
            waiting = [place for place in waiting if place not in fates]
    bell.ring(lane_ids)
    return [fates[place] for place in range(len(postings))]


def _shares(posting: Posting, taken: set[str]) -> bool:
    shared = bool(taken & posting.names)
    taken |= posting.names
    return shared


def store(postings: Sequence[Posting]) -> tuple[list[Fate], set[int]]:
    """Insert everything, in the caller's transaction; returns each one's answer or refusal, and the lanes to wake."""
    known = look_up(postings)
    places = kept.under(known.revision)
    found = [look_at(posting, known, places) for posting in postings]
    arrivals = [one for one in found if isinstance(one, Arrival)]
    answers = iter(insert(arrivals))
    lanes = {
        row.lane_id
        for arrival in arrivals
        for row in arrival.deliveries
        if row.lane_id is not None and row.state == State.READY
    }
    return [next(answers) if isinstance(one, Arrival) else one for one in found], lanes


def look_at(posting: Posting, known: Known, places: Places) -> Arrival | Fate:
    """What is to be stored of a posting; or the answer it has had before; or why it is refused."""
    try:
        to = places.destination(posting.key, posting.posted)
        first = known.answer(posting)
        if first is not None:
            return first
        note = known.note(posting, to)
        versions = known.versions[note.pk] if note else {}
        if note and posting.posted.version in versions:
            return same_version_again(posting, note, to)
        changed = other_visit(posting.posted, versions.values())
        if changed:
            raise Refusal(422, changed)
    except Refusal as refusal:
        return refusal
    late = any(number > posting.posted.version for number in versions)
    arrival = Arrival(posting, to, note is None, late, new_version(posting, note or new_note(posting, to), to))
    arrival.deliveries = [new_delivery(arrival, part, places) for part in posting.posted.parts]
    return arrival


def same_version_again(posting: Posting, note: Note, to: Destination) -> Answer:
    """The version is there already: the same content is answered, other content is a mistake."""
    version = note.versions.get(number=posting.posted.version)
    before = crypto.unseal(version.sealed_body, table="noteversion", column="body", row=version.pk)
    if hashlib.sha256(before).hexdigest() != posting.body_sha256:
        words = "This version of the note was posted before with other content. Raise the version to amend it."
        raise Refusal(422, [Wrong("/version", words)])
    answer = note_answer(note, version, list(version.deliveries.order_by("pk")), to.location.code)
    sql.insert([answered(posting, answer)])
    return answer


def new_note(posting: Posting, to: Destination) -> Note:
    return Note(
        id=uuid_utils.compat.uuid7(),
        practice_id=to.location.practice_id,
        location=to.location,
        scribe_id=posting.key.scribe_id,
        source_note_id=posting.posted.source_note_id,
        created_at=timezone.now(),
    )


def new_version(posting: Posting, note: Note, to: Destination) -> NoteVersion:
    posted, key = posting.posted, uuid_utils.compat.uuid7()
    patient_bidx, encounter_bidx = visit_index(posted)
    return NoteVersion(
        id=key,
        note=note,
        number=posted.version,
        received_at=timezone.now(),
        sealed_body=crypto.seal(posting.body, table="noteversion", column="body", row=key),
        template=to.template,
        visit_type=posted.visit_type,
        provider_id=posted.visit.provider_id,
        provider_name=f"{posted.visit.provider_family}, {posted.visit.provider_given}".strip(", "),
        encounter_start=posted.visit.start,
        patient_bidx=patient_bidx,
        encounter_bidx=encounter_bidx,
        correlation_id=str(key),
        empty_sections=empty_sections(posted) or None,
    )


def empty_sections(posted: PostedNote) -> list[dict[str, Any]]:
    """The sections without text: nothing is sent of them, and they are listed as empty all the same."""
    return [
        {"index": section.index, "code": section.code, "title": section.title}
        for section in posted.sections
        if not section.text.strip()
    ]


def new_delivery(arrival: Arrival, part: str, places: Places) -> Delivery:
    """One part's delivery in its first state: ready, or held with the problem named."""
    version, location = arrival.version, arrival.to.location
    route = places.way(location, part, None if arrival.is_new else version.note_id)
    reason_code, problems = places.first_problem(arrival.to, arrival.posting.posted, part)
    if arrival.late:
        reason_code, problems = "older_version", ()
    state = State.SUPERSEDED if arrival.late else State.HELD if reason_code else State.READY
    now = timezone.now()
    return Delivery(
        note_version=version,
        note=version.note,
        encounter_bidx=version.encounter_bidx,
        provider_id=version.provider_id,
        template_id=version.template_id,
        practice_id=location.practice_id,
        location=location,
        part=part,
        connection=route.connection if route else None,
        lane=places.lane(route, version.encounter_bidx),
        state=state.value,
        reason_code=reason_code,
        **by_problems([problem.__dict__ for problem in problems]),
        control_id=new_control_id(),
        not_before=now,
        deadline=now + DEADLINE,
        created_at=now,
        updated_at=now,
    )


def new_control_id() -> str:
    """20 characters of base32 from 96 random bits: never from a sequence, which a restored database would repeat."""
    return b32encode(os.urandom(12)).decode().rstrip("=")


def insert(arrivals: Sequence[Arrival]) -> list[Answer]:
    """Notes, versions and deliveries, then what tells of them: moves, audit events, and the answers, returned."""
    notes = [arrival.version.note for arrival in arrivals if arrival.is_new]
    versions = [arrival.version for arrival in arrivals]
    sql.insert([row for arrival in arrivals for row in arrival.deliveries], others=[notes, versions])
    for arrival in arrivals:
        if not arrival.is_new and not arrival.late:
            supersede_older(arrival)
    answers = [answer_of(arrival) for arrival in arrivals]
    begin(
        [
            (ticket(row, arrival), State(row.state), row.reason_code)
            for arrival in arrivals
            for row in arrival.deliveries
        ],
        first=[ingest_entry(arrival) for arrival in arrivals],
        others=[answered(arrival.posting, answer) for arrival, answer in zip(arrivals, answers, strict=True)],
    )
    return answers


def supersede_older(arrival: Arrival) -> None:
    """What still waits of older versions gives way; what was sent already is followed by a correction.

    A part that the new version leaves out has none: what was sent of it is struck by a person.
    """
    older = Delivery.objects.filter(note=arrival.version.note).exclude(note_version=arrival.version)
    with acting(arrival.posting.actor):
        for state in (State.HELD, State.READY):
            waiting = tickets(older.filter(state=state).values_list("pk", flat=True))
            transition(waiting, state, State.SUPERSEDED, reason_code="superseded")
    ask_to_strike(older.exclude(part__in=arrival.posting.posted.parts))


def ingest_entry(arrival: Arrival) -> Entry:
    (practice, location), version, posted = arrival.codes, arrival.version, arrival.posting.posted
    return Entry(
        "note.ingest",
        practice=practice,
        location=location,
        subject_bidx=version.patient_bidx,
        encounter_bidx=version.encounter_bidx,
        object_type="note",
        object_id=str(version.note_id),
        object_version=str(version.number),
        correlation_id=version.correlation_id,
        purpose_of_use="TREAT",
        data_category=("transcribed_note",),
        detail={"version": version.number, "sections": len(posted.sections), "parts": list(posted.parts)},
        actor=arrival.posting.actor,
    )


def ticket(row: Delivery, arrival: Arrival) -> Ticket:
    version = arrival.version
    return Ticket(
        row.pk,
        *arrival.codes,
        version.patient_bidx,
        version.encounter_bidx,
        str(version.pk),
        version.correlation_id,
        row.part,
        arrival.posting.actor,
    )


def answer_of(arrival: Arrival) -> Answer:
    return note_answer(arrival.version.note, arrival.version, arrival.deliveries, arrival.to.location.code)


def answered(posting: Posting, answer: Answer) -> IdempotencyKey:
    """The row that keeps what was answered to an Idempotency-Key."""
    return IdempotencyKey(
        scribe_id=posting.key.scribe_id,
        key_hash=posting.key_hash,
        body_sha256=posting.body_sha256,
        api_key=posting.key,
        answer=answer,
        created_at=timezone.now(),
    )


together: Group[Posting, Answer] = Group(take_in, MOST_TOGETHER)
