"""What no page of the portal shows or does by being looked at; what each location, role and person finds there."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from audit.record import record
from portal import agreements, keys
from portal.forms.scribes import KeyForm, in_a_year
from portal.models import Membership, Role, User
from portal.views.urls import urlpatterns
from tests.delivery.rows import make_delivery
from tests.structure.test_audited_views import VISITS, World

ROUTES = {f"portal:{pattern.name}" for pattern in urlpatterns}
# Who opens each of them, and that strangers find none of them, is asked in tests/structure/test_doors.py.
PAGES = sorted(route for route in ROUTES if any(visit.post is None for visit in VISITS[route]))
DEEDS = sorted(ROUTES - set(PAGES))
# What is there only with a sign-in service; tests/portal/openid and factors look at it then.
NOT_THERE = {"portal:openid", "portal:openid-callback", "portal:emergency"}


@pytest.fixture
def world(cast):
    delivery = make_delivery(cast)
    event = record("note.view", practice="lakeside", location="NORTH", subject_bidx=delivery.note_version.patient_bidx)
    return World(cast, delivery, event)


def asked(world, visit, route):
    """What is answered to looking at an address, status and text; whatever was made for it is taken back."""
    client = Client() if visit.who == "nobody" else signed_in(getattr(world.cast, visit.who))
    with transaction.atomic():
        answer = client.get(reverse(route, args=visit.args(world)), visit.query)
        shown = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    return answer.status_code, shown.decode()


def seen(world, route):
    """What the address shows to whom it opens: a page, or a file."""
    status, shown = asked(world, next(visit for visit in VISITS[route] if visit.post is None), route)
    assert status in ({404} if route in NOT_THERE else {200, 302, 422}), (route, shown[:300])
    return shown


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.alike
@pytest.mark.parametrize("route", DEEDS)
def test_a_deed_is_not_done_by_looking(world, route):
    assert {asked(world, visit, route)[0] for visit in VISITS[route]} == {405}


def test_refusals_are_recorded_with_who_and_where(cast):
    signed_in(cast.omar).get(reverse("portal:people"))
    event = AuditEvent.objects.get(event="authz.denied")
    assert (event.actor_id, event.detail) == (str(cast.omar.pk), {"route": "portal:people", "role": "director"})


def test_a_director_of_one_location_reaches_its_settings_and_nothing_of_the_practice(cast):
    nora = User.objects.create_user("nora", password="correct-horse-battery")
    Membership.objects.create(user=nora, practice=cast.practice, location=cast.north, role=Role.DIRECTOR)
    client = signed_in(nora)
    assert client.get(reverse("portal:settings")).status_code == 200
    assert "South Clinic" not in client.get(reverse("portal:settings")).content.decode()
    assert client.get(reverse("portal:location", args=["NORTH"])).status_code == 200
    assert client.get(reverse("portal:location", args=["SOUTH"])).status_code == 404
    for name in ("people", "scribes", "agreements", "location-new"):
        assert client.get(reverse(f"portal:{name}")).status_code == 403


@pytest.mark.alike
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


@pytest.mark.alike
def test_S18_S21_no_page_contains_a_secret_or_carries_inline_styles_or_scripts(world):
    cast = world.cast
    _, bearer = keys.create(cast.scribe, "sandbox")
    secrets = [bearer, bearer.partition("_")[2], "sandbox-token", cast.omar.password]
    for route in PAGES:
        page = seen(world, route)
        assert not [secret for secret in secrets if secret in page], route
        assert " style=" not in page, route
        assert "<style" not in page, route
        assert " onclick=" not in page, route
        assert all("src=" in tag and " nonce=" in tag for tag in page.split("<script")[1:]), route


def test_no_title_or_address_names_a_person(cast):
    User.objects.filter(pk=cast.omar.pk).update(first_name="Omar", last_name="Haddad")
    page = signed_in(cast.dana).get(reverse("portal:person", args=[cast.omar.pk])).content.decode()
    title = page[page.index("<title>") : page.index("</title>")]
    assert "Haddad" not in title
    assert "Haddad" in page


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


@pytest.mark.alike
@pytest.mark.parametrize("theme, kept", [("dark", "dark"), ("light", "light"), ("auto", "auto"), ("<script>", "auto")])
def test_light_or_dark_is_kept_in_a_cookie(cast, theme, kept):
    client = signed_in(cast.dana)
    answer = client.post(reverse("portal:appearance"), {"theme": theme, "next": reverse("portal:connections")})
    assert answer.url == reverse("portal:connections")
    assert f'data-theme="{kept}"' in client.get(reverse("portal:home")).content.decode()


def test_a_key_is_shown_once_and_never_again(cast):
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
