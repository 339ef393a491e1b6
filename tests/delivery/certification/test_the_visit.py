"""The simulated visit and eCW's check-list, step by step: each thing that can go wrong stops it and is called by its name."""

import base64
import hashlib
import hmac
import json
from types import SimpleNamespace

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import two_secrets
from delivery.certification import at_ecw, checklist, encounter
from delivery.certification.desk import UNPROVABLE
from delivery.certification.encounter import Stopped, check_in, signature, signed, simulate, source_at
from delivery.certification.notes import Visit
from delivery.channels.base import Chart, ChartNote, NoAnswer, Refused, Unavailable
from delivery.events import sources
from delivery.events.kinds import CHECKED_IN, STARTED
from delivery.events.models import Event, EventSource
from delivery.events.signature import key_of
from delivery.models import Delivery
from delivery.states import State
from portal import crypto
from tests.delivery.certification.desks import Answer, account_of, came, desk_at, taken
from tests.delivery.rows import SECTIONS, make_delivery

pytestmark = pytest.mark.django_db
FIRST = Visit(1, 1)
AS_WRITTEN = {field_id: text for _, _, text, field_id, _ in SECTIONS}


@pytest.fixture
def charted(monkeypatch):
    """What a reader finds: set by the test; an exception is raised instead."""
    found = SimpleNamespace(chart=Chart((), AS_WRITTEN), closed=0)

    class Reader:
        def read(self, visit):
            if isinstance(found.chart, Exception):
                raise found.chart
            return found.chart

        def close(self):
            found.closed += 1

    for module in (encounter, checklist):
        monkeypatch.setattr(module, "open_reader", lambda connection: Reader())
    return found


@pytest.fixture
def receiver(monkeypatch):
    """A channel that answers as the test says: None accepts."""
    said = SimpleNamespace(answer=None, sent=[], closed=0)

    class Channel:
        def open(self): ...

        def render(self, note):
            return note

        def send(self, rendered, control_id):
            said.sent.append(rendered)
            if said.answer:
                raise said.answer

        def close(self):
            said.closed += 1

    monkeypatch.setattr(checklist, "open_channel", lambda connection: Channel())
    return said


def told(location, outcome: str, visit: Visit = FIRST) -> None:
    """The event that a check-in leaves."""
    Event.objects.create(
        id="00000000-0000-4000-8000-000000000001",
        practice=location.practice,
        location=location,
        kind=CHECKED_IN,
        encounter_bidx=crypto.blind_index("encounter", visit.encounter),
        sealed_visit=b"",
        way="webhook",
        happened_at=timezone.now(),
        received_at=timezone.now(),
        outcome=outcome,
    )


class TestTheCheckIn:
    def in_at(self, desk, visit=FIRST):
        account = account_of(desk)
        check_in(desk, account, visit)
        return account

    @pytest.mark.parametrize("status", [401, 404, 429, 500])
    def test_that_is_not_taken_stops_with_the_answer(self, cast, status):
        desk = desk_at(cast.north)
        desk.scribe.http.post = lambda path, **rest: Answer(status)
        with pytest.raises(Stopped, match=f"answered with {status}"):
            self.in_at(desk)

    def test_that_left_no_event_stops(self, cast):
        with pytest.raises(Stopped, match=r"started no capture \(not stored\)"):
            self.in_at(desk_at(cast.north))

    @pytest.mark.parametrize("outcome", ["too_old", "switched_off", ""])
    def test_that_started_no_capture_stops_with_what_it_came_to(self, cast, outcome):
        told(cast.north, outcome)
        with pytest.raises(Stopped) as stopped:
            self.in_at(desk_at(cast.north))
        assert f"({outcome})" in str(stopped.value)

    def test_of_another_location_is_not_this_ones(self, cast):
        told(cast.south, STARTED)
        with pytest.raises(Stopped, match="not stored"):
            self.in_at(desk_at(cast.north))

    def test_that_the_scribe_never_hears_of_stops(self, cast, monkeypatch):
        told(cast.north, STARTED)
        monkeypatch.setattr(encounter, "HEARD_WITHIN", 0.0)
        with pytest.raises(Stopped, match="not told to begin"):
            self.in_at(desk_at(cast.north))

    def test_that_is_heard_is_kept_as_a_fact(self, cast):
        told(cast.north, STARTED)
        desk = desk_at(cast.north)
        desk.scribe.listener.heard = lambda kind, about: {"type": kind, "about": about}
        assert self.in_at(desk).facts["capture"] == {"type": encounter.CAPTURE, "about": "CERT1-E1"}

    @pytest.mark.parametrize("enabled", [True, False])
    def test_leaves_the_webhook_switched_as_it_was_even_where_it_stops(self, cast, enabled):
        source, _ = sources.create(cast.north, "webhook", {})
        sources.change(source, {}, None, enabled=enabled)
        seen = []
        desk = desk_at(cast.north)
        desk.scribe.http.post = lambda path, **rest: seen.append(EventSource.objects.get().enabled) or Answer(500)
        with pytest.raises(Stopped):
            self.in_at(desk)
        assert seen == [True], "it is on while the event comes in"
        assert EventSource.objects.get().enabled is enabled


