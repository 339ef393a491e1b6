"""The page of a location's ways: who sees it, what it says, and its button."""

import pytest

from delivery.ways.capabilities import Capability
from delivery.ways.catalogue import WAYS, best_grade, way_of
from delivery.ways.models import CapabilityProbe
from portal.models import Connection
from tests.delivery.fhir import words

PAGE = "/deliveries/ways/NORTH/"


def connection(kind, **settings):
    return Connection(kind=kind, settings=settings)


@pytest.mark.parametrize(
    "made, way, by_openapi, by_fhir",
    [
        (connection("hl7"), "hl7", "field", "none"),
        (connection("openapi"), "openapi", "field", "none"),
        (connection("fhir"), "clinical-notes", "field", "section"),
        (connection("fhir", profile="document", document_form="text"), "fhir-document", "none", "section"),
        (connection("fhir", profile="document", document_form="pdf"), "fhir-document", "none", "document"),
        (connection("fhir", profile="document", document_form="ccda"), "ccda", "none", "section"),
    ],
)
def test_each_connection_has_its_way_and_the_grade_a_reader_can_give_it(made, way, by_openapi, by_fhir):
    assert way_of(made).key == way
    assert best_grade(made, connection("openapi")) == by_openapi
    assert best_grade(made, connection("fhir")) == by_fhir
    assert best_grade(made, None) == "none"


@pytest.mark.django_db
class TestThePage:
    def test_names_every_way_with_what_it_needs(self, client, cast):
        client.force_login(cast.dana)
        said = words(client.get(PAGE).content.decode())
        for way in WAYS:
            assert way.label in said
        assert "Not probed yet" in said
        assert "Note sections: first" in said

    def test_turns_red_what_vanished(self, client, cast):
        for outcome in ("yes", "no"):
            row = vars(Capability(cast.hl7.pk, cast.hl7.name, "write", "Takes a note", outcome))
            CapabilityProbe.objects.create(location=cast.north, by="Dana", findings=[row])
        client.force_login(cast.dana)
        assert "Vanished" in words(client.get(PAGE).content.decode())
        assert "Something vanished" in words(client.get("/settings/locations/NORTH/").content.decode())

    def test_says_where_nothing_can_be_read_back(self, client, cast):
        cast.north.reading_connection = None
        cast.north.save()
        client.force_login(cast.dana)
        assert "No chart is read" in words(client.get(PAGE).content.decode())


@pytest.mark.django_db(transaction=True)
def test_the_button_probes_and_says_what_came_of_it(client, cast, ecw):
    client.force_login(cast.dana)
    answer = client.post(f"{PAGE}probe/", follow=True)
    assert "Nothing that was there before has vanished" in words(answer.content.decode())
    ecw.fault("silent_drop", field_id="NF-04")
    answer = client.post(f"{PAGE}probe/", follow=True)
    assert "not any more: Section Examination" in words(answer.content.decode())
