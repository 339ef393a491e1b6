"""Deliveries for the screens' tests: rows as intake, lanes and verification leave them, inserted in any state."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from delivery.affected import by_outcomes, by_problems
from delivery.due import whole
from delivery.models import Attempt, Delivery, Move, Note, NoteVersion, Reading, Wire
from delivery.outcomes import Outcome, changes_of, complete_attempts, fall_back, tell_breaker
from delivery.states import TROUBLE, State
from delivery.transition import change_all
from portal import crypto
from portal.models import Connection
from tests.cast import Cast

LENA = {"id": "P1001", "family": "Okafor", "given": "Lena", "birth_date": "1981-07-19", "sex": "F"}
SECTIONS = [
    ("chief_complaint", "CHIEF COMPLAINT", "Cough for nine days.", "NF-01", "Chief Complaint"),
    ("history_of_present_illness", "HPI", "Dry cough, worse at night.\nNo fever.", "NF-02", "HPI"),
    ("physical_exam", "PHYSICAL EXAM", "Lungs clear to auscultation.", "NF-04", "Examination"),
]
FAILED_OUTCOMES = ("refused", "unavailable", "no_answer")
# The states a delivery passes through on its usual way to each state.
WAYS: dict[State, tuple[State, ...]] = {
    State.HELD: (State.HELD,),
    State.READY: (State.READY,),
    State.SENDING: (State.READY, State.SENDING),
    State.ACCEPTED: (State.READY, State.SENDING, State.ACCEPTED),
    State.VERIFIED: (State.READY, State.SENDING, State.ACCEPTED, State.VERIFIED),
    State.MISFILED: (State.READY, State.SENDING, State.ACCEPTED, State.MISFILED),
    State.REJECTED: (State.READY, State.SENDING, State.REJECTED),
    State.UNKNOWN: (State.READY, State.SENDING, State.UNKNOWN),
    State.PARKED: (State.READY, State.SENDING, State.UNKNOWN, State.PARKED),
    State.SUPERSEDED: (State.READY, State.SUPERSEDED),
    State.CANCELLED: (State.READY, State.CANCELLED),
}
TRIES = {State.REJECTED: "refused", State.UNKNOWN: "no_answer", State.PARKED: "no_answer", State.SENDING: ""}


def control_id() -> str:
    return base64.b32encode(os.urandom(13)).decode()[:20]


def note_version(
    cast: Cast,
    *,
    location=None,
    patient: dict[str, str] = LENA,
    encounter: str = "E5001",
    sections: Sequence[tuple[str, str, str, str, str]] = SECTIONS,
    provider: tuple[str, str] = ("DR7", "Ann Lee"),
    received_at: datetime | None = None,
    medications: Sequence[dict[str, str]] = (),
) -> NoteVersion:
    location = location or cast.north
    received_at = received_at or timezone.now()
    note = Note.objects.create(
        id=uuid.uuid4(),
        practice=location.practice,
        location=location,
        scribe=cast.scribe,
        source_note_id=f"nt-{uuid.uuid4().hex[:12]}",
        created_at=received_at,
    )
    pk = uuid.uuid4()
    body = {
        "source_note_id": note.source_note_id,
        "version": 1,
        "location": location.code,
        "patient": patient,
        "encounter": {"id": encounter, "start": "2026-03-19T10:15:00-05:00"},
        "provider": {"id": provider[0], "family": provider[1].split()[-1], "given": provider[1].split()[0]},
        "sections": [{"code": code, "title": title, "text": text} for code, title, text, *_ in sections],
        **({"medications": list(medications)} if medications else {}),
    }
    return NoteVersion.objects.create(
        id=pk,
        note=note,
        number=1,
        received_at=received_at,
        sealed_body=crypto.seal(json.dumps(body).encode(), table="noteversion", column="body", row=pk),
        template=location.templates.first(),
        provider_id=provider[0],
        provider_name=provider[1],
        encounter_start=received_at,
        patient_bidx=crypto.blind_index("patient", patient["id"]),
        encounter_bidx=crypto.blind_index("encounter", encounter),
        correlation_id=uuid.uuid4().hex,
    )


def make_delivery(
    cast: Cast,
    state: State | str = State.VERIFIED,
    *,
    reason_code: str = "",
    outcomes: Sequence[str] = (),
    tries: Sequence[str] | None = None,
    problems: Sequence[dict[str, Any]] = (),
    in_chart: Sequence[str] | None = None,
    part: str = "note",
    apart: float = 2,
    **note: Any,
) -> Delivery:
    """One delivery with its moves (so many seconds apart), attempts, wire and (once read) its reading.

    `note` goes to note_version().
    """
    state = State(state)
    sections = note.get("sections", SECTIONS)
    version = note_version(cast, **note)
    at = version.received_at
    way = WAYS[state]
    sent = State.SENDING in way
    if tries is None:
        tries = [TRIES.get(state, "accepted")] if sent else []
    if not outcomes and state in (State.VERIFIED, State.MISFILED):
        outcomes = ["verified"] * len(sections)
    rows = [
        {"index": index, "code": code, "title": title, "field_id": field_id, "outcome": outcome}
        for index, ((code, title, _, field_id, _), outcome) in enumerate(zip(sections, outcomes, strict=False))
    ]
    delivery = Delivery.objects.create(
        note_version=version,
        note=version.note,
        encounter_bidx=version.encounter_bidx,
        provider_id=version.provider_id,
        template_id=version.template_id,
        ever_failed=state in TROUBLE or any(word in FAILED_OUTCOMES for word in tries),
        practice=version.note.practice,
        location=version.note.location,
        part=part,
        connection=cast.hl7,
        mapping_version=cast.north_mapping,
        state=state,
        reason_code=reason_code,
        problems=list(problems),
        affected=by_outcomes(rows)["affected"] or by_problems(problems)["affected"],
        control_id=control_id(),
        attempts=len(tries),
        not_before=at,
        deadline=at + timedelta(hours=24),
        created_at=at,
        updated_at=at + timedelta(seconds=2 * len(way)),
        accepted_at=at + timedelta(seconds=4) if State.ACCEPTED in way else None,
        verified_at=at + timedelta(seconds=6) if state is State.VERIFIED else None,
        took_seconds=6 if state is State.VERIFIED else None,
        section_outcomes=rows,
        proof="field" if rows else "",
        readings_made=1 if rows else 0,
    )
    add_moves(delivery, way, reason_code, apart=apart)
    if sent:
        add_wire(delivery, sections)
    for number, outcome in enumerate(tries, start=1):
        add_attempt(cast, delivery, number, outcome, reason_code)
    if rows:
        add_reading(cast, delivery, rows, sections, in_chart)
    return delivery


def add_moves(
    delivery: Delivery, way: Sequence[State], reason_code: str = "", actor: str = "worker w1", apart: float = 2
) -> None:
    before = ""
    for place, state in enumerate(way):
        Move.objects.create(
            delivery=delivery,
            from_state=before,
            to_state=state,
            at=delivery.created_at + timedelta(seconds=apart * place),
            reason_code=reason_code if state == way[-1] else "",
            actor=actor,
        )
        before = state


def hl7(delivery: Delivery, sections: Sequence[tuple[str, str, str, str, str]]) -> bytes:
    segments = [
        f"MSH|^~\\&|SCRIBEPORT|LAKESIDE|ECW|NORTH|20260319101500+0000||ORU^R01^ORU_R01|{delivery.control_id}|T|2.5.1",
        "PID|1||P1001||Okafor^Lena||19810719|F",
        "OBR|1|E5001|||||20260319101500",
    ]
    for place, (_, _, text, field_id, label) in enumerate(sections, start=1):
        line = text.replace("\n", "\\.br\\")
        segments.append(f"OBX|{place}|FT|{field_id}^{label}^L||{line}||||||F")
    return "\r".join(segments).encode() + b"\r"


def add_wire(delivery: Delivery, sections: Sequence[tuple[str, str, str, str, str]]) -> Wire:
    raw = hl7(delivery, sections)
    plan = [
        {
            "field_id": field_id,
            "label": label,
            "position": place,
            "text": text,
            "contributions": [{"index": place - 1, "code": code, "title": title, "text": text}],
        }
        for place, (code, title, text, field_id, label) in enumerate(sections, start=1)
    ]
    return Wire.objects.create(
        delivery=delivery,
        sealed_bytes=crypto.seal(raw, table="wire", column="bytes", row=delivery.pk),
        sealed_plan=crypto.seal(json.dumps(plan).encode(), table="wire", column="plan", row=delivery.pk),
        sha256=hashlib.sha256(raw).hexdigest(),
        content_type="application/hl7-v2",
        rendered_at=delivery.created_at,
    )


def add_attempt(cast: Cast, delivery: Delivery, number: int, outcome: str, reason_code: str = "") -> Attempt:
    answer = f"MSH|^~\\&|ECW\rMSA|AA|{delivery.control_id}\r".encode() if outcome in ("accepted", "refused") else None
    row = f"{delivery.pk}:{number}"
    return Attempt.objects.create(
        delivery=delivery,
        number=number,
        epoch=1,
        worker="w1",
        connection=cast.hl7,
        wire_sha256="0" * 64,
        intent_at=delivery.created_at + timedelta(seconds=2 * number),
        finished_at=delivery.created_at + timedelta(seconds=2 * number + 1) if outcome else None,
        outcome=outcome,
        code={"accepted": "AA", "refused": "AE"}.get(outcome, ""),
        reason_code="" if outcome == "accepted" else reason_code,
        sealed_answer=crypto.seal(answer, table="attempt", column="answer", row=row) if answer else None,
    )


def add_reading(
    cast: Cast,
    delivery: Delivery,
    rows: Sequence[dict[str, Any]],
    sections: Sequence[tuple[str, str, str, str, str]],
    in_chart: Sequence[str] | None = None,
    number: int = 1,
) -> Reading:
    charted = in_chart or [text for _, _, text, _, _ in sections]
    sealed = [
        {**row, "sent": section[2], "in_chart": found, "found_in": row["field_id"]}
        for row, section, found in zip(rows, sections, charted, strict=False)
    ]
    return Reading.objects.create(
        delivery=delivery,
        connection=cast.reader,
        at=delivery.created_at + timedelta(seconds=6),
        answer="there",
        grade="field",
        sealed_sections=crypto.seal(
            json.dumps(sealed).encode(), table="reading", column="sections", row=f"{delivery.pk}:{number}"
        ),
    )


def write_down(outcomes: Sequence[Outcome], epoch: int, connection: Connection) -> None:
    """What a lane's page says of its last batch, without a lane."""
    complete_attempts(outcomes)
    tell_breaker(outcomes, connection)
    changes = changes_of(outcomes, epoch)
    fall_back(outcomes, changes, change_all(changes))


def as_due(delivery: Delivery) -> Delivery:
    """The very object, with what a lane reads beside its row."""
    row = whole(Delivery.objects.filter(pk=delivery.pk)).get()
    for name in ("superseded", "left_out", "withdrawn", "revision"):
        setattr(delivery, name, getattr(row, name))
    return delivery
