"""Odd answers of the Open API, given as bytes: none is taken for a yes, for another visit's chart, or breaks a worker."""

import json
from dataclasses import replace

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels import openapi, openapi_populating, openapi_sending
from delivery.channels.base import (
    CannotExpress,
    ChannelError,
    Chart,
    ChartNote,
    NoAnswer,
    Receipt,
    Refused,
    Unavailable,
)
from delivery.channels.openapi import OpenApiReader, address_of, chart_of
from delivery.channels.openapi_settings import OpenApiSettings
from delivery.channels.rest import own_code
from delivery.failures import CATALOGUE
from tests.channels.charts import EMPTY, LEAST, TOKEN
from tests.channels.notes import CONTROL_ID, OTHER_ID, VISIT, for_patient, for_visit, note, values

ASKED = openapi_populating.wanted(openapi_sending.render(note(), "NORTH"))
FILED = {"control_id": CONTROL_ID, "status": "filed"}
FILLED = {"control_id": CONTROL_ID, "status": "populated", "template": "FM-PROGRESS"}
SETTINGS = OpenApiSettings.read(LEAST, TOKEN, "sandbox")


def answer(body: object, status: int = 200, kind: str = "application/json", left: bool = True, **headers: str):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.Response(
        status, headers={"Content-Type": kind, **headers}, content=content, extensions={"body_left": left}
    )


def note_judged(body: object, status: int = 200, **more) -> Receipt:
    return openapi_sending.judge(answer(body, status, **more), CONTROL_ID)


def template_judged(body: object, status: int = 200, **more) -> Receipt:
    return openapi_populating.judge(answer(body, status, **more), ASKED)


def error_of(judged, *args, **more) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        judged(*args, **more)
    assert caught.value.reason_code in CATALOGUE
    return caught.value


def unreadable(**changes) -> str:
    with pytest.raises(Unavailable) as caught:
        chart_of(answer({**EMPTY, **changes}), VISIT)
    assert caught.value.reason_code == "read_unreadable"
    return caught.value.code


BOTH = pytest.mark.parametrize(
    "judged, yes", [(note_judged, FILED), (template_judged, FILLED)], ids=["note", "template"]
)
WRONG_TYPES = [[], {}, ["filed", "populated"], {"filed": True}, None, True, 0, 1.5, ""]


class TestAYes:
    @BOTH
    @pytest.mark.parametrize("status", WRONG_TYPES, ids=repr)
    def test_whose_status_is_of_another_type_is_a_doubt_and_breaks_nothing(self, judged, yes, status):
        assert type(error_of(judged, {**yes, "status": status})) is NoAnswer

    @BOTH
    @pytest.mark.parametrize("status", ["Filed", "POPULATED", " filed", "populated ", "filed\n", "accepted", "ok"])
    def test_in_words_that_are_not_the_contracts_is_a_doubt(self, judged, yes, status):
        assert type(error_of(judged, {**yes, "status": status})) is NoAnswer

    @BOTH
    @pytest.mark.parametrize("said", [OTHER_ID, CONTROL_ID.lower(), f" {CONTROL_ID}", CONTROL_ID[:-1], [CONTROL_ID], 7])
    def test_to_anything_but_this_very_message_is_a_doubt(self, judged, yes, said):
        assert type(error_of(judged, {**yes, "control_id": said})) is NoAnswer

    @BOTH
    def test_with_more_beside_it_than_the_contract_names_is_a_yes(self, judged, yes):
        assert judged({**yes, "error": None, "warnings": ["slow"], "meta": {"node": 3}}).code == "HTTP 200"

    @BOTH
    def test_keeps_the_very_bytes_of_the_answer(self, judged, yes):
        raw = json.dumps(yes, indent=3).encode()
        assert judged(raw).answer.partition(b"\r\n\r\n")[2] == raw

    @BOTH
    @pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/hal+json"])
    def test_is_read_under_each_name_that_json_has(self, judged, yes, kind):
        assert judged(yes, kind=kind).code == "HTTP 200"

    @BOTH
    @pytest.mark.parametrize("kind", ["text/html", "text/plain", "", "application/javascript", "application/jsonp"])
    def test_under_any_other_name_is_a_doubt(self, judged, yes, kind):
        assert type(error_of(judged, yes, kind=kind)) is NoAnswer

    @BOTH
    def test_cut_anywhere_is_a_doubt(self, judged, yes):
        raw = json.dumps(yes).encode()
        for end in range(len(raw)):
            assert type(error_of(judged, raw[:end])) is NoAnswer, raw[:end]

    @BOTH
    @pytest.mark.parametrize("status", [100, 202, 203, 204, 205, 206, 226])
    def test_by_another_status_than_the_contracts_two_is_a_doubt(self, judged, yes, status):
        assert type(error_of(judged, yes, status)) is NoAnswer

    @BOTH
    def test_said_twice_with_two_meanings_is_a_doubt(self, judged, yes):
        raw = json.dumps(yes).replace('"status"', '"status": "refused", "status"').encode()
        assert type(error_of(judged, raw)) is NoAnswer

    def test_that_filled_another_template_is_a_doubt_even_in_another_spelling(self):
        for template in ("fm-progress", "FM-PROGRESS ", ["FM-PROGRESS"], None):
            error = error_of(template_judged, {**FILLED, "template": template})
            assert error.reason_code == "openapi_template_contradiction"

    def test_to_a_note_is_none_to_its_template_and_the_other_way_round(self):
        assert type(error_of(template_judged, FILED)) is NoAnswer
        assert type(error_of(note_judged, FILLED)) is NoAnswer


