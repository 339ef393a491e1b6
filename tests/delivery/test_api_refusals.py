"""What never reaches the API's own views is refused in its one shape too: problems, in words, as JSON."""

import pytest

from delivery.models import Note
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


@pytest.mark.parametrize("path, status", [("/nowhere/", 404), ("/?location=a%00b", 400)])
def test_people_still_get_a_page(client, path, status):
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (status, "text/html")
