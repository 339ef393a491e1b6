"""Events that belong to no practice: who reads them, and that nobody else does."""

import csv
import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from audit.context import Actor, acting
from audit.models import AuditEvent
from audit.record import record
from portal.models import Membership, Role, User
from portal.trail import reads_installation
from tests.cast import has_the_installation_alone

SEARCH = "/audit/"
OF = {"of": "installation"}


@pytest.fixture
def alone(cast):
    """Lakeside has the installation to itself."""
    has_the_installation_alone(cast)
    return cast


@pytest.fixture
def stray(db) -> AuditEvent:
    """A try to sign in by an account nobody knows."""
    with acting(Actor("anonymous", "", source_ip="203.0.113.9")):
        key = record("auth.login.fail", outcome="denied", object_type="unknown_account", object_id="f" * 32)
    return AuditEvent.objects.get(pk=key)


def told(client, **query) -> list[str]:
    return [row.event.event for row in client.get(SEARCH, query).context["rows"]]


@pytest.mark.parametrize("who", ["dana", "ava"])
def test_an_auditor_finds_the_sign_in_failures_of_unknown_accounts(client, alone, stray, who):
    client.force_login(getattr(alone, who))
    assert "auth.login.fail" not in told(client)
    assert told(client, **OF, event="auth.login.fail") == ["auth.login.fail"]
    page = client.get(reverse("portal:audit-event", args=[stray.pk])).content.decode()
    assert "203.0.113.9" in page
    assert "As it was written" in page


def test_looking_there_is_recorded_in_the_practices_own_log(client, alone, stray):
    client.force_login(alone.ava)
    told(client, **OF)
    look = AuditEvent.objects.get(event="audit.view")
    assert (look.practice, look.detail["filter"]) == ("lakeside", ["of=installation"])


def test_what_was_done_on_the_server_is_found_there(client, alone):
    with acting(Actor("command", "restore_audit_triggers")):
        record("audit.triggers_restored", detail={"table": "audit_auditevent", "faults": ["x is missing"]})
    client.force_login(alone.ava)
    assert told(client, **OF, who="command") == ["audit.triggers_restored"]


def test_it_is_exported_as_it_is_shown(client, alone, stray):
    client.force_login(alone.ava)
    response = client.get(reverse("portal:audit-export"), {**OF, "event": "auth."})
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode(), newline="")))
    assert [(row["id"], row["practice"]) for row in rows] == [(str(stray.pk), "")]


def test_the_choice_is_offered_to_those_alone_who_may_make_it(client, alone, stray):
    client.force_login(alone.ava)
    assert "The installation itself" in client.get(SEARCH).content.decode()
    nora = User.objects.create_user("nora")
    Membership.objects.create(user=nora, practice=alone.practice, location=alone.north, role=Role.AUDITOR)
    client.force_login(nora)
    assert "The installation itself" not in client.get(SEARCH).content.decode()
    assert told(client, **OF) == [], "the search cannot be made"
    assert client.get(reverse("portal:audit-event", args=[stray.pk])).status_code == 404


@pytest.mark.parametrize("who", ["dana", "ava", "sam"])
def test_where_practices_share_an_installation_none_reads_what_is_nobodys(client, cast, stray, who):
    """Who failed to sign in may be another practice's."""
    person = getattr(cast, who)
    assert not reads_installation(person)
    client.force_login(person)
    response = client.get(SEARCH, OF)
    assert "This search cannot be made" in response.content.decode()
    assert client.get(reverse("portal:audit-event", args=[stray.pk])).status_code == 404
    assert client.get(reverse("portal:audit-export"), OF).status_code == 302


@pytest.mark.parametrize("who", ["omar", "mel"])
def test_other_roles_do_not_read_it_either(client, alone, stray, who):
    client.force_login(getattr(alone, who))
    assert client.get(SEARCH, OF).status_code == 403


def shown(*arguments) -> str:
    out = io.StringIO()
    call_command("installation_log", *arguments, stdout=out)
    return out.getvalue()


def test_whoever_runs_the_server_reads_it_there(cast, stray):
    (line,) = [line for line in shown().splitlines() if "failed to sign in" in line]
    assert "denied" in line
    assert "203.0.113.9" in line
    assert line.startswith(f"{stray.at:%Y-%m-%dT%H:%M:%S}")


def test_the_command_shows_no_practices_events(cast, stray):
    record("note.view", practice="lakeside", location="NORTH")
    assert "viewed a note" not in shown()
    assert {event["event"] for event in json.loads(shown("--json"))["events"]} <= {
        "auth.login.fail",
        "config.change",
        "audit.view",
    }


def test_the_command_gives_one_json_object_with_the_newest_first(cast, stray):
    record("system.start", detail={"component": "worker"})
    events = json.loads(shown("--json", "--last", "2"))["events"]
    assert [event["event"] for event in events] == ["system.start", "auth.login.fail"]
    assert events[1]["source_ip"] == "203.0.113.9"
    assert events[0]["detail"] == {"component": "worker"}


def test_the_oldest_of_the_lines_comes_first_as_in_a_log_file(cast):
    for name in ("one", "two"):
        record("system.start", detail={"component": name})
    lines = shown("--last", "2").splitlines()
    assert [line.split()[-1] for line in lines] == ["one", "two"]


def test_the_commands_look_is_recorded(cast, stray):
    shown()
    look = AuditEvent.objects.get(event="audit.view")
    assert (look.actor_type, look.actor_id, look.practice) == ("command", "installation_log", "")


@pytest.mark.parametrize("last", ["0", "-5"])
def test_at_least_one_event_is_shown(db, stray, last):
    assert len(json.loads(shown("--json", "--last", last))["events"]) == 1


def test_a_replaced_password_stands_in_the_practices_log(client, cast):
    client.force_login(cast.omar)
    new = "a-much-newer-phrase"
    client.post(
        reverse("portal:password"),
        {"old_password": "correct-horse-battery", "new_password1": new, "new_password2": new},
    )
    assert AuditEvent.objects.get(event="auth.password.change").practice == "lakeside"
