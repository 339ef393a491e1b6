"""The small parts of the portal: the menu, the selection, panels, proxies' headers, readiness, ids for the broker."""

import uuid
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.http import Http404
from django.template import Context, Template
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError

from portal import navigation, panels, readiness
from portal.celery import NotAnId, check_ids_only, is_id
from portal.checks import networks
from portal.models import Connection, Location, Membership, Practice, Role, Scribe, User
from portal.navigation import ENTRIES, links
from portal.proxies import client_address, trusted_networks
from portal.selection import NOTHING, SESSION_KEY, selection_for
from portal.templatetags.design import ICONS, message_tone, tone_icon

# --- the menu -----------------------------------------------------------------------------------------------------

MENU = {
    Role.DIRECTOR: ["Overview", "Deliveries", "Events", "Templates & mapping", "Connections", "Audit", "Settings"],
    Role.MAPPING_EDITOR: ["Overview", "Templates & mapping"],
    Role.OPERATOR: ["Overview", "Deliveries", "Events", "Templates & mapping", "Connections"],
    Role.AUDITOR: ["Overview", "Deliveries", "Events", "Templates & mapping", "Connections", "Audit"],
    Role.CLINICIAN: ["Overview", "Deliveries", "Events"],
    Role.METADATA_ONLY: ["Overview", "Deliveries", "Events"],
}


def labels(*roles: str) -> list[str]:
    known = {entry.label for entry in ENTRIES} & {label for listed in MENU.values() for label in listed}
    return [link.label for link in links(frozenset(roles), "/") if link.label in known]


@pytest.mark.parametrize("role", MENU)
def test_each_role_sees_its_entries_in_the_order_of_the_day(role):
    assert labels(role) == MENU[role]


def test_no_role_sees_no_menu():
    assert links(frozenset(), "/") == []


def test_two_roles_see_what_either_sees():
    assert set(labels(Role.CLINICIAN, Role.MAPPING_EDITOR)) == {
        "Overview",
        "Deliveries",
        "Events",
        "Templates & mapping",
    }


@pytest.mark.parametrize(
    "path, current",
    [
        ("/", "Overview"),
        ("/deliveries/", "Deliveries"),
        ("/deliveries/17/", "Deliveries"),
        ("/deliveries/events/", "Events"),
        ("/deliveries/events/sources/NORTH/poll/", "Events"),
        ("/mapping/templates/3/mapping/", "Templates & mapping"),
        ("/deliveries/rehearsals/5/", "Templates & mapping"),
        ("/deliveries/scribes/3/webhooks/sandbox/", "Settings"),
        ("/settings/people/", "Settings"),
        ("/password/", None),
    ],
)
def test_one_entry_at_most_is_the_current_one(path, current):
    found = [link.label for link in links(frozenset({Role.DIRECTOR}), path) if link.current]
    assert found == ([current] if current else [])


def test_an_entry_whose_page_does_not_exist_is_left_out(monkeypatch):
    gone = navigation.Entry("Gone", "home", "portal:gone")
    monkeypatch.setattr(navigation, "ENTRIES", (*ENTRIES, gone))
    assert "Gone" not in [link.label for link in links(frozenset({Role.DIRECTOR}), "/")]


# --- the selection --------------------------------------------------------------------------------------------------


def chosen(user, session: dict, asked: str | None) -> str:
    found = selection_for(user, session, asked)
    return found.chosen.code if found.chosen else "all"


def test_the_address_wins_and_the_session_remembers(cast):
    session: dict = {}
    assert chosen(cast.dana, session, None) == "all"
    assert session == {}, "nothing asked, nothing written"
    assert chosen(cast.dana, session, "SOUTH") == "SOUTH"
    assert chosen(cast.dana, session, None) == "SOUTH"
    assert chosen(cast.dana, session, "all") == "all"
    assert chosen(cast.dana, session, None) == "all"


@pytest.mark.parametrize("asked", ["NOWHERE", "north", "NORTH ", "0"])
def test_a_code_that_is_not_theirs_is_not_there(cast, asked):
    with pytest.raises(Http404):
        selection_for(cast.omar, {}, asked)


def test_a_remembered_code_that_is_no_longer_theirs_is_forgotten(cast):
    assert chosen(cast.omar, {SESSION_KEY: "SOUTH"}, None) == "all"


