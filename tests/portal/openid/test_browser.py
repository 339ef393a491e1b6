"""The whole way in a real browser, against a provider that has not read our code (npm `oidc-provider`)."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from portal.models import User
from portal.openid import provider
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.needs import missing
from tests.portal.openid.conftest import BACKENDS, METHODS
from tests.portal.openid.forging import CLIENT, SECRET

pytestmark = pytest.mark.browser
PEERS = Path(__file__).resolve().parents[2] / "peers"


@pytest.fixture(params=["RS256", "ES256"])
def issuer(request, live_portal, settings):
    """A running provider whose tokens are signed so, and the portal set up with it."""
    program = shutil.which("node")
    if program is None or not (PEERS / "node_modules/oidc-provider").is_dir():
        missing("no Node on the path, or no packages: run `npm ci` in tests/peers")
    command = [program, "openid.mjs", live_portal, request.param]
    process = subprocess.Popen(command, cwd=PEERS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = process.stdout.readline()
    assert said, "the provider ended"
    settings.OPENID_ISSUER = f"http://127.0.0.1:{json.loads(said)['port']}"
    settings.OPENID_CLIENT_ID, settings.OPENID_CLIENT_SECRET = CLIENT, SECRET
    settings.AUTHENTICATION_BACKENDS, settings.SIGN_IN_METHODS = BACKENDS, METHODS
    provider.forget()
    yield settings.OPENID_ISSUER
    process.kill()
    process.communicate()
    provider.forget()


@pytest.fixture
def at(browser, live_portal, issuer, operators):
    """A page of a fresh profile that may talk to the portal and to the provider."""
    context = browser.new_context(base_url=live_portal, viewport={"width": 390, "height": 844})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def sign_in_there(page, name):
    page.goto(reverse("portal:sign-in"))
    page.get_by_role("link", name="The clinic's account").click()
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name=re.compile("sign-in", re.IGNORECASE)).click()
    page.get_by_role("button", name=re.compile("continue", re.IGNORECASE)).click()


def test_somebody_signs_in_by_the_provider_and_out_of_both(at, issuer):
    at.goto(reverse("portal:sign-in"))
    assert_fits(at)
    assert_accessible(at)
    photograph(at, "sign-in")
    sign_in_there(at, "olga")
    at.wait_for_url(re.compile(f"{re.escape(reverse('portal:home'))}$"))
    user = User.objects.get(oidc_issuer=issuer, oidc_subject="olga")
    assert list(user.memberships.values_list("role", "location__code")) == [("operator", "NORTH")]
    assert AuditEvent.objects.get(event="auth.login.ok").auth_method == "openid"
    at.locator("summary", has_text="Account of").click()
    at.get_by_role("button", name="Sign out").click()
    at.get_by_role("button", name=re.compile("yes, sign me out", re.IGNORECASE)).click()
    at.wait_for_url(re.compile(re.escape(reverse("portal:sign-in"))))
    at.goto(reverse("portal:home"))
    assert reverse("portal:sign-in") in at.url
    at.get_by_role("link", name="The clinic's account").click()
    at.locator("input[name=login]").wait_for()  # there, too, the session is over


@pytest.mark.parametrize("issuer", ["ES256"], indirect=True)  # how it is signed was looked at above
def test_somebody_without_a_group_is_told_so_and_stays_out(at):
    sign_in_there(at, "nora")
    at.get_by_role("heading", name="Your account has no role here").wait_for()
    assert_fits(at)
    assert_accessible(at)
    photograph(at, "sign-in-refused")
    at.goto(reverse("portal:home"))
    assert reverse("portal:sign-in") in at.url
    assert not User.objects.exclude(oidc_subject="").exists()
