"""A real Chromium on a running portal; a test fails when its page had a console error, a CSP violation or a foreign request.

`page` is signed out and 1440 px wide; `sign_in(user)` gives it a session. What a test means to provoke it announces:
`troubles.expect("404")`. How a page looks is asked with `assert_fits` and `assert_accessible`, which wait until it is drawn.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    sync_playwright,
)

from portal.models import User
from tests.needs import chromium

# The colours are the same at every width, whether the system or a person chose them (`light-dark` in tokens.css).
LOOKS = (("light", 1440), ("dark", 390))
# htmx logs as errors what a page leaves unfinished when one goes on to the next; a request that failed logs its own line.
LEAVING = ("htmx:afterRequest,", "htmx:sendAbort,")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"),
    # Nothing leaves this machine: whatever is elsewhere is asked of a proxy that nobody runs. To hold each request up and
    # judge it (context.route) would do so too, but takes the browser its cache: every page fetched all its files anew.
    *("--proxy-server=127.0.0.1:9", "--proxy-bypass-list=127.0.0.1,localhost"),
]
# Styled and with its fonts: a page of which the style sheet is still on its way looks too wide, and its colours are not its own.
DRAWN = """() => document.readyState === "complete" && document.fonts.status === "loaded"
    && [...document.querySelectorAll("link[rel~=stylesheet]")].every((link) => link.disabled || link.sheet)"""
VIOLATIONS = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# What reaches beyond the window's right edge without lying in a box of its own that scrolls or cuts it off.
TOO_WIDE = """() => {
    const edge = document.documentElement.clientWidth;
    const kept = (element) => {
        for (let box = element.parentElement; box && box !== document.body; box = box.parentElement)
            if (getComputedStyle(box).overflowX !== "visible") return true;
        return false;
    };
    const name = (element) => element.localName + (element.id && "#" + element.id)
        + [...element.classList].map((one) => "." + one).join("");
    const out = [...document.querySelectorAll("body, body *")]
        .map((element) => [element, Math.round(element.getBoundingClientRect().right + window.scrollX)])
        .filter(([element, right]) => right > edge && !kept(element))
        .map(([element, right]) => `${name(element)} reaches to ${right} of ${edge}`);
    const wide = document.documentElement.scrollWidth;
    return wide > edge ? [`the page is ${wide} wide in a window of ${edge}`, ...out.slice(0, 12)] : [];
}"""


@dataclass
class Troubles:
    """What went wrong in the page; `expect` names a part of what a test provokes on purpose."""

    seen: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, *parts: str) -> None:
        self.expected += parts

    def unexpected(self) -> list[str]:
        return [one for one in self.seen if not any(part in one for part in self.expected)]


class Kept:
    """A worker's Chromium from one browser test to the next; to start one takes a second of computing."""

    def __init__(self) -> None:
        self.ways_out = contextlib.ExitStack()
        self.browser: Browser | None = None
        self.profiles: dict[str, BrowserContext] = {}  # by the address they are for

    def opened(self) -> Browser:
        if self.browser is None:
            path = chromium()
            with contextlib.ExitStack() as ways_out:
                # Playwright's loop lives in this thread; Django would take every query beside it for one from async code.
                os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
                ways_out.callback(os.environ.pop, "DJANGO_ALLOW_ASYNC_UNSAFE")
                playwright = ways_out.enter_context(sync_playwright())
                self.browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                ways_out.callback(self.browser.close)
                self.ways_out = ways_out.pop_all()
        return self.browser

    def profile(self, home: str) -> BrowserContext:
        """An empty profile. What it has fetched of style sheets, scripts and fonts it keeps, nothing else."""
        if home not in self.profiles:
            made = self.opened().new_context(base_url=home, viewport={"width": 1440, "height": 900})
            made.set_default_timeout(10_000)
            self.profiles[home] = made
        return self.profiles[home]

    def emptied(self, profile: BrowserContext) -> None:
        for page in profile.pages:
            page.close()
        profile.clear_cookies()
        profile.unroute_all()

    def without(self, profile: BrowserContext) -> None:
        self.profiles = {home: other for home, other in self.profiles.items() if other is not profile}
        profile.close()

    def close(self) -> None:
        self.browser = None
        self.profiles = {}
        self.ways_out.close()


KEPT = Kept()


@pytest.fixture
def browser() -> Browser:
    """A Chromium that runs already, where the test before used it."""
    return KEPT.opened()


@pytest.hookimpl(trylast=True)  # the test's own pages are closed
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Playwright's event loop must be gone before other tests run asyncio code of their own."""
    if nextitem is None or not nextitem.get_closest_marker("browser"):
        KEPT.close()


