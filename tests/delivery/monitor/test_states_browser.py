"""The six designed states of each page of the monitor, as a person meets them: empty, loading, no match, failed, stale, refused."""

import re
from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import expect

from audit.record import Actor, acting
from delivery.alerts.conditions import Condition
from delivery.alerts.course import open_one
from delivery.states import State
from portal.views.errors import broken
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.browser
MONITOR, ISSUES, ALERTS = "/deliveries/", "/deliveries/issues/", "/deliveries/alerts/"
COMPLETENESS, REPORTS = "/deliveries/completeness/", "/deliveries/reports/"
PAGES = [MONITOR, ISSUES, ALERTS, COMPLETENESS, REPORTS]
WHY = "/deliveries/why/"
EMPTY = {
    MONITOR: "Nothing has come in yet",
    ISSUES: "No issue so far",
    ALERTS: "Nothing is wrong that is looked for",
    COMPLETENESS: "No source tells of this location’s closed visits",
    REPORTS: "nothing was verified",
}
# Where a page can be narrowed until nothing is left.
NO_MATCH = {
    f"{ISSUES}?whose=mine": "No issue is yours",
    f"{MONITOR}?state=held": "No delivery matches",
    f"{COMPLETENESS}?until=2020-01-01&days=7": "not known",
    f"{REPORTS}?kind=month&day=2020-01-01": "nothing was verified",
}
# A link of each page to another view of itself.
ELSEWHERE = {
    MONITOR: ("link", re.compile("^Verified")),
    ISSUES: ("link", "Mine"),
    COMPLETENESS: ("link", "31 days"),
    REPORTS: ("link", "Months"),
}


@pytest.fixture
def dana(cast, transactional_db, sign_in, page):
    sign_in(cast.dana)
    page.set_default_navigation_timeout(60_000)
    return page


def look(page, name: str) -> None:
    photograph(page, f"state-{name}", whole=False)
    assert_fits(page)
    assert_accessible(page)


def look_at_both(page, name: str) -> None:
    """Wide and light, then narrow and dark. Axe judges colours by the scheme and layout by the width."""
    for scheme, width in (("light", 1440), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 860})
        look(page, f"{name}-{width}")


def name_of(address: str) -> str:
    return address.partition("?")[0].strip("/").rpartition("/")[2]


def test_empty_and_no_match_say_what_they_are(dana):
    for kind, pages in (("empty", EMPTY), ("no-match", NO_MATCH)):
        for address, words in pages.items():
            dana.goto(address)
            expect(dana.locator("main")).to_contain_text(words)
            look_at_both(dana, f"{kind}-{name_of(address)}")


@pytest.mark.parametrize("address", ELSEWHERE)
def test_another_view_that_is_slow_to_come_shows_a_skeleton_until_it_is_there(cast, dana, address):
    make_delivery(cast)
    dana.goto(address)
    # An answer without content leaves the page where it is, as one does that is yet to come.
    dana.route("**/deliveries/**", lambda route: route.fulfill(status=204))
    role, words = ELSEWHERE[address]
    link = dana.locator("main").get_by_role(role, name=words).first
    link.click(no_wait_after=True)
    expect(dana.locator("main")).to_have_attribute("aria-busy", "true")
    look(dana, f"loading-{name_of(address)}")
    dana.unroute("**/deliveries/**")
    link.click()
    expect(dana.locator("main")).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("address", PAGES)
def test_what_failed_to_load_says_so_and_is_asked_for_again(cast, dana, troubles, address):
    """A page that cannot be made; then it can."""
    troubles.expect("500", "Failed to load resource")
    words = "Something failed on our side"
    body = broken_page(address)
    dana.route(f"**{address}", lambda route: route.fulfill(status=500, content_type="text/html", body=body))
    dana.goto(address)
    expect(dana.get_by_role("heading", name=words)).to_be_visible()
    dana.unroute(f"**{address}")
    dana.get_by_role("link", name="Try again").click()
    expect(dana.get_by_role("heading", level=1)).not_to_have_text(words)
    expect(dana.locator("main")).to_contain_text(EMPTY[address])


def broken_page(address: str) -> str:
    with acting(Actor("user", "1", "dana")):
        return broken(RequestFactory().get(address)).content.decode()


