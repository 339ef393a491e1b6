"""The monitor in a real Chromium: at both widths, light and dark, live, by keyboard, and by dragging in the chart."""

import re

import pytest
from playwright.sync_api import expect

from delivery.bulk.plan import Wanted, begin, deed_named
from delivery.bulk.running import run_jobs
from delivery.filters import Filters
from delivery.models import Delivery, Issue
from delivery.queries import Scope
from delivery.states import State
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.monitor.trouble import a_busy_day
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.browser
# Axe judges colours by the scheme and layout by the width: a pair of each says what all four would.
LOOKS = [("light", 1440, 900), ("dark", 390, 844)]


@pytest.fixture
def day(cast, transactional_db):
    return a_busy_day(cast)


@pytest.fixture
def monitor(cast, day, sign_in, page):
    sign_in(cast.dana)
    page.set_default_navigation_timeout(60_000)
    page.goto("/deliveries/")
    return page


def test_the_monitor_fits_every_screen_and_axe_finds_nothing(monitor):
    monitor.goto("/deliveries/?range=24h")
    expect(monitor.locator(".outcomes a")).to_have_count(25)
    look_at_both(monitor, "monitor")


def test_the_pages_behind_it_fit_and_axe_finds_nothing(cast, monitor):
    """An issue, all issues, a preview, a job and the answer why."""
    issue = Issue.objects.get(reason_code="no_answer")
    deed = deed_named("cancel")
    job = begin(Scope((cast.north, cast.south)), Filters(state=("held",)), deed, Wanted(cast.dana, "mapped elsewhere"))
    run_jobs("w1", lambda: False)
    pages = {
        "issue": f"/deliveries/issues/{issue.pk}/",
        "issues": "/deliveries/issues/",
        "bulk": "/deliveries/bulk/cancel/?state=attention",
        "job": f"/deliveries/jobs/{job.pk}/",
        "why": "/deliveries/why/",
    }
    for name, address in pages.items():
        monitor.goto(address)
        if name == "why":
            monitor.get_by_label("Patient id").fill("MRN-40947")
            monitor.get_by_role("button", name="Find out").click()
            expect(monitor.locator("#answer")).to_contain_text("no answer came")
        look_at_both(monitor, name)


def test_dragging_over_bars_shows_their_time_and_the_keys_step_through_the_rows(monitor, day):
    bars = monitor.locator(".outcomes a rect.ground")
    first, last = bars.nth(19).bounding_box(), bars.nth(24).bounding_box()
    monitor.mouse.move(first["x"] + 3, first["y"] + 20)
    monitor.mouse.down()
    monitor.mouse.move(last["x"] + 3, last["y"] + 20, steps=5)
    monitor.mouse.up()
    expect(monitor).to_have_url(re.compile(r"since=.*until="))
    expect(monitor.get_by_role("link", name=re.compile("Remove: From"))).to_be_visible()
    monitor.wait_for_load_state()  # a key pressed before the page has its script is nobody's
    rows = monitor.locator(".deliveries .row-link")
    monitor.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    monitor.keyboard.press("j")
    monitor.keyboard.press("j")
    monitor.keyboard.press("k")
    expect(rows.nth(1)).to_be_focused()
    monitor.keyboard.press("Enter")
    expect(monitor.get_by_role("heading", level=1)).to_contain_text("Delivery ")


def test_the_figures_follow_without_a_reload(cast, monitor):
    attention = monitor.get_by_role("link", name=re.compile("^Needs attention [0-9]")).first
    before = monitor.locator("#card-4 .stat-value").inner_text()
    make_delivery(cast, State.HELD, reason_code="no_route")
    expect(monitor.locator("#card-4 .stat-value")).to_have_text(str(int(before) + 1), timeout=60_000)
    expect(attention).to_be_visible()


def test_the_three_questions_from_seeded_trouble_to_the_repair(cast, monitor, day):
    """Is everything in the charts? What is not, and why? What do I press?"""
    verified = monitor.locator("#card-2")
    assert int(verified.locator(".stat-value").inner_text().split()[0]) == len(day["fine"])
    verified.click()
    expect(monitor.locator("tbody td[data-label=Status]")).to_have_count(len(day["fine"]))
    monitor.goto("/deliveries/")
    monitor.locator("#card-4").click()
    expect(monitor.locator("tbody td[data-label=Status]")).to_have_count(13)
    monitor.goto("/deliveries/")
    held = monitor.locator(".rail .issue").filter(has_text="SOUTH").filter(has_text="4 affected")
    held.click()
    expect(monitor.locator("#why")).to_have_text("What happened")
    expect(monitor.locator(".whose")).to_contain_text("Whose job")
    monitor.get_by_role("link", name="Cancel …").click()
    expect(monitor.get_by_role("heading", name="4 match, 4 can be done")).to_be_visible()
    monitor.get_by_label("Reason").fill("the template is mapped by hand this week")
    monitor.get_by_role("button", name=re.compile("Cancel: 4")).click()
    expect(monitor.get_by_role("heading", level=1)).to_contain_text("4 deliveries")
    run_jobs("w1", lambda: False)
    expect(monitor.locator("#job")).to_contain_text("4 of 4 looked at", timeout=10_000)
    assert {one.state for one in Delivery.objects.filter(pk__in=[row.pk for row in day["unmapped"]])} == {"cancelled"}


