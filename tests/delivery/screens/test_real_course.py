"""The pages show what the real pipeline leaves: posted by the API, sent over MLLP, read back from the simulated eCW."""

import pytest

from delivery.models import Delivery
from delivery.states import State
from tests.delivery.test_sending import post, run_lanes
from tests.delivery.test_verification import read_now, settle_and_read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def shown(client, pk: int, tab: str) -> str:
    answer = client.post(f"/deliveries/{pk}/content/{tab}/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_verified_note_is_shown_sent_charted_and_answered(scribe, ecw, dana):
    pk = post(scribe)
    run_lanes()
    read_now()
    page = dana.get(f"/deliveries/{pk}/").content.decode()
    assert "Verified in the chart" in page
    assert "Found in the chart" in page
    assert "worker on " in page
    sections = shown(dana, pk, "sections")
    assert sections.count("Worse at night.\nNo fever.") == 2
    assert sections.count("Rest &amp; fluids | return if fever.") == 2
    message = shown(dana, pk, "message")
    assert "Rest \\T\\ fluids \\F\\ return if fever." in message
    assert f"MSA|AA|{Delivery.objects.get(pk=pk).control_id}" in shown(dana, pk, "attempts")
    assert "••01" in dana.get("/deliveries/?state=verified").content.decode()


def test_a_dropped_section_is_named_with_what_was_sent_and_that_nothing_stands_there(scribe, ecw, dana):
    pk = post(scribe)
    ecw.fault("silent_drop", field_id="NF-02", count=1)
    run_lanes()
    read_now()
    settle_and_read()
    assert Delivery.objects.get(pk=pk).state == State.MISFILED
    assert "HPI missing" in dana.get(f"/deliveries/{pk}/").content.decode()
    sections = shown(dana, pk, "sections")
    assert sections.count("No fever.") == 1
    assert "nothing" in sections


def test_a_note_held_at_the_door_shows_its_problem_and_its_text(scribe, dana):
    pk = post(scribe, sections=[{"title": "Horoscope", "text": "The stars are well."}])
    page = dana.get(f"/deliveries/{pk}/").content.decode()
    assert "A section has no place in the template" in page
    assert "give the section a field and publish" in page
    assert "The stars are well." in shown(dana, pk, "sections")


def test_a_search_for_what_the_scribe_posted_finds_it(scribe, dana):
    pk = post(scribe)
    for typed in ("P1001", "E1", Delivery.objects.get(pk=pk).note.source_note_id, "DR7", "lee"):
        answer = dana.post("/deliveries/search/", {"q": typed}, follow=True)
        assert f'id="d{pk}"' in answer.content.decode(), typed
