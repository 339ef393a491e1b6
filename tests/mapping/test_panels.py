"""What the portal's pages say of a location's templates."""

import pytest
from django.test import Client
from django.urls import reverse

from mapping.models import MappingVersion, Template


@pytest.fixture
def dana(cast):
    client = Client()
    client.force_login(cast.dana)
    return client


def overview(client, code):
    cards = client.get(reverse("portal:home")).context["cards"]
    return "".join(next(card.panels for card in cards if card.location.code == code))


def test_the_overview_names_each_template_with_the_state_of_its_mapping(cast, dana):
    assert "Family Medicine Progress Note" in overview(dana, "NORTH")
    assert "Mapping in force" in overview(dana, "NORTH")
    assert "Family Medicine" not in overview(dana, "SOUTH")


def test_a_template_without_a_mapping_in_force_is_named_as_such(cast, dana):
    MappingVersion.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
    assert "Not mapped yet" in overview(dana, "NORTH")


def test_a_location_without_templates_says_what_becomes_of_its_notes(cast, dana):
    Template.objects.filter(location=cast.north).update(location=cast.south)
    assert "notes that arrive are held" in overview(dana, "NORTH")


def test_a_locations_settings_show_which_template_is_used_for_which_visit(cast, dana):
    page = dana.get(reverse("portal:location", args=["NORTH"])).content.decode()
    assert "Default templates" in page
    assert "In person, Telehealth" in page
