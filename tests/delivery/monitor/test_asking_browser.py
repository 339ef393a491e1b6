"""In a real Chromium: the eye in a row, issues chosen together, and the pages behind them at both widths."""

import pytest
from playwright.sync_api import expect

from audit.models import AuditEvent
from delivery.models import Delivery, Issue
from delivery.states import State
from portal.models import Membership, Role, Route, User
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.fhir import fhir_connection
from tests.delivery.monitor.trouble import a_busy_day

pytestmark = pytest.mark.browser
LOOKS = [("light", 1440, 900), ("dark", 390, 844)]


@pytest.fixture
def day(cast, transactional_db):
    return a_busy_day(cast)


@pytest.fixture
def dana(cast, day, sign_in, page):
    sign_in(cast.dana)
    page.set_default_navigation_timeout(60_000)
    return page


def at(page, scheme, width, height):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})


def look(page, name):
    assert_fits(page)
    assert_accessible(page)
    photograph(page, name)


@pytest.mark.parametrize("scheme, width, height", LOOKS)
def test_the_eye_asks_why_shows_the_patient_once_and_gives_the_place_back(dana, day, scheme, width, height):
    at(dana, scheme, width, height)
    dana.goto("/deliveries/?state=unknown")
    (one, *_) = day["no answer"]
    eye = dana.locator(f"#p{one.pk}")
    eye.click()
    menu = dana.locator("#row-menu")
    expect(menu.get_by_label("Why do you need to see the patient?")).to_be_focused()
    look(dana, f"eye-asks-{scheme}-{width}")
    dana.keyboard.type("The clinic called")
    dana.keyboard.press("Enter")
    expect(menu).to_contain_text("this view is in the audit log")
    look(dana, f"eye-shows-{scheme}-{width}")
    assert AuditEvent.objects.get(event="note.view").reason == "The clinic called"
    dana.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(menu).to_be_empty()
    expect(eye).to_be_focused()


@pytest.mark.parametrize("scheme, width, height", LOOKS)
def test_all_the_issues_are_chosen_given_and_taken_care_of(cast, dana, scheme, width, height):
    at(dana, scheme, width, height)
    olive = User.objects.create_user("olive", first_name="Olive", last_name="Moss")
    Membership.objects.create(user=olive, practice=cast.practice, role=Role.OPERATOR)
    dana.goto("/deliveries/issues/")
    number = Issue.objects.count()
    dana.get_by_label(f"All {number}").check()
    expect(dana.locator("input[name=id]:checked")).to_have_count(number)
    look(dana, f"issues-many-{scheme}-{width}")
    dana.get_by_label("Give the chosen ones to").select_option("Olive Moss")
    dana.get_by_role("button", name="Give the chosen ones").click()
    expect(dana.get_by_text(f"Given: {number} issues.")).to_be_visible()
    assert set(Issue.objects.values_list("assignee", flat=True)) == {olive.pk}


@pytest.mark.parametrize("scheme, width, height", LOOKS)
def test_a_stopped_one_names_its_other_way_and_the_preview_what_is_left_alone(cast, dana, day, scheme, width, height):
    at(dana, scheme, width, height)
    Route.objects.create(location=cast.north, part="note", connection=cast.reader, position=2)
    (one,) = day["rejected"]
    dana.goto(f"/deliveries/{one.pk}/")
    expect(dana.get_by_text(f"By {cast.reader.name}")).to_be_visible()
    look(dana, f"other-way-{scheme}-{width}")
    dana.goto("/deliveries/bulk/other-way/?state=attention")
    look(dana, f"other-way-many-{scheme}-{width}")
    dana.goto("/deliveries/bulk/other-way/?state=unknown")
    expect(dana.get_by_text("Nothing to do")).to_be_visible()
    assert Delivery.objects.get(pk=one.pk).state == State.REJECTED


@pytest.mark.parametrize("scheme, width, height", LOOKS)
def test_the_message_stands_beside_what_the_chart_says_or_why_it_cannot(cast, dana, day, scheme, width, height):
    at(dana, scheme, width, height)
    fhir_connection(cast, "http://127.0.0.1:1")
    one = next(one for one in day["fine"] if one.location_id == cast.north.pk)
    dana.goto(f"/deliveries/{one.pk}/?tab=message")
    dana.get_by_role("button", name="Compare with the chart by FHIR").click()
    expect(dana.get_by_role("heading", name="As sent")).to_be_visible()
    expect(dana.get_by_role("alert")).to_be_visible()
    look(dana, f"compare-{scheme}-{width}")


@pytest.mark.parametrize("scheme, width, height", LOOKS)
def test_who_sees_one_location_is_told_how_many_more_match(cast, day, sign_in, page, scheme, width, height):
    at(page, scheme, width, height)
    nora = User.objects.create_user("nora", password="correct-horse-battery")
    Membership.objects.create(user=nora, practice=cast.practice, location=cast.north, role=Role.OPERATOR)
    sign_in(nora)
    page.goto("/deliveries/?state=held")
    expect(page.get_by_text("more that you may not see")).to_be_visible()
    look(page, f"hidden-{scheme}-{width}")
