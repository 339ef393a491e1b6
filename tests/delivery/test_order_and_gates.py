"""What may go now, in which order, and which shut gate holds it: decided anew before every send."""

from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone

from delivery import due as order
from delivery.channels.base import NoAnswer, Receipt, Refused, Rendered, Unavailable
from delivery.due import due, lanes_with_work
from delivery.models import Attempt, Delivery, Lane, NoteVersion
from delivery.outcomes import accepted, ended, not_reached
from delivery.outgoing import POISON_AFTER, Asked, Prepared, Stopped, closed_gate, prepare
from delivery.states import BLOCKING, State
from mapping.models import MappingVersion
from portal import agreements, crypto
from portal.agreements import today_at
from portal.models import Agreement, Environment
from tests.delivery.conftest import a_note
from tests.delivery.rows import as_due, make_delivery, write_down

pytestmark = pytest.mark.django_db


@pytest.fixture
def lane(cast) -> Lane:
    return Lane.objects.create(connection=cast.hl7, index=0)


def waiting(cast, lane, state=State.READY, encounter="E1", **changes) -> Delivery:
    """A delivery on the lane, as intake makes them one after another."""
    delivery = make_delivery(cast, state, encounter=encounter, tries=[])
    Delivery.objects.filter(pk=delivery.pk).update(lane=lane, **changes)
    return Delivery.objects.select_related(
        "note_version__template", "note__scribe", "location__practice", "connection"
    ).get(pk=delivery.pk)


def keys(lane) -> list[int]:
    return list(due(lane.pk).values_list("pk", flat=True))


class TestTheOrder:
    def test_is_oldest_first_across_encounters(self, cast, lane):
        rows = [waiting(cast, lane, encounter=f"E{number}") for number in range(3)]
        assert keys(lane) == [row.pk for row in rows]

    def test_lets_one_of_an_encounter_go_at_a_time(self, cast, lane):
        first, _ = waiting(cast, lane), waiting(cast, lane)
        assert keys(lane) == [first.pk]

    @pytest.mark.parametrize("state", list(State))
    def test_makes_a_later_note_of_the_visit_wait_while_the_earlier_one_is_open(self, cast, lane, state):
        waiting(cast, lane, state)
        later = waiting(cast, lane)
        assert (later.pk in keys(lane)) == (state not in BLOCKING)

    @pytest.mark.parametrize("state", list(State))
    def test_makes_a_later_version_wait_even_for_a_persons_decision(self, cast, lane, state):
        first = waiting(cast, lane, state)
        later = waiting(cast, lane, encounter="E2", note_id=first.note_id)
        assert (later.pk in keys(lane)) == (state not in {*BLOCKING, State.PARKED})

    def test_of_one_connection_is_no_matter_of_anothers(self, cast, lane):
        first = waiting(cast, lane, State.UNKNOWN)
        Delivery.objects.filter(pk=first.pk).update(connection=cast.reader)
        later = waiting(cast, lane)
        assert keys(lane) == [later.pk]

    def test_of_one_part_is_no_matter_of_anothers(self, cast, lane):
        first = waiting(cast, lane, State.PARKED, part="medications")
        later = waiting(cast, lane, encounter="E2", note_id=first.note_id)
        assert keys(lane) == [later.pk]

    def test_leaves_out_what_is_not_due_yet(self, cast, lane):
        waiting(cast, lane, not_before=timezone.now() + timedelta(minutes=1))
        assert keys(lane) == []

    def test_holds_back_what_comes_after_a_note_that_is_not_due_yet(self, cast, lane):
        waiting(cast, lane, not_before=timezone.now() + timedelta(minutes=1))
        waiting(cast, lane)
        assert keys(lane) == []

    @pytest.mark.parametrize("state", list(State))
    def test_wakes_a_lane_for_what_is_due_or_was_left_under_way(self, cast, lane, state):
        waiting(cast, lane, state)
        assert (lane.pk in lanes_with_work()) == (state in (State.READY, State.SENDING))

    def test_is_asked_once_for_a_lane(self, cast, lane):
        for number in range(3):
            waiting(cast, lane, encounter=f"E{number}")
        assert order.lanes_with_work() == [lane.pk]


def shut_environment(delivery):
    delivery.connection.environment = Environment.PRODUCTION


def shut_connection(delivery):
    delivery.connection.enabled = False


def shut_location(delivery):
    delivery.location.locked_reason = "Not yet released for production."


def shut_route(delivery):
    delivery.connection = None


def shut_agreement(delivery):
    delivery.location.environment = delivery.connection.environment = Environment.PRODUCTION


