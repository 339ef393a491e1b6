"""The saved view *Mine*: what stands in the issues that are given to whoever looks, at the locations they may see."""

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from delivery import filters, queries, tabs
from delivery.filters import Filters
from delivery.monitor.tables import Issue
from delivery.queries import Scope
from delivery.states import State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
LIST = "/deliveries/"


@pytest.fixture
def rows(cast):
    """An issue of two deliveries that is Dana's, one of one that is Omar's, one that is nobody's."""
    made = {
        "mine": make_delivery(cast, State.REJECTED, reason_code="ae"),
        "mine too": make_delivery(cast, State.REJECTED, reason_code="ae"),
        "omar's": make_delivery(cast, State.UNKNOWN, reason_code="no_answer"),
        "nobody's": make_delivery(cast, State.HELD, reason_code="unmapped_section"),
        "elsewhere": make_delivery(cast, State.REJECTED, reason_code="ae", location=cast.south),
        "over": make_delivery(cast, State.CANCELLED, reason_code="ae"),
    }
    for one in made.values():
        kind = one.connection.kind if one.connection else ""
        Issue.objects.get_or_create(
            location=one.location,
            method=kind,
            reason_code=one.reason_code,
            defaults={"first_seen": timezone.now(), "last_seen": timezone.now()},
        )
    Issue.objects.filter(location=cast.north, reason_code="ae").update(assignee=cast.dana)
    Issue.objects.filter(reason_code="no_answer").update(assignee=cast.omar)
    return made


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def theirs(scope: Scope, rows, person) -> set[str]:
    found = set(queries.matching(scope, Filters(whose=str(person.pk))).values_list("pk", flat=True))
    return {name for name, one in rows.items() if one.pk in found}


def test_it_is_what_stands_in_ones_own_issues_and_nothing_else(cast, rows):
    scope = Scope((cast.north, cast.south))
    assert theirs(scope, rows, cast.dana) == {"mine", "mine too"}
    assert theirs(scope, rows, cast.omar) == {"omar's"}
    assert theirs(scope, rows, cast.ava) == set()
    assert theirs(Scope((cast.south,)), rows, cast.dana) == set()
    assert theirs(Scope((cast.elsewhere,)), rows, cast.dana) == set()


def test_what_was_stopped_before_a_way_was_chosen_is_among_them(cast):
    issue = Issue.objects.create(
        location=cast.north,
        reason_code="no_route",
        assignee=cast.dana,
        first_seen=timezone.now(),
        last_seen=timezone.now(),
    )
    one = make_delivery(cast, State.HELD, reason_code="no_route")
    type(one).objects.filter(pk=one.pk).update(connection=None)
    assert issue.method == ""
    assert theirs(Scope((cast.north,)), {"no way": one}, cast.dana) == {"no way"}


def test_the_tab_has_its_number_and_leads_out_of_the_other_views(cast, rows):
    scope, chosen = Scope((cast.north, cast.south)), Filters(state=("held",), part=("note",))
    numbers = queries.counts(queries.matching(scope, filters.all_states(chosen)))
    tab = tabs.mine(chosen, scope, cast.dana)
    assert (tab.label, tab.count, tab.current) == ("Mine", "2", False)
    mine = filters.read(QueryDict(tab.query))
    assert (mine.state, mine.part, mine.whose) == ((), ("note",), str(cast.dana.pk))
    assert tabs.mine(mine, scope, cast.dana).current
    assert not any(one.current or "whose" in one.query for one in tabs.tabs(mine, numbers))


def test_the_page_shows_them_and_names_whose_they_are(cast, rows, dana):
    page = dana.get(f"{LIST}?whose={cast.dana.pk}").content.decode()
    assert [f'id="d{one.pk}"' in page for one in rows.values()] == [True, True, False, False, False, False]
    assert "Given to dana" in page


def test_with_nothing_given_it_says_where_issues_are_given(cast, dana):
    page = dana.get(f"{LIST}?whose={cast.dana.pk}").content.decode()
    assert "Nothing waits for you" in page
    assert "/deliveries/issues/?whose=mine" in page


def test_nobody_of_another_practice_is_named(cast, rows, dana):
    cast.sam.username = "somebody-of-harbor"
    cast.sam.save(update_fields=["username"])
    page = dana.get(f"{LIST}?whose={cast.sam.pk}").content.decode()
    assert "Given to somebody else" in page
    assert "somebody-of-harbor" not in page


@pytest.mark.parametrize("word", ["", "me", "-1", "1e3", "٣", "9" * 19, "0x1", "1 OR 1=1"])
def test_what_is_no_number_narrows_nothing(word):
    assert filters.read(QueryDict(f"whose={word}")).whose == ""


def test_a_tick_asks_nothing_for_it(cast, rows, dana):
    page = dana.get(LIST)
    version = page.context["version"]
    with CaptureQueriesContext(connection) as asked:
        assert dana.get(f"{LIST}rows/", headers={"If-None-Match": version}).status_code == 304
    assert not any("assignee" in one["sql"] for one in asked)
    assert sum("delivery_delivery" in one["sql"] for one in asked) == 1
