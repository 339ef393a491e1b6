"""What stands around a run: the simulated eCW, the way by a relay and back, and how each connection is looked at."""

import json
from types import SimpleNamespace

import httpx2
import pytest

from delivery.certification import at_ecw, between, security
from delivery.certification.between import CannotStandBetween, address_of, connection_of, put_back, relay_before
from delivery.certification.models import CertificationRun
from delivery.certification.notes import Visit
from delivery.channels import http
from delivery.channels.base import Unavailable
from delivery.models import ConnectionState
from portal import locations, tokens
from portal.models import Connection, Location, OAuthGrant, Part, Route
from tests.delivery.certification.desks import account_of, came, desk_at

pytestmark = pytest.mark.django_db


class TestTheSimulatedEcw:
    """Only there may a run sign a note: anywhere else a person does."""

    @pytest.fixture
    def ecw(self, monkeypatch):
        """Answers every call as the test says, and keeps what was asked."""
        kept = SimpleNamespace(answer=httpx2.Response(200, json={"status": "ok"}), asked=[])

        def handle(request):
            kept.asked.append(request)
            if isinstance(kept.answer, Exception):
                raise kept.answer
            return kept.answer

        monkeypatch.setattr(at_ecw, "_client", lambda: httpx2.Client(transport=httpx2.MockTransport(handle)))
        return kept

    def test_is_known_by_its_own_word(self, cast, ecw):
        assert at_ecw.simulated(cast.north) == "http://127.0.0.1:1/sandbox/api"
        assert str(ecw.asked[0].url) == "http://127.0.0.1:1/sandbox/api/health"

    @pytest.mark.parametrize(
        "answer",
        [
            httpx2.Response(200, json={"status": "down"}),
            httpx2.Response(200, json=["ok"]),
            httpx2.Response(200, text="<html>ok</html>"),
            httpx2.Response(404, json={"status": "ok"}),
            httpx2.Response(302, json={"status": "ok"}),
            http.NotAnswered("connection_refused"),
        ],
        ids=["not ok", "a list", "a page", "404", "redirect", "nobody"],
    )
    def test_is_nothing_that_answers_otherwise(self, cast, ecw, answer):
        ecw.answer = answer
        assert at_ecw.simulated(cast.north) == ""

    @pytest.mark.parametrize(
        "base", ["https://ecw.example.org/api", "", None, "ftp://x/y", "//127.0.0.1/x", "nonsense"]
    )
    def test_is_not_even_asked_where_the_address_cannot_be_its(self, cast, ecw, base):
        cast.reader.settings = {"base_url": base}
        assert at_ecw.simulated(cast.north) == ""
        assert ecw.asked == []

    def test_is_not_asked_from_production_or_without_a_reader(self, cast, ecw):
        cast.north.environment = "production"
        assert at_ecw.simulated(cast.north) == ""
        assert at_ecw.simulated(cast.elsewhere) == ""
        assert ecw.asked == []

    def test_signs_the_visit_that_is_meant(self, cast, ecw):
        assert at_ecw.sign("http://e/sandbox/api", cast.north, Visit(3, 4))
        (asked,) = ecw.asked
        assert (asked.method, asked.url.path) == ("PUT", "/sandbox/api/facilities/NORTH/encounters/CERT3-E4")
        assert json.loads(asked.content) == {"signed": True}

    @pytest.mark.parametrize(
        "own, of_reader, called", [("HERE", "THERE", b"HERE"), ("", "THERE", b"THERE"), ("", "", b"NORTH")]
    )
    def test_calls_the_facility_as_ecw_does(self, cast, ecw, own, of_reader, called):
        cast.north.facility, cast.reader.settings["facility"] = own, of_reader
        at_ecw.sign("http://e", cast.north, Visit(1, 1))
        assert ecw.asked[0].url.raw_path.startswith(b"/facilities/%s/encounters/" % called)

    def test_leaves_no_facility_to_break_out_of_the_address(self, cast, ecw):
        cast.north.facility = "a/../b?c"
        at_ecw.sign("http://e", cast.north, Visit(1, 1))
        assert ecw.asked[0].url.raw_path == b"/facilities/a%2F..%2Fb%3Fc/encounters/CERT1-E1"

    @pytest.mark.parametrize("answer", [httpx2.Response(201), httpx2.Response(409), http.NotAnswered("timeout")])
    def test_has_signed_only_where_it_says_so(self, cast, ecw, answer):
        ecw.answer = answer
        assert not at_ecw.sign("http://e", cast.north, Visit(1, 1))


