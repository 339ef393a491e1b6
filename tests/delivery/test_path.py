"""The path of a location: each step is true or not by what is there, says who did it, and leads to where it is done."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.record import Actor, acting
from delivery.certification.models import CertificationRun
from delivery.certification.subject import subject_of
from delivery.connection_steps import FAILED, PASSED, Step, keep
from delivery.events import sources
from delivery.models import ConnectionState
from delivery.path.facts import forms, incoming, outgoing
from delivery.path.steps import path_of
from delivery.webhooks import endpoints
from mapping.models import MappingVersion, Template
from portal import agreements, locations
from portal.agreements import Terms
from portal.models import Connection, Environment, Location, Role, Route
from tests.cast import NORTH_FIELDS, NORTH_RULES, make_template, publish
from tests.delivery.pilot.scenes import a_pilot

pytestmark = pytest.mark.django_db
DIRECTOR = frozenset({Role.DIRECTOR})


def steps(location: Location, roles=DIRECTOR) -> dict:
    """Every step by its text."""
    return {step.text: step for phase in path_of(location, roles) for step in phase.steps}


def phase(location: Location, name: str):
    return next(phase for phase in path_of(location, DIRECTOR) if phase.name == name)


@pytest.fixture
def live(cast) -> Location:
    """A production location with NORTH's template and mapping, locked as it was made."""
    made = locations.create(cast.practice, "LIVE", "Live", Environment.PRODUCTION, "America/New_York")
    publish(make_template(made, "FM-PROGRESS", "Family Medicine Progress Note", NORTH_FIELDS), NORTH_RULES)
    return made


def proven(location: Location) -> CertificationRun:
    return CertificationRun.objects.create(
        location=location, state="passed", by="dana", subject=subject_of(location), finished_at=timezone.now()
    )


def test_the_phases_stand_in_order_and_the_first_open_step_is_next(cast):
    phases = path_of(cast.north, DIRECTOR)
    assert [each.name for each in phases] == [
        "Agreements", "Connections", "Templates and mapping", "Certification", "Production", "Pilot",
    ]  # fmt: skip
    first = next(step for each in phases for step in each.steps if not step.done)
    assert {each.next for each in phases} == {first}
    assert first.text.startswith("Business associate agreement with the scribe vendor")


def test_an_agreement_counts_while_it_is_in_force_and_says_who_recorded_it(cast):
    text = "Business associate agreement with eClinicalWorks recorded and in force"
    assert not steps(cast.north)[text].done
    with acting(Actor("user", "1", "dana")):
        row = agreements.record_agreement(
            cast.practice, Terms("baa_ecw", "eCW", date(2026, 1, 1), date(2099, 1, 1), "ab")
        )
    step = steps(cast.north)[text]
    assert (step.done, step.who) == (True, "dana")
    assert step.says == "With eCW, signed 2026-01-01, until 2099-01-01."
    agreements.end(row)
    assert not steps(cast.north)[text].done


def test_an_agreement_without_a_fingerprint_says_so(cast):
    agreements.record_agreement(cast.practice, Terms("baa_ecw", "eCW", date(2026, 1, 1)))
    step = steps(cast.north)["Business associate agreement with eClinicalWorks recorded and in force"]
    assert "no document's fingerprint" in step.says


def test_another_practices_agreement_is_not_ours(cast):
    agreements.record_agreement(cast.elsewhere.practice, Terms("baa_ecw", "eCW", date(2026, 1, 1)))
    assert phase(cast.north, "Agreements").count == 0


def test_a_connection_is_tested_or_says_where_it_stopped(cast):
    text = "eCW sandbox HL7 tested"
    assert (steps(cast.north)[text].done, steps(cast.north)[text].says) == (False, "Never tested.")
    keep(cast.hl7, [Step("settings", PASSED), Step("network", FAILED, "", "connection_refused")])
    assert steps(cast.north)[text].says == "It stopped at network (connection_refused)."
    with acting(Actor("user", "1", "omar")):
        keep(cast.hl7, [Step("settings", PASSED), Step("network", PASSED)])
    step = steps(cast.north)[text]
    assert (step.done, step.who) == (True, "omar")
    assert step.when is not None


def test_a_probe_is_asked_for_in_the_sandbox_alone(cast, live):
    text = "eCW sandbox HL7 probed with a synthetic note"
    assert not steps(cast.north)[text].done
    ConnectionState.objects.create(connection=cast.hl7, profile="readback", probed_at=timezone.now())
    assert steps(cast.north)[text].done
    assert "asked what it holds" in steps(cast.north)[text].says
    assert not [text for text in steps(live) if "probed" in text]


