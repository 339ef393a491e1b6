"""A director's way with a messy workbook in a real browser: say what its columns hold, look, save, accept suggestions."""

import pytest

from mapping.models import Template
from mapping.queries import draft_of, spec_of
from tests.browsing import assert_accessible, assert_fits, assert_looks_right
from tests.mapping.importers.workbooks import workbook

pytestmark = pytest.mark.browser

MESSY = workbook(
    ("Read me", [["Export of the knee clinic"], ["Ask Ann before changing"]]),
    (
        "Felder",
        [
            ["Template: Knee Visit"],
            [],
            ["Lfd", "Kennung", "Feldtext", "Art", "Zeichen"],
            [1, "K1", "Reason for Appointment", "Free Text", 500],
            [2, "K2", "GENHX", "Free Text", 6000],
            [],
            [3, None, "--- page 2 ---", None, None],
            [4, "K4", "IMP", "Free Text", 4000],
            [5, "K5", "Plan", "Free Text", 8000],
        ],
    ),
)
HOLDS = {"Lfd": "order", "Kennung": "id", "Feldtext": "label", "Art": "kind", "Zeichen": "max_length"}


def choose(page):
    page.goto("/mapping/import/NORTH/")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.set_input_files("input[type=file]", {"name": "knee.xlsx", "mimeType": kind, "buffer": MESSY})
    page.get_by_role("button", name="Read the file").click()


def test_a_messy_workbook_is_matched_previewed_saved_and_its_suggestions_accepted(cast, page, sign_in):
    sign_in(cast.mel)
    choose(page)
    page.get_by_role("heading", name="What do the columns hold?").wait_for()
    assert_looks_right(page)
    for header, meaning in HOLDS.items():
        page.get_by_label(f"What column {header} holds").select_option(meaning)
    assert_accessible(page)
    page.get_by_role("button", name="Read the file so").click()

    page.get_by_text("4 fields accepted").wait_for()
    assert page.get_by_text("it has no field identifier").is_visible()
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert_fits(page)
    page.get_by_label("Import without the refused row").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("saved as version 1").wait_for()

    page.get_by_role("link", name="Edit the mapping").click()
    page.get_by_role("button", name="Start the mapping").click()
    page.get_by_role("button", name="Accept the chosen suggestions").click()
    page.get_by_text("added to the draft").wait_for()
    rules = {
        rule.section_code: rule.field_id for rule in spec_of(draft_of(Template.objects.get(code="KNEE-VISIT"))).rules
    }
    assert rules["chief_complaint"] == "K1"
    assert rules["history_of_present_illness"] == "K2"
    assert rules["assessment"] == "K4"
    assert rules["plan"] == "K5"

    choose(page)
    page.get_by_text("Unchanged").wait_for()  # the columns were not asked about again
