"""A query that is built once gives, for other values, the rows that the query itself would give."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.compiled import Compiled
from portal.models import ApiKey, Location, Route
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def by_code():
    return Compiled(lambda code: Location.objects.filter(code=code).select_related("practice").order_by("pk"), str)


def test_other_values_find_other_rows(cast: Cast):
    find = by_code()
    for code in ("NORTH", "SOUTH"):
        assert {row.pk for row in find(code)} == set(Location.objects.filter(code=code).values_list("pk", flat=True))
    assert find("NOWHERE") == []
    assert find.first("NOWHERE") is None


def test_the_rows_are_whole_with_all_that_was_loaded_with_them(cast: Cast):
    find = by_code()
    find("NORTH")
    with CaptureQueriesContext(connection) as asked:
        found = find.first("NORTH")
        assert found.practice.code == cast.practice.code
    assert len(asked) == 1
    assert {name: value for name, value in vars(found).items() if name != "_state"} == {
        name: value for name, value in vars(Location.objects.get(pk=cast.north.pk)).items() if name != "_state"
    }


def test_json_and_times_arrive_as_the_model_has_them(cast: Cast):
    expires = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
    key = ApiKey.objects.create(
        scribe=cast.scribe, prefix="spx", mac="m", environment="sandbox", scopes=["notes:read"], expires_at=expires
    )
    find = Compiled(lambda at: ApiKey.objects.filter(expires_at__lte=at, scribe__name=cast.scribe.name), datetime)
    assert find(expires - timedelta(seconds=1)) == []
    [found] = find(expires)
    assert (found.pk, found.scopes, found.expires_at) == (key.pk, ["notes:read"], expires)


def test_a_change_is_seen_at_once(cast: Cast):
    find = by_code()
    find("NORTH")
    Location.objects.filter(pk=cast.north.pk).update(name="Another name")
    assert find.first("NORTH").name == "Another name"


def test_two_values_of_one_kind_are_not_confused(cast: Cast):
    find = Compiled(lambda location, part: Route.objects.filter(location_id=location, part=part), int, str)
    assert find(cast.north.pk, "note") == list(Route.objects.filter(location=cast.north, part="note"))
    assert find(cast.north.pk, "diagnoses") == []
    assert find(cast.south.pk + 1000, "note") == []


def test_a_value_that_the_orm_rewrites_is_refused_when_the_query_is_made():
    find = Compiled(lambda text: Location.objects.filter(code__contains=text), str)
    with pytest.raises(ValueError, match="as it is"):
        find("NOR")


@pytest.mark.django_db(transaction=True)
def test_threads_share_the_statement_and_not_the_connection(cast: Cast):
    find, found = by_code(), []

    def look():
        found.append(find.first("NORTH").pk)
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [cast.north.pk] * 6
