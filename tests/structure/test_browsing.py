"""The browser fixtures catch what they promise to catch."""

import http.server
import re
import threading
import time

import pytest

from tests.browsing import KEPT, Troubles, assert_accessible, assert_fits, looks_wrong, too_wide, watch
from tests.structure import tree

pytestmark = pytest.mark.browser
PAGES = {
    "/calm": "<p>calm</p>",
    "/console": "<script>console.error('dropped')</script>",
    "/script": "<script>throw new Error('thrown')</script>",
    "/inline": "<p style='color: red'>inline</p>",
    "/broken": "<p>a page of an error</p>",
    "/foreign": "<img src='http://192.0.2.1/pixel.png'>",
    "/wide": "<link rel=stylesheet href=/wide.css><div id=inner class='card tall'>wide</div>",
    "/wide.css": "#inner { width: 3000px }",
    "/scrolls": "<link rel=stylesheet href=/scrolls.css><div id=box><div id=inner>wide</div></div>",
    "/scrolls.css": "#box { overflow-x: auto } #inner { width: 3000px }",
    # Without its style sheet, which comes late, this page is too wide and has no contrast at all.
    "/late": (
        "<!doctype html><html lang=en><head><title>late</title></head><body><main><h1>late</h1>"
        "<svg width=3000 height=9></svg><p><font color=white>pale</font></p>"
        "<link rel=stylesheet href=/late.css></main></body></html>"
    ),
    "/dark": (
        "<!doctype html><html lang=en><head><title>dark</title><link rel=stylesheet href=/dark.css></head>"
        "<body><main><h1>dark</h1><p>pale</p></main></body></html>"
    ),
    "/dark.css": "@media (prefers-color-scheme: dark) { p { color: #eee } }",
    "/late.css": "svg { width: 9px } body { background: black; color: white }",
}


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 500 if self.path == "/broken" else 200
        if self.path == "/late.css":
            time.sleep(0.4)
        self.send_response(status if self.path != "/favicon.ico" else 204)
        self.send_header("Content-Type", "text/css" if self.path.endswith(".css") else "text/html")
        self.send_header("Content-Security-Policy", "style-src 'self'")
        self.end_headers()
        self.wfile.write(PAGES.get(self.path, "").encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def home():
    """Where the pages above are."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def profile(browser, home):
    """A profile in which those pages are opened."""
    context = browser.new_context(base_url=home, viewport={"width": 800, "height": 600})
    yield context
    context.close()


@pytest.fixture
def troubles_of(profile, home):
    """What `watch` notes about one of those pages."""

    def look(path: str) -> list[str]:
        troubles = Troubles()
        watch(profile, home, troubles)
        page = profile.new_page()
        page.goto(path)
        page.wait_for_timeout(100)
        page.close()
        return troubles.seen

    return look


def test_a_calm_page_has_no_troubles(troubles_of):
    assert troubles_of("/calm") == []


@pytest.mark.parametrize(
    "path, word",
    [
        ("/console", "dropped"),
        ("/script", "thrown"),
        ("/inline", "Content Security Policy"),
        ("/foreign", "foreign request: http://192.0.2.1"),
        ("/broken", "500"),
    ],
)
def test_a_trouble_is_caught(troubles_of, path, word):
    assert any(word in one for one in troubles_of(path))


def test_what_a_test_expects_is_not_held_against_it():
    troubles = Troubles(seen=["console: 404 (Not Found)", "console: gone wrong"])
    troubles.expect("404")
    assert troubles.unexpected() == ["console: gone wrong"]


def test_a_page_of_the_portal_is_served_with_the_data_of_the_test(cast, page, sign_in, troubles):
    troubles.expect("404")
    sign_in(cast.dana)
    answer = page.goto("/no-such-page")
    assert answer is not None
    assert answer.status == 404


@pytest.fixture
def shown(profile):
    """Opens one of those pages and goes on as soon as there is something of it."""

    def show(path: str):
        page = profile.new_page()
        page.goto(path, wait_until="commit")
        return page

    return show


def test_what_makes_a_page_too_wide_is_named(shown):
    page = shown("/wide")
    whole, *elements = too_wide(page)
    assert whole == "the page is 3008 wide in a window of 800"
    assert elements == ["div#inner.card.tall reaches to 3008 of 800"]
    with pytest.raises(AssertionError, match=re.escape(elements[0])):
        assert_fits(page)


def test_what_scrolls_in_a_box_of_its_own_does_not_make_the_page_too_wide(shown):
    assert_fits(shown("/scrolls"))


@pytest.mark.parametrize("look", [assert_fits, assert_accessible])
def test_a_page_is_looked_at_only_with_its_style_sheet(shown, look):
    look(shown("/late"))


def test_what_axe_finds_is_named(shown):
    with pytest.raises(AssertionError, match="html-has-lang: <html>"):
        assert_accessible(shown("/wide"))


def test_what_is_wrong_in_one_look_is_named_with_it_and_the_page_is_as_before(shown):
    page = shown("/dark")
    (found,) = looks_wrong(page)
    assert "/dark, dark, 390: color-contrast: <p>" in found
    assert page.viewport_size == {"width": 800, "height": 600}
    assert not page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


def test_a_profile_comes_back_empty(browser, home):
    profile = KEPT.profile(home)
    profile.add_cookies([{"name": "kept", "value": "1", "url": home}])
    profile.new_page().goto("/calm")
    KEPT.emptied(profile)
    assert (profile.cookies(), profile.pages) == ([], [])
    assert KEPT.profile(home) is profile
    KEPT.without(profile)
    assert KEPT.profile(home) is not profile
    KEPT.without(KEPT.profile(home))


def test_no_browser_test_measures_by_itself():
    """One that does not wait until the page is drawn fails now and then."""
    measuring = {str(path) for path in tree.tests() if "scroll" + "Width" in tree.text(path)}
    assert measuring == {"tests/browsing.py"}


def test_no_browser_test_asks_axe_by_itself():
    asking = {str(path) for path in tree.tests() if "Axe" + "()" in tree.text(path)}
    assert asking == {"tests/browsing.py"}