@pytest.mark.parametrize("address, part", [(MONITOR, "**/deliveries/rows/**"), (ALERTS, "**/deliveries/alerts/")])
def test_an_open_page_that_is_not_answered_says_since_when_and_asks_again_when_told(
    cast, dana, troubles, address, part
):
    troubles.expect("500", "htmx:", "Failed to load")
    dana.goto(address)
    box = dana.locator("[data-live-trouble]")
    expect(box).to_be_hidden()
    dana.route(part, lambda route: route.fulfill(status=500, body="no"))
    expect(box).to_contain_text("could not be loaded again", timeout=30_000)
    expect(dana.locator("[data-live-status]")).to_contain_text("Not updated since")
    look_at_both(dana, f"stale-{name_of(address)}")
    with dana.expect_request(part):
        dana.get_by_role("button", name="Try again now").click()
    dana.unroute(part)  # not before: a page that has got its answer by itself shows no button
    expect(box).to_be_hidden(timeout=30_000)
    expect(dana.locator("[data-live-text]")).to_have_text("Live")


def test_a_part_that_was_asked_for_and_did_not_come_says_so(cast, dana, troubles):
    troubles.expect("500", "htmx:", "Failed to load")
    one = make_delivery(cast)
    dana.goto(f"{MONITOR}{one.pk}/?tab=message")
    dana.route("**/content/**", lambda route: route.fulfill(status=500, body="no"))
    show = dana.get_by_role("button", name="Show the message as sent")
    show.click()
    said = dana.get_by_role("alert").filter(has_text="This could not be loaded")
    expect(said).to_be_visible()
    look_at_both(dana, "part-failed")
    dana.unroute("**/content/**")
    show.click()
    expect(dana.get_by_role("heading", name="As sent")).to_be_visible()
    expect(said).to_have_count(0)


def test_a_rows_menu_that_does_not_come_says_so(cast, dana, troubles):
    troubles.expect("500", "htmx:", "Failed to load")
    one = make_delivery(cast)
    dana.goto(MONITOR)
    dana.route("**/menu/**", lambda route: route.fulfill(status=500, body="no"))
    dana.locator(f"#m{one.pk}").click()
    expect(dana.locator("#row-menu")).to_contain_text("This could not be loaded")


@pytest.mark.parametrize("tab", ["sections", "attempts", "why", "audit"])
def test_another_tab_of_a_delivery_that_is_slow_to_come_shows_a_skeleton(cast, dana, tab):
    one = make_delivery(cast, State.HELD, reason_code="no_route")
    dana.goto(f"{MONITOR}{one.pk}/")
    dana.route("**/deliveries/**", lambda route: route.fulfill(status=204))
    dana.locator(f"main a[href*='tab={tab}']").click(no_wait_after=True)
    expect(dana.locator("main")).to_have_attribute("aria-busy", "true")


def test_every_tab_of_a_delivery_to_which_nothing_has_happened_says_so(cast, dana):
    one = make_delivery(cast, State.HELD, reason_code="no_route", tries=[])
    for tab, words in (
        ("sections", "The chart has not been read back"),
        ("attempts", "It has not been tried yet"),
        ("audit", "Nothing is recorded of it yet"),
    ):
        dana.goto(f"{MONITOR}{one.pk}/?tab={tab}")
        expect(dana.locator("#tab")).to_contain_text(words)
        look_at_both(dana, f"detail-empty-{tab}")


def test_asking_why_without_an_id_and_for_a_note_that_never_came_is_answered_in_words(cast, dana):
    dana.goto(f"{MONITOR}why/")
    dana.get_by_role("button", name="Find out").click()
    expect(dana.locator("main")).to_contain_text("Name the patient’s or the visit’s id.")
    look_at_both(dana, "why-nothing")
    dana.get_by_label("Patient id").fill("MRN-0")
    dana.get_by_role("button", name="Find out").click()
    expect(dana.locator("main")).to_contain_text("never received")
    look_at_both(dana, "why-never")


def test_alerts_come_by_themselves(cast, dana):
    dana.goto(ALERTS)
    expect(dana.get_by_role("heading", name=EMPTY[ALERTS])).to_be_visible()
    open_one(cast.practice, Condition("uncertain", cast.north, count=3), timezone.now())
    expect(dana.get_by_role("link", name="Outcome uncertain")).to_be_visible(timeout=10_000)


