"""The full encounter simulation (B18): check-in, capture asked of the scribe, the note, proof, review, signature."""

import base64
import hashlib
import hmac
import json
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from audit.record import record
from delivery import two_secrets
from delivery.certification import at_ecw
from delivery.certification.attested import NOT_PROVABLE
from delivery.certification.desk import UNPROVABLE, Desk, Test, Verdict, unproven, wrong_with
from delivery.certification.evidence import Account
from delivery.certification.notes import PROVIDER, Visit
from delivery.channels.base import Unavailable
from delivery.events import sources
from delivery.events.kinds import CHECKED_IN, STARTED
from delivery.events.models import Event, EventSource, Way
from delivery.events.settings import WebhookSettings
from delivery.events.signature import key_of
from delivery.models import Delivery
from delivery.opening import open_reader
from delivery.outgoing import open_body, planned, visit_at
from delivery.states import State
from delivery.webhooks.kinds import CAPTURE
from portal import crypto
from portal.models import Location

HEARD_WITHIN = 30.0


class Stopped(Exception):
    """A step of the simulation failed; those after it are not reached."""


def tests() -> list[Test]:
    return [
        Test("encounter", "One visit from check-in to the signed note", simulate, reads=True),
        Test(
            "checklist.amendment",
            "eCW's check-list: an amended note takes the place of the one before",
            amendment,
            reads=True,
        ),
    ]


def simulate(desk: Desk, account: Account) -> Verdict:
    """The whole visit; the first step that fails is named."""
    visit = desk.visit()
    try:
        check_in(desk, account, visit)
        delivery = note_of_the_visit(desk, account, visit)
        if desk.location.reading_connection is None:
            return Verdict(True, f"Checked in, captured, delivered. {NOT_PROVABLE}", proof=UNPROVABLE)
        review(desk, account, delivery)
        return signature(desk, account, visit, delivery)
    except Stopped as stopped:
        account.step("Stopped", str(stopped))
        return Verdict(False, str(stopped)[:300])


def check_in(desk: Desk, account: Account, visit: Visit) -> None:
    """eCW's signed webhook comes in, and the scribe is told, signed, to begin."""
    source = source_at(desk.location)
    was_on = source.enabled
    if not was_on:
        sources.change(source, source.settings, source.connection, enabled=True)
    try:
        answer = desk.scribe.http.post(f"/api/v1/events/{source.public_id}", **signed(source, visit))
    finally:
        if not was_on:
            sources.change(source, source.settings, source.connection, enabled=False)
    account.step("eCW's webhook: the patient has checked in", f"HTTP {answer.status_code}")
    if answer.status_code != 200:
        raise Stopped(f"The check-in event was answered with {answer.status_code}.")
    index = crypto.blind_index("encounter", visit.encounter)
    event = Event.objects.filter(location=desk.location, encounter_bidx=index, kind=CHECKED_IN).first()
    if event is None or event.outcome != STARTED:
        raise Stopped(f"The check-in event started no capture ({event.outcome if event else 'not stored'}).")
    listener = desk.scribe.listener
    if not desk.until(lambda: listener.heard(CAPTURE, visit.encounter) is not None, HEARD_WITHIN):
        raise Stopped("The scribe was not told to begin within 30 seconds.")
    account.step("The scribe was told to begin; its signature is good", f"{listener.refused} forgeries refused")
    account.facts["capture"] = listener.heard(CAPTURE, visit.encounter)


def source_at(location: Location) -> EventSource:
    """The location's webhook; a run makes one, switched off before and after, where there is none."""
    source = EventSource.objects.filter(location=location, way=Way.WEBHOOK).first()
    if source is None:
        source, _ = sources.create(location, Way.WEBHOOK, {})
        sources.change(source, {}, None, enabled=False)
    return source


