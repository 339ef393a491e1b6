"""What the page of one delivery is told: its evidence, the place where the cause lies, its tries, kin and neighbours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery import detail
from delivery.detail import deeds, detail_of, empty_titles, evidence, kin, link_to, neighbours
from delivery.failures import Button, failure
from delivery.filters import Filters
from delivery.models import Attempt, Delivery, NoteVersion
from delivery.queries import Scope
from delivery.states import State
from portal.models import Part
from tests.delivery.rows import SECTIONS, add_attempt, add_reading, make_delivery

pytestmark = pytest.mark.django_db


def loaded(delivery: Delivery) -> Delivery:
    """As the door gives it."""
    return Delivery.objects.select_related("note_version__template", "location__practice", "connection").get(
        pk=delivery.pk
    )


def said(delivery: Delivery) -> list[str]:
    one = loaded(delivery)
    return evidence(one, list(one.attempt_rows.order_by("number")), list(one.readings.order_by("at", "pk")))


class TestTheEvidence:
    def test_of_a_fresh_delivery_is_none(self, cast):
        assert said(make_delivery(cast, State.READY)) == []

    def test_of_a_held_one_are_its_problems_in_their_order(self, cast):
        problems = [
            {"code": "a", "message": "First.", "pointer": "/x"},
            {"code": "b", "message": "Second.", "pointer": ""},
        ]
        assert said(make_delivery(cast, State.HELD, problems=problems)) == ["First.", "Second."]

    def test_passes_over_a_problem_without_words(self, cast):
        assert said(make_delivery(cast, State.HELD, problems=[{"code": "a"}, {"code": "b", "message": ""}])) == []

    def test_of_one_try_says_once(self, cast):
        assert said(make_delivery(cast, State.UNKNOWN, tries=["no_answer"])) == ["Tried once; the last try: no answer."]

    def test_of_three_tries_says_how_many_and_the_last(self, cast):
        one = make_delivery(cast, State.REJECTED, tries=["unavailable", "unavailable", "refused"])
        assert said(one) == ["Tried 3 times; the last try: refused, the receiver's code was AE."]

    def test_of_a_try_under_way_says_so(self, cast):
        assert said(make_delivery(cast, State.SENDING, tries=[""])) == ["Tried once; the last try: under way."]

    def test_of_a_misfiled_one_names_the_sections(self, cast):
        one = make_delivery(cast, State.MISFILED, outcomes=["verified", "missing", "altered"])
        assert said(one) == [
            "In the chart: HPI missing; PHYSICAL EXAM altered.",
            "Tried once; the last try: accepted, the receiver's code was AA.",
        ]

    def test_of_looks_that_found_nothing_wrong_says_what_the_last_answered(self, cast):
        one = make_delivery(cast, State.UNKNOWN, tries=["no_answer"])
        for place, answer in enumerate(["cannot_say", "not_there"], start=1):
            reading = add_reading(cast, one, [], [], number=place)
            reading.answer, reading.at = answer, timezone.now() + timedelta(seconds=place)
            reading.save()
        assert said(one)[-1] == "The chart was asked 2 times; the last answer: not there."

    def test_of_one_look_says_once(self, cast):
        one = make_delivery(cast, State.UNKNOWN, tries=["no_answer"])
        add_reading(cast, one, [], [])
        assert said(one)[-1] == "The chart was asked once; the last answer: there."

    def test_of_a_misfiled_one_does_not_repeat_the_look_that_found_it(self, cast):
        one = make_delivery(cast, State.MISFILED, outcomes=["missing"])
        assert not any("asked" in each for each in said(one))

    def test_never_holds_a_text_of_the_note(self, cast):
        one = make_delivery(cast, State.MISFILED, outcomes=["altered"] * 3, in_chart=["Sore throat."] * 3)
        together = " ".join(said(one))
        assert not any(text in together for _, _, text, _, _ in SECTIONS)
        assert "Sore throat." not in together


class TestWhereTheCauseLies:
    def at(self, cast, button: Button) -> tuple[str, str] | None:
        return link_to(loaded(make_delivery(cast, State.HELD)), button)

    def test_in_the_connection_leads_to_this_deliverys_connection(self, cast):
        assert self.at(cast, Button.CONNECTION) == (
            "Open the connection",
            reverse("portal:connection", args=[cast.hl7.pk]),
        )

    def test_in_the_mapping_leads_to_this_templates_mapping(self, cast):
        template = cast.north.templates.get()
        assert self.at(cast, Button.MAPPING) == ("Open the mapping", reverse("mapping:mapping", args=[template.pk]))

    def test_in_the_template_leads_to_the_template(self, cast):
        template = cast.north.templates.get()
        assert self.at(cast, Button.TEMPLATE) == ("Open the template", reverse("mapping:template", args=[template.pk]))

    def test_in_the_location_leads_to_it_by_its_code(self, cast):
        assert self.at(cast, Button.LOCATION) == ("Open the location", reverse("portal:location", args=["NORTH"]))

    def test_in_the_agreements_leads_to_all_of_them(self, cast):
        assert self.at(cast, Button.AGREEMENT) == ("Open the agreements", reverse("portal:agreements"))

    @pytest.mark.parametrize("button", [Button.NONE, Button.RELEASE, Button.REPLAY, Button.VERIFY, Button.DECIDE])
    def test_that_is_a_deed_on_the_delivery_itself_leads_nowhere(self, cast, button):
        assert self.at(cast, button) is None

    def test_in_the_mapping_of_a_note_without_a_template_leads_nowhere(self, cast):
        one = make_delivery(cast, State.HELD)
        NoteVersion.objects.filter(pk=one.note_version_id).update(template=None)
        assert link_to(loaded(one), Button.MAPPING) is None

    def test_in_the_connection_of_a_part_without_one_leads_nowhere(self, cast):
        one = make_delivery(cast, State.HELD)
        Delivery.objects.filter(pk=one.pk).update(connection=None)
        assert link_to(loaded(one), Button.CONNECTION) is None


class TestTheWhole:
    def test_of_a_held_delivery_has_its_reason_and_the_link_to_its_cause(self, cast):
        shown = detail_of(loaded(make_delivery(cast, State.HELD, reason_code="unmapped_section")))
        assert shown.why == failure("unmapped_section")
        assert shown.link[0] == "Open the mapping"
        assert shown.words.label == "Held"
        assert shown.icon == "pause-circle"

    def test_of_a_delivery_without_trouble_has_no_reason_and_no_link(self, cast):
        shown = detail_of(loaded(make_delivery(cast, State.READY)))
        assert (shown.why, shown.link, shown.evidence) == (None, None, ())

    def test_shows_the_patient_masked(self, cast):
        shown = detail_of(loaded(make_delivery(cast, State.READY)))
        assert shown.patient == "L.O. ••01"

    def test_shows_times_in_the_locations_zone(self, cast):
        cast.north.time_zone = "America/Denver"
        cast.north.save()
        one = make_delivery(cast, State.READY, received_at=datetime(2026, 3, 19, 15, 15, tzinfo=UTC))
        shown = detail_of(loaded(one))
        assert shown.zone == "America/Denver"
        assert shown.received == datetime(2026, 3, 19, 9, 15, tzinfo=ZoneInfo("America/Denver"))

    def test_says_what_was_proved_in_words(self, cast):
        assert detail_of(loaded(make_delivery(cast, State.VERIFIED))).proof == "each section read in its field"

    def test_says_nothing_of_a_proof_that_there_is_not(self, cast):
        assert detail_of(loaded(make_delivery(cast, State.ACCEPTED))).proof == ""

    def test_shows_every_section_with_its_outcome(self, cast):
        shown = detail_of(loaded(make_delivery(cast, State.MISFILED, outcomes=["verified", "moved", "missing"])))
        assert [(title, words.label) for title, words in shown.sections] == [
            ("CHIEF COMPLAINT", "Verified"),
            ("HPI", "Moved"),
            ("PHYSICAL EXAM", "Missing"),
        ]

    def test_of_a_withdrawn_note_in_the_chart_says_that_first(self, cast):
        one = make_delivery(cast, State.VERIFIED)
        Delivery.objects.filter(pk=one.pk).update(withdrawn_at=timezone.now())
        assert detail_of(loaded(one)).why.code == "retract_requested"

    def test_costs_no_more_the_longer_the_story_is(self, cast, django_assert_max_num_queries):
        one = make_delivery(cast, State.REJECTED, tries=["unavailable"] * 20 + ["refused"])
        row = loaded(one)
        with django_assert_max_num_queries(8):
            detail_of(row)


class TestTheTries:
    def tries(self, delivery: Delivery):
        return detail_of(loaded(delivery)).tries

    def test_stand_newest_first(self, cast):
        one = make_delivery(cast, State.REJECTED, tries=["unavailable", "no_answer", "refused"])
        assert [each.attempt.number for each in self.tries(one)] == [3, 2, 1]

    def test_each_has_its_words_and_reason(self, cast):
        one = make_delivery(cast, State.REJECTED, tries=["refused"], reason_code="ae")
        (only,) = self.tries(one)
        assert (only.words.label, only.reason) == ("Refused", "eCW refused the message (AE)")

    def test_without_a_reason_has_none(self, cast):
        (only,) = self.tries(make_delivery(cast, State.ACCEPTED, tries=["accepted"]))
        assert only.reason == ""

    def test_took_the_time_from_intent_to_outcome(self, cast):
        (only,) = self.tries(make_delivery(cast, State.ACCEPTED, tries=["accepted"]))
        assert only.seconds == 1.0

    def test_under_way_has_taken_no_time_yet(self, cast):
        (only,) = self.tries(make_delivery(cast, State.SENDING, tries=[""]))
        assert only.seconds is None

    def test_never_load_the_receivers_sealed_answer(self, cast):
        one = make_delivery(cast, State.ACCEPTED, tries=["accepted"])
        assert "sealed_answer" in self.tries(one)[0].attempt.get_deferred_fields()
        assert Attempt.objects.get(delivery=one).sealed_answer


class TestEmptySections:
    def with_rows(self, cast, *rows: dict, part: str = Part.NOTE) -> tuple[str, ...]:
        one = make_delivery(cast, State.HELD)
        NoteVersion.objects.filter(pk=one.note_version_id).update(empty_sections=list(rows))
        Delivery.objects.filter(pk=one.pk).update(part=part)
        return empty_titles(loaded(one))

    def test_are_named_by_their_titles(self, cast):
        assert self.with_rows(cast, {"index": 1, "code": "plan", "title": "PLAN"}) == ("PLAN",)

    def test_without_a_title_are_named_by_their_code(self, cast):
        assert self.with_rows(cast, {"index": 1, "code": "plan", "title": ""}) == ("plan",)

    def test_without_either_are_untitled(self, cast):
        assert self.with_rows(cast, {"index": 1, "code": "", "title": ""}) == ("Untitled section",)

    def test_are_none_where_there_are_none(self, cast):
        assert self.with_rows(cast) == ()

    def test_are_no_matter_of_another_part(self, cast):
        assert self.with_rows(cast, {"index": 1, "code": "plan", "title": "PLAN"}, part=Part.MEDICATIONS) == ()


class TestKin:
    def test_are_the_notes_other_deliveries_newest_first(self, cast):
        first = make_delivery(cast, State.REJECTED)
        rows = [first]
        for control in ("A" * 20, "B" * 20):
            row = Delivery.objects.get(pk=first.pk)
            row.pk, row.control_id = None, control
            row.save(force_insert=True)
            rows.append(row)
        assert [each.pk for each in kin(first)] == [rows[2].pk, rows[1].pk]

    def test_of_an_only_delivery_are_none(self, cast):
        one = make_delivery(cast, State.READY)
        make_delivery(cast, State.READY)
        assert kin(one) == []

    def test_never_load_a_sealed_body(self, cast):
        first = make_delivery(cast, State.REJECTED)
        row = Delivery.objects.get(pk=first.pk)
        row.pk, row.control_id = None, "A" * 20
        row.save(force_insert=True)
        assert "sealed_body" in kin(first)[0].note_version.get_deferred_fields()


class TestDeedsOfPeople:
    def did(self, delivery: Delivery, event: str = "note.view", actor: str = "user") -> None:
        with acting(Actor(actor, "7", "dana")), transaction.atomic():
            record(event, object_type="delivery", object_id=str(delivery.pk), detail={"delivery_id": delivery.pk})

    def test_are_what_users_did_with_this_delivery(self, cast):
        one = make_delivery(cast, State.READY)
        self.did(one)
        assert [event.event for event in deeds(one)] == ["note.view"]

    def test_are_not_what_the_program_did(self, cast):
        one = make_delivery(cast, State.READY)
        self.did(one, actor="worker")
        assert deeds(one) == []

    def test_are_not_what_was_done_with_another(self, cast):
        one, other = make_delivery(cast, State.READY), make_delivery(cast, State.READY)
        self.did(other)
        assert deeds(one) == []

    def test_are_not_moves_which_have_rows_of_their_own(self, cast):
        one = make_delivery(cast, State.READY)
        self.did(one, event="delivery.held")
        assert deeds(one) == []

    def test_are_the_newest_hundred_at_most(self, cast, monkeypatch):
        monkeypatch.setattr(detail, "DEEDS", 3)
        one = make_delivery(cast, State.READY)
        for _ in range(5):
            self.did(one)
        assert len(deeds(one)) == 3


class TestNeighbours:
    @pytest.fixture
    def three(self, cast) -> list[Delivery]:
        """The oldest first."""
        noon = datetime(2026, 3, 19, 12, tzinfo=UTC)
        return [make_delivery(cast, State.READY, received_at=noon + timedelta(minutes=place)) for place in range(3)]

    def beside(self, cast, one: Delivery, **chosen) -> tuple[int | None, int | None]:
        return neighbours(one, Scope((cast.north,)), Filters(**chosen))

    def test_of_the_middle_one_are_the_newer_and_the_older(self, cast, three):
        assert self.beside(cast, three[1]) == (three[2].pk, three[0].pk)

    def test_of_the_newest_are_none_and_the_older(self, cast, three):
        assert self.beside(cast, three[2]) == (None, three[1].pk)

    def test_of_the_oldest_are_the_newer_and_none(self, cast, three):
        assert self.beside(cast, three[0]) == (three[1].pk, None)

    def test_of_an_only_one_are_none(self, cast):
        assert self.beside(cast, make_delivery(cast, State.READY)) == (None, None)

    def test_are_those_of_the_list_it_was_opened_from(self, cast, three):
        held = make_delivery(cast, State.HELD, received_at=datetime(2026, 3, 19, 11, tzinfo=UTC))
        assert self.beside(cast, three[0]) == (three[1].pk, held.pk)
        assert self.beside(cast, three[0], state=("ready",)) == (three[1].pk, None)

    def test_are_never_of_a_location_out_of_sight(self, cast, three):
        noon = datetime(2026, 3, 19, 13, tzinfo=UTC)
        make_delivery(cast, State.READY, location=cast.south, received_at=noon)
        assert self.beside(cast, three[2]) == (None, three[1].pk)

    def test_of_the_same_moment_stand_by_their_numbers(self, cast):
        noon = datetime(2026, 3, 19, 12, tzinfo=UTC)
        first, second = (make_delivery(cast, State.READY, received_at=noon) for _ in range(2))
        assert self.beside(cast, first) == (second.pk, None)
        assert self.beside(cast, second) == (None, first.pk)


def test_an_attempt_by_another_connection_is_shown_as_its_own(cast):
    one = make_delivery(cast, State.REJECTED, tries=["refused"])
    Attempt.objects.filter(delivery=one).update(connection=cast.reader)
    add_attempt(cast, one, 2, "refused", "ae")
    shown = detail_of(loaded(one))
    assert [each.attempt.connection.name for each in shown.tries] == ["eCW sandbox HL7", "eCW sandbox Open API"]
