"""The pages in a real browser: signing in, light and dark, phone widths, keyboard, and axe over everything."""

import re

import pytest
from django.urls import reverse

from portal import agreements, keys, locations
from portal.agreements import Terms
from tests.browsing import assert_accessible, looks_wrong

pytestmark = pytest.mark.browser
# name -> what stands in its address; pages of later days have browser tests of their own (factors, openid, audit)
PAGES = {
    **dict.fromkeys(("home", "password", "connections", "settings", "location-new", "scribes", "agreements"), ()),
    **dict.fromkeys(("people", "person-new"), ()),
    "connection-new": ("hl7",),
    "connection": ("connection",),
    "connection-edit": ("connection",),
    "location": ("code",),
    "key-new": ("scribe",),
    "person": ("person",),
}


@pytest.fixture
def addresses(live_portal, cast):
    """Every page of the portal, with something on it."""
    keys.create(cast.scribe, "sandbox", locations=[cast.north])
    agreements.record_agreement(cast.practice, Terms("baa_ecw", "eClinicalWorks", agreements.today_at(cast.north)))
    locations.create(
        cast.practice, "EAST", "East Clinic of a rather long name, Building 4", "production", "America/Chicago"
    )
    named = {"connection": cast.hl7.pk, "code": "EAST", "scribe": cast.scribe.pk, "person": cast.omar.pk}
    return {
        name: reverse(f"portal:{name}", args=[named.get(argument, argument) for argument in arguments])
        for name, arguments in PAGES.items()
    }


def background(page):
    """How light the page's ground is, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) // 3


def test_a_person_signs_in_through_the_form_and_out_again(page, cast):
    page.goto("/connections/")
    page.get_by_label("User name").fill("dana")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert "User name or password is wrong." in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Password").input_value() == ""
    page.get_by_label("Password").fill("correct-horse-battery")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/connections/")
    page.locator(".bar-end summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.goto("/")
    assert "/sign-in/" in page.url


@pytest.mark.slow
def test_every_page_fits_every_width_and_axe_finds_nothing(page, sign_in, cast, addresses):
    page.goto("/sign-in/")
    found = looks_wrong(page)
    sign_in(cast.dana)
    for url in addresses.values():
        page.goto(url)
        found += looks_wrong(page, between=[768])
    assert found == []


def test_axe_finds_nothing_on_a_form_with_mistakes_an_open_menu_and_a_missing_page(page, sign_in, cast, troubles):
    sign_in(cast.dana)
    page.goto("/connections/new/hl7/")
    page.get_by_role("button", name="Create connection").click()
    page.locator(".bar-end summary").click()
    assert_accessible(page)
    troubles.expect("404")
    page.goto("/nowhere/")
    assert_accessible(page)


def test_dark_and_light_follow_the_system_until_somebody_chooses(page, sign_in, cast):
    sign_in(cast.dana)
    page.emulate_media(color_scheme="dark")
    page.goto("/")
    assert background(page) < 60
    page.emulate_media(color_scheme="light")
    assert background(page) > 200
    page.locator(".bar-end summary").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_load_state()
    assert background(page) < 60
    page.goto("/connections/")
    assert background(page) < 60


def test_on_a_phone_the_menu_opens_and_leads_on(page, sign_in, cast):
    sign_in(cast.dana)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    assert not page.get_by_role("link", name="Connections").is_visible()
    page.get_by_label("Menu").click()
    page.get_by_role("link", name="Connections").click()
    page.wait_for_url("**/connections/")


def test_the_keyboard_reaches_the_content_first_and_closes_menus(page, sign_in, cast):
    sign_in(cast.dana)
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    menu = page.locator(".bar-end .menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    assert menu.evaluate("menu => menu.open")
    page.keyboard.press("Escape")
    assert not menu.evaluate("menu => menu.open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_choosing_a_location_shows_it_alone(page, sign_in, cast):
    sign_in(cast.dana)
    page.goto("/")
    assert page.locator("section.card").count() == 2
    page.locator(".bar > .menu").nth(1).locator("summary").click()
    page.locator(".bar > .menu").nth(1).get_by_role("link", name="South Clinic").click()
    page.wait_for_url("**location=SOUTH")
    assert page.locator("section.card h2").all_inner_texts() == ["South Clinic"]


def test_what_is_said_to_have_focus_can_be_seen_to(page, sign_in, cast):
    sign_in(cast.dana)
    page.goto("/connections/")
    for _ in range(6):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none"


def test_a_key_is_made_shown_and_gone(page, sign_in, cast):
    sign_in(cast.dana)
    page.goto(f"/settings/scribes/{cast.scribe.pk}/keys/new/")
    page.get_by_role("button", name="Make key").click()
    bearer = page.locator(".secret code").inner_text()
    assert keys.authenticate(bearer) is not None
    page.get_by_role("link", name="I have copied it").click()
    assert bearer.partition("_")[2] not in page.content()
    assert bearer[:12] in page.content()
