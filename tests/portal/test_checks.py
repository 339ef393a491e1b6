"""Settings of signing in that would protect nobody, or let nobody in, stop every command."""

import pytest

from portal.checks import EVERYBODY, ROLES, sign_in
from portal.factors import totp
from portal.models import Role


def told(settings, **given):
    for name, value in given.items():
        setattr(settings, name, value)
    return [one.id for one in sign_in(None)]


def test_the_roles_it_knows_are_the_roles_there_are():
    assert set(ROLES) == set(Role.values)
    assert EVERYBODY == totp.EVERYBODY


@pytest.mark.parametrize("asked", [[], ["everybody"], ["director", "operator"], list(Role.values)])
def test_a_second_factor_of_roles_that_exist_is_right(settings, asked):
    assert told(settings, SECOND_FACTOR=asked) == []


@pytest.mark.parametrize("asked", [["directors"], ["all"], ["Director"], ["director", ""]])
def test_a_second_factor_of_nobody_is_told(settings, asked):
    assert told(settings, SECOND_FACTOR=asked) == ["portal.second_factor"]


@pytest.mark.parametrize(
    "client, secret, wrong", [("c", "s", []), ("", "s", ["portal.openid"]), ("c", "", ["portal.openid"])]
)
def test_a_service_is_named_whole(settings, client, secret, wrong):
    given = {"OPENID_ISSUER": "https://login.example.org", "OPENID_CLIENT_ID": client, "OPENID_CLIENT_SECRET": secret}
    assert told(settings, **given) == wrong
