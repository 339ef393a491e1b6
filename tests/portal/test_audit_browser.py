"""The audit pages in a real browser: nothing scrolls sideways, nothing is unreadable to assistive technology."""

import pytest
from django.db import transaction

from audit.context import Actor, acting
from audit.models import AuditEvent
from audit.record import record
from portal.exports.running import run_due
from tests.browsing import assert_looks_right

pytestmark = pytest.mark.browser


@pytest.fixture
def log(live_portal, cast):
    cast.dana.first_name, cast.dana.last_name = "Dana", "Rivera"
    cast.dana.save()
    with acting(Actor("user", str(cast.dana.pk), "dana", "session", "ab" * 8, "192.0.2.7"), "trace-1"):
        cast.north.name = "North Shore Clinic"
        cast.north.save()
        publish()


@transaction.atomic
def publish():
    record(
        "mapping.publish",
        practice="lakeside",
        location="NORTH",
        object_type="mapping",
        object_id="12",
        reason="New exam field",
        subject_bidx="0123456789abcdef" * 2,
        detail={"template": "FM-PROGRESS", "version": 3, "warnings": 1},
    )
    record("authz.denied", outcome="denied", practice="lakeside", detail={"route": "x", "role": "auditor"})


def test_an_auditor_finds_an_event_and_opens_it(page, sign_in, cast, log):
    sign_in(cast.ava)
    page.goto("/audit/")
    assert_looks_right(page)

    page.get_by_label("What was done").select_option("mapping.")
    page.wait_for_url("**event=mapping.**")
    page.get_by_role("link", name="Dana Rivera published a mapping").click()
    page.get_by_role("heading", name="Dana Rivera published a mapping").wait_for()
    assert_looks_right(page)
    page.get_by_role("link", name="mapping 12").click()
    page.get_by_role("link", name="Remove: mapping 12").wait_for()
    assert page.get_by_role("row").count() == 3  # the heading, the day, the event


def test_a_configuration_change_is_shown_field_by_field(page, sign_in, cast, log):
    sign_in(cast.ava)
    event = AuditEvent.objects.filter(event="config.change", location="NORTH").order_by("id").last()
    page.goto(f"/audit/{event.pk}/")
    page.get_by_role("cell", name="North Shore Clinic").wait_for()
    assert_looks_right(page)


def test_the_file_is_downloaded(page, sign_in, cast, log):
    sign_in(cast.ava)
    page.goto("/audit/?event=mapping.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert "FM-PROGRESS" in download.value.path().read_text()


def test_an_export_is_asked_for_followed_and_fetched(page, sign_in, cast, log):
    sign_in(cast.ava)
    page.goto("/audit/?event=mapping.")
    page.get_by_role("link", name="Export as…").click()
    assert_looks_right(page)
    page.get_by_label("FHIR R4 AuditEvent").check()
    page.get_by_role("button", name="Export").click()
    page.get_by_text("Waiting").wait_for()
    assert_looks_right(page)
    run_due()
    page.get_by_role("link", name="Download").wait_for()  # by itself
    assert_looks_right(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert '"resourceType":"AuditEvent"' in download.value.path().read_text()
    page.get_by_role("link", name="Exports", exact=True).click()
    page.get_by_role("cell", name="Ready").wait_for()
    assert_looks_right(page)


def test_a_director_sets_and_lifts_a_hold(page, sign_in, cast, log):
    sign_in(cast.dana)
    page.goto("/audit/retention/")
    assert_looks_right(page)
    page.locator("[name=hold-kind]").select_option("location")
    page.locator("[name=hold-location]").select_option("NORTH")
    page.locator("[name=hold-reason]").fill("Court order 12")
    page.get_by_role("button", name="Set the hold").click()
    page.get_by_text("Court order 12").wait_for()
    assert_looks_right(page)
    page.get_by_role("textbox", name="Why hold").fill("Settled")
    page.get_by_role("button", name="Lift").click()
    page.get_by_text("The hold is lifted.").wait_for()
    page.get_by_role("button", name="Set", exact=True).press("Enter")  # the rule again, by keyboard
    page.get_by_text("kept 10 years").wait_for()


def test_an_export_of_everything_goes_by_two_people(page, sign_in, cast, log):
    sign_in(cast.dana)
    page.goto("/deliveries/exports/")
    page.get_by_role("button", name="Export").click()
    page.get_by_text("It takes two to export everything").wait_for()
    assert_looks_right(page)
    sign_in(cast.ava)
    page.goto("/audit/exports/?since=2026-01-01")
    page.get_by_text("asks to export every note of the practice").wait_for()
    assert page.get_by_text("none of this time is missing").is_visible()
    assert_looks_right(page)
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("Approved: the file is made for whoever asked.").wait_for()
    assert page.get_by_role("button", name="Approve").count() == 0
    assert_looks_right(page)
    page.goto("about:blank")  # the page asks how far the file is, also while the tables are emptied
