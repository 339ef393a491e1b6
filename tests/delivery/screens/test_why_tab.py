"""The tab *Why* of a delivery: the sentence of the page that asks why, its evidence, whose job it is; no content."""

import pytest

from delivery.models import Delivery
from delivery.queries import Scope
from delivery.states import State
from delivery.why import LEADS, Asked, about, answer
from tests.delivery.rows import LENA, make_delivery

pytestmark = pytest.mark.django_db
REASONS = {
    State.HELD: "no_route",
    State.REJECTED: "ae",
    State.UNKNOWN: "no_answer",
    State.PARKED: "blind_receiver",
    State.MISFILED: "sections_differ",
}


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def tab(client, one: Delivery, name: str = "why") -> str:
    shown = client.get(f"/deliveries/{one.pk}/?tab={name}")
    assert shown.status_code == 200
    return shown.content.decode()


@pytest.mark.parametrize("state", list(LEADS))
def test_each_state_has_its_sentence_the_same_as_where_one_asks_for_the_visit(cast, dana, state):
    one = make_delivery(cast, state, reason_code=REASONS.get(state, ""))
    said = answer(Asked(encounter="E5001"), Scope((cast.north,)))
    shown = tab(dana, one)
    assert said.sentence in shown.replace("&#x27;", "'").replace("&amp;", "&")
    assert about(Delivery.objects.get(pk=one.pk), Scope((cast.north,))).cause == said.cause
    assert 'aria-current="page"' in shown.split(">Why</a>")[0].rsplit("<a ", 1)[1]


@pytest.mark.parametrize("state", list(REASONS))
def test_it_says_whose_job_it_is_and_what_to_do(cast, dana, state):
    shown = tab(dana, make_delivery(cast, state, reason_code=REASONS[state])).split('id="tab"')[1]
    assert "Whose job" in shown
    assert "What to do" in shown


def test_of_what_is_in_the_chart_it_asks_nobody_to_do_anything(cast, dana):
    shown = tab(dana, make_delivery(cast, State.VERIFIED)).split('id="tab"')[1]
    assert "every section was read back in its place" in shown
    assert "Whose job" not in shown


def test_no_patient_and_no_word_of_the_note_stands_in_it(cast, dana):
    shown = tab(dana, make_delivery(cast, State.MISFILED, reason_code="sections_differ")).split('id="tab"')[1]
    for word in (LENA["id"], LENA["family"], "Cough for nine days", "Lungs clear"):
        assert word not in shown


def test_the_other_tabs_do_not_pay_for_it(cast, dana, monkeypatch):
    one = make_delivery(cast)
    monkeypatch.setattr("delivery.views.detail.about", lambda *more: pytest.fail("asked for"))
    for name in ("timeline", "sections", "message", "attempts", "audit"):
        tab(dana, one, name)


def test_whoever_may_only_look_reads_it_too(cast, client):
    one = make_delivery(cast, State.HELD, reason_code="no_route")
    client.force_login(cast.ava)
    assert "We hold it" in tab(client, one)
