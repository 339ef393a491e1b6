"""An export of everything takes two: nobody alone, nobody's own, nobody without the role, and not five times a day."""

from datetime import timedelta

import pytest
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from portal.access import WrongRole
from portal.exports.approving import SamePerson, approve, decline, to_decide
from portal.exports.asking import A_DAY, TooMany, begin, cancel, export_for, fetchable
from portal.exports.running import ASKED_FOR, expire, run_due, take
from portal.exports.tables import ExportJob, ExportPiece
from portal.models import Membership, Role, User

ALL = {"format": "zip", "patient": ""}
ONE = {"format": "zip", "patient": "a" * 32}


def asked_for(cast) -> ExportJob:
    return begin(cast.dana, "ehi", ALL)


def signed_in(client, user):
    other = type(client)()
    other.force_login(user)
    return other


def decide(client, user, job, verb="approve"):
    return signed_in(client, user).post(reverse("portal:export-decide", args=[job.pk, verb]), follow=True)


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def state(job) -> str:
    return ExportJob.objects.get(pk=job.pk).state


def told(event: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=event))


def alone(cast) -> None:
    """Nobody but dana directs or audits the whole practice."""
    Membership.objects.filter(practice=cast.practice, location=None, role__in=(Role.DIRECTOR, Role.AUDITOR)).exclude(
        user=cast.dana
    ).delete()


# --- nobody alone -------------------------------------------------------------------------------------------------------


def test_S27_everything_waits_for_a_second_person_and_no_worker_takes_it(cast):
    job = asked_for(cast)
    assert state(job) == "asked"
    assert run_due() == 0
    assert not take(job.pk, "worker")
    assert not ExportPiece.objects.exists()
    assert not fetchable(job)


def test_S27_one_patient_goes_without(cast):
    assert begin(cast.dana, "ehi", ONE).state == "waiting"


def test_S27_the_log_goes_without(cast):
    assert begin(cast.dana, "audit", {"format": "csv", "query": "", "location": ""}).state == "waiting"


def test_S27_once_approved_it_is_made_for_whoever_asked_and_says_who_agreed(client, cast):
    job = asked_for(cast)
    assert "Approved" in said(decide(client, cast.ava, job))
    assert run_due() == 1
    job.refresh_from_db()
    assert (job.state, job.approved_by, job.created_by) == ("done", cast.ava, cast.dana)
    with pytest.raises(Http404):
        export_for(cast.ava, job.pk)  # the second person gets no file
    (agreed,) = told("export.approve")
    assert (agreed.actor_id, agreed.detail, agreed.object_id) == (
        str(cast.ava.pk),
        {"user_id": cast.dana.pk},
        str(job.pk),
    )
    (made,) = told("ehi.export")
    assert made.detail["approved_by"] == cast.ava.pk


def test_S27_nobody_approves_their_own(client, cast):
    job = asked_for(cast)
    assert "takes a second person" in said(decide(client, cast.dana, job))
    assert state(job) == "asked"
    with pytest.raises(SamePerson):
        to_decide(cast.dana, job.pk)
    assert not approve(job, cast.dana)  # nor past the page
    assert state(job) == "asked"


@pytest.mark.parametrize("who", ["omar", "mel"])
def test_S27_nobody_approves_without_directing_or_auditing_the_whole_practice(client, cast, who):
    job = asked_for(cast)
    assert decide(client, getattr(cast, who), job).status_code == 403
    assert state(job) == "asked"


@pytest.mark.parametrize("role", [Role.DIRECTOR, Role.AUDITOR])
def test_S27_a_role_at_one_location_does_not_do(cast, role):
    somebody = User.objects.create_user("only-north")
    Membership.objects.create(user=somebody, practice=cast.practice, location=cast.north, role=role)
    with pytest.raises(WrongRole):
        to_decide(somebody, asked_for(cast).pk)


def test_S27_another_practice_finds_no_such_export(client, cast):
    job = asked_for(cast)
    assert decide(client, cast.sam, job).status_code == 404
    assert state(job) == "asked"


def test_S27_declined_it_ends_with_the_reason_on_the_page(client, cast):
    job = asked_for(cast)
    assert "Declined" in said(decide(client, cast.ava, job, "decline"))
    assert state(job) == "cancelled"
    page = signed_in(client, cast.dana).get(reverse("portal:export", args=[job.pk])).content.decode()
    assert "The second person declined it." in page
    (end,) = told("export.end")
    assert (end.actor_id, end.detail) == (str(cast.ava.pk), {"word": "declined"})


