"""A restored database sends nothing without asking."""

import uuid

import pytest
from django.conf import settings as conf
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from audit.anchors import anchor_all
from audit.insert_only import statements
from audit.models import AuditEvent
from delivery import incarnation
from delivery.models import Attempt, Delivery, Incarnation, Recovery
from delivery.states import State
from portal.models import Membership, Role
from tests.audit.log import seal_now
from tests.cast import has_the_installation_alone
from tests.delivery.test_sending import post, run_lanes, state
from tests.delivery.test_verification import doubted_long_ago, read_now

pytestmark = pytest.mark.django_db(transaction=True)


def forget_the_last_attempt():
    """What a restore does: the attempt is gone from the database, the mark outside remembers it."""
    Delivery.objects.filter(pk=Attempt.objects.latest("pk").delivery_id)
    Attempt.objects.all().delete()


def test_a_fresh_database_makes_its_mark_and_sends(scribe, ecw):
    delivery = post(scribe)
    run_lanes()
    assert state(delivery) == State.ACCEPTED
    words = conf.INCARNATION_FILE.read_text().split()
    assert words == [str(Incarnation.objects.get().id), f"{Attempt.objects.get().pk:020d}"]


def test_the_mark_is_written_before_the_first_byte(scribe, ecw, monkeypatch):
    seen = []
    send_all = "delivery.sending.LaneRun.send_all"
    monkeypatch.setattr(send_all, lambda *_: seen.append(conf.INCARNATION_FILE.read_text()) or [])
    post(scribe)
    run_lanes()
    assert seen[0].endswith(f"{Attempt.objects.get().pk:020d}\n")


def test_P16_P23_an_older_database_turns_what_is_open_into_doubt_and_sends_nothing(scribe, ecw, cast):
    from tests.delivery.test_sending import read_profile

    read_profile(cast, "readback")
    post(scribe, 1)
    run_lanes()
    forget_the_last_attempt()
    waiting = post(scribe, 2)
    assert run_lanes() == 0
    row = Delivery.objects.get(pk=waiting)
    assert (row.state, row.reason_code) == (State.UNKNOWN, "recovery_mode")
    assert Recovery.objects.get().doubted == 1
    assert len(ecw.filings()) == 1
    event = AuditEvent.objects.get(event="system.recovery_mode")
    assert event.detail == {"state": "entered", "rows": 1}


def test_P23_what_the_chart_does_not_hold_waits_for_a_person_and_goes_then(scribe, ecw, cast):
    from tests.delivery.test_sending import read_profile

    read_profile(cast, "readback")
    post(scribe, 1)
    run_lanes()
    forget_the_last_attempt()
    waiting = post(scribe, 2)
    run_lanes()
    doubted_long_ago()
    read_now()
    read_now()
    assert state(waiting) == State.READY
    assert run_lanes() == 0, "proven not there, and still nobody has said: go on"
    incarnation.leave()
    assert run_lanes() == 1
    assert state(waiting) == State.ACCEPTED


def test_another_database_under_the_same_mark_is_an_alarm(scribe, ecw):
    post(scribe)
    run_lanes()
    Incarnation.objects.all().delete()
    Incarnation.objects.create(id=uuid.uuid4(), began_at="2026-01-01T00:00:00Z")
    assert not incarnation.may_send()


@pytest.mark.parametrize("content", ["", "nonsense", "a b c", "x -1"])
def test_a_mark_that_cannot_be_read_is_made_anew(db, content):
    conf.INCARNATION_FILE.parent.mkdir(parents=True, exist_ok=True)
    conf.INCARNATION_FILE.write_text(content)
    assert incarnation.may_send()


def test_the_banner_says_so_on_every_page_and_only_a_director_ends_it(scribe, ecw, cast):
    has_the_installation_alone(cast)
    post(scribe, 1)
    run_lanes()
    forget_the_last_attempt()
    incarnation.may_send()
    director, operator = Client(), Client()
    director.force_login(cast.dana)
    operator.force_login(cast.omar)
    assert b"Nothing is being sent" in operator.get("/").content
    assert operator.post("/deliveries/recovery/leave/").status_code == 403
    assert incarnation.in_recovery()
    assert b"go on sending" in director.get("/").content
    director.post("/deliveries/recovery/leave/")
    assert not incarnation.in_recovery()
    assert b"Nothing is being sent" not in director.get("/").content


@pytest.fixture
def recovering(cast) -> Recovery:
    incarnation.enter()
    return Recovery.objects.get()


