"""The connection test against real servers: every step that can fail is named, and what stood before it is shown."""

import json
import socket

import pytest
from django.test import Client
from django.urls import reverse
from werkzeug import Response

from audit.models import AuditEvent
from delivery import connection_steps
from delivery.connection_steps import DOES_NOT_APPLY, FAILED, NOT_REACHED, PASSED, STEPS, examine
from delivery.failures import CATALOGUE
from delivery.models import ConnectionState
from delivery.oauth import endpoints
from portal.models import Connection, ConnectionKind
from tests.channels.peers import Peer, always
from tests.channels.test_tls import authority, pem, server, stranger  # noqa: F401
from tests.delivery.fhir import fhir_connection, register, words

ORDER = list(STEPS)
CANARY = "Zephyrine-Quackenbush"


def outcomes(connection: Connection) -> dict[str, str]:
    return {step.key: step.outcome for step in examine(connection)}


def stops_at(connection: Connection, key: str, reason: str) -> str:
    """The test fails at that step for that reason: all before it passed or do not apply, none after it was reached."""
    steps = examine(connection)
    assert [step.key for step in steps] == ORDER
    failed = [step for step in steps if step.outcome == FAILED]
    assert [(step.key, step.reason_code) for step in failed] == [(key, reason)], steps
    assert reason in CATALOGUE
    place = ORDER.index(key)
    assert all(step.outcome in (PASSED, DOES_NOT_APPLY) for step in steps[:place] if step.outcome != NOT_REACHED)
    assert [step.outcome for step in steps[place + 1 :]] == [NOT_REACHED] * (len(ORDER) - place - 1)
    return failed[0].says


def changed(connection: Connection, secrets: dict[str, str] | None = None, **settings) -> Connection:
    connection.settings = {**connection.settings, **settings}
    if secrets is not None:
        connection.set_secrets({**connection.secrets(), **secrets})
    connection.save()
    return connection


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class TestHl7:
    def test_an_open_port_without_tls_passes_and_says_what_was_not_asked(self, cast):
        with Peer(always()) as peer:
            assert outcomes(changed(cast.hl7, port=peer.port)) == {
                "settings": PASSED,
                "name": PASSED,
                "network": PASSED,
                "tls": DOES_NOT_APPLY,
                "sign_in": DOES_NOT_APPLY,
                "scope": DOES_NOT_APPLY,
                "rate": PASSED,
                "content": DOES_NOT_APPLY,
            }
            assert peer.received == b""

    def test_settings_that_cannot_be_used_are_named_in_their_own_words(self, cast):
        says = stops_at(changed(cast.hl7, version="9.9"), "settings", "connection_misconfigured")
        assert says.startswith("HL7 version must be one of")

    def test_a_name_nobody_knows(self, cast):
        stops_at(changed(cast.hl7, host="no-such-host.invalid", port=2575), "name", "dns")

    def test_a_target_outside_the_allowed_networks_says_who_can_allow_it(self, cast, settings):
        settings.ALLOWED_NETWORKS = ["10.0.0.0/8"]
        says = stops_at(changed(cast.hl7, port=2575), "name", "target_not_allowed")
        assert "SCRIBEPORT_ALLOWED_NETWORKS" in says

    def test_a_port_where_nobody_listens(self, cast):
        stops_at(changed(cast.hl7, port=free_port()), "network", "connection_refused")

    def test_a_certificate_of_an_unknown_authority(self, cast, authority, stranger):  # noqa: F811
        with Peer(always(), tls=server(stranger)) as peer:
            own = changed(cast.hl7, port=peer.port, tls=True, ca_pem=pem(authority), server_name="interface.ecw.test")
            stops_at(own, "tls", "tls_unknown_ca")

    def test_a_receiver_with_a_good_certificate(self, cast, authority):  # noqa: F811
        with Peer(always(), tls=server(authority)) as peer:
            own = changed(cast.hl7, port=peer.port, tls=True, ca_pem=pem(authority), server_name="interface.ecw.test")
            found = outcomes(own)
            assert (found["network"], found["tls"]) == (PASSED, PASSED)


