"""Every page of the portal for every role: opened, refused, or not there; and what no page shows."""

import hashlib
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from portal import agreements, keys
from portal.agreements import Terms
from portal.forms.scribes import KeyForm, in_a_year
from portal.models import Membership, Role, User
from portal.views.urls import urlpatterns

# name -> (what stands in its address, who opens it); everybody else of the practice is refused
EVERYBODY = {"dana", "mel", "omar", "ava"}
PAGES = {
    "home": ((), EVERYBODY),
    "password": ((), EVERYBODY),
    "connections": ((), {"dana", "omar", "ava"}),
    "connection-new": (("hl7",), {"dana"}),
    "connection": (("connection",), {"dana", "omar", "ava"}),
    "connection-edit": (("connection",), {"dana"}),
    "settings": ((), {"dana"}),
    "location-new": ((), {"dana"}),
    "location": (("code",), {"dana"}),
    "scribes": ((), {"dana"}),
    "key-new": (("scribe",), {"dana"}),
    "agreements": ((), {"dana"}),
    "people": ((), {"dana"}),
    "person-new": ((), {"dana"}),
    "person": (("person",), {"dana"}),
}
DEEDS = {
    "routes": ("code",),
    "location-lock": ("code", "lock"),
    "key-revoke": ("key",),
    "agreement-end": ("agreement",),
    "role-revoke": ("person", "membership"),
    "account": ("person", "disable"),
}
OPEN_TO_ALL = {"healthz", "readyz", "sign-in", "sign-out", "appearance"}
# Pages of their own practice, which a director elsewhere opens as well.
OWN = {
    "home",
    "password",
    "connections",
    "connection-new",
    "settings",
    "location-new",
    "scribes",
    "agreements",
    "people",
    "person-new",
}


# These have tests of their own: tests/portal/exports, openid, factors, test_retention_pages.py, test_partner.py.
# (Every address, these too, is asked for by every role in tests/structure/test_doors.py.)
TESTED_ELSEWHERE = {
    "emergency",
    "emergency-review",
    "export",
    "export-cancel",
    "export-file",
    "group-remove",
    "hold-lift",
    "openid",
    "openid-callback",
    "partner",
    "partner-file",
    "partner-step",
    "purge-ask",
    "purge-decide",
    "retention",
    "retention-years",
    "second-factor",
    "second-step",
    "sign-in-settings",
}


@pytest.fixture
def things(cast):
    """One of everything that has an address, by the name used above."""
    key, bearer = keys.create(cast.scribe, "sandbox")
    terms = Terms("baa_ecw", "eClinicalWorks", date(2026, 1, 1))
    return {
        "connection": cast.hl7.pk,
        "code": "SOUTH",
        "scribe": cast.scribe.pk,
        "key": key.pk,
        "bearer": bearer,
        "agreement": agreements.record_agreement(cast.practice, terms).pk,
        "person": cast.omar.pk,
        "membership": cast.omar.memberships.get().pk,
    }


def address(name, arguments, things):
    return reverse(f"portal:{name}", args=[things.get(argument, argument) for argument in arguments])


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def test_no_page_is_forgotten_here():
    """Pages of the audit log have a matrix of their own."""
    listed = PAGES.keys() | DEEDS.keys() | OPEN_TO_ALL | TESTED_ELSEWHERE
    named = {pattern.name for pattern in urlpatterns if not pattern.name.startswith("audit")}
    assert named == listed


@pytest.mark.parametrize("name", PAGES)
def test_each_page_opens_for_its_roles_and_is_refused_to_others(cast, things, name):
    arguments, allowed = PAGES[name]
    url = address(name, arguments, things)
    for who in EVERYBODY:
        expected = {200} if who in allowed else {403, 404}
        assert signed_in(getattr(cast, who)).get(url).status_code in expected, who
    assert Client().get(url).url.startswith(reverse("portal:sign-in"))


@pytest.mark.parametrize("name", sorted(PAGES.keys() - OWN))
def test_a_strangers_page_is_not_there(cast, things, name):
    url = address(name, PAGES[name][0], things)
    assert signed_in(cast.sam).get(url).status_code == 404
    assert signed_in(cast.sam).post(url, {}).status_code == 404


@pytest.mark.parametrize("name", DEEDS)
def test_a_deed_is_refused_to_other_roles_and_not_there_for_strangers(cast, things, name):
    url = address(name, DEEDS[name], things)
    for who, expected in [("sam", {404}), ("mel", {403, 404}), ("omar", {403, 404}), ("ava", {403, 404})]:
        assert signed_in(getattr(cast, who)).post(url, {"reason": "x"}).status_code in expected, who
    assert signed_in(cast.dana).get(url).status_code == 405