def signed(source: EventSource, visit: Visit) -> dict[str, Any]:
    """The webhook as eCW is set up to send it: body and headers, by the source's own settings and secret."""
    own = WebhookSettings.read(source.settings)
    body: dict[str, Any] = {}
    told = {
        own.kind_path: CHECKED_IN,
        own.time_path: datetime.now(UTC).isoformat(timespec="seconds"),
        own.encounter_path: visit.encounter,
        own.patient_path: visit.patient,
        own.provider_path: PROVIDER["id"],
    }
    for path, value in told.items():
        *within, last = path.split(".")
        place = body
        for name in within:
            place = place.setdefault(name, {})
        place[last] = value
    content, name, stamp = json.dumps(body).encode(), f"cert-{visit.run}-{visit.number}", str(int(time.time()))
    parts = {"id": name.encode(), "timestamp": stamp.encode(), "body": content}
    key = key_of(two_secrets.good(source)[0])
    code = hmac.new(key, b".".join(parts[part] for part in own.signed.split(".")), hashlib.sha256).digest()
    headers = {
        own.signature_header: base64.b64encode(code).decode(),
        own.timestamp_header: stamp,
        own.id_header: name,
        "Content-Type": "application/json",
    }
    return {"content": content, "headers": headers}


def note_of_the_visit(desk: Desk, account: Account, visit: Visit) -> Delivery:
    """The scribe's note for exactly the visit it was told of, read back whole."""
    ids = desk.post(desk.note(visit, desk.first_template()))
    account.step("The scribe posted the note", "accepted")
    found = desk.settled(ids)
    account.rests_on(found)
    wrong = unproven(found)
    if wrong:
        raise Stopped("; ".join(wrong))
    reads = desk.location.reading_connection is not None
    account.step("Delivered", "read back: every section in its field" if reads else "accepted")
    return found[0]


def review(desk: Desk, account: Account, delivery: Delivery) -> None:
    """The provider opens the chart: each field must show what the scribe wrote. Recorded as the view it is."""
    reader = desk.location.reading_connection
    if reader is None:
        raise Stopped("There is no reading connection: nobody can see the chart from here.")
    with transaction.atomic():
        record(
            "note.view",
            practice=desk.location.practice.code,
            location=desk.location.code,
            subject_bidx=delivery.note_version.patient_bidx,
            encounter_bidx=delivery.encounter_bidx,
            object_type="delivery",
            object_id=str(delivery.pk),
            purpose_of_use="TREAT",
            detail={"delivery_id": delivery.pk, "what": "certification review"},
        )
    try:
        with closing(open_reader(reader)) as opened:
            chart = opened.read(visit_at(desk.location, open_body(delivery)))
    except (Unavailable, ValueError) as error:
        raise Stopped(f"The provider could not open the chart ({getattr(error, 'reason_code', 'settings')}).") from None
    if chart.grade == "field":
        wrong = [value.label for value in planned(delivery) if value.text not in chart.fields.get(value.field_id, "")]
        if wrong:
            raise Stopped(f"The provider does not see what was written in: {', '.join(wrong)}.")
    account.step("The provider reviewed the note in the chart", f"{len(chart.fields)} fields, as written")


def signature(desk: Desk, account: Account, visit: Visit, delivery: Delivery) -> Verdict:
    """The provider signs; from then on eCW must refuse to change the note, and we must say so."""
    base = at_ecw.simulated(desk.location)
    if not base:
        account.step("Signature", "by a person in eCW; not part of this proof")
        return Verdict(True, "Checked in, captured, delivered, read back and reviewed; a person signs in eCW itself.")
    if not at_ecw.sign(base, desk.location, visit):
        raise Stopped("The note could not be signed.")
    account.step("The provider signed the note", "locked")
    [late] = desk.settled(desk.post(desk.note(visit, desk.first_template(), "Written too late", version=2))[:1])
    account.rests_on([late])
    if late.state != State.REJECTED:
        raise Stopped(f"A change after the signature was not refused: {wrong_with(late)}.")
    account.step("A change after the signature", f"refused ({late.reason_code})")
    return Verdict(True, "Checked in, captured, delivered, read back, reviewed and signed; a later change is refused.")


def amendment(desk: Desk, account: Account) -> Verdict:
    """Version 2 of a note must stand in the chart in version 1's place, once."""
    visit, template = desk.visit(), desk.first_template()
    first = desk.settled(desk.post(desk.note(visit, template)))
    second = desk.settled(desk.post(desk.note(visit, template, "Amended text", version=2)))
    account.step("Posted version 1, then version 2 of the same note", "accepted")
    account.rests_on(first + second)
    wrong = unproven(first) + unproven(second)
    return Verdict(not wrong, "; ".join(wrong)[:300] if wrong else "Version 2 stands in the chart, as amended.")
