"""Empty sections of a note are listed as empty: by the API and on the page, never sent and never left out."""

import pytest

from delivery.answers import sections
from delivery.models import Delivery, NoteVersion
from delivery.states import State
from tests.delivery.conftest import a_note
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db


def with_texts(*texts):
    """A note with one section per text, under codes that the cast's mapping knows."""
    codes = ["chief_complaint", "history_of_present_illness", "physical_exam", "assessment", "plan"]
    return a_note(sections=[{"code": code, "text": text} for code, text in zip(codes, texts, strict=False)])


def answered(answer):
    return [(row["index"], row["code"], row["outcome"]) for row in answer.json()["deliveries"][0]["sections"]]


@pytest.mark.parametrize("nothing", ["", " ", "\n\n", "\t \u00a0"])
def test_a_section_without_text_is_said_as_empty_from_the_first_answer_on(scribe, nothing):
    answer = scribe.post(with_texts("Cough.", nothing, "Clear."))
    assert answered(answer) == [(1, "history_of_present_illness", "empty")]
    assert answered(scribe.get(f"notes/{answer.json()['id']}")) == answered(answer)


def test_a_note_with_text_everywhere_has_none(scribe):
    assert answered(scribe.post(with_texts("Cough.", "Dry."))) == []
    assert NoteVersion.objects.get().empty_sections is None


def test_a_note_of_empty_sections_alone_is_held_and_lists_them_all(scribe):
    answer = scribe.post(with_texts("", "", ""))
    [delivery] = answer.json()["deliveries"]
    assert (delivery["state"], delivery["reason"]["code"]) == (State.HELD, "nothing_to_send")
    assert [row["index"] for row in delivery["sections"]] == [0, 1, 2]


def test_once_read_back_they_stand_among_the_others_in_the_notes_order(scribe):
    scribe.post(with_texts("Cough.", "", "Clear.", "", "Rest."))
    delivery = Delivery.objects.get()
    delivery.section_outcomes = [
        {"index": index, "code": code, "title": "", "field_id": field, "outcome": outcome}
        for index, code, field, outcome in [
            (4, "plan", "NF-06", "missing"),
            (0, "chief_complaint", "NF-01", "verified"),
            (2, "physical_exam", "NF-04", "moved"),
            (-1, "", "NF-07", "altered"),
        ]
    ]
    told = [(row["index"], row["outcome"]) for row in sections(delivery)]
    assert told == [(0, "verified"), (1, "empty"), (2, "moved"), (3, "empty"), (4, "missing"), (-1, "altered")]


def test_an_empty_section_goes_to_no_field(scribe):
    [row] = scribe.post(with_texts("Cough.", "")).json()["deliveries"][0]["sections"]
    assert row["field_id"] == ""


def test_an_unknown_title_without_text_is_listed_too(scribe):
    answer = scribe.post(a_note(sections=[{"code": "plan", "text": "Rest."}, {"title": "Technology used", "text": ""}]))
    assert answered(answer) == [(1, "", "empty")]
    assert NoteVersion.objects.get().empty_sections == [{"index": 1, "code": "", "title": "Technology used"}]


def test_other_parts_of_the_note_have_no_sections(scribe):
    note = with_texts("Cough.", "") | {"diagnoses": [{"system": "icd-10-cm", "code": "I10"}]}
    told = {row["part"]: len(row["sections"]) for row in scribe.post(note).json()["deliveries"]}
    assert told == {"note": 1, "diagnoses": 0}


def test_the_page_shows_them_by_title_without_opening_the_note(cast, client):
    delivery = make_delivery(cast, State.VERIFIED)
    rows = [{"index": 3, "code": "plan", "title": "PLAN <b>"}, {"index": 4, "code": "assessment", "title": ""}]
    NoteVersion.objects.filter(pk=delivery.note_version_id).update(empty_sections=rows)
    client.force_login(cast.ava)
    page = client.get(f"/deliveries/{delivery.pk}/?tab=sections").content.decode()
    assert "PLAN &lt;b&gt;" in page
    assert "assessment" in page
    assert page.count("Empty</span>") == 2


def test_they_count_for_nothing_in_the_strip_of_the_list(cast, client):
    delivery = make_delivery(cast, State.VERIFIED)
    NoteVersion.objects.filter(pk=delivery.note_version_id).update(
        empty_sections=[{"index": 3, "code": "plan", "title": "PLAN"}]
    )
    client.force_login(cast.dana)
    assert "3/3" in client.get("/deliveries/").content.decode()


def test_the_schema_says_what_empty_means(client):
    schema = client.get("/api/v1/schema?format=json").json()
    outcome = schema["components"]["schemas"]["SectionOutcome"]["properties"]["outcome"]
    assert "empty" in outcome["description"]
