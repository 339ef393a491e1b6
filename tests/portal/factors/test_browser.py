"""The second factor and emergency access as they look, on a telephone and on a desk."""

import pytest
from django.db import transaction
from django.urls import reverse

from portal.factors import emergency
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.portal.factors.conftest import code_for, set_up

pytestmark = pytest.mark.browser


def looked_at(page, name):
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert_fits(page)
        photograph(page, f"{name}-{width}")
    assert_accessible(page)


def test_a_second_factor_is_set_up_and_asked_for(page, cast):
    page.goto(reverse("portal:sign-in"))
    page.get_by_label("User name").fill("dana")
    page.get_by_label("Password").fill("correct-horse-battery")
    page.get_by_role("button", name="Sign in").click()
    page.goto(reverse("portal:second-factor"))
    page.get_by_role("button", name="Set up a second factor").click()
    page.get_by_role("img", name="QR code").wait_for()
    looked_at(page, "factor")
    page.get_by_label("Code").fill(code_for(cast.dana))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    looked_at(page, "recovery-codes")
    code = page.locator("li code").first.inner_text()
    page.locator("summary", has_text="Account of").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("User name").fill("dana")
    page.get_by_label("Password").fill("correct-horse-battery")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="One more step").wait_for()
    looked_at(page, "second-step")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{reverse('portal:home')}")


def test_an_emergency_is_opened_and_told(page, sign_in, cast, settings):
    settings.OPENID_ISSUER, settings.OPENID_REQUIRED = "https://login.example.org", True
    set_up(cast.omar)
    page.goto(reverse("portal:emergency"))
    looked_at(page, "emergency")
    with transaction.atomic():
        emergency.open_for(cast.omar, "Service away, results to be filed")
    sign_in(cast.dana)
    page.goto(reverse("portal:home"))
    page.get_by_text("omar opened an emergency access").wait_for()
    looked_at(page, "emergency-told")
    page.get_by_role("button", name="I have looked at it").click()
    page.get_by_text("Noted that you have looked at it.").wait_for()
    page.goto(reverse("portal:sign-in-settings"))
    looked_at(page, "sign-in-settings")
