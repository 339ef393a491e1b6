"""What can be done to a location: made, changed, routed, locked and released; each recorded, none past its own practice."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import AuditEvent
from portal import agreements, locations
from portal.agreements import Terms, today_at
from portal.locations import CHANGEABLE, NOT_RELEASED
from portal.models import Connection, Environment, Location, Route


@pytest.fixture(autouse=True)
def portal_alone(settings):
    """What the apps above ask of a release is tested there (tests/delivery/certification/test_lock.py)."""
    settings.RELEASE_CHECKS = []


def connection(practice, name: str, kind: str = "hl7", environment: str = "sandbox") -> Connection:
    return Connection.objects.create(practice=practice, name=name, kind=kind, environment=environment)


@pytest.fixture
def live(cast) -> Location:
    return locations.create(cast.practice, "LIVE", "Live Clinic", "production", "America/Chicago")


def sign(cast, *kinds: str) -> None:
    """On a day that has begun at every location, at whatever hour the tests run."""
    day = (timezone.now() - agreements.FURTHEST_WEST).date()
    for kind in kinds:
        scribe = cast.scribe if kind == "baa_scribe" else None
        agreements.record_agreement(cast.practice, Terms(kind, "X", day), scribe)


def events(name: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=name).order_by("id"))


@pytest.mark.parametrize("environment, locked", [("sandbox", ""), ("production", NOT_RELEASED)])
def test_a_new_location_is_locked_where_real_notes_would_come(cast, environment, locked):
    made = locations.create(cast.practice, "EAST", "East", environment, "America/Chicago")
    assert made.locked_reason == locked
    assert events("location.create")[0].detail == {"location": "EAST", "environment": environment}


def test_a_code_stands_once_in_a_practice(cast):
    with pytest.raises(IntegrityError), transaction.atomic():
        locations.create(cast.practice, "NORTH", "Another", "sandbox", "America/Chicago")
    assert not events("location.create"), "and the record of it is gone with it"


@pytest.mark.parametrize("name", ["code", "environment", "practice", "locked_reason", "pk", "nonsense"])
def test_what_is_fixed_for_good_cannot_be_changed(cast, name):
    with pytest.raises(ValueError, match="cannot be changed"):
        locations.change(cast.north, {name: "x"})


@pytest.mark.parametrize("name", sorted(set(CHANGEABLE) - {"reading_connection"}))
def test_each_setting_is_changed_and_named(cast, name):
    others = {"idle_minutes": 20, "time_zone": "America/Denver", "unmapped_policy": "catch-all"}
    value = {**others, "fallback": True, "fallback_minutes": 45, "review_first": True}.get(name, "Something new")
    assert locations.change(cast.north, {name: value}) == [name]
    assert getattr(Location.objects.get(pk=cast.north.pk), name) == value
    assert events("location.change")[0].detail["fields"] == [name]
    assert locations.change(cast.north, {name: value}) == [], "the same again is no change"
    assert len(events("location.change")) == 1


def test_nothing_can_be_read_through_a_connection_that_does_not_fit(cast):
    wrong = [
        cast.hl7,
        connection(cast.elsewhere.practice, "Harbor charts", "openapi"),
        connection(cast.practice, "Live charts", "openapi", "production"),
    ]
    for each in wrong:
        with pytest.raises(ValueError, match="own practice and environment"):
            locations.change(cast.north, {"reading_connection": each})


def test_a_location_may_give_up_reading(cast):
    assert locations.change(cast.north, {"reading_connection": None}) == ["reading_connection"]


# --- routes -----------------------------------------------------------------------------------------------------------


def ways(location: Location) -> list[tuple[int, str]]:
    return list(location.routes.order_by("position").values_list("position", "connection__name"))


def test_the_first_connection_is_the_one_in_use(cast):
    spare = connection(cast.practice, "Spare")
    assert locations.set_routes(cast.north, "note", [spare, cast.hl7])
    assert ways(cast.north) == [(1, "Spare"), (2, "eCW sandbox HL7")]
    assert events("route.change")[0].detail["connection"] == [spare.pk, cast.hl7.pk]


def test_the_same_routes_again_are_no_change(cast):
    assert locations.set_routes(cast.north, "note", [cast.hl7]) is False
    assert events("route.change") == []


def test_all_routes_may_be_taken(cast):
    assert locations.set_routes(cast.north, "note", [])
    assert ways(cast.north) == []


def test_the_routes_of_another_location_are_left_alone(cast):
    locations.set_routes(cast.north, "note", [])
    assert ways(cast.south) == [(1, "eCW sandbox HL7")]


@pytest.mark.parametrize("part", ["", "poems", "medications"])
def test_a_part_that_no_channel_carries_gets_no_route(cast, part):
    with pytest.raises(ValueError, match="of a fitting kind"):
        locations.set_routes(cast.north, part, [cast.hl7])
    assert ways(cast.north) == [(1, "eCW sandbox HL7")]


def test_a_route_is_refused_whole_where_one_connection_does_not_fit(cast):
    foreign = connection(cast.elsewhere.practice, "Harbor")
    for wrong in (
        [cast.hl7, foreign],
        [cast.hl7, cast.hl7],
        [foreign],
        [connection(cast.practice, "L", environment="production")],
    ):
        with pytest.raises(ValueError):
            locations.set_routes(cast.north, "note", wrong)
    assert ways(cast.north) == [(1, "eCW sandbox HL7")]


def test_the_database_keeps_one_route_per_place(cast):
    with pytest.raises(IntegrityError), transaction.atomic():
        Route.objects.create(location=cast.north, part="note", connection=cast.hl7, position=1)


# --- the lock -----------------------------------------------------------------------------------------------------------


def test_what_is_lacking_is_named_until_nothing_is(cast, live):
    assert [lack.split()[0] for lack in locations.lacks(live)] == ["A", "A", "A"]
    sign(cast, "baa_ecw")
    assert len(locations.lacks(live)) == 2
    sign(cast, "baa_scribe")
    assert locations.lacks(live) == ["A route for note sections."]
    locations.set_routes(live, "note", [connection(cast.practice, "Live", environment="production")])
    assert locations.lacks(live) == []


def test_a_location_that_lacks_something_is_not_released(cast, live):
    with pytest.raises(ValueError, match="lacking"):
        locations.release(live, "Go-live")
    assert Location.objects.get(pk=live.pk).locked_reason == NOT_RELEASED
    assert events("location.release") == []


def test_released_and_locked_again_each_with_its_reason_recorded(cast, live):
    sign(cast, "baa_ecw", "baa_scribe")
    locations.set_routes(live, "note", [connection(cast.practice, "Live", environment=Environment.PRODUCTION)])
    locations.release(live, "Go-live on Monday")
    assert Location.objects.get(pk=live.pk).locked_reason == ""
    locations.lock(live, "eCW is being updated")
    assert Location.objects.get(pk=live.pk).locked_reason == "eCW is being updated"
    assert [event.reason for event in (*events("location.release"), *events("location.lock"))] == [
        "Go-live on Monday",
        "eCW is being updated",
    ]


def test_an_agreement_that_ends_is_lacking_again(cast, live):
    sign(cast, "baa_ecw", "baa_scribe")
    agreements.end(cast.practice.agreements.get(kind="baa_ecw"))
    assert "A business associate agreement with eClinicalWorks." in locations.lacks(live)


@pytest.mark.parametrize("zone", ["Pacific/Pago_Pago", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("hour", [0, 3, 11, 23])
def test_an_agreement_that_ends_has_ended_everywhere_at_every_hour(cast, live, monkeypatch, zone, hour):
    sign(cast, "baa_ecw")
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2026, 11, 30, hour, 30, tzinfo=UTC))
    agreements.end(cast.practice.agreements.get(kind="baa_ecw"))
    live.time_zone = zone
    assert "A business associate agreement with eClinicalWorks." in locations.lacks(live)


def test_another_practices_agreements_release_nothing(cast, live):
    agreements.record_agreement(cast.elsewhere.practice, Terms("baa_ecw", "eCW", today_at(cast.north)))
    assert "A business associate agreement with eClinicalWorks." in locations.lacks(live)


@pytest.mark.parametrize("part", ["", "poems"])
def test_a_part_that_nobody_knows_has_no_routes_to_take_away_either(cast, part):
    with pytest.raises(ValueError, match="part that a channel carries"):
        locations.set_routes(cast.north, part, [])
