"""Writing by field over the Open API: the bytes, what is refused before, and what each answer says of the note."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from werkzeug import Request, Response

from delivery.channels.base import CannotExpress, NoAnswer, Receipt, Refused, Unavailable
from delivery.channels.openapi_sending import open_channel, render
from delivery.channels.openapi_settings import OpenApiSettings
from delivery.failures import CATALOGUE
from tests.channels.charts import LEAST, TOKEN, url
from tests.channels.notes import CONTROL_ID, NASTY, WILD_NOTES, for_patient, for_visit, note, values
from tests.channels.peers import Peer

PATH = "/openapi/v1/LAKESI/progress-notes"
FILED = {"control_id": CONTROL_ID, "status": "filed"}
CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "docs/openapi/ecw-open-api.yaml").read_text(encoding="utf-8"))


def schema(name: str) -> dict:
    """A schema of the contract with those it refers to."""
    return {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}


def channel(base_url: str, resolve=lambda host, port: (host, port), guard=lambda: True, **changes):
    settings = {**LEAST, "base_url": base_url, "read_seconds": 2, **changes}
    return open_channel(OpenApiSettings.read(settings, TOKEN, "sandbox"), resolve, guard)


def send(httpserver, answer: Response) -> Receipt:
    httpserver.expect_request(PATH, method="POST").respond_with_response(answer)
    made = channel(url(httpserver))
    try:
        return made.send(made.render(note()), CONTROL_ID)
    finally:
        made.close()


def said(body: object, status: int = 201, **headers: str) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json", headers=headers)


class TestTheBytes:
    def test_name_the_message_the_visit_the_template_and_each_field_in_its_order(self):
        assert json.loads(render(note(), "NORTH").body) == {
            "control_id": CONTROL_ID,
            "note_id": "0198c0de-0000-7000-8000-000000000001",
            "version": 1,
            "correction": False,
            "facility": "NORTH",
            "encounter_id": "E5001",
            "patient_id": "P1001",
            "provider_id": "DR7",
            "template": "FM-PROGRESS",
            "fields": [
                {"field_id": "NF-01", "text": "Cough for nine days."},
                {"field_id": "NF-02", "text": "Dry cough, worse at night.\nNo fever.\n\nTook honey & lemon."},
                {"field_id": "NF-04", "text": "Lungs clear. SpO2 98 % | pulse 72."},
                {"field_id": "NF-06", "text": "1) Fluids\n2) Return if worse"},
            ],
        }

    def test_are_utf8_json_and_the_same_for_the_same_note(self):
        made = render(note("• über"), "NORTH")
        assert made.content_type == "application/json"
        assert '"text":"• über"'.encode() in made.body
        assert made == render(note("• über"), "NORTH")

    def test_of_an_amended_version_say_so(self):
        body = json.loads(render(note(version=2, correction=True), "NORTH").body)
        assert (body["version"], body["correction"]) == (2, True)

    def test_carry_the_locations_own_name_before_the_connections(self):
        assert json.loads(render(for_visit(facility="EAST CLINIC"), "NORTH").body)["facility"] == "EAST CLINIC"

    def test_hold_neither_name_nor_birth_date(self):
        body = render(note(), "NORTH").body
        assert b"Okafor" not in body
        assert b"1981" not in body

    @pytest.mark.parametrize("text", NASTY)
    def test_hold_what_breaks_other_formats_as_it_is(self, text):
        assert json.loads(render(note(text), "NORTH").body)["fields"][0]["text"] == text

    @given(WILD_NOTES)
    def test_hold_every_wild_text_as_it_is_and_fit_the_contract(self, wild):
        body = json.loads(render(wild, "NORTH").body)
        assert [row["text"] for row in body["fields"]] == [value.text for value in wild.values]
        jsonschema.Draft202012Validator(schema("Note")).validate(body)


class TestRefusedBeforeASocketOpens:
    def test_nothing_to_say(self):
        with pytest.raises(CannotExpress, match="hl7_nothing_to_send"):
            render(note(values=()), "NORTH")

    def test_a_field_twice(self):
        one = values(["a"])[0]
        with pytest.raises(CannotExpress, match="hl7_field_twice"):
            render(note(values=(one, replace(one, position=2))), "NORTH")

    def test_fields_out_of_the_templates_order(self):
        with pytest.raises(CannotExpress, match="obx_order"):
            render(note(values=tuple(reversed(values(["a", "b"])))), "NORTH")

    def test_an_empty_text(self):
        with pytest.raises(CannotExpress, match="hl7_empty_value"):
            render(note("  \n "), "NORTH")

    def test_a_lone_surrogate_without_saying_which_text(self):
        with pytest.raises(CannotExpress) as caught:
            render(note("secret \ud800 words"), "NORTH")
        assert str(caught.value) == "hl7_lone_surrogate"
        assert caught.value.__context__ is None

    def test_no_encounter(self):
        with pytest.raises(CannotExpress, match="openapi_encounter_missing"):
            render(for_visit(encounter_id=""), "NORTH")

    def test_no_patient(self):
        with pytest.raises(CannotExpress, match="openapi_patient_missing"):
            render(for_patient(id=""), "NORTH")


class TestTheRequest:
    def test_carries_token_and_type_and_nothing_of_the_visit_in_its_address(self, httpserver):
        send(httpserver, said(FILED))
        asked: Request = httpserver.log[0][0]
        assert asked.headers["Authorization"] == "Bearer sandbox-token"
        assert asked.headers["Content-Type"] == "application/json"
        assert asked.url == url(httpserver) + PATH
        assert json.loads(asked.data)["encounter_id"] == "E5001"

    def test_writes_the_practices_code_so_that_it_cannot_change_the_address(self):
        settings = OpenApiSettings.read({**LEAST, "practice_code": "../a b?"}, TOKEN, "sandbox")
        assert settings.notes_url == "http://127.0.0.1:1/openapi/v1/..%2Fa%20b%3F/progress-notes"


class TestAnAnswer:
    @pytest.mark.parametrize("status, word", [(201, "filed"), (200, "already_filed"), (200, "filed")])
    def test_that_names_this_message_is_a_receipt(self, httpserver, status, word):
        receipt = send(httpserver, said({"control_id": CONTROL_ID, "status": word}, status))
        assert receipt.code == f"HTTP {status}"
        assert json.loads(receipt.answer.partition(b"\r\n\r\n")[2])["status"] == word

    @pytest.mark.parametrize(
        "body",
        [
            {"control_id": "ANOTHER0000000000000", "status": "filed"},
            {"status": "filed"},
            {"control_id": CONTROL_ID},
            {"control_id": CONTROL_ID, "status": "queued"},
            {"control_id": CONTROL_ID, "status": 1},
            {},
        ],
    )
    def test_that_does_not_say_this_message_was_filed_is_no_answer(self, httpserver, body):
        with pytest.raises(NoAnswer, match="openapi_contradiction"):
            send(httpserver, said(body))

    @pytest.mark.parametrize(
        "answer",
        [
            Response("<html>Sign in</html>", content_type="text/html"),
            Response("{", status=201, content_type="application/json"),
            Response("[]", status=201, content_type="application/json"),
            Response('{"control_id": 1, "control_id": 2}', status=201, content_type="application/json"),
        ],
    )
    def test_that_is_no_json_object_is_no_answer(self, httpserver, answer):
        with pytest.raises(NoAnswer, match="unreadable_answer"):
            send(httpserver, answer)

    @pytest.mark.parametrize(
        "status, body, reason, code",
        [
            (409, {"error": "locked", "code": "139"}, "ecw_139", "139"),
            (422, {"error": "not this patient's", "code": "303"}, "ecw_303", "303"),
            (422, {"error": "no such field", "code": "302"}, "ecw_302", "302"),
            (422, {"error": "a drug", "code": "2027"}, "ecw_2027", "2027"),
            (422, {"error": "no such template"}, "openapi_bad_request", "HTTP 422"),
            (400, {"error": "no JSON", "code": "777"}, "openapi_bad_request", "777"),
            (403, {}, "openapi_forbidden", "HTTP 403"),
            (404, {}, "openapi_not_found", "HTTP 404"),
            (413, {}, "openapi_too_large", "HTTP 413"),
            (418, {}, "openapi_bad_request", "HTTP 418"),
        ],
    )
    def test_of_the_four_hundreds_is_a_refusal_with_its_reason(self, httpserver, status, body, reason, code):
        with pytest.raises(Refused) as caught:
            send(httpserver, said(body, status))
        assert (caught.value.reason_code, caught.value.code) == (reason, code)
        assert reason in CATALOGUE
        assert json.loads(caught.value.answer.partition(b"\r\n\r\n")[2]) == body

    def test_of_a_refusal_stands_in_no_exceptions_words(self, httpserver):
        with pytest.raises(Refused) as caught:
            send(httpserver, said({"error": "Lena Okafor has no such field"}, 422))
        assert "Okafor" not in str(caught.value)

    def test_401_waits_for_a_token_and_nothing_was_taken(self, httpserver):
        with pytest.raises(Unavailable, match="unauthorized HTTP 401"):
            send(httpserver, said({}, 401))

    def test_429_waits_as_long_as_it_says(self, httpserver):
        with pytest.raises(Unavailable, match="rate_limited") as caught:
            send(httpserver, said({}, 429, **{"Retry-After": "7"}))
        assert caught.value.retry_after == 7

    def test_429_without_a_time_waits_until_the_minute_ends(self, httpserver):
        with pytest.raises(Unavailable) as caught:
            send(httpserver, said({}, 429))
        assert 0 < caught.value.retry_after <= 60

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_a_redirect_is_not_followed(self, httpserver, status):
        with pytest.raises(Unavailable, match="openapi_redirected"):
            send(httpserver, said({}, status, Location="http://127.0.0.1:9/"))
        assert len(httpserver.log) == 1

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_of_a_server_in_trouble_that_has_the_note_is_a_doubt(self, httpserver, status):
        with pytest.raises(NoAnswer, match=f"openapi_server_error HTTP {status}"):
            send(httpserver, said({}, status))


class TestTheNetwork:
    def test_nobody_listening_is_not_sent(self):
        made = channel("http://127.0.0.1:9")
        with pytest.raises(Unavailable, match="connection_refused"):
            made.send(made.render(note()), CONTROL_ID)

    def test_a_lost_lease_sends_no_byte(self, httpserver):
        httpserver.expect_request(PATH).respond_with_json(FILED)
        made = channel(url(httpserver), guard=lambda: False)
        with pytest.raises(Unavailable, match="lease_lost"):
            made.send(made.render(note()), CONTROL_ID)
        assert httpserver.log == []

    def test_a_target_that_is_not_allowed_is_not_sent(self):
        def forbidden(host, port):
            raise ValueError("not on the list")

        made = channel("http://127.0.0.1:9", resolve=forbidden)
        with pytest.raises(Unavailable, match="target_not_allowed"):
            made.send(made.render(note()), CONTROL_ID)

    def test_a_server_that_says_nothing_is_a_doubt_within_the_deadline(self):
        with Peer(lambda talk: talk.sock.recv(1 << 16) and talk.sock.recv(1 << 16)) as peer:
            made = channel(f"http://127.0.0.1:{peer.port}", read_seconds=1)
            with pytest.raises(NoAnswer) as caught:
                made.send(made.render(note()), CONTROL_ID)
            assert caught.value.reason_code in CATALOGUE


def test_every_answer_of_the_contract_is_judged_by_name():
    """A status the contract lists and the channel does not know would end as a surprise at 7 a.m."""
    listed = set(CONTRACT["paths"]["/progress-notes"]["post"]["responses"])
    assert listed == {"200", "201", "400", "401", "403", "404", "409", "413", "422", "429"}
    jsonschema.Draft202012Validator(schema("Filed")).validate(FILED)
