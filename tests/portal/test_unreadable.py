"""What is said to whoever sends no readable HTTP: a status, a remedy, nothing of what was sent; JSON for the API."""

import inspect
import json

import pytest
from gunicorn.http import errors

from portal.unreadable import LINE, REFUSALS, TOO_LONG, TOO_MANY, answer, asks_api, refusal_of

SECRET = "MRN-40947"
RAISED = [
    errors.InvalidRequestLine(SECRET),
    errors.InvalidRequestMethod(SECRET),
    errors.InvalidHTTPVersion(SECRET),
    errors.InvalidHeader(SECRET),
    errors.InvalidHeaderName(SECRET),
    errors.ObsoleteFolding(SECRET),
    errors.UnsupportedTransferCoding(SECRET),
    errors.ExpectationFailed(SECRET),
    errors.LimitRequestLine(5000, 4094),
    errors.LimitRequestHeaders(SECRET),
    errors.InvalidSchemeHeaders(),
]
EVERY = [*(refusal for _, refusal in REFUSALS), TOO_LONG, TOO_MANY]


def parts(raw: bytes) -> tuple[str, dict[str, str], str]:
    head, _, body = raw.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: type(raised).__name__)
def test_what_gunicorn_cannot_read_has_a_status_and_a_remedy(raised):
    refusal = refusal_of(raised)
    assert refusal is not None
    assert 400 <= refusal.status <= 501
    assert refusal.said.endswith(".")
    assert SECRET not in answer(refusal, for_api=True).decode()


@pytest.mark.parametrize(
    "raised",
    [
        errors.InvalidResponseHeader("X"),
        errors.InvalidResponseHeaderName("X"),
        errors.ConfigurationProblem("X"),
        ValueError(SECRET),
        OSError(),
    ],
)
def test_what_is_not_the_callers_fault_is_left_to_gunicorn(raised):
    assert refusal_of(raised) is None


def test_every_error_of_reading_that_gunicorn_has_is_known_here():
    """A new one of a later gunicorn is looked at when it comes: these are answered by gunicorn itself."""
    left = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.ParseException) and not any(issubclass(kind, known) for known, _ in REFUSALS)
    }
    proxies = {"InvalidProxyLine", "InvalidProxyHeader", "ForbiddenProxyRequest"}  # the proxy protocol is not used
    bodies = {"InvalidChunkSize", "ChunkMissingTerminator", "InvalidChunkExtension"}  # raised where a view reads
    assert left == {"ParseException", "ConfigurationProblem", "InvalidH2CPreface", *proxies, *bodies}


@pytest.mark.parametrize("refusal", EVERY, ids=lambda refusal: str(refusal.status))
@pytest.mark.parametrize("for_api", [True, False])
def test_an_answer_is_whole_and_the_last_on_its_connection(refusal, for_api):
    first, headers, body = parts(answer(refusal, for_api))
    assert first == f"HTTP/1.1 {refusal.status} {refusal.reason}"
    assert int(headers["Content-Length"]) == len(body.encode())
    assert headers["Connection"] == "close"
    assert headers["Cache-Control"] == "no-store"
    assert (headers.get("Retry-After") == "5") == (refusal.status == 503)


def test_the_api_is_answered_in_the_shape_of_its_own_refusals():
    _, headers, body = parts(answer(LINE, for_api=True))
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"problems": [{"pointer": "", "message": LINE.said}]}


def test_anybody_else_reads_plain_words():
    _, headers, body = parts(answer(LINE, for_api=False))
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert body == f"{LINE.said}\n"


@pytest.mark.parametrize(
    "begun, api",
    [
        (b"POST /api/v1/notes HTTP/1.1\r\n", True),
        (bytearray(b"POST /api/v1/notes"), True),
        (b"GET /apiary HTTP/1.1\r\n", False),
        (b"GET /deliveries/ HTTP/1.1\r\nReferer: /api/\r\nX: a /api/ b\r\n", False),
        (b"GET /x?next= /api/ HTTP/1.1", True),  # no address has a space in it: whose it is cannot be told
        (b"", False),
        (b"x" * 300 + b" /api/", False),
    ],
)
def test_whom_an_answer_is_for_is_read_from_the_first_line(begun, api):
    assert asks_api(begun) == api
