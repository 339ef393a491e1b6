"""The rules of reading back, each alone: when a look counts, when a doubt ends, what an accepted note may become."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import AuditEvent
from delivery import verification
from delivery.channels.base import Chart, ChartNote
from delivery.channels.compare import ReadBack, SectionReading
from delivery.failures import CATALOGUE
from delivery.going_again import NOT_UNDERSTOOD, TRIES
from delivery.intake import DEADLINE
from delivery.models import Attempt, ConnectionState, Delivery, Reading
from delivery.readings import Look
from delivery.states import State
from delivery.transition import ticket_of
from delivery.verification import (
    count_negative,
    in_doubt_too_long,
    judge,
    keep_document,
    look_again,
    may_still_be_filing,
    misfiled,
    outcome_rows,
    profile_of,
    settle_doubt,
    still_standing,
)
from tests.delivery.rows import SECTIONS, make_delivery

pytestmark = pytest.mark.django_db
SETTLE = 10.0


@pytest.fixture(autouse=True)
def settle_time(settings):
    settings.SETTLE_SECONDS = settings.DOUBT_SETTLE_SECONDS = SETTLE


def ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


def standing(cast, state: State, **columns) -> Delivery:
    made = make_delivery(cast, state)
    Delivery.objects.filter(pk=made.pk).update(**columns)
    return fresh(made)


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_related(
        "note_version__template", "location__practice", "location__reading_connection", "connection", "wire"
    ).get(pk=delivery.pk)


def section(outcome: str, index: int = 0) -> SectionReading:
    code, title, text, field_id, _ = SECTIONS[index]
    return SectionReading(index, code, title, field_id, outcome, text, text, field_id)


def seen(*outcomes: str, found: bool = True, grade: str = "field") -> ReadBack:
    return ReadBack(found, tuple(section(outcome, index) for index, outcome in enumerate(outcomes)), grade)


NOT_THERE = seen("missing", "missing", "missing", found=False)


def proved(cast, profile: str) -> None:
    ConnectionState.objects.update_or_create(connection=cast.hl7, defaults={"profile": profile})


def settled(delivery: Delivery, answer: ReadBack | None, reason_code: str = "", asked_at=None) -> Delivery:
    with transaction.atomic():
        look = Look(delivery, None, reason_code, asked_at=asked_at or timezone.now())
        settle_doubt(look, ticket_of(delivery), answer)
    return fresh(delivery)


class TestADoubtThatIsFound:
    @pytest.mark.parametrize("profile", ["", "blind", "dedupe", "readback", "both"])
    def test_is_accepted_whatever_the_receiver_can_do(self, cast, profile):
        proved(cast, profile)
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(1)), seen("verified"))
        assert (one.state, one.reason_code) == ("accepted", "reader_found_it")

    def test_is_accepted_even_where_its_sections_differ(self, cast):
        one = settled(standing(cast, State.UNKNOWN), seen("missing", "altered"))
        assert one.state == "accepted"

    def test_is_read_again_at_once_to_be_compared(self, cast):
        one = settled(standing(cast, State.UNKNOWN, readings_made=5), seen("verified"))
        assert one.read_at == one.accepted_at
        assert one.readings_made == 0


class TestADoubtThatIsNotFound:
    def test_of_a_receiver_that_ignores_repeats_goes_again_at_once(self, cast):
        proved(cast, "dedupe")
        one = settled(standing(cast, State.UNKNOWN), NOT_THERE)
        assert (one.state, one.reason_code, one.read_at) == ("ready", "receiver_ignores_repeats", None)

    def test_of_a_receiver_that_ignores_repeats_needs_no_answer_of_a_chart(self, cast):
        proved(cast, "dedupe")
        assert settled(standing(cast, State.UNKNOWN), None, "read_unavailable").state == "ready"

    @pytest.mark.parametrize("profile", ["", "blind"])
    def test_of_a_blind_receiver_waits_for_a_person(self, cast, profile):
        proved(cast, profile)
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(3600)), NOT_THERE, asked_at=ago(0))
        assert (one.state, one.reason_code) == ("parked", "blind_receiver")

    def test_of_a_receiver_nobody_has_probed_waits_for_a_person(self, cast):
        assert settled(standing(cast, State.UNKNOWN), NOT_THERE).reason_code == "blind_receiver"

    @pytest.mark.parametrize("profile", ["readback", "both"])
    def test_once_is_looked_for_again_a_settle_time_later(self, cast, profile):
        proved(cast, profile)
        asked = timezone.now()
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(60)), NOT_THERE)
        assert (one.state, one.negatives) == ("unknown", 1)
        assert one.read_at - asked == pytest.approx(timedelta(seconds=SETTLE), abs=timedelta(seconds=1))

    @pytest.mark.parametrize("profile", ["readback", "both"])
    def test_twice_goes_again_with_the_same_id(self, cast, profile):
        proved(cast, profile)
        before = standing(cast, State.UNKNOWN, updated_at=ago(60), negatives=1)
        one = settled(before, NOT_THERE)
        assert (one.state, one.reason_code, one.negatives) == ("ready", "reader_says_not_there", 0)
        assert (one.control_id, one.wire.sha256) == (before.control_id, before.wire.sha256)

    def test_before_the_settle_time_does_not_count(self, cast):
        proved(cast, "readback")
        before = standing(cast, State.UNKNOWN, updated_at=ago(SETTLE - 2))
        one = settled(before, NOT_THERE)
        assert (one.state, one.negatives) == ("unknown", 0)
        assert one.read_at == before.updated_at + timedelta(seconds=SETTLE)

    def test_a_second_time_within_the_settle_time_of_the_first_does_not_count(self, cast):
        proved(cast, "readback")
        before = standing(cast, State.UNKNOWN, updated_at=ago(1.5 * SETTLE), negatives=1)
        one = settled(before, NOT_THERE)
        assert (one.state, one.negatives) == ("unknown", 1)
        assert one.read_at == before.updated_at + timedelta(seconds=2 * SETTLE)

    def test_is_judged_by_when_it_was_asked_and_not_by_when_it_is_written_down(self, cast):
        proved(cast, "readback")
        before = standing(cast, State.UNKNOWN, updated_at=ago(60), negatives=1)
        one = settled(before, NOT_THERE, asked_at=ago(55))
        assert (one.state, one.negatives) == ("unknown", 1)


class TestADoubtThatCannotBeAsked:
    @pytest.fixture(autouse=True)
    def askable(self, cast):
        proved(cast, "readback")

    @pytest.mark.parametrize("reason_code", ["read_unavailable", "read_unauthorized", "rate_limited", "reading_failed"])
    def test_is_asked_again_later_with_the_reason(self, cast, reason_code):
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(1)), None, reason_code)
        assert (one.state, one.reason_code) == ("unknown", reason_code)
        assert one.read_at > timezone.now() - timedelta(seconds=1)

    def test_counts_no_negative(self, cast):
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(60), negatives=1), None, "read_unavailable")
        assert (one.state, one.negatives) == ("unknown", 1)

    def test_ten_times_waits_for_a_person(self, cast):
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(1), readings_made=10), None, "read_unavailable")
        assert (one.state, one.reason_code, one.read_at) == ("parked", "reader_cannot_say", None)

    def test_nine_times_does_not_yet(self, cast):
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(1), readings_made=9), None, "read_unavailable")
        assert one.state == "unknown"

    def test_for_an_hour_waits_for_a_person(self, cast):
        one = settled(standing(cast, State.UNKNOWN, updated_at=ago(3601)), None, "read_unavailable")
        assert (one.state, one.reason_code) == ("parked", "reader_cannot_say")

    @pytest.mark.parametrize("seconds, too_long", [(0, False), (3590, False), (3610, True), (86_400, True)])
    def test_has_been_in_doubt_too_long_after_an_hour(self, cast, seconds, too_long):
        assert in_doubt_too_long(standing(cast, State.UNKNOWN, updated_at=ago(seconds))) is too_long


class TestAnAcceptedNote:
    def judged(self, delivery: Delivery, answer: ReadBack | None, reason_code: str = "", asked_at=None) -> Delivery:
        with transaction.atomic():
            look = Look(delivery, None, reason_code, asked_at=asked_at or timezone.now())
            judge(look, ticket_of(delivery), answer)
        return fresh(delivery)

    def test_that_differs_in_a_settled_second_look_is_misfiled(self, cast):
        before = standing(cast, State.ACCEPTED, accepted_at=ago(60), readings_made=1)
        one = self.judged(before, seen("verified", "missing"))
        assert (one.state, one.reason_code, one.proof) == ("misfiled", "sections_differ", "field")
        assert [row["outcome"] for row in one.section_outcomes] == ["verified", "missing"]

    def test_that_differs_in_its_first_look_is_looked_at_again(self, cast):
        one = self.judged(standing(cast, State.ACCEPTED, accepted_at=ago(60)), seen("missing"))
        assert (one.state, one.reason_code, one.readings_made) == ("accepted", "differs_so_far", 1)

    def test_that_differs_before_the_settle_time_is_looked_at_again(self, cast):
        before = standing(cast, State.ACCEPTED, accepted_at=ago(SETTLE - 5), readings_made=4)
        assert self.judged(before, seen("missing")).reason_code == "differs_so_far"

    def test_that_is_not_there_is_looked_for_again(self, cast):
        before = standing(cast, State.ACCEPTED, accepted_at=ago(60), readings_made=4)
        one = self.judged(before, NOT_THERE)
        assert (one.state, one.reason_code) == ("accepted", "reader_says_not_there")

    def test_that_is_not_there_after_five_looks_is_misfiled_as_such(self, cast):
        before = standing(cast, State.ACCEPTED, accepted_at=ago(60), readings_made=5)
        one = self.judged(before, NOT_THERE)
        assert (one.state, one.reason_code) == ("misfiled", "not_in_chart")

    def test_of_which_the_chart_could_not_be_asked_stays_and_says_why(self, cast):
        one = self.judged(standing(cast, State.ACCEPTED, readings_made=99), None, "read_unauthorized")
        assert (one.state, one.reason_code) == ("accepted", "read_unauthorized")

    def test_of_which_nothing_was_said_at_all_says_that(self, cast):
        assert self.judged(standing(cast, State.ACCEPTED), None).reason_code == "reader_cannot_say"

    def test_at_a_location_that_lost_its_reader_is_not_looked_for_any_more(self, cast):
        one = self.judged(standing(cast, State.ACCEPTED), None, "no_reader")
        assert (one.state, one.read_at, one.proof) == ("accepted", None, "none")

    def test_of_which_a_document_without_text_is_there_stays_with_that_proof(self, cast):
        one = self.judged(standing(cast, State.ACCEPTED, reason_code="differs_so_far"), seen(grade="document"))
        assert (one.state, one.proof, one.read_at, one.reason_code) == ("accepted", "document", None, "")


class TestAMisfiledNote:
    def test_that_still_differs_shows_the_newest_outcomes_and_does_not_move(self, cast):
        before = standing(cast, State.MISFILED, accepted_at=ago(3600), readings_made=3)
        with transaction.atomic():
            judge(Look(before, None, asked_at=timezone.now()), ticket_of(before), seen("verified", "altered"))
        one = fresh(before)
        assert (one.state, one.read_at) == ("misfiled", None)
        assert [row["outcome"] for row in one.section_outcomes] == ["verified", "altered"]

    def test_of_which_a_document_without_text_is_there_keeps_what_was_seen_before(self, cast):
        before = standing(cast, State.MISFILED, reason_code="sections_differ")
        keep_document(before)
        one = fresh(before)
        assert (one.state, one.reason_code, one.section_outcomes) == (
            "misfiled",
            "sections_differ",
            before.section_outcomes,
        )


class TestWhenAReceiverMayStillBeAtWork:
    @pytest.mark.parametrize(
        "age, looks, found, still",
        [
            (SETTLE + 5, 1, True, False),
            (SETTLE + 5, 0, True, True),
            (SETTLE - 5, 1, True, True),
            (SETTLE - 5, 9, True, True),
            (SETTLE + 5, 4, False, True),
            (SETTLE + 5, 5, False, False),
            (SETTLE - 5, 5, False, True),
        ],
    )
    def test_is_told_by_its_age_and_its_looks(self, cast, age, looks, found, still):
        one = standing(cast, State.ACCEPTED, accepted_at=ago(age), readings_made=looks)
        look = Look(one, None, asked_at=timezone.now())
        assert may_still_be_filing(look, seen("missing", found=found)) is still

    def test_counts_from_the_acceptance_and_not_from_a_later_change_of_the_row(self, cast):
        one = standing(cast, State.ACCEPTED, accepted_at=ago(60), updated_at=ago(0), readings_made=1)
        assert not may_still_be_filing(Look(one, None, asked_at=timezone.now()), seen("missing"))


class TestLookingAgain:
    @pytest.mark.parametrize(
        "looks, seconds", [(0, 1), (1, 2), (2, 5), (3, 10), (4, 30), (5, 60), (6, 300), (7, 300), (500, 300)]
    )
    def test_is_later_each_time_and_never_later_than_five_minutes(self, cast, looks, seconds):
        one = standing(cast, State.ACCEPTED, readings_made=looks)
        asked = timezone.now()
        look_again(one, "read_unavailable")
        now = fresh(one)
        assert now.read_at - asked == pytest.approx(timedelta(seconds=seconds), abs=timedelta(seconds=1))
        assert now.readings_made == looks + 1

    def test_does_not_touch_what_has_moved_meanwhile(self, cast):
        one = standing(cast, State.ACCEPTED)
        one.state = State.UNKNOWN
        look_again(one, "read_unavailable")
        assert fresh(one).readings_made == 0

    def test_leaves_when_the_doubt_began(self, cast):
        began = ago(500)
        one = standing(cast, State.UNKNOWN, updated_at=began)
        look_again(one, "read_unavailable")
        assert fresh(one).updated_at == began


class TestALookThatCameTooLate:
    def look(self, delivery: Delivery) -> Look:
        return Look(delivery, Chart((ChartNote(delivery.control_id, {}),), {}), asked_at=timezone.now())

    def test_of_a_delivery_that_moved_counts_for_nothing(self, cast):
        one = standing(cast, State.UNKNOWN)
        Delivery.objects.filter(pk=one.pk).update(state="parked")
        with transaction.atomic():
            assert still_standing([self.look(one)]) == []

    def test_of_a_delivery_that_was_tried_again_counts_for_nothing(self, cast):
        one = standing(cast, State.UNKNOWN)
        Delivery.objects.filter(pk=one.pk).update(attempts=one.attempts + 1)
        with transaction.atomic():
            assert still_standing([self.look(one)]) == []

    def test_of_a_delivery_that_stands_where_it_stood_counts(self, cast):
        look = self.look(standing(cast, State.UNKNOWN))
        with transaction.atomic():
            assert still_standing([look]) == [look]

    def test_takes_only_itself_out_of_a_batch(self, cast):
        looks = [self.look(standing(cast, State.UNKNOWN)) for _ in range(3)]
        Delivery.objects.filter(pk=looks[1].delivery.pk).update(state="parked")
        with transaction.atomic():
            assert still_standing(looks) == [looks[0], looks[2]]


class TestWhatIsWrittenDown:
    def test_of_the_sections_are_places_and_outcomes_and_no_text(self):
        (row,) = outcome_rows(seen("missing"))
        assert row == {
            "index": 0,
            "code": "chief_complaint",
            "title": "CHIEF COMPLAINT",
            "field_id": "NF-01",
            "outcome": "missing",
            "found_in": "NF-01",
        }

    def test_of_a_misfiled_note_in_the_audit_log_are_the_codes_that_are_wrong(self, cast):
        one = standing(cast, State.ACCEPTED)
        with transaction.atomic():
            misfiled(ticket_of(one), seen("verified", "missing", "altered"))
        event = AuditEvent.objects.get(event="delivery.misfiled")
        assert event.detail["sections"] == ["history_of_present_illness", "physical_exam"]

    def test_of_a_receiver_is_what_the_probe_proved_of_the_sending_connection(self, cast):
        one = standing(cast, State.UNKNOWN)
        assert profile_of(one) == ""
        proved(cast, "both")
        ConnectionState.objects.create(connection=cast.reader, profile="blind")
        assert profile_of(one) == "both"

    def test_of_a_negative_touches_only_what_is_still_in_doubt(self, cast):
        one = standing(cast, State.UNKNOWN, updated_at=ago(60))
        Delivery.objects.filter(pk=one.pk).update(state="parked")
        count_negative(Look(one, None, asked_at=timezone.now()))
        assert fresh(one).negatives == 0

    def test_of_a_batch_of_nothing_is_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            verification.conclude([])
        assert not Reading.objects.exists()


def without_answer(delivery: Delivery, *reasons: str, since: float = 0.0) -> None:
    """Its attempts: without an answer, for these reasons, one after another."""
    Attempt.objects.filter(delivery=delivery).delete()
    for number, reason in enumerate(reasons, start=1):
        Attempt.objects.create(
            delivery=delivery,
            number=number,
            epoch=1,
            worker="w",
            connection=delivery.connection,
            wire_sha256="0" * 64,
            intent_at=ago(since),
            finished_at=ago(since),
            outcome="no_answer",
            reason_code=reason,
        )


class TestADoubtThatTheChartDenies:
    def denied(self, cast, *reasons: str, since: float = 0.0) -> Delivery:
        proved(cast, "readback")
        one = standing(
            cast, State.UNKNOWN, updated_at=ago(60), negatives=1, deadline=ago(0) + DEADLINE - timedelta(hours=1)
        )
        without_answer(one, *reasons, since=since)
        return settled(one, NOT_THERE)

    @pytest.mark.parametrize(
        "times, seconds", [(1, 0), (2, 5), (3, 30), (4, 120), (5, 600), (6, 1800), (7, 3600), (20, 3600)]
    )
    def test_goes_again_later_each_time(self, cast, times, seconds):
        one = self.denied(cast, *["openapi_server_error"] * times)
        wait = (one.not_before - timezone.now()).total_seconds()
        assert one.state == "ready"
        assert seconds * 0.8 - 2 <= wait <= seconds * 1.2

    @pytest.mark.parametrize("reason", sorted(NOT_UNDERSTOOD))
    def test_is_a_persons_after_six_answers_that_say_yes_to_something_else(self, cast, reason):
        assert self.denied(cast, *[reason] * (TRIES - 1)).state == "ready"
        one = self.denied(cast, *[reason] * TRIES)
        assert (one.state, one.reason_code, one.read_at) == ("parked", "never_understood", None)

    def test_goes_on_where_other_trouble_stands_among_them(self, cast):
        assert self.denied(cast, *["openapi_contradiction"] * 5, *["openapi_server_error"] * 5).state == "ready"

    def test_does_not_count_what_was_before_a_person_let_it_go(self, cast):
        one = self.denied(cast, *["openapi_contradiction"] * TRIES, since=7200)
        assert one.state == "ready"
        assert one.not_before <= timezone.now()

    def test_of_a_receiver_that_ignores_repeats_is_a_persons_too(self, cast):
        proved(cast, "dedupe")
        one = standing(cast, State.UNKNOWN)
        without_answer(one, *["wrong_control_id"] * TRIES)
        assert settled(one, None).reason_code == "never_understood"

    @pytest.mark.parametrize("reason", sorted(NOT_UNDERSTOOD))
    def test_is_in_the_catalogue_under_each_reason(self, reason):
        assert reason in CATALOGUE
