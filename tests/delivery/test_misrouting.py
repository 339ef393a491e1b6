"""A section that eCW filed in another field stops its template's other notes until a person has looked: one button."""

import pytest
from django.db import transaction
from django.urls import reverse

from audit.models import AuditEvent
from delivery import misrouting
from delivery.failures import CATALOGUE, Button
from delivery.models import Delivery, TemplateStop
from delivery.states import State
from portal.models import Connection
from tests.browsing import assert_accessible, assert_fits
from tests.delivery.fhir import words
from tests.delivery.test_sending import post, run_lanes, state
from tests.delivery.test_verification import settle_and_read

pytestmark = pytest.mark.django_db(transaction=True)
WHY = {"reason": "eCW had reordered the template; it is put right"}


def fault(ecw, kind: str = "move_field", **how) -> None:
    faults = [{"kind": kind, **how}] if kind else []
    ecw.process.api("PUT", "/faults", {"seed": 0, "faults": faults})


@pytest.fixture
def template(cast):
    return cast.north_mapping.template


@pytest.fixture
def moved(scribe, ecw):
    """One note whose HPI stands under ROS."""
    fault(ecw, **{"from": "NF-02", "to": "NF-03"}, count=1)
    delivery = post(scribe, 1)
    run_lanes()
    for _ in range(3):
        settle_and_read()
    assert state(delivery) == State.MISFILED
    fault(ecw, "")
    return delivery


def why(delivery: int) -> tuple[str, str]:
    row = Delivery.objects.get(pk=delivery)
    return row.state, row.reason_code


def address(cast) -> str:
    return reverse("delivery:misrouted", args=[cast.north_mapping.template.pk])


def test_A20_A26_the_templates_next_note_waits_and_nothing_of_it_is_sent(scribe, ecw, moved):
    before = len(ecw.filings())
    delivery = post(scribe, 2)
    assert run_lanes() == 0
    assert why(delivery) == (State.HELD, "template_misroutes")
    assert len(ecw.filings()) == before


def test_A20_the_stop_names_the_field_and_where_its_text_stood(moved, template):
    stop = misrouting.stop_of(template)
    assert (stop.delivery_id, stop.field_id, stop.found_in) == (moved, "NF-02", "NF-03")
    event = AuditEvent.objects.get(event="template.stop")
    assert event.detail == {"template": "FM-PROGRESS", "delivery_id": moved}


def test_A20_another_templates_notes_and_another_locations_go_on(scribe, ecw, moved, cast):
    Connection.objects.filter(pk=cast.hl7.pk).update(settings=cast.hl7.settings | {"port": ecw.process.mllp})
    delivery = post(scribe, 3, location="SOUTH", encounter="S1")
    run_lanes()
    assert why(delivery)[1] != "template_misroutes"


def test_A20_one_press_lets_all_go_and_says_who_looked(scribe, ecw, moved, cast, client, template):
    waiting = [post(scribe, number) for number in (2, 3)]
    run_lanes()
    client.force_login(cast.omar)
    said = words(client.get(address(cast)).content.decode())
    assert "Field NF-02" in said
    assert "2 notes wait since" in said
    answer = client.post(address(cast), {**WHY, "stop": misrouting.stop_of(template).pk}, follow=True)
    assert "Released: 2" in words(answer.content.decode())
    run_lanes()
    assert {state(each) for each in waiting} == {State.ACCEPTED}
    row = TemplateStop.objects.get()
    assert (row.looked_by, row.looked_at is not None) == ("omar", True)
    event = AuditEvent.objects.get(event="template.resume")
    assert (event.reason, event.detail) == (WHY["reason"], {"template": "FM-PROGRESS", "released": 2})


def test_A20_released_one_by_one_they_are_held_again(scribe, ecw, moved, cast, client):
    delivery = post(scribe, 2)
    run_lanes()
    client.force_login(cast.omar)
    client.post(reverse("delivery:act", args=[delivery, "release"]), WHY)
    run_lanes()
    assert why(delivery) == (State.HELD, "template_misroutes")


