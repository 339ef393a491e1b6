"""Locations: what is fixed, what can be changed, by which connections their notes travel, and the lock."""

from datetime import date

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from portal import agreements, locations
from portal.agreements import Terms
from portal.models import Connection, Location, Route


@pytest.fixture(autouse=True)
def portal_alone(settings):
    """What the apps above ask of a release is tested there (tests/delivery/certification/test_lock.py)."""
    settings.RELEASE_CHECKS = []


def page(name, *args):
    return reverse(f"portal:{name}", args=args)


def settings_of(location, **changes):
    reader = location.reading_connection_id
    data = {
        "name": location.name,
        "time_zone": location.time_zone,
        "unmapped_policy": location.unmapped_policy,
        "idle_minutes": location.idle_minutes,
        "fallback_minutes": location.fallback_minutes,
        "reading_connection": "" if reader is None else str(reader),
        **changes,
    }
    return {name: value for name, value in data.items() if value is not None}


@pytest.fixture
def others(cast):
    """Connections that NORTH must not use, and one more that it may."""
    return {
        "production": Connection.objects.create(practice=cast.practice, name="P", kind="hl7", environment="production"),
        "production reader": Connection.objects.create(
            practice=cast.practice, name="PR", kind="openapi", environment="production"
        ),
        "foreign": Connection.objects.create(
            practice=cast.elsewhere.practice, name="F", kind="hl7", environment="sandbox"
        ),
        "foreign reader": Connection.objects.create(
            practice=cast.elsewhere.practice, name="FR", kind="openapi", environment="sandbox"
        ),
        "second": Connection.objects.create(practice=cast.practice, name="S", kind="hl7", environment="sandbox"),
    }


def test_a_new_production_location_is_locked_and_a_sandbox_one_is_not(cast, client):
    client.force_login(cast.dana)
    for code, environment in [("EAST", "production"), ("WEST", "sandbox")]:
        data = {"name": code.title(), "code": code, "environment": environment, "time_zone": "America/Chicago"}
        assert client.post(page("location-new"), data).url == page("location", code)
    east, west = Location.objects.get(code="EAST"), Location.objects.get(code="WEST")
    assert (east.locked_reason, west.locked_reason) == (locations.NOT_RELEASED, "")
    assert east.time_zone == "America/Chicago"
    assert AuditEvent.objects.filter(event="location.create", practice="lakeside").count() == 2


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"code": "north"}, "code"),
        ({"code": "a b"}, "code"),
        ({"code": "../x"}, "code"),
        ({"code": "all"}, "code"),
        ({"code": "NEW"}, "code"),
        ({"name": ""}, "name"),
        ({"environment": "staging"}, "environment"),
        ({"time_zone": "America/Atlantis"}, "time_zone"),
    ],
)
def test_a_new_location_that_would_not_do_is_refused(cast, client, changes, field):
    client.force_login(cast.dana)
    data = {"name": "East", "code": "EAST", "environment": "sandbox", "time_zone": "America/Chicago", **changes}
    response = client.post(page("location-new"), data)
    assert response.context["form"].errors[field]


def test_the_same_code_may_stand_in_two_practices(cast):
    assert locations.create(cast.elsewhere.practice, "SOUTH", "South", "sandbox", "America/New_York").pk


def test_what_differs_is_changed_and_recorded_by_name(cast, client):
    client.force_login(cast.dana)
    data = settings_of(cast.north, name="North Campus", unmapped_policy="catch-all")
    assert client.post(page("location", "NORTH"), data).status_code == 302
    cast.north.refresh_from_db()
    assert (cast.north.name, cast.north.unmapped_policy) == ("North Campus", "catch-all")
    event = AuditEvent.objects.get(event="location.change")
    assert event.detail == {"location": "NORTH", "fields": ["name", "unmapped_policy"]}
    assert event.location == "NORTH"


def test_saving_without_a_difference_records_nothing(cast, client):
    client.force_login(cast.dana)
    assert client.post(page("location", "NORTH"), settings_of(cast.north)).status_code == 302
    assert not AuditEvent.objects.filter(event="location.change").exists()


def test_code_environment_and_lock_cannot_be_slipped_in(cast, client):
    client.force_login(cast.dana)
    extra = {"code": "X", "environment": "production", "locked_reason": "", "practice": cast.elsewhere.practice.pk}
    Location.objects.filter(pk=cast.north.pk).update(locked_reason="why")
    client.post(page("location", "NORTH"), settings_of(cast.north, **extra))
    cast.north.refresh_from_db()
    assert (cast.north.code, cast.north.environment, cast.north.locked_reason) == ("NORTH", "sandbox", "why")
    assert cast.north.practice == cast.practice
    with pytest.raises(ValueError):
        locations.change(cast.north, {"environment": "production"})


@pytest.mark.parametrize("whose", ["production reader", "foreign reader", "second"])
def test_charts_are_read_only_through_a_fitting_connection(cast, client, others, whose):
    client.force_login(cast.dana)
    data = settings_of(cast.north, reading_connection=str(others[whose].pk))
    assert client.post(page("location", "NORTH"), data).context["form"].errors["reading_connection"]
    with pytest.raises(ValueError):
        locations.change(cast.north, {"reading_connection": others[whose]})


def routes_form(*connections):
    places = [str(connection.pk) if connection else "" for connection in connections]
    return {f"note-route{place}": value for place, value in enumerate(places)}


