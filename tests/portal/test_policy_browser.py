"""The Content-Security-Policy as a real browser keeps it: no page of ours breaks it, and nothing put into one runs."""

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


def test_no_page_breaks_it(world, watched, live_portal, troubles):
    troubles.expect("404", "403")  # a page asks on for what was taken back
    shown, broken = [], {}
    watched.route(
        "**/as-answered", lambda route: route.fulfill(body=shown[-1].content, headers=dict(shown[-1].headers))
    )
    for name, place in PAGES:
        if answer := answered(world, name, VISITS[name][place]):
            shown.append(answer)
            watched.goto("/as-answered")
            if found := watched.evaluate("window.violations"):
                broken[name, place] = found
    assert broken == {}
    assert sum(b"<script" in one.content for one in shown) > 60


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


@pytest.mark.parametrize(
    "made",
    [
        "const one = document.createElement('script'); one.textContent = 'window.ran = 1'; document.body.append(one)",
        "document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=\"window.ran = 1\">')",
        "document.body.insertAdjacentHTML('beforeend', '<a id=bad href=\"javascript:window.ran = 1\">x</a>');"
        " bad.click()",
        "const one = document.createElement('script'); one.src = '/healthz'; document.body.append(one)",
        "const one = document.createElement('script'); one.src = document.querySelector('script[src*=site]').src;"
        " document.body.append(one)",
    ],
    ids=["an inline script", "a handler", "an address", "a text of this origin", "a script of ours without the nonce"],
)
def test_S18_what_is_put_into_a_page_does_not_run_and_is_counted(world, watched, sign_in, troubles, made):
    troubles.expect("Content Security Policy", "javascript:", "Refused")
    sign_in(world.cast.dana)
    watched.goto(reverse("portal:home"))
    watched.evaluate(made)
    watched.wait_for_function("window.violations.length > 0")
    assert watched.evaluate("window.ran") is None
    assert watched.evaluate("window.violations").pop().startswith("script-src")
