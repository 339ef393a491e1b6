"""What never reaches the API's own views is refused in its one shape too: problems, in words, as JSON."""

import json
import re

import pytest
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import UnreadablePostError

from delivery.models import Note
from portal.views import errors
from tests.delivery.conftest import a_note

pytestmark = pytest.mark.django_db


def words(answer):
    [row] = answer.json()["problems"]
    assert row["pointer"] == ""
    return row["message"]


def test_a_body_in_chunks_is_refused_for_its_missing_length_and_not_for_its_json(scribe):
    answer = scribe.post(a_note(), **{"Transfer-Encoding": "chunked", "Content-Length": ""})
    assert answer.status_code == 411
    assert "Content-Length" in words(answer)
    assert not Note.objects.exists()


def test_a_body_with_a_length_is_taken_in_whatever_else_a_proxy_says_of_it(scribe):
    assert scribe.post(a_note(), **{"Transfer-Encoding": "identity"}).status_code == 201


@pytest.mark.parametrize("path", ["notes/xx", "notes/xx/retract", "deliveries/-1", "nothing"])
def test_an_address_that_does_not_exist_is_a_problem_in_json(scribe, path):
    answer = scribe.get(path)
    assert answer.status_code == 404
    assert "nothing at this address" in words(answer)


@pytest.mark.parametrize("path", ["notes?source_note_id=a%00b", "notes/%00"])
def test_a_nul_in_an_address_is_a_problem_in_json(scribe, path):
    answer = scribe.get(path)
    assert answer.status_code == 400
    assert "NUL" in words(answer)


def test_a_wrong_host_is_a_problem_in_json_that_speaks_of_the_host_and_of_no_nul(scribe):
    answer = scribe.client.get("/api/v1/schema", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "Host header" in words(answer)
    assert "NUL" not in words(answer)
    assert "elsewhere" not in words(answer)


@pytest.mark.parametrize(
    "raised, said",
    [
        (RequestDataTooBig, "larger than this portal reads"),
        (TooManyFieldsSent, "more fields"),
        (UnreadablePostError, "ended before all of it had come"),
        (SuspiciousOperation, "The request cannot be read."),
        (BadRequest, "The request cannot be read."),
    ],
)
def test_each_400_that_reaches_no_view_says_what_it_was(rf, raised, said):
    answer = errors.not_understood(rf.get("/api/v1/notes"), raised("Okafor"))
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
    [row] = json.loads(answer.content)["problems"]
    assert said in row["message"]
    assert "Okafor" not in row["message"]


def test_what_fails_unexpectedly_before_any_view_is_a_problem_in_json_with_its_number(scribe, monkeypatch):
    """The whole way: a middleware that fails, Django's own handling, the site's handler."""
    scribe.client.raise_request_exception = False
    monkeypatch.setattr("portal.middleware.selection_for", fails)
    answer = scribe.get("schema")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")
    assert "same Idempotency-Key" in words(answer)
    assert "Okafor" not in words(answer)
    assert re.search(r"under the number [0-9a-f]{32}\.", words(answer))


def fails(*_):
    raise ZeroDivisionError("Okafor")


@pytest.mark.parametrize("path, status", [("/nowhere/", 404), ("/?location=a%00b", 400)])
def test_people_still_get_a_page(client, path, status):
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (status, "text/html")
