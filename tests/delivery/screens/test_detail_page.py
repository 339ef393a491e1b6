"""A delivery's page: its story and its reason for everybody who may see it; its content for those who may read it, recorded."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from audit.models import AuditEvent
from delivery.failures import failure
from delivery.models import Attempt, NoteVersion, Reading, Wire
from delivery.states import WORDS, State
from portal.models import Membership, Role, User
from tests.delivery.rows import SECTIONS, add_attempt, add_moves, make_delivery

pytestmark = pytest.mark.django_db
TEXTS = [line for _, _, words, _, _ in SECTIONS for line in words.split("\n")]


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


@pytest.fixture
def mo(cast, client):
    """Sees metadata only."""
    user = User.objects.create_user("mo", password="correct-horse-battery")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.METADATA_ONLY)
    client.force_login(user)
    return client


def where(delivery, *more: str) -> str:
    return "/".join(["/deliveries", str(delivery.pk), *more, ""])


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def views(delivery) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event="note.view", object_id=str(delivery.pk)).order_by("at"))


REASONS = {
    State.HELD: "unmapped_section",
    State.READY: "connection_refused",
    State.SENDING: "",
    State.ACCEPTED: "",
    State.VERIFIED: "",
    State.MISFILED: "misfiled",
    State.REJECTED: "ae",
    State.UNKNOWN: "no_answer",
    State.PARKED: "blind_receiver",
    State.SUPERSEDED: "superseded",
    State.CANCELLED: "cancelled_by_person",
}


@pytest.mark.parametrize("tab", ["timeline", "sections", "message", "attempts", "audit"])
@pytest.mark.parametrize("state", list(State))
def test_every_state_is_explained_on_every_tab_and_shows_no_content(cast, dana, state, tab):
    delivery = make_delivery(cast, state, reason_code=REASONS[state])
    shown = text(dana.get(where(delivery) + f"?tab={tab}"))
    assert WORDS[state].label in shown
    if REASONS[state]:
        entry = failure(REASONS[state])
        assert escape(entry.happened) in shown
        assert escape(entry.todo) in shown
        assert escape(entry.owner) in shown
    assert "Okafor" not in shown
    assert "P1001" not in shown
    assert not any(line in shown for line in TEXTS)
    assert views(delivery) == []


def test_the_title_names_nobody(cast, dana):
    delivery = make_delivery(cast)
    shown = text(dana.get(where(delivery)))
    assert f"<title>Delivery {delivery.pk} · Scribeport</title>" in shown


def test_the_problems_of_a_held_note_are_its_evidence(cast, dana):
    message = "This section has no field in the mapping."
    delivery = make_delivery(
        cast, State.HELD, reason_code="unmapped_section", problems=[{"code": "unmapped_section", "message": message}]
    )
    assert message in text(dana.get(where(delivery)))


def test_a_misfiled_note_says_which_section_and_when(cast, dana):
    delivery = make_delivery(cast, State.MISFILED, reason_code="misfiled", outcomes=["verified", "verified", "missing"])
    shown = text(dana.get(where(delivery)))
    assert "PHYSICAL EXAM missing at" in shown
    assert "Accepted " in shown


class TestTheTimeline:
    def test_it_names_the_waits_and_runs_from_the_newest_to_the_oldest(self, cast, dana):
        delivery = make_delivery(cast, State.READY, received_at=timezone.now() - timedelta(minutes=10), tries=[])
        add_attempt(cast, delivery, 1, "unavailable", "connection_refused")
        Attempt.objects.update(
            intent_at=delivery.created_at + timedelta(minutes=5),
            finished_at=delivery.created_at + timedelta(minutes=5, seconds=1),
        )
        shown = text(dana.get(where(delivery)))
        assert "5 min: waited to be sent" in shown
        assert shown.index("Attempt 1: not sent") < shown.index("Attempt 1 begins") < shown.index("Received. ")
        assert escape(failure("connection_refused").title) in shown

    def test_what_it_waits_for_now_is_said(self, cast, dana):
        delivery = make_delivery(
            cast, State.PARKED, reason_code="blind_receiver", received_at=timezone.now() - timedelta(hours=3)
        )
        assert "Waiting for a decision, 2 h 59 min so far." in text(dana.get(where(delivery)))

    def test_people_appear_with_what_they_did(self, cast, dana):
        delivery = make_delivery(cast, State.HELD)
        add_moves(delivery, [State.READY], actor="omar")
        dana.post(where(delivery, "content", "sections"))
        shown = text(dana.get(where(delivery)))
        assert "omar" in shown
        assert "Viewed a note" in shown

    def test_times_are_the_locations(self, cast, dana):
        delivery = make_delivery(
            cast, received_at=timezone.now().replace(year=2026, month=1, day=5, hour=3, minute=30, second=7)
        )
        assert "04 Jan 2026, 22:30:07 EST" in text(dana.get(where(delivery)))


class TestContent:
    def test_sections_show_sent_and_charted_and_the_view_is_recorded(self, cast, dana):
        delivery = make_delivery(
            cast,
            State.MISFILED,
            outcomes=["verified", "altered", "missing"],
            in_chart=["Cough for nine days.", "Dry cough, worse at dawn.\nNo fever.", ""],
        )
        shown = text(dana.post(where(delivery, "content", "sections")))
        assert "<del>night</del><ins>dawn</ins>" in shown
        assert "Lungs clear to auscultation." in shown
        assert "<code>NF-04</code>" in shown
        assert "OBX 3" in shown
        (event,) = views(delivery)
        assert event.detail == {"delivery_id": delivery.pk, "what": "sections"}
        assert event.actor_name == "dana"
        assert event.subject_bidx == delivery.note_version.patient_bidx
        assert event.correlation_id == delivery.note_version.correlation_id

    def test_the_message_stands_one_segment_a_line(self, cast, dana):
        delivery = make_delivery(cast)
        shown = text(dana.post(where(delivery, "content", "message")))
        lines = shown.split('<pre class="wire"')[1].split("</pre>")[0].strip().split("\n")
        assert [line.split('hl7-segment">')[1][:3] for line in lines] == ["MSH", "PID", "OBR", "OBX", "OBX", "OBX"]
        assert delivery.wire.sha256 in shown
        assert [event.detail["what"] for event in views(delivery)] == ["message"]

    def test_the_receivers_answers_stand_with_their_attempts(self, cast, dana):
        delivery = make_delivery(cast, State.REJECTED, reason_code="ae")
        assert "MSA|AA|" not in text(dana.get(where(delivery) + "?tab=attempts"))
        assert f"MSA|AA|{delivery.control_id}" in text(dana.post(where(delivery, "content", "attempts")))

    def test_a_held_note_without_a_message_shows_what_the_scribe_posted(self, cast, dana):
        delivery = make_delivery(cast, State.HELD, reason_code="unmapped_section")
        shown = text(dana.post(where(delivery, "content", "sections")))
        assert all(line in shown for line in TEXTS)
        assert "No message has been made" in text(dana.post(where(delivery, "content", "message")))

    def test_a_message_not_read_back_shows_what_was_sent(self, cast, dana):
        delivery = make_delivery(cast, State.ACCEPTED)
        shown = text(dana.post(where(delivery, "content", "sections")))
        assert "Lungs clear to auscultation." in shown
        assert "not read yet" in shown

    def test_with_htmx_only_the_tab_is_answered(self, cast, dana):
        delivery = make_delivery(cast)
        shown = text(dana.post(where(delivery, "content", "sections"), headers={"HX-Request": "true"}))
        assert "<html" not in shown
        assert "Lungs clear" in shown

    def test_S18_markup_in_a_note_stays_text(self, cast, dana):
        evil = "<script>alert(1)</script>"
        sections = [("plan", evil, evil, "NF-06", evil)]
        delivery = make_delivery(
            cast, State.MISFILED, sections=sections, outcomes=["altered"], in_chart=[evil + "<img src=x>"]
        )
        for tab in ("sections", "message", "attempts"):
            shown = text(dana.post(where(delivery, "content", tab)))
            assert "<script>alert" not in shown
            assert "<img src=x>" not in shown
        assert "<script>alert" not in text(dana.get(where(delivery)))

    def test_S19_characters_that_hide_or_turn_text_are_written_out(self, cast, dana):
        sections = [("plan", "PLAN", "take \u202eerom\u202c\u200b", "NF-06", "Plan")]
        delivery = make_delivery(cast, sections=sections)
        for tab in ("sections", "message"):
            shown = text(dana.post(where(delivery, "content", tab)))
            assert "[U+202E]erom[U+202C][U+200B]" in shown
            assert "\u202e" not in shown

    def test_what_cannot_be_opened_says_so_and_breaks_nothing(self, cast, dana):
        delivery = make_delivery(cast)
        other = make_delivery(cast)
        Wire.objects.filter(pk=delivery.pk).update(sealed_bytes=other.wire.sealed_bytes)
        NoteVersion.objects.filter(pk=delivery.note_version_id).update(sealed_body=b"1garbage")
        assert "cannot be opened" in text(dana.post(where(delivery, "content", "message")))
        assert "cannot be opened" in text(dana.post(where(delivery, "patient"), {"reason": "a support call"}))
        assert "cannot be opened" in text(dana.get(where(delivery)))

    def test_every_number_a_reading_can_have_had_is_tried(self, cast, dana):
        delivery = make_delivery(cast, State.MISFILED, outcomes=["altered", "verified", "verified"])
        first = Reading.objects.get(delivery=delivery)
        for _ in range(2):
            Reading.objects.create(
                delivery=delivery, connection=cast.reader, at=first.at - timedelta(seconds=1), answer="cannot_say"
            )
        assert "Lungs clear" in text(dana.post(where(delivery, "content", "sections")))

    def test_an_unknown_tab_is_not_there_and_a_get_opens_nothing(self, cast, dana):
        delivery = make_delivery(cast)
        assert dana.post(where(delivery, "content", "nonsense")).status_code == 404
        assert dana.get(where(delivery, "content", "sections")).status_code == 405
        assert "Timeline" in text(dana.get(where(delivery) + "?tab=nonsense"))

    def test_if_the_record_fails_nothing_is_shown(self, cast, dana, monkeypatch):
        delivery = make_delivery(cast)
        AuditEvent.objects.filter(pk=None)
        monkeypatch.setattr("audit.record.MAX_DETAIL", 1)
        dana.raise_request_exception = False
        answer = dana.post(where(delivery, "content", "sections"))
        assert answer.status_code == 500
        assert not any(line in answer.content.decode() for line in TEXTS)


class TestThePatient:
    def test_is_shown_for_a_reason_that_is_recorded(self, cast, dana):
        delivery = make_delivery(cast)
        shown = text(dana.post(where(delivery, "patient"), {"reason": "the family calls about the visit"}))
        assert "Okafor, Lena" in shown
        assert "P1001" in shown
        (event,) = views(delivery)
        assert event.reason == "the family calls about the visit"
        assert event.detail["what"] == "patient"

    @pytest.mark.parametrize("reason", ["", "   ", "why", "x" * 201])
    def test_is_not_shown_without_one(self, cast, dana, reason):
        delivery = make_delivery(cast)
        assert "Okafor" not in text(dana.post(where(delivery, "patient"), {"reason": reason}))
        assert views(delivery) == []


class TestWhoMay:
    @pytest.mark.parametrize("tab", ["sections", "message", "attempts"])
    def test_metadata_only_sees_the_story_and_no_content(self, cast, mo, tab):
        delivery = make_delivery(cast, State.MISFILED, reason_code="misfiled")
        shown = text(mo.get(where(delivery) + f"?tab={tab}"))
        assert "Content withheld" in shown
        assert "Not as sent" in shown
        assert mo.post(where(delivery, "content", tab)).status_code == 403
        assert mo.post(where(delivery, "patient"), {"reason": "curious about it"}).status_code == 403
        assert views(delivery) == []

    def test_an_auditor_sees_no_content_either(self, cast, client):
        delivery = make_delivery(cast)
        client.force_login(cast.ava)
        assert "Content withheld" in text(client.get(where(delivery) + "?tab=sections"))
        assert client.post(where(delivery, "content", "sections")).status_code == 403

    def test_strangers_and_other_locations_get_404_everywhere(self, cast, client):
        delivery = make_delivery(cast, location=cast.south)
        for person in (cast.sam, cast.omar, cast.mel):
            client.force_login(person)
            assert client.get(where(delivery)).status_code == 404
            assert client.post(where(delivery, "content", "sections")).status_code == 404
            assert client.post(where(delivery, "patient"), {"reason": "I want to know"}).status_code == 404
        assert client.get("/deliveries/999999/").status_code == 404
        assert views(delivery) == []

    def test_a_mapping_editor_of_the_location_is_refused(self, cast, client):
        delivery = make_delivery(cast)
        client.force_login(cast.mel)
        assert client.get(where(delivery)).status_code == 403


def test_the_audit_tab_leads_to_this_delivery_in_the_audit_log(cast, client):
    delivery, other = make_delivery(cast), make_delivery(cast)
    client.force_login(cast.ava)
    link = f"/audit/?object_type=delivery&object_id={delivery.pk}"
    assert escape(link) in text(client.get(where(delivery) + "?tab=audit"))
    client.force_login(cast.dana)
    client.post(where(delivery, "content", "message"))
    client.post(where(other, "content", "sections"))
    shown = text(client.get(link))
    assert f"delivery {delivery.pk}" in shown
    client.force_login(cast.omar)
    assert "/audit/" not in text(client.get(where(delivery) + "?tab=audit"))


class TestTheAuditTab:
    def test_it_lists_who_did_and_saw_what_of_this_delivery_alone_and_links_each(self, cast, dana):
        delivery, other = make_delivery(cast), make_delivery(cast)
        dana.post(where(delivery, "content", "message"))
        dana.post(where(delivery, "patient"), {"reason": "a support call"})
        dana.post(where(other, "content", "sections"))
        shown = text(dana.get(where(delivery) + "?tab=audit"))
        assert shown.count(">dana ") >= 2
        assert "“a support call”" in shown
        for event in views(delivery):
            assert f"/audit/{event.pk}/" in shown
        assert not any(str(event.pk) in shown for event in views(other))

    def test_the_look_is_recorded_and_does_not_stand_in_the_story(self, cast, dana):
        delivery = make_delivery(cast)
        text(dana.get(where(delivery) + "?tab=audit"))
        (event,) = AuditEvent.objects.filter(event="audit.view")
        assert event.location == cast.north.code
        assert event.detail["filter"] == ["object_type=delivery", f"object_id={delivery.pk}"]
        assert (
            "audit"
            not in text(dana.get(where(delivery))).partition('class="timeline"')[2].partition("</ol>")[0].lower()
        )

    def test_those_who_may_not_read_the_log_are_told_who_does(self, cast, client):
        delivery = make_delivery(cast)
        client.force_login(cast.omar)
        shown = text(client.get(where(delivery) + "?tab=audit"))
        assert "which auditors and IT directors read" in shown
        assert not AuditEvent.objects.filter(event="audit.view").exists()


def test_one_steps_through_the_list_one_came_from(cast, dana):
    now = timezone.now()
    made = [
        make_delivery(cast, state, received_at=now - timedelta(minutes=number))
        for number, state in enumerate([State.HELD, State.VERIFIED, State.HELD, State.HELD])
    ]
    shown = text(dana.get(where(made[2]) + "?state=held"))
    assert f'rel="prev" href="{where(made[0])}?state=held"' in shown
    assert f'rel="next" href="{where(made[3])}?state=held"' in shown
    shown = text(dana.get(where(made[1])))
    assert f'rel="prev" href="{where(made[0])}"' in shown
    assert f'rel="next" href="{where(made[2])}"' in shown


def test_a_long_story_asks_no_more_of_the_database_than_a_short_one(cast, dana):
    def asked(delivery) -> int:
        with CaptureQueriesContext(connection) as queries:
            text(dana.get(where(delivery)))
        return len(queries)

    short = make_delivery(cast, State.REJECTED, reason_code="ae")
    long = make_delivery(cast, State.REJECTED, reason_code="ae", tries=["unavailable"] * 20 + ["refused"])
    asked(short), asked(long)  # opens the patients, once
    assert asked(long) <= asked(short) <= 24


def test_no_content_and_no_identifier_goes_into_the_audit_log(cast, dana):
    delivery = make_delivery(cast)
    dana.get("/deliveries/")
    dana.post("/deliveries/search/", {"q": "P1001"})
    for tab in ("sections", "message", "attempts"):
        dana.post(where(delivery, "content", tab))
    dana.post(where(delivery, "patient"), {"reason": "a support call"})
    written = json.dumps([[str(value) for value in vars(event).values()] for event in AuditEvent.objects.all()])
    assert "note.view" in written
    assert not any(word in written for word in ("Okafor", "P1001", "E5001", *TEXTS))
