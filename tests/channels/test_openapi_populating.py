"""Filling a visit's template over the Open API: what is asked for, and what each answer says of it."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from werkzeug import Response

from delivery.channels.base import Chart, ChartNote, NoAnswer, Populator, Receipt, Refused, Unavailable
from delivery.channels.compare import compare
from delivery.channels.openapi_populating import render, wanted
from delivery.channels.openapi_sending import open_channel
from delivery.channels.openapi_sending import render as render_note
from delivery.channels.openapi_settings import OpenApiSettings
from delivery.failures import CATALOGUE
from tests.channels.charts import EMPTY, LEAST, PATH, TOKEN, url
from tests.channels.notes import CONTROL_ID, WILD_NOTES, for_visit, note, values
from tests.channels.peers import Peer

ADDRESS = "/openapi/v1/LAKESI/visit-templates"
FILLED = {"control_id": CONTROL_ID, "status": "populated", "template": "FM-PROGRESS"}
CONTRACT = yaml.safe_load((Path(__file__).parents[2] / "docs/openapi/ecw-open-api.yaml").read_text(encoding="utf-8"))
ASKED = wanted(render_note(note(), "NORTH"))


def schema(name: str) -> dict:
    return {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}


def channel(base_url: str, resolve=lambda host, port: (host, port), guard=lambda: True, **changes):
    settings = {**LEAST, "base_url": base_url, "read_seconds": 2, **changes}
    return open_channel(OpenApiSettings.read(settings, TOKEN, "sandbox"), resolve, guard)


def populate(httpserver, answer: Response) -> Receipt:
    httpserver.expect_request(ADDRESS, method="POST").respond_with_response(answer)
    made = channel(url(httpserver))
    try:
        return made.populate(ASKED)
    finally:
        made.close()


def said(body: object, status: int = 201, **headers: str) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json", headers=headers)


def standing(httpserver, **changes) -> str:
    httpserver.expect_request(PATH).respond_with_json({**EMPTY, **changes})
    made = channel(url(httpserver))
    try:
        return made.standing_template(ASKED)
    finally:
        made.close()


class TestWhatIsAskedFor:
    def test_is_read_from_the_notes_own_bytes(self):
        assert json.loads(render(ASKED).body) == {
            "control_id": CONTROL_ID,
            "facility": "NORTH",
            "encounter_id": "E5001",
            "patient_id": "P1001",
            "template": "FM-PROGRESS",
        }

    def test_names_the_locations_own_facility_where_it_has_one(self):
        assert wanted(render_note(for_visit(facility="EAST CLINIC"), "NORTH")).visit.facility == "EAST CLINIC"

    def test_holds_no_word_of_the_note_and_no_name(self):
        body = render(ASKED).body
        assert b"Cough" not in body
        assert b"Okafor" not in body

    @given(WILD_NOTES)
    def test_fits_the_contract_whatever_the_note_says(self, wild):
        body = json.loads(render(wanted(render_note(wild, "NORTH"))).body)
        jsonschema.Draft202012Validator(schema("VisitTemplate")).validate(body)

    def test_is_nothing_where_the_connection_leaves_it_to_the_texts(self):
        rendered = render_note(note(), "NORTH")
        assert channel("http://127.0.0.1:9", texts_choose_template=True).wanted_template(rendered) is None
        assert channel("http://127.0.0.1:9").wanted_template(rendered) == ASKED

    def test_is_a_thing_the_channel_says_it_can_do(self):
        assert isinstance(channel("http://127.0.0.1:9"), Populator)

    @pytest.mark.parametrize("wrong", ["yes", 1])
    def test_a_setting_that_is_no_yes_or_no_is_named(self, wrong):
        with pytest.raises(ValueError, match="texts_choose_template must be true or false"):
            OpenApiSettings.read({**LEAST, "texts_choose_template": wrong}, TOKEN, "sandbox")


class TestTheRequest:
    def test_carries_token_and_type_and_nothing_of_the_visit_in_its_address(self, httpserver):
        populate(httpserver, said(FILLED))
        asked = httpserver.log[0][0]
        assert asked.headers["Authorization"] == "Bearer sandbox-token"
        assert asked.headers["Content-Type"] == "application/json"
        assert asked.url == url(httpserver) + ADDRESS
        assert json.loads(asked.data)["encounter_id"] == "E5001"

    def test_leaves_no_byte_once_the_lease_is_lost(self, httpserver):
        made = channel(url(httpserver), guard=lambda: False)
        with pytest.raises(Unavailable, match="lease_lost"):
            made.populate(ASKED)
        assert httpserver.log == []


class TestAnAnswer:
    @pytest.mark.parametrize("status, word", [(201, "populated"), (200, "already_populated"), (200, "populated")])
    def test_that_names_message_and_template_is_a_receipt(self, httpserver, status, word):
        receipt = populate(httpserver, said({**FILLED, "status": word}, status))
        assert receipt.code == f"HTTP {status}"
        jsonschema.Draft202012Validator(schema("Populated")).validate(
            json.loads(receipt.answer.partition(b"\r\n\r\n")[2])
        )

    @pytest.mark.parametrize(
        "body",
        [
            {**FILLED, "control_id": "ANOTHER0000000000000"},
            {**FILLED, "template": "SM-OLD"},
            {**FILLED, "status": "queued"},
            {"control_id": CONTROL_ID, "status": "populated"},
            {},
            [],
        ],
    )
    def test_that_says_anything_else_behind_yes_is_no_answer(self, httpserver, body):
        with pytest.raises(NoAnswer, match="openapi_template_contradiction"):
            populate(httpserver, said(body))

    def test_that_is_a_sign_in_page_is_no_answer(self, httpserver):
        with pytest.raises(NoAnswer, match="openapi_template_contradiction"):
            populate(httpserver, Response("<html>Sign in</html>", content_type="text/html"))

    @pytest.mark.parametrize(
        "status, body, reason, code",
        [
            (409, {"error": "locked", "code": "139"}, "ecw_139", "139"),
            (422, {"error": "not this patient's", "code": "303"}, "ecw_303", "303"),
            (409, {"error": "another template"}, "openapi_template_other", "HTTP 409"),
            (422, {"error": "no such template"}, "openapi_template_unknown", "HTTP 422"),
            (404, {}, "openapi_template_not_offered", "HTTP 404"),
            (403, {}, "openapi_forbidden", "HTTP 403"),
            (400, {}, "openapi_bad_request", "HTTP 400"),
        ],
    )
    def test_of_the_four_hundreds_is_a_refusal_with_its_own_reason(self, httpserver, status, body, reason, code):
        with pytest.raises(Refused) as caught:
            populate(httpserver, said(body, status))
        assert (caught.value.reason_code, caught.value.code) == (reason, code)
        assert reason in CATALOGUE

    @pytest.mark.parametrize(
        "status, reason", [(401, "unauthorized"), (429, "rate_limited"), (302, "openapi_redirected")]
    )
    def test_that_waits_says_that_nothing_was_filled(self, httpserver, status, reason):
        with pytest.raises(Unavailable, match=reason):
            populate(httpserver, said({}, status, Location="http://127.0.0.1:9/"))
        assert len(httpserver.log) == 1

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_of_a_server_in_trouble_is_a_doubt(self, httpserver, status):
        with pytest.raises(NoAnswer, match=f"openapi_template_no_answer HTTP {status}"):
            populate(httpserver, said({}, status))

    def test_that_never_comes_is_a_doubt_within_the_deadline(self):
        with Peer(lambda talk: talk.sock.recv(1 << 16) and talk.sock.recv(1 << 16)) as peer:
            made = channel(f"http://127.0.0.1:{peer.port}", read_seconds=1)
            with pytest.raises(NoAnswer, match="openapi_template_no_answer"):
                made.populate(ASKED)

    def test_every_status_of_the_contract_is_judged_by_name(self):
        listed = set(CONTRACT["paths"]["/visit-templates"]["post"]["responses"])
        assert listed == {"200", "201", "400", "401", "403", "404", "409", "422", "429"}


class TestWhatStands:
    @pytest.mark.parametrize("template", ["", "FM-PROGRESS", "SM-OLD"])
    def test_is_read_from_the_visits_chart(self, httpserver, template):
        assert standing(httpserver, template=template) == template

    def test_is_nothing_where_the_server_does_not_say(self, httpserver):
        assert standing(httpserver) == ""

    def test_of_another_patients_visit_is_never_believed(self, httpserver):
        with pytest.raises(Refused, match="encounter_of_another_patient"):
            standing(httpserver, patient_id="P9999", template="FM-PROGRESS")

    @pytest.mark.parametrize("wrong", [7, None, ["FM-PROGRESS"]])
    def test_that_is_no_text_is_unreadable(self, httpserver, wrong):
        with pytest.raises(Unavailable, match="read_unreadable template"):
            standing(httpserver, template=wrong)

    @pytest.mark.parametrize("status, reason", [(401, "unauthorized"), (500, "read_unavailable")])
    def test_that_cannot_be_asked_says_so(self, httpserver, status, reason):
        httpserver.expect_request(PATH).respond_with_data("", status=status)
        with pytest.raises(Unavailable, match=reason):
            channel(url(httpserver)).standing_template(ASKED)

    @pytest.mark.parametrize("status, reason", [(403, "openapi_forbidden"), (404, "openapi_not_found")])
    def test_of_a_place_that_is_not_ours_is_refused_as_its_texts_would_be(self, httpserver, status, reason):
        httpserver.expect_request(PATH).respond_with_data("", status=status)
        with pytest.raises(Refused, match=f"{reason} HTTP {status}"):
            channel(url(httpserver)).standing_template(ASKED)


class TestReadBack:
    """The template of the visit beside the texts."""

    def seen(self, chart_template: str, filing_template: str = "FM-PROGRESS", named: str = "FM-PROGRESS"):
        (value,) = values(["Cough"])
        fields = {value.field_id: "Cough"}
        chart = Chart((ChartNote(CONTROL_ID, fields, template=filing_template),), fields, template=chart_template)
        return compare([value], chart, CONTROL_ID, template=named)

    @pytest.mark.parametrize(
        "chart_template, filing_template", [("FM-PROGRESS", "FM-PROGRESS"), ("", ""), ("", "FM-PROGRESS")]
    )
    def test_that_is_ours_or_cannot_be_seen_leaves_the_note_verified(self, chart_template, filing_template):
        assert self.seen(chart_template, filing_template).verified

    @pytest.mark.parametrize(
        "chart_template, filing_template",
        [("SM-OLD", "FM-PROGRESS"), ("SM-OLD", ""), ("", "SM-OLD"), ("SM-OLD", "SM-OLD")],
    )
    def test_that_is_another_is_one_line_of_its_own(self, chart_template, filing_template):
        seen = self.seen(chart_template, filing_template)
        assert not seen.verified
        (line,) = [one for one in seen.sections if one.outcome != "verified"]
        assert (line.title, line.sent, line.in_chart) == ("Template of the visit", "FM-PROGRESS", "SM-OLD")

    def test_is_not_compared_where_the_way_names_none(self):
        assert self.seen("SM-OLD", "SM-OLD", named="").verified


def test_both_calls_name_the_same_visit_and_template_on_every_retransmission():
    rendered = render_note(replace(note(), template_code="SM-PROGRESS"), "NORTH")
    sent = json.loads(rendered.body)
    asked = json.loads(render(wanted(rendered)).body)
    assert asked == {name: sent[name] for name in asked}
