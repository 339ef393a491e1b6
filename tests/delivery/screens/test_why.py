"""Why isn't this note in the chart? Twenty seeded cases, each with its right cause; and nothing asked is ever kept."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from audit.record import record
from delivery.models import ConnectionState, Delivery, NoteVersion
from delivery.queries import Scope
from delivery.states import State
from delivery.why import Answer, Asked, answer
from portal.models import Location
from tests.delivery.rows import LENA, make_delivery

pytestmark = pytest.mark.django_db
NOW = timezone.now
ALL = Asked(patient="P1001", encounter="E5001")


def one(state: State, reason: str = "", **more) -> Callable:
    return lambda cast: make_delivery(cast, state, reason_code=reason, **more)


def changed(make: Callable, **columns) -> Callable:
    def seed(cast):
        made = make(cast)
        Delivery.objects.filter(pk=made.pk).update(**columns)

    return seed


def stopped(cast) -> None:
    make_delivery(cast, State.READY)
    ConnectionState.objects.create(connection=cast.hl7, breaker="auth", last_reason="tls_client_certificate")


def behind(cast) -> None:
    make_delivery(cast, State.UNKNOWN, reason_code="no_answer", received_at=NOW() - timedelta(hours=1))
    make_delivery(cast, State.READY)


def in_parts(cast) -> None:
    note = make_delivery(cast, State.VERIFIED)
    held = make_delivery(cast, State.HELD, reason_code="no_route", encounter="E77")
    Delivery.objects.filter(pk=held.pk).update(
        part="medications", note_version=note.note_version_id, note=note.note_id, encounter_bidx=note.encounter_bidx
    )


def sent_again(cast) -> None:
    first = make_delivery(cast, State.REJECTED, reason_code="ae")
    again = make_delivery(cast, State.VERIFIED, encounter="E77")
    Delivery.objects.filter(pk=again.pk).update(
        note_version=first.note_version_id, note=first.note_id, replay_of=first.pk
    )


def unreadable(cast) -> None:
    make_delivery(cast, State.ACCEPTED)
    Location.objects.filter(pk=cast.north.pk).update(reading_connection=None)


TODAY = Asked(patient="P1001", day=NOW().date())
# What was seeded, what is asked, the cause, and words of the sentence.
CASES: dict[str, tuple[Callable, Asked, str, str]] = {
    "verified": (one(State.VERIFIED), ALL, "verified", "It is in the chart"),
    "held for a section": (one(State.HELD, "unmapped_section"), ALL, "unmapped_section", "We hold it: a section"),
    "held without a route": (one(State.HELD, "no_route"), ALL, "no_route", "We hold it"),
    "waits its turn": (one(State.READY), ALL, "waiting", "waits for its turn"),
    "tried again": (one(State.READY, "connection_refused", tries=["unavailable"]), ALL, "retrying", "tried again"),
    "connection stopped": (stopped, ALL, "connection_stopped", "the connection is stopped: "),
    "behind an earlier note": (behind, ALL, "behind_another", "an earlier note of the same visit"),
    "being sent": (one(State.SENDING), ALL, "sending", "being sent at this moment"),
    "accepted, unread": (one(State.ACCEPTED), ALL, "not_read_yet", "has not been read back yet"),
    "accepted, unreadable": (unreadable, ALL, "cannot_be_read", "cannot be read back"),
    "misfiled": (
        one(State.MISFILED, "sections_differ", outcomes=["verified", "altered", "missing"]),
        ALL,
        "misfiled",
        "not as sent",
    ),
    "rejected": (one(State.REJECTED, "ae"), ALL, "rejected", "eCW refused it: "),
    "no answer": (one(State.UNKNOWN, "no_answer"), ALL, "unknown", "no answer came"),
    "parked": (one(State.PARKED, "blind_receiver"), ALL, "parked", "a person’s decision"),
    "called off": (one(State.CANCELLED, "cancelled_by_person"), ALL, "cancelled", "called it off"),
    "withdrawn before": (one(State.CANCELLED, "retracted"), ALL, "withdrawn", "withdrew this note before"),
    "withdrawn after": (
        changed(one(State.VERIFIED), withdrawn_at=NOW(), reason_code="retract_requested"),
        ALL,
        "withdrawn",
        "must strike it",
    ),
    "superseded": (one(State.SUPERSEDED, "superseded"), ALL, "superseded", "a newer one"),
    "only its medications are held": (in_parts, ALL, "no_route", "(medications)"),
    "sent again and there": (sent_again, ALL, "verified", "It is in the chart"),
    "never received": (one(State.VERIFIED), Asked(patient="P9"), "never_received", "never received this note from the"),
    "nothing came that day": (lambda cast: None, TODAY, "nothing_came", "posted nothing at all that day"),
    "another provider": (one(State.VERIFIED), Asked(patient="P1001", provider="Ray"), "other_note", "another provider"),
    "another visit": (one(State.VERIFIED), Asked(patient="P1001", encounter="E9"), "other_visit", "other visits"),
    "another patient": (one(State.VERIFIED), Asked(patient="P9", encounter="E5001"), "other_visit", "another patient"),
}


def asked_of(cast, asked: Asked) -> Answer:
    return answer(asked, Scope((cast.north, cast.south)))


@pytest.mark.parametrize("case", CASES)
def test_each_case_has_its_right_cause(cast, case):
    seed, asked, cause, words = CASES[case]
    seed(cast)
    found = asked_of(cast, asked)
    assert (found.cause, words in found.sentence) == (cause, True), found.sentence
    assert found.sentence.endswith(".")
    assert found.evidence
    assert not any(word in f"{found.sentence} {found.evidence}" for word in ("Okafor", "P1001", "E5001"))


def test_of_several_notes_the_newest_is_spoken_of(cast):
    make_delivery(cast, State.REJECTED, reason_code="ae", received_at=NOW() - timedelta(hours=3))
    make_delivery(cast, State.VERIFIED, encounter="E6")
    assert asked_of(cast, Asked(patient="P1001")).cause == "verified"
    assert asked_of(cast, ALL).cause == "rejected"


def another_version(cast, first: Delivery, state: State, number: int, received_at) -> Delivery:
    """A further version of the same note, with its own delivery."""
    more = make_delivery(cast, state, received_at=received_at)
    NoteVersion.objects.filter(pk=more.note_version_id).update(note=first.note_id, number=number)
    Delivery.objects.filter(pk=more.pk).update(note=first.note_id)
    return more


@pytest.mark.parametrize("late", [True, False])
def test_of_one_note_the_highest_version_is_spoken_of_whenever_it_came(cast, late):
    """Version 1 may come after version 2: the scribe's queue, a retry."""
    second = make_delivery(cast, State.VERIFIED, received_at=NOW() - timedelta(hours=1))
    NoteVersion.objects.filter(pk=second.note_version_id).update(number=2)
    at = NOW() if late else NOW() - timedelta(hours=2)
    another_version(cast, second, State.SUPERSEDED, 1, at)
    found = asked_of(cast, ALL)
    assert found.cause == "verified"
    assert "version 2" in found.evidence[0]


