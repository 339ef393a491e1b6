"""The pages of alerts in a real browser: they fit, are accessible, and a person acknowledges and sets up by them."""

import pytest
from django.utils import timezone

from delivery.alerts import recipients
from delivery.alerts.conditions import Condition
from delivery.alerts.course import open_one, recover
from delivery.alerts.models import Alert
from delivery.alerts.recipients import Wanted
from tests.browsing import assert_accessible, assert_fits, photograph

pytestmark = pytest.mark.browser


@pytest.fixture
def trouble(cast, transactional_db):
    recipients.create(cast.practice, Wanted("email", "it-on-call@lakeside.example", location=cast.north))
    now = timezone.now()
    rows = (
        Condition("connection_failing", cast.north, f"connection:{cast.hl7.pk}", cast.hl7.name, "connect_timeout", 7),
        Condition("uncertain", cast.north, count=3),
        Condition("agreement_ending", None, "agreement:1", "Business associate agreement with eClinicalWorks", level=1),
        Condition("drift", cast.south, "template:1", "Sports Medicine Visit"),
    )
    alerts = [open_one(cast.practice, one, now) for one in rows]
    recover(alerts[3], now)
    return alerts


@pytest.mark.parametrize("width, height, scheme", [(1440, 900, "light"), (390, 844, "dark")])
def test_the_pages_fit_and_are_accessible(cast, trouble, sign_in, page, width, height, scheme):
    sign_in(cast.dana)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    for name, path in {
        "": "",
        "-one": f"{trouble[0].pk}/",
        "-settings": "settings/",
        "-new": "recipients/new/",
    }.items():
        page.goto(f"/deliveries/alerts/{path}")
        assert_fits(page)
        assert_accessible(page)
        photograph(page, f"alerts{name}-{width}")


def test_an_operator_acknowledges_from_the_menu(cast, trouble, sign_in, page):
    sign_in(cast.omar)
    page.goto("/")
    page.get_by_role("link", name="Alerts").click()
    page.get_by_role("button", name="Acknowledge Connection failing").click()
    assert page.get_by_text("nobody else is told").is_visible()
    assert Alert.objects.get(pk=trouble[0].pk).acknowledged_by == cast.omar
