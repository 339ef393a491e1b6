"""An amendment that leaves a section out, at a receiver that keeps the earlier version's text in the chart."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from delivery import visit_charts
from delivery.channels.base import Chart
from delivery.models import Delivery
from delivery.readings import Look
from delivery.sentence import sentence
from delivery.states import STRUCK, State
from tests.delivery.conftest import NOTE
from tests.delivery.rows import SECTIONS, make_delivery
from tests.delivery.test_sending import post, run_lanes, state
from tests.delivery.test_verification import outcomes, read_now, settle_and_read

SHORTER = [NOTE["sections"][0], NOTE["sections"][2]]  # without the HPI
flows = pytest.mark.django_db(transaction=True)


def amended(scribe, ecw, sections):
    """The first version verified, the second one sent and read twice."""
    post(scribe, 1, encounter="E1")
    run_lanes()
    read_now()
    second = post(scribe, 1, encounter="E1", version=2, sections=sections)
    run_lanes()
    read_now()
    settle_and_read()
    return Delivery.objects.get(pk=second)


@flows
def test_a_section_that_was_left_out_and_still_stands_is_misfiled_and_named(scribe, ecw):
    ecw.fault("keep_left_out")
    second = amended(scribe, ecw, SHORTER)
    assert (second.state, second.reason_code) == (State.MISFILED, "sections_differ")
    assert outcomes(second.pk) == {
        "chief_complaint": "verified",
        "plan": "verified",
        "history_of_present_illness": "left_behind",
    }
    assert "HPI left behind" in sentence(second)


@flows
def test_a_section_that_was_left_out_and_is_gone_is_no_fault(scribe, ecw):
    assert amended(scribe, ecw, SHORTER).state == State.VERIFIED


@flows
def test_an_amendment_with_every_section_is_verified_at_such_a_receiver_too(scribe, ecw):
    ecw.fault("keep_left_out")
    assert amended(scribe, ecw, NOTE["sections"]).state == State.VERIFIED


@flows
def test_the_third_version_names_what_is_left_of_the_first(scribe, ecw):
    ecw.fault("keep_left_out")
    amended(scribe, ecw, SHORTER)
    third = post(scribe, 1, encounter="E1", version=3, sections=SHORTER)
    run_lanes()
    read_now()
    settle_and_read()
    assert state(third) == State.MISFILED
    assert outcomes(third)["history_of_present_illness"] == "left_behind"


@flows
def test_the_page_shows_the_text_that_still_stands(scribe, ecw, cast, client):
    ecw.fault("keep_left_out")
    second = amended(scribe, ecw, SHORTER)
    client.force_login(cast.dana)
    page = client.post(reverse("delivery:content", args=[second.pk, "sections"])).content.decode()
    assert "Left behind" in page
    assert "Worse at night." in page


def look(delivery):
    return Look(Delivery.objects.select_related("note_version", "wire").get(pk=delivery.pk), Chart((), {}))


def of_the_same_note(cast, first, number, state=State.ACCEPTED):
    """A further version's delivery, as intake makes it."""
    row = make_delivery(cast, state, encounter="E1")
    version = row.note_version
    version.note, version.number = first.note, number
    version.save()
    Delivery.objects.filter(pk=row.pk).update(note=first.note)
    return row


@pytest.mark.django_db
class TestWhatWasFilledBefore:
    def test_is_what_every_earlier_charted_version_filled(self, cast):
        first = make_delivery(cast, State.VERIFIED, encounter="E1")
        of_the_same_note(cast, first, 2, State.MISFILED)
        third = of_the_same_note(cast, first, 3)
        of_the_same_note(cast, first, 4)
        known = visit_charts.known([look(third)])[third.pk]
        assert len(known.earlier) == 2 * len(SECTIONS)

    @pytest.mark.parametrize("state", [State.REJECTED, State.UNKNOWN, State.PARKED])
    def test_is_not_what_was_never_charted_for_sure(self, cast, state):
        second = of_the_same_note(cast, make_delivery(cast, state, encounter="E1"), 2)
        assert visit_charts.known([look(second)])[second.pk].earlier == ()

    def test_is_not_what_a_person_has_struck(self, cast):
        first = make_delivery(cast, State.VERIFIED, encounter="E1", reason_code=STRUCK)
        second = of_the_same_note(cast, first, 2)
        assert visit_charts.known([look(second)])[second.pk].earlier == ()

    def test_is_asked_for_a_replay_as_well_and_never_for_a_first_version(self, cast):
        first = make_delivery(cast, State.MISFILED, encounter="E1")
        with CaptureQueriesContext(connection) as asked:
            assert visit_charts.known([look(first)]) == {}
        assert len(asked) == 1, "the look's own"
        again = of_the_same_note(cast, first, 1 + 1)
        again.note_version.number = 1
        Delivery.objects.filter(pk=again.pk).update(replay_of=first)
        assert visit_charts.known([look(again)])[again.pk].earlier
