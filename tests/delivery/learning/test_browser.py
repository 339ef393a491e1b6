"""The courses in a real browser: a clinician on a telephone does the whole one; every page fits and is accessible."""

import pytest

from delivery.learning.courses import seen
from delivery.learning.tables import Course
from tests.browsing import assert_accessible, assert_fits, photograph

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


def test_a_clinician_takes_the_whole_course_on_a_telephone(
    transactional_db, page, sign_in, live_portal, begin, cleo, work
):
    begin(cleo, "clinician")
    sign_in(cleo)
    page.set_viewport_size(PHONE)
    page.goto("/deliveries/practice/")
    page.get_by_role("link", name="Go on").click()
    clicks = 1
    look(page, "course")
    for deed in (read, change, release, reject):
        page.locator(".course-next a", has_text="Go there").click()
        clicks += 1 + deed(page)
        page.get_by_role("link", name="All steps").click()
        clicks += 1
    work(Course.objects.get(user=cleo).location)
    page.reload()
    page.get_by_text("All steps are done.").first.wait_for()
    look(page, "course-done")
    assert clicks <= 20, "a course is made for minutes"
    course = Course.objects.select_related("location__practice").get(user=cleo)
    assert all(one.done for one in seen(course))


def look(page, name):
    assert_fits(page)
    assert_accessible(page)
    photograph(page, f"{name}-390")


def read(page) -> int:
    page.get_by_text("goes to", exact=False).first.wait_for()
    look(page, "course-note")
    return 0


def change(page) -> int:
    page.locator("textarea").first.fill("Cough for ten days.")
    page.get_by_role("button", name="Keep changes, still hold").click()
    page.get_by_text("Kept, and still held.").wait_for()
    return 2


def release(page) -> int:
    page.get_by_role("button", name="Release").click()
    page.get_by_text("Released.").wait_for()
    return 1


def reject(page) -> int:
    page.get_by_label("Reason").fill("Dictated for another visit")
    page.get_by_role("button", name="Reject").click()
    page.get_by_text("Rejected: it does not go.").wait_for()
    return 2


@pytest.mark.parametrize("width, theme", [(1440, "light"), (390, "dark")])
def test_every_page_of_practice_fits_and_is_accessible(
    transactional_db, cast, page, sign_in, live_portal, begin, width, theme
):
    begin(cast.dana, "director")
    sign_in(cast.dana)
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    for name, address in {
        "practice": "/deliveries/practice/",
        "practice-director": "/deliveries/practice/director/",
        "practice-overview": "/?location=TRY-1",
    }.items():
        page.goto(address)
        assert_fits(page)
        assert_accessible(page)
        photograph(page, f"{name}-{width}-{theme}")


@pytest.mark.parametrize("width, theme", [(1440, "light"), (390, "dark")])
def test_the_comparison_sheet_fits_and_is_accessible(transactional_db, cast, page, sign_in, live_portal, width, theme):
    sign_in(cast.dana)
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/deliveries/ways/NORTH/sheet/")
    assert_fits(page)
    assert_accessible(page)
    photograph(page, f"sheet-{width}-{theme}")