class TestTheWebhook:
    def test_is_the_locations_own_where_it_has_one(self, cast):
        mine, _ = sources.create(cast.north, "webhook", {})
        sources.create(cast.south, "webhook", {})
        assert source_at(cast.north) == mine

    def test_is_made_switched_off_where_there_is_none_and_made_once(self, cast):
        sources.create(cast.north, "mllp", {"port": 6100, "peers": "10.20.0.0/16"})
        made = source_at(cast.north)
        assert (made.way, made.enabled) == ("webhook", False)
        assert source_at(cast.north) == made

    @pytest.mark.parametrize("order", ["body", "timestamp.body", "id.timestamp.body"])
    def test_is_signed_over_what_its_settings_say(self, cast, order):
        source, secret = sources.create(cast.north, "webhook", {"signed": order, "signature_header": "X-Sig"})
        made = signed(source, Visit(4, 2))
        parts = {
            "body": made["content"],
            "timestamp": made["headers"]["X-Timestamp"].encode(),
            "id": made["headers"]["X-Event-Id"].encode(),
        }
        over = b".".join(parts[name] for name in order.split("."))
        wanted = hmac.new(key_of(secret), over, hashlib.sha256).digest()
        assert base64.b64decode(made["headers"]["X-Sig"]) == wanted

    def test_is_signed_with_the_newest_of_two_secrets(self, cast):
        source, old = sources.create(cast.north, "webhook", {})
        new = sources.rotate(source)
        assert two_secrets.good(source) == [new, old]
        made = signed(source, Visit(1, 1))
        code = hmac.new(key_of(new), made["content"], hashlib.sha256).digest()
        assert base64.b64decode(made["headers"]["X-Signature"]) == code

    def test_has_each_value_where_its_settings_look_for_it(self, cast):
        own = {"kind_path": "event.kind", "time_path": "event.at", "encounter_path": "visit.enc.id"}
        own |= {"patient_path": "visit.pat", "provider_path": "doctor"}
        source, _ = sources.create(cast.north, "webhook", own)
        body = json.loads(signed(source, Visit(9, 3))["content"])
        assert body["event"]["kind"] == CHECKED_IN
        assert body["visit"] == {"enc": {"id": "CERT9-E3"}, "pat": "CERT9-P3"}
        assert body["doctor"] == "CERT-DR"


class TestTheReview:
    def review(self, desk, delivery):
        account = account_of(desk)
        encounter.review(desk, account, delivery)
        return came(account)

    def test_sees_the_fields_as_written_and_closes_the_chart(self, cast, charted):
        assert self.review(desk_at(cast.north), make_delivery(cast)) == ["3 fields, as written"]
        assert charted.closed == 1

    def test_names_the_field_that_shows_something_else(self, cast, charted):
        charted.chart = Chart((), AS_WRITTEN | {"NF-04": "Lungs not examined."})
        with pytest.raises(Stopped, match=r"written in: Examination\.$"):
            self.review(desk_at(cast.north), make_delivery(cast))

    def test_names_every_field_of_an_empty_chart(self, cast, charted):
        charted.chart = Chart((), {})
        with pytest.raises(Stopped, match="Chief Complaint, HPI, Examination"):
            self.review(desk_at(cast.north), make_delivery(cast))

    def test_is_content_with_a_field_that_holds_more(self, cast, charted):
        charted.chart = Chart((), {key: f"Nurse: seen.\n{text}" for key, text in AS_WRITTEN.items()})
        assert self.review(desk_at(cast.north), make_delivery(cast))

    def test_asks_no_fields_of_a_reader_that_sees_documents_only(self, cast, charted):
        charted.chart = Chart((), {}, grade="section")
        assert self.review(desk_at(cast.north), make_delivery(cast)) == ["0 fields, as written"]

    @pytest.mark.parametrize("error, word", [(Unavailable("dns"), "dns"), (ValueError("bad"), "settings")])
    def test_of_a_chart_that_does_not_open_stops_with_the_reason(self, cast, charted, error, word):
        charted.chart = error
        with pytest.raises(Stopped, match=rf"could not open the chart \({word}\)"):
            self.review(desk_at(cast.north), make_delivery(cast))

    def test_is_recorded_as_the_view_it_is_even_where_it_fails(self, cast, charted):
        charted.chart = Unavailable("dns")
        delivery = make_delivery(cast)
        with pytest.raises(Stopped):
            self.review(desk_at(cast.north), delivery)
        event = AuditEvent.objects.get(event="note.view")
        assert (event.object_id, event.subject_bidx) == (str(delivery.pk), delivery.note_version.patient_bidx)

    def test_without_a_reader_shows_nobody_anything(self, cast, charted):
        cast.north.reading_connection = None
        with pytest.raises(Stopped, match="nobody can see the chart"):
            self.review(desk_at(cast.north), make_delivery(cast))
        assert not AuditEvent.objects.filter(event="note.view").exists()