def made(kind: str, **settings) -> Connection:
    return Connection(name="C", kind=kind, settings=settings)


class TestWhereAConnectionLeads:
    @pytest.mark.parametrize(
        "connection, address",
        [
            (made("hl7", host="ecw.example.org", port=6661), ("ecw.example.org", 6661)),
            (made("hl7", host="ecw.example.org", port="6661"), ("ecw.example.org", 6661)),
            (made("hl7"), ("", 0)),
            (made("fhir", base_url="https://Fhir.Example.org/r4"), ("fhir.example.org", 443)),
            (made("fhir", base_url="http://fhir.example.org/r4"), ("fhir.example.org", 80)),
            (made("openapi", base_url="https://[::1]:8443/x"), ("::1", 8443)),
            (made("openapi", base_url=None), ("", 80)),
        ],
    )
    def test_is_read_from_its_settings(self, connection, address):
        assert address_of(connection) == address

    def test_is_not_lent_where_a_person_signed_in(self):
        with pytest.raises(CannotStandBetween, match="A person has signed"):
            address_of(made("fhir", base_url="https://f.example.org", grant="authorization_code"))

    def test_that_is_nowhere_changes_nothing(self, cast):
        cast.hl7.settings = {"host": "169.254.169.254", "port": 80}
        desk = desk_at(cast.north)
        with pytest.raises(CannotStandBetween, match="cannot be reached"), relay_before(desk, cast.hl7):
            pass
        assert Route.objects.get(location=cast.north, part=Part.NOTE).connection == cast.hl7
        assert not Connection.objects.filter(name__startswith=between.NAME).exists()


class TestTheRelaysConnection:
    RELAY = SimpleNamespace(port=4040)

    def test_is_as_the_sender_is_but_for_the_way(self, cast):
        cast.hl7.set_secrets({"key": "k"})
        cast.hl7.save()
        found = connection_of(self.RELAY, cast.hl7, ("127.0.0.1", 1), 0.5)
        assert found.settings["through"] == {"host": "127.0.0.1", "port": 1, "by": 4040}
        assert (found.settings["ack_seconds"], found.settings["sockets"]) == (0.5, 1)
        assert found.settings["receiving_facility"] == "NORTH"
        assert found.secrets() == {"key": "k"}
        assert "through" not in Connection.objects.get(pk=cast.hl7.pk).settings

    @pytest.mark.parametrize(
        "kind, name", [("hl7", "ack_seconds"), ("fhir", "call_seconds"), ("openapi", "read_seconds")]
    )
    def test_waits_no_longer_than_the_plan_by_its_own_kinds_setting(self, cast, kind, name):
        sender = Connection.objects.create(practice=cast.practice, name=kind, kind=kind, environment="sandbox")
        assert connection_of(self.RELAY, sender, ("h", 1), 0.25).settings[name] == 0.25

    def test_has_what_was_found_out_of_the_sender_and_none_of_the_last_runs_troubles(self, cast):
        ConnectionState.objects.create(connection=cast.hl7, profile="readback", failures=4, breaker="open")
        first = connection_of(self.RELAY, cast.hl7, ("h", 1), 1)
        ConnectionState.objects.filter(connection=first).update(breaker="open", failures=9, profile="")
        again = connection_of(self.RELAY, cast.hl7, ("h", 1), 1)
        state = ConnectionState.objects.get(connection=again)
        assert again.pk == first.pk, "one row serves every run"
        assert (state.breaker, state.failures, state.profile) == ("closed", 0, "readback")

    def test_has_a_name_that_fits_whatever_the_senders_is(self, cast):
        cast.hl7.name = "x" * 100
        assert len(connection_of(self.RELAY, cast.hl7, ("h", 1), 1).name) == 100


