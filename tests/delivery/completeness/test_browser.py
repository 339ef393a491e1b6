"""Completeness in a real browser: both pages fit and are accessible at every width, by day and by night."""

import pytest

from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.completeness.days_of_visits import closes, note_of, source_of

pytestmark = pytest.mark.browser
ADDRESSES = {
    "completeness": "/deliveries/completeness/?until=2026-03-20&days=7",
    "completeness-day": "/deliveries/completeness/NORTH/2026-03-19/",
    "completeness-silent": "/deliveries/completeness/NORTH/2026-03-17/",
}


@pytest.fixture
def a_week(cast, transactional_db):
    source = source_of(cast)
    lost = [closes(source, f"ECW-00051{number}", patient=f"P-77{number}1") for number in range(3)]
    for number, state in enumerate(("verified", "held", "accepted", "misfiled")):
        closes(source, f"ECW-00052{number}")
        note_of(cast, f"ECW-00052{number}", state)
    return lost


@pytest.mark.parametrize("width, height, scheme", [(1440, 900, "light"), (390, 844, "dark")])
def test_the_pages_fit_and_are_accessible(cast, a_week, sign_in, page, width, height, scheme):
    sign_in(cast.dana)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    addresses = ADDRESSES | {
        "completeness-why": f"/deliveries/completeness/visits/{a_week[0].pk}/why/",
        "completeness-whose": f"/deliveries/completeness/visits/{a_week[0].pk}/patient/",
    }
    for name, address in addresses.items():
        page.goto(address)
        assert_fits(page)
        assert_accessible(page)
        photograph(page, f"{name}-{width}")


def test_from_the_menu_to_why_a_visit_is_missing(cast, a_week, sign_in, page):
    sign_in(cast.omar)
    page.goto("/")
    page.get_by_role("link", name="Completeness").click()
    page.goto(ADDRESSES["completeness"])
    page.get_by_role("link", name="Thu, 19 Mar 2026").click()
    page.get_by_role("link", name="Why? The visit closed at 11:00, 1").click()
    assert page.get_by_role("heading", name="We never received").is_visible()
