"""One deed for many: what the preview counts is what is done, once each, oldest first, through kills, pauses and cancels."""

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, InterfaceError, InternalError, OperationalError, ProgrammingError
from django.utils import timezone

from audit.models import AuditEvent
from delivery import bell, lanes
from delivery.bulk import running
from delivery.bulk.plan import VERBS, Wanted, begin, deed_named, plan
from delivery.bulk.running import PORTION, run, run_jobs
from delivery.bulk.tables import Job, JobItem
from delivery.deeds import DEEDS
from delivery.filters import Filters
from delivery.models import Delivery
from delivery.queries import Scope
from delivery.states import State
from delivery.tasks import run_job
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
REASON = "the receiver was down over noon"
HELD = Filters(state=("attention",))


@pytest.fixture(autouse=True)
def rung(monkeypatch) -> list:
    told: list = []
    monkeypatch.setattr(bell, "publish", lambda task, identifier: told.append((task, identifier)))
    return told


def made(cast, state, number=1, **more) -> list[Delivery]:
    """With a lane, newest first, so that the order of making is not that of receiving."""
    found = []
    for place in range(number):
        one = make_delivery(cast, state, received_at=timezone.now() - timedelta(minutes=place + 1), **more)
        one.lane = lanes.lane_for(cast.hl7.pk, 1, one.encounter_bidx)
        one.save(update_fields=["lane"])
        found.append(one)
    return found


@pytest.fixture
def scope(cast) -> Scope:
    return Scope((cast.north,))


def never() -> bool:
    return False


def start(cast, scope, verb="cancel", chosen=HELD, dry=False) -> Job:
    job = begin(scope, chosen, deed_named(verb), Wanted(cast.omar, REASON, dry))
    assert job is not None
    return job


def results(job: Job) -> list[str]:
    return list(job.items.order_by("position").values_list("result", flat=True))


class TestThePreview:
    def test_it_counts_what_is_taken_and_what_is_left_alone(self, cast, scope):
        made(cast, State.HELD, 3, reason_code="no_route")
        made(cast, State.VERIFIED, 2)
        made(cast, State.REJECTED, 1)
        made(cast, State.HELD, 1, location=cast.south)
        counted = plan(scope, Filters(), deed_named("cancel"))
        assert (counted.total, counted.able, counted.verified, counted.over) == (6, 3, 2, 0)
        assert [number for _, _, number in counted.by_place] == [3]
        assert counted.by_place[0][0] == "NORTH"
        assert {label: possible for label, _, possible in counted.by_state}["Held"] is True

    def test_it_says_how_many_could_stand_twice(self, cast, scope):
        made(cast, State.REJECTED, 2)
        made(cast, State.MISFILED, 3, outcomes=["verified", "missing", "verified"])
        counted = plan(scope, Filters(), deed_named("replay"))
        assert (counted.able, counted.doubled) == (5, 3)
        assert plan(scope, Filters(), deed_named("cancel")).doubled == 0

    def test_no_reading_connection_no_look_into_the_chart(self, cast, scope):
        made(cast, State.UNKNOWN, 2)
        assert plan(scope, Filters(), deed_named("verify")).able == 2
        type(cast.north).objects.filter(pk=cast.north.pk).update(reading_connection=None)
        assert plan(scope, Filters(), deed_named("verify")).able == 0

    @pytest.mark.parametrize("verb", ["in-chart", "not-there", "strike", "nonsense"])
    def test_what_only_a_look_at_one_visit_can_answer_is_no_deed_for_many(self, verb):
        assert deed_named(verb) is None
        assert set(VERBS) < {deed.verb for deed in DEEDS}

    def test_nothing_to_do_makes_no_job(self, cast, scope):
        made(cast, State.VERIFIED, 1)
        assert begin(scope, Filters(), deed_named("cancel"), Wanted(cast.omar, REASON)) is None
        assert not AuditEvent.objects.filter(event="job.begin").exists()