class TestTheWayBack:
    def relayed(self, cast, *before: Connection) -> CertificationRun:
        relay = connection_of(TestTheRelaysConnection.RELAY, cast.hl7, ("h", 1), 1)
        run = CertificationRun.objects.create(location=cast.north, by="x", restore=[one.pk for one in before])
        locations.set_routes(cast.north, Part.NOTE, [relay])
        return run

    def routes(self, location: Location) -> list[str]:
        return [one.connection.name for one in location.routes.filter(part=Part.NOTE).order_by("position")]

    def test_has_every_connection_in_its_order(self, cast):
        second = Connection.objects.create(practice=cast.practice, name="Second", kind="hl7", environment="sandbox")
        put_back(self.relayed(cast, second, cast.hl7))
        assert self.routes(cast.north) == ["Second", cast.hl7.name]

    def test_leaves_the_relay_switched_off_and_the_run_without_a_claim(self, cast):
        run = self.relayed(cast, cast.hl7)
        put_back(run)
        run.refresh_from_db()
        assert run.restore == []
        assert not Connection.objects.get(name__startswith=between.NAME).enabled
        assert Connection.objects.get(pk=cast.hl7.pk).enabled

    def test_is_taken_once(self, cast):
        run = self.relayed(cast, cast.hl7)
        put_back(run)
        locations.set_routes(cast.north, Part.NOTE, [cast.reader])
        put_back(run)
        assert self.routes(cast.north) == [cast.reader.name], "what a person changed since stays"

    def test_leaves_other_parts_and_other_practices_alone(self, cast):
        Route.objects.create(location=cast.north, part=Part.DIAGNOSES, connection=cast.reader)
        theirs = Connection.objects.create(
            practice=cast.elsewhere.practice, name=f"{between.NAME} (theirs)", kind="hl7", environment="sandbox"
        )
        put_back(self.relayed(cast, cast.hl7))
        assert cast.north.routes.get(part=Part.DIAGNOSES).connection == cast.reader
        assert Connection.objects.get(pk=theirs.pk).enabled


class TestHowALineIsProtected:
    @pytest.mark.parametrize(
        "own, found",
        [
            ({"host": "127.0.0.1", "port": 1}, security.HERE),
            ({"host": "10.9.8.7", "port": 1}, security.BARE),
            ({"host": "10.9.8.7", "port": 1, "vpn": True}, security.VPN),
            ({"host": "127.0.0.1", "port": 1, "tls": True}, "cannot be reached"),
            ({"host": "169.254.169.254", "port": 1, "tls": True}, "cannot be reached"),
        ],
    )
    def test_is_told_from_its_settings_or_by_asking(self, own, found):
        assert security.version_of(made("hl7", **own)) == found

    @pytest.mark.parametrize("accepts, found", [(True, security.ACCEPTED), (False, security.REFUSED)])
    def test_of_a_signed_in_connection_is_asked_all_the_same(self, monkeypatch, accepts, found):
        monkeypatch.setattr(security, "shakes_hands", lambda address, name: accepts)
        own = made("fhir", base_url="https://127.0.0.1:9", grant="authorization_code")
        assert security.version_of(own) == found

    @pytest.mark.parametrize("found", [security.ACCEPTED, security.BARE])
    def test_too_little_fails_and_names_the_connection(self, cast, monkeypatch, found):
        monkeypatch.setattr(security, "version_of", lambda one: found if one == cast.hl7 else security.REFUSED)
        desk = desk_at(cast.north)
        verdict = security.versions(desk, account_of(desk))
        assert (verdict.passed, verdict.says) == (False, f"{cast.hl7.name}: {found}")

    def test_that_is_enough_everywhere_is_said_once(self, cast, monkeypatch):
        monkeypatch.setattr(security, "version_of", lambda one: security.REFUSED)
        desk = desk_at(cast.north)
        account = account_of(desk)
        assert security.versions(desk, account).says == "refuses TLS 1.1."
        assert came(account) == ["refuses TLS 1.1"] * 2

    def test_an_impostor_that_one_connection_trusts_is_named_with_it(self, cast, monkeypatch):
        answers = iter(["tls_unknown_ca", "trusted"])
        monkeypatch.setattr(security, "handed_to_impostor", lambda context: next(answers))
        desk = desk_at(cast.north)
        verdict = security.bad_certificate(desk, account_of(desk))
        assert (verdict.passed, verdict.says) == (False, f"Trusted: {cast.reader.name}.")


