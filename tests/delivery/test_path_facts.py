"""The firewall's lines and eCW's forms, and the path's own small words: addresses, ports, roles, who did it, what comes next."""

from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.record import Actor, acting, record
from delivery.certification.models import CertificationRun
from delivery.connection_steps import FAILED, PASSED, Step, keep
from delivery.events import sources
from delivery.path import panel
from delivery.path.facts import OURS, forms, incoming, of_connection, of_url, outgoing
from delivery.path.step import Phase, name_of, told
from delivery.path.step import Step as Shown
from delivery.path.steps import imported, meant_at, path_of, sends, twin_of
from delivery.webhooks import endpoints
from mapping.models import Rehearsal, Template
from portal import locations
from portal.models import Connection, Environment, Location, Role, Route, Scribe, User
from tests.cast import NORTH_FIELDS, NORTH_RULES, make_template, publish

DIRECTOR = frozenset({Role.DIRECTOR})


def absolute(path: str) -> str:
    return f"https://notes.example.org{path}"


def steps(location: Location) -> dict:
    return {step.text: step for phase in path_of(location, DIRECTOR) for step in phase.steps}


class TestALineForTheFirewall:
    @pytest.mark.parametrize(
        "address, target, port, how",
        [
            ("https://ecw.example.org/api", "ecw.example.org", 443, "TLS 1.2 or newer"),
            ("https://ECW.example.org:8443", "ecw.example.org", 8443, "TLS 1.2 or newer"),
            ("http://127.0.0.1/x", "127.0.0.1", 80, "none (sandbox)"),
            ("HTTPS://[2001:db8::1]/", "2001:db8::1", 443, "TLS 1.2 or newer"),
            ("https://user:secret@ecw.example.org/", "ecw.example.org", 443, "TLS 1.2 or newer"),
            ("nonsense", "", 80, "none (sandbox)"),
        ],
    )
    def test_has_what_an_address_says(self, address, target, port, how):
        line = of_url(address, "what for")
        assert (line.source, line.target, line.port, line.protection) == (OURS, target, port, how)
        assert "secret" not in str(line)

    @given(st.integers(1, 65535), st.booleans())
    def test_has_the_port_that_is_written_before_the_one_that_is_meant(self, port, secure):
        assert of_url(f"http{'s' if secure else ''}://h.example.org:{port}/x", "").port == port

    def test_stands_for_each_address_of_a_connection_once_it_is_set(self):
        own = {"base_url": "https://a.example.org", "token_url": "https://b.example.org", "authorize_url": ""}
        made = Connection(name="F", kind="fhir", settings=own)
        assert [line.target for line in of_connection(made)] == ["a.example.org", "b.example.org"]
        assert of_connection(Connection(name="F", kind="fhir", settings={})) == []

    def test_of_a_wire_that_is_not_set_up_yet_has_no_port(self):
        (line,) = of_connection(Connection(name="W", kind="hl7", settings={}))
        assert (line.target, line.port) == ("", "")

    def test_of_tls_within_a_vpn_names_the_stronger(self):
        (line,) = of_connection(Connection(name="W", kind="hl7", settings={"tls": True, "vpn": True}))
        assert line.protection == "TLS 1.2 or newer"


