"""Choosing rows, and columns: only what was chosen is counted and done, only by those who may; columns stay a person's."""

from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from audit.models import AuditEvent
from delivery import bell, filters
from delivery.bulk.plan import VERBS
from delivery.bulk.running import run_jobs
from delivery.bulk.tables import Job, JobItem
from delivery.columns import COLUMNS, Look, PutAway, keep, look_of
from delivery.deeds import AGAIN, DEEDS
from delivery.filters import MOST_CHOSEN, Filters
from delivery.models import Delivery
from delivery.states import State
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
REASON = "the receiver was down over noon"


@pytest.fixture(autouse=True)
def silent(monkeypatch):
    monkeypatch.setattr(bell, "publish", lambda task, identifier: None)


@pytest.fixture
def omar(cast, client):
    client.force_login(cast.omar)
    return client


def text(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


def chosen(*rows: Delivery) -> str:
    return urlencode([("id", row.pk) for row in rows])


class TestTheAddress:
    @pytest.mark.parametrize(
        "given, kept",
        [
            ("id=7&id=3", ("7", "3")),
            ("id=7&id=7", ("7",)),
            ("id=-1&id=x&id=&id=1.5&id=٣", ()),
            ("id=" + "9" * 18, ("9" * 18,)),
            ("id=" + "9" * 19, ()),
            ("id=1%00", ()),
            ("id=0007", ("0007",)),
        ],
    )
    def test_only_numbers_a_delivery_can_have_are_taken(self, given, kept):
        assert filters.read(QueryDict(given)).id == kept

    def test_no_more_than_a_page_and_some(self):
        given = urlencode([("id", number) for number in range(500)])
        assert len(filters.read(QueryDict(given)).id) == MOST_CHOSEN

    def test_it_is_written_back_as_it_was_read(self):
        assert filters.read(QueryDict("id=7&id=3&state=held")).query() == "state=held&id=7&id=3"

    def test_it_is_one_chip_that_takes_all_of_them_away(self, cast, omar):
        one, other = make_delivery(cast), make_delivery(cast)
        shown = text(omar.get(f"/deliveries/?{chosen(one, other)}"))
        assert shown.count("Remove: 2 chosen deliveries") == 1
        assert "Remove: 1 chosen delivery" in text(omar.get(f"/deliveries/?{chosen(one)}&state=verified"))
        assert 'id="above"' not in shown  # figures of the whole would mislead


class TestDoingSomethingWithThem:
    def test_only_the_chosen_are_counted_and_done(self, cast, omar):
        held = [make_delivery(cast, State.HELD) for _ in range(4)]
        preview = text(omar.get(f"/deliveries/bulk/cancel/?{chosen(*held[:2])}"))
        assert "2 match, 2 can be done" in preview
        assert "the chosen ones" in preview
        assert "Nothing narrows the list" not in preview
        omar.post(f"/deliveries/bulk/cancel/?{chosen(*held[:2])}", {"reason": REASON})
        run_jobs("w1", lambda: False)
        assert set(Delivery.objects.filter(state="cancelled")) == set(held[:2])
        assert set(Delivery.objects.filter(state="held")) == set(held[2:])

    def test_the_job_leads_back_to_the_chosen(self, cast, omar):
        held = [make_delivery(cast, State.HELD) for _ in range(3)]
        omar.post(f"/deliveries/bulk/cancel/?{chosen(*held)}", {"reason": REASON})
        job = Job.objects.get()
        assert filters.read(QueryDict(job.query)).id == tuple(str(one.pk) for one in held)
        longest = Filters(id=tuple(str(10**17 + number) for number in range(MOST_CHOSEN))).query()
        assert len(longest) < Job._meta.get_field("query").max_length

    def test_what_was_chosen_is_in_the_audit_log(self, cast, omar):
        held = [make_delivery(cast, State.HELD) for _ in range(2)]
        omar.post(f"/deliveries/bulk/cancel/?{chosen(*held)}", {"reason": REASON})
        detail = AuditEvent.objects.get(event="job.begin").detail
        assert detail["filter"] == [f"id={one.pk}" for one in held]

    def test_those_of_other_places_are_not_reached_by_their_number(self, cast, omar):
        theirs = [make_delivery(cast, State.HELD, location=place) for place in (cast.south, cast.elsewhere)]
        mine = make_delivery(cast, State.HELD)
        assert "1 match, 1 can be done" in text(omar.get(f"/deliveries/bulk/cancel/?{chosen(mine, *theirs)}"))
        omar.post(f"/deliveries/bulk/cancel/?{chosen(mine, *theirs)}", {"reason": REASON})
        assert list(JobItem.objects.values_list("delivery", flat=True)) == [mine.pk]
        assert "No delivery matches" in text(omar.get(f"/deliveries/?{chosen(*theirs)}"))

    def test_none_chosen_of_those_that_exist_is_nothing_to_do(self, cast, omar):
        make_delivery(cast, State.HELD)
        assert "Nothing to do" in text(omar.get("/deliveries/bulk/cancel/?id=999999"))
        omar.post("/deliveries/bulk/cancel/?id=999999", {"reason": REASON})
        assert not Job.objects.exists()


class TestTheRows:
    def test_each_row_has_a_box_for_those_who_may_act(self, cast, omar):
        one = make_delivery(cast, State.HELD)
        for address in ("/deliveries/", "/deliveries/rows/"):
            shown = text(omar.get(address))
            assert f'name="id" value="{one.pk}"' in shown
            assert "data-choose-all" in shown
        assert text(omar.get("/deliveries/")).count('formaction="/deliveries/bulk/') == len(VERBS)

    def test_those_who_only_look_get_no_box_no_bar_and_no_key(self, cast, client):
        one = make_delivery(cast, State.HELD)
        client.force_login(cast.ava)
        for address in ("/deliveries/", "/deliveries/rows/"):
            shown = text(client.get(address))
            assert 'name="id"' not in shown
            assert "data-again" not in shown
        assert 'id="chosen"' not in text(client.get("/deliveries/"))
        assert client.get(f"/deliveries/bulk/release/?id={one.pk}").status_code == 403

    @pytest.mark.parametrize("state", list(State))
    def test_the_key_r_asks_for_what_gets_it_on_its_way_again(self, cast, omar, state):
        make_delivery(cast, state)
        row = text(omar.get("/deliveries/rows/")).split('<tr id="d')[1].split(">")[0]
        verb = AGAIN.get(state)
        assert (f'data-again="{verb}"' in row) == (verb is not None)
        assert verb is not None or "data-again" not in row

    def test_each_such_deed_is_possible_there_and_one_for_many(self):
        by_verb = {deed.verb: deed for deed in DEEDS}
        for state, verb in AGAIN.items():
            assert verb in VERBS
            assert state in by_verb[verb].states


class TestColumns:
    def keep(self, client, *columns: str, query: str = ""):
        return client.post("/deliveries/columns/", {"column": columns, "query": query})

    def test_what_is_put_away_stays_away_for_that_person_on_every_device(self, cast, client, omar):
        make_delivery(cast)
        self.keep(omar, "patient", "provider", "sections", "reason", "age")
        assert look_of(cast.omar).put_away == ("template", "attempts")
        omar.logout()
        omar.force_login(cast.omar)
        for address in ("/deliveries/", "/deliveries/rows/"):
            assert "deliveries without-template without-attempts" in text(omar.get(address))
        client.force_login(cast.dana)
        assert "without-" not in text(client.get("/deliveries/"))

    def test_all_of_them_can_be_put_away_and_brought_back(self, cast, omar):
        make_delivery(cast)
        self.keep(omar)
        assert look_of(cast.omar).put_away == tuple(COLUMNS)
        shown = text(omar.get("/deliveries/"))
        assert 'data-label="Status"' in shown
        assert 'data-label="Received"' in shown
        self.keep(omar, *COLUMNS)
        assert look_of(cast.omar).put_away == ()
        assert PutAway.objects.count() == 1

    def test_the_chooser_shows_what_stands(self, cast, omar):
        keep(cast.omar, ["patient"], compact=False)
        shown = text(omar.get("/deliveries/"))
        for name in COLUMNS:
            assert (f'name="column" value="{name}" checked' in shown) == (name == "patient")

    @pytest.mark.parametrize("nonsense", ["status", "x", "", "patient'; --", "<b>"])
    def test_what_is_no_column_is_not_kept(self, cast, omar, nonsense):
        self.keep(omar, nonsense, "age")
        assert look_of(cast.omar).put_away == tuple(name for name in COLUMNS if name != "age")
        PutAway.objects.update(columns=["gone in this version", "age"])
        assert look_of(cast.omar).put_away == ("age",)

    def test_one_comes_back_to_the_list_as_it_was_narrowed_and_nowhere_else(self, cast, omar):
        assert self.keep(omar, query="state=held&range=7d").url == "/deliveries/?state=held&range=7d"
        assert self.keep(omar, query="//evil.example/?a=b&state=held").url == "/deliveries/?state=held"
        assert omar.get("/deliveries/columns/").status_code == 405

    def test_strangers_keep_nothing_for_others(self, cast, client, omar):
        self.keep(omar)
        client.force_login(cast.sam)
        self.keep(client, "age")
        assert look_of(cast.omar).put_away == tuple(COLUMNS)


CLOSE = "deliveries table-compact"


class TestDensity:
    def choose(self, client, density: str, query: str = ""):
        return client.post("/deliveries/columns/", {"column": list(COLUMNS), "density": density, "query": query})

    def test_close_rows_are_kept_for_the_person_on_first_paint_and_on_every_update(self, cast, client, omar):
        make_delivery(cast)
        assert CLOSE not in text(omar.get("/deliveries/"))
        assert self.choose(omar, "compact", "state=verified").url == "/deliveries/?state=verified"
        omar.logout()
        omar.force_login(cast.omar)
        for address in ("/deliveries/", "/deliveries/rows/"):
            assert CLOSE in text(omar.get(address))
        client.force_login(cast.dana)
        assert CLOSE not in text(client.get("/deliveries/"))

    def test_comfortable_again_and_nonsense_is_comfortable(self, cast, omar):
        for density, compact in (("compact", True), ("comfortable", False), ("compact", True), ("x", False)):
            self.choose(omar, density)
            assert look_of(cast.omar) == Look(compact=compact)

    def test_the_switch_shows_what_stands(self, cast, omar):
        for compact in (True, False):
            keep(cast.omar, COLUMNS, compact)
            shown = text(omar.get("/deliveries/"))
            assert ('value="compact" checked' in shown) == compact
            assert ('value="comfortable" checked' in shown) == (not compact)

    def test_columns_that_are_put_away_stay_so_when_only_the_rows_are_drawn_together(self, cast, omar):
        omar.post("/deliveries/columns/", {"column": ["age"], "density": "compact"})
        assert look_of(cast.omar).put_away == tuple(name for name in COLUMNS if name != "age")
