"""The certification page: who reads and who begins, what lives while a run is under way, reports and artefacts."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery.certification.evidence import keep
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.running import DEAD_AFTER
from delivery.certification.subject import subject_of
from delivery.models import Delivery
from portal import locations

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(code: str = "NORTH") -> str:
    return reverse("delivery:certification", args=[code])


def a_run(cast, state: str = "running", **columns) -> CertificationRun:
    """A run with one result of two planned tests."""
    over = state not in ("waiting", "running")
    run = CertificationRun.objects.create(
        location=cast.north,
        state=state,
        by="dana",
        planned=["connections", "load"],
        subject=subject_of(cast.north),
        started_at=timezone.now(),
        beat_at=timezone.now(),
        finished_at=timezone.now() if over else None,
        **columns,
    )
    kept = keep(run, "connections.json", b'{"steps": []}')
    CertificationResult.objects.create(
        run=run,
        position=1,
        name="connections",
        title="Every connection",
        passed=True,
        says="Fine.",
        seconds=0.1,
        artefact=kept,
    )
    return run


def test_a_director_begins_a_run_and_it_waits_for_a_worker(cast):
    client = client_of(cast.dana)
    answer = client.post(reverse("delivery:certify", args=["NORTH"]), {"notes": 30, "seconds": 12}, follow=True)
    run = CertificationRun.objects.get()
    assert (run.state, run.by, run.settings["load_notes"]) == ("waiting", "dana", 30)
    assert "functional.FM-PROGRESS.in_person" in run.planned
    said = answer.content.decode()
    assert "Waiting for a worker" in said
    assert "data-live" in said
    assert "Begin a run" not in said, "one at a time"
    assert AuditEvent.objects.get(event="certification.begin").detail == {"run": run.pk, "tests": len(run.planned)}


@pytest.mark.parametrize(
    "given", [{"notes": 0, "seconds": 10}, {"notes": 5000, "seconds": 10}, {"notes": "x", "seconds": 1}, {}]
)
def test_a_plan_that_cannot_be_is_shown_again_with_what_is_wrong(cast, given):
    answer = client_of(cast.dana).post(reverse("delivery:certify", args=["NORTH"]), given)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert not CertificationRun.objects.exists()


def test_a_second_run_is_refused_while_one_is_under_way_and_one_whose_runner_died_is_given_up(cast):
    run = a_run(cast)
    client = client_of(cast.dana)
    begin = reverse("delivery:certify", args=["NORTH"])
    assert "A run is under way" in client.post(begin, {"notes": 3, "seconds": 9}, follow=True).content.decode()
    CertificationRun.objects.filter(pk=run.pk).update(beat_at=timezone.now() - DEAD_AFTER * 2)
    client.post(begin, {"notes": 3, "seconds": 9})
    run.refresh_from_db()
    assert run.state == "broken"
    assert CertificationRun.objects.filter(state="waiting").count() == 1


def test_a_locked_location_and_one_in_production_cannot_be_certified(cast):
    client = client_of(cast.dana)
    locations.lock(cast.north, "eCW update")
    answer = client.post(reverse("delivery:certify", args=["NORTH"]), {"notes": 3, "seconds": 9}, follow=True)
    assert "This location is locked" in answer.content.decode()
    locations.create(cast.practice, "LIVE", "Live", "production", "America/New_York")
    answer = client.post(reverse("delivery:certify", args=["LIVE"]), {"notes": 3, "seconds": 9}, follow=True)
    assert "A production location is never written to by a test" in answer.content.decode()
    assert not CertificationRun.objects.exists()


def test_the_page_of_a_production_location_says_where_to_run(cast):
    locations.create(cast.practice, "LIVE", "Live", "production", "America/New_York")
    said = client_of(cast.dana).get(page("LIVE")).content.decode()
    assert "Production sending stays locked until a run has passed" in said
    assert "Begin a run" not in said


def test_progress_is_what_the_page_polls_and_names_the_test_at_work(cast):
    a_run(cast, at_work="load")
    said = client_of(cast.dana).get(page(), headers={"HX-Request": "true"}).content.decode()
    assert "<h1" not in said
    assert "1 of 2 tests made" in said
    assert "At work" in said
    assert "data-live" in said


def test_a_run_that_is_over_is_not_polled_any_more(cast):
    a_run(cast, "failed")
    said = client_of(cast.dana).get(page()).content.decode()
    assert "data-live" not in said.partition('id="run"')[2]
    assert "Not made" in said


def test_before_any_run_the_page_says_so(cast):
    assert "No run yet" in client_of(cast.dana).get(page()).content.decode()


@pytest.mark.parametrize("kind", ["html", "pdf", "json", "sig"])
def test_the_report_comes_in_each_form(cast, kind):
    run = a_run(cast, "failed")
    answer = client_of(cast.dana).get(reverse("delivery:certification-report", args=[run.pk, kind]))
    assert answer.status_code == 200
    assert answer.has_header("Content-Disposition") is (kind != "html")


def test_there_is_no_report_of_a_run_under_way_nor_in_a_form_nobody_knows(cast):
    run = a_run(cast)
    client = client_of(cast.dana)
    assert client.get(reverse("delivery:certification-report", args=[run.pk, "pdf"])).status_code == 404
    CertificationRun.objects.filter(pk=run.pk).update(state="failed")
    assert client.get(reverse("delivery:certification-report", args=[run.pk, "docx"])).status_code == 404


def test_an_artefact_opens_and_the_view_is_recorded(cast):
    run = a_run(cast, "failed")
    address = reverse("delivery:certification-artefact", args=[run.pk, "connections.json"])
    answer = client_of(cast.ava).get(address)
    assert answer.content == b'{"steps": []}'
    assert AuditEvent.objects.get(event="certification.view").detail == {"run": run.pk, "name": "connections.json"}
    assert client_of(cast.ava).get(address.replace("connections", "others")).status_code == 404


def test_the_links_of_the_report_lead_to_its_artefacts(cast):
    run = a_run(cast, "failed")
    here = reverse("delivery:certification-report", args=[run.pk, "html"])
    assert 'href="../artefacts/connections.json/"' in client_of(cast.dana).get(here).content.decode()


def test_strangers_find_nothing_and_roles_that_only_map_are_refused(cast):
    run = a_run(cast, "failed")
    addresses = [
        reverse("delivery:certification-report", args=[run.pk, "json"]),
        reverse("delivery:certification-artefact", args=[run.pk, "connections.json"]),
    ]
    for address in addresses:
        assert client_of(cast.sam).get(address).status_code == 404
        assert client_of(cast.mel).get(address).status_code == 403
        assert client_of(cast.omar).get(address).status_code == 200
    assert client_of(cast.omar).post(reverse("delivery:certify", args=["NORTH"])).status_code == 403
    assert not Delivery.objects.exists()


def test_an_altered_run_is_said_not_to_match_its_signature(cast):
    run = a_run(cast, "failed")
    from delivery.certification import report

    run.report_sha256, run.signature = report.signed(run)
    run.save()
    assert "Signed" in client_of(cast.dana).get(page()).content.decode()
    CertificationRun.objects.filter(pk=run.pk).update(state="passed")
    assert "Does not match its signature" in client_of(cast.dana).get(page()).content.decode()