class TestRightsAndTokens:
    @pytest.fixture
    def fhir(self, cast) -> Connection:
        own = {"base_url": "https://f.example.org", "grant": "authorization_code"}
        made = Connection.objects.create(
            practice=cast.practice, name="FHIR", kind="fhir", environment="sandbox", settings=own
        )
        Route.objects.create(location=cast.north, part=Part.DIAGNOSES, connection=made)
        return made

    def asked(self, cast, test):
        desk = desk_at(cast.north)
        return test(desk, account_of(desk))

    @pytest.mark.parametrize("test", [security.rights, security.renewal])
    def test_are_not_asked_for_where_no_connection_has_any(self, cast, test):
        assert not self.asked(cast, test).applies

    def test_of_a_sign_in_are_those_that_were_granted_to_the_person(self, cast, fhir):
        OAuthGrant.objects.create(connection=fhir, scopes=["user/Condition.*", "offline_access"])
        assert self.asked(cast, security.rights).says == "Everything needed is granted."

    def test_that_are_missing_are_named_each(self, cast, fhir):
        OAuthGrant.objects.create(connection=fhir, scopes=["user/Condition.read", "offline_access"])
        verdict = self.asked(cast, security.rights)
        assert (verdict.passed, verdict.says) == (False, "Missing: user/Condition.write (scope_refused).")

    def test_of_nobody_who_signed_in_are_all_missing(self, cast, fhir):
        assert set(security.granted(fhir).values()) == {"scope_refused"}

    @pytest.mark.parametrize("error, word", [(Unavailable("dns"), "dns"), (ValueError("x"), "settings")])
    def test_a_server_that_cannot_be_asked_is_what_is_missing(self, cast, fhir, monkeypatch, error, word):
        def ask(connection):
            raise error

        monkeypatch.setattr(security.asking, "check_each", ask)
        fhir.settings.pop("grant")
        assert security.granted(fhir) == {"the authorization server": word}

    @pytest.fixture
    def token(self, monkeypatch):
        """What is done when a token is asked for."""
        said = SimpleNamespace(do=lambda connection: None)
        credentials = lambda connection: SimpleNamespace(token=lambda seconds: said.do(connection))  # noqa: E731
        monkeypatch.setattr(security, "Credentials", credentials)
        return said

    @pytest.mark.parametrize(
        "after, says", [(3, "Not renewed: FHIR (the old one was kept)."), (4, "Renewed.")], ids=["the same", "another"]
    )
    def test_a_token_that_has_run_out_must_become_another(self, cast, fhir, token, after, says):
        OAuthGrant.objects.create(connection=fhir, generation=3)
        token.do = lambda connection: OAuthGrant.objects.update(generation=after)
        assert tokens.held(fhir).generation == 3
        assert self.asked(cast, security.renewal).says == says

    def test_a_renewal_that_fails_says_why_and_the_others_are_tried(self, cast, fhir, token):
        def fails(connection):
            raise Unavailable("unauthorized")

        token.do = fails
        OAuthGrant.objects.create(connection=fhir, generation=3)
        assert self.asked(cast, security.renewal).says == "Not renewed: FHIR (unauthorized)."
