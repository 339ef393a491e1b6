"""Posting to a FHIR base: what every answer means, and that nothing but eCW's own "1" is accepted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from delivery.channels import ecw_codes
from delivery.channels.base import NoAnswer, Receipt, Refused, Unavailable
from delivery.channels.fhir import FhirChannel, judge
from delivery.failures import CATALOGUE
from tests.channels.fhir_notes import Given, here, settings
from tests.channels.notes import CONTROL_ID, note

PATH = "/fhir/r4/LAKESI"
TAKEN = {"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": {"status": "1"}}]}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}


def channel(httpserver, credentials=None, guard=lambda: True, **changes) -> FhirChannel:
    own = settings(base_url=httpserver.url_for(PATH), **changes)
    return FhirChannel(own, credentials or Given(), here, guard)


def send(made: FhirChannel) -> Receipt:
    try:
        made.open()
        return made.send(made.render(note()), CONTROL_ID)
    finally:
        made.close()


def fails(httpserver, answer: Response, kind: type, **changes):
    httpserver.expect_request(PATH).respond_with_response(answer)
    with pytest.raises(kind) as caught:
        send(channel(httpserver, **changes))
    assert type(caught.value) is kind
    assert caught.value.reason_code in CATALOGUE, caught.value.reason_code
    assert "Cough" not in str(caught.value)
    return caught.value


def said(body: object, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, headers, content_type="application/fhir+json")


def coded(status: object, **more) -> dict:
    return {**TAKEN, "entry": [{"response": {"status": status, **more}}]}


def test_ecws_own_one_is_accepted(httpserver):
    httpserver.expect_request(PATH, method="POST").respond_with_json(TAKEN)
    assert send(channel(httpserver)).code == "1"
    asked = httpserver.log[0][0]
    assert asked.headers["Authorization"] == "Bearer first"
    assert asked.headers["Content-Type"] == "application/fhir+json"
    assert json.loads(asked.data)["type"] == "transaction"


@pytest.mark.parametrize("code", sorted(ecw_codes.REFUSALS, key=int))
def test_each_of_ecws_codes_is_a_refusal_of_its_own(httpserver, code):
    """201 and 202 among them: they are not HTTP's."""
    error = fails(httpserver, said(coded(code, outcome=ERROR)), Refused)
    assert (error.reason_code, error.code) == (f"ecw_{code}", code)


YES_BUT = {
    "an outcome that says error": ERROR,
    "success with an error beside it": coded("1", outcome=ERROR),
    "no entry": {**TAKEN, "entry": []},
    "two entries": {**TAKEN, "entry": TAKEN["entry"] * 2},
    "a number for a status": coded(1),
    "an unknown code": coded("999"),
    "HTTP's words": coded("201 Created"),
    "nothing": {},
    "a search": {"resourceType": "Bundle", "type": "searchset", "entry": TAKEN["entry"]},
}


@pytest.mark.parametrize("name", YES_BUT)
@pytest.mark.parametrize("status", [200, 201])
def test_A10_an_http_yes_with_anything_else_within_is_never_accepted(httpserver, name, status):
    fails(httpserver, said(YES_BUT[name], status), NoAnswer)


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>Sign in</html>", 200, content_type="text/html"),
        Response("", 200, content_type="application/fhir+json"),
        Response('{"resourceType": "Bundle", "resourceType": "x"}', 200, content_type="application/json"),
        Response('{"a": NaN}', 200, content_type="application/json"),
        Response("[" * 100_000, 200, content_type="application/json"),
    ],
    ids=["A10 sign-in page", "nothing", "A11 key twice", "A11 NaN", "A11 brackets"],
)
def test_a_body_that_is_no_answer_leaves_doubt(httpserver, answer):
    assert fails(httpserver, answer, NoAnswer).reason_code == "unreadable_answer"