def test_rows_are_chosen_by_keyboard_and_stay_chosen_while_the_list_lives_on(cast, monitor, day):
    monitor.goto("/deliveries/?state=attention")
    monitor.wait_for_load_state()
    bar = monitor.locator(".bulk-chosen")
    expect(bar).to_be_hidden()
    for key in "jxjx":
        monitor.keyboard.press(key)
    expect(bar).to_contain_text("2 chosen")
    photograph(monitor, "chosen", whole=False)
    assert_accessible(monitor)
    new = make_delivery(cast, State.HELD, reason_code="no_route")
    expect(monitor.locator(f"#d{new.pk}")).to_be_visible(timeout=10_000)
    expect(monitor.locator(".choose input[name=id]:checked")).to_have_count(2)
    monitor.get_by_label("Choose all on this page").check()
    expect(bar).to_contain_text("14 chosen")
    monitor.get_by_role("button", name="Choose none").click()
    expect(bar).to_be_hidden()
    monitor.locator(f"#c{new.pk}").check()
    bar.get_by_role("button", name="Cancel …").click()
    expect(monitor).to_have_url(re.compile(rf"/bulk/cancel/\?id={new.pk}$"))
    expect(monitor.get_by_role("heading", name="1 match, 1 can be done")).to_be_visible()


def test_the_key_r_leads_to_what_gets_the_row_on_its_way_again(monitor, day):
    rejected, parked = day["rejected"][0], day["parked"][0]
    for one, leads in (
        (rejected, rf"/bulk/replay/\?id={rejected.pk}$"),
        (parked, rf"/deliveries/{parked.pk}/.*#reason$"),
    ):
        monitor.goto(f"/deliveries/?control={one.control_id}")
        monitor.wait_for_load_state()
        monitor.keyboard.press("j")
        monitor.keyboard.press("r")
        expect(monitor).to_have_url(re.compile(leads))


def test_who_reads_on_may_stop_the_updates(cast, monitor):
    monitor.goto("/deliveries/?state=held")
    toggle = monitor.get_by_role("button", name="Live updates")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(monitor.locator("[data-live-text]")).to_contain_text("Stopped at")
    monitor.wait_for_timeout(500)  # what was asked before is answered
    asked = []
    monitor.on("request", lambda request: asked.append(request.url))
    new = make_delivery(cast, State.HELD, reason_code="no_route")
    monitor.wait_for_timeout(2500)
    assert [url for url in asked if "/rows/" in url] == []
    toggle.click()
    expect(monitor.locator(f"#d{new.pk}")).to_be_visible(timeout=10_000)


def test_a_column_put_away_is_gone_and_comes_back(monitor):
    monitor.locator("summary", has_text="Columns").click()
    photograph(monitor, "columns", whole=False)
    monitor.get_by_label("Template", exact=True).uncheck()
    monitor.get_by_role("button", name="Keep").click()
    expect(monitor.get_by_role("columnheader", name="Template")).to_be_hidden()
    expect(monitor.get_by_role("columnheader", name="Attempts")).to_be_visible()


STATES = {
    "empty": ("/deliveries/", "Nothing has come in yet"),
    "no-match": ("/deliveries/?state=held", "No delivery matches"),
}


@pytest.mark.parametrize("scheme, width, height", LOOKS)
def test_each_state_of_the_list_is_designed(cast, transactional_db, sign_in, page, troubles, scheme, width, height):
    """Empty, no match, failed to load, stale and not permitted."""
    troubles.expect("403", "500", "rows", "htmx:")
    page.emulate_media(color_scheme=scheme)
    page.set_default_navigation_timeout(60_000)
    page.set_viewport_size({"width": width, "height": height})
    sign_in(cast.dana)
    for name, (address, words) in STATES.items():
        page.goto(address)
        expect(page.get_by_role("heading", name=words)).to_be_visible()
        look(page, f"{name}-{scheme}-{width}")
    page.goto("/deliveries/")
    page.route("**/deliveries/rows/**", lambda route: route.fulfill(status=500, body="no"))
    expect(page.locator("[data-live-status]")).to_contain_text("Not updated since", timeout=30_000)
    look(page, f"stale-{scheme}-{width}")
    page.unroute("**/deliveries/rows/**")
    sign_in(cast.mel)
    page.goto("/deliveries/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look(page, f"not-permitted-{scheme}-{width}")


def look(page, name: str) -> None:
    photograph(page, name, whole=False)
    assert_fits(page)
    assert_accessible(page)


def look_at_both(page, name: str) -> None:
    for scheme, width, height in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        look(page, f"{name}-{scheme}-{width}")
