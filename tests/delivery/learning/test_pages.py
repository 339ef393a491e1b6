"""The pages of practice mode: who may take what, going on, beginning anew, and the banner with what is next."""

import pytest

from audit.models import AuditEvent
from delivery.learning.tables import Course
from delivery.models import Delivery
from portal.models import Location, Membership, Role, User

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/deliveries/practice/"


def text(answer) -> str:
    return " ".join(answer.content.decode().split())


class TestWhoTakesWhat:
    @pytest.mark.parametrize("who, offered", [("dana", 3), ("mel", 1)])
    def test_the_courses_of_ones_own_roles_a_directors_all(self, cast, client, ecw_to_learn_on, who, offered):
        client.force_login(getattr(cast, who))
        assert text(client.get(LIST)).count("steps, about") == offered

    def test_other_roles_have_none(self, cast, client, ecw_to_learn_on):
        for who in ("omar", "ava"):
            client.force_login(getattr(cast, who))
            assert client.get(LIST).status_code == 403
            assert client.post(f"{LIST}director/begin/").status_code == 404

    def test_no_course_of_a_role_one_does_not_hold_is_begun(self, cast, client, ecw_to_learn_on):
        client.force_login(cast.mel)
        for role in ("director", "clinician", "operator", "nonsense"):
            assert client.post(f"{LIST}{role}/begin/").status_code == 404
        assert not Course.objects.exists()

    def test_anothers_course_does_not_exist(self, cast, begin, client):
        begin(cast.mel, "mapping_editor")
        client.force_login(cast.dana)
        for address in ("", "note/", "leave/"):
            ask = client.post if address else client.get
            assert ask(f"{LIST}mapping_editor/{address}").status_code == 404

    def test_without_a_simulated_ecw_the_page_says_so_and_offers_no_beginning(self, cast, client, settings):
        settings.PRACTICE_ECW = ""
        client.force_login(cast.dana)
        page = text(client.get(LIST))
        assert "No simulated eCW is set up for practice here" in page
        assert page.count("disabled>Begin") == 3
        assert "docs/practice-mode.md" in text(client.post(f"{LIST}director/begin/", follow=True))


class TestGoingOn:
    def test_beginning_leads_to_the_steps_with_the_location_in_view(self, cast, client, ecw_to_learn_on):
        client.force_login(cast.mel)
        page = text(client.post(f"{LIST}mapping_editor/begin/", follow=True))
        assert "0 of 7 steps done" in page
        assert "Nothing here reaches a real chart" in page
        assert client.session["location"] == "TRY-1"

    def test_what_was_done_is_there_the_next_day_on_another_machine(self, cast, begin, client):
        course = begin(cast.mel, "mapping_editor")
        client.force_login(cast.mel)
        client.post(f"/mapping/templates/{course.location.templates.get().pk}/mapping/", {"action": "start"})
        client.logout()
        client.force_login(cast.mel)
        assert "1 of 7 steps done" in text(client.get(f"{LIST}mapping_editor/", follow=True))

    def test_the_banner_says_what_is_next_what_to_press_there_and_leads_there(self, cast, begin, client):
        course = begin(cast.mel, "mapping_editor")
        client.force_login(cast.mel)
        elsewhere = text(client.get(f"/deliveries/practice/?location={course.location.code}"))
        address = f"/mapping/templates/{course.location.templates.get().pk}/mapping/"
        assert "1 of 7: Begin a mapping." in elsewhere
        assert f'href="{address}">Go there' in elsewhere
        there = text(client.get(address))
        assert "Start the mapping. </span>" in there or "Start the mapping.</span>" in there
        assert f'href="{address}">Go there' not in there

    def test_beginning_anew_starts_with_nothing_done_at_another_location(self, cast, begin, client):
        begin(cast.mel, "mapping_editor")
        client.force_login(cast.mel)
        page = text(client.post(f"{LIST}mapping_editor/leave/", {"again": "yes"}, follow=True))
        assert "0 of 7 steps done" in page
        assert [course.ended_at is None for course in Course.objects.order_by("pk")] == [False, True]
        assert Location.objects.get(code="TRY-1").locked_reason

    def test_ending_leads_back_to_real_work(self, cast, begin, client):
        begin(cast.mel, "mapping_editor")
        client.force_login(cast.mel)
        client.get(f"{LIST}mapping_editor/", follow=True)
        page = text(client.post(f"{LIST}mapping_editor/leave/", follow=True))
        assert "The course has ended" in page
        assert "Nothing here reaches a real chart" not in page
        assert client.get(f"{LIST}mapping_editor/").status_code == 404

    def test_a_course_that_is_done_is_kept_as_finished_once(self, begin, cleo, client, work):
        course = begin(cleo, "clinician")
        client.force_login(cleo)
        address = f"{LIST}clinician/"
        for deed in (
            {"deed": "save", "text-0": "Ten days."},
            {"deed": "release"},
            {"deed": "reject", "reason": "Another visit"},
        ):
            held = Delivery.objects.filter(location=course.location, state="held").order_by("pk").first()
            client.get(f"/deliveries/{held.pk}/review/")
            client.post(f"/deliveries/{held.pk}/review/", deed)
        assert "4 of 5 steps done" in text(client.get(address, follow=True))
        work(course.location)
        assert "All steps are done" in text(client.get(address, follow=True))
        finished = Course.objects.get(pk=course.pk).finished_at
        client.get(address, follow=True)
        assert finished == Course.objects.get(pk=course.pk).finished_at is not None

    def test_nothing_can_be_ticked_by_a_request(self, cast, begin, client):
        begin(cast.mel, "mapping_editor")
        client.force_login(cast.mel)
        client.get(f"{LIST}mapping_editor/?done=all&step=publish", follow=True)
        assert client.post(f"{LIST}mapping_editor/", {"done": "publish"}).status_code == 405
        assert "0 of 7 steps done" in text(client.get(f"{LIST}mapping_editor/", follow=True))


def test_the_menu_offers_it_to_those_who_have_a_course(cast, client, cleo):
    for user, offered in ((cast.dana, True), (cast.mel, True), (cleo, True), (cast.omar, False), (cast.ava, False)):
        client.force_login(user)
        assert (f'href="{LIST}"' in client.get("/").content.decode()) == offered, user.username


def test_a_person_of_two_practices_by_mistake_begins_nothing(cast, client, ecw_to_learn_on):
    user = User.objects.create_user("both")
    for practice in (cast.practice, cast.elsewhere.practice):
        Membership.objects.create(user=user, practice=practice, role=Role.DIRECTOR)
    client.force_login(user)
    assert client.post(f"{LIST}director/begin/").status_code == 404
    assert not AuditEvent.objects.filter(event="course.begin").exists()
