"""Asking for an export, following it, ending it, fetching it: the rules of every kind, shown by a small kind of ours."""

import hashlib
from datetime import timedelta
from typing import IO, Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import Http404
from django.utils import timezone

from audit.models import AuditEvent
from portal import crypto
from portal.access import WrongRole
from portal.exports import running
from portal.exports.asking import CannotExport, begin, cancel, export_for, fetch, fetchable, maker, own
from portal.exports.running import expire, run_due, take
from portal.exports.tables import ExportJob, ExportPiece, ExportState, seal_piece
from portal.models import Membership, Role, User

DEEDS = {
    "cannot": CannotExport("not_covered"),
    "gone": Http404("gone"),
    "refused": PermissionDenied("no"),
    "wrong role": WrongRole(frozenset({Role.DIRECTOR})),
    "breaks": RuntimeError("with Lena Okafor in it"),
    "database": DatabaseError("away"),
}


class Small:
    """A kind of export whose file is what was asked for, and which goes wrong where it is asked to."""

    def name(self, job: ExportJob) -> str:
        return "small.txt"

    def says(self, job: ExportJob) -> str:
        return "a small one"

    def may(self, user: User, asked: dict[str, Any]) -> None:
        if asked.get("refuse"):
            raise WrongRole(frozenset({Role.DIRECTOR}))

    def everything(self, asked: dict[str, Any]) -> bool:
        return bool(asked.get("everything"))

    def event(self, job: ExportJob) -> tuple[str, dict[str, Any]]:
        return "audit.export", {"location": "NORTH"}

    def write(self, job: ExportJob, out: IO[bytes], tell: Any) -> dict[str, Any]:
        out.write(job.asked.get("content", "").encode())
        if job.asked.get("deed") == "cancelled":
            cancel(job)
        elif job.asked.get("deed") == "taken":
            ExportJob.objects.filter(pk=job.pk).update(held_by="another")
        elif "deed" in job.asked:
            raise DEEDS[job.asked["deed"]]
        tell(1, 1)
        return {"rows": 1, "format": "small"}


@pytest.fixture(autouse=True)
def small(settings):
    settings.EXPORTS = {**settings.EXPORTS, "small": f"{__name__}.Small"}
    yield
    maker.cache_clear()


def asked_for(user: User, **asked) -> ExportJob:
    return begin(user, "small", {"format": "small", **asked})


def made(user: User, **asked) -> ExportJob:
    job = asked_for(user, **asked)
    assert run_due() == 1
    job.refresh_from_db()
    return job


def told(job: ExportJob, event: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=event, object_id=str(job.pk)).order_by("at"))


def in_state(cast, state: str, **columns) -> ExportJob:
    job = ExportJob.objects.create(
        practice=cast.practice,
        created_by=cast.dana,
        kind="small",
        asked={"format": "small"},
        state=state,
        created_at=timezone.now(),
        **columns,
    )
    ExportPiece.objects.create(job=job, number=0, sealed_body=seal_piece(job.pk, 0, b"x"))
    return job


# --- asking -----------------------------------------------------------------------------------------------------------


def test_it_is_recorded_with_its_kind_and_under_its_own_trace(cast):
    job = asked_for(cast.dana, content="secret words")
    (event,) = told(job, "export.begin")
    assert event.detail == {"kind": "small", "format": "small"}
    assert (event.practice, event.object_type, event.correlation_id) == ("lakeside", "export", f"export-{job.pk}")
    assert (job.state, job.tries, job.size, job.practice) == ("waiting", 0, 0, cast.practice)


def test_what_one_may_not_have_is_neither_kept_nor_recorded_as_asked_for(cast):
    with pytest.raises(WrongRole):
        asked_for(cast.dana, refuse=True)
    assert not ExportJob.objects.exists()
    assert not AuditEvent.objects.filter(event="export.begin").exists()


def test_a_kind_nobody_makes_is_refused_before_anything_is_kept(cast):
    with pytest.raises(KeyError):
        begin(cast.dana, "everything", {})
    assert not ExportJob.objects.exists()


