"""Production sends only what a run has proven: the lock opens with one, and closes when something changes."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions
from delivery.asked import kept
from delivery.certification.models import CertificationRun
from delivery.certification.plan import Plan
from delivery.certification.running import CannotCertify, request
from delivery.certification.standing import lacks, standing, where
from delivery.certification.subject import subject_of
from delivery.due import whole
from delivery.models import Delivery
from delivery.outgoing import closed_gate
from delivery.states import State
from delivery.transition import tickets, transition
from mapping.defaults import set_defaults
from mapping.going_live import keep_rehearsal
from mapping.importers.base import ImportedField, ImportedTemplate
from mapping.imports import save
from mapping.models import MappingVersion
from mapping.note import RuleSpec
from mapping.publishing import fingerprint, publish, return_to, save_rules, start_draft
from mapping.queries import spec_of
from portal import agreements, keys, locations
from portal.agreements import Terms
from portal.models import Connection, Environment, Location, UnmappedPolicy
from tests.cast import NORTH_FIELDS, NORTH_RULES, make_template
from tests.cast import publish as publish_cast
from tests.delivery.conftest import Scribe, a_note

pytestmark = pytest.mark.django_db


@pytest.fixture
def east(cast) -> Location:
    """A production location with NORTH's template and mapping, the agreements and a route; locked as it was made."""
    east = locations.create(cast.practice, "EAST", "East", Environment.PRODUCTION, "America/New_York")
    publish_cast(make_template(east, "FM-PROGRESS", "Family Medicine Progress Note", NORTH_FIELDS), NORTH_RULES)
    agreements.record_agreement(cast.practice, Terms("baa_ecw", "eCW", date(2026, 1, 1)))
    agreements.record_agreement(cast.practice, Terms("baa_scribe", "M", date(2026, 1, 1)), cast.scribe)
    live = Connection.objects.create(
        practice=cast.practice,
        name="Live",
        kind="hl7",
        environment="production",
        settings=cast.hl7.settings | {"vpn": True},
    )
    locations.set_routes(east, "note", [live])
    return east


def proven(location: Location, state: str = "passed") -> CertificationRun:
    """A run as running.py leaves it, for what the location has now."""
    now = timezone.now()
    return CertificationRun.objects.create(
        location=location, state=state, by="dana", subject=subject_of(location), started_at=now, finished_at=now
    )


@pytest.fixture
def released(cast, east) -> Location:
    proven(cast.north)
    locations.release(east, "Go-live")
    return Location.objects.get(pk=east.pk)


def publish_rules(cast, location: Location, rules: list[RuleSpec] | None = None) -> None:
    """Another mapping goes live there, rehearsed: these rules, or those in force and one more."""
    draft = start_draft(location.templates.get(), cast.dana)
    more = RuleSpec("family_history", "NF-07", position=9)
    save_rules(draft, rules or [*spec_of(draft).rules, more], "NF-07" if rules else "", cast.dana)
    keep_rehearsal(draft, fingerprint(spec_of(draft)), cast.dana, 1, [])
    publish(draft, cast.dana, "As agreed")


FEWER = [RuleSpec("chief_complaint", "NF-01")]


def lock_of(location: Location) -> str:
    return Location.objects.get(pk=location.pk).locked_reason


def test_without_a_run_production_stays_locked_and_it_is_said_what_to_run(cast, east):
    assert locations.lacks(east) == ["Certification: no run has passed yet; run certification at NORTH."]
    with pytest.raises(ValueError, match="lacking"):
        locations.release(east, "Go-live")
    assert lock_of(east) == locations.NOT_RELEASED


@pytest.mark.parametrize("state", ["waiting", "running", "failed", "broken"])
def test_a_run_that_did_not_pass_proves_nothing(cast, east, state):
    proven(cast.north, state)
    assert standing(east).run is None
    assert lacks(east)


def test_a_passing_run_of_the_same_templates_and_mappings_opens_the_lock(cast, east):
    run = proven(cast.north)
    assert standing(east).run == run
    assert locations.lacks(east) == []
    locations.release(east, "Go-live")
    assert lock_of(east) == ""


def test_another_practices_run_proves_nothing_here(cast, east):
    make_template(cast.elsewhere, "FM-PROGRESS", "Family Medicine Progress Note", NORTH_FIELDS)
    CertificationRun.objects.create(
        location=cast.elsewhere, state="passed", by="sam", subject=subject_of(cast.north), finished_at=timezone.now()
    )
    assert standing(east).run is None


def test_a_run_at_another_template_does_not_prove_this_one(cast, east):
    proven(cast.south)
    assert lacks(east) == ["Certification: template FM-PROGRESS was not part of it; run certification at NORTH."]


def test_a_change_of_the_mapping_locks_again_and_says_what_to_run(cast, released):
    publish_rules(cast, released)
    said = "Certification: the mapping of FM-PROGRESS has changed since; run certification at NORTH."
    assert lock_of(released) == said
    event = AuditEvent.objects.get(event="location.lock", location="EAST")
    assert event.reason == said
    assert locations.lacks(Location.objects.get(pk=released.pk)) == [said]


def test_the_mapping_before_put_back_is_proven_still(cast, released):
    template = released.templates.get()
    before = MappingVersion.objects.get(template=template, state="published")
    publish_rules(cast, released, FEWER)
    assert lock_of(released)
    before.refresh_from_db()
    return_to(before, cast.dana, "Back")
    assert locations.lacks(Location.objects.get(pk=released.pk)) == []
    assert lock_of(released), "a person opens a lock, nothing opens it by itself"


