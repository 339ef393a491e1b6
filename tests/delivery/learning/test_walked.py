"""Each course walked from its first step to its last in a browser, its clicks counted: none takes an hour.

`SCRIBEPORT_JOURNEY=docs/practice-mode.md python3 manage.py test tests/delivery/learning/test_walked.py` writes the count
into that page. Beside the keystroke model's seconds stand those of reading what each step says, word by word.
"""

import re
import time

import pytest

from delivery.certification import settling
from delivery.certification.models import CertificationRun
from delivery.certification.running import carry_out
from delivery.learning.courses import STEPS, seen
from delivery.learning.tables import Course
from portal.models import Membership, Role, User
from tests.journeys.person import Person, count_into, seconds, together
from tests.processes import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WORD = 0.3  # seconds: 200 words a minute
PAGE = ROOT / "docs" / "practice-mode.md"


@pytest.fixture
def eda(cast) -> User:
    """A mapping editor at NORTH."""
    user = User.objects.create_user("eda", first_name="Eda")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.MAPPING_EDITOR)
    return user


@pytest.fixture
def at_work(work):
    """What workers do while the person looks."""

    def done() -> None:
        work(Course.objects.latest("pk").location)

    return done


def test_no_course_takes_an_hour(
    transactional_db, ecw_to_learn_on, cast, cleo, eda, page, sign_in, live_portal, at_work
):
    person = Person(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    for user, role, walk in (
        (cast.dana, Role.DIRECTOR, director),
        (eda, Role.MAPPING_EDITOR, editor),
        (cleo, Role.CLINICIAN, clinician),
    ):
        page.context.clear_cookies()
        sign_in(user)
        with person.at(role.label):
            page.goto("/")
            person.menu("Practice")
            person.button(f"Begin the course of the {role.label}")
            walk(person, at_work)
            person.sees("All steps are done.")
            person.now.waited += WORD * sum(len(f"{one.text} {one.press} {one.why}".split()) for one in STEPS[role])
        assert all(one.done for one in seen(Course.objects.select_related("location__practice").get(user=user)))
    assert all(seconds(one) < 60 * 60 for one in together(person.stages))
    count_into(PAGE, person.stages)


def step(person, text: str) -> None:
    person.click(person.page.get_by_role("link", name=re.compile(rf"^Go there\s*: {re.escape(text)}$")).first)


def back(person) -> None:
    person.link("All steps")


def director(person, at_work):
    step(person, "Choose how notes travel")
    person.choose("Reading connection", "Practice eCW, reads back")
    person.button("Save settings")
    person.choose("Note sections: first", "Practice eCW, sends")
    person.button("Save routes")
    person.sees("Routes are changed")
    back(person)
    step(person, "Import the template that eCW has")
    person.button("Read from eCW")
    person.sees("7 fields accepted")
    person.button("Save")
    back(person)
    step(person, "Put a mapping in force")
    person.button("Start the mapping")
    published(person)
    back(person)
    step(person, "Find out what this eCW really does")
    person.button("Probe now")
    person.sees("Nothing that was there before has vanished", 30)
    back(person)
    a_note(person, at_work, "Follow a note into the chart")
    person.row(person.page.locator("tbody tr", has_text="Verified in the chart").first)
    back(person)
    step(person, "Let it be certified")
    person.write("Notes in the load test", "6")
    person.button("Begin a run")
    began = time.monotonic()
    carry_out(CertificationRun.objects.latest("pk"), settling.by_hand)
    person.now.waited += time.monotonic() - began
    person.page.reload()
    person.sees(re.compile(r"passed on \d{4}-"), 30)
    back(person)
    step(person, "Stop sending, and let it go on")
    person.write("Reason", "To see what waits.")
    person.button("Lock")
    person.write("Reason", "Seen.")
    person.button("Release")
    back(person)


def published(person):
    person.button("Accept the chosen suggestions")
    person.choose("Catch-all field", "7 · Additional Notes (PX-07)")
    person.write("Reason for publishing", "First mapping.")
    person.button("Save and publish")
    person.sees("is in force")


def a_note(person, at_work, text: str):
    person.button("Let a note come")
    began = time.monotonic()
    at_work()
    person.now.waited += time.monotonic() - began
    step(person, text)
    person.sees("Verified in the chart")


def editor(person, at_work):
    step(person, "Begin a mapping")
    person.button("Start the mapping")
    published(person)  # its next steps stand above the page that one is on
    back(person)
    a_note(person, at_work, "See notes arrive by it")
    back(person)
    step(person, "Rehearse a change")
    person.button("Edit as a draft")
    person.choose("Field for Patient instructions", "6 · Treatment Plan (PX-06)")
    person.button("Rehearse")
    person.write("Reason for publishing", "Instructions belong to the plan.")
    person.click(person.page.get_by_role("button", name=re.compile("^Publish mapping")))
    person.sees("is in force")
    back(person)


def clinician(person, at_work):
    step(person, "Open a note that waits for you")
    person.click(person.page.locator("textarea").first)
    person.page.locator("textarea").first.fill("Cough for ten days.")
    person.now.keys += len("Cough for ten days.")
    person.now.fields += 1
    person.button("Keep changes, still hold")
    person.sees("Kept, and still held.")
    person.button("Sign off and release")
    back(person)
    step(person, "Reject another")
    person.write("Reason for rejecting", "Dictated for another visit.")
    person.button("Reject")
    at_work()
    back(person)
    step(person, "See that yours stands in the chart")
    person.sees("Verified in the chart")
    back(person)
