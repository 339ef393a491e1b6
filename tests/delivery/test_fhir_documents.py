"""Documents attached to a note, by FHIR, the whole way: sent, read back by the byte, misfiled by name, doubts settled."""

import base64
import hashlib
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.utils import timezone

from delivery import actions
from delivery.deeds import deeds_for
from delivery.models import Attempt, Delivery, Reading
from delivery.oauth import endpoints, scopes
from delivery.states import State
from delivery.transition import tickets, transition
from delivery.verification import read_due
from portal.connections import able
from portal.forms.locations import RoutesForm
from portal.models import Part, Route
from tests.delivery.conftest import a_note
from tests.delivery.fhir import PRACTICE, fhir_connection, register
from tests.delivery.test_fhir_sending import drain

pytestmark = pytest.mark.django_db(transaction=True)
PDF, TEXT = b"%PDF-1.7 synthetic", "Fluids • rest | ^ & ~ \\\nüber".encode()


def attached(*rows: tuple[str, bytes, str]) -> list[dict]:
    return [
        {"content_type": kind, "title": title, "data": base64.b64encode(content).decode()}
        for kind, content, title in rows
    ]


BOTH = attached(("application/pdf", PDF, "Summary"), ("text/plain", TEXT, "Instructions"))


@pytest.fixture
def fhir(ecw, cast):
    endpoints._kept.clear()
    made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
    Route.objects.create(location=cast.north, part=Part.ATTACHMENTS, connection=made)
    register(ecw.process, made)
    ecw.process.api(
        "PUT", f"/practices/{PRACTICE}", {"facility": "NORTH", "template": "FM-PROGRESS", "per_minute": 2000}
    )
    return made


def sent(scribe, attachments=BOTH, **changes) -> Delivery:
    answer = scribe.post(a_note(attachments=attachments, **changes))
    assert answer.status_code == 201, answer.content
    row = Delivery.objects.filter(part=Part.ATTACHMENTS).latest("pk")
    if row.lane_id:
        drain(row.lane_id)
    row.refresh_from_db()
    return row


def look(row: Delivery, times: int = 1, **columns) -> Delivery:
    for _ in range(times):
        past = timezone.now() - timedelta(seconds=1)
        Delivery.objects.filter(pk=row.pk).update(read_at=past, **columns)
        read_due()
    row.refresh_from_db()
    return row


def filed(ecw) -> list[dict]:
    return ecw.process.api("GET", "/facilities/NORTH/encounters/E5001/documents")["documents"]


class TestTheWholeWay:
    def test_documents_stand_beside_the_visit_with_their_very_bytes_and_are_proved(self, ecw, scribe, fhir):
        row = sent(scribe)
        assert (row.state, row.reason_code) == (State.ACCEPTED, "")
        assert [(one["content_type"], one["title"], one["sha256"]) for one in filed(ecw)] == [
            ("application/pdf", "Summary", hashlib.sha256(PDF).hexdigest()),
            ("text/plain", "Instructions", hashlib.sha256(TEXT).hexdigest()),
        ]
        row = look(row)
        assert (row.state, row.proof) == (State.VERIFIED, "document")
        assert [(one["title"], one["outcome"]) for one in row.section_outcomes] == [
            ("Summary", "verified"),
            ("Instructions", "verified"),
        ]

    def test_the_note_goes_by_its_own_delivery_and_is_verified_beside_them(self, ecw, scribe, fhir):
        sent(scribe)
        note = Delivery.objects.get(part=Part.NOTE)
        drain(note.lane_id)
        note = look(note)
        assert (note.state, note.proof) == (State.VERIFIED, "section")
        assert [one["template"] for one in ecw.filings()] == ["FM-PROGRESS"], "no document among the notes"

    def test_each_look_is_kept_with_the_connection_that_was_asked(self, ecw, scribe, fhir):
        row = look(sent(scribe))
        kept = Reading.objects.get(delivery=row)
        assert (kept.connection, kept.answer) == (fhir, "there")


