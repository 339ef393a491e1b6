"""The pilot's pages in a real browser: they fit a telephone, are accessible, and a director and a clinician use them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.record import Actor, acting
from delivery.pilot import steps
from delivery.pilot.tables import Feedback, Pilot
from delivery.states import State
from portal.models import Membership, Role, User
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.pilot.scenes import a_pilot, age, misfile, say, went
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.browser
LOOKS = [(1440, "light"), (390, "dark")]


@pytest.fixture
def dana_acts(transactional_db, cast):
    with acting(Actor("user", str(cast.dana.pk), name="dana")):
        yield cast.dana


@pytest.fixture
def cleo(transactional_db, cast) -> User:
    """A clinician at NORTH."""
    user = User.objects.create_user("cleo", first_name="Cleo")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.CLINICIAN)
    return user


@pytest.fixture
def stepped_back(cast, cleo, dana_acts) -> Pilot:
    """A pilot that grew, was measured and stepped back, with a heap that waits; nothing is lacking on its page."""
    pilot = age(
        a_pilot(cast.north, "DR7", "A provider with a very long id of a scribe, Inc.", percents=(25, 50)),
        timedelta(days=2),
    )
    for place in range(3):
        say(went(cast), cleo, True, place > 0, True)
    steps.promote(pilot, 1)
    make_delivery(cast, State.HELD, reason_code="outside_pilot", provider=("DR99", "Bo Long-Surname-Without-A-Break"))
    make_delivery(cast, State.HELD, reason_code="awaits_review")
    make_delivery(cast, State.HELD, reason_code="pilot_too_old")
    for _ in range(2):
        misfile(went(cast))
    steps.step_back(pilot, timezone.now())
    pilot.refresh_from_db()
    assert pilot.stepped_back_at
    return pilot


@pytest.mark.parametrize("width, theme", LOOKS)
def test_the_page_of_a_pilot_that_stepped_back_fits_and_is_accessible(
    stepped_back, cast, page, sign_in, live_portal, width, theme
):
    sign_in(cast.dana)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    page.goto("/deliveries/pilot/NORTH/")
    for heading in ("Step back, or count anew", "Plan and thresholds", "The numbers then"):
        page.locator("summary", has_text=heading).first.click()
    assert_apart(page)
    assert_fits(page)
    assert_accessible(page)
    looked_at(page, f"pilot-{width}")


@pytest.mark.parametrize("width, theme", LOOKS)
def test_the_page_before_a_pilot_fits_and_is_accessible(dana_acts, cast, page, sign_in, live_portal, width, theme):
    sign_in(cast.dana)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    page.goto("/deliveries/pilot/NORTH/")
    assert_fits(page)
    assert_accessible(page)
    looked_at(page, f"pilot-none-{width}")


def test_a_clinician_says_in_two_presses_on_a_telephone_what_a_note_is_worth(
    dana_acts, cast, cleo, page, sign_in, live_portal
):
    a_pilot(cast.north)
    delivery = went(cast)
    sign_in(cleo)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/deliveries/{delivery.pk}/")
    page.get_by_label("Format poor").check()
    page.locator("section", has=page.get_by_role("heading", name="Is it a good note?")).get_by_role(
        "button", name="Send"
    ).click()
    page.get_by_text("Thank you: kept with the note.").wait_for()
    said = Feedback.objects.get()
    assert (said.by, said.accuracy, said.format, said.template_fit) == (cleo, True, False, True)
    assert_fits(page)
    looked_at(page, "feedback-390")


def assert_apart(page) -> None:
    """No step's pill lies over its words."""
    for line in page.locator(".steps > li").all():
        pill, said = line.locator(".pill").bounding_box(), line.locator(":scope > span").last.bounding_box()
        assert pill["x"] + pill["width"] <= said["x"], line.inner_text()


def looked_at(page, name: str) -> None:
    """A picture by day and one by night, for whoever asked for them."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        photograph(page, f"{name}-{theme}")
