"""The answer to what is no readable HTTP request: what is wrong with it and what to do, as JSON for the API.

gunicorn's own is a page of HTML that repeats the faulty line: no client of the API reads it, and a line may hold a
patient's id. Nothing of the request is repeated here.
"""

import json
from dataclasses import dataclass

from gunicorn.http import errors


@dataclass(frozen=True)
class Refusal:
    """A status of HTTP with its own reason phrase, and the sentence that says what to do."""

    status: int
    reason: str
    said: str


API = b" /api/"
TOO_LONG = Refusal(
    431, "Request Header Fields Too Large", "The request's headers are longer than 64 KiB; send fewer or shorter ones."
)
TOO_MANY = Refusal(
    503, "Service Unavailable", "Too many requests are still being read; send this one again in five seconds."
)
LINE = Refusal(
    400, "Bad Request", 'The first line is no request of HTTP: it reads "POST /api/v1/notes HTTP/1.1", spaces encoded.'
)
HEADERS = Refusal(
    400,
    "Bad Request",
    "A header cannot be read: each is one line, a name of letters and dashes, a colon and a value without line breaks; "
    "Content-Length is one plain number, and does not stand beside Transfer-Encoding.",
)
# The first that fits says it.
REFUSALS: tuple[tuple[type[Exception], Refusal], ...] = (
    (errors.LimitRequestLine, Refusal(414, "URI Too Long", "The address is too long; send what it holds in the body.")),
    (errors.LimitRequestHeaders, TOO_LONG),
    (errors.InvalidHTTPVersion, Refusal(400, "Bad Request", "This portal speaks HTTP/1.1; send the request as that.")),
    (errors.InvalidRequestMethod, LINE),
    (errors.InvalidRequestLine, LINE),
    (
        errors.UnsupportedTransferCoding,
        Refusal(501, "Not Implemented", "Send the body with a Content-Length, or chunked and not compressed."),
    ),
    (
        errors.ExpectationFailed,
        Refusal(417, "Expectation Failed", "Leave the Expect header out, or send Expect: 100-continue."),
    ),
    (
        errors.InvalidSchemeHeaders,
        Refusal(400, "Bad Request", "The proxy's headers say http and https at once; its operator can put them right."),
    ),
    (errors.InvalidHeader, HEADERS),
    (errors.InvalidHeaderName, HEADERS),
    (errors.ObsoleteFolding, HEADERS),
)
# What the application itself answered with, a subclass of the above: our fault, and nobody's request.
OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def refusal_of(error: BaseException) -> Refusal | None:
    """None for what is not the caller's fault."""
    if isinstance(error, OURS):
        return None
    return next((refusal for kind, refusal in REFUSALS if isinstance(error, kind)), None)


def asks_api(begun: bytes | bytearray) -> bool:
    """Whether the first line of what came names an address of the API, as far as it can be read."""
    return API in bytes(begun[:256]).split(b"\r\n", 1)[0]


def answer(refusal: Refusal, for_api: bool) -> bytes:
    """The whole answer, after which the connection closes."""
    if for_api:
        kind, body = "application/json", json.dumps({"problems": [{"pointer": "", "message": refusal.said}]})
    else:
        kind, body = "text/plain; charset=utf-8", f"{refusal.said}\n"
    again = "Retry-After: 5\r\n" if refusal.status == 503 else ""
    head = (
        f"HTTP/1.1 {refusal.status} {refusal.reason}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{again}Connection: close\r\n\r\n"
    )
    return (head + body).encode()