def test_somebody_of_no_practice_or_of_two_asks_for_nothing(cast):
    nobody = User.objects.create_user("nobody")
    with pytest.raises(Http404):
        asked_for(nobody)
    Membership.objects.create(user=cast.sam, practice=cast.practice, role=Role.DIRECTOR)
    with pytest.raises(Http404):
        asked_for(cast.sam)
    assert not ExportJob.objects.exists()


def test_ones_own_are_listed_by_kind_the_newest_first(cast):
    first, second = asked_for(cast.dana), asked_for(cast.dana)
    begin(cast.dana, "audit", {"format": "csv", "query": "", "location": ""})
    asked_for(cast.ava)
    assert list(own(cast.dana, "small")) == [second, first]
    assert list(own(cast.sam, "small")) == []


def test_ones_export_stays_behind_in_the_practice_that_one_has_left(cast):
    job = made(cast.dana, content="x")
    Membership.objects.filter(user=cast.dana).update(practice=cast.elsewhere.practice)
    with pytest.raises(Http404):
        export_for(cast.dana, job.pk)
    assert list(own(cast.dana, "small")) == []


@pytest.mark.parametrize("who", ["ava", "omar", "sam"])
def test_nobody_elses_export_is_found_by_its_number(cast, who):
    job = asked_for(cast.dana)
    with pytest.raises(Http404):
        export_for(getattr(cast, who), job.pk)
    with pytest.raises(Http404):
        export_for(cast.dana, job.pk + 1)
    assert export_for(cast.dana, job.pk) == job


def test_what_one_may_not_have_any_more_is_not_handed_out(cast):
    job = made(cast.dana, content="x")
    ExportJob.objects.update(asked={"format": "small", "refuse": True})
    with pytest.raises(WrongRole):
        export_for(cast.dana, job.pk)


# --- ending it --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state, ends", [("waiting", 1), ("running", 1), ("done", 1), ("failed", 0), ("expired", 0)])
def test_what_has_not_ended_can_be_cancelled_once(cast, state, ends):
    job = in_state(cast, state)
    assert cancel(job) is bool(ends)
    assert cancel(job) is False
    job.refresh_from_db()
    assert job.state == ("cancelled" if ends else state)
    assert job.pieces.count() == 1 - ends
    assert [event.detail for event in told(job, "export.end")] == [{"word": "cancelled"}] * ends
    assert (job.finished_at is not None) is bool(ends)


def test_cancelling_one_leaves_anothers_file(cast):
    one, two = in_state(cast, "done"), in_state(cast, "done")
    cancel(one)
    assert (one.pieces.count(), two.pieces.count()) == (0, 1)


@pytest.mark.parametrize("state", ["failed", "cancelled", "expired", "done"])
def test_what_has_ended_is_never_made_again(cast, state):
    job = in_state(cast, state)
    assert take(job.pk, "me") is False
    assert run_due() == 0
    job.refresh_from_db()
    assert (job.state, job.tries) == (state, 0)


# --- fetching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state.value for state in ExportState])
@pytest.mark.parametrize("seconds, in_time", [(60, True), (-1, False), (None, False)])
def test_only_a_done_one_within_its_day_is_handed_out(cast, state, seconds, in_time):
    until = None if seconds is None else timezone.now() + timedelta(seconds=seconds)
    job = in_state(cast, state, expires_at=until)
    assert fetchable(job) is (state == "done" and in_time)
    if not fetchable(job):
        with pytest.raises(Http404):
            fetch(job)
        assert told(job, "export.fetch") == []


def test_that_it_was_fetched_stands_in_the_log_before_the_first_byte_each_time(cast):
    job = made(cast.dana, content="abc")
    fetch(job)
    assert len(told(job, "export.fetch")) == 1, "recorded although nobody read the file"
    assert b"".join(fetch(job)) == b"abc"
    assert [event.detail for event in told(job, "export.fetch")] == [{"size": 3, "sha256": job.sha256}] * 2