class TestTheJob:
    def test_each_delivery_is_done_once_the_oldest_first_by_the_person_who_began_it(self, cast, scope):
        these = made(cast, State.HELD, 4)
        job = start(cast, scope)
        assert list(job.items.order_by("position").values_list("delivery", flat=True)) == [
            one.pk for one in these[::-1]
        ]
        assert run_jobs("w1", never) == 4
        job.refresh_from_db()
        assert (job.state, results(job)) == ("done", ["done"] * 4)
        assert set(Delivery.objects.values_list("state", flat=True)) == {"cancelled"}
        moves = AuditEvent.objects.filter(event="delivery.cancelled")
        assert {(one.actor_type, one.actor_name, one.reason) for one in moves} == {("user", "omar", REASON)}
        assert run_jobs("w1", never) == 0

    def test_the_beginning_is_recorded_and_only_an_id_travels(
        self, cast, scope, rung, django_capture_on_commit_callbacks
    ):
        made(cast, State.HELD, 2)
        with django_capture_on_commit_callbacks(execute=True):
            job = start(cast, scope)
        event = AuditEvent.objects.get(event="job.begin")
        assert (event.detail["rows"], event.detail["deed"], event.reason) == (2, "cancel", REASON)
        assert rung == [("delivery.tasks.run_job", job.pk)]

    def test_what_moved_meanwhile_is_left_alone(self, cast, scope):
        these = made(cast, State.HELD, 3)
        job = start(cast, scope)
        Delivery.objects.filter(pk=these[1].pk).update(state=State.SUPERSEDED)
        run_jobs("w1", never)
        assert results(job) == ["done", "left", "done"]
        assert job.items.get(position=2).found == "superseded"

    def test_a_dry_run_says_what_would_happen_and_does_nothing(self, cast, scope):
        made(cast, State.HELD, 3)
        job = start(cast, scope, dry=True)
        run_jobs("w1", never)
        assert results(job) == ["would"] * 3
        assert set(Delivery.objects.values_list("state", flat=True)) == {"held"}

    def test_a_worker_killed_between_two_deliveries_loses_and_repeats_none(self, cast, scope, monkeypatch):
        made(cast, State.REJECTED, 6)
        job = start(cast, scope, "replay")
        outcome, seen = running.outcome, []

        def killed_at_the_fourth(*about):
            seen.append(about[1].pk)
            if len(seen) == 4:
                done = outcome(*about)
                assert done[0] == "done"
                raise SystemExit
            return outcome(*about)

        monkeypatch.setattr(running, "outcome", killed_at_the_fourth)
        with pytest.raises(SystemExit):
            run(job.pk, "w1", never)
        assert results(job) == ["done"] * 3 + [""] * 3
        assert run(job.pk, "w2", never) == 0  # the lease of the dead one holds still
        Job.objects.update(held_until=timezone.now() - timedelta(seconds=1))
        run(job.pk, "w2", never)
        assert results(job) == ["done"] * 6
        assert Delivery.objects.filter(replay_of__isnull=False).count() == 6

    def test_a_worker_that_lost_its_lease_does_nothing_more(self, cast, scope):
        made(cast, State.HELD, 2)
        job = start(cast, scope)
        assert running.take(job.pk, "w1")
        Job.objects.update(held_by="w2")
        assert not running.one(job, job.items.get(position=1), deed_named("cancel"), "w1")
        assert results(job) == ["", ""]

    def test_one_that_fails_is_named_and_the_others_go_on(self, cast, scope, monkeypatch):
        made(cast, State.HELD, 3)
        job = start(cast, scope)
        outcome = running.outcome

        def second_fails(its, delivery, deed):
            if delivery.pk == job.items.get(position=2).delivery_id:
                raise ValueError("no content of a note may stand here")
            return outcome(its, delivery, deed)

        monkeypatch.setattr(running, "outcome", second_fails)
        run_jobs("w1", never)
        job.refresh_from_db()
        assert (results(job), job.state) == (["done", "failed", "done"], "done")

    @pytest.mark.parametrize(
        "poison", [IntegrityError("a key twice"), DataError("out of range"), InternalError("refused by a trigger")]
    )
    def test_a_delivery_the_database_refuses_is_named_and_the_others_go_on(self, cast, scope, monkeypatch, poison):
        made(cast, State.HELD, 3)
        job = start(cast, scope)
        outcome = running.outcome

        def first_is_poison(its, delivery, deed):
            if delivery.pk == job.items.get(position=1).delivery_id:
                raise poison
            return outcome(its, delivery, deed)

        monkeypatch.setattr(running, "outcome", first_is_poison)
        run_jobs("w1", never)
        job.refresh_from_db()
        assert (results(job), job.state) == (["failed", "done", "done"], "done")

    def test_what_the_database_itself_refuses_is_named_too(self, cast, scope, monkeypatch):
        made(cast, State.HELD, 2)
        job = start(cast, scope)
        outcome = running.outcome

        def breaks_a_rule(its, delivery, deed):
            if delivery.pk == job.items.get(position=1).delivery_id:
                JobItem.objects.create(job=its, position=2, delivery=delivery)  # that position is taken
            return outcome(its, delivery, deed)

        monkeypatch.setattr(running, "outcome", breaks_a_rule)
        run_jobs("w1", never)
        assert results(job) == ["failed", "done"]

    @pytest.mark.parametrize("away", [OperationalError("gone"), InterfaceError("closed"), ProgrammingError("old code")])
    def test_where_the_database_is_away_or_of_another_version_nothing_is_called_failed(
        self, cast, scope, monkeypatch, away
    ):
        made(cast, State.HELD, 2)
        job = start(cast, scope)

        def gone(*about):
            raise away

        monkeypatch.setattr(running, "outcome", gone)
        with pytest.raises(type(away)):
            run(job.pk, "w1", never)
        job.refresh_from_db()
        assert (results(job), job.state) == (["", ""], "running")

    def test_a_job_whose_deed_this_version_no_longer_has_ends_and_says_so(self, cast, scope, monkeypatch, client):
        monkeypatch.setattr(running, "PORTION", 2)
        made(cast, State.HELD, 5)
        job = start(cast, scope)
        Job.objects.update(verb="bless")
        assert run(job.pk, "w1", never) == 0
        job.refresh_from_db()
        assert (job.state, results(job), job.held_by) == ("done", ["failed"] * 5, "")
        assert job.finished_at is not None
        assert set(Delivery.objects.values_list("state", flat=True)) == {"held"}
        client.force_login(cast.omar)
        shown = client.get(f"/deliveries/jobs/{job.pk}/").content.decode()
        assert "bless: 5 deliveries" in shown
        assert "Failed: 5" in shown

    def test_of_such_a_job_what_was_done_before_stays_done(self, cast, scope):
        made(cast, State.HELD, 3)
        job = start(cast, scope)
        job.items.filter(position=1).update(result="done")
        Job.objects.update(verb="bless")
        run_jobs("w1", never)
        assert results(job) == ["done", "failed", "failed"]

    def test_asking_the_chart_for_many_is_recorded_for_each(self, cast, scope):
        made(cast, State.UNKNOWN, 2)
        start(cast, scope, "verify")
        run_jobs("w1", never)
        assert AuditEvent.objects.filter(event="chart.ask").count() == 2
        assert Delivery.objects.filter(read_at__isnull=False).count() == 2

    def test_more_than_a_portion_and_a_worker_that_is_to_end(self, cast, scope, monkeypatch):
        monkeypatch.setattr(running, "PORTION", 2)
        made(cast, State.HELD, 5)
        job = start(cast, scope)
        answers = iter([False, True])
        run(job.pk, "w1", lambda: next(answers))
        assert results(job) == ["done", "done", "", "", ""]
        run(job.pk, "w2", never)  # the lease was given back
        job.refresh_from_db()
        assert (results(job), job.state) == (["done"] * 5, "done")

    def test_beyond_the_most_the_newest_are_left_and_said(self, cast, scope, monkeypatch):
        monkeypatch.setattr("delivery.bulk.plan.MOST", 2)
        these = made(cast, State.HELD, 3)
        assert plan(scope, HELD, deed_named("cancel")).over == 1
        job = start(cast, scope)
        assert set(job.items.values_list("delivery", flat=True)) == {these[2].pk, these[1].pk}

    def test_the_bell_wakes_the_thread(self):
        from delivery import poll

        poll.to_run.clear()
        run_job(7)
        assert poll.to_run.is_set()