def test_routes_are_kept_in_order_and_recorded(cast, client, others):
    client.force_login(cast.dana)
    assert client.post(page("routes", "NORTH"), routes_form(others["second"], cast.hl7)).status_code == 302
    kept = Route.objects.filter(location=cast.north).order_by("position").values_list("position", "connection")
    assert list(kept) == [(1, others["second"].pk), (2, cast.hl7.pk)]
    event = AuditEvent.objects.get(event="route.change")
    assert event.detail == {"location": "NORTH", "part": "note", "connection": [others["second"].pk, cast.hl7.pk]}


def test_a_gap_between_routes_is_closed(cast, client, others):
    client.force_login(cast.dana)
    client.post(page("routes", "NORTH"), routes_form(None, others["second"]))
    assert list(Route.objects.filter(location=cast.north).values_list("position", flat=True)) == [1]


def test_the_same_routes_again_record_nothing(cast, client):
    client.force_login(cast.dana)
    client.post(page("routes", "NORTH"), routes_form(cast.hl7))
    assert not AuditEvent.objects.filter(event="route.change").exists()


@pytest.mark.parametrize("whose", ["production", "foreign", "foreign reader"])
def test_notes_travel_only_by_connections_of_the_same_practice_and_environment(cast, client, others, whose):
    client.force_login(cast.dana)
    response = client.post(page("routes", "NORTH"), routes_form(others[whose]))
    assert response.status_code == 200
    assert response.context["routes"][0].errors
    with pytest.raises(ValueError):
        locations.set_routes(cast.north, "note", [others[whose]])
    assert list(cast.north.routes.values_list("connection", flat=True)) == [cast.hl7.pk]


def test_notes_may_travel_by_the_open_api_connection_that_reads_too(cast):
    assert locations.set_routes(cast.north, "note", [cast.reader])
    assert list(cast.north.routes.values_list("connection", flat=True)) == [cast.reader.pk]


def test_a_route_stands_once(cast, client):
    client.force_login(cast.dana)
    assert client.post(page("routes", "NORTH"), routes_form(cast.hl7, cast.hl7)).context["routes"][0].errors
    with pytest.raises(ValueError):
        locations.set_routes(cast.north, "note", [cast.hl7, cast.hl7])


def test_a_part_no_channel_carries_gets_no_route(cast):
    with pytest.raises(ValueError):
        locations.set_routes(cast.north, "medications", [cast.hl7])


def test_a_location_is_locked_with_a_reason_and_released_again(cast, client):
    client.force_login(cast.dana)
    client.post(page("location-lock", "NORTH", "lock"), {"reason": "eCW update tonight"})
    cast.north.refresh_from_db()
    assert cast.north.locked_reason == "eCW update tonight"
    event = AuditEvent.objects.get(event="location.lock")
    assert (event.reason, event.location) == ("eCW update tonight", "NORTH")


def test_a_lock_without_a_reason_changes_nothing(cast, client):
    client.force_login(cast.dana)
    client.post(page("location-lock", "NORTH", "lock"), {"reason": "  "})
    cast.north.refresh_from_db()
    assert cast.north.locked_reason == ""


def test_production_is_released_only_with_agreements_and_a_route(cast, client):
    client.force_login(cast.dana)
    east = locations.create(cast.practice, "EAST", "East", "production", "America/New_York")
    assert len(locations.lacks(east)) == 3
    client.post(page("location-lock", "EAST", "release"), {"reason": "go"})
    east.refresh_from_db()
    assert east.locked_reason
    agreements.record_agreement(cast.practice, Terms("baa_ecw", "eCW", date(2026, 1, 1)))
    agreements.record_agreement(cast.practice, Terms("baa_scribe", "M", date(2026, 1, 1)), cast.scribe)
    live = Connection.objects.create(practice=cast.practice, name="P", kind="hl7", environment="production")
    locations.set_routes(east, "note", [live])
    assert locations.lacks(east) == []
    client.post(page("location-lock", "EAST", "release"), {"reason": "go"})
    east.refresh_from_db()
    assert east.locked_reason == ""
    assert AuditEvent.objects.get(event="location.release").reason == "go"


def test_an_unknown_verb_is_not_found(cast, client):
    client.force_login(cast.dana)
    assert client.post(page("location-lock", "NORTH", "explode"), {"reason": "x"}).status_code == 404


def test_the_overview_names_what_is_still_to_be_done(cast, client):
    client.force_login(cast.dana)
    locations.create(cast.practice, "EAST", "East", "production", "America/New_York")
    cards = {card.location.code: card for card in client.get(page("home")).context["cards"]}
    assert cards["NORTH"].to_do == ()
    assert len(cards["EAST"].to_do) == 5
    assert all(step.url for step in cards["EAST"].to_do)


def test_who_may_not_do_it_gets_no_link_to_it(cast, client):
    client.force_login(cast.omar)
    cast.north.routes.all().delete()
    (card,) = client.get(page("home")).context["cards"]
    assert [step.url for step in card.to_do] == [""]


def panel(request, shown):
    return f"<p>panel of {shown}</p>" if shown.code == "NORTH" else ""


def test_other_apps_add_panels_by_name(cast, client, settings):
    settings.HOME_PANELS = settings.LOCATION_PANELS = ["tests.portal.test_locations.panel"]
    client.force_login(cast.dana)
    cards = {card.location.code: card.panels for card in client.get(page("home")).context["cards"]}
    assert cards == {"NORTH": ("<p>panel of NORTH</p>",), "SOUTH": ()}
    assert client.get(page("location", "NORTH")).context["panels"] == ("<p>panel of NORTH</p>",)
