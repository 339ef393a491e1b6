"""What every answer carries to the browser: headers and cookies, each written out, on each kind of page."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from portal.context import THEME_COOKIE
from tests.processes import ROOT

pytestmark = pytest.mark.alike  # no header knows the database

POLICY = (
    "default-src 'none'; script-src; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
NONCE = re.compile(r" 'nonce-[A-Za-z0-9+/]{22}=='")  # 128 random bits
WITH_SCRIPTS = {"a page", "the sign-in page", "nothing there", "a refusal", "an unsigned form"}
PASSWORD = {"username": "dana", "password": "correct-horse-battery"}


@pytest.fixture
def signed_in(cast):
    client = Client()
    client.force_login(cast.dana)
    return client


def page(kind: str, signed_in):
    """One answer of each kind."""
    stranger = Client()
    return {
        "a page": lambda: signed_in.get(reverse("portal:home")),
        "the sign-in page": lambda: stranger.get(reverse("portal:sign-in")),
        "a way to the sign-in page": lambda: stranger.get(reverse("portal:home")),
        "nothing there": lambda: signed_in.get("/nowhere"),
        "a refusal": lambda: refused(signed_in),
        "an unsigned form": lambda: Client(enforce_csrf_checks=True).post(reverse("portal:sign-in"), PASSWORD),
        "the api": lambda: stranger.get("/api/v1/notes?source_note_id=x"),
        "health": lambda: stranger.get("/healthz"),
        "an export": lambda: signed_in.get(reverse("portal:audit-export")),
    }[kind]()


def refused(client):
    answer = client.post("/deliveries/recovery/leave/")
    assert answer.status_code == 403
    return answer


KINDS = [
    "a page",
    "the sign-in page",
    "a way to the sign-in page",
    "nothing there",
    "a refusal",
    "an unsigned form",
    "the api",
    "health",
    "an export",
]


def test_every_script_that_a_template_names_bears_the_nonce():
    tags = [
        tag for path in (ROOT / "templates").rglob("*.html") for tag in re.findall(r"<script[^>]*>", path.read_text())
    ]
    assert len(tags) > 5
    assert [tag for tag in tags if 'nonce="{{ csp_nonce }}"' not in tag] == []


def test_a_nonce_is_never_used_twice(signed_in):
    policies = {page("a page", signed_in).headers["Content-Security-Policy"] for _ in range(3)}
    assert len(policies) == 3


@pytest.mark.parametrize("kind", sorted(WITH_SCRIPTS))
def test_every_script_of_a_page_bears_the_nonce_of_its_policy(signed_in, kind):
    answer = page(kind, signed_in)
    (nonce,) = re.findall(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
    tags = re.findall(r"<script[^>]*>", answer.content.decode())
    assert tags
    assert all(f'nonce="{nonce}"' in tag and " src=" in tag for tag in tags)


@pytest.mark.parametrize("kind", KINDS)
class TestEveryAnswer:
    def test_may_not_be_kept_framed_reinterpreted_or_opened_from_elsewhere_and_names_no_software(self, signed_in, kind):
        """Its address is told to no other site, and its window is its own."""
        headers = page(kind, signed_in).headers
        wanted = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        assert {name: headers.get(name) for name in wanted} == wanted
        assert not {"Server", "X-Powered-By"} & set(headers)

    def test_has_the_policy(self, signed_in, kind):
        given, nonces = NONCE.subn("", page(kind, signed_in).headers["Content-Security-Policy"])
        assert sorted(given.split("; ")) == sorted(POLICY.split("; "))
        assert nonces == (kind in WITH_SCRIPTS)


class TestCookies:
    def morsel(self, name: str, client: Client):
        return client.cookies[name]

    def signing_in(self, cast) -> Client:
        client = Client()
        assert client.post(reverse("portal:sign-in"), PASSWORD).status_code == 302
        return client

    def test_of_the_session_are_out_of_every_scripts_reach(self, cast):
        cookie = self.morsel(settings.SESSION_COOKIE_NAME, self.signing_in(cast))
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")

    def test_of_the_session_end_with_the_working_day(self, cast):
        cookie = self.morsel(settings.SESSION_COOKIE_NAME, self.signing_in(cast))
        assert cookie["max-age"] == 12 * 3600

    def test_of_the_session_are_new_after_signing_in(self, cast):
        client = Client()
        client.get(reverse("portal:sign-in"))
        client.session.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = "planted0planted0planted0planted0"
        client.post(reverse("portal:sign-in"), PASSWORD)
        assert client.cookies[settings.SESSION_COOKIE_NAME].value != "planted0planted0planted0planted0"

    def test_of_the_session_are_new_at_each_sign_in(self, cast):
        one, other = self.signing_in(cast), self.signing_in(cast)
        name = settings.SESSION_COOKIE_NAME
        assert one.cookies[name].value != other.cookies[name].value

    def test_of_the_device_last_a_month(self, cast):
        cookie = self.morsel("device", self.signing_in(cast))
        assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (30 * 86400, True, "Lax")

    def test_of_the_appearance_last_a_year_and_name_nobody(self, cast):
        client = Client()
        client.post(reverse("portal:appearance"), {"theme": "dark"})
        cookie = self.morsel(THEME_COOKIE, client)
        assert (cookie.value, cookie["max-age"], cookie["httponly"]) == ("dark", 31536000, True)

    def test_of_the_appearance_take_no_word_from_outside(self, cast):
        client = Client()
        client.post(reverse("portal:appearance"), {"theme": "dark; Domain=evil.example"})
        assert THEME_COOKIE not in client.cookies

    def test_are_gone_after_signing_out(self, cast):
        client = self.signing_in(cast)
        client.post(reverse("portal:sign-out"))
        assert client.cookies[settings.SESSION_COOKIE_NAME].value == ""
        assert client.get(reverse("portal:home")).status_code == 302

    def test_are_not_set_by_the_api(self, cast):
        client = Client()
        client.get("/api/v1/notes?source_note_id=x")
        client.post("/api/v1/notes", "{}", content_type="application/json")
        assert dict(client.cookies) == {}

    def test_are_not_set_by_the_health_check(self, db):
        client = Client()
        client.get("/healthz")
        assert dict(client.cookies) == {}


class TestAddresses:
    def test_signing_out_is_no_link(self, signed_in):
        """A picture on another site must not sign anybody out."""
        assert signed_in.get(reverse("portal:sign-out")).status_code == 405

    @pytest.mark.parametrize(
        "onward",
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "\\\\evil.example"],
    )
    def test_nobody_is_sent_away_after_choosing_an_appearance(self, db, onward):
        answer = Client().post(reverse("portal:appearance"), {"theme": "dark", "next": onward})
        assert answer.headers["Location"] == reverse("portal:home")

    def test_one_stays_on_the_page_where_one_chose_an_appearance(self, db):
        answer = Client().post(reverse("portal:appearance"), {"theme": "dark", "next": "/settings/people/?x=1"})
        assert answer.headers["Location"] == "/settings/people/?x=1"

    @pytest.mark.parametrize("where", ["/?q=a%00b", "/settings/%00/", "/deliveries/?search=%00"])
    def test_a_nul_is_refused_before_any_query(self, signed_in, where):
        assert signed_in.get(where).status_code in (400, 404)

    def test_a_nul_in_a_form_is_refused(self, cast):
        form = "username=da%00na&password=x"
        answer = Client().post(reverse("portal:sign-in"), form, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400

    def test_an_export_is_a_file_and_no_page(self, signed_in):
        answer = signed_in.get(reverse("portal:audit-export"))
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert re.fullmatch(
            r'attachment; filename="audit-lakeside-\d{4}-\d\d-\d\d-\d{6}\.csv"', answer.headers["Content-Disposition"]
        )
