"""What people read when something does not work, and what supervisors are told."""

import logging
import re

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from audit.models import AuditEvent
from portal import access
from portal.models import Role, User
from portal.views import errors


def door(request, code):
    with transaction.atomic():
        User.objects.filter(pk=request.user.pk).update(first_name="Half done")
        access.location_for(request.user, code, Role.DIRECTOR)
    return HttpResponse("in")


@login_not_required
def breaks(request):
    raise RuntimeError("Okafor, Lena: a patient's name must not leave with an error")


def damaged(request):
    raise SuspiciousOperation("x")


urlpatterns = [
    path("door/<str:code>", door, name="door"),
    path("breaks", breaks),
    path("damaged", damaged),
    path("", include("portal.views.urls")),
]
handler403 = "portal.views.errors.refused"
handler500 = "portal.views.errors.broken"
ours = pytest.mark.urls("tests.portal.test_errors")


@ours
def test_the_wrong_role_is_told_which_role_would_do_and_the_refusal_is_recorded(client, cast):
    client.force_login(cast.omar)
    response = client.get("/door/NORTH")
    assert response.status_code == 403
    assert "IT director" in response.content.decode()
    event = AuditEvent.objects.get(event="authz.denied")
    assert (event.actor_id, event.practice, event.location, event.outcome) == (
        str(cast.omar.pk),
        "lakeside",
        "NORTH",
        "denied",
    )
    assert event.detail == {"route": "door", "role": "director"}
    cast.omar.refresh_from_db()
    assert cast.omar.first_name == ""


@ours
def test_a_stranger_gets_the_same_page_as_for_a_location_that_does_not_exist(client, cast):
    client.force_login(cast.sam)
    pages = [client.get(f"/door/{code}") for code in ("SOUTH", "NOWHERE")]
    assert [page.status_code for page in pages] == [404, 404]
    shown = [re.sub(r'(X-CSRFToken": |nonce=)"[^"]+"', "", page.content.decode()) for page in pages]
    assert shown[0] == shown[1]


@ours
def test_a_failure_shows_a_number_that_stands_in_the_log_and_no_content(cast, caplog):
    client = Client(raise_request_exception=False)
    with caplog.at_level(logging.ERROR, logger="portal.views.errors"):
        response = client.get("/breaks")
    page = response.content.decode()
    assert response.status_code == 500
    assert "Okafor" not in page
    line = next(entry.message for entry in caplog.records if entry.name == "portal.views.errors")
    assert line.rpartition(" ")[2] in page
    assert "Okafor" not in line


@pytest.mark.parametrize("page, answers", [(errors.broken, 500), (errors.keys_away, 503)])
def test_what_failed_to_load_can_be_asked_for_again_and_what_was_posted_cannot(rf, page, answers):
    asked, posted = page(rf.get("/deliveries/?state=held&x=<b>")), page(rf.post("/deliveries/"))
    assert (asked.status_code, posted.status_code) == (answers, answers)
    assert "Try again</a>" in asked.content.decode()
    assert 'href="/deliveries/?state=held&amp;x=' in asked.content.decode()
    assert "<b>" not in asked.content.decode()
    assert "Try again</a>" not in posted.content.decode()
    assert "Go to the overview" in posted.content.decode()


@ours
def test_a_damaged_request_is_answered_in_plain_words(client, cast):
    client.force_login(cast.dana)
    response = client.get("/damaged")
    assert response.status_code == 400
    assert "Nothing was changed" in response.content.decode()


def test_a_form_without_its_token_changes_nothing(cast):
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("portal:sign-in"), {"username": "dana", "password": "correct-horse-battery"})
    assert response.status_code == 403
    assert "out of date" in response.content.decode()
    assert not AuditEvent.objects.filter(event="auth.login.ok").exists()


def test_every_page_asks_for_a_person_and_may_not_be_kept(client, cast):
    for name in ("home", "password"):
        response = client.get(reverse(f"portal:{name}"))
        assert response.url.startswith(reverse("portal:sign-in"))
        assert response.headers["Cache-Control"] == "no-store"


def test_the_policy_of_every_page_allows_nothing_foreign_and_nothing_inline(client, cast):
    client.force_login(cast.dana)
    for url in (reverse("portal:home"), reverse("portal:password"), "/nowhere"):
        policy = client.get(url).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_health_is_told_without_signing_in_and_without_the_database(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_ready_means_migrated_with_a_database_and_a_broker(client, db):
    response = client.get("/readyz")
    assert response.json()["database"] == response.json()["migrations"] == "ok"
    assert response.json()["ready"] == (response.status_code == 200)


def test_a_database_that_is_behind_is_not_ready(client, db):
    MigrationRecorder.Migration.objects.filter(app="portal").order_by("pk").last().delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["migrations"] == "behind"


def test_a_broker_that_does_not_answer_is_not_ready(client, db, settings, monkeypatch):
    from portal.celery import app

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    # (the one for writing first: without one of its own it reads as the other, and would be kept as that)
    monkeypatch.setattr(app.conf, "broker_write_url", settings.REDIS_URL)
    monkeypatch.setattr(app.conf, "broker_url", settings.REDIS_URL)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["broker"] == "unreachable"
    assert "127.0.0.1" not in response.content.decode()


def test_a_broker_that_answers_is_ready(client, db, settings, monkeypatch, redis_url):
    from portal.celery import app

    settings.REDIS_URL = redis_url
    monkeypatch.setattr(app.conf, "broker_write_url", redis_url)
    monkeypatch.setattr(app.conf, "broker_url", redis_url)
    assert client.get("/readyz").json()["broker"] == "ok"
