"""The probe of a location: what its connections can do, kept with its date, and what has vanished since."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from audit.insert_only import InsertOnlyError
from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.probe import CannotProbe
from delivery.ways import capabilities
from delivery.ways.capabilities import Capability, newest, probe_location, standings
from delivery.ways.models import CapabilityProbe
from portal.models import Environment, Location, Route
from tests.cast import NORTH_FIELDS
from tests.delivery.fhir import fhir_connection, register

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def north(cast, ecw):
    return Location.objects.select_related("practice", "reading_connection").get(pk=cast.north.pk)


def probed(location) -> dict[tuple[str, str], str]:
    with acting(Actor("user", "1", "Dana")):
        made = probe_location(location)
    return {(row["name"], row["key"]): row["outcome"] for row in made.findings}


class TestOfHl7ReadByTheOpenApi:
    def test_finds_what_it_takes_and_every_section_it_keeps(self, north, cast):
        found = probed(north)
        hl7 = cast.hl7.name
        assert [found[hl7, key] for key in ("answers", "write", "read_back")] == ["yes"] * 3
        assert {key for _, key in found if key.startswith("section:")} == {f"section:{one[0]}" for one in NORTH_FIELDS}
        assert {found[hl7, f"section:{one[0]}"] for one in NORTH_FIELDS} == {"yes"}
        assert found[cast.reader.name, "read"] == "yes"

    def test_knows_nothing_further_of_a_connection_that_does_not_answer(self, north, cast):
        cast.hl7.settings |= {"port": 1}
        cast.hl7.save()
        found = probed(north)
        assert found[cast.hl7.name, "answers"] == "no"
        assert {found[cast.hl7.name, key] for key in ("write", "repeat", "read_back")} == {"unknown"}
        assert found[cast.reader.name, "read"] == "yes", "the others are probed all the same"

    def test_leaves_no_patients_chart_touched_in_production(self, north, cast, ecw):
        for each in (cast.hl7, cast.reader, north):
            type(each).objects.filter(pk=each.pk).update(environment=Environment.PRODUCTION)
        cast.hl7.refresh_from_db()
        settings = cast.hl7.settings | {"vpn": True, "processing_id": "P"}
        type(cast.hl7).objects.filter(pk=cast.hl7.pk).update(settings=settings)
        north.refresh_from_db()
        found = probed(north)
        assert found[cast.hl7.name, "write"] == "unknown", "it was not asked"
        assert not ecw.filings()


def test_A26_a_section_that_ecw_drops_since_an_update_has_vanished_in_the_next_probe(north, cast, ecw):
    probed(north)
    ecw.fault("silent_drop", field_id="NF-04")
    found = probed(north)
    assert found[cast.hl7.name, "section:NF-04"] == "no"
    assert found[cast.hl7.name, "section:NF-02"] == "yes"
    gone = [row for row in newest(north)[1] if row.vanished]
    assert [row.capability.key for row in gone] == ["section:NF-04"]


class TestOfTheOpenApiAsSender:
    @pytest.fixture
    def by_openapi(self, north, cast):
        Route.objects.filter(location=cast.north).update(connection=cast.reader)
        return lambda: {key: outcome for (_, key), outcome in probed(north).items()}

    def test_finds_that_a_visits_template_can_be_filled_and_read_back(self, by_openapi):
        found = by_openapi()
        assert [found[key] for key in ("answers", "populate", "write", "read_back")] == ["yes"] * 4

    @pytest.mark.parametrize(
        "kind, how, words",
        [
            ("populate_other", {"template": "SM-OLD"}, "It said so; read back: SM-OLD."),
            ("populate_nothing", {}, "It said so; read back: none."),
            ("populate_status", {"status": 404}, "The Open API fills no templates here (404)"),
        ],
    )
    def test_a_call_that_does_not_do_what_it_says_is_found_out(self, north, by_openapi, ecw, kind, how, words):
        ecw.fault(kind, **how)
        assert by_openapi()["populate"] == "no"
        (row,) = [one.capability for one in newest(north)[1] if one.capability.key == "populate"]
        assert row.says == words

    def test_a_call_that_went_away_overnight_has_vanished(self, north, by_openapi, ecw):
        by_openapi()
        ecw.fault("populate_status", status=404)
        by_openapi()
        assert [row.capability.key for row in newest(north)[1] if row.vanished] == ["populate"]

    def test_where_the_connection_leaves_it_to_the_texts_nothing_is_asked(self, by_openapi, cast):
        cast.reader.settings |= {"texts_choose_template": True}
        cast.reader.save()
        assert "populate" not in by_openapi()

    def test_in_production_without_a_test_patient_it_is_not_asked(self, north, cast, ecw, monkeypatch):
        monkeypatch.setattr("delivery.ways.capabilities.examine", lambda connection: [])
        Route.objects.filter(location=cast.north).update(connection=cast.reader)
        for each in (cast.reader, north):
            type(each).objects.filter(pk=each.pk).update(environment=Environment.PRODUCTION)
        north.refresh_from_db()
        assert probed(north)[cast.reader.name, "populate"] == "unknown"


class TestOfFhir:
    def test_lists_methods_and_asks_for_every_scope_alone(self, north, cast, ecw):
        connection = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
        register(ecw.process, connection)
        north.refresh_from_db()
        found = {key: outcome for (name, key), outcome in probed(north).items() if name == connection.name}
        assert found["reads:DocumentReference"] == "yes"
        assert found["scope:system/DocumentReference.write"] == "yes"
        assert found["scope:system/Binary.read"] == "yes"
        assert found["write"] == "yes"

    def test_a_scope_that_was_taken_away_has_vanished(self, north, cast, ecw):
        connection = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
        register(ecw.process, connection)
        north.refresh_from_db()
        probed(north)
        register(ecw.process, connection, scopes=["system/DocumentReference.write", "system/DocumentReference.read"])
        probed(north)
        assert "scope:system/Binary.read" in [row.capability.key for row in newest(north)[1] if row.vanished]


class TestHistory:
    def capability(self, outcome, key="write"):
        return Capability(1, "line", key, "Takes a note", outcome)

    def keep(self, location, *outcomes):
        for outcome in outcomes:
            findings = [vars(self.capability(outcome))]
            CapabilityProbe.objects.create(location=location, by="Dana", findings=findings)

    @pytest.mark.parametrize(
        "before, now, vanished",
        [
            ([], "no", False),
            (["no"], "no", False),
            (["yes"], "yes", False),
            (["yes"], "no", True),
            (["yes"], "unknown", False),  # it could not be asked: nobody took it away
            (["yes", "unknown"], "no", True),  # it was there when it was last asked
            (["yes", "unknown", "unknown"], "yes", False),
            (["yes", "no", "no"], "no", True),  # red until it is back, however often one looks
        ],
    )
    def test_what_was_there_and_is_not_has_vanished(self, cast, before, now, vanished):
        self.keep(cast.north, *before)
        (row,) = standings(cast.north, [self.capability(now)])
        assert (row.vanished is not None) == vanished

    def test_what_merely_could_not_be_asked_is_still_listed_with_what_was_known(self, north, cast):
        before = probed(north)
        cast.hl7.settings |= {"port": 1}
        cast.hl7.save()
        after = probed(north)
        assert set(before) <= set(after), "no row is dropped because the connection does not answer"
        sections = {key for key in before if key[1].startswith("section:")}
        assert sections
        assert {after[key] for key in sections} == {"unknown"}
        rows = {(row.capability.name, row.capability.key): row for row in newest(north)[1]}
        assert [key for key, row in rows.items() if row.vanished] == [(cast.hl7.name, "answers")]
        assert "not asked" in rows[sorted(sections)[0]].capability.says.lower()

    def test_it_stays_listed_however_often_one_asks_and_comes_back_with_the_connection(self, north, cast):
        before = probed(north)
        port = cast.hl7.settings["port"]
        cast.hl7.settings |= {"port": 1}
        cast.hl7.save()
        probed(north)
        assert set(before) <= set(probed(north))
        cast.hl7.settings |= {"port": port}
        cast.hl7.save()
        assert probed(north) == before

    def test_a_section_that_the_template_no_longer_has_is_not_carried_on(self, north, cast):
        CapabilityProbe.objects.create(
            location=north,
            by="Dana",
            findings=[vars(Capability(cast.hl7.pk, cast.hl7.name, "section:GONE", "Section Gone", "yes"))],
        )
        assert (cast.hl7.name, "section:GONE") not in probed(north)

    def test_of_a_connection_no_longer_used_nothing_is_carried_on(self, north, cast):
        CapabilityProbe.objects.create(
            location=north, by="Dana", findings=[vars(Capability(999_999, "Old way", "write", "Takes a note", "yes"))]
        )
        assert not [name for name, _key in probed(north) if name == "Old way"]

    def test_another_locations_probes_say_nothing_here(self, cast):
        self.keep(cast.south, "yes")
        assert standings(cast.north, [self.capability("no")])[0].vanished is None
        assert newest(cast.north) == (None, [])

    def test_is_never_rewritten(self, cast):
        self.keep(cast.north, "yes")
        with pytest.raises(InsertOnlyError):
            CapabilityProbe.objects.update(by="somebody else")

    def test_is_recorded_with_how_much_vanished(self, north, cast):
        probed(north)
        event = AuditEvent.objects.get(event="location.probe")
        assert (event.detail["location"], event.detail["vanished"]) == ("NORTH", 0)
        assert event.detail["found"] > 5


def test_without_a_connection_nothing_can_be_probed(cast):
    Route.objects.all().delete()
    cast.north.reading_connection = None
    cast.north.save()
    with pytest.raises(CannotProbe, match="No connection"):
        probe_location(cast.north)


def test_a_location_that_cannot_be_read_says_so_and_asks_for_no_sections(north, cast):
    north.reading_connection = None
    north.save()
    found = probed(north)
    assert (found[cast.hl7.name, "write"], found[cast.hl7.name, "read_back"]) == ("yes", "no")
    assert not [key for _, key in found if key.startswith("section")]


class TestTheCommand:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("probe_location", *arguments, stdout=out)
        return out.getvalue()

    def test_says_it_to_programs_and_to_people(self, north):
        said = json.loads(self.run("NORTH", "--practice", "lakeside", "--json"))
        assert said["location"] == "NORTH"
        assert {row["outcome"] for row in said["capabilities"]} <= {capabilities.YES, capabilities.NO, "unknown"}
        assert "Takes a note: yes." in self.run("NORTH", "--practice", "lakeside")

    @pytest.mark.parametrize("arguments, words", [(["NORTH"], "Several practices"), (["NOWHERE"], "no location")])
    def test_guesses_no_location(self, cast, arguments, words):
        with pytest.raises(CommandError, match=words):
            self.run(*arguments)