@pytest.mark.usefixtures("own_profile")
@pytest.mark.parametrize("address", [ISSUES, COMPLETENESS, REPORTS])
def test_figures_that_do_not_follow_by_themselves_say_so_once_they_are_old(cast, dana, address):
    dana.clock.install(time=timezone.now())
    dana.goto(address)
    box = dana.locator("[data-stale-after]")
    dana.clock.fast_forward(200_000)
    expect(box).to_be_hidden()
    dana.clock.fast_forward(200_000)
    expect(box).to_be_visible()
    look(dana, f"old-{name_of(address)}")
    with dana.expect_navigation():
        box.get_by_role("button", name="Load them again").click()
    expect(dana.locator("[data-stale-after]")).to_be_hidden()


@pytest.mark.parametrize("address", [*PAGES, WHY])
def test_who_may_not_look_is_told_which_role_would_do(cast, transactional_db, sign_in, page, troubles, address):
    troubles.expect("403")
    sign_in(cast.mel)
    page.goto(address)
    expect(page.get_by_role("heading", name="Your role does not allow this")).to_be_visible()
    look(page, f"refused-{name_of(address)}")


class TestTheMenuOfARow:
    @pytest.fixture
    def rows(self, cast, dana):
        made = [
            make_delivery(cast, state, received_at=timezone.now() - timedelta(minutes=n))
            for n, state in enumerate(State)
        ]
        dana.goto(f"{MONITOR}?range=24h")
        dana.wait_for_load_state()
        return made

    def test_it_opens_and_closes_by_keyboard_and_gives_the_place_back(self, dana, rows):
        menu = dana.locator("#row-menu")
        expect(menu).to_be_hidden()
        dana.keyboard.press("j")
        dana.keyboard.press("m")
        expect(menu).to_be_visible()
        expect(menu.get_by_role("link", name="Open")).to_be_focused()
        dana.keyboard.press("ArrowDown")
        expect(menu.locator("a, button").nth(1)).to_be_focused()
        dana.keyboard.press("ArrowUp")
        dana.keyboard.press("ArrowUp")
        expect(menu.locator("a, button").last).to_be_focused()
        assert_accessible(dana)
        dana.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        expect(dana.locator(f"#m{rows[0].pk}")).to_be_focused()

    @pytest.mark.parametrize("scheme, width", [("light", 1440), ("dark", 390)])
    def test_it_stays_within_the_window_and_leads_to_the_preview(self, dana, rows, scheme, width):
        dana.emulate_media(color_scheme=scheme)
        dana.set_viewport_size({"width": width, "height": 860})
        held = next(one for one in rows if one.state == State.HELD)
        dana.locator(f"#m{held.pk}").click()
        menu = dana.locator("#row-menu")
        expect(menu).to_be_visible()
        look(dana, f"row-menu-{width}")
        box = menu.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        menu.get_by_role("link", name="Cancel …").click()
        expect(dana.get_by_role("heading", name="1 match, 1 can be done")).to_be_visible()

    def test_an_update_of_the_list_leaves_it_open(self, cast, dana, rows):
        dana.keyboard.press("j")
        dana.keyboard.press("m")
        expect(dana.locator("#row-menu")).to_be_visible()
        new = make_delivery(cast, State.HELD, reason_code="no_route")
        expect(dana.locator(f"#d{new.pk}")).to_be_visible(timeout=10_000)
        expect(dana.locator("#row-menu")).to_be_visible()

    def test_rows_close_together_stay_so(self, dana, rows):
        tall = dana.locator(f"#d{rows[0].pk}").bounding_box()["height"]
        dana.locator("summary", has_text="Columns").click()
        dana.get_by_label("Compact").check()
        dana.get_by_role("button", name="Keep").click()
        dana.wait_for_load_state()
        assert dana.locator(f"#d{rows[0].pk}").bounding_box()["height"] < tall
        look(dana, "compact")

    @pytest.mark.parametrize("scheme, width", [("light", 1440), ("dark", 390)])
    def test_more_filters_are_fetched_and_narrow(self, cast, dana, rows, scheme, width):
        dana.emulate_media(color_scheme=scheme)
        dana.set_viewport_size({"width": width, "height": 860})
        dana.locator("summary", has_text="More filters").click()
        form = dana.locator(".narrow-form")
        form.get_by_label(re.compile("FM-PROGRESS$")).first.check()
        look(dana, f"more-filters-{width}")
        form.get_by_role("button", name="Show").click()
        expect(dana).to_have_url(re.compile("range=24h.*template=FM-PROGRESS"))
        expect(dana.get_by_role("link", name="Remove: Template FM-PROGRESS")).to_be_visible()
