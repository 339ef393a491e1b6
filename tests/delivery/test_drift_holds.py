"""After a template was imported again: what a scribe posts waits only where it fills a broken field of that location."""

import pytest

from delivery.models import Delivery, Wire
from delivery.plans import open_plan
from delivery.states import State
from mapping.models import MappingVersion
from tests.delivery.conftest import a_note
from tests.delivery.test_sending import run_lanes
from tests.mapping.test_drift_pages import GONE, imported

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(scribe):
    """Post a note with these sections to a location; the delivery of its note part."""

    def send(location: str, *codes: str) -> Delivery:
        number = scribe.posted + 1
        sections = [{"code": code, "title": code, "text": f"Text of {code}."} for code in codes]
        note = a_note(location=location, source_note_id=f"nt-{number}", sections=sections)
        assert scribe.post(note).status_code == 201
        return Delivery.objects.get(note__source_note_id=f"nt-{number}")

    return send


def test_A17_only_notes_that_fill_a_broken_field_at_that_location_wait(cast, post):
    imported(cast, GONE)
    held = post("NORTH", "chief_complaint", "plan")
    assert (held.state, held.reason_code) == (State.HELD, "template_drift")
    assert held.problems[0]["field_id"] == "NF-06"
    assert post("NORTH", "chief_complaint").state == State.READY
    assert post("SOUTH", "chief_complaint", "plan").state == State.READY


def test_A18_each_locations_note_is_mapped_by_its_own_template_and_waits_where_there_is_no_mapping(cast, ecw, post):
    north, south = post("NORTH", "chief_complaint"), post("SOUTH", "chief_complaint")
    run_lanes()
    fields = {
        row.delivery_id: [value.field_id for value in open_plan(row.delivery_id, row.sealed_plan)]
        for row in Wire.objects.all()
    }
    assert (fields[north.pk], fields[south.pk]) == (["NF-01"], ["S.100"])
    MappingVersion.objects.filter(pk=cast.south_mapping.pk).update(state="retired")
    held = post("SOUTH", "chief_complaint")
    assert (held.state, held.reason_code) == (State.HELD, "no_mapping")


def test_the_delivery_says_what_happened_and_what_to_do(cast, post, client):
    imported(cast, GONE)
    held = post("NORTH", "plan")
    client.force_login(cast.dana)
    page = client.get(f"/deliveries/{held.pk}/").content.decode()
    assert "The template changed, and a field of this note with it" in page


def test_a_harmless_import_holds_nothing(cast, post):
    imported(cast, [*GONE[:5], ("NF-06", "Plan of Treatment", 12000), GONE[5], ("NF-99", "New", None)])
    assert post("NORTH", "chief_complaint", "history_of_present_illness").state == State.READY
