"""The Content-Security-Policy as a real browser keeps it: no page of ours breaks it, and nothing put into one runs."""

from html.parser import HTMLParser

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from audit.record import record
from tests.delivery.rows import make_delivery
from tests.structure.test_audited_views import VISITS, Visit, World

pytestmark = pytest.mark.browser

COUNT = """() => { window.violations = []; document.addEventListener("securitypolicyviolation",
    (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`)); }"""
# What is looked at; what only a key opens is no page.
PAGES = sorted(
    (route, place)
    for route, visits in VISITS.items()
    for place, visit in enumerate(visits)
    if visit.post is None and not route.startswith("api:")
)


def answered(world, route: str, visit: Visit):
    """What the portal answers; what was made for it is taken back, so that each page finds the same practice."""
    client = Client()
    if visit.who != "nobody":
        client.force_login(getattr(world.cast, visit.who))
    with transaction.atomic():
        answer = client.get(reverse(route, args=visit.args(world)), visit.query)
        transaction.set_rollback(True)
    html = answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html") and not answer.streaming
    return answer if html else None


@pytest.fixture
def watched(page):
    """A page that counts from its first byte on."""
    page.add_init_script(f"({COUNT})()")
    return page


@pytest.fixture
def world(live_portal, cast):
    delivery = make_delivery(cast)
    with transaction.atomic():
        patient = delivery.note_version.patient_bidx
        event = record("note.view", practice="lakeside", location="NORTH", subject_bidx=patient)
    return World(cast, delivery, event)


class Made(HTMLParser):
    """What a page is made of: each element's attributes, and the scripts it fetches."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.of: set[tuple[str, ...]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.of |= {(tag, name, str(value) if (tag, name) == ("script", "src") else "") for name, value in attrs}


def all_different(answers: dict) -> list:
    """Those pages that are made of something which no larger page has together: 38 of 97."""
    made = {key: Made(answer.content.decode()).of for key, answer in answers.items()}
    kept: list = []
    for key in sorted(made, key=lambda key: len(made[key]), reverse=True):
        if not any(made[key] <= made[larger] for larger in kept):
            kept.append(key)
    return kept


def test_no_page_breaks_it(world, watched, live_portal, troubles):
    troubles.expect("404", "403")  # a page asks on for what was taken back
    shown, broken = [], {}
    answers = {(name, place): answered(world, name, VISITS[name][place]) for name, place in PAGES}
    answers = {key: answer for key, answer in answers.items() if answer}
    assert sum(b"<script" in answer.content for answer in answers.values()) > 60
    watched.route(
        "**/as-answered", lambda route: route.fulfill(body=shown[-1].content, headers=dict(shown[-1].headers))
    )
    for key in all_different(answers):
        shown.append(answers[key])
        watched.goto("/as-answered")
        if found := watched.evaluate("window.violations"):
            broken[key] = found
    assert broken == {}
    assert len(shown) > 30


def test_a_page_that_breaks_it_would_be_seen(world, watched, live_portal, troubles):
    troubles.expect("Content Security Policy")
    answer = answered(world, "portal:home", VISITS["portal:home"][0])
    body = answer.content.replace(b"</body>", b"<p style='color: red'>x</p><script>window.ran = 1</script></body>")
    watched.route("**/as-answered", lambda route: route.fulfill(body=body, headers=dict(answer.headers)))
    watched.goto("/as-answered")
    assert sorted(one.split()[0] for one in watched.evaluate("window.violations")) == [
        "script-src-elem",
        "style-src-attr",
    ]
    assert watched.evaluate("window.ran") is None


PUT_IN = {
    "an inline script": "const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
    " document.body.append(one)",
    "a handler": "document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=\"window.ran = 1\">')",
    "an address": "document.body.insertAdjacentHTML('beforeend', '<a id=bad href=\"javascript:window.ran = 1\">x</a>');"
    " bad.click()",
    "a text of this origin": "const one = document.createElement('script'); one.src = '/healthz';"
    " document.body.append(one)",
    "a script of ours without the nonce": "const one = document.createElement('script');"
    " one.src = document.querySelector('script[src*=site]').src; document.body.append(one)",
}


def test_S18_what_is_put_into_a_page_does_not_run_and_is_counted(world, watched, sign_in, troubles):
    troubles.expect("Content Security Policy", "javascript:", "Refused")
    sign_in(world.cast.dana)
    watched.goto(reverse("portal:home"))
    for what, made in PUT_IN.items():
        watched.evaluate(f"() => {{ window.violations = []; {made} }}")
        watched.wait_for_function("window.violations.length > 0")
        assert watched.evaluate("window.ran") is None, what
        assert watched.evaluate("window.violations").pop().startswith("script-src"), what