class TestANo:
    @BOTH
    @pytest.mark.parametrize("code, shown", [("139", "139"), (139, "139"), ("303", "303"), (2027, "2027")])
    def test_with_ecws_code_as_text_or_number_is_that_code(self, judged, yes, code, shown):
        error = error_of(judged, {"code": code}, 422)
        assert (error.reason_code, error.code) == (f"ecw_{shown}", shown)

    @BOTH
    @pytest.mark.parametrize("code", [None, True, False, [], ["139"], {"139": 1}, 139.0])
    def test_with_a_code_of_another_type_is_known_by_its_status_alone(self, judged, yes, code):
        error = error_of(judged, {"code": code}, 400)
        assert (type(error), error.reason_code, error.code) == (Refused, "openapi_bad_request", "HTTP 400")

    @BOTH
    @pytest.mark.parametrize("code", ["1", 1, "0139", "139 ", "HTTP 139", "ecw_139"])
    def test_with_a_code_that_is_none_of_ecws_refusals_is_no_code_of_ecw(self, judged, yes, code):
        assert error_of(judged, {"code": code}, 400).reason_code == "openapi_bad_request"

    @BOTH
    @pytest.mark.parametrize("code", ["x" * 5000, "Ann Lee", "1" * 5000, 10**3000])
    def test_with_words_or_no_code_of_any_length_shows_none_of_it(self, judged, yes, code):
        """Codes go into the audit log, and a receiver's words may be a patient's."""
        assert error_of(judged, {"code": code}, 400).code == "HTTP 400"

    @BOTH
    @pytest.mark.parametrize(
        "raw", [b"", b"<html>", b"{", b"[]", b"null", b"\xff\xfe", b'{"code": "139", "code": "303"}']
    )
    def test_whose_body_cannot_be_read_is_a_refusal_by_its_status(self, judged, yes, raw):
        error = error_of(judged, raw, 403)
        assert (type(error), error.reason_code, error.code) == (Refused, "openapi_forbidden", "HTTP 403")

    @BOTH
    def test_that_says_yes_in_its_body_is_a_no_all_the_same(self, judged, yes):
        assert type(error_of(judged, yes, 409)) is Refused

    @BOTH
    def test_keeps_the_receivers_words_out_of_its_own(self, judged, yes):
        error = error_of(judged, {"error": "Lena Okafor is locked", "code": "139"}, 409)
        assert "Okafor" not in str(error)
        assert b"Okafor" in error.answer

    @BOTH
    @pytest.mark.parametrize("status", [301, 303, 304, 308])
    def test_that_points_elsewhere_keeps_no_body(self, judged, yes, status):
        error = error_of(judged, b"moved", status, Location="https://elsewhere.test/")
        assert (type(error), error.reason_code, error.answer) == (Unavailable, "openapi_redirected", b"")

    @pytest.mark.parametrize("status", [404, 409, 422, 403])
    def test_of_the_two_calls_has_words_of_its_own_where_they_mean_different_things(self, status):
        reasons = {error_of(judged, {}, status).reason_code for judged in (note_judged, template_judged)}
        assert len(reasons) == (1 if status in (403, 409) else 2)


