"""Each course walked in a browser from its first step to its last, left halfway and gone on with in another session."""

import re

import pytest

from delivery.certification import settling
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.running import carry_out
from delivery.learning.courses import STEPS, seen
from delivery.learning.tables import Course
from portal.models import Membership, Role, User
from tests.browsing import assert_accessible, assert_fits
from tests.journeys.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def eda(cast) -> User:
    """A mapping editor at NORTH."""
    user = User.objects.create_user("eda", first_name="Eda")
    Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=Role.MAPPING_EDITOR)
    return user


@pytest.fixture
def walker(transactional_db, ecw_to_learn_on, page, sign_in, live_portal, work):
    return Walker(Person(page), sign_in, work)


class Walker:
    """Somebody at their course, by what stands on the screen alone."""

    def __init__(self, person: Person, sign_in, work) -> None:
        self.person, self.page, self.sign_in, self.work = person, person.page, sign_in, work

    def begins(self, user: User, role: Role) -> None:
        self.user, self.role = user, role
        self.sign_in(user)
        self.page.goto("/")
        self.person.menu("Practice")
        self.person.button(f"Begin the course of the {role.label}")
        self.has_done(0)

    def has_done(self, steps: int) -> None:
        self.person.sees(f"{steps} of {len(STEPS[self.role])} steps done")

    def signs_out_and_in(self, steps: int) -> None:
        """Another session on another day: what was done stands as it stood."""
        self.page.context.clear_cookies()
        self.page.goto("/deliveries/practice/")
        assert "/sign-in" in self.page.url or "login" in self.page.url
        self.sign_in(self.user)
        self.page.goto("/")
        self.person.menu("Practice")
        self.person.link(f"Go on with the course of the {self.role.label}")
        self.has_done(steps)

    def step(self, text: str) -> None:
        self.person.click(self.page.get_by_role("link", name=re.compile(rf"^Go there\s*: {re.escape(text)}$")).first)

    def back(self, steps: int) -> None:
        self.person.link("All steps")
        self.has_done(steps)

    def lets_a_note_come(self) -> None:
        self.person.button("Let a note come")
        self.work(self.course().location)

    def publishes(self) -> None:
        self.person.button("Accept the chosen suggestions")
        self.person.choose("Catch-all field", "7 · Additional Notes (PX-07)")
        self.person.write("Reason for publishing", "First mapping.")
        self.person.button("Save and publish")
        self.person.sees("is in force")

    def course(self) -> Course:
        return Course.objects.select_related("location__practice").get(user=self.user)

    def has_done_all(self) -> None:
        self.person.sees("All steps are done.")
        assert all(one.done for one in seen(self.course()))
        assert_fits(self.page)
        assert_accessible(self.page)


def test_a_director_walks_the_course_to_its_end(walker, cast):
    person = walker.person
    with person.at("director"):
        walker.begins(cast.dana, Role.DIRECTOR)
        walker.step("Choose how notes travel")
        person.choose("Reading connection", "Practice eCW, reads back")
        person.button("Save settings")
        person.choose("Note sections: first", "Practice eCW, sends")
        person.button("Save routes")
        person.sees("Routes are changed")
        walker.back(1)
        walker.step("Import the template that eCW has")
        person.button("Read from eCW")
        person.sees("7 fields accepted")
        person.button("Save")
        walker.back(2)
        walker.signs_out_and_in(2)
        walker.step("Put a mapping in force")
        person.button("Start the mapping")
        walker.publishes()
        walker.back(3)
        walker.step("Find out what this eCW really does")
        person.button("Probe now")
        person.sees("Nothing that was there before has vanished", 30)
        walker.back(4)
        walker.lets_a_note_come()
        walker.step("Follow a note into the chart")
        person.sees("Verified in the chart")
        person.row(walker.page.locator("tbody tr", has_text="Verified in the chart").first)
        person.click(walker.page.get_by_text("Sections", exact=True).filter(visible=True).last)
        person.button("Show the texts, sent and in the chart")
        person.sees("In the chart")
        walker.back(5)
        walker.step("Let it be certified")
        person.write("Notes in the load test", "6")
        person.button("Begin a run")
        run = CertificationRun.objects.latest("pk")
        carry_out(run, settling.by_hand)
        assert dict(CertificationResult.objects.filter(run=run, passed=False).values_list("name", "says")) == {}
        walker.page.reload()
        person.sees(re.compile(r"passed on \d{4}-"), 30)
        walker.back(6)
        walker.step("Stop sending, and let it go on")
        person.write("Reason", "To see what waits.")
        person.button("Lock")
        person.write("Reason", "Seen.")
        person.button("Release")
        walker.back(7)
        walker.has_done_all()


def test_a_mapping_editor_walks_the_course_to_its_end(walker, eda):
    person = walker.person
    with person.at("editor"):
        walker.begins(eda, Role.MAPPING_EDITOR)
        walker.step("Begin a mapping")
        person.button("Start the mapping")
        walker.back(1)
        walker.signs_out_and_in(1)
        walker.step("Take over what is surely right")
        walker.publishes()
        walker.back(4)
        walker.lets_a_note_come()
        person.link("Look again")
        walker.has_done(5)
        walker.step("Rehearse a change")
        person.button("Edit as a draft")
        person.choose("Field for Patient instructions", "6 · Treatment Plan (PX-06)")
        person.button("Rehearse")
        person.write("Reason for publishing", "Instructions belong to the plan.")
        person.click(walker.page.get_by_role("button", name=re.compile("^Publish mapping")))
        person.sees("is in force")
        walker.back(7)
        walker.has_done_all()


def test_a_clinician_walks_the_course_to_its_end(walker, cleo):
    person = walker.person
    with person.at("clinician"):
        walker.begins(cleo, Role.CLINICIAN)
        walker.step("Open a note that waits for you")
        walker.page.locator("textarea").first.fill("Cough for ten days.")
        person.button("Keep changes, still hold")
        person.sees("Kept, and still held.")
        walker.back(2)
        walker.signs_out_and_in(2)
        walker.step("Release it")
        person.button("Sign off and release")
        walker.back(3)
        walker.step("Reject another")
        person.write("Reason for rejecting", "Dictated for another visit.")
        person.button("Reject")
        walker.work(walker.course().location)
        walker.back(5)
        walker.has_done_all()
