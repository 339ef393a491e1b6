"""The scribe's API and codes that are held: near misses beside each place, what to do, and nothing of it stored."""

import json

import pytest

from delivery.models import Delivery, IdempotencyKey
from delivery.posted import note_of
from delivery.suggested_codes import with_suggestions
from portal.models import Connection, Part, Route
from tests.delivery.conftest import a_note

pytestmark = pytest.mark.django_db


@pytest.fixture
def routed(cast):
    fhir = Connection.objects.create(practice=cast.practice, name="F", kind="fhir", environment="sandbox", settings={})
    Route.objects.create(location=cast.north, part=Part.DIAGNOSES, connection=fhir)
    return cast


def diagnoses(*codes: str, system: str = "icd-10-cm") -> list[dict]:
    return [{"system": system, "code": code, "text": "as dictated"} for code in codes]


def part(answer, name: str = "diagnoses") -> dict:
    assert answer.status_code in (200, 201), answer.content
    (found,) = [one for one in answer.json()["deliveries"] if one["part"] == name]
    return found


def suggested(problem: dict) -> list[str]:
    return [one["code"] for one in problem["suggestions"]]


class TestPosting:
    def test_a_category_is_answered_with_billable_codes_below_it(self, scribe, routed):
        held = part(scribe.post(a_note(diagnoses=diagnoses("J45"))))
        (problem,) = held["problems"]
        assert (held["state"], held["reason"]["code"]) == ("held", "diagnosis_not_billable")
        assert problem["pointer"] == "/diagnoses/0/code"
        assert len(suggested(problem)) == 5
        assert all(code.startswith("J45.") for code in suggested(problem))
        assert problem["more_suggestions"] > 0
        assert all(one["text"] for one in problem["suggestions"])

    def test_a_wrong_spelling_is_answered_with_the_right_one(self, scribe, routed):
        (problem,) = part(scribe.post(a_note(diagnoses=diagnoses("i10"))))["problems"]
        assert suggested(problem) == ["I10"]

    def test_a_code_that_does_not_exist_is_answered_with_near_ones(self, scribe, routed):
        held = part(scribe.post(a_note(diagnoses=diagnoses("I1O"))))
        assert held["reason"]["code"] in ("diagnosis_unknown", "diagnosis_form")
        assert "I10" in suggested(held["problems"][0])

    def test_one_far_from_all_is_answered_with_none(self, scribe, routed):
        (problem,) = part(scribe.post(a_note(diagnoses=diagnoses("QQQ.QQQQ"))))["problems"]
        assert (problem["suggestions"], problem["more_suggestions"]) == ([], 0)

    def test_each_place_has_its_own(self, scribe, routed):
        held = part(scribe.post(a_note(diagnoses=diagnoses("J45", "I10", "i10"))))
        assert [problem["pointer"] for problem in held["problems"]] == ["/diagnoses/0/code", "/diagnoses/2/code"]
        assert suggested(held["problems"][0])[0].startswith("J45.")
        assert suggested(held["problems"][1]) == ["I10"]

    def test_it_says_what_to_do(self, scribe, routed):
        held = part(scribe.post(a_note(diagnoses=diagnoses("J45"))))
        assert "new version" in held["reason"]["todo"]

    def test_right_codes_are_answered_without_a_word_of_suggestions(self, scribe, routed):
        sent = part(scribe.post(a_note(diagnoses=diagnoses("I10"))))
        assert (sent["state"], sent["problems"]) == ("ready", [])

    def test_nothing_of_them_is_stored_and_the_repeat_is_answered_the_same(self, scribe, routed):
        note = a_note(diagnoses=diagnoses("J45"))
        first = scribe.post(note, key="once")
        assert "J45" not in json.dumps(IdempotencyKey.objects.get().answer)
        assert "J45" not in str(Delivery.objects.get(part=Part.DIAGNOSES).problems)
        assert scribe.post(note, key="once").json() == first.json()

    def test_other_parts_problems_are_as_they_were(self, scribe, routed):
        answer = scribe.post(a_note(diagnoses=diagnoses("J45"), sections=[{"title": "Moon phase", "text": "full"}]))
        for problem in part(answer, "note")["problems"]:
            assert set(problem) == {"pointer", "message"}


class TestReading:
    def test_by_note_and_by_delivery_they_stand_too(self, scribe, routed):
        posted = scribe.post(a_note(diagnoses=diagnoses("J45"))).json()
        wanted = next(one for one in posted["deliveries"] if one["part"] == "diagnoses")
        assert part(scribe.get(f"notes/{posted['id']}"))["problems"] == wanted["problems"]
        assert part(scribe.get("notes?source_note_id=nt-000417"))["problems"] == wanted["problems"]
        assert scribe.get(f"deliveries/{wanted['id']}").json()["problems"] == wanted["problems"]

    def test_once_the_part_is_no_longer_held_they_are_gone(self, scribe, routed):
        posted = scribe.post(a_note(diagnoses=diagnoses("J45"))).json()
        Delivery.objects.filter(part=Part.DIAGNOSES).update(state="cancelled")
        assert all("suggestions" not in problem for problem in part(scribe.get(f"notes/{posted['id']}"))["problems"])


class TestWithoutAHeldDiagnosis:
    def untouched(self, **changes):
        answer = {"part": "diagnoses", "state": "held", "problems": [], **changes}

        def opened():
            raise AssertionError("the note must not be opened for this")

        return with_suggestions(answer, opened, 1, None) is answer

    @pytest.mark.parametrize(
        "changes",
        [
            {"part": "note", "problems": [{"pointer": "/diagnoses/0/code", "message": "x"}]},
            {"state": "accepted", "problems": [{"pointer": "/diagnoses/0/code", "message": "x"}]},
            {"problems": [{"pointer": "", "message": "no route"}]},
            {},
        ],
    )
    def test_the_note_is_not_even_opened(self, changes):
        assert self.untouched(**changes)

    def test_a_place_that_the_note_does_not_have_is_left_as_it_was(self, cast):
        posted = note_of(a_note(diagnoses=diagnoses("J45")))
        problem = {"pointer": "/diagnoses/7/code", "message": "x"}
        answer = {"part": "diagnoses", "state": "held", "problems": [problem]}
        made = with_suggestions(answer, lambda: posted, cast.practice.pk, posted.visit.start.date())
        assert made["problems"] == [problem]
