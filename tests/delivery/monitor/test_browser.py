"""The monitor in a real Chromium: at both widths, light and dark, live, by keyboard, and by dragging in the chart."""

import re

import pytest
from playwright.sync_api import expect

from delivery.bulk.plan import begin, deed_named
from delivery.bulk.running import run_jobs
from delivery.filters import Filters
from delivery.models import Issue
from delivery.queries import Scope
from delivery.states import State
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.monitor.trouble import a_busy_day
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.browser
WIDTHS = [(1440, 900), (390, 844)]


@pytest.fixture
def day(cast, transactional_db):
    return a_busy_day(cast)


@pytest.fixture
def monitor(cast, day, sign_in, page):
    sign_in(cast.dana)
    page.set_default_navigation_timeout(60_000)
    page.goto("/deliveries/")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_monitor_fits_every_screen_and_axe_finds_nothing(monitor, scheme):
    monitor.emulate_media(color_scheme=scheme)
    for width, height in WIDTHS:
        monitor.set_viewport_size({"width": width, "height": height})
        monitor.goto("/deliveries/?range=24h")
        expect(monitor.locator(".outcomes a")).to_have_count(25)
        photograph(monitor, f"monitor-{scheme}-{width}", whole=False)
        assert_fits(monitor)
        assert_accessible(monitor)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_behind_it_fit_and_axe_finds_nothing(cast, monitor, scheme):
    """An issue, all issues, a preview, a job and the answer why: at both widths."""
    monitor.emulate_media(color_scheme=scheme)
    issue = Issue.objects.get(reason_code="no_answer")
    deed = deed_named("cancel")
    job = begin(Scope((cast.north, cast.south)), Filters(state=("held",)), deed, cast.dana, "mapped elsewhere", False)
    run_jobs("w1", lambda: False)
    pages = {
        "issue": f"/deliveries/issues/{issue.pk}/",
        "issues": "/deliveries/issues/",
        "bulk": "/deliveries/bulk/cancel/?state=attention",
        "job": f"/deliveries/jobs/{job.pk}/",
        "why": "/deliveries/why/",
    }
    for width, height in WIDTHS:
        monitor.set_viewport_size({"width": width, "height": height})
        for name, address in pages.items():
            monitor.goto(address)
            if name == "why":
                monitor.get_by_label("Patient id").fill("MRN-40947")
                monitor.get_by_role("button", name="Find out").click()
                expect(monitor.locator("#answer")).to_contain_text("no answer came")
            photograph(monitor, f"{name}-{scheme}-{width}", whole=False)
            assert_fits(monitor)
            assert_accessible(monitor)


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