class TestOpenApi:
    @pytest.fixture
    def answered(self, cast, httpserver):
        def answer(response: Response) -> Connection:
            httpserver.expect_request("/openapi/v1/LAKESI/templates").respond_with_response(response)
            return changed(cast.reader, base_url=httpserver.url_for("").rstrip("/"), read_seconds=2)

        return answer

    def test_a_facility_that_is_known_passes_every_step(self, answered):
        body = json.dumps({"templates": []})
        assert set(outcomes(answered(Response(body, content_type="application/json"))).values()) == {
            PASSED,
            DOES_NOT_APPLY,
        }

    def test_no_patient_and_no_encounter_is_asked_for(self, answered, httpserver):
        examine(answered(Response(json.dumps({"templates": []}), content_type="application/json")))
        assert [asked.path for asked, _ in httpserver.log] == ["/openapi/v1/LAKESI/templates"]

    @pytest.mark.parametrize(
        "status, key, reason",
        [
            (401, "sign_in", "read_unauthorized"),
            (403, "scope", "read_forbidden"),
            (404, "content", "read_not_found"),
            (429, "rate", "rate_limited"),
            (500, "content", "read_unavailable"),
        ],
    )
    def test_each_refusal_is_the_step_it_belongs_to(self, answered, status, key, reason):
        steps = {step.key: step for step in examine(answered(Response("{}", status=status)))}
        assert (steps[key].outcome, steps[key].reason_code) == (FAILED, reason)

    def test_a_sign_in_page_is_no_answer(self, answered):
        stops_at_content = examine(answered(Response("<html>Sign in</html>", content_type="text/html")))
        assert [(step.key, step.reason_code) for step in stops_at_content if step.outcome == FAILED] == [
            ("content", "read_unreadable")
        ]

    @pytest.mark.parametrize(
        "status, kind",
        [(200, "text/html"), (200, "application/json"), (302, "text/html"), (401, "text/html"), (403, "text/plain"),
         (404, "application/json"), (429, "text/html"), (500, "text/html"), (503, "application/json")],
    )  # fmt: skip
    def test_S09_no_word_of_an_answer_is_shown_kept_or_logged(self, answered, cast, caplog, status, kind):
        own = answered(
            Response(
                f'{{"error": "{CANARY}"}}',
                status=status,
                content_type=kind,
                headers={"Location": f"http://127.0.0.1/{CANARY}", "Server": CANARY, "WWW-Authenticate": CANARY},
            )
        )
        steps = examine(own)
        client = Client()
        client.force_login(cast.dana)
        page = client.get(reverse("portal:connection", args=[own.pk])).content.decode()
        kept = ConnectionState.objects.get(connection=own).test_steps
        events = list(AuditEvent.objects.filter(event="connection.test").values())
        assert CANARY not in f"{steps} {page} {kept} {events} {caplog.text}"

    def test_a_minute_that_is_used_up_asks_nobody(self, answered, httpserver):
        own = changed(answered(Response("{}")), calls_per_minute=1)
        examine(own)
        httpserver.clear_log()
        assert "used up" in stops_at_rate(own)
        assert httpserver.log == []

    def test_a_token_that_cannot_stand_in_a_header(self, cast):
        says = stops_at(changed(cast.reader, secrets={"token": "two words"}), "settings", "connection_misconfigured")
        assert says == "The token is missing, or holds characters that no token has."

    def test_a_server_without_tls_behind_https(self, cast, httpserver):
        stops_at(changed(cast.reader, base_url=f"https://127.0.0.1:{httpserver.port}"), "tls", "tls_not_spoken")


def stops_at_rate(connection: Connection) -> str:
    (failed,) = [step for step in examine(connection) if step.outcome == FAILED]
    assert (failed.key, failed.reason_code) == ("rate", "rate_limited")
    return failed.says