def test_roles_held_somewhere_and_everywhere_are_told_apart(cast):
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=None, role=Role.AUDITOR)
    found = selection_for(cast.omar, {}, None)
    assert found.roles == {Role.OPERATOR, Role.AUDITOR}
    assert found.wide == {Role.AUDITOR}


def test_what_is_in_view_has_an_environment(cast):
    Location.objects.filter(pk=cast.south.pk).update(environment="production")
    assert selection_for(cast.dana, {}, None).environment == "mixed"
    assert selection_for(cast.dana, {}, "SOUTH").environment == "production"
    assert NOTHING.environment == ""


def test_a_visitor_has_no_selection():
    from django.contrib.auth.models import AnonymousUser

    assert selection_for(AnonymousUser(), {}, "NORTH") == NOTHING


# --- panels and banners -----------------------------------------------------------------------------------------------


def quiet(request, shown) -> str:
    return ""


def speaking(request, shown) -> str:
    return f"panel of {shown}"


def test_a_panel_with_nothing_to_say_is_left_out():
    named = [f"{__name__}.quiet", f"{__name__}.speaking"]
    assert panels.rendered(named, SimpleNamespace(), "NORTH") == ("panel of NORTH",)


def test_a_panel_that_does_not_exist_is_a_mistake_not_a_silence():
    with pytest.raises(ImportError):
        panels.rendered([f"{__name__}.gone"], SimpleNamespace(), "NORTH")


# --- proxies ------------------------------------------------------------------------------------------------------------

addresses = st.ip_addresses().map(str)
OURS = "10.0.0.0/8"


@given(peer=addresses, forged=st.lists(addresses | st.text(max_size=10), max_size=4))
def test_without_a_trusted_proxy_the_header_is_worth_nothing(peer, forged):
    from django.test import override_settings

    with override_settings(TRUSTED_PROXIES=[]):
        assert client_address(peer, ", ".join(forged)) == peer


@given(forged=st.lists(addresses | st.text("abc.,:", max_size=8), max_size=4), client=addresses)
def test_what_a_stranger_writes_to_the_left_is_never_reached(forged, client):
    from ipaddress import ip_address, ip_network

    from django.test import override_settings

    if ip_address(client) in ip_network(OURS):
        return
    with override_settings(TRUSTED_PROXIES=[OURS]):
        assert client_address("10.0.0.1", ", ".join([*forged, client])) == client


@pytest.mark.parametrize(
    "forwarded, found",
    [("", "10.0.0.1"), ("nonsense", "10.0.0.1"), ("10.0.0.2", "10.0.0.2"), ("8.8.8.8, 10.0.0.3", "8.8.8.8")],
)
def test_a_chain_of_own_proxies_is_followed_back(settings, forwarded, found):
    settings.TRUSTED_PROXIES = [OURS]
    assert client_address("10.0.0.1", forwarded) == found


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "proxy.example", "10.0.0.1/8"])
def test_a_network_that_is_none_is_found_at_the_start(settings, wrong):
    with pytest.raises(ValueError):
        trusted_networks((wrong,))
    settings.TRUSTED_PROXIES = [wrong]
    assert [error.id for error in networks(None)] == ["portal.scribeport_trusted_proxies"]


@pytest.mark.parametrize("wrong", ["10.0.0.0/8:http", "everything", "::1/129"])
def test_a_target_network_that_is_none_is_found_at_the_start(settings, wrong):
    settings.ALLOWED_NETWORKS = [wrong]
    assert [error.id for error in networks(None)] == ["portal.scribeport_allowed_networks"]


# --- readiness ------------------------------------------------------------------------------------------------------------


def test_a_database_that_does_not_answer_is_said_and_hides_nothing_else(db, monkeypatch):
    def fail(*_):
        raise DatabaseError("password=secret")

    monkeypatch.setattr(readiness, "MigrationExecutor", fail)
    monkeypatch.setattr(readiness.connection, "close", lambda: None)
    found = readiness.state()
    assert (found["database"], found["migrations"]) == ("unreachable", "unknown")
    assert "secret" not in str(found)


def test_migrations_that_wait_are_said(db, monkeypatch):
    executor = SimpleNamespace(
        loader=SimpleNamespace(graph=SimpleNamespace(leaf_nodes=list)), migration_plan=lambda nodes: ["one"]
    )
    monkeypatch.setattr(readiness, "MigrationExecutor", lambda connection: executor)
    assert readiness.state()["migrations"] == "behind"


