"""The course of an alert: one for each condition however long it lasts, worse, escalated, acknowledged, recovered."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from delivery.alerts import course, looking
from delivery.alerts.conditions import Condition
from delivery.alerts.models import Alert, AlertNotice, AlertRound, AlertSettings
from delivery.models import Breaker, ConnectionState
from delivery.rounds import ROUNDS
from tests.delivery.alerts.conftest import BEGIN

pytestmark = pytest.mark.django_db


def states() -> list[str]:
    return list(Alert.objects.order_by("pk").values_list("state", flat=True))


def changes() -> list[str]:
    return list(AlertNotice.objects.order_by("pk").values_list("change", flat=True))


class TestOpening:
    def test_a_condition_that_lasts_is_one_alert_and_is_told_once(self, clinic):
        clinic.wrong("connection_failing")
        for _ in range(60):
            clinic.look(seconds=20)
        assert (states(), changes()) == (["open"], ["opened"])

    def test_each_thing_has_its_own(self, clinic):
        clinic.wrong("connection_failing", "uncertain", "drift")
        clinic.look()
        assert Alert.objects.filter(going_on=True).count() == 3

    def test_the_same_at_two_locations_is_two(self, clinic, cast):
        clinic.found = [Condition("uncertain", cast.north), Condition("uncertain", cast.south)]
        clinic.look()
        assert sorted(Alert.objects.values_list("place", flat=True)) == ["NORTH", "SOUTH"]

    def test_two_workers_that_look_at_once_open_it_once(self, clinic, cast):
        condition = Condition("uncertain", cast.north)
        assert course.open_one(cast.practice, condition, BEGIN) is not None
        assert course.open_one(cast.practice, condition, BEGIN) is None
        assert (Alert.objects.count(), AlertNotice.objects.count()) == (1, 1)

    def test_the_database_holds_two_of_one_thing_apart(self, clinic, cast):
        course.open_one(cast.practice, Condition("uncertain", cast.north), BEGIN)
        row = Alert.objects.get()
        row.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)

    def test_opening_is_in_the_audit_log_without_a_name(self, clinic):
        clinic.wrong("connection_failing", label="eCW of Dr. Lee", reason_code="connect_timeout", count=5)
        clinic.look()
        event = AuditEvent.objects.get(event="alert.change")
        assert event.detail == {
            "kind": "connection_failing",
            "state": "open",
            "reason_code": "connect_timeout",
            "count": 5,
        }
        assert (event.location, "Lee" in str(event.detail)) == ("NORTH", False)

    def test_what_is_seen_again_has_its_newest_count(self, clinic):
        clinic.wrong("uncertain", count=1)
        clinic.look()
        clinic.wrong("uncertain", count=12)
        clinic.look(seconds=20)
        assert Alert.objects.get().count == 12


class TestRecovering:
    def test_it_recovers_once_its_condition_has_been_gone_for_two_minutes(self, clinic):
        clinic.wrong("connection_failing")
        clinic.look()
        clinic.wrong()
        clinic.look(seconds=100)
        assert states() == ["open"]
        clinic.look(seconds=30)
        assert (states(), changes()) == (["recovered"], ["opened", "recovered"])

    def test_what_comes_and_goes_within_that_time_is_one_alert(self, clinic):
        for turn in range(20):
            clinic.wrong(*(["connection_failing"] if turn % 2 else []))
            clinic.look(seconds=50)
        assert (Alert.objects.count(), changes()) == (1, ["opened"])

    def test_the_next_time_is_another_alert(self, clinic):
        for kinds in (["uncertain"], [], ["uncertain"]):
            clinic.wrong(*kinds)
            clinic.look(minutes=5)
        assert states() == ["recovered", "open"]

    def test_whoever_was_told_hears_of_its_end_whatever_was_changed_since(self, clinic, cast):
        clinic.wrong("uncertain")
        clinic.look()
        cast.dana.memberships.all().delete()
        clinic.wrong()
        clinic.look(minutes=5)
        assert [one.user for one in AlertNotice.objects.filter(change="recovered")] == [cast.dana]

    def test_an_acknowledged_one_recovers_too(self, clinic, cast):
        clinic.wrong("uncertain")
        clinic.look()
        assert course.acknowledge(Alert.objects.get(), cast.omar, clinic.now)
        clinic.wrong()
        clinic.look(minutes=5)
        assert states() == ["recovered"]


class TestEscalating:
    def test_nobody_acknowledges_it_and_the_next_ones_are_told_once(self, clinic):
        clinic.wrong("uncertain")
        clinic.look()
        clinic.look(minutes=29)
        assert states() == ["open"]
        for _ in range(10):
            clinic.look(minutes=2)
        assert (states(), changes()) == (["escalated"], ["opened", "escalated"])

    def test_an_acknowledged_one_is_told_to_nobody_else(self, clinic, cast):
        clinic.wrong("uncertain")
        clinic.look()
        course.acknowledge(Alert.objects.get(), cast.omar, clinic.now)
        clinic.look(hours=5)
        assert (states(), changes()) == (["acknowledged"], ["opened"])

    def test_the_time_is_the_practices(self, clinic, cast):
        AlertSettings.objects.create(practice=cast.practice, escalate_minutes=5)
        clinic.wrong("uncertain")
        clinic.look()
        clinic.look(minutes=5)
        assert states() == ["escalated"]

    def test_what_has_no_haste_escalates_after_a_day(self, clinic):
        clinic.wrong("agreement_ending", level=1)
        clinic.look()
        clinic.look(hours=23)
        assert states() == ["open"]
        clinic.look(hours=1)
        assert states() == ["escalated"]

    def test_an_escalated_one_can_still_be_acknowledged_once(self, clinic, cast):
        clinic.wrong("uncertain")
        clinic.look()
        clinic.look(minutes=31)
        one = Alert.objects.get()
        assert course.acknowledge(one, cast.omar, clinic.now)
        assert not course.acknowledge(one, cast.dana, clinic.now)
        one.refresh_from_db()
        assert (one.state, one.acknowledged_by) == ("acknowledged", cast.omar)

    def test_a_recovered_one_cannot(self, clinic, cast):
        clinic.wrong("uncertain")
        clinic.look()
        clinic.wrong()
        clinic.look(minutes=5)
        assert not course.acknowledge(Alert.objects.get(), cast.omar, clinic.now)


class TestGettingWorse:
    def test_each_step_is_told_once_and_asks_for_somebody_again(self, clinic, cast):
        for level in (1, 1, 2, 2, 3):
            clinic.wrong("agreement_ending", level=level)
            clinic.look(hours=1)
            course.acknowledge(Alert.objects.get(), cast.dana, clinic.now)
        assert (Alert.objects.count(), changes()) == (1, ["opened", "worse", "worse"])

    def test_getting_better_by_a_step_is_no_change(self, clinic):
        for level in (3, 1):
            clinic.wrong("ending", level=level)
            clinic.look(minutes=1)
        assert (changes(), Alert.objects.get().level) == (["opened"], 3)


class TestTheRound:
    def test_of_several_workers_one_looks_every_twenty_seconds(self, clinic):
        assert [looking.look_if_due(BEGIN + timedelta(seconds=at)) for at in (0, 1, 19, 20, 21, 41)] == [
            True, False, False, True, False, True,
        ]  # fmt: skip
        assert AlertRound.objects.count() == 1

    def test_one_practice_that_cannot_be_looked_at_keeps_no_other_from_it(self, clinic, cast, monkeypatch):
        looked = []

        def look(practice, now):
            looked.append(practice.code)
            if practice == cast.practice:
                raise ValueError("a row nobody expected")

        monkeypatch.setattr(looking, "look", look)
        assert looking.look_if_due(BEGIN)
        assert sorted(looked) == ["harbor", "lakeside"]

    def test_the_round_is_among_those_a_worker_keeps_at(self):
        assert ROUNDS["alerts"] is looking.tend

    def test_a_real_condition_becomes_an_alert_and_a_message(self, cast, settings, mailoutbox, monkeypatch):
        settings.EMAIL_HOST = "mail.tests"
        ConnectionState.objects.create(connection=cast.hl7, breaker=Breaker.OPEN, last_reason="connect_timeout")
        looking.tend()
        AlertNotice.objects.update(not_before=BEGIN - timedelta(days=1000))
        looking.tend()
        assert [mail.to for mail in mailoutbox] == [["dana@example.org"]]
        assert "connect_timeout" in mailoutbox[0].body