class TestWhatEcwDoesToThem:
    @pytest.mark.parametrize(
        "kind, how, outcomes",
        [
            ("silent_drop", {}, ["verified", "missing"]),
            ("truncate", {"length": 5}, ["altered", "altered"]),
            ("duplicate_filing", {}, ["duplicated", "duplicated"]),
        ],
    )
    def test_behind_a_positive_answer_is_misfiled_by_name(self, ecw, scribe, fhir, kind, how, outcomes):
        ecw.fault(kind, **how)
        row = look(sent(scribe), times=5, accepted_at=timezone.now() - timedelta(hours=1))
        assert (row.state, row.reason_code) == (State.MISFILED, "documents_differ")
        assert [one["outcome"] for one in row.section_outcomes] == outcomes

    def test_what_is_not_there_yet_is_looked_for_again_before_anybody_is_alarmed(self, ecw, scribe, fhir):
        ecw.fault("silent_drop")
        row = look(sent(scribe), times=2)
        assert row.state == State.ACCEPTED
        assert row.read_at > timezone.now()

    def test_what_a_person_put_right_is_found_by_the_next_look(self, ecw, scribe, fhir):
        ecw.fault("silent_drop")
        only = attached(("application/pdf", PDF, "Summary"))
        row = look(sent(scribe, only), times=5, accepted_at=timezone.now() - timedelta(hours=1))
        assert row.state == State.MISFILED
        ecw.heal()
        from_hand = sent(scribe, only, source_note_id="again")
        assert from_hand.state == State.ACCEPTED
        assert look(row).state == State.MISFILED, "another message's document is none of ours"

    @pytest.mark.parametrize("code", ["114", "109", "139", "304"])
    def test_a_refusal_has_ecws_own_code(self, ecw, scribe, fhir, code):
        ecw.fault("fhir_code", code=code)
        row = sent(scribe)
        assert (row.state, row.reason_code) == (State.REJECTED, f"ecw_{code}")
        assert filed(ecw) == []

    def test_a_kind_of_file_that_ecw_does_not_take_refuses_all_of_them_by_name(self, ecw, scribe, fhir):
        row = sent(scribe, [*BOTH, *attached(("application/zip", b"PK", "Pictures"))])
        assert (row.state, row.reason_code) == (State.REJECTED, "ecw_114")
        assert filed(ecw) == [], "a transaction is taken whole or not at all"


class TestHeld:
    def test_hl7_text_is_held_by_its_place_and_nothing_leaves(self, ecw, scribe, fhir):
        row = sent(scribe, attached(("application/pdf", PDF, ""), ("text/hl7v2", b"MSH|", "")))
        assert (row.state, row.reason_code) == (State.HELD, "fhir_document_type")
        assert [problem["pointer"] for problem in row.problems] == ["/attachments/1/content_type"]
        assert not Attempt.objects.filter(delivery=row).exists()

    def test_an_earlier_versions_documents_hold_the_next_ones(self, ecw, scribe, fhir):
        sent(scribe)
        row = sent(scribe, version=2)
        assert (row.state, row.reason_code) == (State.HELD, "documents_sent_before")
        assert len(filed(ecw)) == 2

    @pytest.mark.parametrize("kind", ["openapi", "folder"])
    def test_a_way_that_carries_none_holds_them_and_drops_nothing(self, ecw, scribe, fhir, cast, kind, tmp_path):
        connection = cast.reader
        if kind == "folder":
            connection = type(cast.reader).objects.create(
                practice=cast.practice,
                name="Out",
                kind="ccda-folder",
                environment="sandbox",
                settings={"folder": "out"},
            )
        Route.objects.filter(part=Part.ATTACHMENTS).update(connection=connection)
        row = sent(scribe)
        assert (row.state, row.reason_code) == (State.HELD, "part_not_supported")


class TestInDoubt:
    @pytest.fixture(autouse=True)
    def without_the_note(self, fhir):
        """The note waits for a route: what strikes strikes the documents."""
        Route.objects.filter(part=Part.NOTE).delete()

    def test_documents_that_arrived_without_an_answer_are_found_and_not_sent_again(self, ecw, scribe, fhir):
        ecw.fault("fhir_cut_filed", count=1)
        row = sent(scribe)
        assert row.state == State.UNKNOWN
        row = look(row)
        assert (row.state, row.reason_code) == (State.ACCEPTED, "reader_found_it")
        assert look(row).state == State.VERIFIED
        assert len(filed(ecw)) == 2

    def test_documents_that_eCW_does_not_show_wait_for_a_person(self, ecw, scribe, fhir):
        ecw.fault("fhir_no_answer", count=1)
        row = look(sent(scribe), times=2)
        assert row.state == State.UNKNOWN
        row = look(row)
        assert (row.state, row.reason_code) == (State.PARKED, "documents_in_doubt")
        assert filed(ecw) == []

    def test_a_base_that_does_not_answer_settles_nothing_at_once(self, ecw, scribe, fhir):
        ecw.fault("fhir_cut_filed", count=1)
        row = sent(scribe)
        ecw.fault("read_http_500")
        assert look(row).state == State.UNKNOWN
        ecw.heal()
        assert look(row).state == State.ACCEPTED