class TestATroubledServer:
    @BOTH
    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 599])
    def test_that_had_not_got_the_body_is_tried_again(self, judged, yes, status):
        error = error_of(judged, {}, status, left=False)
        assert (type(error), error.reason_code) == (Unavailable, "openapi_busy")

    @BOTH
    def test_that_says_when_to_come_again_is_believed_to_an_hour(self, judged, yes):
        assert error_of(judged, {}, 503, left=False, **{"Retry-After": "9"}).retry_after == 9
        assert error_of(judged, {}, 503, left=False, **{"Retry-After": "999999"}).retry_after == 3600
        assert error_of(judged, {}, 503, left=False).retry_after is None

    @BOTH
    def test_of_which_nobody_knows_whether_it_had_the_body_is_a_doubt(self, judged, yes):
        bare = httpx2.Response(500, content=b"")
        with pytest.raises(NoAnswer):
            openapi_sending.judge(bare, CONTROL_ID)
        with pytest.raises(NoAnswer):
            openapi_populating.judge(bare, ASKED)

    @BOTH
    def test_that_limits_by_the_minute_keeps_no_body_and_names_a_time(self, judged, yes):
        error = error_of(judged, {"error": "Okafor"}, 429)
        assert error.answer == b""
        assert 0 < error.retry_after <= 60


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["filed", "139", CONTROL_ID]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["control_id", "status", "template", "code", "error", "filings", "fields", "encounter_id"]),
            inner,
        )
    ),
    max_leaves=8,
)
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 401, 404, 408, 409, 422, 429, 500, 503])


@given(STATUSES, JSON, st.booleans())
def test_no_wild_json_breaks_a_judgement_or_is_a_yes_without_this_messages_name(status, body, left):
    for judged in (note_judged, template_judged):
        try:
            receipt = judged(body, status, left=left)
        except ChannelError as error:
            assert error.reason_code in CATALOGUE  # noqa: PT017
            assert len(error.code) <= 20  # noqa: PT017
        else:
            assert receipt.code in ("HTTP 200", "HTTP 201")
            assert body["control_id"] == CONTROL_ID


@given(st.binary(max_size=120), STATUSES)
def test_no_bytes_whatever_are_a_yes(raw, status):
    for judged in (note_judged, template_judged):
        assert isinstance(error_of(judged, raw, status), Refused | Unavailable | NoAnswer)


@given(JSON)
def test_a_code_of_its_own_is_a_text_whatever_stands_there(code):
    said = own_code(answer({"code": code}, 400))
    assert said == (str(code) if isinstance(code, str | int) and not isinstance(code, bool) else "")