@pytest.mark.parametrize("who", ["dana", "sam"])
def test_no_practices_director_ends_it_for_the_others(cast, recovering, who):
    director = Client()
    director.force_login(getattr(cast, who))
    assert director.post("/deliveries/recovery/leave/").status_code == 403
    assert incarnation.in_recovery()
    denied = AuditEvent.objects.get(event="authz.denied")
    assert denied.detail["route"] == "delivery:leave-recovery"


@pytest.mark.parametrize("who", ["dana", "sam"])
def test_where_several_practices_share_it_the_banner_names_who_decides(cast, recovering, who):
    director = Client()
    director.force_login(getattr(cast, who))
    page = director.get("/").content.decode()
    assert "Several practices share this installation: whoever runs the server decides when sending goes on." in page
    assert "I have checked: go on sending" not in page


def test_an_operator_of_the_only_practice_is_told_that_a_director_decides(cast, recovering):
    has_the_installation_alone(cast)
    operator = Client()
    operator.force_login(cast.omar)
    assert "An IT director decides when sending goes on." in operator.get("/").content.decode()


def test_a_director_of_one_location_does_not_decide_for_the_installation(cast, recovering):
    has_the_installation_alone(cast)
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.north, role=Role.DIRECTOR)
    director = Client()
    director.force_login(cast.omar)
    assert director.post("/deliveries/recovery/leave/").status_code == 403
    assert incarnation.in_recovery()


def test_whoever_runs_the_server_ends_it_by_a_command(cast, recovering, capsys):
    call_command("leave_recovery")
    assert capsys.readouterr().out == ("Recovery mode has ended; sending goes on. 0 deliveries are still in doubt.\n")
    assert incarnation.in_recovery() is None
    event = AuditEvent.objects.filter(event="system.recovery_mode").latest("at")
    assert (event.actor_type, event.actor_id, event.detail["state"]) == ("command", "leave_recovery", "left")


def test_the_command_ends_nothing_where_nothing_is_to_be_ended(db):
    with pytest.raises(CommandError, match="There is no recovery mode to end; nothing was changed"):
        call_command("leave_recovery")
    assert Incarnation.objects.count() == 0


@pytest.fixture
def anchors(settings, tmp_path, monkeypatch):
    """An anchor of its own, asked anew each time."""
    settings.AUDIT_ANCHORS = [f"file://{tmp_path}/audit.jsonl"]
    monkeypatch.setattr(incarnation, "ANCHOR_SECONDS", 0.0)


def forget_the_seal():
    """What a restore does to the audit log: the newest checkpoint is in the anchor only."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("audit_anchorreceipt", "audit_checkpoint", "audit_leaf"):
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            else:
                cursor.execute(f"DROP TRIGGER insert_only_{table}_delete")
            cursor.execute(f"DELETE FROM {table}")
            for statement in statements(connection.vendor, table):
                cursor.execute(statement)
        cursor.execute("DELETE FROM audit_tree")


def test_a_database_without_its_newest_anchored_checkpoint_sends_nothing(scribe, ecw, anchors):
    """The mark knows what left; the anchor also notices a restore after which nothing had left yet."""
    post(scribe, 1)
    run_lanes()
    seal_now()
    anchor_all()
    assert not incarnation.is_older_than_its_anchor()
    forget_the_seal()
    waiting = post(scribe, 2)
    assert run_lanes() == 0
    assert state(waiting) == State.UNKNOWN
    assert incarnation.in_recovery()


def test_a_person_who_lets_it_go_on_accepts_the_loss_in_the_log(scribe, ecw, anchors):
    post(scribe, 1)
    run_lanes()
    seal_now()
    anchor_all()
    forget_the_seal()
    assert not incarnation.may_send()
    incarnation.leave()
    lost = {event.detail["origin"].split("/")[2] for event in AuditEvent.objects.filter(event="audit.loss")}
    assert {"lakeside", "-"} <= lost
    assert incarnation.may_send()
    waiting = post(scribe, 3)
    run_lanes()
    assert state(waiting) == State.ACCEPTED


def test_the_anchor_is_asked_at_most_every_few_seconds(scribe, ecw, settings, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(incarnation, "_asked_at", float("-inf"))
    monkeypatch.setattr(incarnation, "missing_from_database", lambda: asked.append(1) or [])
    assert [incarnation.may_send() for _ in range(5)] == [True] * 5
    assert asked == [1]
