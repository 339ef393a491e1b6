"""What a run of certification leaves of itself on other pages: neither its relay nor its synthetic scribe."""

import pytest

from delivery.certification.between import is_relay, meant
from delivery.certification.models import CertificationRun
from delivery.certification.scribe import NAME
from delivery.path.steps import path_of, sends
from portal import agreements, locations
from portal.forms.scribes import AgreementForm
from portal.models import Connection, Environment, Location, Scribe
from portal.queries.practice import key_rows, production_gaps

pytestmark = pytest.mark.django_db
DIRECTOR = frozenset({"director"})


@pytest.fixture
def relayed(cast) -> Location:
    """NORTH while its note sections go through a run's relay."""
    relay = Connection.objects.create(
        practice=cast.practice, name="Certification relay (HL7)", kind="hl7", environment="sandbox",
        settings=cast.hl7.settings | {"through": {"host": "127.0.0.1", "port": 1, "by": 2}},
    )  # fmt: skip
    CertificationRun.objects.create(location=cast.north, by="x", state="running", restore=[cast.hl7.pk])
    locations.set_routes(cast.north, "note", [relay])
    return cast.north


def connections(location: Location) -> list[str]:
    (phase,) = [one for one in path_of(location, DIRECTOR) if one.name == "Connections"]
    return [f"{step.text} {step.says}" for step in phase.steps]


class TestTheRelayOnThePath:
    def test_the_path_speaks_of_the_connection_that_is_meant(self, cast, relayed):
        said = connections(relayed)
        assert all("relay" not in line for line in said)
        assert said[0] == f"A route by which notes are sent By {cast.hl7.name}."
        assert any(line.startswith(f"{cast.hl7.name} tested") for line in said)

    def test_it_is_the_same_before_and_meanwhile(self, cast, request):
        before = connections(cast.north)
        relayed = request.getfixturevalue("relayed")
        assert sorted(connections(relayed)) == sorted(before)

    def test_without_a_run_nothing_stands_between(self, cast):
        assert meant(cast.north) is None
        assert sends(cast.north) == cast.hl7

    def test_a_connection_that_is_gone_is_left_out(self, cast):
        CertificationRun.objects.create(location=cast.north, by="x", state="running", restore=[cast.hl7.pk, 999_999])
        assert meant(cast.north) == [cast.hl7]

    def test_a_relay_is_known_by_where_it_leads_through(self, cast, relayed):
        assert is_relay(Connection.objects.get(name__startswith="Certification relay"))
        assert not is_relay(cast.hl7)


class TestTheSyntheticScribe:
    @pytest.fixture
    def ours(self, cast) -> Scribe:
        return Scribe.objects.create(practice=cast.practice, name=NAME, synthetic=True)

    def test_is_not_listed_with_the_practices_scribes(self, cast, ours, client):
        assert [row.scribe.name for row in key_rows(cast.practice)] == [cast.scribe.name]
        client.force_login(cast.dana)
        assert NAME not in client.get("/settings/scribes/").content.decode()

    def test_nobody_makes_a_key_for_it(self, cast, ours, client):
        client.force_login(cast.dana)
        assert client.get(f"/settings/scribes/{ours.pk}/keys/new/").status_code == 404
        assert client.post(f"/settings/scribes/{ours.pk}/keys/new/", {"environment": "production"}).status_code == 404

    def test_no_agreement_is_asked_for_or_made_with_it(self, cast, ours):
        locations.create(cast.practice, "EAST", "East", Environment.PRODUCTION, "America/New_York")
        assert all(NAME not in gap for gap in production_gaps(cast.practice))
        assert ours not in AgreementForm(cast.practice).fields["scribe"].queryset

    def test_its_notes_would_never_be_taken_in_for_production(self, cast, ours):
        east = locations.create(cast.practice, "EAST", "East", Environment.PRODUCTION, "America/New_York")
        assert any(NAME in lack for lack in agreements.missing(east, ours))


def test_a_sandbox_location_is_locked_and_released_without_any_agreement(cast, client):
    client.force_login(cast.dana)
    for verb in ("lock", "release"):
        client.post(f"/settings/locations/NORTH/{verb}/", {"reason": "For an evening"})
        cast.north.refresh_from_db()
        assert bool(cast.north.locked_reason) == (verb == "lock")
