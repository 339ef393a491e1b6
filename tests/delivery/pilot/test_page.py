"""The page of a pilot: what stands on it, who may do what, and that a refusal says why."""

import pytest
from django.urls import reverse
from django.utils import timezone

from delivery.models import Delivery
from delivery.pilot import steps
from delivery.pilot.cohort import NAMED, PAUSED, everybody
from delivery.pilot.tables import Pilot
from delivery.states import State
from portal.models import Membership, Role, User
from tests.browsing import assert_accessible, assert_fits, photograph
from tests.delivery.fhir import words
from tests.delivery.pilot.scenes import a_pilot, post, provider_with, say, went
from tests.structure.test_audited_views import PLAN

pytestmark = pytest.mark.django_db


@pytest.fixture
def pilot(cast, as_dana):
    return a_pilot(cast.north)


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def address(verb: str = "") -> str:
    if verb in ("", "plan"):
        return reverse("delivery:pilot-plan" if verb else "delivery:pilot", args=["NORTH"])
    return reverse("delivery:pilot-step", args=["NORTH", verb])


def seen(client) -> str:
    return words(client.get(address()).content.decode())


def test_without_a_pilot_it_says_that_everybodys_notes_go_and_offers_to_begin(dana, cast):
    said = seen(dana)
    assert "every provider’s notes go" in said
    assert "Begin the pilot" in said


def test_a_director_begins_one_with_a_provider_of_whom_notes_came(dana, cast):
    went(cast)
    answer = dana.post(address("plan"), {**PLAN, "others": "DR9", "providers": ["DR7"], "review": "on"}, follow=True)
    assert "The pilot has begun" in words(answer.content.decode())
    row = Pilot.objects.get()
    assert (row.providers, row.percents, row.review, row.step) == (["DR7", "DR9"], [25, 50], True, NAMED)


@pytest.mark.parametrize(
    "changed",
    [
        {"others": ""},
        {"others": "A\nB\nC\nD"},
        {"percents": "50, 25"},
        {"percents": "half"},
        {"percents": "1, 2, 3, 4, 5, 6"},
        {"percents": "100"},
        {"least_verified": "101"},
        {"window_size": "0"},
        {"window": "weeks"},
        {"providers": ["NOBODY"]},
    ],
)
def test_a_plan_that_makes_no_sense_is_shown_again_with_the_reason(dana, cast, changed):
    answer = dana.post(address("plan"), {**PLAN, **changed})
    assert answer.status_code == 422
    assert not Pilot.objects.exists()


def test_a_changed_plan_is_kept_and_says_that_nothing_was_reset(dana, cast, pilot):
    since = pilot.since
    answer = dana.post(address("plan"), {**PLAN, "percents": "50", "least_notes": "33"}, follow=True)
    assert "nothing was reset" in words(answer.content.decode())
    pilot.refresh_from_db()
    assert (pilot.least_notes, pilot.since) == (33, since)


def test_the_form_shows_what_is_in_force(dana, cast, pilot):
    Pilot.objects.filter(pk=pilot.pk).update(providers=["UNSEEN"], least_verified=91)
    page = dana.get(address()).content.decode()
    assert ">\nUNSEEN</textarea>" in page
    assert 'value="91"' in page


def test_every_number_stands_with_its_threshold_its_value_and_what_it_says(dana, cast, pilot):
    went(cast, seconds=12)
    went(cast, State.REJECTED)
    said = seen(dana)
    assert "Verified in the chart 50 % at least 98 % Short" in said
    assert "Time to chart, half within 12 s at most 60 s Holds" in said
    assert "It is refused while these do not hold: verified in the chart." in said


def test_too_few_notes_are_said_to_be_too_few(dana, cast, pilot):
    said = seen(dana)
    assert "Notes in the window 0 at least 2 Not enough data" in said
    assert "Verified in the chart nothing yet at least 98 % Not enough data" in said


def test_the_window_that_counts_is_said_with_the_mappings_in_it(dana, cast, pilot):
    went(cast)
    said = seen(dana)
    assert "Counted: the last 7 days, since" in said
    assert "1 note. By FM-PROGRESS, mapping 1: 1." in said
    assert "A change of the mapping begins no new window" in said


def test_a_promotion_that_is_refused_says_the_numbers(dana, cast, pilot):
    answer = dana.post(address("promote"), {"step": NAMED}, follow=True)
    assert "Not all numbers hold: notes in the window: not enough data, 0, at least 2" in words(answer.content.decode())
    pilot.refresh_from_db()
    assert pilot.step == NAMED