class TestFhir:
    @pytest.fixture
    def fhir(self, ecw, cast):
        endpoints._kept.clear()
        made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
        register(ecw.process, made)
        return made

    def test_a_base_with_its_sign_in_and_scopes_passes(self, fhir):
        steps = {step.key: step for step in examine(fhir)}
        assert {step.outcome for step in steps.values()} == {PASSED, DOES_NOT_APPLY}
        assert steps["content"].says == "The base says that it speaks FHIR 4.0.1."

    def test_a_client_nobody_registered_fails_at_the_sign_in(self, fhir):
        (failed,) = [step for step in examine(changed(fhir, client_id="unknown")) if step.outcome == FAILED]
        assert failed.key == "sign_in"
        assert failed.reason_code in CATALOGUE

    def test_a_scope_that_is_not_granted_is_named(self, fhir, ecw):
        register(ecw.process, fhir, scopes=["system/DocumentReference.read"])
        (failed,) = [step for step in examine(fhir) if step.outcome == FAILED]
        assert failed.key == "scope"

    def test_a_server_where_nobody_listens_fails_before_any_token_is_asked(self, fhir, ecw):
        before = ecw.process.api("GET", "/tokens")["calls"]
        stops_at(
            changed(fhir, base_url=f"http://127.0.0.1:{free_port()}/fhir/r4/LAKESI"), "network", "connection_refused"
        )
        assert ecw.process.api("GET", "/tokens")["calls"] == before


class TestWhatIsKept:
    def test_the_newest_test_stands_with_its_date(self, cast):
        examine(changed(cast.hl7, port=free_port()))
        state = ConnectionState.objects.get(connection=cast.hl7)
        assert state.tested_at is not None
        assert [row["outcome"] for row in state.test_steps][:3] == [PASSED, PASSED, FAILED]

    def test_each_test_is_in_the_audit_log_with_the_step_that_failed(self, cast):
        examine(changed(cast.hl7, port=free_port()))
        event = AuditEvent.objects.get(event="connection.test")
        assert (event.outcome, event.practice) == ("error", "lakeside")
        assert event.detail == {"connection": cast.hl7.pk, "step": "network", "outcome": "connection_refused"}

    def test_a_test_changes_neither_profile_nor_breaker(self, cast):
        state = ConnectionState.objects.create(connection=cast.hl7, profile="dedupe", failures=3)
        examine(changed(cast.hl7, port=free_port()))
        state.refresh_from_db()
        assert (state.profile, state.failures, state.breaker) == ("dedupe", 3, "closed")


class TestOnScreen:
    @pytest.fixture
    def dana(self, cast):
        client = Client()
        client.force_login(cast.dana)
        return client

    def page(self, client, connection) -> str:
        return words(client.get(reverse("portal:connection", args=[connection.pk])).content.decode())

    def test_a_connection_that_was_never_tested_says_so(self, dana, cast):
        assert "Not tested yet." in self.page(dana, cast.hl7)

    def test_the_button_tests_and_the_page_names_the_step_and_whose_job_it_is(self, dana, cast):
        own = changed(cast.hl7, port=free_port())
        dana.post(reverse("delivery:test-connection", args=[own.pk]))
        shown = self.page(dana, own)
        assert "The test stopped at: Network." in shown
        assert "Network Failed" in shown
        assert "Sign-in Not reached" in shown
        assert CATALOGUE["connection_refused"].todo in shown.replace("&#x27;", "'")

    def test_a_test_that_passes_says_so(self, dana, cast):
        with Peer(always()) as peer:
            own = changed(cast.hl7, port=peer.port)
            dana.post(reverse("delivery:test-connection", args=[own.pk]))
        assert "Every step of the test passed." in self.page(dana, own)

    def test_an_open_api_connection_shows_its_receiver_profile_now_that_it_sends(self, dana, cast):
        assert "Receiver profile" in self.page(dana, cast.reader)


def test_every_kind_of_connection_can_be_tested():
    assert set(connection_steps.WAYS) == set(ConnectionKind)
