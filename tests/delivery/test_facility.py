"""Two locations behind one connection: each under its own name at eCW, in MSH-6 and when its chart is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from delivery.channels import lint
from delivery.channels.base import CannotExpress
from delivery.channels.hl7 import render
from delivery.models import Delivery
from delivery.preview import Example, preview
from delivery.states import State
from mapping.note import Section
from mapping.queries import published_spec
from portal import locations
from portal.forms.locations import LocationForm
from portal.models import Location
from tests.cast import SOUTH_FIELDS
from tests.channels.notes import SETTINGS, VISIT, for_visit, note
from tests.delivery.test_sending import post, run_lanes, state
from tests.delivery.test_verification import read_now


def msh_6(body: bytes) -> str:
    return body.decode().split("\r")[0].split("|")[5]


class TestTheMessage:
    def test_names_the_connections_facility_where_the_location_has_none(self):
        assert msh_6(render(note(), SETTINGS).body) == "NORTH"

    def test_names_the_locations_own_before_the_connections(self):
        sent = for_visit(facility="SOUTH CLINIC")
        body = render(sent, SETTINGS).body
        assert msh_6(body) == "SOUTH CLINIC"
        lint.check(body, sent)

    def test_differs_from_the_other_locations_in_nothing_else(self):
        one, other = (render(for_visit(facility=name), SETTINGS).body for name in ("NORTH", "SOUTH"))
        assert one.replace(b"|ECW|NORTH|", b"|ECW|SOUTH|") == other

    @pytest.mark.parametrize("wrong", ["A|B", "A^B", "A~B", "A\\B", "A&B", "A\rB", "A\nB", "A\tB", "\x0b", "\x7f"])
    def test_is_not_made_where_the_facility_would_need_escaping(self, wrong):
        with pytest.raises(CannotExpress, match="hl7_facility"):
            render(for_visit(facility=wrong), SETTINGS)

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="|^~\\&"), min_size=1))
    def test_carries_any_other_name_as_it_is(self, name):
        sent = for_visit(facility=name)
        body = render(sent, SETTINGS).body
        assert msh_6(body) == name
        lint.check(body, sent)

    def test_that_names_another_facility_is_stopped_by_the_second_parser(self):
        body = render(for_visit(facility="NORTH"), SETTINGS).body
        with pytest.raises(CannotExpress, match="lint_msh_6"):
            lint.check(body, for_visit(facility="SOUTH"))


@pytest.mark.django_db
class TestTheSetting:
    def form(self, location, **changes) -> LocationForm:
        kept = {name: value for name, value in LocationForm(location).initial.items() if value is not None}
        return LocationForm(location, {**kept, **changes})

    def test_is_empty_at_first_so_that_nothing_changes_for_anybody(self, cast):
        assert cast.north.facility == ""
        assert locations.create(cast.practice, "EAST", "East", "sandbox", "America/New_York").facility == ""

    def test_is_saved_and_recorded_by_name(self, cast):
        assert locations.change(cast.north, {"facility": "NC-01"}) == ["facility"]
        assert Location.objects.get(pk=cast.north.pk).facility == "NC-01"
        assert AuditEvent.objects.get(event="location.change").detail["fields"] == ["facility"]

    @pytest.mark.parametrize("wrong", ["A|B", "A^B", "A&B", "A~B", "A\\B", "x" * 181])
    def test_refuses_what_no_header_may_hold(self, cast, wrong):
        assert list(self.form(cast.north, facility=wrong).errors) == ["facility"]

    def test_is_offered_to_directors_on_the_locations_page(self, cast, client):
        client.force_login(cast.dana)
        assert "Facility at eCW" in client.get("/settings/locations/NORTH/").content.decode()

    def test_can_be_emptied_again(self, cast):
        locations.change(cast.north, {"facility": "NC-01"})
        form = self.form(Location.objects.get(pk=cast.north.pk), facility="")
        assert form.is_valid()
        assert form.wanted()["facility"] == ""

    def test_is_in_the_preview_of_a_mapping(self, cast):
        cast.south.facility = "SC-02"
        cast.south.save()
        template = cast.south_mapping.template
        spec = published_spec(template)
        made = preview(spec, template.location, Example(VISIT, (Section(0, "plan", "Plan", "Rest."),)), None)
        assert "|ECW|SC-02|" in made.lines[0].head + made.lines[0].rest


@pytest.mark.django_db(transaction=True)
class TestOneConnectionForTwoLocations:
    """NORTH and SOUTH of the cast travel by one HL7 connection and are read by one reader."""

    @pytest.fixture
    def two(self, ecw, cast):
        ecw.teach("SOUTH-AT-ECW", "SM-VISIT", SOUTH_FIELDS)
        cast.south.facility = "SOUTH-AT-ECW"
        cast.south.save()
        return ecw

    def test_each_note_is_filed_and_proved_at_its_own_facility(self, scribe, two):
        """Even where the two facilities have an encounter of the same number."""
        north = post(scribe, 1, "E7")
        south = post(scribe, 2, "E7", location="SOUTH", patient={"id": "P9", "family": "Ray"})
        run_lanes()
        read_now()
        assert {filing["facility"] for filing in two.filings()} == {"NORTH", "SOUTH-AT-ECW"}
        assert (state(north), state(south)) == (State.VERIFIED, State.VERIFIED)

    def test_a_facility_that_ecw_does_not_know_is_its_refusal_by_name(self, scribe, two, cast):
        cast.north.facility = "NOWHERE"
        cast.north.save()
        delivery = post(scribe)
        run_lanes()
        row = Delivery.objects.get(pk=delivery)
        assert (row.state, row.reason_code) == (State.REJECTED, "ae")