def test_pieces_come_in_their_order_and_not_in_that_of_their_rows(cast):
    job = in_state(cast, "done", expires_at=timezone.now() + timedelta(hours=1))
    for number in (5, 3, 4, 1, 2, 6):
        ExportPiece.objects.create(job=job, number=number, sealed_body=seal_piece(job.pk, number, b"%d" % number))
    assert b"".join(fetch(job)) == b"x123456"


def test_a_damaged_piece_is_handed_out_as_nothing(cast):
    job = made(cast.dana, content="abc")
    ExportPiece.objects.update(sealed_body=b"1garbage")
    with pytest.raises(crypto.CannotOpen):
        list(fetch(job))


def test_a_piece_of_another_export_does_not_open_in_this_one(cast):
    one, two = made(cast.dana, content="abc"), made(cast.dana, content="def")
    ExportPiece.objects.filter(job=one).delete()
    ExportPiece.objects.filter(job=two).update(job=one)
    with pytest.raises(crypto.CannotOpen):
        list(fetch(one))


# --- making it --------------------------------------------------------------------------------------------------------


def test_the_oldest_is_made_first_and_one_a_round(cast):
    first, second = asked_for(cast.dana, content="1"), asked_for(cast.ava, content="2")
    assert run_due() == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("done", "waiting")
    assert (run_due(), run_due()) == (1, 0)


def test_an_empty_file_is_a_file(cast):
    job = made(cast.dana)
    assert (job.state, job.size, job.sha256) == ("done", 0, hashlib.sha256().hexdigest())
    assert not job.pieces.exists()
    assert b"".join(fetch(job)) == b""


