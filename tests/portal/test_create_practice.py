"""The first steps of an installation."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from portal.models import Practice, User


def run(*arguments):
    out = StringIO()
    call_command("create_practice", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_first_director_signs_in_and_creates_the_first_location(db):
    made = run("hilltop", "Hilltop Clinic", "d.rivera")
    client = Client()
    data = {"username": "d.rivera", "password": made["one_time_password"]}
    assert client.post(reverse("portal:sign-in"), data).status_code == 302
    new = "a-much-newer-phrase"
    change = {"old_password": made["one_time_password"], "new_password1": new, "new_password2": new}
    assert client.post(reverse("portal:password"), change).status_code == 302
    assert "Create the practice's first location" in client.get(reverse("portal:home")).content.decode()
    location = {"name": "North", "code": "NORTH", "environment": "sandbox", "time_zone": "America/New_York"}
    assert client.post(reverse("portal:location-new"), location).status_code == 302


def test_what_it_did_is_recorded_as_the_commands(db):
    run("hilltop", "Hilltop Clinic", "d.rivera")
    event = AuditEvent.objects.get(event="practice.create")
    assert (event.actor_type, event.practice) == ("command", "hilltop")
    assert AuditEvent.objects.filter(event="authz.user.create", practice="hilltop").count() == 1


@pytest.mark.parametrize(
    "arguments", [("lakeside", "Again", "new"), ("new", "New", "dana"), ("a b", "New", "new"), ("new", "New", "a b")]
)
def test_what_would_not_do_creates_nothing(cast, arguments):
    before = (Practice.objects.count(), User.objects.count())
    with pytest.raises(CommandError):
        run(*arguments)
    assert (Practice.objects.count(), User.objects.count()) == before


def test_without_json_the_password_stands_in_a_sentence(db):
    out = StringIO()
    call_command("create_practice", "hilltop", "Hilltop Clinic", "d.rivera", stdout=out)
    assert "d.rivera may sign in with " in out.getvalue()