def test_refusals_are_recorded_with_who_and_where(cast, things):
    signed_in(cast.omar).get(reverse("portal:people"))
    event = AuditEvent.objects.get(event="authz.denied")
    assert (event.actor_id, event.detail) == (str(cast.omar.pk), {"route": "portal:people", "role": "director"})


def test_a_director_of_one_location_reaches_its_settings_and_nothing_of_the_practice(cast, things):
    nora = User.objects.create_user("nora", password="correct-horse-battery")
    Membership.objects.create(user=nora, practice=cast.practice, location=cast.north, role=Role.DIRECTOR)
    client = signed_in(nora)
    assert client.get(reverse("portal:settings")).status_code == 200
    assert "South Clinic" not in client.get(reverse("portal:settings")).content.decode()
    assert client.get(reverse("portal:location", args=["NORTH"])).status_code == 200
    assert client.get(reverse("portal:location", args=["SOUTH"])).status_code == 404
    for name in ("people", "scribes", "agreements", "location-new"):
        assert client.get(reverse(f"portal:{name}")).status_code == 403


@pytest.mark.parametrize(
    "who, sees",
    [
        ("dana", {"Overview", "Connections", "Settings"}),
        ("omar", {"Overview", "Connections"}),
        ("ava", {"Overview", "Connections"}),
        ("mel", {"Overview"}),
    ],
)
def test_the_menu_shows_what_the_role_opens(cast, who, sees):
    menu = {link.label for link in signed_in(getattr(cast, who)).get(reverse("portal:home")).context["menu"]}
    ours = {"Overview", "Connections", "Settings"}
    assert menu & ours == sees


def test_somebody_without_any_role_finds_an_empty_overview_that_says_whom_to_ask(db):
    nobody = User.objects.create_user("nobody", password="correct-horse-battery")
    page = signed_in(nobody).get(reverse("portal:home")).content.decode()
    assert "No location is open to you" in page
    assert "Ask the IT director" in page


def test_S21_no_page_contains_a_secret(cast, things):
    client = signed_in(cast.dana)
    secrets = [things["bearer"], things["bearer"].partition("_")[2], "sandbox-token", cast.omar.password]
    for name, (arguments, _) in PAGES.items():
        shown = client.get(address(name, arguments, things)).content.decode()
        assert not [secret for secret in secrets if secret in shown], name


def test_no_title_or_address_names_a_person(cast, things):
    User.objects.filter(pk=cast.omar.pk).update(first_name="Omar", last_name="Haddad")
    page = signed_in(cast.dana).get(reverse("portal:person", args=[cast.omar.pk])).content.decode()
    title = page[page.index("<title>") : page.index("</title>")]
    assert "Haddad" not in title
    assert "Haddad" in page


@pytest.mark.parametrize("name", PAGES)
def test_S18_no_page_carries_inline_styles_or_scripts(cast, things, name):
    page = signed_in(cast.dana).get(address(name, PAGES[name][0], things)).content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert " onclick=" not in page
    assert all("src=" in tag for tag in page.split("<script")[1:])


def test_the_location_in_the_address_wins_and_is_remembered(cast):
    client = signed_in(cast.dana)
    home = reverse("portal:home")
    assert [card.location.code for card in client.get(home).context["cards"]] == ["NORTH", "SOUTH"]
    assert [card.location.code for card in client.get(f"{home}?location=SOUTH").context["cards"]] == ["SOUTH"]
    assert [card.location.code for card in client.get(home).context["cards"]] == ["SOUTH"]
    assert len(client.get(f"{home}?location=all").context["cards"]) == 2
    assert len(client.get(home).context["cards"]) == 2


@pytest.mark.parametrize("code", ["SOUTH", "NOWHERE", "' OR 1=1"])
def test_a_location_that_is_not_theirs_is_not_there(cast, code):
    client = signed_in(cast.omar)
    assert client.get(reverse("portal:home"), {"location": code}).status_code == 404
    assert [card.location.code for card in client.get(reverse("portal:home")).context["cards"]] == ["NORTH"]


