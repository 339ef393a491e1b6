"""What is wrong: each kind of condition from the rows it is read off, and what is no condition."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from delivery.alerts.conditions import conditions, nearness
from delivery.alerts.models import AlertSettings
from delivery.models import Breaker, ConnectionState, Delivery, Heartbeat
from mapping.models import Field, TemplateVersion
from portal import keys
from portal.models import Agreement, ApiKey, Connection, Environment, OAuthGrant
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
THURSDAY = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)  # 11:00 at NORTH


def found(cast, now=None, **limits):
    rows = conditions(cast.practice, AlertSettings(practice=cast.practice, **limits), now or timezone.now())
    return {(one.kind, one.location.code if one.location else ""): one for one in rows}


def test_a_practice_where_all_is_well_has_none(cast):
    make_delivery(cast)
    assert found(cast) == {}


class TestConnections:
    @pytest.mark.parametrize(
        "breaker, kind",
        [
            (Breaker.OPEN, "connection_failing"),
            (Breaker.AUTH, "connection_refused"),
            (Breaker.CONTENT, "connection_content"),
        ],
    )
    def test_a_stopped_connection_is_told_at_each_location_it_serves(self, cast, breaker, kind):
        ConnectionState.objects.create(
            connection=cast.hl7, breaker=breaker, failures=7, last_reason="connect_timeout", rejections=20,
            rejection_code="AE",
        )  # fmt: skip
        rows = found(cast)
        assert {key for key in rows if key[0] == kind} == {(kind, "NORTH"), (kind, "SOUTH")}
        one = rows[kind, "NORTH"]
        said = ("AE", 20) if breaker == Breaker.CONTENT else ("connect_timeout", 7)
        assert (one.subject, one.reason_code, one.count) == (f"connection:{cast.hl7.pk}", *said)

    def test_a_reading_connection_counts_too(self, cast):
        ConnectionState.objects.create(connection=cast.reader, breaker=Breaker.AUTH, last_reason="unauthorized")
        assert ("connection_refused", "SOUTH") in found(cast)

    def test_one_that_serves_nobody_or_is_switched_off_is_nobodys_trouble(self, cast):
        spare = Connection.objects.create(practice=cast.practice, name="Spare", kind="hl7", environment="sandbox")
        ConnectionState.objects.create(connection=spare, breaker=Breaker.OPEN)
        ConnectionState.objects.create(connection=cast.hl7, breaker=Breaker.OPEN)
        cast.hl7.enabled = False
        cast.hl7.save()
        assert found(cast) == {}

    def test_a_grant_that_only_a_person_can_renew_is_a_refusal_and_counts_once(self, cast):
        OAuthGrant.objects.create(connection=cast.reader, trouble="invalid_grant")
        ConnectionState.objects.create(connection=cast.reader, breaker=Breaker.AUTH, last_reason="invalid_grant")
        rows = conditions(cast.practice, AlertSettings(practice=cast.practice), timezone.now())
        assert [one.kind for one in rows] == ["connection_refused"] * 2

    def test_a_grant_that_is_tried_again_by_itself_is_none(self, cast):
        OAuthGrant.objects.create(connection=cast.reader, trouble="unavailable", retry_at=timezone.now())
        assert found(cast) == {}

    def test_another_practices_connection_is_not_told_here(self, cast):
        theirs = Connection.objects.create(
            practice=cast.elsewhere.practice, name="Theirs", kind="hl7", environment="sandbox"
        )
        cast.elsewhere.reading_connection = theirs
        cast.elsewhere.save()
        ConnectionState.objects.create(connection=theirs, breaker=Breaker.OPEN)
        assert found(cast) == {}
        rows = conditions(cast.elsewhere.practice, AlertSettings(practice=cast.elsewhere.practice), timezone.now())
        assert [one.kind for one in rows] == ["connection_failing"]


class TestUncertain:
    @pytest.mark.parametrize("state", ["unknown", "parked"])
    def test_doubt_that_is_older_than_the_limit_is_counted(self, cast, state):
        for minutes in (10, 40, 50):
            make_delivery(cast, state, received_at=timezone.now() - timedelta(minutes=minutes))
        assert found(cast)["uncertain", "NORTH"].count == 2

    def test_the_limit_is_the_practices(self, cast):
        make_delivery(cast, "unknown", received_at=timezone.now() - timedelta(minutes=40))
        assert found(cast, uncertain_minutes=60) == {}

    @pytest.mark.parametrize("state", ["held", "rejected", "accepted", "ready"])
    def test_what_is_no_doubt_is_not_counted(self, cast, state):
        make_delivery(cast, state, received_at=timezone.now() - timedelta(hours=5))
        assert found(cast) == {}


class TestSilence:
    def usual(self, cast, weeks=(1, 2, 3, 4), number=3, at=THURSDAY):
        for back in weeks:
            for minute in range(number):
                make_delivery(
                    cast, received_at=at - timedelta(weeks=back, minutes=10 + minute), encounter=f"E{back}{minute}"
                )

    def test_no_note_in_hours_in_which_notes_usually_come_is_silence(self, cast):
        self.usual(cast)
        assert set(found(cast, THURSDAY)) == {("no_traffic", "NORTH")}

    def test_one_note_ends_it(self, cast):
        self.usual(cast)
        make_delivery(cast, "held", received_at=THURSDAY - timedelta(minutes=119))
        assert found(cast, THURSDAY) == {}

    def test_three_weeks_of_four_make_it_usual_and_two_do_not(self, cast):
        self.usual(cast, weeks=(1, 3, 4))
        assert ("no_traffic", "NORTH") in found(cast, THURSDAY)
        Delivery.objects.filter(created_at__lt=THURSDAY - timedelta(weeks=3, days=3)).update(part="diagnoses")
        assert found(cast, THURSDAY) == {}

    def test_hours_with_a_stray_note_are_not_usual_hours(self, cast):
        self.usual(cast, number=2)
        assert found(cast, THURSDAY) == {}

    def test_at_night_and_on_sunday_nothing_is_missed(self, cast):
        self.usual(cast)
        assert found(cast, THURSDAY + timedelta(hours=8)) == {}
        assert found(cast, THURSDAY + timedelta(days=3)) == {}

    def test_the_hours_are_those_of_the_wall_clock_when_it_has_been_changed(self, cast):
        """9 in the morning on 12 March is 13:00 UTC; in the four weeks before it was 14:00."""
        now = datetime(2026, 3, 12, 13, 0, tzinfo=UTC)
        self.usual(cast, at=datetime(2026, 3, 12, 14, 0, tzinfo=UTC))
        assert ("no_traffic", "NORTH") in found(cast, now, silence_minutes=30)

    def test_0_minutes_switch_it_off(self, cast):
        self.usual(cast)
        assert found(cast, THURSDAY, silence_minutes=0) == {}


class TestEnds:
    @pytest.mark.parametrize("days, level", [(-1, 4), (0, 3), (1, 3), (2, 2), (7, 2), (8, 1), (14, 1)])
    def test_an_end_comes_near_in_steps(self, days, level):
        assert nearness(days) == level

    def key_ending(self, cast, **left):
        key, _ = keys.create(cast.scribe, Environment.SANDBOX)
        ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() + timedelta(**left))
        return key

    def test_a_scribes_key_that_ends_soon_is_told_without_its_secret(self, cast):
        key = self.key_ending(cast, days=5, minutes=5)
        one = found(cast)["ending", "NORTH"]
        assert (one.count, one.level, key.prefix in one.label) == (5, 2, True)

    def test_one_that_ends_later_or_was_revoked_is_not(self, cast):
        self.key_ending(cast, days=30)
        revoked = self.key_ending(cast, days=2)
        ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
        assert found(cast) == {}

    @pytest.mark.parametrize("left, level", [(60, 1), (31, 1), (30, 2), (8, 2), (7, 3), (0, 3), (-1, 4)])
    def test_an_agreement_is_told_60_30_and_7_days_before_and_after_its_end(self, cast, left, level):
        Agreement.objects.create(
            practice=cast.practice, kind="baa_ecw", party="eCW", signed_on=date(2025, 1, 1),
            expires_on=_today(cast) + timedelta(days=left),
        )  # fmt: skip
        one = found(cast)["agreement_ending", ""]
        assert (one.level, one.count) == (level, max(0, left))

    @pytest.mark.parametrize("left", [61, -4, None])
    def test_one_that_ends_later_never_or_ended_long_ago_is_not(self, cast, left):
        ends = None if left is None else _today(cast) + timedelta(days=left)
        Agreement.objects.create(
            practice=cast.practice, kind="baa_ecw", party="eCW", signed_on=date(2025, 1, 1), expires_on=ends
        )
        assert found(cast) == {}

    def test_one_that_another_follows_is_not(self, cast):
        for ends in (_today(cast) + timedelta(days=3), None):
            Agreement.objects.create(
                practice=cast.practice, kind="baa_ecw", party="eCW", signed_on=date(2025, 1, 1), expires_on=ends
            )
        assert found(cast) == {}


def _today(cast):
    return timezone.now().astimezone(ZoneInfo(cast.north.time_zone)).date()


def test_a_template_that_lost_a_mapped_field_has_drifted(cast):
    template = cast.north_mapping.template
    newer = TemplateVersion.objects.create(template=template, number=2, fingerprint="1" * 64, source="tests")
    Field.objects.create(version=newer, field_id="NF-01", label="Chief Complaint", position=1)
    one = found(cast)["drift", "NORTH"]
    assert one.subject == f"template:{template.pk}"


class TestWorkers:
    def beat(self, worker: str, ago: timedelta):
        Heartbeat.objects.create(worker=worker, started_at=THURSDAY, beat_at=timezone.now() - ago)

    def test_a_host_without_a_sign_of_life_is_away(self, cast):
        self.beat("alpha/b1/n1|11|5", timedelta(minutes=3))
        self.beat("beta/b1/n1|12|5", timedelta(seconds=5))
        one = found(cast)["worker_away", ""]
        assert (one.subject, one.label) == ("worker:alpha", "alpha")

    def test_a_worker_started_anew_on_its_host_stands_for_the_dead_one(self, cast):
        self.beat("alpha/b1/n1|11|5", timedelta(minutes=30))
        self.beat("alpha/b1/n1|99|7", timedelta(seconds=5))
        assert found(cast) == {}

    def test_a_host_taken_out_of_service_is_forgotten(self, cast):
        self.beat("alpha/b1/n1|11|5", timedelta(days=4))
        assert found(cast) == {}
