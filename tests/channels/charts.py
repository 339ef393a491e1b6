"""Charts for the reader tests: answers of a server, readers of it, and what must fail."""

import json

import pytest
from werkzeug import Response

from delivery.channels.base import Unavailable
from delivery.channels.openapi import OpenApiSettings, open_reader
from delivery.failures import CATALOGUE
from tests.channels.notes import CONTROL_ID, VISIT
from tests.channels.test_tls import NAME, authority, pem, server, stranger  # noqa: F401

PATH = "/openapi/v1/LAKESI/encounters/E5001/progress-note"
LEAST = {"base_url": "http://127.0.0.1:1", "practice_code": "LAKESI", "facility": "NORTH"}
TOKEN = {"token": "sandbox-token"}
EMPTY = {"encounter_id": "E5001", "patient_id": "", "signed": False, "filings": [], "fields": {}}


def filing(control_id: str = CONTROL_ID, **fields: str) -> dict:
    return {"control_id": control_id, "note_id": "n", "filed_at": "2026-03-19T15:15:02.120Z", "fields": fields}


def reader(base_url: str, resolve=lambda host, port: (host, port), secrets=TOKEN, **changes):
    settings = {**LEAST, "base_url": base_url, "read_seconds": 2, **changes}
    return open_reader(OpenApiSettings.read(settings, secrets, "sandbox"), resolve)


def url(httpserver) -> str:
    return httpserver.url_for("").rstrip("/")


def fails(made, visit=VISIT) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        made.read(visit)
    assert type(caught.value) is Unavailable
    assert caught.value.reason_code in CATALOGUE
    assert caught.value.__cause__ is None
    return caught.value


def answering(httpserver, answer: Response):
    httpserver.expect_request(PATH).respond_with_response(answer)
    return reader(url(httpserver))


def with_body(httpserver, body: object):
    return answering(httpserver, Response(json.dumps(body), content_type="application/json"))