class TestThePages:
    @pytest.fixture
    def omar(self, cast, client):
        client.force_login(cast.omar)
        return client

    def test_from_the_list_by_the_preview_to_the_job(self, cast, omar):
        made(cast, State.HELD, 3, reason_code="no_route")
        shown = omar.get("/deliveries/?state=held").content.decode()
        assert "/deliveries/bulk/cancel/?state=held" in shown
        preview = omar.get("/deliveries/bulk/cancel/?state=held").content.decode()
        assert "3 match, 3 can be done" in preview
        answer = omar.post("/deliveries/bulk/cancel/?state=held", {"reason": REASON}, follow=True)
        assert "0 of 3 looked at" in answer.content.decode()
        run_jobs("w1", never)
        shown = omar.get(answer.redirect_chain[-1][0]).content.decode()
        assert "3 of 3 looked at" in shown
        assert "Done: 3" in shown

    def test_without_a_reason_nothing_begins(self, cast, omar):
        made(cast, State.HELD, 1)
        assert omar.post("/deliveries/bulk/cancel/", {"reason": "no"}).status_code == 200
        assert not Job.objects.exists()

    def test_pausing_going_on_and_cancelling(self, cast, scope, omar):
        made(cast, State.HELD, 3)
        job = start(cast, scope)

        def press(verb: str) -> str:
            omar.post(f"/deliveries/jobs/{job.pk}/{verb}/")
            job.refresh_from_db()
            return job.state

        assert press("pause") == "paused"
        assert run_jobs("w1", never) == 0
        assert press("resume") == "running"
        assert press("cancel") == "cancelled"
        assert run_jobs("w1", never) == 0
        assert press("resume") == "cancelled"
        assert results(job) == ["", "", ""]
        assert [one.detail["word"] for one in AuditEvent.objects.filter(event="job.step").order_by("at", "pk")] == [
            "pause",
            "resume",
            "cancel",
        ]
        assert omar.post(f"/deliveries/jobs/{job.pk}/explode/").status_code == 404

    def test_cancelled_midway_what_was_done_stays_done_and_nothing_more_is(self, cast, scope, omar):
        number, looks = PORTION + 3, []
        rows = made(cast, State.HELD, number)
        job = start(cast, scope)

        def after_a_portion() -> bool:
            looks.append(1)
            if len(looks) == 2:
                omar.post(f"/deliveries/jobs/{job.pk}/cancel/")
            return False

        assert run_jobs("w1", after_a_portion) == PORTION
        assert results(job) == ["done"] * PORTION + [""] * 3
        assert Delivery.objects.filter(pk__in=[one.pk for one in rows], state=State.HELD).count() == 3
        page = omar.get(f"/deliveries/jobs/{job.pk}/").content.decode()
        assert f"{PORTION} of {number} looked at" in page
        assert "Cancelled" in page
        assert "Cancel the rest" not in page

    def test_only_the_locations_where_one_may_act_are_taken(self, cast, omar):
        made(cast, State.HELD, 1)
        made(cast, State.HELD, 2, location=cast.south)
        omar.post("/deliveries/bulk/cancel/?location=all", {"reason": REASON})
        assert JobItem.objects.count() == 1

    def test_a_job_with_deliveries_of_elsewhere_is_not_theirs(self, cast, omar):
        made(cast, State.HELD, 1, location=cast.south)
        job = start(cast, Scope((cast.south,)))
        assert omar.get(f"/deliveries/jobs/{job.pk}/").status_code == 403
        omar.force_login(cast.sam)
        assert omar.get(f"/deliveries/jobs/{job.pk}/").status_code == 404

    def test_who_only_looks_is_offered_none_of_it_but_the_export(self, cast, client):
        made(cast, State.HELD, 1)
        client.force_login(cast.ava)
        page = client.get("/deliveries/").content.decode()
        assert "/deliveries/list/exports/" in page
        assert "/deliveries/bulk/" not in page
        assert client.get("/deliveries/bulk/cancel/").status_code == 403


class TestWhoBeganItAndMayNoLonger:
    """Reliability row S07: a queued deed asks for the right again when it is done."""

    def test_by_a_role_taken_away_changes_nothing_more(self, cast, scope):
        rows = made(cast, State.HELD, 2)
        job = start(cast, scope)
        cast.omar.memberships.all().delete()
        run(job.pk, "me", never)
        assert results(job) == ["left", "left"]
        assert {Delivery.objects.get(pk=row.pk).state for row in rows} == {State.HELD}

    def test_by_an_account_that_was_disabled_changes_nothing_more(self, cast, scope):
        (row,) = made(cast, State.HELD)
        job = start(cast, scope)
        cast.omar.is_active = False
        cast.omar.save()
        run(job.pk, "me", never)
        assert results(job) == ["left"]
        assert Delivery.objects.get(pk=row.pk).state == State.HELD

    def test_who_still_may_sees_it_done(self, cast, scope):
        (row,) = made(cast, State.HELD)
        run(start(cast, scope).pk, "me", never)
        assert Delivery.objects.get(pk=row.pk).state == State.CANCELLED
