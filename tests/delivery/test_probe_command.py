"""`manage.py probe`: by name or number, for people or for programs."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from delivery.models import ConnectionState
from portal.models import Environment


def probe(*arguments: str) -> str:
    out = StringIO()
    call_command("probe", *arguments, stdout=out)
    return out.getvalue()


def test_a_connection_is_probed_by_its_name_and_its_profile_kept(ecw, cast):
    finding = json.loads(probe(cast.hl7.name, "--json"))
    assert finding["connection"] == cast.hl7.name
    assert finding["filings"] >= 1
    assert finding["profile"] == ConnectionState.objects.get(connection=cast.hl7).profile


def test_a_connection_is_probed_by_its_number_and_said_in_words(ecw, cast):
    assert probe(str(cast.hl7.pk)).startswith(f"{cast.hl7.name}: ")


@pytest.mark.parametrize("name", ["no such connection", "999999"])
def test_an_unknown_connection_is_named(cast, name):
    with pytest.raises(CommandError, match=name):
        probe(name)


def test_a_connection_without_a_route_cannot_be_probed(cast):
    with pytest.raises(CommandError, match="No location has a route"):
        probe(cast.reader.name)


def test_a_production_connection_is_refused_with_the_reason(ecw, cast):
    cast.hl7.environment = Environment.PRODUCTION
    cast.hl7.save()
    with pytest.raises(CommandError) as refused:
        probe(cast.hl7.name)
    assert "test patient" in str(refused.value)