def test_without_a_route_or_a_reader_the_path_says_so(cast, live):
    found = steps(live)
    assert not found["A route by which notes are sent"].done
    assert not found["A connection through which charts are read back"].done
    assert steps(cast.north)["A route by which notes are sent"].says == "By eCW sandbox HL7."


def test_templates_are_asked_of_all_locations_now(cast):
    text = "Templates of every location imported"
    assert steps(cast.north)[text].done
    locations.create(cast.practice, "EAST", "East", Environment.SANDBOX, "America/New_York")
    step = steps(cast.north)[text]
    assert (step.done, step.says) == (False, "None yet at EAST.")
    assert step.url == reverse("mapping:import", args=["EAST"])


def test_a_template_without_a_mapping_or_with_a_drifted_one_is_open(cast):
    assert steps(cast.north)["FM-PROGRESS: mapping published"].done
    assert steps(cast.north)["FM-PROGRESS: mapping published"].says == "Mapping 1."
    MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
    assert not steps(cast.north)["FM-PROGRESS: mapping published"].done


def test_certification_counts_for_what_the_location_has_now(cast):
    text = "Certification passed for these templates, mappings and ways"
    assert not steps(cast.north)[text].done
    run = proven(cast.north)
    step = steps(cast.north)[text]
    assert (step.done, step.says, step.who) == (True, f"Run {run.pk} at NORTH.", "dana")
    Template.objects.filter(location=cast.north).update(default_for=["in_person"])
    assert steps(cast.north)[text].done, "fewer visits than were proven"
    locations.set_routes(cast.north, "note", [cast.reader])
    assert not steps(cast.north)[text].done


def test_a_production_location_is_sent_to_the_sandbox_for_its_run(cast, live):
    step = steps(live)["Certification passed for these templates, mappings and ways"]
    assert "Run it at NORTH." in step.says
    assert step.url == reverse("delivery:certification", args=["NORTH"])


def test_a_sandbox_location_leads_on_to_its_production_location(cast, live):
    text = "A production location with the same templates and mappings"
    assert steps(cast.north)[text].says == "LIVE, locked still."
    assert not steps(cast.south)[text].done, "SOUTH has another template"
    wire = Connection.objects.create(practice=cast.practice, name="L", kind="openapi", environment="production")
    Route.objects.create(location=live, part="note", connection=wire)
    assert not steps(cast.north)[text].done, "notes go by another way there"


def test_a_live_location_has_no_path(cast, live):
    assert path_of(live, DIRECTOR)
    Location.objects.filter(pk=live.pk).update(locked_reason="")
    assert path_of(Location.objects.get(pk=live.pk), DIRECTOR) == []


def test_the_lock_s_reason_stands_at_the_last_step(cast, live):
    Location.objects.filter(pk=live.pk).update(locked_reason="Certification: it has changed.")
    last = path_of(Location.objects.get(pk=live.pk), DIRECTOR)[-2].steps[-1]
    assert (last.done, last.says) == (False, "Certification: it has changed.")


@pytest.mark.parametrize("role", [Role.MAPPING_EDITOR, Role.OPERATOR, Role.AUDITOR])
def test_links_are_for_those_who_may_do_the_step(cast, role):
    links = {text for text, step in steps(cast.north, frozenset({role})).items() if step.url}
    mine = {text for text in steps(cast.north) if "mapping published" in text or "imported" in text}
    assert links == (mine if role == Role.MAPPING_EDITOR else set())


def shown(user, name: str = "portal:home", *args) -> str:
    client = Client()
    client.force_login(user)
    return client.get(reverse(name, args=args)).content.decode()


def test_the_overview_shows_the_path_in_place_of_what_is_still_to_be_done(cast):
    said = shown(cast.dana)
    assert "From contract to live" in said
    assert "Next: <a" in said
    assert "Still to be done" not in said
    assert reverse("delivery:facts", args=["NORTH"]) in said


def test_an_editor_sees_the_path_without_the_director_s_links_and_a_stranger_sees_his_own(cast):
    assert reverse("delivery:facts", args=["NORTH"]) not in shown(cast.mel)
    assert "From contract to live" in shown(cast.mel)
    assert "eCW sandbox HL7" not in shown(cast.sam)


def test_without_the_path_the_overview_lists_what_is_left(cast, settings):
    settings.PATH_PANELS = []
    Location.objects.filter(pk=cast.north.pk).update(reading_connection=None)
    assert "Still to be done" in shown(cast.dana)


# --- the printed page ---------------------------------------------------------------------------------------------------


def absolute(path: str) -> str:
    return f"https://notes.example.org{path}"


