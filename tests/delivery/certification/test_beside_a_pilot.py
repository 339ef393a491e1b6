"""A run at a location with a pilot under way, or one that holds every note for a clinician: its notes are nobody's."""

import pytest
from django.utils import timezone

from delivery.certification import scribe
from delivery.certification.notes import PROVIDER, Visit, note, sections
from delivery.models import Delivery
from delivery.pilot import steps
from delivery.pilot.numbers import take
from delivery.pilot.page import context_of, known_at
from delivery.pilot.tables import Pilot
from delivery.states import State
from portal import locations
from portal.models import Scribe
from tests.delivery.certification.conftest import failed

HPI = "119007.2"
ONLY = ("functional", "encounter", "checklist")


@pytest.fixture
def pilot(clinic) -> Pilot:
    return steps.begin(clinic.location, steps.Plan(("DR7",), (25,), {"review": True}))


def numbers(pilot: Pilot) -> tuple[int, int, int, int]:
    taken = take(pilot, timezone.now())
    return taken.notes, taken.pending, taken.rejected, taken.misfiled


class TestWithAPilotUnderWay:
    def test_a_run_is_held_by_nobody(self, clinic, pilot):
        run = clinic.certify(*ONLY)
        assert failed(run) == {}
        assert not Delivery.objects.filter(state=State.HELD).exists()

    def test_a_run_does_not_count_in_the_pilots_numbers(self, clinic, pilot):
        clinic.certify(*ONLY)
        assert Delivery.objects.filter(location=clinic.location, state=State.VERIFIED).exists()
        assert numbers(pilot) == (0, 0, 0, 0)

    def test_a_run_that_finds_a_moved_field_does_not_step_it_back(self, clinic, pilot):
        clinic.fault("move_field", **{"from": HPI, "to": "119112.17"})
        assert failed(clinic.certify("functional"))
        assert Delivery.objects.filter(state=State.MISFILED).exists()
        assert steps.step_back(pilot, timezone.now()) is None
        assert numbers(pilot) == (0, 0, 0, 0)

    def test_a_paused_one_lets_a_run_go_too(self, clinic, pilot):
        steps.narrow(pilot, pilot.step, "Nobody for now.")
        assert failed(clinic.certify("functional")) == {}

    def test_what_waits_of_a_run_is_not_held_when_the_pilot_steps(self, clinic, pilot):
        arrived, visit = scribe.arrive(clinic.location), Visit(1, 1)
        body = note(clinic.location.code, visit, sections(["chief_complaint"], visit), template="FM-PROGRESS")
        assert arrived.post(body).status_code == 201
        arrived.leave()
        assert Delivery.objects.get().state == State.READY
        assert steps.settle(pilot) == (0, 0)
        assert Delivery.objects.get().state == State.READY

    def test_its_provider_is_none_of_the_pilots(self, clinic, pilot):
        clinic.certify("functional")
        assert Delivery.objects.filter(provider_id=PROVIDER["id"]).exists()
        assert known_at(clinic.location) == []
        shown = [one.id for one in context_of(pilot)["providers"]]
        assert shown == ["DR7"]

    def test_the_same_notes_of_a_vendor_would_count(self, clinic, pilot):
        clinic.certify("functional")
        Scribe.objects.filter(synthetic=True).update(synthetic=False)  # as if a vendor's had posted them
        assert numbers(pilot)[0] > 0, "a vendor's would count"


def test_where_every_note_waits_for_a_clinician_a_run_does_not(clinic):
    locations.change(clinic.location, {"review_first": True})
    assert failed(clinic.certify(*ONLY)) == {}
    assert Delivery.objects.filter(state=State.VERIFIED).exists()


def test_at_a_practice_location_the_synthetic_scribes_notes_wait_as_real_ones_do(clinic, pilot):
    clinic.location.for_learning = True
    clinic.location.save()
    clinic.certify("functional")
    assert set(Delivery.objects.values_list("state", "reason_code")) == {("held", "outside_pilot")}