@pytest.mark.parametrize("verb", ["approve", "decline"])
def test_S27_it_is_decided_once(client, cast, verb):
    job = asked_for(cast)
    decide(client, cast.ava, job)
    assert decide(client, cast.ava, job, verb).status_code == 404
    assert not (approve(job, cast.ava) if verb == "approve" else decline(job))
    assert len(told("export.approve")) == 1


def test_S27_a_verb_that_is_none_decides_nothing(client, cast):
    job = asked_for(cast)
    assert decide(client, cast.ava, job, "burn").status_code == 404
    assert state(job) == "asked"


def test_S27_a_page_that_is_only_looked_at_approves_nothing(client, cast):
    job = asked_for(cast)
    address = reverse("portal:export-decide", args=[job.pk, "approve"])
    assert signed_in(client, cast.ava).get(address).status_code == 405
    assert state(job) == "asked"


def test_S27_whoever_asked_takes_it_back(cast):
    job = asked_for(cast)
    assert cancel(job)
    assert not approve(job, cast.ava)
    assert state(job) == "cancelled"


def test_S27_a_right_lost_between_approval_and_making_is_felt(client, cast):
    job = asked_for(cast)
    decide(client, cast.ava, job)
    Membership.objects.filter(user=cast.dana).delete()
    run_due()
    assert (state(job), ExportJob.objects.get().trouble) == ("failed", "not_allowed")


def test_S27_what_nobody_agrees_to_ends_after_a_week(cast):
    job = asked_for(cast)
    assert expire() == 0
    ExportJob.objects.update(created_at=timezone.now() - ASKED_FOR - timedelta(seconds=1))
    assert expire() == 1
    assert state(job) == "expired"
    assert told("export.end")[0].detail == {"word": "expired"}


# --- a practice of one is not locked in -----------------------------------------------------------------------------------


def test_S27_where_nobody_else_could_agree_it_goes_and_says_so(client, cast):
    alone(cast)
    job = asked_for(cast)
    assert job.state == "waiting"
    run_due()
    assert told("ehi.export")[0].detail["approved_by"] == 0
    page = signed_in(client, cast.dana).get(reverse("portal:export", args=[job.pk])).content.decode()
    assert "Made without a second person" in page


def test_S27_somebody_who_cannot_sign_in_is_no_second_person(cast):
    alone(cast)
    gone = User.objects.create_user("gone", is_active=False)
    Membership.objects.create(user=gone, practice=cast.practice, role=Role.DIRECTOR)
    assert asked_for(cast).state == "waiting"


def test_S27_a_second_director_is_one(cast):
    alone(cast)
    second = User.objects.create_user("second")
    Membership.objects.create(user=second, practice=cast.practice, role=Role.DIRECTOR)
    job = asked_for(cast)
    assert job.state == "asked"
    assert approve(to_decide(second, job.pk), second)


# --- not too often --------------------------------------------------------------------------------------------------------


def test_S27_everything_is_asked_for_five_times_a_day_and_one_patient_goes_on(client, cast):
    for _ in range(A_DAY):
        asked_for(cast)
    with pytest.raises(TooMany):
        asked_for(cast)
    assert begin(cast.dana, "ehi", ONE)
    page = signed_in(client, cast.dana).post("/deliveries/exports/", {"patient": ""})
    assert "Everything was asked for 5 times in 24 hours" in page.content.decode()
    assert ExportJob.objects.filter(everything=True).count() == A_DAY


def test_S27_another_practices_exports_do_not_count(cast):
    for _ in range(A_DAY):
        asked_for(cast)
    assert begin(cast.sam, "ehi", ALL)


def test_S27_tomorrow_is_another_day(cast):
    for _ in range(A_DAY):
        asked_for(cast)
    ExportJob.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert asked_for(cast)


# --- what they see --------------------------------------------------------------------------------------------------------


def home(client, user) -> str:
    return signed_in(client, user).get(reverse("portal:home")).content.decode()


def test_S27_the_second_person_is_told_over_every_page_until_it_is_decided(client, cast):
    job = asked_for(cast)
    assert "asks to export every note of the practice" in home(client, cast.ava)
    decide(client, cast.ava, job)
    assert "asks to export" not in home(client, cast.ava)


def test_S27_nobody_else_is_told_of_it(client, cast):
    asked_for(cast)
    told = {who: "asks to export" in home(client, getattr(cast, who)) for who in ("dana", "omar", "mel", "sam")}
    assert told == dict.fromkeys(told, False)


def test_S27_whoever_asked_reads_what_it_waits_for(client, cast):
    job = asked_for(cast)
    page = signed_in(client, cast.dana).get(reverse("portal:export", args=[job.pk])).content.decode()
    assert "Needs a second person" in page
    assert "It takes two to export everything" in page