def test_what_is_opened_from_here_has_host_port_and_protection(cast):
    lines = {line.purpose: line for line in outgoing(cast.north)}
    wire = lines["HL7 v2 over MLLP: eCW sandbox HL7"]
    assert (wire.target, wire.port, wire.protection) == ("127.0.0.1", 1, "none (sandbox)")
    chart = lines["Open API: eCW sandbox Open API"]
    assert (chart.target, chart.port) == ("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("own", "words"),
    [({"tls": True}, "TLS 1.2 or newer"), ({"vpn": True}, "VPN or point-to-point line"), ({}, "none (sandbox)")],
)
def test_each_protection_of_the_interface_is_named(cast, own, words):
    cast.hl7.settings = {"host": "ecw.example.org", "port": 6661, **own}
    cast.hl7.save()
    [line] = [line for line in outgoing(cast.north) if line.purpose.startswith("HL7")]
    assert (line.target, line.port, line.protection) == ("ecw.example.org", 6661, words)


def test_scribes_that_are_told_things_are_destinations_too(cast):
    endpoints.create(cast.scribe, "sandbox", "https://scribe.example.org/hook", [])
    [line] = [line for line in outgoing(cast.north) if "webhooks" in line.purpose]
    assert (line.target, line.port, line.protection) == ("scribe.example.org", 443, "TLS 1.2 or newer")


def test_what_is_opened_towards_here_depends_on_the_sources_of_events(cast):
    assert [line.source for line in incoming(cast.north, absolute)] == ["the scribe"]
    source, secret = sources.create(cast.north, "webhook", {})
    sources.create(cast.north, "mllp", {"port": 6100, "peers": "10.20.0.0/16"})
    found = incoming(cast.north, absolute)
    assert {line.source for line in found} == {"the scribe", "eCW", "eCW (10.20.0.0/16)"}
    assert {line.target for line in found if line.source != "eCW (10.20.0.0/16)"} == {"notes.example.org"}
    [(name, rows)] = forms(cast.north, absolute)
    assert name == "Events of visits"
    assert dict(rows)["Webhook address"] == f"https://notes.example.org/api/v1/events/{source.public_id}"
    assert secret not in str(rows)


def test_a_fhir_connection_s_form_has_scopes_key_set_and_no_secret(cast):
    made = Connection.objects.create(
        practice=cast.practice, name="FHIR", kind="fhir", environment="sandbox",
        settings={"base_url": "https://fhir.example.org/r4/LAKESI", "client_id": "c1", "practice_code": "LAKESI"},
    )  # fmt: skip
    made.set_secrets({"client_secret": "never-shown"})
    made.save()
    Route.objects.create(location=cast.north, part="diagnoses", connection=made)
    [(name, rows)] = forms(cast.north, absolute)
    told = dict(rows)
    assert (name, told["Client id"]) == ("FHIR", "c1")
    assert "system/Condition.write" in told["Scopes"]
    assert told["Key set (JWKS)"].startswith("https://notes.example.org/")
    assert "never-shown" not in str(rows)
    assert "Redirect address" not in told
    made.settings |= {"grant": "authorization_code"}
    made.save()
    assert "Redirect address" in dict(forms(cast.north, absolute)[0][1])


def test_the_page_is_the_director_s_and_shows_no_secret(cast):
    assert "notes (POST /api/v1/notes)" in shown(cast.dana, "delivery:facts", "NORTH")
    assert "sandbox-token" not in shown(cast.dana, "delivery:facts", "NORTH")
    for user, status in ((cast.mel, 403), (cast.omar, 403), (cast.ava, 403)):
        client = Client()
        client.force_login(user)
        assert client.get(reverse("delivery:facts", args=["NORTH"])).status_code == status
    client = Client()
    client.force_login(cast.sam)
    assert client.get(reverse("delivery:facts", args=["SOUTH"])).status_code == 404


def test_an_agreement_signed_tomorrow_is_not_in_force_today(cast):
    tomorrow = (timezone.now() + timedelta(days=2)).date()
    agreements.record_agreement(cast.practice, Terms("baa_ecw", "eCW", tomorrow))
    assert phase(cast.north, "Agreements").count == 0


def test_a_released_location_whose_pilot_is_under_way_says_who_released_it(cast, live, monkeypatch):
    """Its path goes on until every provider is in: what was done must not stand there as still to do."""
    text = "Released for production by a director"
    assert not steps(live)[text].done
    a_pilot(live)
    monkeypatch.setattr(locations, "lacks", lambda location: [])
    with acting(Actor("user", "1", "dana")):
        locations.release(live, "Certified and agreed.")
    step = steps(live)[text]
    assert (step.done, step.who, step.says) == (True, "dana", "")
    assert step.when is not None
    with acting(Actor("user", "2", "omar")):
        locations.lock(live, "The template is another now.")
    step = steps(live)[text]
    assert (step.done, step.who, step.says) == (False, "", "The template is another now.")