@pytest.mark.parametrize("size, pieces", [(1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_a_file_is_cut_into_pieces_at_its_measure(cast, monkeypatch, size, pieces):
    monkeypatch.setattr(running, "PIECE", 10)
    job = made(cast.dana, content="x" * size)
    assert (job.size, job.pieces.count()) == (size, pieces)
    assert sorted(job.pieces.values_list("number", flat=True)) == list(range(pieces))
    assert b"".join(fetch(job)) == b"x" * size


def test_a_finished_one_is_held_by_nobody_and_recorded_as_the_askers(cast):
    job = made(cast.ava, content="abc")
    assert (job.held_by, job.held_until, job.tries, job.done, job.total) == ("", None, 1, 1, 1)
    event = AuditEvent.objects.get(event="audit.export")
    assert (event.actor_type, event.actor_id, event.actor_name) == ("user", str(cast.ava.pk), "ava")
    assert (event.practice, event.location, event.correlation_id) == ("lakeside", "NORTH", f"export-{job.pk}")
    assert event.detail == {"rows": 1, "format": "small", "sha256": hashlib.sha256(b"abc").hexdigest()}


@pytest.mark.parametrize(
    "deed, code",
    [
        ("cannot", "not_covered"),
        ("gone", "not_allowed"),
        ("refused", "not_allowed"),
        ("wrong role", "not_allowed"),
        ("breaks", "error"),
    ],
)
def test_one_that_cannot_be_made_fails_with_its_code_and_leaves_nothing(cast, monkeypatch, deed, code):
    monkeypatch.setattr(running, "PIECE", 2)
    job = made(cast.dana, content="abcde", deed=deed)
    assert (job.state, job.trouble, job.held_until) == ("failed", code, None)
    assert not ExportPiece.objects.exists()
    (event,) = told(job, "export.end")
    assert event.detail == {"word": "failed", "reason_code": code}
    assert (event.actor_type, event.actor_id) == ("worker", "exports")
    assert not AuditEvent.objects.filter(event="audit.export").exists()
    assert run_due() == 0, "it is not tried again"


def test_what_went_wrong_is_logged_by_its_kind(cast, caplog):
    made(cast.dana, deed="breaks")
    (line,) = [row for row in caplog.records if row.name == "portal.exports.running"]
    assert "RuntimeError" in line.getMessage()
    assert "Okafor" not in line.getMessage()


def test_with_the_database_away_it_is_left_to_the_next_worker(cast):
    job = asked_for(cast.dana, deed="database")
    with pytest.raises(DatabaseError):
        run_due()
    job.refresh_from_db()
    assert (job.state, job.trouble, job.tries) == ("running", "", 1)
    assert told(job, "export.end") == []
    ExportJob.objects.update(asked={"format": "small", "content": "abc"}, held_until=timezone.now() - timedelta(days=1))
    assert run_due() == 1
    job.refresh_from_db()
    assert (job.state, job.tries, job.size) == ("done", 2, 3)


@pytest.mark.parametrize("content", ["", "abcdef"])
def test_one_that_is_cancelled_while_it_is_made_is_not_finished(cast, content):
    job = made(cast.dana, content=content, deed="cancelled")
    assert job.state == "cancelled"
    assert [event.detail for event in told(job, "export.end")] == [{"word": "cancelled"}]
    assert not ExportPiece.objects.exists()
    assert not AuditEvent.objects.filter(event="audit.export").exists()


def test_whoever_lost_it_to_another_worker_ends_nothing(cast):
    job = made(cast.dana, content="abc", deed="taken")
    assert (job.state, job.held_by, job.trouble) == ("running", "another", "")
    assert told(job, "export.end") == []


def test_a_worker_takes_what_is_free_and_counts_its_try(cast):
    job = asked_for(cast.dana)
    ExportJob.objects.update(done=7)
    assert take(job.pk, "one")
    job.refresh_from_db()
    assert (job.state, job.held_by, job.tries, job.done) == ("running", "one", 1, 0)
    assert timedelta(seconds=100) < job.held_until - timezone.now() < timedelta(seconds=140)
    assert not take(job.pk, "two")
    assert not take(job.pk + 1, "one")


@pytest.mark.parametrize("tries, taken", [(0, True), (1, True), (2, True), (3, False), (4, False)])
def test_three_tries_and_no_more(cast, tries, taken):
    job = asked_for(cast.dana)
    ExportJob.objects.update(state="running", tries=tries)
    assert take(job.pk, "me") is taken
    job.refresh_from_db()
    assert job.trouble == ("" if taken else "tries")


def test_an_export_given_up_does_not_keep_the_next_from_being_made(cast):
    lost, next_one = asked_for(cast.dana), asked_for(cast.dana, content="x")
    ExportJob.objects.filter(pk=lost.pk).update(tries=3)
    assert run_due() == 1
    next_one.refresh_from_db()
    assert next_one.state == "done"


def test_somebody_who_was_disabled_meanwhile_gets_nothing(cast):
    job = asked_for(cast.dana, content="abc")
    User.objects.filter(pk=cast.dana.pk).update(is_active=False)
    run_due()
    job.refresh_from_db()
    assert (job.state, job.trouble) == ("failed", "not_allowed")


# --- its day ----------------------------------------------------------------------------------------------------------


def test_only_what_is_done_and_has_stood_its_day_is_deleted(cast):
    now = timezone.now()
    over, young = (
        in_state(cast, "done", expires_at=now - timedelta(seconds=1)),
        in_state(cast, "done", expires_at=now + timedelta(hours=1)),
    )
    others = [in_state(cast, state, expires_at=now - timedelta(days=1)) for state in ("running", "failed", "cancelled")]
    assert expire() == 1
    assert {job.pk for job in (young, *others)} == set(ExportPiece.objects.values_list("job_id", flat=True))
    (event,) = told(over, "export.end")
    assert (event.detail, event.actor_type, event.actor_id) == ({"word": "expired"}, "worker", "exports")
    assert AuditEvent.objects.filter(event="export.end").count() == 1


def test_a_round_deletes_what_is_over_although_nothing_is_to_be_made(cast):
    in_state(cast, "done", expires_at=timezone.now() - timedelta(seconds=1))
    assert run_due() == 0
    assert ExportJob.objects.get().state == "expired"


def test_an_export_names_itself_by_kind_and_number(cast):
    job = in_state(cast, "done")
    assert str(job) == f"small {job.pk}"
    assert str(job.pieces.get()) == f"{job.pk}:0"
