"""The pages of events, their sources and a scribe's endpoint in a real Chromium: at both widths, and readable by everybody."""

import pytest
from django.utils import timezone

from delivery.events import sources
from delivery.models import Event, SourceState, WebhookMessage
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.events import senders
from tests.delivery.events.senders import CHECKED_IN, CLOSED, OPENED, told
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.browser
WIDTHS = [(1440, 900), (390, 844)]
ADDRESSES = {
    "events": "/deliveries/events/",
    "event-source": "/deliveries/events/sources/NORTH/webhook/",
    "event-poll": "/deliveries/events/sources/NORTH/poll/",
    "event-feed": "/deliveries/events/sources/NORTH/mllp/",
    "location": "/settings/locations/NORTH/",
    "scribes": "/settings/scribes/",
}


@pytest.fixture
def told_of(cast, transactional_db):
    """Three visits: one asked for and being tried again, one with a second event, one that came too late."""
    endpoint, _ = senders.listening_scribe(cast)
    ecw = senders.ecw(cast)
    for encounter, kind in (("E1", OPENED), ("E2", CHECKED_IN), ("E2", OPENED), ("E3", CLOSED), ("E3", OPENED)):
        ecw.post(told(kind, encounter))
    tried = {"at": "2026-03-19T15:00:00+00:00", "status": 500, "reason": "webhook_refused", "ms": 31}
    first = WebhookMessage.objects.order_by("created_at").first()
    WebhookMessage.objects.filter(pk=first.pk).update(attempts=1, tries=[tried])
    feed, _ = sources.create(cast.north, "mllp", {"port": 26610, "peers": "10.20.0.0/16"})
    SourceState.objects.filter(source=feed).update(trouble="port_not_opened", trouble_at=timezone.now())
    make_delivery(cast, "verified", encounter="E1")
    return endpoint


@pytest.mark.parametrize("width, height", WIDTHS)
def test_every_page_fits_and_is_accessible(cast, told_of, sign_in, page, width, height):
    sign_in(cast.dana)
    page.set_viewport_size({"width": width, "height": height})
    addresses = {**ADDRESSES, "endpoint": f"/deliveries/scribes/{cast.scribe.pk}/webhooks/sandbox/"}
    for name, address in addresses.items():
        page.goto(address)
        assert_fits(page)
        assert_accessible(page)
        photograph(page, f"{name}-{width}")


def test_from_an_event_one_reaches_the_visits_notes(cast, told_of, sign_in, page):
    sign_in(cast.dana)
    page.goto("/deliveries/events/")
    assert page.get_by_role("row").count() == 1 + Event.objects.count()
    page.get_by_role("link", name="Its notes").last.click()
    page.wait_for_url("**/deliveries/?encounter=*")
    assert page.get_by_text("Verified in the chart").first.is_visible()


def test_a_new_source_shows_its_secret_once(cast, sign_in, page, transactional_db):
    sign_in(cast.dana)
    page.goto("/deliveries/events/")
    assert page.get_by_role("heading", name="No source of events").is_visible()
    page.goto(ADDRESSES["event-source"])
    page.get_by_role("button", name="Set up").click()
    assert page.get_by_text("whsec_").first.is_visible()
    page.goto(ADDRESSES["event-source"])
    assert page.get_by_text("whsec_").count() == 0
    assert page.get_by_text("/api/v1/events/").is_visible()
