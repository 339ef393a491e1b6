"""The trigger in the database and the product's filter keep the same events, whatever the holds."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit.context import Actor, acting
from audit.event import AuditEvent
from audit.purging import leaving
from audit.record import Entry
from audit.retained import PurgeCertificate, PurgeRequest
from audit.retention import Held, held, hold, lift
from tests.audit.past import AVA, DANA, at, month, today

PATIENTS = ["a" * 32, "b" * 32, ""]
LOCATIONS = ["NORTH", "SOUTH", ""]
PEOPLE = [Actor("user", "7", "dana"), Actor("user", "8", "ava"), Actor("worker", "7"), Actor("api_key", "8")]
START = datetime(2015, 3, 15, 12, tzinfo=UTC)


def some_events(dice: random.Random, count: int) -> list[Entry]:
    return [
        Entry(
            "note.view",
            practice="lakeside",
            location=dice.choice(LOCATIONS),
            subject_bidx=dice.choice(PATIENTS),
            actor=dice.choice(PEOPLE),
        )
        for _ in range(count)
    ]


def some_hold(dice: random.Random) -> Held:
    kind = dice.choice(["patient", "person", "location", "period"])
    if kind == "period":
        since = START + timedelta(days=dice.randint(-20, 20))
        return Held(kind, "", since, since + timedelta(days=dice.randint(1, 20)))
    return Held(kind, dice.choice({"patient": PATIENTS[:2], "person": ["7", "8"], "location": LOCATIONS[:2]}[kind]))


def goes(key) -> bool:
    """Whether the database lets this event go; taken back afterwards."""
    stored = key if connection.vendor == "postgresql" else key.hex
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_auditevent WHERE id = %s", [stored])
            gone = cursor.rowcount == 1
            transaction.set_rollback(True)
            return gone
    except DatabaseError:
        return False


@pytest.mark.django_db(transaction=True)
class TestTheSame:
    @pytest.fixture
    def purged(self, anchor_file):
        """A month of many kinds of events, under a certificate."""
        tree = month(2015, 3, some_events(random.Random(1), 24))
        today()
        asked = PurgeRequest.objects.create(
            tree=tree, reason="x", asked_by=DANA, approved_by=AVA, asked_at=timezone.now()
        )
        PurgeCertificate.objects.create(tree=tree, request=asked, note="x", kept=0, at=timezone.now())
        return tree

    def compared(self, tree) -> tuple[set, set]:
        keys = list(tree.leaves.values_list("pk", flat=True))
        return {key for key in keys if goes(key)}, set(leaving(tree).values_list("pk", flat=True))

    @pytest.mark.parametrize("seed", range(8))
    def test_L11_events_stay(self, purged, seed):
        dice = random.Random(seed)
        made = [hold("lakeside", some_hold(dice), "x", DANA) for _ in range(dice.randint(1, 3))]
        if dice.random() < 0.4:
            lift(made[0], "y", AVA)
        hold("harbor", some_hold(dice), "x", DANA)
        by_trigger, by_filter = self.compared(purged)
        assert by_trigger == by_filter

    def test_without_holds_all_go(self, purged):
        by_trigger, by_filter = self.compared(purged)
        assert len(by_trigger) == len(by_filter) == 24

    def test_a_worker_with_a_persons_number_is_no_person(self, purged):
        hold("lakeside", Held("person", "7"), "x", DANA)
        by_trigger, _ = self.compared(purged)
        stay = AuditEvent.objects.filter(pk__in=purged.leaves.values("pk")).exclude(pk__in=by_trigger)
        assert {event.actor_type for event in stay} == {"user"}
        assert {event.actor_id for event in stay} == {"7"}

    def test_the_first_moment_of_a_period_belongs_to_it_and_the_last_does_not(self, purged):
        one = hold("lakeside", Held("period", "", START, START + timedelta(microseconds=1)), "x", DANA)
        inside = set(AuditEvent.objects.filter(held("lakeside")).values_list("pk", flat=True))
        lift(one, "y", DANA)
        hold("lakeside", Held("period", "", START - timedelta(days=1), START), "x", DANA)
        before = set(AuditEvent.objects.filter(held("lakeside")).values_list("pk", flat=True))
        assert before & inside == set()
        by_trigger, by_filter = self.compared(purged)
        assert by_trigger == by_filter


@pytest.mark.django_db(transaction=True)
def test_recorded_in_the_past_is_recorded_as_of_then(anchor_file):
    """What the tests of retention rest on."""
    with at(START), acting(Actor("user", "7")):
        assert timezone.now() == START
    tree = month(2015, 3, [Entry("system.start", practice="lakeside")])
    event = AuditEvent.objects.get(event="system.start")
    assert event.at == START
    assert tree.month == "201503"
    assert tree.checkpoints.latest("pk").elapsed == START
    assert timezone.now() - START > timedelta(days=365)