@pytest.mark.django_db
class TestTheFirewallsList:
    def test_leaves_out_what_is_switched_off_and_what_another_location_uses(self, cast):
        Connection.objects.filter(pk=cast.hl7.pk).update(enabled=False)
        theirs = Connection.objects.create(
            practice=cast.practice, name="S", kind="hl7", environment="sandbox", settings={"host": "s.example.org"}
        )
        Route.objects.create(location=cast.south, part="diagnoses", connection=theirs)
        assert [line.purpose for line in outgoing(cast.north) if "HL7" in line.purpose] == [
            f"HL7 v2 over MLLP: {cast.hl7.name}"
        ], "the way that notes are meant to go stands, switched off or not"
        assert "s.example.org" not in {line.target for line in outgoing(cast.north)}

    def test_names_the_same_connections_while_certifications_relay_stands_between(self, cast):
        before = {line.purpose for line in outgoing(cast.north)}
        relay = Connection.objects.create(
            practice=cast.practice, name="Certification relay (HL7)", kind="hl7", environment="sandbox",
            settings=cast.hl7.settings | {"through": {"host": "127.0.0.1", "port": 1, "by": 2}},
        )  # fmt: skip
        CertificationRun.objects.create(location=cast.north, by="x", state="running", restore=[cast.hl7.pk])
        locations.set_routes(cast.north, "note", [relay])
        assert {line.purpose for line in outgoing(cast.north)} == before
        assert meant_at(cast.north) == [cast.reader, cast.hl7]

    def test_tells_scribes_of_this_practice_environment_and_state_only(self, cast):
        other = Scribe.objects.create(practice=cast.elsewhere.practice, name="Theirs")
        endpoints.create(other, "sandbox", "https://theirs.example.org/", [])
        endpoints.create(cast.scribe, "production", "https://live.example.org/", [])
        off, _ = endpoints.create(cast.scribe, "sandbox", "https://off.example.org/", [])
        endpoints.change(off, off.url, [], enabled=False)
        assert not [line for line in outgoing(cast.north) if "webhooks" in line.purpose]

    @pytest.mark.parametrize(
        "base, host, port, how",
        [
            ("https://n.example.org", "n.example.org", 443, "TLS 1.2 or newer"),
            ("https://n.example.org:8443", "n.example.org", 8443, "TLS 1.2 or newer"),
            ("http://127.0.0.1:8000", "127.0.0.1", 8000, "none"),
            ("http://portal", "portal", 80, "none"),
        ],
    )
    def test_says_where_the_scribe_calls_and_how_that_is_protected(self, cast, base, host, port, how):
        (line,) = incoming(cast.north, lambda path: base + path)
        assert (line.target, line.port, line.protection) == (host, port, how)

    @pytest.mark.parametrize(
        "address, cert, target, how",
        [
            ("", "", "notes.example.org", "VPN or point-to-point line"),
            ("10.0.0.5", "", "10.0.0.5", "VPN or point-to-point line"),
            ("10.0.0.5", "/etc/cert.pem", "10.0.0.5", "TLS 1.2 or newer"),
        ],
    )
    def test_says_where_the_feed_is_listened_for(self, cast, settings, address, cert, target, how):
        settings.LISTEN_ADDRESS, settings.LISTEN_CERT = address, cert
        sources.create(cast.north, "mllp", {"port": 6100, "peers": "10.20.0.0/16"})
        line = incoming(cast.north, absolute)[-1]
        assert (line.target, line.port, line.protection, line.purpose) == (target, 6100, how, "ADT and SIU feed")

    def test_forgets_sources_that_are_switched_off_and_those_of_others(self, cast):
        mine, _ = sources.create(cast.north, "webhook", {})
        sources.change(mine, {}, None, enabled=False)
        sources.create(cast.south, "webhook", {})
        assert [line.source for line in incoming(cast.north, absolute)] == ["the scribe"]
        assert forms(cast.north, absolute) == []

    def test_asks_ecw_for_the_headers_that_this_source_looks_for(self, cast):
        own = {"signed": "id.timestamp.body", "signature_header": "X-Sig", "id_header": "X-Id"}
        sources.create(cast.north, "webhook", own)
        rows = dict(forms(cast.north, absolute)[0][1])
        assert rows["Signature"] == "HMAC-SHA256, Base64, over id.timestamp.body, in X-Sig"
        assert (rows["Time"], rows["Id of an event"]) == ("X-Timestamp", "X-Id")

    def test_asks_for_no_key_set_where_a_secret_is_used(self, cast):
        own = {"base_url": "https://f.example.org", "client_auth": "client_secret_basic"}
        made = Connection.objects.create(
            practice=cast.practice, name="F", kind="fhir", environment="sandbox", settings=own
        )
        Route.objects.create(location=cast.north, part="note", connection=made, position=2)
        rows = dict(forms(cast.north, absolute)[0][1])
        assert "Key set (JWKS)" not in rows
        assert rows["Client id"] == rows["Practice code"] == ""
        assert "DocumentReference" in rows["Scopes"]


class TestAPhase:
    def test_counts_its_steps_and_is_done_with_the_last(self):
        done, left = Shown("a", True), Shown("b", False)
        assert (Phase("P", (done, left)).count, Phase("P", (done, left)).done) == (1, False)
        assert Phase("P", (done, done)).done

    @pytest.mark.parametrize(
        "full, shown", [(("Dana", "Rivera"), "Dana Rivera"), (("", ""), "dana"), ((" ", ""), "dana")]
    )
    def test_names_people_as_they_are_called(self, full, shown):
        assert name_of(User(username="dana", first_name=full[0], last_name=full[1])) == shown

    def test_names_nobody_where_nobody_did_it(self):
        assert name_of(None) == ""


@pytest.mark.django_db
class TestWhoDidIt:
    def record(self, name: str, practice: str = "lakeside", key: int = 5, outcome: str = "ok"):
        with acting(Actor("user", "9", name)):
            record("connection.test", practice=practice, object_type="connection", object_id=str(key), outcome=outcome)

    def test_is_the_last_who_did(self, cast):
        self.record("dana")
        self.record("omar")
        assert told(cast.north, "connection.test", "connection", 5)[0] == "omar"

    def test_is_nobody_of_another_practice_or_thing_nor_who_failed(self, cast):
        self.record("sam", practice="harbor")
        self.record("mel", key=55)
        self.record("ava", outcome="denied")
        assert told(cast.north, "connection.test", "connection", 5) == ("", None)

    def test_is_an_id_where_no_name_was_kept(self, cast):
        self.record("")
        assert told(cast.north, "connection.test", "connection", 5)[0] == "9"