def test_A20_a_second_deviation_makes_no_second_stop_and_one_after_the_look_does(moved, template, cast):
    rows = Delivery.objects.get(pk=moved).section_outcomes
    assert misrouting.stop_for(moved, rows) is None
    stop = misrouting.stop_of(template)
    assert misrouting.looked(stop.pk, template, cast.dana, "looked") == 0
    assert misrouting.stop_of(template) is None
    with transaction.atomic():
        assert misrouting.stop_for(moved, rows) is not None
    assert TemplateStop.objects.count() == 2


@pytest.mark.parametrize(
    "kind, how", [("silent_drop", {"field_id": "NF-02"}), ("truncate", {"field_id": "NF-02", "length": 5})]
)
def test_what_is_missing_or_cut_stops_nobody_else(scribe, ecw, template, kind, how):
    fault(ecw, kind, **how)
    delivery = post(scribe, 1)
    run_lanes()
    for _ in range(3):
        settle_and_read()
    assert state(delivery) == State.MISFILED
    assert misrouting.stop_of(template) is None


def test_two_who_press_at_once_release_once(moved, template, cast):
    stop = misrouting.stop_of(template)
    assert misrouting.looked(stop.pk, template, cast.dana, "looked") == 0
    assert misrouting.looked(stop.pk, template, cast.omar, "looked too") is None
    assert AuditEvent.objects.filter(event="template.resume").count() == 1


@pytest.mark.parametrize(
    "data", [{}, {"reason": "x"}, {"reason": "looked at it", "stop": "0"}, {"reason": "ok then", "stop": "ü"}]
)
def test_without_a_reason_or_for_another_stop_nothing_goes(scribe, ecw, moved, cast, client, template, data):
    delivery = post(scribe, 2)
    run_lanes()
    client.force_login(cast.omar)
    stop = misrouting.stop_of(template).pk
    client.post(address(cast), {"stop": stop, **data})
    assert state(delivery) == State.HELD
    assert misrouting.stop_of(template).pk == stop


def test_a_stop_of_another_template_is_not_taken_for_this_ones(moved, template, cast):
    stop = misrouting.stop_of(template)
    assert misrouting.looked(stop.pk, cast.south_mapping.template, cast.dana, "looked") is None
    assert misrouting.stop_of(template) == stop


def test_who_may_look(moved, cast, client):
    answers = {}
    for person in (cast.dana, cast.omar, cast.mel, cast.ava, cast.sam):
        client.force_login(person)
        answers[person.username] = client.get(address(cast)).status_code
    assert answers == {"dana": 200, "omar": 200, "mel": 403, "ava": 403, "sam": 404}


def test_the_reason_leads_to_the_page_and_the_page_of_a_template_that_is_not_stopped_says_so(
    scribe, ecw, moved, cast, client
):
    assert CATALOGUE["template_misroutes"].button == Button.MISROUTED
    delivery = post(scribe, 2)
    run_lanes()
    client.force_login(cast.omar)
    assert address(cast) in client.get(f"/deliveries/{delivery}/").content.decode()
    other = reverse("delivery:misrouted", args=[cast.south_mapping.template.pk])
    client.force_login(cast.dana)
    assert "This template is not stopped" in words(client.get(other).content.decode())


@pytest.mark.browser
@pytest.mark.parametrize("theme, width", [("light", 390), ("dark", 1440)])
def test_the_page_is_accessible_on_every_width(moved, cast, page, sign_in, browsing, live_portal, theme, width):
    browsing.add_cookies([{"name": "appearance", "value": theme, "url": live_portal}])
    sign_in(cast.omar)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"/deliveries/misrouted/{cast.north_mapping.template.pk}/")
    assert_accessible(page)
    assert_fits(page)
    page.screenshot(path=f"/tmp/ways/misrouted-{theme}-{width}.png")
    page.get_by_label("What you found").fill("The template is put right")
    page.get_by_role("button", name="I have looked").click()
    page.get_by_text("This template is not stopped").wait_for()
