"""A pilot's numbers: which notes count, what each is worth, and when there is not enough to say."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from delivery.models import Delivery, NoteVersion
from delivery.pilot.numbers import HOLDS, SHORT, UNKNOWN, Gate, Taken, gates, measure, percentile, share, take
from delivery.pilot.tables import Pilot
from delivery.states import State
from delivery.ways.models import Attestation
from tests.delivery.pilot.scenes import a_pilot, age, misfile, post, say, through, went
from tests.delivery.rows import make_delivery
from tests.delivery.test_sending import run_lanes
from tests.delivery.test_verification import settle_and_read

LIMITS = {
    "least_notes": 10,
    "least_verified": 98,
    "most_misfiled": 0,
    "most_edits": 50,
    "most_p50_seconds": 60,
    "most_p95_seconds": 600,
    "least_feedback": 30,
    "least_good": 80,
}
GOOD = {
    "notes": 100,
    "verified": 99,
    "misfiled": 0,
    "edits": 10,
    "answered": 40,
    "good": 110,
    "asked": 120,
    "seconds": tuple(float(each) for each in range(1, 100)),
}


def judged(limits=(), **taken) -> dict[str, Gate]:
    pilot = Pilot(**{**LIMITS, **dict(limits)})
    return {one.key: one for one in gates(pilot, Taken(timezone.now(), **{**GOOD, **taken}))}


# --- what each number is worth --------------------------------------------------------------------------------------


def test_a_good_week_holds_everywhere():
    assert {one.state for one in judged().values()} == {HOLDS}


@pytest.mark.parametrize(
    "key, taken",
    [
        ("verified", {"verified": 97}),
        ("misfiled", {"misfiled": 1}),
        ("edits", {"edits": 51}),
        ("p50", {"seconds": (61.0,) * 99}),
        ("p95", {"seconds": (1.0,) * 94 + (601.0,) * 5 + (602.0,)}),
        ("feedback", {"answered": 29}),
        ("good", {"good": 95}),
    ],
)
def test_a_number_that_is_short_is_short_alone(key, taken):
    found = judged(limits={"most_p50_seconds": 60}, **taken)
    assert {name for name, one in found.items() if one.state == SHORT} == {key}


@pytest.mark.parametrize(
    "key, taken",
    [("verified", {"verified": 98}), ("edits", {"edits": 50}), ("feedback", {"answered": 30}), ("good", {"good": 96})],
)
def test_on_the_threshold_it_holds(key, taken):
    assert judged(**taken)[key].holds


def test_too_few_notes_are_not_enough_to_say_anything_good_or_bad():
    found = judged(notes=9, verified=1, edits=9, answered=0, good=0, asked=0, seconds=(9999.0,))
    assert {one.state for one in found.values()} == {UNKNOWN}


def test_one_misfiled_note_too_many_is_short_however_few_the_notes():
    found = judged(notes=2, verified=1, misfiled=1)
    assert found["misfiled"].state == SHORT
    assert found["misfiled"].breaks
    assert found["verified"].state == UNKNOWN


def test_nothing_is_asked_of_feedback_where_the_least_is_nothing():
    found = judged(limits={"least_feedback": 0, "least_good": 0}, answered=0, good=0, asked=0)
    assert found["feedback"].holds
    assert found["good"].holds


def test_what_nobody_measured_is_unknown_not_good():
    found = judged(verified=0, seconds=(), answered=0, good=0, asked=0)
    assert (found["p50"].state, found["p95"].state, found["good"].state) == (UNKNOWN,) * 3
    assert found["verified"].state == SHORT


def test_harm_steps_back_and_silence_does_not():
    found = judged()
    assert {key for key, one in found.items() if one.guards} == {"verified", "misfiled", "edits", "p50", "p95"}
    assert not judged(answered=0)["feedback"].breaks


def test_a_value_is_rounded_to_the_side_that_does_not_flatter():
    assert judged(notes=10_000, verified=9_799)["verified"].shown == "97.9 %"
    assert judged(notes=1000, edits=501)["edits"].shown == "50.1"
    assert judged(seconds=())["p50"].shown == "nothing yet"


def test_a_number_says_its_threshold_in_words():
    assert judged(verified=97)["verified"].sentence == "verified in the chart: 97 %, at least 98 %"
    assert judged(notes=3)["p95"].sentence.startswith("time to chart, 95 of 100 within: not enough data, ")


def test_what_is_kept_in_the_history_is_codes_and_numbers():
    assert judged()["verified"].kept == {
        "key": "verified", "label": "Verified in the chart", "value": 99.0, "limit": 98, "state": "holds",
    }  # fmt: skip


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_no_smaller_than_that_share(values, percent):
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(each <= found for each in ordered) * 100 >= percent * len(ordered)


def test_a_share_of_nothing_is_nothing():
    assert share(0, 0) is None
    assert share(1, 4) == 25


# --- which notes count ----------------------------------------------------------------------------------------------


@pytest.fixture
def pilot(cast, as_dana):
    return age(a_pilot(cast.north), timedelta(days=2))


def taken_of(pilot, now=None) -> Taken:
    return take(pilot, now or timezone.now())


@pytest.mark.django_db
def test_verified_and_not_are_counted_with_their_times(cast, pilot):
    for seconds in (10, 20, 300):
        went(cast, seconds=seconds)
    went(cast, State.MISFILED)
    went(cast, State.REJECTED)
    found = taken_of(pilot)
    assert (found.notes, found.verified, found.seconds) == (5, 3, (10.0, 20.0, 300.0))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "state, code",
    [("held", "outside_pilot"), ("held", "pilot_stepped_back"), ("held", "awaits_review"), ("held", "held_by_person")],
)
def test_what_waits_for_a_person_or_its_provider_is_not_counted(cast, pilot, state, code):
    went(cast, state, reason_code=code, received_at=timezone.now() - timedelta(hours=3))
    assert taken_of(pilot).notes == 0


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["superseded", "cancelled"])
def test_nor_what_was_superseded_or_called_off(cast, pilot, state):
    went(cast, state)
    found = taken_of(pilot)
    assert (found.notes, found.rejected) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["ready", "sending", "accepted", "unknown"])
def test_what_is_under_way_is_judged_after_a_quarter_of_an_hour(cast, pilot, state):
    young = went(cast, state)
    assert (taken_of(pilot).notes, taken_of(pilot).pending) == (0, 1)
    later = young.created_at + timedelta(minutes=16)
    assert (taken_of(pilot, later).notes, taken_of(pilot, later).verified) == (1, 0)


@pytest.mark.django_db
def test_a_note_that_its_mapping_holds_counts_as_not_verified(cast, pilot):
    went(cast, "held", reason_code="unmapped_section")
    found = taken_of(pilot)
    assert (found.notes, found.verified) == (1, 0)


@pytest.mark.django_db
def test_parked_and_rejected_ones_are_judged_at_once(cast, pilot):
    went(cast, "parked")
    went(cast, "rejected")
    assert taken_of(pilot).notes == 2


@pytest.mark.django_db
def test_a_note_that_was_misfiled_once_stays_counted_as_such_when_it_is_repaired(cast, pilot):
    repaired = went(cast)
    misfile(repaired)
    Delivery.objects.filter(pk=repaired.pk).update(state=State.VERIFIED)
    found = taken_of(pilot)
    assert (found.verified, found.misfiled) == (1, 1)


@pytest.mark.django_db
def test_a_note_sent_again_counts_once_as_it_came_out_first(cast, pilot):
    first = went(cast, State.MISFILED)
    again = went(cast)
    Delivery.objects.filter(pk=again.pk).update(replay_of=first)
    found = taken_of(pilot)
    assert (found.notes, found.verified) == (1, 0)


@pytest.mark.django_db
def test_other_parts_and_other_locations_are_not_counted(cast, pilot):
    went(cast, part="diagnoses")
    went(cast, location=cast.south)
    assert taken_of(pilot).notes == 0


@pytest.mark.django_db
def test_where_nothing_can_be_read_a_persons_signature_counts(cast, pilot):
    signed = went(cast, "accepted", received_at=timezone.now() - timedelta(hours=1))
    assert taken_of(pilot).verified == 0
    Attestation.objects.create(
        delivery=signed, location=cast.north, connection=cast.hl7, wire_sha256="0" * 64, by="dana"
    )
    Delivery.objects.filter(pk=signed.pk).update(proof="attested")
    assert taken_of(pilot).verified == 1


@pytest.mark.django_db
def test_time_to_chart_begins_when_a_note_may_go_not_while_it_is_reviewed(cast, pilot):
    """A clinician who reads in the evening says nothing of how quickly eCW charts."""
    came = timezone.now() - timedelta(hours=6)
    made = make_delivery(cast, "held", reason_code="awaits_review", received_at=came)
    released = came + timedelta(hours=5)
    through(made, State.READY, at=released)
    through(made, State.SENDING, State.ACCEPTED, State.VERIFIED, at=released + timedelta(seconds=8))
    assert taken_of(pilot).seconds == (8.0,)


@pytest.mark.django_db
def test_edits_are_the_versions_that_clinicians_made_of_counted_notes(cast, pilot):
    edited, plain = went(cast), went(cast)
    assert plain.pk
    NoteVersion.objects.filter(pk=edited.note_version_id).update(edited_by=cast.dana)
    NoteVersion.objects.filter(pk=make_delivery(cast, "superseded").note_version_id).update(edited_by=cast.dana)
    assert taken_of(pilot).edits == 1


@pytest.mark.django_db
def test_a_rejection_weighs_as_an_edit_and_is_no_failure_to_verify(cast, pilot):
    went(cast)
    went(cast, "cancelled", reason_code="rejected_by_clinician")
    found = taken_of(pilot)
    assert (found.notes, found.verified, found.rejected) == (1, 1, 1)
    by_key = {one.key: one for one in measure(pilot, timezone.now())}
    assert by_key["edits"].value == 50


@pytest.mark.django_db
def test_feedback_counts_each_note_once_and_each_answer(cast, pilot):
    one, two = went(cast), went(cast)
    say(one, cast.dana, True, True, False)
    say(one, cast.omar, True, True, True)
    say(two, cast.dana, False, False, False)
    say(went(cast, location=cast.south), cast.dana)
    found = taken_of(pilot)
    assert (found.answered, found.good, found.asked) == (2, 5, 9)


# --- the window -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_went_before_the_step_is_not_counted_for_it(cast, as_dana):
    went(cast, received_at=timezone.now() - timedelta(minutes=5))
    pilot = a_pilot(cast.north)
    assert taken_of(pilot).notes == 0


@pytest.mark.django_db
def test_a_note_that_waited_and_was_let_go_counts_in_the_window_it_went_in(cast, pilot):
    old = went(cast, received_at=timezone.now() - timedelta(days=4))
    assert taken_of(pilot).notes == 0
    first = old.moves.get(to_state="ready")
    held = make_delivery(cast, "held", reason_code="outside_pilot", received_at=timezone.now() - timedelta(days=4))
    through(held, State.READY, State.SENDING, State.ACCEPTED, State.VERIFIED, at=timezone.now())
    assert first.at < pilot.since
    assert taken_of(pilot).notes == 1


@pytest.mark.django_db
def test_a_window_of_days_forgets_what_is_older(cast, pilot):
    Pilot.objects.filter(pk=pilot.pk).update(window="days", window_size=1)
    pilot.refresh_from_db()
    went(cast, received_at=timezone.now() - timedelta(hours=30))
    went(cast)
    assert taken_of(pilot).notes == 1


@pytest.mark.django_db
def test_a_window_of_notes_takes_the_newest(cast, pilot):
    Pilot.objects.filter(pk=pilot.pk).update(window="notes", window_size=2)
    pilot.refresh_from_db()
    went(cast, State.MISFILED, received_at=timezone.now() - timedelta(hours=30))
    went(cast)
    went(cast)
    found = taken_of(pilot)
    assert (found.notes, found.verified) == (2, 2)


@pytest.mark.django_db
def test_notes_by_the_mapping_before_count_and_the_count_says_so(cast, pilot):
    went(cast)
    Delivery.objects.filter(pk=went(cast).pk).update(mapping_version=cast.south_mapping)
    found = taken_of(pilot)
    assert dict(found.mappings) == {cast.north_mapping.pk: 1, cast.south_mapping.pk: 1}


@pytest.mark.django_db
def test_counting_takes_as_many_queries_for_a_hundred_notes_as_for_one(cast, pilot, django_assert_num_queries):
    went(cast)
    with django_assert_num_queries(4):
        taken_of(pilot)
    for _ in range(5):
        say(went(cast), cast.dana)
    with django_assert_num_queries(4):
        taken_of(pilot)


@pytest.mark.django_db(transaction=True)
def test_a_note_posted_sent_and_read_back_is_counted_as_it_is(scribe, cast, as_dana, ecw):
    pilot = a_pilot(cast.north)
    post(scribe)
    assert taken_of(pilot).pending == 1
    run_lanes()
    for _ in range(3):
        settle_and_read()
    found = taken_of(pilot)
    assert (found.notes, found.verified, len(found.seconds)) == (1, 1, 1)