@pytest.fixture
def live_portal(transactional_db, live_server) -> str:
    """The address of the portal on this test's database, static files included."""
    return live_server.url


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def own_profile() -> None:
    """For a test that leaves its profile changed for good, as one that sets its clock does."""


@pytest.fixture
def browsing(live_portal: str, troubles: Troubles, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """An empty profile that may talk to the portal only."""
    profile = KEPT.profile(live_portal)
    unwatch = watch(profile, live_portal, troubles)
    yield profile
    KEPT.emptied(profile)
    unwatch()
    if "own_profile" in request.fixturenames:
        KEPT.without(profile)


@pytest.fixture
def page(browsing: BrowserContext, troubles: Troubles) -> Iterator[Page]:
    opened = browsing.new_page()
    yield opened
    # Leaving the page ends its polling, so that nothing asks the portal while the database is emptied.
    opened.close()
    assert not troubles.unexpected(), "\n".join(troubles.unexpected())


def watch(context: BrowserContext, home: str, troubles: Troubles) -> Callable[[], None]:
    """Write every console error (CSP violations are such), script error, 5xx and foreign request into `troubles`.

    What it returns ends it.
    """

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(LEAVING):
            troubles.seen.append(f"console: {message.text} ({message.location.get('url', '')})")

    def on_response(response: Response) -> None:
        if response.status >= 500:
            troubles.seen.append(f"{response.status} {response.url}")

    def on_request(request: Request) -> None:
        if not request.url.startswith((home, "data:", "blob:")):
            troubles.seen.append(f"foreign request: {request.url}")

    def on_weberror(error: WebError) -> None:
        troubles.seen.append(f"script: {error.error}")

    watching = {"console": on_console, "weberror": on_weberror, "response": on_response, "request": on_request}
    for event, noted in watching.items():
        context.on(event, noted)

    def unwatch() -> None:
        for event, noted in watching.items():
            context.remove_listener(event, noted)

    return unwatch


@pytest.fixture
def sign_in(browsing: BrowserContext, live_portal: str) -> Callable[[User], None]:
    """Gives the page's profile a session of a user, without passing through the sign-in form."""

    def give(user: User) -> None:
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": live_portal}
        browsing.add_cookies([cookie])

    return give


def wait_until_drawn(page: Page) -> None:
    """Wait until the page that is open now has its style sheets and fonts."""
    page.wait_for_load_state("load")
    page.wait_for_function(DRAWN)


def too_wide(page: Page) -> list[str]:
    """How wide the page is and what makes it so, when it is wider than its window; nothing when it fits."""
    wait_until_drawn(page)
    return page.evaluate(TOO_WIDE)


def assert_fits(page: Page) -> None:
    """The page does not scroll sideways; else the elements that stick out are named."""
    sticking_out = too_wide(page)
    assert sticking_out == [], page.url + "\n" + "\n".join(sticking_out)


def inaccessible(page: Page) -> list[str]:
    """What axe finds anywhere on the page, best practices included: rule, place and what is wrong there."""
    wait_until_drawn(page)
    if not page.evaluate("'axe' in window"):  # half a megabyte to read, each time that a page is looked at
        page.evaluate(Axe().axe_script)
    return [
        f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for one in page.evaluate(VIOLATIONS)
        for node in one["nodes"]
    ]


def assert_accessible(page: Page) -> None:
    """Axe has nothing to say against the page."""
    found = inaccessible(page)
    assert found == [], page.url + "\n" + "\n".join(found)


def looks_wrong(page: Page, between: Iterable[int] = ()) -> list[str]:
    """What is wrong with the page as it stands, in every look, and what sticks out at widths in between; then as it was."""
    window, found = page.viewport_size, []
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(TWO_FRAMES)  # else a colour may be on its way from one scheme to the other
        found += [f"{page.url}, {scheme}, {width}: {one}" for one in too_wide(page) + inaccessible(page)]
    for width in between:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(TWO_FRAMES)  # else it is measured on its way from one width to the other
        found += [f"{page.url}, {width}: {one}" for one in too_wide(page)]
    page.emulate_media(color_scheme="null", reduced_motion="null")
    page.set_viewport_size(window)
    return found


def assert_looks_right(page: Page, between: Iterable[int] = ()) -> None:
    """The page fits and is accessible in every look."""
    found = looks_wrong(page, between)
    assert found == [], "\n".join(found)


def photograph(page: Page, name: str, whole: bool = True) -> None:
    """Keep a picture, of the whole page or of the window, where SCRIBEPORT_PICTURES names a folder to look at."""
    folder = os.environ.get("SCRIBEPORT_PICTURES")
    if folder:
        # Hiding the caret would leave an empty style on each field, which htmx copies and the page's policy refuses.
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole, caret="initial")
