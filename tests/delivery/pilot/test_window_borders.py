"""The borders of a pilot's window and of its thresholds: the second that counts, the last N notes, none at all."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from delivery.models import Delivery, NoteVersion
from delivery.pilot.numbers import (
    HOLDS,
    PROOF_DUE,
    SHORT,
    UNKNOWN,
    Gate,
    Taken,
    gates,
    measure,
    percentile,
    share,
    take,
)
from delivery.pilot.tables import Pilot, Window
from delivery.states import State
from tests.delivery.pilot.scenes import a_pilot, age, misfile, say, through, went
from tests.delivery.rows import make_delivery

HOUR = timedelta(hours=1)


def judged(taken: dict[str, object], **limits: int) -> dict[str, Gate]:
    """The gates of a pilot with the usual thresholds but these."""
    return {one.key: one for one in gates(Pilot(**limits), Taken(timezone.now(), **taken))}


def window(pilot: Pilot, kind: str, size: int) -> Pilot:
    Pilot.objects.filter(pk=pilot.pk).update(window=kind, window_size=size)
    pilot.refresh_from_db()
    return pilot


def notes_of(pilot: Pilot, now=None) -> tuple[int, int]:
    found = take(pilot, now or timezone.now())
    return found.notes, found.verified


@pytest.fixture
def pilot(cast, as_dana):
    return age(a_pilot(cast.north), timedelta(days=3))


class TestThresholds:
    @pytest.mark.parametrize("notes, state", [(19, UNKNOWN), (20, HOLDS), (21, HOLDS)])
    def test_one_note_short_of_enough_says_nothing_of_any_number(self, notes, state):
        found = judged({"notes": notes, "verified": notes})
        assert (found["notes"].state, found["verified"].state) == (state, state)

    @pytest.mark.parametrize("verified, state", [(979, SHORT), (980, HOLDS), (1000, HOLDS)])
    def test_a_share_that_only_rounds_up_to_its_threshold_is_short(self, verified, state):
        gate = judged({"notes": 1000, "verified": verified})["verified"]
        assert gate.state == state

    def test_what_is_short_by_a_hair_does_not_show_the_threshold_as_its_value(self):
        gate = judged({"notes": 100_000, "verified": 97_999})["verified"]
        assert (gate.state, gate.shown) == (SHORT, "97.9 %")

    def test_nor_does_what_is_too_slow_by_a_hair(self):
        gate = judged({"notes": 20, "verified": 20, "seconds": (60.01,) * 20})["p50"]
        assert (gate.state, gate.shown) == (SHORT, "60.1 s")

    @pytest.mark.parametrize("most, misfiled, state", [(0, 0, UNKNOWN), (0, 1, SHORT), (1, 1, UNKNOWN), (1, 2, SHORT)])
    def test_misfiled_notes_break_before_there_are_enough_and_only_beyond_what_is_allowed(self, most, misfiled, state):
        gate = judged({"notes": 2, "misfiled": misfiled}, most_misfiled=most)["misfiled"]
        assert (gate.state, gate.breaks) == (state, state == SHORT)

    def test_rejected_notes_alone_are_counted_though_none_was_judged(self):
        gate = judged({"notes": 0, "rejected": 30}, least_notes=0)["edits"]
        assert (gate.value, gate.state) == (100, HOLDS)

    def test_of_no_notes_there_are_no_edits_to_speak_of(self):
        assert judged({})["edits"].value is None
        assert judged({})["edits"].state == UNKNOWN

    def test_an_unknown_number_breaks_nothing_and_holds_nothing(self):
        assert not any(one.breaks or one.holds for one in judged({}).values())

    def test_the_first_100_seconds_of_a_hundred_are_measured_by_rank(self):
        taken = {"notes": 20, "verified": 20, "seconds": tuple(float(each) for each in range(1, 21))}
        found = judged(taken)
        assert (found["p50"].value, found["p95"].value) == (10.0, 19.0)

    @pytest.mark.parametrize("ordered", [(), (5.0,)])
    def test_of_none_no_percentile_and_of_one_the_one(self, ordered):
        expected = ordered[0] if ordered else None
        assert {percentile(ordered, each) for each in (1, 50, 95, 100)} == {expected}

    @given(st.integers(1, 10_000), st.data())
    def test_a_share_is_never_beyond_the_whole(self, whole, data):
        part = data.draw(st.integers(0, whole))
        assert 0 <= share(part, whole) <= 100
        assert (share(part, whole) == 100) == (part == whole)

    @given(st.integers(0, 200), st.integers(1, 200), st.integers(1, 100))
    def test_what_is_shown_of_a_share_is_never_better_than_it_is(self, part, whole, least):
        part = min(part, whole)
        gate = judged({"notes": whole, "verified": part}, least_notes=1, least_verified=least)["verified"]
        assert float(gate.shown.removesuffix(" %")) <= gate.value
        assert gate.holds == (100 * part >= least * whole)


@pytest.mark.django_db
class TestWhenItBegins:
    def test_a_note_that_went_at_the_very_second_counts_and_one_before_it_does_not(self, cast, pilot):
        went(cast, received_at=pilot.since)
        assert notes_of(pilot) == (1, 1)
        went(cast, received_at=pilot.since - timedelta(milliseconds=1))
        assert notes_of(pilot) == (1, 1)

    def test_days_are_counted_back_from_the_moment_and_to_the_second(self, cast, pilot):
        window(pilot, "days", 1)
        now = timezone.now()
        went(cast, received_at=now - timedelta(days=1))
        assert notes_of(pilot, now) == (1, 1)
        assert notes_of(pilot, now + timedelta(seconds=1)) == (0, 0)

    def test_days_before_the_step_are_not_counted_however_long_the_window(self, cast, pilot):
        age(window(pilot, "days", 90), HOUR)
        went(cast, received_at=timezone.now() - 2 * HOUR)
        assert notes_of(pilot) == (0, 0)
        assert take(pilot, timezone.now()).begins == pilot.since

    def test_nor_are_the_last_notes_of_before_it(self, cast, pilot):
        age(window(pilot, "notes", 5), HOUR)
        went(cast, State.MISFILED, received_at=timezone.now() - 2 * HOUR)
        went(cast)
        assert notes_of(pilot) == (1, 1)

    def test_of_a_window_without_notes_nothing_is_said_and_no_step_taken(self, cast, pilot):
        found = take(pilot, timezone.now())
        assert (found.notes, found.seconds, found.mappings, found.pending) == (0, (), (), 0)
        assert {gate.state for gate in gates(pilot, found) if gate.guards} == {UNKNOWN}


@pytest.mark.django_db
class TestTheLastNotes:
    def test_they_are_those_that_went_last_and_not_those_that_came_last(self, cast, pilot):
        """One that waited for its provider went after others that came later."""
        window(pilot, "notes", 1)
        now = timezone.now()
        waited = make_delivery(cast, "held", reason_code="outside_pilot", received_at=now - 9 * HOUR)
        went(cast, State.REJECTED, received_at=now - HOUR)
        through(waited, State.READY, State.SENDING, State.ACCEPTED, State.VERIFIED, at=now)
        assert notes_of(pilot) == (1, 1)

    def test_two_that_went_at_once_are_told_apart_by_their_number(self, cast, pilot):
        window(pilot, "notes", 1)
        at = timezone.now() - HOUR
        went(cast, State.REJECTED, received_at=at)
        went(cast, received_at=at)
        assert notes_of(pilot) == (1, 1)

    @pytest.mark.parametrize("size, notes", [(1, 1), (2, 2), (3, 3), (4, 3)])
    def test_there_are_so_many_of_them_or_as_many_as_there_are(self, cast, pilot, size, notes):
        for _ in range(3):
            went(cast)
        assert notes_of(window(pilot, "notes", size))[0] == notes

    def test_one_called_off_by_a_clinician_takes_a_place_among_them(self, cast, pilot):
        window(pilot, "notes", 2)
        went(cast, received_at=timezone.now() - 3 * HOUR)
        went(cast, received_at=timezone.now() - 2 * HOUR)
        went(cast, State.CANCELLED, reason_code="rejected_by_clinician")
        found = take(pilot, timezone.now())
        assert (found.notes, found.rejected) == (1, 1)

    @pytest.mark.parametrize("state, code", [("superseded", "superseded"), ("cancelled", "retracted")])
    def test_what_was_replaced_or_withdrawn_takes_none(self, cast, pilot, state, code):
        window(pilot, "notes", 1)
        went(cast, received_at=timezone.now() - HOUR)
        went(cast, state, reason_code=code)
        assert notes_of(pilot) == (1, 1)

    @pytest.mark.parametrize("code", ["", "retracted", "cancelled_by_person", "rejected_by_clinicians", "zzz"])
    def test_only_a_clinicians_rejection_weighs_as_one(self, cast, pilot, code):
        went(cast, State.CANCELLED, reason_code=code)
        assert take(pilot, timezone.now()).rejected == 0


@pytest.mark.django_db
class TestWhatIsJudged:
    @pytest.mark.parametrize("state", ["accepted", "unknown", "ready", "sending"])
    def test_a_note_is_young_for_a_quarter_of_an_hour_to_the_second(self, cast, pilot, state):
        young = went(cast, state)
        first = young.moves.order_by("id").values_list("at", flat=True)[0]
        before, after = (
            take(pilot, first + PROOF_DUE - timedelta(seconds=1)),
            take(pilot, first + PROOF_DUE),
        )
        assert (before.notes, before.pending) == (0, 1)
        assert (after.notes, after.pending, after.verified) == (1, 0, 0)

    def test_a_signature_ends_the_waiting_at_once(self, cast, pilot):
        signed = went(cast, "accepted")
        Delivery.objects.filter(pk=signed.pk).update(proof="attested")
        assert notes_of(pilot) == (1, 1)

    @pytest.mark.parametrize("proof", ["", "field", "section", "document"])
    def test_accepted_with_any_other_proof_is_not_verified(self, cast, pilot, proof):
        taken = went(cast, "accepted", received_at=timezone.now() - HOUR)
        Delivery.objects.filter(pk=taken.pk).update(proof=proof)
        assert notes_of(pilot) == (1, 0)

    def test_a_misfiled_note_is_judged_however_young(self, cast, pilot):
        misfile(went(cast))
        found = take(pilot, timezone.now())
        assert (found.notes, found.verified, found.misfiled) == (1, 0, 1)

    def test_a_misfiled_note_counts_once_though_it_was_found_so_twice(self, cast, pilot):
        twice = went(cast)
        misfile(twice)
        misfile(twice)
        assert take(pilot, timezone.now()).misfiled == 1

    @pytest.mark.parametrize("code", ["unmapped_section", "no_mapping", "no_route", "ecw_changed_field"])
    def test_what_the_set_up_holds_is_no_success(self, cast, pilot, code):
        went(cast, "held", reason_code=code)
        assert notes_of(pilot) == (1, 0)

    def test_a_note_read_back_before_it_went_by_the_clock_took_no_time(self, cast, pilot):
        """Clocks of two machines: a negative time would flatter the median."""
        went(cast, seconds=-5)
        assert take(pilot, timezone.now()).seconds == (0.0,)

    def test_times_are_in_order_whatever_the_order_of_the_notes(self, cast, pilot):
        for seconds in (300, 10, 20):
            went(cast, seconds=seconds)
        assert take(pilot, timezone.now()).seconds == (10.0, 20.0, 300.0)


@pytest.mark.django_db
class TestWhatIsSaid:
    def test_feedback_on_a_note_that_is_not_counted_is_not_counted(self, cast, pilot):
        went(cast)
        say(went(cast, "superseded"), cast.dana, False, False, False)
        found = take(pilot, timezone.now())
        assert (found.answered, found.asked, found.good) == (0, 0, 0)

    def test_what_was_said_before_the_window_began_is_not_of_it(self, cast, pilot):
        say(went(cast), cast.dana, at=pilot.since - timedelta(seconds=1))
        assert take(pilot, timezone.now()).answered == 0

    def test_two_edits_of_one_note_are_two(self, cast, pilot):
        edited = went(cast)
        first = edited.note_version
        NoteVersion.objects.filter(pk=first.pk).update(edited_by=cast.dana)
        other = make_delivery(cast).note_version
        NoteVersion.objects.filter(pk=other.pk).update(note=edited.note, number=2, edited_by=cast.dana)
        assert take(pilot, timezone.now()).edits == 2

    def test_an_edit_at_another_location_weighs_nothing_here(self, cast, pilot):
        there = went(cast, location=cast.south)
        NoteVersion.objects.filter(pk=there.note_version_id).update(edited_by=cast.dana)
        went(cast)
        assert take(pilot, timezone.now()).edits == 0

    def test_the_mapping_most_notes_went_by_stands_first_and_none_is_said_too(self, cast, pilot):
        for mapping in (cast.north_mapping, cast.north_mapping, None):
            Delivery.objects.filter(pk=went(cast).pk).update(mapping_version=mapping)
        assert take(pilot, timezone.now()).mappings == ((cast.north_mapping.pk, 2), (None, 1))

    def test_the_numbers_under_the_lock_are_those_of_the_page(self, cast, pilot):
        went(cast)
        went(cast, State.REJECTED)
        now = timezone.now()
        assert measure(pilot, now) == gates(pilot, take(pilot, now))


class TestFoundLate:
    """A note went, the cohort grew, and only then is it found elsewhere than sent: that must not be hidden by growth."""

    @pytest.fixture
    def grown(self, cast, as_dana) -> tuple[Pilot, Delivery]:
        """A pilot whose step began after the note went."""
        pilot = a_pilot(cast.north)
        sent = went(cast)
        return age(pilot, timedelta(0)), sent

    @pytest.mark.parametrize("kind, size", [(Window.DAYS, 7), (Window.NOTES, 50)])
    def test_a_note_of_the_step_before_that_is_found_misfiled_now_breaks_the_window(self, grown, kind, size):
        pilot, sent = grown
        pilot = window(pilot, kind, size)
        assert take(pilot, timezone.now()).misfiled == 0
        misfile(sent)
        taken = take(pilot, timezone.now())
        assert (taken.notes, taken.misfiled) == (0, 1)
        assert {one.key for one in gates(pilot, taken) if one.breaks} == {"misfiled"}

    def test_what_was_found_before_the_window_began_is_not_counted_again(self, grown):
        pilot, sent = grown
        misfile(sent)
        assert take(age(pilot, timedelta(0)), timezone.now()).misfiled == 0

    def test_it_is_counted_once_however_often_it_was_found(self, grown):
        pilot, sent = grown
        misfile(sent)
        misfile(sent)
        assert take(pilot, timezone.now()).misfiled == 1

    def test_another_locations_note_is_not_counted(self, cast, grown):
        pilot, sent = grown
        Delivery.objects.filter(pk=sent.pk).update(location=cast.south)
        misfile(sent)
        assert take(pilot, timezone.now()).misfiled == 0