@pytest.mark.django_db
class TestTheSteps:
    def test_notes_are_said_to_go_by_the_first_of_two_ways(self, cast):
        Route.objects.filter(location=cast.north).update(position=3)
        first = Connection.objects.create(practice=cast.practice, name="First", kind="hl7", environment="sandbox")
        Route.objects.create(location=cast.north, part="note", connection=first, position=1)
        assert sends(cast.north) == first
        assert steps(cast.north)["A route by which notes are sent"].says == "By First."

    def test_a_way_for_diagnoses_sends_no_notes(self, cast):
        Route.objects.filter(location=cast.north).update(part="diagnoses")
        assert sends(cast.north) is None
        assert not steps(cast.north)["A route by which notes are sent"].done

    def test_a_connection_that_failed_after_it_passed_is_open_again(self, cast):
        keep(cast.hl7, [Step("settings", PASSED)])
        keep(
            cast.hl7,
            [Step("settings", PASSED), Step("tls", FAILED, "", "tls_unknown_ca"), Step("rate", FAILED, "", "x")],
        )
        step = steps(cast.north)[f"{cast.hl7.name} tested"]
        assert (step.done, step.says) == (False, "It stopped at tls (tls_unknown_ca).")

    @pytest.mark.parametrize("times, says", [(1, "Mapping 1, rehearsed 1 time."), (2, "Mapping 1, rehearsed 2 times.")])
    def test_a_mapping_says_how_often_it_was_rehearsed(self, cast, times, says):
        for _ in range(times):
            Rehearsal.objects.create(mapping=cast.north_mapping, fingerprint="0" * 16, notes=1)
        assert steps(cast.north)["FM-PROGRESS: mapping published"].says == says

    def test_a_mapping_for_an_older_version_of_its_template_is_open(self, cast):
        template = cast.north_mapping.template
        newer = template.versions.create(number=2, fingerprint="1" * 64, source="later")
        newer.fields.create(field_id="NF-99", label="Only", position=1)
        step = steps(cast.north)["FM-PROGRESS: mapping published"]
        assert not step.done
        assert "for its newest version" in step.says

    def test_the_newest_import_of_several_templates_is_told(self, cast):
        late = make_template(cast.north, "ZZ", "Later", NORTH_FIELDS)
        type(late).objects.filter(pk=late.pk).update(
            imported_by=cast.mel, imported_at=timezone.now() + timedelta(hours=1)
        )
        who, when = imported(list(cast.north.templates.all()))
        assert (who, when > timezone.now()) == ("mel", True)
        assert imported([]) == ("", None)

    def test_templates_of_locations_for_learning_are_nobodys_next_step(self, cast):
        locations.create(cast.practice, "LEARN", "Learn", Environment.SANDBOX, "America/New_York", for_learning=True)
        assert steps(cast.north)["Templates of every location imported"].done

    def test_a_twin_is_of_the_same_practice_and_has_templates(self, cast):
        for practice, code in ((cast.practice, "EMPTY"), (cast.elsewhere.practice, "THEIRS")):
            made = locations.create(practice, code, code, Environment.PRODUCTION, "America/New_York")
            if code == "THEIRS":
                publish(make_template(made, "FM-PROGRESS", "F", NORTH_FIELDS), NORTH_RULES)
        assert twin_of(cast.north) is None


@pytest.mark.django_db
class TestThePanel:
    def shown(self, user, location) -> str:
        request = RequestFactory().get("/")
        request.user = user
        return panel.panel(request, location)

    def test_counts_the_steps_over_all_phases(self, cast):
        done = [step.done for step in steps(cast.north).values()]
        assert f"{sum(done)} of {len(done)}" in " ".join(self.shown(cast.dana, cast.north).split())

    def test_is_nothing_for_whoever_has_no_part_in_the_location(self, cast):
        assert self.shown(cast.sam, cast.north) == ""
        assert self.shown(cast.omar, cast.south) == "", "he operates the other one"

    def test_escapes_what_a_connection_is_called(self, cast):
        Connection.objects.filter(pk=cast.hl7.pk).update(name="<b>HL7</b>")
        assert "<b>HL7" not in self.shown(cast.dana, cast.north)

    def test_of_two_locations_is_each_its_own(self, cast):
        Template.objects.filter(location=cast.north).update(code="ONLY-NORTH")
        assert "ONLY-NORTH" in self.shown(cast.ava, cast.north)
        assert "ONLY-NORTH" not in self.shown(cast.ava, cast.south)
