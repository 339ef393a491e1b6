"""Reading a chart back: what is a chart is read exactly, and nothing else ever passes for "not there"."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Request, Response

from delivery.channels.base import Chart, ChartNote
from tests.channels.charts import EMPTY, PATH, answering, fails, filing, reader, url, with_body
from tests.channels.notes import CONTROL_ID, NASTY, OTHER_ID, VISIT
from tests.channels.test_tls import NAME, authority, pem, server, stranger  # noqa: F401


def test_filings_and_fields_are_read_in_their_order(httpserver):
    body = {
        **EMPTY,
        "patient_id": "P1001",
        "filings": [filing(OTHER_ID, **{"NF-01": "old"}), filing(**{"NF-01": "new\nline", "NF-02": "•"})],
        "fields": {"NF-01": "new\nline", "NF-02": "•"},
    }
    fields = {"NF-01": "new\nline", "NF-02": "•"}
    assert with_body(httpserver, body).read(VISIT) == Chart(
        (ChartNote(OTHER_ID, {"NF-01": "old"}), ChartNote(CONTROL_ID, fields)), fields
    )


def test_an_encounter_without_filings_is_an_empty_chart(httpserver):
    assert with_body(httpserver, EMPTY).read(VISIT) == Chart((), {})


def test_the_question_carries_token_facility_and_encounter(httpserver):
    with_body(httpserver, EMPTY).read(VISIT)
    asked = httpserver.log[0][0]
    assert asked.headers["Authorization"] == "Bearer sandbox-token"
    assert asked.headers["Accept-Encoding"] == "identity"
    assert asked.args.to_dict() == {"facility": "NORTH"}


def test_a_location_with_a_facility_of_its_own_is_asked_for_by_that(httpserver):
    with_body(httpserver, EMPTY).read(replace(VISIT, facility="SOUTH CLINIC"))
    assert httpserver.log[0][0].args.to_dict() == {"facility": "SOUTH CLINIC"}


@pytest.mark.parametrize("encounter_id", ["E 5/0?1#a", "../../admin", "é&=%2F", "E.1"])
def test_S17_an_encounter_id_cannot_change_the_address(httpserver, encounter_id):
    httpserver.expect_request("/").respond_with_data("no")
    seen = []

    def answer(request: Request) -> Response:
        seen.append(request.environ["RAW_URI"] if "RAW_URI" in request.environ else request.environ["REQUEST_URI"])
        return Response(json.dumps({**EMPTY, "encounter_id": encounter_id}), content_type="application/json")

    httpserver.expect_request(f"/openapi/v1/LAKESI/encounters/{encounter_id}/progress-note").respond_with_handler(
        answer
    )
    made = reader(url(httpserver), facility="NORTH & SOUTH")
    assert made.read(replace(VISIT, encounter_id=encounter_id)) == Chart((), {})
    path, _, query = seen[0].partition("?")
    assert path.count("/") == PATH.count("/")
    assert query in ("facility=NORTH%20%26%20SOUTH", "facility=NORTH+%26+SOUTH")


@pytest.mark.parametrize("encounter_id", ["", ".", ".."])
def test_S17_an_encounter_id_that_is_no_name_is_never_asked_for(httpserver, encounter_id):
    assert fails(reader(url(httpserver)), replace(VISIT, encounter_id=encounter_id)).reason_code == "read_unreadable"
    assert httpserver.log == []


STATUSES = {
    204: "read_unreadable",
    206: "read_unreadable",
    302: "read_unreadable",
    400: "read_unreadable",
    401: "read_unauthorized",
    403: "read_forbidden",
    404: "read_not_found",
    410: "read_unreadable",
    429: "rate_limited",
    500: "read_unavailable",
    503: "read_unavailable",
}


@pytest.mark.parametrize("status", STATUSES)
def test_A10_no_status_but_200_is_a_chart(httpserver, status):
    answer = Response(json.dumps(EMPTY), status, content_type="application/json")
    error = fails(answering(httpserver, answer))
    assert (error.reason_code, error.code) == (STATUSES[status], f"HTTP {status}")


def test_A13_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(httpserver):
    httpserver.expect_request("/elsewhere").respond_with_json(EMPTY)
    answer = Response(status=302, headers={"Location": httpserver.url_for("/elsewhere")})
    assert fails(answering(httpserver, answer)).reason_code == "read_unreadable"
    assert [asked.path for asked, _ in httpserver.log] == [PATH]


BODIES = {
    "a sign-in page": ("<html>Sign in</html>", "text/html"),
    "a chart said to be text": (json.dumps(EMPTY), "text/plain"),
    "nothing": ("", "application/json"),
    "half of it": (json.dumps(EMPTY)[:-1], "application/json"),
    "two of it": (json.dumps(EMPTY) * 2, "application/json"),
    "a list": ("[]", "application/json"),
    "null": ("null", "application/json"),
    "NaN": (json.dumps(EMPTY).replace("false", "NaN"), "application/json"),
    "a duplicate key": (json.dumps(EMPTY).replace('"signed"', '"filings": [1], "signed"'), "application/json"),
    "a duplicate field": (
        json.dumps(EMPTY).replace('"fields": {}', '"fields": {"a": "1", "a": "2"}'),
        "application/json",
    ),
    "a pit of brackets": ("[" * 100_000, "application/json"),
    "bytes that are no text": (b'{"encounter_id": "\xff"}', "application/json"),
}


@pytest.mark.parametrize("name", BODIES)
def test_A11_a_body_that_is_no_clean_chart_is_unreadable(httpserver, name):
    body, kind = BODIES[name]
    assert fails(answering(httpserver, Response(body, content_type=kind))).reason_code == "read_unreadable"


SHAPES = [
    {"encounter_id": "E5002"},
    {"encounter_id": None},
    {"patient_id": "P9999"},
    {"filings": None},
    {"filings": {}},
    {"filings": ["x"]},
    {"filings": [{"fields": {}}]},
    {"filings": [{"control_id": 5, "fields": {}}]},
    {"filings": [{"control_id": "x"}]},
    {"filings": [{"control_id": "x", "fields": {"NF-01": 5}}]},
    {"fields": None},
    {"fields": {"NF-01": None}},
]


@pytest.mark.parametrize("change", SHAPES)
def test_a_chart_of_another_shape_encounter_or_patient_is_unreadable(httpserver, change):
    assert fails(with_body(httpserver, {**EMPTY, **change})).reason_code == "read_unreadable"


def test_A12_a_compressed_answer_is_refused(httpserver):
    answer = Response(b"\x1f\x8b", content_type="application/json", headers={"Content-Encoding": "gzip"})
    assert fails(answering(httpserver, answer)).code == "encoded"


def test_A12_an_endless_answer_is_cut(monkeypatch, httpserver):
    monkeypatch.setattr("delivery.channels.http.LARGEST_BODY", 100_000)
    answer = Response(b" " * 200_000, content_type="application/json")
    assert fails(answering(httpserver, answer)).code == "too_large"


@pytest.mark.parametrize(
    "said, least, most",
    [
        ("7", 7, 7),
        ("86400", 3600, 3600),
        ("in 90 seconds", 30, 91),
        ("0", 0, 0),
        ("soon", 0, 60),
        ("-5", 0, 60),
        ("", 0, 60),
    ],
)
def test_a_rate_limit_says_when_to_come_again(httpserver, said, least, most):
    if said == "in 90 seconds":
        said = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    answer = Response("{}", 429, headers={"Retry-After": said})
    wait = fails(answering(httpserver, answer)).retry_after
    assert wait is not None
    assert least <= wait <= most


def test_a_server_in_trouble_may_say_when_to_come_again(httpserver):
    assert fails(answering(httpserver, Response("{}", 503, headers={"Retry-After": "5"}))).retry_after == 5
    assert fails(reader(url(httpserver), practice_code="OTHERS")).retry_after is None


@given(st.lists(st.one_of(st.text(), st.sampled_from(NASTY)), max_size=5))
def test_every_text_is_read_as_it_stands(texts):
    fields = {f"NF-{number}": text for number, text in enumerate(texts)}
    body = {**EMPTY, "filings": [filing(**fields)], "fields": fields}

    class Answer:
        status_code = 200
        headers = {"Content-Type": "application/json; charset=utf-8"}
        content = json.dumps(body).encode()

    made = reader("http://127.0.0.1:1")
    made.client.get = lambda *args, **kwargs: Answer()
    assert made.read(VISIT) == Chart((ChartNote(CONTROL_ID, fields),), fields)