def test_the_same_change_in_the_sandbox_and_another_run_prove_it_again(cast, released):
    for location in (cast.north, released):
        publish_rules(cast, location)
    assert lacks(released)
    proven(cast.north)
    assert lacks(released) == []


def test_another_version_of_the_template_locks_again(cast, released):
    fields = [ImportedField(field_id, label, place) for place, (field_id, label, _) in enumerate(NORTH_FIELDS[:-1], 1)]
    save(released, ImportedTemplate("Family Medicine Progress Note", "FM-PROGRESS", tuple(fields)), user=cast.dana)
    assert "template FM-PROGRESS has changed since" in lock_of(released)


def test_a_further_template_locks_until_it_is_proven_too(cast, released):
    save(released, ImportedTemplate("New", "NEW", (ImportedField("X", "X", 1),)), user=cast.dana)
    assert "template NEW was not part of it" in lock_of(released)


def test_another_way_in_locks_again(cast, released):
    other = Connection.objects.create(practice=cast.practice, name="L2", kind="openapi", environment="production")
    locations.set_routes(released, "note", [other])
    assert "note sections go by another way" in lock_of(released)


def test_a_second_way_behind_the_first_is_another_set_of_ways(cast, released):
    live = released.routes.get().connection
    other = Connection.objects.create(practice=cast.practice, name="L2", kind="openapi", environment="production")
    locations.set_routes(released, "note", [live, other])
    assert "another way" in lock_of(released)


def test_another_treatment_of_unmapped_sections_locks_again(released):
    locations.change(released, {"unmapped_policy": UnmappedPolicy.CATCH_ALL})
    assert "unmapped sections" in lock_of(released)


def test_a_template_filled_for_other_visits_locks_again(released):
    template = released.templates.get()
    set_defaults(template, ["in_person"])
    assert lock_of(released) == "", "fewer visits than were proven"
    CertificationRun.objects.update(subject=subject_of(released))
    set_defaults(template, ["in_person", "telehealth"])
    assert "filled for other visits" in lock_of(released)


@pytest.mark.parametrize("change", [{"name": "East Clinic"}, {"idle_minutes": 5}, {"time_zone": "America/Chicago"}])
def test_what_changes_nothing_that_is_sent_locks_nothing(released, change):
    locations.change(released, change)
    assert lock_of(released) == ""


def test_a_sandbox_location_is_never_locked_by_a_change(cast):
    publish_rules(cast, cast.north, FEWER)
    assert lock_of(cast.north) == ""


def test_a_lock_that_a_person_made_keeps_their_reason(cast, released):
    locations.lock(released, "eCW update tonight")
    set_defaults(released.templates.get(), [])
    publish_rules(cast, released, FEWER)
    assert lock_of(released) == "eCW update tonight"


def test_a_note_that_comes_while_the_lock_is_shut_is_held_and_not_lost(cast, released):
    _, secret = keys.create(cast.scribe, Environment.PRODUCTION)
    locations.set_routes(released, "note", list(released.practice.connections.filter(name="Live")))
    publish_rules(cast, released, FEWER)
    answer = Scribe(secret).post(a_note(location="EAST", sections=[{"code": "chief_complaint", "text": "Cough."}]))
    assert answer.status_code == 201, answer.content
    [delivery] = whole(Delivery.objects.all())
    kept.now().complete([delivery])
    assert closed_gate(delivery, kept.now()) == "location_locked"
    transition(tickets([delivery.pk]), State.READY, State.HELD, reason_code="location_locked")
    proven_as_it_is(cast, released)
    locations.release(Location.objects.get(pk=released.pk), "Proven again")
    assert [ticket.id for ticket in actions.release([delivery.pk])] == [delivery.pk]
    [delivery] = whole(Delivery.objects.all())
    kept.now().complete([delivery])
    assert (delivery.state, closed_gate(delivery, kept.now())) == (State.READY, "")


def proven_as_it_is(cast, location: Location) -> None:
    run = proven(cast.north)
    CertificationRun.objects.filter(pk=run.pk).update(subject=subject_of(location))


def test_a_production_location_is_never_certified_itself(cast, east):
    with pytest.raises(CannotCertify, match="never written to by a test"):
        request(east, Plan())
    assert not CertificationRun.objects.exists()


def test_where_to_run_is_the_sandbox_with_most_of_the_same_templates(cast, east):
    assert where(east) == "NORTH"
    assert where(cast.south) == "SOUTH"
    Location.objects.filter(practice=cast.elsewhere.practice).update(environment="production")
    assert where(Location.objects.get(practice=cast.elsewhere.practice)) == ""


def test_the_settings_page_says_what_is_lacking_and_leads_to_the_run(cast, east):
    client = Client()
    client.force_login(cast.dana)
    said = client.get(reverse("portal:location", args=["EAST"])).content.decode()
    assert "Certification: no run has passed yet; run certification at NORTH." in said
    assert reverse("delivery:certification", args=["EAST"]) in said


def test_the_newest_run_that_holds_is_named(cast, east):
    old, new = proven(cast.north), proven(cast.north)
    CertificationRun.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=9))
    assert standing(east).run == new