def test_a_remembered_location_that_was_lost_is_forgotten(cast):
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.south, role=Role.CLINICIAN)
    client = signed_in(cast.omar)
    client.get(reverse("portal:home"), {"location": "SOUTH"})
    Membership.objects.filter(user=cast.omar, location=cast.south).delete()
    assert [card.location.code for card in client.get(reverse("portal:home")).context["cards"]] == ["NORTH"]


@pytest.mark.parametrize(
    "north, south, badge",
    [("sandbox", "sandbox", "sandbox"), ("production", "sandbox", "mixed"), ("production", "production", "production")],
)
def test_the_badge_names_the_environment_of_what_is_in_view(cast, north, south, badge):
    for location, environment in ((cast.north, north), (cast.south, south)):
        location.environment = environment
        location.save()
    assert signed_in(cast.dana).get(reverse("portal:home")).context["selection"].environment == badge


@pytest.mark.parametrize("theme, kept", [("dark", "dark"), ("light", "light"), ("auto", "auto"), ("<script>", "auto")])
def test_light_or_dark_is_kept_in_a_cookie(cast, theme, kept):
    client = signed_in(cast.dana)
    answer = client.post(reverse("portal:appearance"), {"theme": theme, "next": reverse("portal:connections")})
    assert answer.url == reverse("portal:connections")
    assert f'data-theme="{kept}"' in client.get(reverse("portal:home")).content.decode()


def test_a_key_is_shown_once_and_never_again(cast, things):
    client = signed_in(cast.dana)
    data = {"environment": "sandbox", "scopes": ["notes:write"], "expires_on": "2099-01-01"}
    url = reverse("portal:key-new", args=[cast.scribe.pk])
    assert client.post(url, data).context["form"].errors["expires_on"]
    made = client.post(url, {**data, "expires_on": in_a_year().isoformat(), "locations": [cast.north.pk]})
    bearer = made.context["bearer"]
    assert keys.authenticate(bearer).scribe == cast.scribe
    assert made.headers["Cache-Control"] == "no-store"
    assert bearer not in client.get(reverse("portal:scribes")).content.decode()


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["notes:delete"]}, "scopes"),
        ({"environment": "production"}, "locations"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"expires_on": ""}, "expires_on"),
    ],
)
def test_a_key_that_would_not_do_is_refused(cast, changes, field):
    data = {
        "environment": "sandbox",
        "scopes": ["notes:write"],
        "locations": [cast.north.pk],
        "expires_on": in_a_year().isoformat(),
    }
    assert KeyForm(cast.practice, {**data, **changes}).errors[field]


def test_a_key_names_no_location_of_another_practice(cast):
    assert KeyForm(cast.practice, {"locations": [cast.elsewhere.pk]}).errors["locations"]


def test_an_agreement_is_recorded_with_its_documents_fingerprint_and_ended(cast):
    client = signed_in(cast.dana)
    data = {"kind": "baa_scribe", "scribe": cast.scribe.pk, "party": "Murmur, Inc.", "signed_on": "2026-02-01"}
    document = SimpleUploadedFile("baa.pdf", b"%PDF-1.7 signed")
    client.post(reverse("portal:agreements"), {**data, "document": document})
    agreement = cast.practice.agreements.get()
    assert agreement.document_sha256 == hashlib.sha256(b"%PDF-1.7 signed").hexdigest()
    client.post(reverse("portal:agreement-end", args=[agreement.pk]))
    assert not agreements.in_force(cast.practice.pk, agreements.today_at(cast.north)).exists()
    assert AuditEvent.objects.filter(event="agreement.end").count() == 1


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"scribe": ""}, "scribe"),
        ({"kind": "handshake"}, "kind"),
        ({"party": ""}, "party"),
        ({"signed_on": "yesterday"}, "signed_on"),
        ({"expires_on": "2025-12-31"}, "expires_on"),
    ],
)
def test_an_agreement_that_would_not_do_is_refused(cast, changes, field):
    data = {"kind": "baa_scribe", "scribe": cast.scribe.pk, "party": "M", "signed_on": "2026-02-01", **changes}
    answer = signed_in(cast.dana).post(reverse("portal:agreements"), data)
    assert answer.context["form"].errors[field]


def test_a_scribe_is_listed_once(cast):
    client = signed_in(cast.dana)
    client.post(reverse("portal:scribes"), {"name": "Whisper"})
    assert client.post(reverse("portal:scribes"), {"name": "whisper"}).context["form"].errors["name"]
    assert cast.practice.scribes.filter(name__iexact="whisper").count() == 1
    assert AuditEvent.objects.filter(event="scribe.create").count() == 1