GATES = {
    "no_route": shut_route,
    "environment_mismatch": shut_environment,
    "connection_disabled": shut_connection,
    "location_locked": shut_location,
    "agreement_missing": shut_agreement,
}


class Reading:
    """A channel that only shows what it was given to render."""

    def __init__(self) -> None:
        self.rendered = []

    def render(self, note) -> Rendered:
        self.rendered.append(note)
        return Rendered(b"bytes", "text/plain")


def prepared(delivery) -> Prepared | Stopped:
    ready, stopped = prepare([as_due(delivery)], Reading())
    return (ready + stopped)[0]


class TestTheGates:
    def test_are_all_open_for_a_note_that_may_go(self, cast, lane):
        assert closed_gate(waiting(cast, lane), Asked()) == ""

    @pytest.mark.parametrize("reason_code", GATES)
    def test_hold_the_note_by_name_when_one_is_shut(self, cast, lane, reason_code):
        delivery = waiting(cast, lane)
        GATES[reason_code](delivery)
        assert closed_gate(delivery, Asked()) == reason_code
        stopped = prepared(delivery)
        assert isinstance(stopped, Stopped)
        assert (stopped.state, stopped.reason_code) == (State.HELD, reason_code)

    def test_open_again_when_the_agreements_stand(self, cast, lane):
        delivery = waiting(cast, lane)
        shut_agreement(delivery)
        for kind, party in (("baa_scribe", cast.scribe), ("baa_ecw", None)):
            Agreement.objects.create(
                practice=cast.practice, scribe=party, kind=kind, party="x", signed_on=today_at(cast.north)
            )
        assert closed_gate(delivery, Asked()) == ""

    def test_shut_again_when_an_agreement_has_ended(self, cast, lane):
        delivery = waiting(cast, lane)
        shut_agreement(delivery)
        today = timezone.now().date()
        for kind, party, ends in (("baa_scribe", cast.scribe, None), ("baa_ecw", None, today - timedelta(days=3))):
            Agreement.objects.create(
                practice=cast.practice,
                scribe=party,
                kind=kind,
                party="x",
                signed_on=today - timedelta(days=90),
                expires_on=ends,
            )
        assert closed_gate(delivery, Asked()) == "agreement_missing"

    def test_shut_with_the_first_moment_after_an_agreements_last_day_without_any_change(self, cast, lane, monkeypatch):
        delivery, asked = waiting(cast, lane), Asked()  # what is kept in memory of the agreements as well
        shut_agreement(delivery)
        last = today_at(cast.north)
        for kind, party, ends in (("baa_scribe", cast.scribe, None), ("baa_ecw", None, last)):
            Agreement.objects.create(
                practice=cast.practice, scribe=party, kind=kind, party="x", signed_on=last, expires_on=ends
            )
        midnight = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(cast.north.time_zone))
        found = {}
        for seconds in (-60, -1, 0, 1):
            now = midnight.astimezone(UTC) + timedelta(seconds=seconds)
            monkeypatch.setattr(agreements, "timezone", SimpleNamespace(now=lambda now=now: now))
            found[seconds] = closed_gate(delivery, asked)
        assert found == {-60: "", -1: "", 0: "agreement_missing", 1: "agreement_missing"}
        stopped = prepared(delivery)
        assert (stopped.state, stopped.reason_code) == (State.HELD, "agreement_missing")

    def test_are_looked_at_well_within_a_minute(self):
        # Whatever is due is looked at with each poll, bell or no bell (delivery/poll.py).
        assert settings.POLL_SECONDS <= 10

    @pytest.mark.parametrize("crashes", range(5))
    def test_keep_a_note_that_kills_its_workers_away_from_the_others(self, cast, lane, crashes):
        outcome = prepared(waiting(cast, lane, crashes=crashes))
        if crashes >= POISON_AFTER:
            assert (outcome.state, outcome.reason_code) == (State.PARKED, "poison")
        else:
            assert isinstance(outcome, Prepared)

    def test_hold_a_note_whose_mapping_was_withdrawn_meanwhile(self, cast, lane):
        delivery = waiting(cast, lane)
        MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
        assert prepared(delivery).reason_code == "no_mapping"

    def test_hold_a_note_without_a_template(self, cast, lane):
        delivery = waiting(cast, lane)
        NoteVersion.objects.update(template=None)
        delivery.note_version.refresh_from_db()
        assert prepared(delivery).reason_code == "no_template"

    @pytest.mark.parametrize("part", ["diagnoses", "medications", "attachments"])
    def test_hold_a_part_that_the_channel_does_not_carry(self, cast, lane, part):
        assert isinstance(prepared(waiting(cast, lane, part=part)), Stopped)

    def test_freeze_what_they_let_through(self, cast, lane):
        outcome = prepared(waiting(cast, lane))
        assert outcome.new_wire.sha256 == outcome.sha256
        plain = crypto.unseal(outcome.new_wire.sealed_bytes, table="wire", column="bytes", row=outcome.delivery.pk)
        assert plain == outcome.rendered.body == b"bytes"
        assert outcome.number == 1

    def test_send_frozen_bytes_again_as_they_are_and_render_nothing(self, cast):
        delivery = make_delivery(cast, State.UNKNOWN)
        fresh = Delivery.objects.select_related(
            "note_version__template", "note__scribe", "location__practice", "connection", "wire"
        ).get(pk=delivery.pk)
        channel = Reading()
        [again], _ = prepare([as_due(fresh)], channel)
        assert channel.rendered == []
        assert (again.sha256, again.new_wire) == (fresh.wire.sha256, None)


