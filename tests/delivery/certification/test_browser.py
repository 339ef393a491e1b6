"""The certification page and the path in a real browser: nothing runs out of a phone, everything is accessible."""

import pytest
from django.utils import timezone

from delivery.certification.evidence import keep
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.subject import subject_of
from tests.browsing import assert_accessible, assert_fits, photograph

pytestmark = pytest.mark.browser

ADDRESSES = {"path": "/", "certification": "/deliveries/certification/NORTH/", "facts": "/deliveries/facts/NORTH/"}


@pytest.mark.parametrize("width", [390, 1440])
def test_the_pages_fit_and_are_accessible(cast, transactional_db, page, sign_in, live_portal, width):
    run = CertificationRun.objects.create(
        location=cast.north, state="running", by="dana", planned=["connections", "templates", "load"],
        subject=subject_of(cast.north), started_at=timezone.now(), beat_at=timezone.now(), at_work="load",
    )  # fmt: skip
    for position, (name, passed) in enumerate([("connections", True), ("templates", False)], start=1):
        kept = keep(run, f"{name}.json", b"{}")
        CertificationResult.objects.create(
            run=run, position=position, name=name, title=f"The test of {name}", passed=passed,
            says="Every step passed." if passed else "Not as imported: FM-PROGRESS differs. Import them again.",
            seconds=0.1, artefact=kept,
        )  # fmt: skip
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(cast.dana)
    for name, address in ADDRESSES.items():
        page.goto(live_portal + address)
        assert_fits(page)
        assert_accessible(page)
        photograph(page, f"{name}-{width}")
