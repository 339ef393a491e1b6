"""A director's way through the pages in a real browser: import, map, publish."""

import pytest

from mapping.models import Template
from mapping.queries import published_spec
from tests.browsing import assert_looks_right

pytestmark = pytest.mark.browser

FILE = b"""Template: Knee Visit
Order;Field ID;Label;Type;Max Length;Required
1;K1;CC;Free text;500;yes
2;K2;HPI;Free text;6000;
3;K3;Meds;Structured;800;
4;K4;A/P;Free text;8000;
"""


def test_import_map_and_publish(cast, page, sign_in):
    sign_in(cast.mel)
    page.goto("/mapping/")
    page.get_by_role("link", name="Import a template").click()
    page.set_input_files("input[type=file]", {"name": "knee.csv", "mimeType": "text/csv", "buffer": FILE})
    page.get_by_role("button", name="Read the file").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Edit the mapping").click()
    page.get_by_role("button", name="Start the mapping").click()

    page.get_by_text("is required, and no section goes there").wait_for()
    page.get_by_label("Field for Chief complaint").select_option("K1")
    page.locator(".field-filled", has_text="Chief complaint").wait_for()
    page.get_by_label("Field for Plan", exact=True).select_option("K4")
    options = page.locator("#section-plan details")
    options.locator("summary").click()
    options.get_by_label("Prefix").fill("Plan: ")
    page.get_by_role("button", name="Save draft").first.click()
    page.get_by_text("Draft saved").wait_for()

    page.get_by_label("Reason for publishing").fill("pilot")
    page.get_by_role("button", name="Save and publish").click()
    page.get_by_text("Mapping 1 is in force").wait_for()
    rules = published_spec(Template.objects.get(code="KNEE-VISIT")).rules
    assert {(rule.section_code, rule.field_id, rule.prefix) for rule in rules} == {
        ("chief_complaint", "K1", ""),
        ("plan", "K4", "Plan: "),
    }


def test_the_pages_are_accessible_and_do_not_scroll_sideways(cast, page, sign_in):
    sign_in(cast.mel)
    template = cast.north_mapping.template
    page.goto("/mapping/")
    assert_looks_right(page)
    page.goto("/mapping/import/NORTH/")
    assert_looks_right(page)
    page.set_input_files("input[type=file]", {"name": "k.csv", "mimeType": "text/csv", "buffer": FILE + b"5;;X;;;\n"})
    page.get_by_role("button", name="Read the file").click()
    assert_looks_right(page)
    page.goto(f"/mapping/templates/{template.pk}/")
    assert_looks_right(page)
    page.goto(f"/mapping/templates/{template.pk}/mapping/")
    assert_looks_right(page)
    page.get_by_role("button", name="Edit as a draft").click()
    page.locator("#section-chief_complaint summary").click()
    page.get_by_label("Field for Plan", exact=True).select_option("")
    page.get_by_role("status").filter(has_text="5 sections mapped, 0 errors.").wait_for(state="attached")
    assert_looks_right(page, between=[1024])