class TestTheEnds:
    """One word for each end of a try, and the one state it leads to."""

    def outcome(self, cast, lane, error=None):
        made = prepared(waiting(cast, lane, State.READY))
        return accepted(made, Receipt("AA", b"MSA|AA")) if error is None else ended(made, error)

    @pytest.mark.parametrize(
        "error, word, state",
        [
            (None, "accepted", State.ACCEPTED),
            (Refused("ae", "AE"), "refused", State.REJECTED),
            (Unavailable("connection_refused"), "unavailable", State.READY),
            (NoAnswer("no_answer"), "no_answer", State.UNKNOWN),
        ],
    )
    def test_the_error_carries_the_decision(self, cast, lane, error, word, state):
        made = self.outcome(cast, lane, error)
        assert (made.word, made.state) == (word, state)

    def test_what_stood_behind_a_broken_batch_is_proven_unsent(self, cast, lane):
        made = not_reached(prepared(waiting(cast, lane)), "batch_ended")
        assert (made.word, made.state, made.reason_code) == ("unavailable", State.READY, "batch_ended")

    @pytest.mark.parametrize(
        "error, waits",
        [
            (Unavailable("connection_refused"), True),
            (Unavailable("lease_lost"), False),
            (Unavailable("rate_limited", retry_after=40.0), True),
        ],
    )
    def test_a_try_that_could_not_be_made_waits_only_for_its_own_fault(self, cast, lane, error, waits):
        made = self.outcome(cast, lane, error)
        delivery = made.prepared.delivery
        Delivery.objects.filter(pk=delivery.pk).update(epoch=7)
        self.begin(delivery)
        write_down([made], 7, cast.hl7)
        row = Delivery.objects.get(pk=delivery.pk)
        assert row.state == State.READY
        assert (row.not_before > timezone.now() + timedelta(seconds=3)) == waits

    def test_an_outcome_of_a_lost_lane_changes_nothing(self, cast, lane):
        made = self.outcome(cast, lane)
        delivery = made.prepared.delivery
        Delivery.objects.filter(pk=delivery.pk).update(epoch=8)
        self.begin(delivery)
        write_down([made], 7, cast.hl7)
        assert Delivery.objects.get(pk=delivery.pk).state == State.SENDING

    def test_the_answer_is_kept_sealed_with_its_attempt(self, cast, lane):
        made = self.outcome(cast, lane)
        delivery = made.prepared.delivery
        Delivery.objects.filter(pk=delivery.pk).update(epoch=7)
        self.begin(delivery)
        write_down([made], 7, cast.hl7)
        attempt = Attempt.objects.get(delivery=delivery)
        assert (attempt.outcome, attempt.code) == ("accepted", "AA")
        assert b"MSA" not in bytes(attempt.sealed_answer)
        opened = crypto.unseal(attempt.sealed_answer, table="attempt", column="answer", row=f"{delivery.pk}:1")
        assert opened == b"MSA|AA"

    def begin(self, delivery) -> None:
        """As claim() leaves it: under way, with an attempt that has no outcome yet."""
        epoch = Delivery.objects.get(pk=delivery.pk).epoch
        Delivery.objects.filter(pk=delivery.pk).update(state=State.SENDING)
        Attempt.objects.create(
            delivery=delivery,
            number=1,
            epoch=epoch,
            worker="w",
            connection=delivery.connection,
            wire_sha256="0" * 64,
            intent_at=timezone.now(),
        )


def test_what_intake_holds_is_held_for_the_first_thing_that_is_wrong(scribe, cast):
    """The same gates at the door: no route before no template, no template before no mapping."""
    cast.north.routes.all().delete()
    MappingVersion.objects.update(state="retired")
    [row] = scribe.post(a_note()).json()["deliveries"]
    assert row["reason"]["code"] == "no_route"