class TestTheSignature:
    @pytest.fixture(autouse=True)
    def ecw(self, monkeypatch):
        monkeypatch.setattr(at_ecw, "simulated", lambda location: "http://here")
        monkeypatch.setattr(at_ecw, "sign", lambda base, location, visit: True)

    def sign(self, cast, *answers):
        desk = desk_at(cast.north, *answers)
        account = account_of(desk)
        return signature(desk, account, desk.visit(), make_delivery(cast)), desk, account

    def test_in_a_real_ecw_is_a_persons_and_nothing_is_posted(self, cast, monkeypatch):
        monkeypatch.setattr(at_ecw, "simulated", lambda location: "")
        verdict, desk, _ = self.sign(cast)
        assert verdict.passed
        assert "a person signs" in verdict.says
        assert desk.scribe.posted == []

    def test_that_does_not_come_about_stops(self, cast, monkeypatch):
        monkeypatch.setattr(at_ecw, "sign", lambda *anything: False)
        with pytest.raises(Stopped, match="could not be signed"):
            self.sign(cast)

    def test_shuts_the_note_and_the_later_version_is_refused(self, cast):
        late = make_delivery(cast, State.REJECTED, reason_code="encounter_locked")
        verdict, desk, account = self.sign(cast, taken(late))
        assert verdict.passed
        assert desk.scribe.posted[0]["version"] == 2
        assert came(account) == ["locked", "refused (encounter_locked)"]

    @pytest.mark.parametrize("state", [State.VERIFIED, State.ACCEPTED, State.UNKNOWN, State.HELD])
    def test_that_lets_a_change_through_stops_and_says_how_far_it_came(self, cast, state):
        with pytest.raises(Stopped, match=f"not refused: note {state}"):
            self.sign(cast, taken(make_delivery(cast, state)))


class TestTheWholeVisit:
    @pytest.fixture(autouse=True)
    def checked_in(self, monkeypatch):
        monkeypatch.setattr(encounter, "check_in", lambda desk, account, visit: None)

    def visited(self, cast, *deliveries):
        desk = desk_at(cast.north, taken(*deliveries))
        account = account_of(desk)
        return simulate(desk, account), account

    def test_stops_at_its_first_failing_step_and_the_account_has_it(self, cast, charted):
        verdict, account = self.visited(cast, make_delivery(cast, State.UNKNOWN, reason_code="no_answer"))
        assert (verdict.passed, verdict.says) == (False, "note unknown (no_answer)")
        assert account.steps[-1]["step"] == "Stopped"
        assert charted.closed == 0, "nobody reviews a note that did not arrive"

    def test_without_any_delivery_is_no_visit(self, cast):
        assert self.visited(cast)[0].says == "The note made no delivery."

    def test_where_no_chart_is_read_claims_acceptance_alone(self, cast):
        cast.north.reading_connection = None
        cast.north.save()
        verdict, account = self.visited(cast, make_delivery(cast, State.ACCEPTED))
        assert (verdict.passed, verdict.proof) == (True, UNPROVABLE)
        assert "read back" not in verdict.says
        assert came(account)[-1] == "accepted"