class TestAChart:
    @pytest.mark.parametrize("other", ["E5002", "e5001", "E5001 ", 5001, ["E5001"], "", None])
    def test_of_another_visit_is_none_of_ours(self, other):
        assert unreadable(encounter_id=other) == "encounter"

    @pytest.mark.parametrize("other", ["P9999", "p1001", "P1001 ", 1001, ["P1001"], False, 0])
    def test_of_another_patient_is_none_of_ours(self, other):
        assert unreadable(patient_id=other) == "patient"

    @pytest.mark.parametrize("silent", ["", None])
    def test_that_does_not_name_the_patient_is_the_visits(self, silent):
        assert chart_of(answer({**EMPTY, "patient_id": silent}), VISIT) == Chart((), {})

    def test_of_another_visit_is_refused_before_anything_in_it_is_looked_at(self):
        assert unreadable(encounter_id="E5002", patient_id="P9999", filings=None) == "encounter"

    @pytest.mark.parametrize("filings", [{"0": {}}, "[]", 0, None, True])
    def test_whose_filings_are_no_list_is_unreadable(self, filings):
        assert unreadable(filings=filings) == "filings"

    @pytest.mark.parametrize("one", [None, [], "x", {"control_id": None}, {"control_id": ["x"], "fields": {}}])
    def test_with_one_filing_that_is_none_is_unreadable_and_never_one_filing_short(self, one):
        good = {"control_id": OTHER_ID, "fields": {}}
        assert unreadable(filings=[good, one, good]) == "filings"

    @pytest.mark.parametrize("fields", [None, [], "NF-01", {"NF-01": 1}, {"NF-01": ["a"]}, {"NF-01": {"text": "a"}}])
    def test_with_a_field_that_is_no_text_is_unreadable_wherever_it_stands(self, fields):
        assert unreadable(fields=fields) == "fields"
        assert unreadable(filings=[{"control_id": OTHER_ID, "fields": fields}]) == "fields"

    @pytest.mark.parametrize("template", [None, 0, [], {"code": "FM-PROGRESS"}])
    def test_whose_filing_names_a_template_in_no_text_is_unreadable(self, template):
        assert unreadable(filings=[{"control_id": OTHER_ID, "fields": {}, "template": template}]) == "template"

    def test_keeps_filings_of_one_identity_apart_and_in_their_order(self):
        rows = [{"control_id": CONTROL_ID, "fields": {"NF-01": text}} for text in ("first", "second")]
        found = chart_of(answer({**EMPTY, "filings": rows}), VISIT).filings
        assert found == (ChartNote(CONTROL_ID, {"NF-01": "first"}), ChartNote(CONTROL_ID, {"NF-01": "second"}))

    def test_keeps_the_template_of_each_filing_and_of_the_visit(self):
        rows = [{"control_id": CONTROL_ID, "fields": {}, "template": "SM-OLD"}]
        chart = chart_of(answer({**EMPTY, "filings": rows, "template": "FM-PROGRESS"}), VISIT)
        assert (chart.template, chart.filings[0].template) == ("FM-PROGRESS", "SM-OLD")

    def test_is_seen_by_field_and_its_texts_as_they_stand(self):
        chart = chart_of(answer({**EMPTY, "fields": {"NF-01": " a\r\nb ", "": "nameless"}}), VISIT)
        assert (chart.grade, chart.fields) == ("field", {"NF-01": " a\r\nb ", "": "nameless"})

    @given(JSON)
    def test_of_any_wild_json_is_unreadable_or_this_visits(self, body):
        try:
            chart_of(answer(body), VISIT)
        except Unavailable as error:
            assert error.reason_code == "read_unreadable"  # noqa: PT017
        else:
            assert body["encounter_id"] == VISIT.encounter_id

    def test_with_half_a_character_is_read_as_that_half(self):
        raw = json.dumps({**EMPTY, "fields": {"NF-01": "\ud83d"}}).encode()
        assert chart_of(answer(raw), VISIT).fields["NF-01"] == "\ud83d"


class TestTheAddress:
    @pytest.mark.parametrize("wrong", ["", ".", ".."])
    def test_of_a_visit_without_a_name_of_its_own_is_asked_of_nobody(self, wrong):
        with pytest.raises(Unavailable, match="read_unreadable encounter"):
            address_of(SETTINGS, wrong)

    @given(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(lambda one: one.strip("."))
    )
    def test_of_any_other_has_it_as_one_step(self, encounter_id):
        steps = httpx2.URL(address_of(SETTINGS, encounter_id)).raw_path.split(b"/")
        assert steps[:5] == [b"", b"openapi", b"v1", b"LAKESI", b"encounters"]
        assert steps[6:] == [b"progress-note"]

    @pytest.mark.parametrize("code", [".", "..", " .. ", "", "\t"])
    def test_of_a_practice_whose_code_is_a_step_of_a_path_is_no_address(self, code):
        with pytest.raises(ValueError, match="Practice code is missing"):
            OpenApiSettings.read({**LEAST, "practice_code": code}, TOKEN, "sandbox")

    @pytest.mark.parametrize("code", ["...", "..a", "a/..", "%2e%2e"])
    def test_of_a_practice_with_dots_in_its_code_leads_to_that_practice_alone(self, code):
        own = OpenApiSettings.read({**LEAST, "practice_code": code}, TOKEN, "sandbox")
        for address in (own.notes_url, own.templates_url, own.note_url("E1")):
            assert httpx2.URL(address).raw_path.startswith(b"/openapi/v1/")
            assert address.count("/") == httpx2.URL(address).raw_path.count(b"/") + 2


