"""The delivery pages in a real Chromium: live within two seconds, at every width, light and dark, usable by keyboard."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from delivery.models import Delivery
from delivery.states import State
from mapping.publishing import start_draft
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.rows import SECTIONS, make_delivery

pytestmark = pytest.mark.browser
# Axe judges colours by the scheme and layout by the width: a pair of each says what all four would.
LOOKS = [("light", 1440, 900), ("dark", 390, 844)]
SOON = 6_000  # ms: two seconds for the page, the rest for a machine that runs five tests at once
OUTCOMES = ["verified", "altered", "missing"]
REASONS = {
    State.HELD: "unmapped_section",
    State.READY: "connection_refused",
    State.MISFILED: "sections_differ",
    State.REJECTED: "ae",
    State.UNKNOWN: "no_answer",
    State.PARKED: "blind_receiver",
    State.SUPERSEDED: "superseded",
    State.CANCELLED: "cancelled_by_person",
}


@pytest.fixture
def north(cast, transactional_db):
    """One delivery of every state, over two days."""
    made = {}
    for number, state in enumerate(State):
        made[state] = make_delivery(
            cast,
            state,
            reason_code=REASONS.get(state, ""),
            outcomes=OUTCOMES if state is State.MISFILED else (),
            in_chart=[SECTIONS[0][2], "Dry cough, worse at dawn.\nNo fever.", ""] if state is State.MISFILED else None,
            tries=["unavailable", "unavailable", "accepted"] if state is State.VERIFIED else None,
            provider=("DR7", "Ann Lee") if number % 2 else ("DR9", "Bartholomew Featherstonehaugh"),
            received_at=timezone.now() - timedelta(hours=3 * number, minutes=7),
        )
    return made


@pytest.fixture
def signed_in(cast, sign_in, page):
    sign_in(cast.dana)
    return page


def test_the_enter_key_decides_nothing_and_a_button_does(north, signed_in):
    page = signed_in
    one = north[State.PARKED]
    page.goto(f"/deliveries/{one.pk}/")
    page.get_by_label("Reason").fill("looked into the chart of the visit")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    one.refresh_from_db()
    assert one.state == State.PARKED
    page.get_by_role("button", name="It is in the chart").click()
    expect(page.get_by_role("status")).to_contain_text("Noted as accepted")
    one.refresh_from_db()
    assert one.state == State.ACCEPTED


def test_the_preview_follows_the_mapping_form(cast, north, page, sign_in):
    template = cast.north_mapping.template
    start_draft(template, cast.mel)
    sign_in(cast.mel)
    page.goto(f"/mapping/templates/{template.pk}/mapping/")
    message = page.locator("#preview pre.wire")
    expect(message).to_contain_text("NF-06")
    page.get_by_label("Shown with").select_option(index=1)
    expect(message).to_contain_text("Okafor^Lena")
    photograph(page, "preview")
    assert_accessible(page)
    page.get_by_label("Shown with").select_option(index=0)
    expect(message).to_contain_text("SYNTHETIC")


@pytest.mark.parametrize("scheme, width, height", LOOKS)
def test_the_pages_fit_and_axe_finds_nothing(north, signed_in, scheme, width, height):
    page = signed_in
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    where = f"{scheme}-{width}"
    page.goto("/deliveries/")
    expect(page.locator("tbody td[data-label=Status]")).to_have_count(len(State))
    photograph(page, f"list-{where}")
    assert_accessible(page)
    assert_fits(page)
    for tab in ("timeline", "sections", "attempts"):
        page.goto(f"/deliveries/{north[State.MISFILED].pk}/?tab={tab}")
        photograph(page, f"detail-{tab}-{where}")
        assert_accessible(page)
        assert_fits(page)
    page.goto(f"/deliveries/{north[State.MISFILED].pk}/?tab=sections")
    page.get_by_role("button", name="Show the texts").click()
    expect(page.locator(".diff ins")).to_have_text("dawn")
    photograph(page, f"detail-texts-{where}")
    assert_accessible(page)
    assert_fits(page)
    page.goto("/")
    expect(page.get_by_role("link", name="Needs attention")).to_have_count(2)
    photograph(page, f"home-{where}")
    assert_accessible(page)
    assert_fits(page)
    page.goto(f"/deliveries/{north[State.PARKED].pk}/")
    photograph(page, f"parked-{where}")
    assert_accessible(page)
    assert_fits(page)
    page.goto("/deliveries/?found=none")
    photograph(page, f"none-{where}")
    assert_accessible(page)


def test_a_changed_state_appears_within_two_seconds_and_a_little(north, signed_in):
    page = signed_in
    page.goto("/deliveries/")
    one = north[State.READY]
    row = page.locator(f"#d{one.pk}")
    expect(row).to_contain_text("Waiting to be sent")
    Delivery.objects.filter(pk=one.pk).update(state=State.HELD, updated_at=timezone.now())
    expect(row).to_contain_text("Held", timeout=SOON)


def test_a_new_delivery_appears_by_itself_and_no_page_is_swapped_meanwhile(cast, north, signed_in):
    page = signed_in
    second = timezone.now().second
    time.sleep(61 - second if second > 45 else 0)  # ages are said in minutes: with the next minute there is news
    page.goto("/deliveries/")
    page.evaluate("document.getElementById('live').marked = true")
    page.wait_for_timeout(4500)
    assert page.evaluate("document.getElementById('live').marked") is True  # 304s swap nothing
    new = make_delivery(cast, State.HELD, reason_code="no_route")
    expect(page.locator(f"#d{new.pk}")).to_be_visible(timeout=SOON)


def test_a_hidden_tab_asks_nothing(north, signed_in):
    page = signed_in
    page.goto("/deliveries/")
    page.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    page.wait_for_timeout(500)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3000)
    assert asked == []
    page.evaluate("Object.defineProperty(document, 'hidden', {configurable: true, get: () => false})")
    with page.expect_request("**/deliveries/rows/**", timeout=2500):
        pass


def test_when_the_server_cannot_be_reached_the_page_says_since_when(north, signed_in, troubles):
    troubles.expect("ERR_FAILED", "rows", "htmx:")
    page = signed_in
    page.goto("/deliveries/")
    page.route("**/deliveries/rows/**", lambda route: route.abort())
    expect(page.locator("[data-live-status]")).to_contain_text("Not updated since", timeout=30_000)
    photograph(page, "stale")
    page.unroute("**/deliveries/rows/**")
    expect(page.locator("[data-live-text]")).to_have_text("Live", timeout=30_000)


def test_a_patient_is_shown_only_after_a_reason_without_leaving_the_page(north, signed_in):
    page = signed_in
    page.goto(f"/deliveries/{north[State.VERIFIED].pk}/")
    assert "Okafor" not in page.content()
    page.get_by_label("Why do you need to see the patient?").fill("a call of the front desk")
    page.get_by_role("button", name="Show the patient").click()
    expect(page.locator("#patient")).to_contain_text("Okafor, Lena")
    assert "Okafor" not in page.title()
    assert "Okafor" not in page.url


def test_one_can_search_filter_and_step_by_keyboard(north, signed_in):
    page = signed_in
    page.goto("/deliveries/")
    page.get_by_role("searchbox").fill("P1001")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Remove: One patient")).to_be_visible()
    assert "P1001" not in page.url
    page.wait_for_load_state()  # the scripts are deferred
    page.get_by_role("combobox", name="Provider", exact=True).select_option(label="Ann Lee")
    expect(page.get_by_role("link", name="Remove: Ann Lee")).to_be_visible()
    expect(page.get_by_role("link", name="Remove: One patient")).to_be_visible()
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator("tbody td[data-label=Status]")).to_have_count(len(State))
