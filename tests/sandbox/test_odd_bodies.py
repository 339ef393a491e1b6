"""Bodies that nobody can read: every door of the sandbox answers in words, and none breaks."""

import http.client

import pytest

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
DOORS = [
    ("POST", "/openapi/v1/LAKESI/progress-notes"),
    ("POST", "/openapi/v1/LAKESI/visit-templates"),
    ("POST", "/fhir/r4/LAKESI"),
    ("POST", "/oauth2/LAKESI/token"),
    ("PUT", "/sandbox/api/facilities/NORTH/templates/T"),
    ("PUT", "/sandbox/api/facilities/NORTH/encounters/E"),
    ("PUT", "/sandbox/api/practices/LAKESI"),
    ("PUT", "/sandbox/api/practices/LAKESI/resources/Patient/1"),
    ("PUT", "/sandbox/api/apps/a"),
    ("PUT", "/sandbox/api/faults"),
    ("POST", "/sandbox/api/faults"),
    ("POST", "/sandbox/api/visits/announce"),
    ("POST", "/sandbox/api/facilities/NORTH/templates/T/swap"),
    ("POST", "/faults"),
    ("POST", "/faults/off"),
    ("POST", "/facilities/NORTH/encounters/E/sign"),
]
BODIES = {
    "nothing": (b"", JSON),
    "no JSON": (b'{"a":', JSON),
    "no text": (b"\xff\xfe", JSON),
    "no text in a form": (b"a=\xff\xfe", FORM),
    "brackets without end": (b"[" * 20_000 + b"]" * 20_000, JSON),
    "an encoding that is none": (b"{}", JSON + "; charset=nope"),
    "a list": (b"[]", JSON),
    "half a character": (b'{"control_id": "\\ud800", "template": "\\ud800"}', JSON),
    "a number beyond all": (b'{"version": 1e400, "position": 1e400}', JSON),
}


@pytest.mark.parametrize("body, kind", BODIES.values(), ids=BODIES)
def test_no_door_breaks(sandbox, body, kind):
    answered = {}
    for method, path in DOORS:
        line = http.client.HTTPConnection("127.0.0.1", sandbox.http, timeout=10)
        line.request(method, path, body, {"Authorization": "Bearer sandbox-token", "Content-Type": kind})
        answered[path] = line.getresponse().status
        line.close()
    assert [path for path, status in answered.items() if status >= 500] == []
