"""Two notes of one visit that fill the same field: the second is held, and the first does not go on as verified."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, contested
from delivery.deeds import TAKES_A_FIELD, caution_of, deed_of
from delivery.detail import evidence
from delivery.models import Delivery, Move
from delivery.states import STRUCK, State
from portal.models import Environment, Location
from tests.delivery.rows import SECTIONS, make_delivery
from tests.delivery.test_sending import post, run_lanes, state
from tests.delivery.test_verification import outcomes, read_now, settle_and_read

LATER = [{"code": "history_of_present_illness", "title": "HPI", "text": "The nurse's own words."}]
ELSEWHERE = [{"code": "physical_exam", "title": "EXAM", "text": "Lungs clear."}]
flows = pytest.mark.django_db(transaction=True)


def verified_first(scribe):
    first = post(scribe, 1, encounter="E1")
    run_lanes()
    read_now()
    assert state(first) == State.VERIFIED
    return first


def held_second(scribe):
    first = verified_first(scribe)
    second = post(scribe, 2, encounter="E1", sections=LATER)
    assert run_lanes() == 0
    return first, Delivery.objects.get(pk=second)


def let_go(delivery):
    with transaction.atomic():
        actions.release([delivery.pk])


@flows
def test_a_second_note_for_a_field_of_the_first_is_held_before_a_byte_leaves(scribe, ecw):
    first, second = held_second(scribe)
    assert (second.state, second.reason_code, second.attempts) == (State.HELD, "field_taken", 0)
    [problem] = second.problems
    assert (problem["field_id"], problem["pointer"]) == ("NF-02", "/sections/0")
    said = f"Delivery {first}, another note of this visit, has filled the field HPI (NF-02)."
    assert problem["message"] == evidence(second, [], [])[0] == said
    assert len(ecw.filings()) == 1


@flows
def test_a_second_note_in_other_fields_goes_as_any(scribe, ecw):
    first = verified_first(scribe)
    second = post(scribe, 2, encounter="E1", sections=ELSEWHERE)
    run_lanes()
    read_now()
    assert (state(first), state(second)) == (State.VERIFIED, State.VERIFIED)
    assert Delivery.objects.filter(read_at__isnull=False).count() == 0, "nobody is looked at again"


@flows
def test_a_person_releases_it_and_the_first_is_found_displaced(scribe, ecw):
    first, second = held_second(scribe)
    assert caution_of(deed_of(second, "release"), second) == TAKES_A_FIELD
    let_go(second)
    assert run_lanes() == 1
    read_now()
    assert (state(first), state(second.pk)) == (State.VERIFIED, State.VERIFIED)
    settle_and_read()
    assert state(first) == State.VERIFIED, "one look may come while eCW is still at work"
    settle_and_read()
    row = Delivery.objects.get(pk=first)
    assert (row.state, row.reason_code, row.read_at) == (State.MISFILED, "displaced", None)
    assert outcomes(first)["history_of_present_illness"] == "altered"
    assert outcomes(first)["chief_complaint"] == "verified"
    assert state(second.pk) == State.VERIFIED
    event = AuditEvent.objects.get(event="delivery.misfiled")
    assert (event.object_id, event.detail["sections"]) == (str(first), ["history_of_present_illness"])


@flows
def test_a_verified_note_whose_chart_cannot_be_read_again_stays_as_it_was_and_is_asked_for_again(scribe, ecw):
    first = verified_first(scribe)
    Delivery.objects.filter(pk=first).update(read_at=timezone.now(), readings_made=0)
    ecw.fault("read_http_500")
    read_now()
    row = Delivery.objects.get(pk=first)
    assert (row.state, row.reason_code) == (State.VERIFIED, "")
    assert row.read_at is not None
    ecw.heal()
    read_now()
    assert (state(first), Delivery.objects.get(pk=first).read_at) == (State.VERIFIED, None)


@flows
def test_an_amendment_of_the_first_is_no_other_note(scribe, ecw):
    post(scribe, 1, encounter="E1")
    run_lanes()
    amended = post(scribe, 1, encounter="E1", version=2, sections=LATER)
    run_lanes()
    read_now()
    assert state(amended) == State.VERIFIED


@flows
def test_a_withdrawn_note_may_be_displaced(scribe, ecw):
    first, second = held_second(scribe)
    with transaction.atomic():
        actions.retract(Delivery.objects.get(pk=first).note)
    let_go(second)
    run_lanes()
    read_now()
    assert Delivery.objects.get(pk=first).read_at is None


def in_chart(cast, made=State.ACCEPTED, encounter="E1", **changes):
    row = make_delivery(cast, made, encounter=encounter)
    Delivery.objects.filter(pk=row.pk).update(**changes)
    return row


def about_to_go(cast, encounter="E1", **changes):
    row = make_delivery(cast, State.READY, encounter=encounter)
    Delivery.objects.filter(pk=row.pk).update(**changes)
    return Delivery.objects.select_related("connection").get(pk=row.pk)


def others(*rows):
    return {pk: [each.pk for each in known] for pk, known in contested.others_in_chart(rows).items()}


@pytest.mark.django_db
class TestWhoCounts:
    def test_whatever_is_in_the_chart_or_may_be(self, cast):
        rows = [in_chart(cast, made) for made in contested.STANDS]
        second = about_to_go(cast)
        ((key, found),) = others(second).items()
        assert (key, sorted(found)) == (second.pk, sorted(row.pk for row in rows))

    @pytest.mark.parametrize("made", [State.HELD, State.READY, State.REJECTED, State.SUPERSEDED, State.CANCELLED])
    def test_not_what_was_never_charted(self, cast, made):
        in_chart(cast, made)
        assert others(about_to_go(cast)) == {}

    def test_not_what_a_person_has_struck(self, cast):
        in_chart(cast, State.VERIFIED, reason_code=STRUCK)
        assert others(about_to_go(cast)) == {}

    def test_not_what_is_parked_and_certainly_never_left(self, cast):
        row = in_chart(cast, State.PARKED)
        moves = Move.objects.filter(delivery=row, to_state=State.PARKED)
        assert moves.get().from_state == State.UNKNOWN
        late = make_delivery(cast, State.READY, encounter="E2")
        Delivery.objects.filter(pk=late.pk).update(state=State.PARKED)
        Move.objects.create(delivery=late, from_state="ready", to_state="parked", at=timezone.now(), actor="w")
        assert list(others(about_to_go(cast))) != []
        assert others(about_to_go(cast, encounter="E2")) == {}

    def test_not_the_notes_own_deliveries(self, cast):
        first = in_chart(cast)
        assert others(about_to_go(cast, note_id=first.note_id)) == {}

    def test_not_a_note_of_another_locations_visit_of_the_same_number(self, cast):
        elsewhere = Location.objects.create(
            practice=cast.practice, code="FAR", name="Far", environment=Environment.SANDBOX
        )
        in_chart(cast, location=elsewhere)
        assert others(about_to_go(cast)) == {}

    def test_not_documents_which_stand_beside_each_other(self, cast):
        in_chart(cast)
        cast.hl7.kind = "fhir"
        cast.hl7.save()
        assert others(about_to_go(cast)) == {}

    def test_a_batch_of_notes_with_visits_of_their_own_costs_one_query_and_an_empty_one_none(self, cast):
        rows = [about_to_go(cast, encounter=f"E{number}") for number in range(5)]
        in_chart(cast, encounter="E77")
        with CaptureQueriesContext(connection) as asked:
            assert contested.others_in_chart(rows) == {}
        assert len(asked) == 1
        with CaptureQueriesContext(connection) as asked:
            assert contested.others_in_chart([]) == {}
        assert len(asked) == 0

    def test_the_query_goes_by_the_index_of_encounters(self, cast):
        for number in range(40):  # a handful of rows is read by any index
            make_delivery(cast, encounter=f"E{number}")
        rows = [about_to_go(cast)]
        with CaptureQueriesContext(connection) as asked:
            contested.others_in_chart(rows)
        statement = asked[0]["sql"].replace("$1", "'{a}'")  # PostgreSQL keeps it, with one parameter for all encounters
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
                )
                cursor.execute("ANALYZE delivery_delivery, delivery_noteversion")
            cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + statement)
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        assert "noteversion_encounter" in plan
        assert "delivery_delivery_note_version_id" in plan


@pytest.mark.django_db
class TestARelease:
    def held(self, cast, at):
        second = about_to_go(cast)
        rows = [("ready", "held", "field_taken", 1), ("held", "ready", "", 2)]
        for old, new, code, seconds in rows:
            when = at + timedelta(seconds=seconds)
            Move.objects.create(delivery=second, from_state=old, to_state=new, reason_code=code, at=when, actor="Ada")
        return second

    def values(self, row):
        return contested.open_plan(row.pk, row.wire.sealed_plan)

    def test_holds_for_what_was_in_the_chart_when_it_was_given(self, cast):
        first = in_chart(cast)
        second = self.held(cast, timezone.now() + timedelta(minutes=1))
        assert contested.problems(second, self.values(first), [first]) == ()

    def test_does_not_hold_for_what_came_later(self, cast):
        first = in_chart(cast)
        second = self.held(cast, first.accepted_at - timedelta(minutes=1))
        assert len(contested.problems(second, self.values(first), [first])) == len(SECTIONS)

    def test_of_another_reason_lets_nothing_of_this_pass(self, cast):
        first, second = in_chart(cast), about_to_go(cast)
        when = timezone.now() + timedelta(minutes=1)
        for old, new, code in [("ready", "held", "held_by_person"), ("held", "ready", "")]:
            Move.objects.create(delivery=second, from_state=old, to_state=new, reason_code=code, at=when, actor="Ada")
        assert contested.released_at(second) is None
        assert contested.problems(second, self.values(first), [first])
