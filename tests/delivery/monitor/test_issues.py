"""Issues: what makes one, what regresses it, what ends it, who may do what with it, and that each deed is recorded."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audit.models import AuditEvent
from delivery.failures import failure
from delivery.models import Delivery
from delivery.monitor import counting, grouping
from delivery.monitor.counting import catch_up
from delivery.monitor.grouping import Failed, hours_with, is_failure, move_on
from delivery.monitor.issues import rail, sparkline
from delivery.monitor.tables import Issue, IssueState
from delivery.queries import Scope
from delivery.states import State
from delivery.transition import tickets, transition
from portal.models import Membership, Role, User
from tests.delivery.rows import make_delivery

NOW = datetime(2026, 3, 19, 14, 20, tzinfo=UTC)


class TestTheRule:
    """Pure: what new failures make of an issue."""

    def issue(self, **more) -> Issue:
        first = {
            "pk": 1,
            "location_id": 1,
            "reason_code": "ae",
            "first_seen": NOW,
            "last_seen": NOW,
            "seen": 1,
            "hours": {},
        }
        return Issue(**{**first, **more})

    def came(self, hours: float = 0.0) -> Failed:
        return Failed(1, "hl7", "ae", NOW - timedelta(hours=hours))

    @pytest.mark.parametrize(
        "before, after",
        [("new", "new"), ("acknowledged", "acknowledged"), ("regressed", "regressed"), ("resolved", "regressed")],
    )
    def test_a_new_failure_brings_back_what_was_resolved_and_nothing_else(self, before, after):
        issue = self.issue(state=before, muted_until=NOW)
        assert move_on(issue, [self.came()], 3, NOW)
        assert issue.state == after
        assert (issue.muted_until is None) == (before == "resolved")
        assert (issue.seen, issue.affected) == (2, 3)

    @pytest.mark.parametrize("state", ["new", "acknowledged", "regressed"])
    def test_it_ends_by_itself_when_nothing_stands_in_it_any_more_and_for_a_while(self, state):
        issue = self.issue(state=state, affected=2)
        move_on(issue, [], 0, NOW + timedelta(minutes=9))
        assert issue.state == state
        move_on(issue, [], 1, NOW + timedelta(minutes=11))
        assert issue.state == state
        move_on(issue, [], 0, NOW + timedelta(minutes=11))
        assert issue.state == IssueState.RESOLVED

    @pytest.mark.parametrize("minutes, after", [(-5, "resolved"), (0, "resolved"), (1, "regressed")])
    def test_what_failed_before_a_person_resolved_it_does_not_bring_it_back_though_counted_later(self, minutes, after):
        issue = self.issue(state="resolved", resolved_at=NOW, muted_until=NOW)
        came = Failed(1, "hl7", "ae", NOW + timedelta(minutes=minutes))
        assert move_on(issue, [came], 3, NOW + timedelta(minutes=5))
        assert (issue.state, issue.seen, issue.affected) == (after, 2, 3)
        assert (issue.muted_until is None) == (after == "regressed")

    def test_of_several_one_that_came_later_is_enough(self):
        issue = self.issue(state="resolved", resolved_at=NOW)
        move_on(issue, [self.came(1), Failed(1, "hl7", "ae", NOW + timedelta(seconds=1)), self.came(2)], 3, NOW)
        assert issue.state == "regressed"

    def test_one_that_ended_by_itself_comes_back_with_any_failure_not_counted_before(self):
        issue = self.issue(state="new", affected=0)
        later = NOW + timedelta(minutes=30)
        move_on(issue, [], 0, later)
        assert (issue.state, issue.resolved_at) == ("resolved", None)
        move_on(issue, [Failed(1, "hl7", "ae", later - timedelta(seconds=2))], 1, later + timedelta(seconds=5))
        assert issue.state == "regressed"

    def test_without_news_nothing_is_written(self):
        assert not move_on(self.issue(affected=2), [], 2, NOW)

    def test_the_hours_are_those_of_the_last_day(self):
        hours = hours_with({"1": 9}, [self.came(0), self.came(0), self.came(23), self.came(40)], NOW)
        assert sorted(hours.values()) == [1, 2]
        bars = sparkline(hours, NOW)
        assert [height for _, _, height in bars] == [10.0, 20.0]
        assert sparkline({}, NOW) == []

    @pytest.mark.parametrize(
        "move, failed",
        [
            (("", "held", "no_route"), True),
            (("sending", "ready", "connection_refused"), True),
            (("held", "ready", ""), False),
            (("unknown", "ready", "proven_absent"), False),
            (("", "ready", "replay"), False),
            (("accepted", "verified", ""), False),
            (("ready", "parked", "deadline"), True),
        ],
    )
    def test_what_is_a_failure(self, move, failed):
        assert is_failure(*move) is failed


pytestmark = []
database = pytest.mark.django_db


@pytest.fixture
def counted(cast, monkeypatch):
    """Some trouble at both locations, counted."""
    monkeypatch.setattr(counting, "SETTLED", timedelta(seconds=-60))
    catch_up()
    made = [make_delivery(cast, State.HELD, reason_code="no_route") for _ in range(3)]
    made += [make_delivery(cast, State.HELD, reason_code="no_route", location=cast.south)]
    made += [make_delivery(cast, State.READY, reason_code="", tries=["unavailable"])]
    make_delivery(cast, State.VERIFIED)
    catch_up()
    return made


def at(location) -> Issue:
    return Issue.objects.get(location=location, reason_code="no_route")


@database
def test_deliveries_that_failed_alike_are_one_issue_a_location(cast, counted):
    assert Issue.objects.count() == 2
    issue = at(cast.north)
    assert (issue.affected, issue.seen, issue.method, issue.state) == (3, 3, "hl7", "new")
    assert sum(issue.hours.values()) == 3
    assert at(cast.south).affected == 1


@database
def test_a_failure_before_issues_were_counted_is_grouped_with_the_first_look(cast):
    make_delivery(cast, State.HELD, reason_code="no_route", received_at=timezone.now() - timedelta(minutes=1))
    catch_up()
    assert at(cast.north).affected == 1


@database
def test_what_is_released_affects_no_more_and_the_issue_ends_after_a_while(cast, counted, monkeypatch):
    monkeypatch.setattr(grouping, "QUIET", timedelta(seconds=-60))
    held = list(Delivery.objects.filter(state="held").values_list("pk", flat=True))
    with transaction.atomic():
        transition(tickets(held), State.HELD, State.CANCELLED)
    catch_up()
    assert (at(cast.north).affected, at(cast.north).state) == (0, "resolved")
    monkeypatch.undo()
    monkeypatch.setattr(counting, "SETTLED", timedelta(seconds=-60))
    make_delivery(cast, State.HELD, reason_code="no_route")
    catch_up()
    assert (at(cast.north).affected, at(cast.north).state, at(cast.north).seen) == (1, "regressed", 4)


@database
def test_each_move_is_counted_once_however_often_it_is_looked(cast, counted):
    catch_up()
    catch_up()
    assert at(cast.north).seen == 3


@database
def test_the_rail_shows_what_is_open_of_the_locations_in_view(cast, counted):
    now = timezone.now()
    both, south = Scope((cast.north, cast.south)), Scope((cast.south,))
    assert [one.issue.affected for one in rail(both, now).shown] == [3, 1]
    assert [one.where for one in rail(south, now).shown] == ["SOUTH, HL7 v2 over MLLP"]
    Issue.objects.filter(location=cast.north).update(muted_until=now + timedelta(hours=1))
    assert (len(rail(both, now).shown), rail(both, now).muted) == (1, 1)
    Issue.objects.filter(location=cast.south).update(state="resolved")
    assert rail(both, now).shown == ()
    assert len(rail(both, now, every=True).shown) == 2


@database
def test_a_resolved_one_that_is_muted_still_is_not_counted_as_muted(cast, counted):
    now = timezone.now()
    scope = Scope((cast.north, cast.south))
    Issue.objects.update(muted_until=now + timedelta(hours=1))
    assert rail(scope, now).muted == 2
    Issue.objects.filter(location=cast.north).update(state="resolved")
    assert (rail(scope, now).muted, rail(scope, now).shown) == (1, ())
    Issue.objects.filter(location=cast.south).update(muted_until=now)
    assert (rail(scope, now).muted, len(rail(scope, now).shown)) == (0, 1)


@database
def test_resolving_holds_against_moves_that_were_written_before_it_and_counted_after_it(cast, counted, omar):
    late = make_delivery(cast, State.HELD, reason_code="no_route", received_at=timezone.now() - timedelta(minutes=1))
    issue = at(cast.north)
    press(omar, issue, "resolve")
    assert issue.resolved_at is not None
    catch_up()
    issue.refresh_from_db()
    assert (issue.state, issue.affected, issue.seen) == ("resolved", 4, 4)
    with transaction.atomic():
        transition(tickets([late.pk]), State.HELD, State.READY)
        transition(tickets([late.pk]), State.READY, State.HELD, reason_code="no_route")
    catch_up()
    assert at(cast.north).state == "regressed"


@database
def test_the_link_of_an_issue_leads_to_what_is_affected(cast, client, counted):
    client.force_login(cast.dana)
    (one, _) = rail(Scope((cast.north, cast.south)), timezone.now()).shown
    shown = client.get(f"/deliveries/?{one.query}").content.decode()
    assert shown.count('data-label="Status"') == 3
    page = client.get(f"/deliveries/issues/{one.issue.pk}/").content.decode()
    assert failure("no_route").happened[:30] in page


@pytest.fixture
def omar(cast, client):
    client.force_login(cast.omar)
    return client


def press(client, issue: Issue, verb: str, word: str = "") -> str:
    answer = client.post(f"/deliveries/issues/{issue.pk}/act/{verb}/", {"word": word}, follow=True)
    assert answer.status_code == 200
    issue.refresh_from_db()
    return answer.content.decode()


@database
def test_a_person_acknowledges_assigns_mutes_and_resolves_and_it_is_recorded(cast, omar, counted):
    issue = at(cast.north)
    press(omar, issue, "acknowledge")
    assert issue.state == "acknowledged"
    press(omar, issue, "assign", str(cast.dana.pk))
    assert issue.assignee == cast.dana
    press(omar, issue, "mute", "8h")
    assert timedelta(hours=7.9) < issue.muted_until - timezone.now() < timedelta(hours=8.1)
    press(omar, issue, "mute")
    assert issue.muted_until is None
    press(omar, issue, "resolve")
    assert issue.state == "resolved"
    deeds = [event.detail["deed"] for event in AuditEvent.objects.filter(event="issue.change").order_by("at", "pk")]
    assert deeds == ["acknowledge", "assign", "mute", "mute", "resolve"]


@database
@pytest.mark.parametrize("verb, word", [("assign", "sam"), ("assign", "x"), ("mute", "9y")])
def test_what_is_no_choice_changes_and_records_nothing(cast, omar, counted, verb, word):
    issue = at(cast.north)
    shown = press(omar, issue, verb, str(cast.sam.pk) if word == "sam" else word)
    assert "Nothing was changed" in shown
    assert (issue.assignee, issue.muted_until) == (None, None)
    assert not AuditEvent.objects.filter(event="issue.change").exists()


@database
def test_strangers_find_no_issue_and_those_who_only_look_cannot_act(cast, client, counted):
    issue = at(cast.north)
    client.force_login(cast.sam)
    assert client.get(f"/deliveries/issues/{issue.pk}/").status_code == 404
    assert client.post(f"/deliveries/issues/{issue.pk}/act/resolve/").status_code == 404
    client.force_login(cast.ava)
    assert "Acknowledge" not in client.get(f"/deliveries/issues/{issue.pk}/").content.decode()
    assert client.post(f"/deliveries/issues/{issue.pk}/act/resolve/").status_code == 403


@database
def test_a_role_elsewhere_does_not_open_an_issue(cast, client, counted):
    person = User.objects.create_user("south-only")
    Membership.objects.create(user=person, practice=cast.practice, location=cast.south, role=Role.OPERATOR)
    client.force_login(person)
    assert client.get(f"/deliveries/issues/{at(cast.north).pk}/").status_code == 404
    assert client.get(f"/deliveries/issues/{at(cast.south).pk}/").status_code == 200


class TestMine:
    """Whoever takes care of some opens just these."""

    @pytest.fixture
    def given(self, cast, omar, counted) -> Issue:
        make_delivery(cast, State.HELD, reason_code="no_route", location=cast.north)
        make_delivery(cast, State.REJECTED, reason_code="ae", location=cast.north)
        catch_up()
        Issue.objects.filter(reason_code="ae").update(assignee=cast.omar)
        return Issue.objects.get(reason_code="ae")

    def shown(self, client, whose: str) -> str:
        return client.get(f"/deliveries/issues/?whose={whose}").content.decode()

    def test_only_what_was_given_to_the_one_who_asks_stands_there(self, cast, omar, given):
        every, mine = self.shown(omar, "all"), self.shown(omar, "mine")
        for code, is_mine in (("ae", True), ("no_route", False)):
            assert failure(code).title in every
            assert (failure(code).title in mine) == is_mine

    def test_of_somebody_else_nothing_is_mine_and_it_says_so(self, cast, client, given):
        client.logout()
        client.force_login(cast.dana)
        shown = self.shown(client, "mine")
        assert "No issue is yours" in shown
        assert failure("ae").title not in shown

    def test_a_role_lost_takes_the_issue_from_the_list_though_it_was_given(self, cast, omar, given):
        Membership.objects.filter(user=cast.omar).update(location=cast.south)
        assert failure("ae").title not in self.shown(omar, "mine")

    def test_the_same_number_of_queries_for_all_and_for_mine(self, cast, given, django_assert_num_queries):
        scope = Scope((cast.north, cast.south))
        for of in (None, cast.omar):
            with django_assert_num_queries(1):
                rail(scope, timezone.now(), every=True, of=of)
