"""What pages are told of locations, connections and changes: each step, each label, and never a secret."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from audit.models import AuditEvent, ConfigurationEntry
from portal import agreements
from portal.agreements import Terms
from portal.models import Connection, Location, Membership, Role, Route
from portal.queries.connections import connection_facts, connection_rows, is_encrypted, target_of
from portal.queries.home import location_cards
from portal.selection import Selection
from portal.trail import Change, changes_of, home_zone, people_of, rows, zones_of

ROUTE = "A route by which notes are sent"
READING = "A connection through which charts are read back"
WITH_SCRIBE = "Business associate agreement with the scribe vendor in force"
WITH_ECW = "Business associate agreement with eClinicalWorks in force"
RELEASED = "Released for production"


@pytest.fixture(autouse=True)
def no_panels(settings):
    settings.HOME_PANELS = settings.PATH_PANELS = []


def cards(cast, *places: Location, roles=frozenset({Role.DIRECTOR})):
    """The cards as somebody with these roles is shown them."""
    request = SimpleNamespace(selection=Selection(places or (cast.north,), None, frozenset(roles)), user=cast.dana)
    return location_cards(request)


class TestTheCardOfALocation:
    def test_names_the_connection_that_notes_travel_by(self, cast):
        (card,) = cards(cast)
        assert card.sends_by == "eCW sandbox HL7"

    def test_in_the_sandbox_has_two_steps(self, cast):
        (card,) = cards(cast)
        assert [(step.text, step.done) for step in card.steps] == [(ROUTE, True), (READING, True)]
        assert card.to_do == ()

    def test_without_a_route_has_that_to_do(self, cast):
        Route.objects.filter(location=cast.north).delete()
        (card,) = cards(cast)
        assert card.sends_by == ""
        assert [step.text for step in card.to_do] == [ROUTE]

    def test_without_reading_back_has_that_to_do(self, cast):
        Location.objects.filter(pk=cast.north.pk).update(reading_connection=None)
        (card,) = cards(cast)
        assert [step.text for step in card.to_do] == [READING]

    def test_in_production_needs_both_agreements_and_a_release(self, cast):
        Location.objects.filter(pk=cast.north.pk).update(environment="production", locked_reason="Not yet released.")
        (card,) = cards(cast)
        assert [step.text for step in card.steps] == [ROUTE, READING, WITH_SCRIBE, WITH_ECW, RELEASED]
        assert [step.text for step in card.to_do] == [WITH_SCRIBE, WITH_ECW, RELEASED]

    def test_in_production_with_everything_has_nothing_to_do(self, cast):
        Location.objects.filter(pk=cast.north.pk).update(environment="production", locked_reason="")
        signed = date(2026, 1, 1)
        agreements.record_agreement(cast.practice, Terms("baa_scribe", "Murmur", signed), cast.scribe)
        agreements.record_agreement(cast.practice, Terms("baa_ecw", "eClinicalWorks", signed))
        (card,) = cards(cast)
        assert card.to_do == ()

    def test_leads_a_director_to_where_it_is_done(self, cast):
        (card,) = cards(cast)
        assert {step.url for step in card.steps} == {"/settings/locations/NORTH/"}

    def test_leads_nobody_else_anywhere(self, cast):
        (card,) = cards(cast, roles={Role.OPERATOR})
        assert {step.url for step in card.steps} == {""}

    def test_stands_in_the_order_of_codes(self, cast):
        assert [card.location.code for card in cards(cast, cast.south, cast.north)] == ["NORTH", "SOUTH"]

    def test_of_a_chosen_location_stands_alone(self, cast):
        request = SimpleNamespace(selection=Selection((cast.north, cast.south), cast.south), user=cast.dana)
        assert [card.location.code for card in location_cards(request)] == ["SOUTH"]

    def test_counts_only_routes_of_notes(self, cast):
        Route.objects.filter(location=cast.north).update(part="attachments")
        (card,) = cards(cast)
        assert card.sends_by == ""


class TestAConnection:
    def test_of_hl7_leads_to_host_and_port(self):
        made = Connection(kind="hl7", settings={"host": "10.0.4.12", "port": 6661})
        assert target_of(made) == "10.0.4.12:6661"

    def test_of_the_web_leads_to_its_base_address(self):
        made = Connection(kind="fhir", settings={"base_url": "https://fhir.example/fhir/r4/LAKESI"})
        assert target_of(made) == "https://fhir.example/fhir/r4/LAKESI"

    def test_without_settings_leads_nowhere_yet(self):
        assert target_of(Connection(kind="hl7", settings={})) == ":"
        assert target_of(Connection(kind="openapi", settings={})) == ""

    @pytest.mark.parametrize(
        "own, encrypted",
        [
            ({"tls": True}, True),
            ({"tls": False}, False),
            ({"vpn": True}, False),
            ({"base_url": "https://x"}, True),
            ({"base_url": "http://x"}, False),
            ({}, False),
        ],
    )
    def test_is_called_encrypted_for_tls_alone(self, own, encrypted):
        assert is_encrypted(Connection(settings=own)) is encrypted

    def test_is_listed_with_the_locations_it_serves(self, cast):
        (sender, reader) = connection_rows(Connection.objects.filter(practice=cast.practice).order_by("name"))
        assert (sender.connection.name, sender.target) == ("eCW sandbox HL7", "127.0.0.1:1")
        assert sender.locations == ("North Clinic", "South Clinic")
        assert reader.locations == ("North Clinic", "South Clinic")

    def test_that_serves_nobody_is_listed_too(self, cast):
        Connection.objects.create(practice=cast.practice, name="Spare", kind="hl7", environment="sandbox", settings={})
        listed = connection_rows(Connection.objects.filter(name="Spare"))
        assert listed[0].locations == ()

    def test_shows_of_a_secret_its_label_and_the_day_it_was_set(self, cast):
        Connection.objects.filter(pk=cast.reader.pk).update(secrets_set_at={"token": "2026-05-01T10:00:00+00:00"})
        facts = connection_facts(Connection.objects.get(pk=cast.reader.pk))
        assert facts.secrets == (("Access token", datetime(2026, 5, 1, 10, 0, tzinfo=UTC)),)

    def test_shows_a_secret_of_an_unknown_day_without_one(self, cast):
        assert connection_facts(cast.reader).secrets == (("Access token", None),)

    def test_shows_no_secret_anywhere(self, cast):
        assert "sandbox-token" not in repr(connection_facts(cast.reader))

    def test_shows_its_settings_in_order(self, cast):
        assert [name for name, _ in connection_facts(cast.hl7).settings] == [
            "host",
            "port",
            "receiving_facility",
            "sockets",
        ]

    def test_tells_apart_for_whom_it_sends_and_reads(self, cast):
        sender, reader = connection_facts(cast.hl7), connection_facts(cast.reader)
        assert ([each.code for each in sender.sends_for], sender.reads_for) == (["NORTH", "SOUTH"], ())
        assert (reader.sends_for, [each.code for each in reader.reads_for]) == ((), ["NORTH", "SOUTH"])


class TestTheTrail:
    def test_names_people_by_full_name_where_there_is_one(self, cast):
        cast.dana.first_name, cast.dana.last_name = "Dana", "Rivera"
        cast.dana.save()
        assert [name for _, name in people_of("lakeside")] == ["Dana Rivera", "ava", "mel", "omar"]

    def test_names_nobody_of_another_practice(self, cast):
        assert str(cast.sam.pk) not in dict(people_of("lakeside"))

    def test_names_somebody_with_two_roles_once(self, cast):
        Membership.objects.create(user=cast.ava, practice=cast.practice, location=cast.north, role=Role.OPERATOR)
        assert [name for _, name in people_of("lakeside")].count("ava") == 1

    def test_knows_each_locations_zone(self, cast):
        Location.objects.filter(pk=cast.south.pk).update(time_zone="America/Denver")
        assert zones_of("lakeside")["SOUTH"] == "America/Denver"

    def test_takes_the_zone_in_which_most_locations_lie(self):
        zones = {"A": "America/Denver", "B": "America/Chicago", "C": "America/Denver"}
        assert home_zone(zones, None) == "America/Denver"

    def test_takes_the_chosen_locations_zone(self, cast):
        cast.south.time_zone = "America/Denver"
        assert home_zone({"A": "America/Chicago"}, cast.south) == "America/Denver"

    def test_without_a_location_takes_utc(self):
        assert home_zone({}, None) == "UTC"

    @pytest.mark.parametrize(
        "outcome, tone, words",
        [("ok", "ok", "Done"), ("denied", "warn", "Refused"), ("error", "act", "Failed"), ("odd", "off", "odd")],
    )
    def test_says_how_it_ended(self, cast, outcome, tone, words):
        event = AuditEvent(at=datetime(2026, 5, 1, 3, 0, tzinfo=UTC), event="note.view", outcome=outcome, detail={})
        (row,) = rows([event], "lakeside", "America/Chicago")
        assert (row.tone, row.outcome) == (tone, words)

    def test_counts_days_where_the_event_was(self, cast):
        """03:00 UTC on 1 May is still 30 April in Chicago."""
        event = AuditEvent(at=datetime(2026, 5, 1, 3, 0, tzinfo=UTC), event="note.view", outcome="ok", detail={})
        (row,) = rows([event], "lakeside", "America/Chicago")
        assert row.day == date(2026, 4, 30)

    def test_shows_a_change_as_old_and_new(self):
        entry = ConfigurationEntry(changes={"time_zone": ["UTC", "America/Denver"], "name": ["North", "N"]})
        assert changes_of(entry) == [Change("name", "North", "N"), Change("time zone", "UTC", "America/Denver")]

    def test_shows_what_was_added_to_a_list(self):
        change = {"type": "m2m", "operation": "add", "objects": ["NORTH", "SOUTH"]}
        assert changes_of(ConfigurationEntry(changes={"locations": change})) == [
            Change("locations", "", "NORTH, SOUTH")
        ]

    def test_shows_what_was_removed_from_a_list(self):
        change = {"type": "m2m", "operation": "delete", "objects": ["NORTH"]}
        assert changes_of(ConfigurationEntry(changes={"locations": change})) == [Change("locations", "NORTH", "")]

    def test_shows_nothing_of_nothing(self):
        assert changes_of(ConfigurationEntry(changes=None)) == []
