"""The report in a real browser: it fits and is accessible, by day and by night."""

import pytest

from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.completeness.days_of_visits import closes, note_of, source_of

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width, height, scheme", [(1440, 900, "light"), (390, 844, "dark")])
def test_the_page_fits_and_is_accessible(cast, transactional_db, sign_in, page, width, height, scheme):
    source = source_of(cast)
    for number, state in enumerate(("verified", "held", "accepted")):
        closes(source, f"E{number}")
        note_of(cast, f"E{number}", state, reason_code="held_by_person" if state == "held" else "")
    closes(source, "E9")
    sign_in(cast.dana)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    page.goto("/deliveries/reports/?kind=week&day=2026-03-19")
    assert_fits(page)
    assert_accessible(page)
    photograph(page, f"report-{width}")
