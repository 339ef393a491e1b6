"""Whose address a request has, behind proxies and in front of liars."""

import pytest
from django.core.checks import run_checks
from django.urls import reverse

from audit.models import AuditEvent
from portal.proxies import client_address


@pytest.fixture
def proxied(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/24", "fd00::/64"]


@pytest.mark.parametrize(
    "peer, forwarded, expected",
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "not an address", "10.0.0.1"),
        ("10.0.0.1", "<script>, 10.0.0.2", "10.0.0.2"),
        ("fd00::1", "2001:db8::9", "2001:db8::9"),
        ("", "198.51.100.7", ""),
    ],
)
def test_S25_only_what_trusted_proxies_wrote_is_believed(proxied, peer, forwarded, expected):
    assert client_address(peer, forwarded) == expected


def test_S25_without_trusted_proxies_the_header_is_ignored(client, cast):
    data = {"username": "dana", "password": "wrong"}
    client.post(reverse("portal:sign-in"), data, headers={"X-Forwarded-For": "198.51.100.7"})
    assert AuditEvent.objects.get(event="auth.login.fail").source_ip == "127.0.0.1"


def test_the_audit_log_names_the_client_behind_the_proxy(client, cast, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
    data = {"username": "dana", "password": "wrong"}
    client.post(reverse("portal:sign-in"), data, headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.7"})
    assert AuditEvent.objects.get(event="auth.login.fail").source_ip == "198.51.100.7"


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("ALLOWED_NETWORKS", ["10.0.0.0/8", "everywhere"]),
        ("ALLOWED_NETWORKS", ["10.0.0.1/8"]),
        ("ALLOWED_NETWORKS", ["10.0.0.0/8:port"]),
        ("TRUSTED_PROXIES", ["proxy.example"]),
    ],
)
def test_networks_that_cannot_be_read_stop_every_command(settings, name, wrong):
    assert run_checks() == []
    setattr(settings, name, wrong)
    (error,) = run_checks()
    assert name in error.msg
