"""Each step's tick: not there before the deed, there after it, and only for the deed of this person, here, since then."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.record import Actor, acting, record
from delivery.certification.models import CertificationRun
from delivery.learning.courses import STEPS, did, minutes, seen
from delivery.learning.setting_up import COURSES
from delivery.learning.tables import Course
from delivery.models import Delivery
from delivery.ways.models import CapabilityProbe
from mapping.going_live import keep_rehearsal
from mapping.note import RuleSpec
from mapping.publishing import fingerprint, publish, save_rules, start_draft
from mapping.queries import spec_of
from portal import locations
from portal.models import Connection, Location, Membership, Role, User

pytestmark = pytest.mark.django_db(transaction=True)


def ticks(course: Course) -> dict[str, bool]:
    return {
        one.step.key: one.done for one in seen(Course.objects.select_related("location__practice").get(pk=course.pk))
    }


def as_user(user):
    return acting(Actor("user", str(user.pk), user.username))


class TestTheCourses:
    @pytest.mark.parametrize("role", COURSES)
    def test_every_step_says_what_to_press_and_why_and_has_a_key_of_its_own(self, role):
        steps = STEPS[role]
        assert len({step.key for step in steps}) == len(steps) >= 5
        for step in steps:
            assert step.text
            assert step.press.endswith("."), step.key
            assert step.why.endswith("."), step.key
            assert 1 <= step.minutes <= 5

    def test_all_together_are_made_for_under_an_hour(self):
        assert sum(minutes(role) for role in COURSES) < 60

    @pytest.mark.parametrize("role", [str(role) for role in COURSES])
    def test_nothing_is_ticked_at_the_beginning_and_every_step_leads_to_a_page_of_the_role(
        self, cast, begin, client, role
    ):
        user = User.objects.create_user("learner")
        Membership.objects.create(user=user, practice=cast.practice, location=cast.north, role=role)
        course = begin(user, role)
        client.force_login(user)
        client.get(f"/?location={course.location.code}")
        for one in seen(course):
            assert not one.done, one.step.key
            assert client.get(one.url).status_code == 200, one.url


class TestWhoseDeed:
    @pytest.fixture
    def course(self, cast, begin):
        return begin(cast.mel, "mapping_editor")

    def told(self, course, user, event="location.lock", code=""):
        with as_user(user):
            record(event, practice=course.location.practice.code, location=code or course.location.code, detail={})

    @pytest.fixture(autouse=True)
    def in_a_transaction(self, db):
        from django.db import transaction

        with transaction.atomic():
            yield

    def test_ones_own_counts(self, cast, course):
        assert not did(course, "location.lock")
        self.told(course, cast.mel)
        assert did(course, "location.lock")

    def test_another_persons_does_not(self, cast, course):
        self.told(course, cast.dana)
        assert not did(course, "location.lock")

    def test_that_of_another_location_does_not(self, cast, course):
        self.told(course, cast.mel, code="NORTH")
        assert not did(course, "location.lock")

    def test_what_was_done_before_the_course_does_not(self, cast, course):
        self.told(course, cast.mel)
        course.begun_at = timezone.now() + timedelta(seconds=1)
        assert not did(course, "location.lock")

    def test_another_deed_does_not(self, cast, course):
        self.told(course, cast.mel, event="location.release")
        assert not did(course, "location.lock")


class TestTheDirectors:
    def test_each_deed_ticks_its_step_alone(self, cast, begin, work):
        course = begin(cast.dana, "director")
        at = Location.objects.select_related("practice").get(pk=course.location_id)
        sends, reads = (Connection.objects.get(name__startswith=f"Practice eCW, {word}") for word in ("sends", "reads"))
        done = set()

        def now_done(*keys):
            done.update(keys)
            assert {key for key, tick in ticks(course).items() if tick} == done

        with as_user(cast.dana):
            locations.change(at, {"reading_connection": reads})
            now_done()
            locations.set_routes(at, "note", [sends])
            now_done("travel")
            from delivery.learning import setting_up, synthetic
            from mapping.imports import save

            save(at, synthetic.imported(), user=cast.dana)
            now_done("template")
            setting_up._mapped(at, cast.dana)
            now_done("mapping")
            CapabilityProbe.objects.create(location=at, by="dana", findings=[])
            now_done("probe")
            locations.lock(at, "For practice")
            now_done()
            locations.release(at, "Goes on")
            now_done("lock")
        setting_up.let_a_note_come(course)
        work(at)
        now_done()
        viewed(cast.dana, Delivery.objects.get(location=at))
        now_done("note")
        CertificationRun.objects.create(location=at, by="dana", state="failed")
        now_done()
        CertificationRun.objects.create(location=at, by="dana", state="passed")
        now_done("certify")
        assert all(ticks(course).values())

    def test_a_deed_undone_takes_its_tick_away(self, cast, begin):
        course = begin(cast.dana, "director")
        at = Location.objects.select_related("practice").get(pk=course.location_id)
        locations.change(at, {"reading_connection": Connection.objects.get(name__startswith="Practice eCW, reads")})
        locations.set_routes(at, "note", [Connection.objects.get(name__startswith="Practice eCW, sends")])
        assert ticks(course)["travel"]
        locations.set_routes(at, "note", [])
        assert not ticks(course)["travel"]


def viewed(user, delivery, what="sections"):
    from django.db import transaction

    from delivery.views.detail import record_view

    with as_user(user), transaction.atomic():
        record_view(delivery, what)


class TestTheEditors:
    def test_each_deed_ticks_its_step_alone(self, cast, begin, work):
        from delivery.learning import setting_up, synthetic

        course = begin(cast.mel, "mapping_editor")
        template = course.location.templates.get()
        done = set()

        def now_done(*keys):
            done.update(keys)
            assert {key for key, tick in ticks(course).items() if tick} == done

        draft = start_draft(template, cast.mel)
        now_done("start")
        rules = [RuleSpec(code, key, position=place) for place, (code, key) in enumerate(synthetic.RULES.items(), 1)]
        draft = save_rules(draft, rules, "", cast.mel)
        now_done("suggestions")
        draft = save_rules(draft, rules, synthetic.CATCH_ALL, cast.mel)
        now_done("catch-all")
        publish(draft, cast.mel, "First")
        now_done("publish")
        setting_up.let_a_note_come(course)
        now_done()
        work(course.location)
        now_done("notes")
        second = start_draft(template, cast.mel)
        save_rules(
            second, [*spec_of(second).rules, RuleSpec("patient_instructions", "PX-06", position=9)], "PX-07", cast.mel
        )
        keep_rehearsal(second, fingerprint(spec_of(second)), cast.mel, 1, [])
        now_done("rehearse")
        publish(second, cast.mel, "As rehearsed")
        now_done("again")
        assert all(ticks(course).values())


class TestTheClinicians:
    def test_each_deed_ticks_its_step_alone(self, begin, cleo, client, work):
        course = begin(cleo, "clinician")
        client.force_login(cleo)
        client.get(f"/?location={course.location.code}")
        steps = {one.step.key: one for one in seen(course)}
        first = steps["open"].url
        client.get(first)
        assert [key for key, tick in ticks(course).items() if tick] == ["open"]
        client.post(first, {"deed": "save", "text-0": "Cough for ten days."})
        assert [key for key, tick in ticks(course).items() if tick] == ["open", "change"]
        client.post(where(course, "release"), {"deed": "release"})
        assert [key for key, tick in ticks(course).items() if tick] == ["open", "change", "release"]
        client.post(where(course, "reject"), {"deed": "reject", "reason": "Dictated for another visit"})
        assert [key for key, tick in ticks(course).items() if tick] == ["open", "change", "release", "reject"]
        work(course.location)
        assert all(ticks(course).values())
        assert "Verified in the chart" in client.get(where(course, "chart")).content.decode()

    def test_with_no_note_left_the_step_leads_to_the_list_and_more_can_come(self, begin, cleo, client):
        course = begin(cleo, "clinician")
        client.force_login(cleo)
        client.get(f"/?location={course.location.code}")
        for _ in range(3):
            client.post(where(course, "reject"), {"deed": "reject", "reason": "Dictated for another visit"})
        assert where(course, "release").startswith("/deliveries/?location=")
        client.post("/deliveries/practice/clinician/note/")
        assert where(course, "release").endswith("/review/")


def where(course, key):
    return next(
        one.url
        for one in seen(Course.objects.select_related("location__practice").get(pk=course.pk))
        if one.step.key == key
    )


def test_the_roles_of_the_courses_are_roles():
    assert set(STEPS) == set(COURSES) <= set(Role)