class TestTemplatesListed:
    def listed(self, body: object, status: int = 200, kind: str = "application/json") -> bytes:
        client = httpx2.Client(transport=httpx2.MockTransport(lambda request: answer(body, status, kind)))
        return OpenApiReader(SETTINGS, client).templates("")

    def test_are_given_on_as_the_bytes_that_came(self):
        raw = b'{"templates": [], "more":  1}'
        assert self.listed(raw) == raw

    @pytest.mark.parametrize("body", [{}, [], {"templates": None}, {"templates": {}}, {"templates": "[]"}, b"{", b""])
    def test_that_are_no_list_are_unreadable(self, body):
        with pytest.raises(Unavailable, match="read_unreadable templates"):
            self.listed(body)

    def test_on_a_sign_in_page_are_unreadable(self):
        with pytest.raises(Unavailable, match="read_unreadable templates"):
            self.listed({"templates": []}, kind="text/html")

    def test_are_asked_for_at_the_connections_facility_where_none_is_named(self):
        seen = []
        client = httpx2.Client(
            transport=httpx2.MockTransport(lambda request: seen.append(request.url) or answer({"templates": []}))
        )
        made = OpenApiReader(SETTINGS, client)
        made.templates("")
        made.templates("EAST & WEST")
        assert [url.params["facility"] for url in seen] == ["NORTH", "EAST & WEST"]
        assert {url.path for url in seen} == {"/openapi/v1/LAKESI/templates"}


class TestWhatIsAsked:
    def test_of_a_template_is_of_the_visit_the_patient_and_the_provider_of_the_note(self):
        asked = openapi_populating.wanted(openapi_sending.render(for_visit(provider_id="DR|9"), "NORTH"))
        assert (asked.control_id, asked.template) == (CONTROL_ID, "FM-PROGRESS")
        assert (asked.visit.encounter_id, asked.visit.patient.id, asked.visit.provider_id) == ("E5001", "P1001", "DR|9")

    def test_keeps_letters_of_every_script_in_ids(self):
        rendered = openapi_sending.render(for_patient(id="P-Ж漢🫁"), "NORTH")
        body = openapi_populating.render(openapi_populating.wanted(rendered)).body
        assert '"patient_id":"P-Ж漢🫁"'.encode() in body

    def test_of_two_facilities_are_two_questions(self):
        asked = [
            openapi_populating.render(openapi_populating.wanted(openapi_sending.render(note(), name))).body
            for name in ("NORTH", "SOUTH")
        ]
        assert asked[0] != asked[1]
        assert asked[0].replace(b"NORTH", b"SOUTH") == asked[1]

    @pytest.mark.parametrize("place", ["control_id", "note_id", "template_code"])
    def test_is_refused_where_half_a_character_stands_in_a_name(self, place):
        with pytest.raises(CannotExpress, match="hl7_lone_surrogate") as caught:
            openapi_sending.render(replace(note(), **{place: "x\ud800"}), "NORTH")
        assert caught.value.places == (("/template",) if place == "template_code" else ())

    def test_names_the_field_with_half_a_character_and_no_other(self):
        with pytest.raises(CannotExpress) as caught:
            openapi_sending.render(note(values=values(["good", "bad \udfff", "good too"])), "NORTH")
        assert caught.value.places == ("/fields/NF-02",)


def test_a_reader_that_is_not_answered_gives_the_networks_reason_and_no_address():
    def away(request: httpx2.Request) -> httpx2.Response:
        raise openapi.http.NotAnswered("connection_refused")

    made = OpenApiReader(SETTINGS, httpx2.Client(transport=httpx2.MockTransport(away)))
    with pytest.raises(Unavailable) as caught:
        made.read(VISIT)
    assert (caught.value.reason_code, caught.value.code) == ("read_unavailable", "connection_refused")
    assert VISIT.encounter_id not in str(caught.value)
