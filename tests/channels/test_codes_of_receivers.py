"""What a receiver gives as its code becomes a row and an audit event: words in its place never do, nor what no row takes."""

import json

import httpx2
import pytest

from delivery.channels import ecw_codes, fhir, openapi_populating, openapi_sending
from delivery.channels.base import ChannelError, NoAnswer, Refused
from tests.channels.notes import CONTROL_ID, note

WORDS = ["Roe, Jane 1980-01-02", "a\x00b", "\ud800", "٣", "1234567", "139 locked", ""]
ASKED = openapi_populating.wanted(openapi_sending.render(note(), "NORTH"))
JUDGES = {
    "texts": lambda answer: openapi_sending.judge(answer, CONTROL_ID),
    "template": lambda answer: openapi_populating.judge(answer, ASKED),
    "fhir": fhir.judge,
}


def said(body: object, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


def raised(judge: str, answer: httpx2.Response) -> ChannelError:
    with pytest.raises((Refused, NoAnswer)) as caught:
        JUDGES[judge](answer)
    return caught.value


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("judge", ["texts", "template"])
def test_words_beside_a_refusal_are_no_code(judge, word):
    error = raised(judge, said({"error": word, "code": word}, 422))
    assert (type(error), error.code) == (Refused, "HTTP 422")


@pytest.mark.parametrize("judge", ["texts", "template"])
@pytest.mark.parametrize("code, reason", [("139", "ecw_139"), ("2027", "ecw_2027")])
def test_ecws_own_code_beside_a_refusal_is_kept(judge, code, reason):
    error = raised(judge, said({"code": code}, 409))
    assert (error.reason_code, error.code) == (reason, code)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("judge", ["texts", "template"])
def test_a_word_where_filed_should_stand_is_a_doubt_that_names_the_place(judge, word):
    error = raised(judge, said({"control_id": CONTROL_ID, "template": "FM-PROGRESS", "status": word}))
    assert (type(error), error.code) == (NoAnswer, "status")


@pytest.mark.parametrize("word", [one for one in WORDS if one])
def test_words_where_fhirs_status_should_stand_are_a_doubt_without_them(word):
    entry = {"response": {"status": word}}
    error = raised("fhir", said({"resourceType": "Bundle", "type": "transaction-response", "entry": [entry]}))
    assert (type(error), error.reason_code) == (NoAnswer, "fhir_unknown_code")
    assert error.code == "no code"


@pytest.mark.parametrize("word", WORDS)
def test_another_resource_behind_a_yes_is_not_named_by_its_own_words(word):
    assert raised("fhir", said({"resourceType": word})).code == "resourceType"


def test_a_number_that_nobody_knows_is_kept():
    entry = {"response": {"status": "998"}}
    error = raised("fhir", said({"resourceType": "Bundle", "type": "transaction-response", "entry": [entry]}))
    assert error.code == "998"
    assert ecw_codes.plain("2027") == "2027"