class TestAnAmendment:
    def amended(self, cast, first, second):
        desk = desk_at(cast.north, taken(*first), taken(*second))
        return encounter.amendment(desk, account_of(desk)), desk

    def test_is_the_same_visit_in_a_second_version_with_other_words(self, cast):
        verdict, desk = self.amended(cast, [make_delivery(cast)], [make_delivery(cast)])
        one, two = desk.scribe.posted
        assert verdict.passed
        assert (one["version"], two["version"]) == (1, 2)
        assert one["source_note_id"] == two["source_note_id"]
        assert one["encounter"]["id"] == two["encounter"]["id"]
        assert {row["text"] for row in one["sections"]}.isdisjoint(row["text"] for row in two["sections"])

    def test_that_made_no_delivery_is_not_one(self, cast):
        assert self.amended(cast, [make_delivery(cast)], [])[0].says == "The note made no delivery."

    def test_is_not_proven_by_its_first_version(self, cast):
        verdict, _ = self.amended(cast, [make_delivery(cast)], [make_delivery(cast, State.MISFILED)])
        assert not verdict.passed


class TestTheWrongPatient:
    def tried(self, cast, *deliveries: Delivery):
        desk = desk_at(cast.north, taken(*(deliveries or [make_delivery(cast)])))
        account = account_of(desk)
        return checklist.wrong_patient(desk, account), account

    def test_is_somebody_else_at_the_same_visit(self, cast, receiver, charted):
        receiver.answer = Refused("patient_mismatch", "AE")
        verdict, _ = self.tried(cast)
        (sent,) = receiver.sent
        assert verdict.says == "Refused, and not in the chart."
        assert sent.visit.patient.id.endswith("-P1-OTHER")
        assert sent.visit.encounter_id.endswith("-E1")
        assert (receiver.closed, charted.closed) == (1, 1)

    def test_that_is_accepted_fails(self, cast, receiver):
        verdict, account = self.tried(cast)
        assert (verdict.passed, came(account)) == (False, ["accepted"])

    @pytest.mark.parametrize("error", [NoAnswer("no_answer"), Unavailable("dns")])
    def test_is_not_refused_by_silence(self, cast, receiver, error):
        receiver.answer = error
        verdict, _ = self.tried(cast)
        assert verdict.says == f"No clear refusal came ({error.reason_code})."
        assert not verdict.passed

    def test_refused_in_word_and_charted_in_deed_fails(self, cast, receiver, charted):
        receiver.answer = Refused("patient_mismatch")
        looks = []

        def found(visit):
            looks.append(visit)
            return Chart((ChartNote(receiver.sent[0].control_id, {}),), {})

        charted.chart = Chart((), {})
        checklist.open_reader = lambda connection: SimpleNamespace(read=found, close=lambda: None)
        assert self.tried(cast)[0].says == "Refused, and charted all the same."
        assert looks[0].patient.id.endswith("-P1"), "the chart of the visit's own patient is looked into"

    def test_refused_where_no_chart_opens_is_not_proven(self, cast, receiver, charted):
        receiver.answer, charted.chart = Refused("patient_mismatch"), Unavailable("read_unauthorized")
        verdict, _ = self.tried(cast)
        assert (verdict.passed, verdict.says) == (False, "The chart could not be read (read_unauthorized).")

    @pytest.mark.parametrize("state", [State.UNKNOWN, State.REJECTED])
    def test_is_not_tried_where_the_visits_own_note_did_not_arrive(self, cast, receiver, state):
        verdict, _ = self.tried(cast, make_delivery(cast, state))
        assert not verdict.passed
        assert verdict.says.startswith("The visit's own note: note")
        assert receiver.sent == []


class TestTheSameAgain:
    def twice(self, cast, first, second):
        desk = desk_at(cast.north, taken(*first), taken(*second, status=200))
        return checklist.same_again(desk, account_of(desk)), desk

    def test_is_one_delivery(self, cast):
        one = make_delivery(cast)
        verdict, desk = self.twice(cast, [one], [one])
        assert verdict.says == "One delivery, charted once."
        assert desk.scribe.posted[0] == desk.scribe.posted[1]

    def test_is_not_once_where_another_delivery_came_of_it(self, cast):
        verdict, _ = self.twice(cast, [make_delivery(cast)], [make_delivery(cast)])
        assert (verdict.passed, verdict.says) == (False, "The same version was taken in a second time.")

    def test_is_not_once_where_the_second_answer_names_none(self, cast):
        assert not self.twice(cast, [make_delivery(cast)], [])[0].passed

    def test_of_nothing_proves_nothing(self, cast):
        assert not self.twice(cast, [], [])[0].passed

    @pytest.mark.parametrize("outcome", ["duplicated", "missing"])
    def test_charted_otherwise_fails(self, cast, outcome):
        one = make_delivery(cast, State.MISFILED, outcomes=["verified", outcome, "verified"])
        assert self.twice(cast, [one], [one])[0].says.endswith(f"history_of_present_illness {outcome}")