def moved(row: Delivery, *states: State, reason_code: str = "") -> None:
    for old, new in pairwise(states):
        with transaction.atomic():
            assert transition(tickets([row.pk]), old, new, reason_code=reason_code)
    row.refresh_from_db()


def amended(scribe, **changes) -> None:
    """Version 2 of the note, with no documents unless they are given."""
    answer = scribe.post(a_note(version=2, **changes))
    assert answer.status_code == 201, answer.content


class TestLeftOutOfANewerVersion:
    @pytest.fixture
    def waiting(self, scribe, fhir) -> Delivery:
        assert scribe.post(a_note(attachments=BOTH)).status_code == 201
        return Delivery.objects.get(part=Part.ATTACHMENTS)

    def test_what_was_under_way_and_comes_back_unsent_does_not_leave(self, ecw, scribe, waiting):
        moved(waiting, State.READY, State.SENDING)
        amended(scribe)
        moved(waiting, State.SENDING, State.READY, reason_code="no_answer")
        drain(waiting.lane_id)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason_code, filed(ecw)) == (State.SUPERSEDED, "superseded", [])

    def test_what_waits_gives_way_and_is_nobodys_task(self, scribe, waiting):
        amended(scribe)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.withdrawn_at) == (State.SUPERSEDED, None)

    def test_what_was_sent_again_in_doubt_is_a_persons(self, ecw, scribe, waiting):
        moved(waiting, State.READY, State.SENDING, State.UNKNOWN)
        amended(scribe)
        moved(waiting, State.UNKNOWN, State.READY, reason_code="receiver_ignores_repeats")
        drain(waiting.lane_id)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason_code, filed(ecw)) == (State.PARKED, "retracted", [])

    def test_what_stands_in_the_chart_is_to_be_struck_there(self, scribe, fhir):
        row = look(sent(scribe))
        assert (row.state, row.to_strike) == (State.VERIFIED, False)
        amended(scribe)
        row.refresh_from_db()
        assert (row.state, row.to_strike, row.why) == (State.VERIFIED, True, "retract_requested")
        assert "strike" in {deed.verb for deed in deeds_for(row)}
        with transaction.atomic():
            assert actions.strike([row.pk], "struck") == 1

    def test_the_note_itself_is_corrected_and_not_to_be_struck(self, scribe, fhir):
        sent(scribe)
        first = Delivery.objects.get(part=Part.NOTE)
        drain(first.lane_id)
        amended(scribe)
        first.refresh_from_db()
        assert (first.state, first.withdrawn_at) == (State.ACCEPTED, None)

    def test_documents_that_are_in_both_versions_are_withdrawn_by_none(self, scribe, fhir):
        row = sent(scribe)
        amended(scribe, attachments=BOTH)
        row.refresh_from_db()
        assert row.withdrawn_at is None


class TestLookingAgain:
    @pytest.fixture
    def misfiled(self, ecw, cast, scribe, fhir) -> Delivery:
        """At a location whose charts nobody reads: the documents are shown by the connection that sent them."""
        cast.north.reading_connection = None
        cast.north.save()
        ecw.fault("silent_drop")
        row = look(sent(scribe), times=5, accepted_at=timezone.now() - timedelta(hours=1))
        assert (row.state, row.read_at) == (State.MISFILED, None)
        return row

    def test_a_person_may_have_misfiled_ones_looked_for_without_a_reading_connection(self, misfiled):
        assert "verify" in {deed.verb for deed in deeds_for(misfiled)}
        assert actions.verify_now([misfiled.pk]) == 1
        assert read_due() == 1

    def test_not_those_of_a_way_that_shows_none(self, cast, misfiled):
        Delivery.objects.filter(pk=misfiled.pk).update(connection=cast.hl7)
        cast.north.reading_connection = cast.reader
        cast.north.save()
        misfiled = Delivery.objects.get(pk=misfiled.pk)
        assert "verify" not in {deed.verb for deed in deeds_for(misfiled)}
        assert actions.verify_now([misfiled.pk]) == 0


class TestSettingUp:
    def test_a_fhir_connection_is_offered_for_documents(self, cast, fhir):
        assert able(Part.ATTACHMENTS) == {"hl7", "fhir"}
        assert set(RoutesForm(cast.north, Part.ATTACHMENTS).fields["route0"].queryset) == {cast.hl7, fhir}

    def test_the_scopes_asked_for_are_those_of_writing_and_of_looking(self, cast, fhir):
        Route.objects.exclude(part=Part.ATTACHMENTS).delete()
        cast.north.reading_connection = None
        cast.north.save()
        assert set(scopes.needed(fhir)) == {
            "system/DocumentReference.write",
            "system/DocumentReference.read",
            "system/Binary.read",
        }