def test_the_newest_note_is_spoken_of_though_another_one_has_more_versions(cast):
    old = make_delivery(cast, State.VERIFIED, received_at=NOW() - timedelta(hours=5))
    another_version(cast, old, State.VERIFIED, 2, NOW() - timedelta(hours=4))
    make_delivery(cast, State.REJECTED, reason_code="ae")
    assert asked_of(cast, ALL).cause == "rejected"


def test_versions_of_one_note_are_counted_as_one_note(cast):
    first = make_delivery(cast, State.SUPERSEDED, received_at=NOW() - timedelta(hours=5))
    for number in (2, 3):
        another_version(cast, first, State.VERIFIED, number, NOW() - timedelta(hours=number))
    other = asked_of(cast, Asked(patient="P1001", provider="Ray"))
    assert "we have another note of this patient" in other.sentence
    visit = asked_of(cast, Asked(patient="P1001", encounter="E9"))
    assert visit.evidence == ("Notes of this patient’s other visits: 1.",)
    day = NOW().astimezone(Scope((cast.north,)).zone).date()
    NoteVersion.objects.update(received_at=NOW())
    absent = asked_of(cast, Asked(patient="P9", day=day))
    assert "1 other note came that day." in absent.evidence


def test_a_provider_is_found_by_id_and_by_part_of_the_name(cast):
    make_delivery(cast, State.VERIFIED, provider=("DR7", "Ann Lee"))
    for provider in ("dr7", "lee"):
        assert asked_of(cast, Asked(patient="P1001", provider=provider)).cause == "verified"


def test_refused_posts_of_the_day_are_said_as_a_possibility(cast):
    record(
        "note.refuse", practice="lakeside", object_type="scribe", object_id="1", detail={"problem": "/", "status": 422}
    )
    make_delivery(cast, patient={**LENA, "id": "P7"})
    day = NOW().astimezone(Scope((cast.north,)).zone).date()
    found = asked_of(cast, Asked(patient="P1001", day=day))
    assert found.cause == "never_received"
    assert any("1 post was refused that day" in line for line in found.evidence)
    assert any("1 other note came that day" in line for line in found.evidence)


def test_notes_of_other_locations_and_practices_are_not_known(cast):
    make_delivery(cast, State.VERIFIED, location=cast.south)
    assert answer(ALL, Scope((cast.north,))).cause == "never_received"
    assert answer(ALL, Scope((cast.elsewhere,))).cause == "never_received"


def test_the_page_answers_records_who_was_asked_for_and_keeps_it_out_of_the_address(cast, client):
    held = make_delivery(cast, State.HELD, reason_code="no_route")
    client.force_login(cast.omar)
    response = client.post("/deliveries/why/", {"patient": "P1001", "encounter": "E5001"})
    shown = response.content.decode()
    assert "We hold it" in shown
    assert f"/deliveries/{held.pk}/" in shown
    event = AuditEvent.objects.get(event="note.search")
    assert event.subject_bidx == held.note_version.patient_bidx
    assert event.detail["fields"] == ["why", "patient", "encounter"]
    assert "P1001" not in str(event.detail)
    assert "P1001" not in response.request["QUERY_STRING"]


def test_without_a_patient_or_visit_nothing_is_answered_or_recorded(cast, client):
    client.force_login(cast.omar)
    shown = client.post("/deliveries/why/", {"provider": "Lee"}).content.decode()
    assert "Name the patient" in shown
    assert not AuditEvent.objects.filter(event="note.search").exists()
