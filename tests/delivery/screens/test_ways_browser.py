"""The page of a location's ways in a real Chromium: it fits at every width, light and dark, and is accessible."""

import pytest

from delivery.models import Delivery
from delivery.states import State
from delivery.ways.capabilities import Capability
from delivery.ways.models import Attestation, CapabilityProbe
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width, theme", [(1440, "light"), (390, "dark")])
def test_the_page_fits_and_is_accessible(cast, transactional_db, sign_in, page, width, theme):
    made = make_delivery(cast, State.ACCEPTED)
    Delivery.objects.filter(pk=made.pk).update(proof="attested")
    Attestation.objects.create(delivery=made, location=cast.north, connection=cast.hl7, wire_sha256="0" * 64, by="Dana")
    for outcome in ("yes", "no"):
        rows = [Capability(cast.hl7.pk, cast.hl7.name, "write", "Takes a note", "yes", "It accepted a synthetic note.")]
        rows.append(Capability(cast.hl7.pk, cast.hl7.name, "s", "Section Examination", outcome, "Read back: missing."))
        CapabilityProbe.objects.create(location=cast.north, by="Dana", findings=[vars(row) for row in rows])
    sign_in(cast.dana)
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/deliveries/ways/NORTH/")
    assert_fits(page)
    assert_accessible(page)
    photograph(page, f"ways-{width}-{theme}")
