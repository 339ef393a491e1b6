"""The planner is told what is in the tables, so that a list stays fast in a large database."""

from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from delivery import filters, queries, upkeep
from delivery.filters import Filters
from delivery.models import Delivery
from delivery.queries import Scope
from delivery.states import State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db

on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL's autovacuum does this itself")


def statistics() -> dict[str, int]:
    """Rows by table, as the planner knows them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tbl, stat FROM sqlite_stat1")
        return {table: int(stat.split()[0]) for table, stat in cursor.fetchall()}


def forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS sqlite_stat1")


@on_sqlite
class TestOnSqlite:
    def test_a_small_database_is_left_alone(self, cast):
        forget()
        make_delivery(cast)
        assert not upkeep.inform_planner()
        assert upkeep.known_rows() == 0

    def test_from_a_few_hundred_deliveries_on_statistics_are_taken(self, cast, monkeypatch):
        forget()
        monkeypatch.setattr(upkeep, "WORTH_IT", 2)
        for _ in range(3):
            make_delivery(cast)
        assert upkeep.inform_planner()
        assert statistics()["delivery_delivery"] == upkeep.known_rows() == 3

    def test_they_are_not_taken_again_before_the_table_has_grown_tenfold(self, cast, monkeypatch):
        forget()
        monkeypatch.setattr(upkeep, "WORTH_IT", 1)
        first = make_delivery(cast)
        assert upkeep.inform_planner()
        assert not upkeep.inform_planner()
        monkeypatch.setattr(upkeep, "GROWN", first.pk + 1)
        make_delivery(cast)
        assert upkeep.inform_planner()

    def test_it_costs_two_or_three_statements_when_there_is_nothing_to_do(self, cast, django_assert_max_num_queries):
        forget()
        with django_assert_max_num_queries(3):
            upkeep.inform_planner()


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="of SQLite above")
class TestOnPostgresql:
    def test_a_small_database_is_left_alone(self, cast, monkeypatch):
        newest = make_delivery(cast).pk  # from a sequence that all tests before have counted on
        monkeypatch.setattr(upkeep, "WORTH_IT", newest + 1)
        monkeypatch.setattr(upkeep, "known_rows", lambda: 0)
        assert not upkeep.inform_planner()

    def test_without_statistics_the_planner_is_told_of_the_deliveries(self, cast, monkeypatch):
        make_delivery(cast)
        newest = make_delivery(cast).pk
        monkeypatch.setattr(upkeep, "WORTH_IT", newest)
        monkeypatch.setattr(upkeep, "known_rows", lambda: 0)
        assert upkeep.inform_planner()
        monkeypatch.undo()
        assert upkeep.known_rows() == Delivery.objects.count()


@pytest.mark.usefixtures("postgres_only")
class TestByARoleThatOwnsNoTable:
    """As docs/operations.md sets PostgreSQL up: one role migrates and owns, the worker is another."""

    @pytest.fixture
    def told(self, cast, monkeypatch):
        """What the server tells this connection; there is something to do, and no statistics."""
        newest = make_delivery(cast).pk
        connection.check_constraints()  # what waits for the end of the transaction would forbid to change the tables
        monkeypatch.setattr(upkeep, "WORTH_IT", newest)
        monkeypatch.setattr(upkeep, "known_rows", lambda: 0)
        upkeep.may_analyze.cache_clear()
        told: list[str] = []
        listener = partial(_listen, told)
        connection.connection.add_notice_handler(listener)
        yield told
        connection.connection.remove_notice_handler(listener)
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        upkeep.may_analyze.cache_clear()

    def become(self, *rights: str) -> None:
        role = f"sp_app_{uuid4().hex[:8]}"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {role} NOLOGIN")
            for right in ("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", *rights, "SET ROLE {}"):
                cursor.execute(right.format(role))

    def test_nothing_is_tried_and_the_server_has_nothing_to_warn_of(self, told):
        self.become()
        assert not upkeep.inform_planner()
        assert told == []

    def test_it_is_asked_once_and_not_every_five_seconds(self, told, django_assert_num_queries):
        self.become()
        upkeep.inform_planner()
        with django_assert_num_queries(0):
            assert not upkeep.inform_planner()

    def test_the_owner_of_some_of_the_tables_only_tries_nothing(self, told):
        self.become("ALTER TABLE delivery_note OWNER TO {}")
        assert not upkeep.inform_planner()
        assert told == []

    def test_whoever_owns_all_of_them_takes_them(self, told):
        self.become(*(f"ALTER TABLE {table._meta.db_table} OWNER TO {{}}" for table in upkeep.WAY))
        assert upkeep.inform_planner()
        assert told == []

    def test_the_owner_of_the_database_takes_them(self, told):
        self.become(f"ALTER DATABASE {connection.ops.quote_name(connection.settings_dict['NAME'])} OWNER TO {{}}")
        assert upkeep.inform_planner()
        assert told == []

    def test_a_role_that_was_given_the_right_to_maintain_takes_them(self, told):
        if connection.pg_version < 170000:
            pytest.skip("PostgreSQL knows this right from 17 on")
        self.become(*(f"GRANT MAINTAIN ON {table._meta.db_table} TO {{}}" for table in upkeep.WAY))
        assert upkeep.inform_planner()
        assert told == []


def test_the_documented_grant_names_the_tables_that_are_analyzed():
    said = " ".join((Path(settings.BASE_DIR) / "docs/operations.md").read_text(encoding="utf-8").split())
    tables = ", ".join(model._meta.db_table for model in upkeep.WAY)
    assert f"GRANT MAINTAIN ON {tables} TO scribeport_app" in said


def _listen(told: list[str], notice: object) -> None:
    told.append(str(notice.message_primary))


def plan(queryset) -> str:
    """How the database would answer, in its own words."""
    return queryset.explain()


class TestTheListsIndexes:
    def test_none_stands_there_twice(self):
        """An index that begins another one costs every insert and serves no question."""
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, "delivery_delivery")
        whole = {name: tuple(one["columns"]) for name, one in found.items() if one["index"] and name not in PARTIAL}
        # (Django's "_like" twin of a text index on PostgreSQL has another operator class.)
        names = {k: columns for k, columns in whole.items() if not found[k]["unique"] and not k.endswith("_like")}
        doubled = [
            (name, other)
            for name, columns in names.items()
            for other, longer in names.items()
            if name != other and longer[: len(columns)] == columns
        ]
        assert doubled == []

    def test_the_trigger_that_refuses_illegal_moves_survived_their_making(self, cast):
        delivery = make_delivery(cast, State.VERIFIED)
        with pytest.raises(Exception, match="not allowed"):
            Delivery.objects.filter(pk=delivery.pk).update(state=State.READY)

    @on_sqlite
    @pytest.mark.parametrize(
        "address, index",
        [
            ("", "delivery_by_location"),
            ("state=held", "delivery_by_state"),
            ("range=24h", "delivery_by_location"),
            ("state=verified&range=7d", "delivery_by_state"),
        ],
    )
    def test_one_locations_list_is_read_in_its_order(self, cast, address, index):
        found = queries.matching(Scope((cast.north,)), filters.read(filters.QueryDict(address)))
        said = plan(found.order_by("-created_at", "-pk"))
        assert index in said
        assert "TEMP B-TREE" not in said

    @on_sqlite
    def test_a_practices_list_is_read_in_its_order(self, cast):
        scope = Scope((cast.north, cast.south))
        said = plan(queries.whole(queries.matching(scope, Filters()), scope).order_by("-created_at", "-pk"))
        assert "delivery_by_practice" in said
        assert "TEMP B-TREE" not in said

    @on_sqlite
    @pytest.mark.parametrize("state", list(State))
    def test_a_state_is_counted_without_reading_a_row(self, cast, state):
        found = queries.matching(Scope((cast.north, cast.south)), Filters())
        assert "COVERING INDEX delivery_by_state" in plan(found.filter(state=state).values("pk")[:10])

    @on_sqlite
    def test_withdrawn_ones_are_counted_by_their_own_small_index(self, cast):
        found = queries.matching(Scope((cast.north,)), Filters())
        assert "delivery_withdrawn" in plan(found.filter(queries.TO_STRIKE).values("pk"))


PARTIAL = {
    "delivery_due",
    "delivery_to_read",
    "delivery_sending",
    "delivery_blocking",
    "delivery_withdrawn",
    "delivery_unread",
    "delivery_ever_failed",
    "delivery_slow",
    "delivery_affected",
    "delivery_replayed",
}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("address", ["", "state=held", "range=24h", "failed=1", "provider=DR9", "part=note"])
def test_both_ways_of_counting_agree(cast, narrow, address):
    for state in State:
        make_delivery(cast, state)
    late = make_delivery(cast, State.VERIFIED, provider=("DR9", "Bo Ray"), tries=["unavailable", "accepted"])
    Delivery.objects.filter(pk=late.pk).update(withdrawn_at=late.created_at)
    scope = Scope((cast.north, cast.south))
    found = queries.matching(scope, filters.all_states(filters.read(filters.QueryDict(address))))
    numbers = queries.counts(found, narrow)
    assert numbers["all"] == found.count()
    for state in State:
        assert numbers[state] == found.filter(state=state).count()
    struck = found.filter(queries.TO_STRIKE).count()
    assert numbers["attention"] == sum(numbers[state] for state in filters.GROUPS["attention"]) + struck


@pytest.mark.parametrize(
    "address, narrow",
    [
        ("", False),
        ("state=held&range=24h&part=note", False),
        ("since=2026-01-01&until=2026-02-01", False),
        ("provider=DR7", True),
        ("failed=1", True),
        (f"patient={'0' * 32}", True),
        (f"encounter={'0' * 32}", True),
        (f"note={'0' * 32}", True),
        ("control=ABC", True),
        ("found=none", True),
    ],
)
def test_only_what_leaves_few_rows_is_counted_in_one_pass(address, narrow):
    assert filters.read(filters.QueryDict(address)).narrow is narrow
