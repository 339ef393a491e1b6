"""The pages of codes in a real browser: they fit a phone, say what is to be done, and a decision releases the note."""

import pytest

from delivery.models import Delivery
from mapping.codes.drug_files import drug_row
from mapping.codes.drug_imports import keep
from portal.models import Part, Route
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.browser


@pytest.fixture
def waiting(cast) -> Delivery:
    Route.objects.create(location=cast.north, part=Part.MEDICATIONS, connection=cast.hl7)
    for ndc, name, ecw_id in (("0093-1113-10", "Lisinopril 10 mg", "71"), ("0093-7214-98", "Metformin 500 mg", "80")):
        keep(
            cast.practice,
            drug_row({"ndc": ndc, "name": name, "ecw_id": ecw_id, "strength": "10 mg"}),
            cast.dana,
            "by hand",
        )
    drugs = [{"text": "lisinopril 10 mg daily", "ndc": "0093-1113-01"}, {"text": "warfarin", "ndc": "0056017270"}]
    for listed in (drugs[:1], drugs[1:]):
        made = make_delivery(cast, "held", part="medications", reason_code="drug_unknown", medications=listed)
    return Delivery.objects.exclude(pk=made.pk).get()


@pytest.mark.parametrize("width", [390, 1440])
def test_every_page_of_codes_fits_and_a_decision_is_made(cast, page, sign_in, waiting, width):
    sign_in(cast.dana)
    page.set_viewport_size({"width": width, "height": 900})
    for address, name in (
        ("/codes/diagnoses/?code=J45", "diagnoses"),
        ("/codes/drugs/", "drugs"),
        ("/codes/drugs/import/", "import"),
        ("/codes/drugs/new/", "drug"),
        ("/codes/waiting/", "waiting"),
    ):
        page.goto(address)
        assert_fits(page)
        assert_accessible(page)
        photograph(page, f"codes-{name}-{width}")
    page.get_by_role("link", name="Decide on 0093-1113-01").click()
    assert_fits(page)
    assert_accessible(page)
    photograph(page, f"codes-decide-{width}")
    page.get_by_role("button", name="Show the words of the notes").click()
    page.get_by_text("lisinopril 10 mg daily").wait_for()
    page.get_by_label("Lisinopril 10 mg (10 mg): eCW 71").check()
    page.get_by_role("button", name="Decide and release").click()
    page.get_by_text("Decided. Released: 1.").wait_for()
    assert Delivery.objects.get(pk=waiting.pk).state == "ready"
