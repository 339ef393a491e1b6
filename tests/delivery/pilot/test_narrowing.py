"""The list narrowed by a pilot's cohort: who is in, who is not yet, and where there is no pilot."""

from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery import filters, queries, tabs
from delivery.bulk.plan import deed_named, plan
from delivery.filters import Filters
from delivery.models import Delivery
from delivery.pilot.cohort import NAMED, PAUSED, everybody, share_of
from delivery.pilot.narrowing import pilots, providers_at
from delivery.pilot.tables import Pilot
from delivery.states import State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
PERCENTS = [25, 50]
LIST = "/deliveries/"


@pytest.fixture
def scope(cast):
    return queries.Scope((cast.north, cast.south))


def with_share(location, low: int, high: int) -> str:
    """A provider whose own number lies in [low, high)."""
    return next(one for one in (f"DR{n}" for n in range(1000)) if low <= share_of(location.pk, one) < high)


@pytest.fixture
def rows(cast) -> dict[str, Delivery]:
    Pilot.objects.create(location=cast.north, providers=["NAMED"], percents=PERCENTS, since=timezone.now(), step=NAMED)
    providers = {
        "named": "NAMED",
        "early": with_share(cast.north, 0, 25),
        "later": with_share(cast.north, 25, 50),
        "last": with_share(cast.north, 50, 100),
        "nobody": "",
    }
    made = {name: make_delivery(cast, provider=(one, name)) for name, one in providers.items()}
    made["south"] = make_delivery(cast, location=cast.south, provider=("NAMED", "Named"))
    Delivery.objects.filter(pk=made["nobody"].pk).update(provider_id="")
    return made


def found(rows, scope, address: str) -> set[str]:
    rows_found = set(queries.matching(scope, filters.read(QueryDict(address))))
    return {name for name, one in rows.items() if one in rows_found}


NORTH = {"named", "early", "later", "last", "nobody"}
STEPS = {
    PAUSED: set(),
    NAMED: {"named"},
    NAMED + 1: {"named", "early"},
    NAMED + 2: {"named", "early", "later"},
    everybody(PERCENTS): NORTH,
}


@pytest.mark.parametrize("step", STEPS)
def test_who_is_in_and_who_is_not_are_the_whole_of_the_pilots_location_at_every_step(rows, scope, step):
    Pilot.objects.update(step=step)
    assert found(rows, scope, "cohort=in") == STEPS[step]
    assert found(rows, scope, "cohort=out") == NORTH - STEPS[step]


def test_a_location_without_a_pilot_or_whose_pilot_has_ended_has_neither(cast, rows, scope):
    Pilot.objects.update(step=everybody(PERCENTS) + 1)
    assert found(rows, scope, "cohort=in") == found(rows, scope, "cohort=out") == set()
    assert pilots(scope.locations) == []


def test_two_pilots_are_asked_each_by_its_own_step(cast, rows, scope):
    begun = {"percents": PERCENTS, "since": timezone.now()}
    Pilot.objects.create(location=cast.south, providers=[], step=everybody(PERCENTS), **begun)
    assert found(rows, scope, "cohort=in") == {"named", "south"}
    assert found(rows, scope, "cohort=out&at=SOUTH") == set()
    assert found(rows, scope, "cohort=in&at=SOUTH") == {"south"}


def test_it_narrows_further_what_is_narrowed_and_nothing_of_a_strangers_location_is_found(cast, rows, scope):
    rows["waits"] = make_delivery(cast, State.HELD, provider=("NAMED", "Named"))
    assert found(rows, scope, "cohort=in&state=held") == {"waits"}
    assert found(rows, scope, "cohort=out&state=held") == set()
    begun = {"percents": PERCENTS, "since": timezone.now()}
    Pilot.objects.create(location=cast.elsewhere, providers=["NAMED"], step=NAMED, **begun)
    theirs = make_delivery(cast, location=cast.elsewhere, provider=("NAMED", "x"))
    assert theirs not in queries.matching(scope, Filters(cohort="in"))


def test_providers_are_found_from_one_to_the_next_each_once_whatever_they_are_called(cast, rows):
    for name in ("Ä", "a b", "0", "NAMED"):
        make_delivery(cast, provider=(name, name), received_at=timezone.now() - timedelta(days=400))
    each = set(Delivery.objects.filter(location=cast.north).values_list("provider_id", flat=True))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        listed = providers_at(cast.north.pk)
    assert len(asked) == 1
    assert len(listed) == len(set(listed))
    assert set(listed) == each >= {"", "Ä", "a b", "0"}
    assert providers_at(cast.elsewhere.pk) == []


@pytest.mark.parametrize("value, kept", [("in", "in"), ("out", "out"), ("IN", ""), ("1", "")])
def test_the_address_takes_the_two_words_and_no_other(value, kept):
    chosen = filters.read(QueryDict(f"cohort={value}"))
    assert chosen.cohort == kept
    assert chosen.narrow == bool(kept)
    assert chosen.query() == (f"cohort={kept}" if kept else "")


def test_it_is_a_chip_that_takes_itself_away(scope, rows):
    (chip,) = tabs.chips(Filters(cohort="out"), scope)
    assert (chip.label, chip.query) == ("Not in the pilot yet", "")
    (chip,) = tabs.chips(Filters(cohort="in"), scope)
    assert chip.label == "In the pilot"


def test_the_list_shows_it_and_it_is_offered_where_a_pilot_is_under_way_only(cast, rows, client):
    client.force_login(cast.dana)
    page = client.get(f"{LIST}?cohort=in").content.decode()
    assert f'id="d{rows["named"].pk}"' in page
    assert f'id="d{rows["last"].pk}"' not in page
    assert "Provider in the pilot" in client.get("/deliveries/narrow/").content.decode()
    Pilot.objects.update(step=everybody(PERCENTS) + 1)
    assert "Provider in the pilot" not in client.get("/deliveries/narrow/").content.decode()


@pytest.mark.parametrize("which", ["in", "out"])
def test_where_there_is_no_pilot_the_list_says_so(cast, rows, client, which):
    client.force_login(cast.dana)
    said = "There is no pilot here"
    assert said not in client.get(f"{LIST}?cohort={which}&reason=ae").content.decode()
    assert said in client.get(f"{LIST}?cohort={which}&at=SOUTH").content.decode()
    Pilot.objects.all().delete()
    assert said in client.get(f"{LIST}?cohort={which}").content.decode()
    assert said not in client.get(f"{LIST}?reason=ae").content.decode()


def test_a_bulk_action_takes_the_cohorts_only(cast, rows, scope):
    make_delivery(cast, State.HELD, provider=("NAMED", "Named"))
    make_delivery(cast, State.HELD, provider=(with_share(cast.north, 50, 100), "Late"))
    counted = plan(scope, Filters(cohort="in"), deed_named("cancel"))
    assert (counted.total, counted.able) == (2, 1)