def test_one_that_holds_is_taken_and_stands_in_the_history(dana, cast, pilot):
    went(cast)
    went(cast)
    dana.post(address("promote"), {"step": NAMED})
    said = seen(dana)
    assert "Now 50 % of the providers, and the named ones" in said
    assert "Before: The named ones: DR7. Held 0, let go 0." in said
    assert "Verified in the chart: 100.0 (holds, limit 98)" in said


def test_a_step_back_wants_a_reason_and_says_so(dana, cast, pilot):
    answer = dana.post(address("narrow"), {"step": NAMED, "reason": "no"}, follow=True)
    assert "needs a reason of at least five characters" in words(answer.content.decode())
    dana.post(address("narrow"), {"step": NAMED, "reason": "The sandbox is away"})
    pilot.refresh_from_db()
    assert pilot.step == PAUSED
    assert "Paused: nobody’s notes go" in seen(dana)


def test_a_window_is_begun_anew_on_the_page(dana, cast, pilot):
    dana.post(address("window"), {"step": NAMED, "reason": "Mapping 2 is in force"})
    assert "Counted anew" in seen(dana)


@pytest.mark.parametrize("post_of", [{}, {"step": "x"}, {"step": "-1"}, {"step": "999"}])
def test_without_the_step_that_was_looked_at_nothing_is_done(dana, cast, pilot, post_of):
    dana.post(address("narrow"), {"reason": "Long enough", **post_of})
    pilot.refresh_from_db()
    assert pilot.step == NAMED


def test_what_is_no_step_does_not_exist(dana, cast, pilot):
    assert dana.post(address("leap"), {"step": NAMED}).status_code == 404


def test_an_automatic_step_back_stands_at_the_top(dana, cast, pilot):
    went(cast, State.MISFILED)
    assert steps.step_back(pilot, timezone.now())
    said = seen(dana)
    assert "It stepped back by itself" in said
    assert "not as sent: 1, at most 0" in said


def test_each_provider_is_listed_with_the_share_that_takes_them_in_and_what_waits(dana, cast, scribe, pilot):
    late = provider_with(cast.north, 80, 80)
    post(scribe, 1, late)
    said = seen(dana)
    assert f"{late} Not yet 81 % 1" in said
    assert "DR7 In named 0" in said
    assert "For their provider to join 1" in said


def test_its_links_lead_to_the_notes_that_wait(dana, cast, scribe, pilot):
    waiting = post(scribe, 1, "DR8")
    page = dana.get(address()).content.decode()
    assert "reason=outside_pilot&amp;reason=pilot_stepped_back" in page
    found = dana.get("/deliveries/?location=NORTH&state=held&reason=outside_pilot&reason=pilot_stepped_back")
    assert f"/deliveries/{waiting.pk}/" in found.content.decode()


def test_ended_it_offers_to_begin_another(dana, cast, pilot):
    Pilot.objects.filter(pk=pilot.pk).update(step=everybody(pilot.percents) + 1)
    said = seen(dana)
    assert "Ended: practice-wide" in said
    assert "Begin the pilot" in said
    assert "End the pilot" not in said


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.CLINICIAN])
def test_others_look_and_change_nothing(cast, client, pilot, role):
    user = User.objects.create_user("looks")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=role)
    client.force_login(user)
    said = seen(client)
    assert "Verified in the chart" in said
    assert "Plan and thresholds" not in said
    assert client.post(address("promote"), {"step": NAMED}).status_code == 403


def test_a_locations_settings_say_where_its_pilot_stands(dana, cast, pilot):
    said = words(dana.get(reverse("portal:location", args=["NORTH"])).content.decode())
    assert "Pilot Under way The named ones: DR7, since" in said


def test_the_page_takes_as_many_queries_for_many_notes_as_for_few(dana, cast, pilot, django_assert_max_num_queries):
    for number in range(3):
        went(cast, provider=f"P{number}")
    with django_assert_max_num_queries(40):
        dana.get(address())
    for number in range(3, 12):
        say(went(cast, provider=f"P{number}"), cast.dana)
    Delivery.objects.filter(provider_id="P4").update(provider_id="P5")
    with django_assert_max_num_queries(40):
        dana.get(address())


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width, scheme", [(1440, "light"), (390, "dark")])
def test_the_page_fits_and_can_be_read(page, live_portal, sign_in, cast, as_dana, width, scheme):
    pilot = a_pilot(cast.north, least_notes=3)
    for seconds in (8, 12, 30):
        went(cast, seconds=seconds)
    went(cast, "held", provider="DR8", reason_code="outside_pilot")
    steps.begin_window(pilot, NAMED, "Mapping 4 puts HPI right")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(cast.dana)
    page.goto(address())
    page.get_by_text("Plan and thresholds").click()
    assert_fits(page)
    assert_accessible(page)
    photograph(page, f"pilot-{scheme}-{width}")