STATUSES = {
    400: (Refused, "fhir_bad_request"),
    403: (Refused, "fhir_forbidden"),
    404: (Unavailable, "fhir_no_endpoint"),
    408: (NoAnswer, "fhir_server_error"),
    412: (Refused, "fhir_multiple_matches"),
    413: (Refused, "fhir_too_large"),
    422: (Refused, "fhir_bad_request"),
    429: (Unavailable, "rate_limited"),
    500: (NoAnswer, "fhir_server_error"),
    502: (NoAnswer, "fhir_server_error"),
    503: (NoAnswer, "fhir_server_error"),
    504: (NoAnswer, "fhir_server_error"),
}


@pytest.mark.parametrize("status", STATUSES)
def test_A06_A08_A16_each_status_means_one_thing(httpserver, status):
    kind, reason = STATUSES[status]
    error = fails(httpserver, said(ERROR, status), kind)
    assert (error.reason_code, error.code) == (reason, f"HTTP {status}")


@pytest.mark.parametrize(
    "said_after, least, most", [("120", 120, 120), ("86400", 3600, 3600), ("", 0, 60), ("x", 0, 60)]
)
def test_A07_a_429_waits_as_long_as_it_says_and_at_most_an_hour(httpserver, said_after, least, most):
    headers = {"Retry-After": said_after} if said_after else {}
    wait = fails(httpserver, said(ERROR, 429, **headers), Unavailable).retry_after
    assert least <= wait <= most


def test_A13_a_redirect_is_not_followed(httpserver):
    httpserver.expect_request("/elsewhere").respond_with_json(TAKEN)
    answer = Response(status=307, headers={"Location": httpserver.url_for("/elsewhere")})
    assert fails(httpserver, answer, Unavailable).reason_code == "fhir_redirected"
    assert [asked.path for asked, _ in httpserver.log] == [PATH]


def test_A05_a_refused_token_is_replaced_once_and_the_note_sent_once_more(httpserver):
    httpserver.expect_ordered_request(PATH, headers={"Authorization": "Bearer first"}).respond_with_json(ERROR, 401)
    httpserver.expect_ordered_request(PATH, headers={"Authorization": "Bearer second"}).respond_with_json(TAKEN)
    credentials = Given()
    assert send(channel(httpserver, credentials)).code == "1"
    assert credentials.asked == 1


def test_A05_a_second_401_stops_the_connection_and_nothing_was_taken(httpserver):
    credentials = Given()
    httpserver.expect_request(PATH).respond_with_json(ERROR, 401)
    with pytest.raises(Unavailable, match="unauthorized"):
        send(channel(httpserver, credentials))
    assert credentials.asked == 1
    assert len(httpserver.log) == 2


def test_a_tripped_guard_sends_nothing(httpserver):
    httpserver.expect_request(PATH).respond_with_json(TAKEN)
    with pytest.raises(Unavailable, match="lease_lost"):
        send(channel(httpserver, guard=lambda: False))
    assert httpserver.log == []


def test_nobody_there_is_not_sent():
    with pytest.raises(Unavailable, match="connection_refused"):
        send(FhirChannel(settings(), Given(), here, lambda: True))


class Answer:
    """What judge needs of an answer, for wild ones."""

    def __init__(self, status: int, content: bytes, kind: str) -> None:
        self.status_code, self.content, self.headers, self.extensions = status, content, {"Content-Type": kind}, {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["1", "201", "transaction-response", "Bundle"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["resourceType", "type", "entry", "response", "status", "outcome", "issue", "severity"]),
            inner,
        )
    ),
)


@given(st.sampled_from([200, 201, 204, 301, 400, 401, 429, 500]), JSON)
def test_no_wild_answer_is_accepted_or_breaks_anything(status, body):
    accepted = False
    try:
        accepted = judge(Answer(status, json.dumps(body).encode(), "application/json")).code == "1"
    except (Refused, Unavailable, NoAnswer) as error:
        assert error.reason_code in CATALOGUE  # noqa: PT017
    if accepted:
        assert status in (200, 201)
        assert body["type"] == "transaction-response"
        assert body["entry"][0]["response"]["status"] == "1"
