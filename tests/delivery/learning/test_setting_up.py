"""A course's location: one's own, sandbox for good, prepared for its role, and closed with the course."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from delivery.intake import accept
from delivery.learning import setting_up, synthetic
from delivery.learning.ecw import NoSimulatedEcw, found
from delivery.learning.setting_up import COURSES, READS, SENDS, let_a_note_come
from delivery.learning.tables import Course
from delivery.models import Delivery
from delivery.places import Refusal
from delivery.serializers import NoteSerializer
from delivery.states import State
from portal import locations
from portal.forms.locations import LocationForm, RoutesForm
from portal.models import ApiKey, Connection, Environment, Location, Membership, Role

pytestmark = pytest.mark.django_db(transaction=True)


class TestWhereThereIsNoSimulatedEcw:
    @pytest.mark.parametrize("address", ["", "http://127.0.0.1:9", "http://127.0.0.1:1/x", "nonsense", "http://"])
    def test_no_course_is_begun_and_nothing_is_left_behind(self, cast, settings, address):
        settings.PRACTICE_ECW = address
        with pytest.raises(NoSimulatedEcw):
            setting_up.begin(cast.dana, cast.practice, "director")
        assert not Course.objects.exists()
        assert not Location.objects.filter(for_learning=True).exists()

    def test_what_is_no_simulated_ecw_is_told_apart(self, cast, settings, live_server):
        settings.PRACTICE_ECW = live_server.url
        with pytest.raises(NoSimulatedEcw):
            found()


class TestTheLocation:
    def test_it_is_a_sandbox_one_of_the_persons_own_practice_and_nobody_elses_role(self, cast, begin):
        course = begin(cast.mel, "mapping_editor")
        at = course.location
        assert (at.practice, at.environment, at.for_learning) == (cast.practice, "sandbox", True)
        assert (at.code, at.facility) == ("TRY-1", "TRY-1")
        rows = Membership.objects.filter(location=at)
        assert [(row.user, row.role) for row in rows] == [(cast.mel, "mapping_editor")]

    def test_the_database_itself_never_lets_it_become_production(self, cast, begin):
        at = begin(cast.dana, "director").location
        with pytest.raises(IntegrityError), transaction.atomic():
            Location.objects.filter(pk=at.pk).update(environment=Environment.PRODUCTION)

    def test_no_production_connection_can_be_put_there_by_any_door(self, cast, begin, client):
        at = begin(cast.dana, "director").location
        live = Connection.objects.create(practice=cast.practice, name="Live", kind="hl7", environment="production")
        reads = Connection.objects.create(
            practice=cast.practice, name="Live R", kind="openapi", environment="production"
        )
        with pytest.raises(ValueError, match="own practice and environment"):
            locations.set_routes(at, "note", [live])
        with pytest.raises(ValueError, match="own practice and environment"):
            locations.change(at, {"reading_connection": reads})
        assert not RoutesForm(at, "note", {"note-route0": str(live.pk)}).is_valid()
        assert "reading_connection" in LocationForm(at, {"reading_connection": str(reads.pk)}).errors
        client.force_login(cast.dana)
        client.post(f"/settings/locations/{at.code}/routes/", {"note-route0": str(live.pk)})
        assert not at.routes.exists()

    def test_two_people_have_two_and_one_person_goes_on_with_theirs(self, cast, begin):
        first, again = begin(cast.dana, "director"), begin(cast.dana, "director")
        other = begin(cast.mel, "mapping_editor")
        assert first == again
        assert {first.location.code, other.location.code} == {"TRY-1", "TRY-2"}

    def test_a_code_that_is_taken_is_passed_over(self, cast, begin):
        locations.create(cast.practice, "TRY-1", "Ours", "sandbox", "America/New_York")
        assert begin(cast.dana, "director").location.code == "TRY-2"

    def test_a_directors_is_bare_an_editors_has_a_template_a_clinicians_has_notes_that_wait(self, cast, begin, cleo):
        bare, editor, clinician = (
            begin(cast.dana, "director"),
            begin(cast.mel, "mapping_editor"),
            begin(cleo, "clinician"),
        )
        assert not bare.location.templates.exists()
        assert bare.location.reading_connection is None
        template = editor.location.templates.get()
        assert (template.code, template.mappings.count()) == (synthetic.TEMPLATE, 0)
        waiting = Delivery.objects.filter(location=clinician.location)
        assert list(waiting.values_list("state", "reason_code")) == [("held", "awaits_review")] * 3

    def test_the_connections_are_made_once_and_follow_the_simulated_ecw(self, cast, begin, settings, sandbox_process):
        begin(cast.dana, "director")
        sends = Connection.objects.get(name=SENDS)
        sends.settings |= {"port": 1}
        sends.save()
        begin(cast.mel, "mapping_editor")
        assert Connection.objects.filter(name__in=(SENDS, READS)).count() == 2
        assert Connection.objects.get(name=SENDS).settings["port"] == sandbox_process.mllp

    def test_what_was_prepared_is_written_down_as_practice_modes_deed(self, cast, begin, cleo):
        at = begin(cleo, "clinician").location
        deeds = AuditEvent.objects.filter(location=at.code).exclude(event="course.begin")
        assert {event.actor_name for event in deeds} == {"Practice mode", setting_up.SCRIBE}


class TestNotes:
    def test_come_through_the_scribes_own_door_and_into_the_chart(self, cast, begin, work, cleo):
        course = begin(cast.mel, "mapping_editor")
        setting_up._mapped(course.location, cast.mel)
        let_a_note_come(course)
        work(course.location)
        made = Delivery.objects.get(location=course.location)
        assert (made.state, made.proof) == (State.VERIFIED, "field")

    def test_are_all_of_other_patients_and_visits(self):
        made = [synthetic.note("TRY-1", number) for number in range(1, 8)]
        assert len({note["patient"]["id"] for note in made}) == len({note["encounter"]["id"] for note in made}) == 7
        assert all(NoteSerializer(data=note).is_valid() for note in made)
        assert all(note["patient"]["family"] == "Practice" for note in made)

    def test_the_key_posts_to_this_location_alone_and_ends_with_the_course(self, cast, begin, cleo):
        course = begin(cleo, "clinician")
        key = ApiKey.objects.select_related("scribe__practice").get(scribe__name=setting_up.SCRIBE)
        assert list(key.locations.all()) == [course.location]
        body = synthetic.note("NORTH", 1)
        checked = NoteSerializer(data=body)
        assert checked.is_valid()
        with pytest.raises(Refusal):
            accept(key, body, b"{}", "k")
        setting_up.end(course)
        key.refresh_from_db()
        assert key.revoked_at is not None


class TestTheEnd:
    def test_nothing_is_sent_any_more_and_another_course_can_be_begun(self, cast, begin, cleo):
        course = begin(cleo, "clinician")
        setting_up.end(course)
        course.location.refresh_from_db()
        assert course.location.locked_reason == setting_up.ENDED
        other = begin(cleo, "clinician")
        assert other.pk != course.pk
        assert other.location.code == "TRY-2"

    def test_beginning_and_ending_stand_in_the_audit_log(self, cast, begin):
        setting_up.end(begin(cast.dana, "director"))
        events = AuditEvent.objects.filter(event__startswith="course.").order_by("id")
        assert [(event.event, event.location, event.detail["role"]) for event in events] == [
            ("course.begin", "TRY-1", "director"),
            ("course.end", "TRY-1", "director"),
        ]

    @pytest.mark.parametrize("role", [str(role) for role in COURSES])
    def test_the_database_keeps_one_open_course_of_a_role(self, cast, begin, role):
        first = begin(cast.dana, role)
        other = locations.create(cast.practice, "X", "X", "sandbox", "America/New_York")
        with pytest.raises(IntegrityError), transaction.atomic():
            Course.objects.create(user=cast.dana, role=role, location=other, begun_at=first.begun_at)


def test_a_role_that_the_sign_in_service_took_is_given_again_at_the_courses_location_alone(cast, begin):
    course = begin(cast.mel, "mapping_editor")
    Membership.objects.filter(user=cast.mel, location=course.location).delete()
    setting_up.let_in(course)
    setting_up.let_in(course)
    held = Membership.objects.filter(user=cast.mel)
    assert {(row.location.code, row.role) for row in held} == {
        ("NORTH", Role.MAPPING_EDITOR.value),
        ("TRY-1", Role.MAPPING_EDITOR.value),
    }