def test_the_embedded_broker_needs_no_server(db, settings):
    settings.REDIS_URL = ""
    assert readiness.state()["broker"] == "embedded"


@pytest.mark.parametrize("error", [OperationalError("redis://:secret@host"), OSError("refused")])
def test_a_broker_that_does_not_answer_is_said_without_its_address(db, settings, monkeypatch, error):
    settings.REDIS_URL = "redis://:secret@127.0.0.1:1/0"

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(readiness.app, "connection_for_write", fail)
    assert readiness.state()["broker"] == "unreachable"


@pytest.mark.parametrize("what, status", [("database", 503), ("migrations", 503), ("broker", 503), (None, 200)])
def test_readiness_is_a_status_a_load_balancer_understands(client, monkeypatch, what, status):
    found = {"database": "ok", "migrations": "ok", "broker": "ok"} | ({what: "unreachable"} if what else {})
    monkeypatch.setattr("portal.views.health.state", lambda: found, raising=False)
    assert client.get(reverse("portal:readyz")).status_code == status


# --- ids for the broker -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, good",
    [
        (7, True),
        (0, True),
        (uuid.UUID(int=5), True),
        (str(uuid.UUID(int=5)), True),
        (True, False),
        ("7", False),
        ("Lena", False),
        (1.5, False),
        (None, False),
        (b"7", False),
        ([7], False),
    ],
)
def test_an_id_is_a_number_or_a_uuid(value, good):
    assert is_id(value) is good


@given(st.text(max_size=40))
def test_no_text_is_an_id_but_a_uuids_own(text):
    try:
        expected = str(uuid.UUID(text)) == text
    except ValueError:
        expected = False
    assert is_id(text) is expected


@given(st.text(min_size=1, max_size=20).filter(lambda text: not is_id(text)))
def test_a_refused_task_does_not_repeat_what_it_carried(text):
    for args, kwargs, options in (
        ([text], {}, {}),
        ([], {"x": text}, {}),
        ([], {}, {"headers": text}),
        ([], {}, {"task_id": text}),
    ):
        with pytest.raises(NotAnId) as refused:
            check_ids_only("deliver", args, kwargs, options)
        assert len(text) < 6 or text not in str(refused.value)


@pytest.mark.parametrize("option", ["eta", "countdown", "link", "chain", "chord", "headers", "reply_to"])
def test_times_and_chains_do_not_go_into_the_broker(option):
    with pytest.raises(NotAnId, match=option):
        check_ids_only("deliver", [7], {}, {option: 5})
    check_ids_only("deliver", [7], {}, {option: None})


# --- tones --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tone", ICONS)
def test_every_tone_is_a_word_and_an_icon_never_a_colour_alone(tone):
    page = Template("{% load design %}{% pill tone 'Held' %}").render(Context({"tone": tone}))
    assert "Held" in page
    assert "<svg" in page
    assert f"tone-{tone}" in page


def test_an_unknown_tone_or_level_is_shown_all_the_same():
    assert tone_icon("purple")
    assert message_tone("fatal") == "off"


@pytest.mark.parametrize("environment", ["sandbox", "production", "mixed"])
def test_the_badge_says_the_environment_in_words(environment):
    page = Template("{% load design %}{% env_badge environment %}").render(Context({"environment": environment}))
    assert environment.lower() in page.lower()


# --- commands and words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--yes"], ["-y", "-b", "2020-01-01"], ["--truncate"]])
def test_no_option_makes_the_library_flush_the_log(db, options):
    with pytest.raises(CommandError, match="nothing deletes them"):
        call_command("auditlogflush", *options)


def test_every_row_says_what_it_is(cast):
    """In the audit log a row stands by these words."""
    membership = cast.omar.memberships.get()
    assert str(membership) == "omar, operator at NORTH"
    assert str(cast.dana.memberships.get()) == "dana, director at every location"
    assert str(cast.north.routes.get()) == "note by eCW sandbox HL7"
    assert [str(row) for row in (cast.practice, cast.north, cast.hl7, cast.scribe)] == [
        "lakeside",
        "NORTH",
        "eCW sandbox HL7",
        "Murmur Scribe",
    ]
    assert all(str(model(pk=1)) is not None for model in (Practice, Location, Connection, Scribe, User))
