"""Issues muted until so many more have failed, and given to somebody or acknowledged many at once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery.monitor.grouping import Failed, move_on
from delivery.monitor.issues import MORE, MUTES, is_muted, rail, show
from delivery.monitor.tables import Issue
from delivery.queries import Scope
from portal.models import Membership, Role, User

pytestmark = pytest.mark.django_db
ISSUES = "/deliveries/issues/"


def an_issue(location, reason="ae", **more) -> Issue:
    now = timezone.now()
    return Issue.objects.create(
        location=location,
        method="hl7",
        reason_code=reason,
        first_seen=now,
        last_seen=now,
        **{"seen": 4, "affected": 2} | more,
    )


def person(cast, name: str, role: Role, location=None) -> User:
    user = User.objects.create_user(name, password="correct-horse-battery")
    Membership.objects.create(user=user, practice=cast.practice, location=location, role=role)
    return user


@pytest.fixture
def dana(cast, client):
    client.force_login(cast.dana)
    return client


def mute(client, issue: Issue, word: str) -> Issue:
    assert client.post(f"{ISSUES}{issue.pk}/act/mute/", {"word": word}).status_code == 302
    issue.refresh_from_db()
    return issue


class TestMutedByCount:
    def test_it_stays_out_of_the_rail_until_so_many_more_have_failed(self, cast, dana):
        issue = mute(dana, an_issue(cast.north), "10more")
        scope, now = Scope((cast.north,)), timezone.now()
        assert (issue.muted_seen, issue.muted_until) == (14, None)
        assert (rail(scope, now).shown, rail(scope, now).muted) == ((), 1)
        Issue.objects.update(seen=13)
        assert rail(scope, now).shown == ()
        Issue.objects.update(seen=14)
        (shown,) = rail(scope, now).shown
        assert (shown.muted, shown.more) == (False, 0)

    def test_the_page_says_how_many_more_and_the_list_too(self, cast, dana):
        issue = mute(dana, an_issue(cast.north), "50more")
        Issue.objects.update(seen=7)
        assert "until 47 more have failed" in dana.get(f"{ISSUES}{issue.pk}/").content.decode()
        assert "muted until 47 more" in dana.get(ISSUES).content.decode()

    def test_the_last_word_counts_a_time_a_number_or_none(self, cast, dana):
        issue = mute(dana, an_issue(cast.north), "1h")
        assert issue.muted_until is not None
        assert mute(dana, issue, "100more").muted_until is None
        assert mute(dana, issue, "8h").muted_seen is None
        issue = mute(dana, issue, "")
        assert (issue.muted_seen, issue.muted_until) == (None, None)
        assert not is_muted(issue, timezone.now())

    @pytest.mark.parametrize("word", ["11more", "more", "-10more", "2h"])
    def test_no_other_word_changes_anything(self, cast, dana, word):
        issue = mute(dana, an_issue(cast.north), word)
        assert (issue.muted_seen, issue.muted_until) == (None, None)
        assert AuditEvent.objects.filter(event="issue.change").count() == 0

    def test_what_comes_again_after_it_was_resolved_is_not_muted_any_more(self, cast):
        issue = an_issue(cast.north, state="resolved", muted_seen=500)
        move_on(issue, [Failed(cast.north.pk, "hl7", "ae", timezone.now())], 1, timezone.now())
        assert (issue.state, issue.muted_seen) == ("regressed", None)

    def test_every_choice_is_offered(self, cast, dana):
        page = dana.get(f"{ISSUES}{an_issue(cast.north).pk}/").content.decode()
        for word in (*MUTES, *MORE):
            assert f'<option value="{word}">' in page

    def test_a_muted_one_says_so_of_itself(self, cast):
        issue = an_issue(cast.north, muted_seen=9)
        assert show(issue, timezone.now()).more == 5
        assert show(issue, timezone.now() + timedelta(days=30)).muted


class TestManyAtOnce:
    def test_the_chosen_ones_are_given_each_with_its_own_entry_in_the_audit_log(self, cast, dana):
        olive = person(cast, "olive", Role.OPERATOR)
        chosen = [an_issue(cast.north), an_issue(cast.south), an_issue(cast.north, "no_route")]
        other = an_issue(cast.south, "no_route")
        answer = dana.post(f"{ISSUES}act/assign/", {"id": [one.pk for one in chosen], "word": olive.pk})
        assert (answer.status_code, answer["Location"]) == (302, f"{ISSUES}?whose=all")
        assert set(Issue.objects.filter(assignee=olive)) == set(chosen)
        assert Issue.objects.get(pk=other.pk).assignee is None
        assert AuditEvent.objects.filter(event="issue.change", detail__deed="assign").count() == 3
        assert "Given: 3 issues." in dana.get(ISSUES).content.decode()

    def test_who_sees_one_location_only_is_given_those_and_the_rest_is_said(self, cast, dana):
        nora = person(cast, "nora", Role.OPERATOR, cast.north)
        chosen = [an_issue(cast.north), an_issue(cast.south)]
        dana.post(f"{ISSUES}act/assign/", {"id": [one.pk for one in chosen], "word": nora.pk})
        assert [one.location for one in Issue.objects.filter(assignee=nora)] == [cast.north]
        page = dana.get(ISSUES).content.decode()
        assert "Given: 1 issue." in page
        assert "1 left as they were" in page

    def test_they_are_taken_from_whoever_had_them_and_acknowledged(self, cast, dana):
        chosen = [an_issue(cast.north, assignee=cast.dana), an_issue(cast.south, assignee=cast.dana)]
        ids = {"id": [one.pk for one in chosen]}
        answer = dana.post(f"{ISSUES}act/assign/", ids | {"word": "", "whose": "mine"})
        assert answer["Location"] == f"{ISSUES}?whose=mine"
        assert not Issue.objects.exclude(assignee=None).exists()
        dana.post(f"{ISSUES}act/acknowledge/", ids)
        assert set(Issue.objects.values_list("state", flat=True)) == {"acknowledged"}

    def test_none_chosen_and_what_is_no_number_change_nothing(self, cast, dana):
        an_issue(cast.north)
        for ids in ([], ["x"], ["-1"], ["9" * 30], [10**17]):
            dana.post(f"{ISSUES}act/acknowledge/", {"id": ids})
            assert "None chosen." in dana.get(ISSUES).content.decode()
        assert Issue.objects.get().state == "new"

    def test_of_a_location_where_one_does_not_act_nothing_is_done_at_all(self, cast, client):
        nora = person(cast, "nora", Role.OPERATOR, cast.north)
        Membership.objects.create(user=nora, practice=cast.practice, location=cast.south, role=Role.AUDITOR)
        client.force_login(nora)
        chosen = [an_issue(cast.north), an_issue(cast.south)]
        answer = client.post(f"{ISSUES}act/acknowledge/", {"id": [one.pk for one in chosen]})
        assert answer.status_code == 403
        assert set(Issue.objects.values_list("state", flat=True)) == {"new"}

    def test_a_strangers_issue_is_none(self, cast, dana):
        theirs = an_issue(cast.elsewhere)
        dana.post(f"{ISSUES}act/acknowledge/", {"id": [theirs.pk]})
        theirs.refresh_from_db()
        assert theirs.state == "new"

    @pytest.mark.parametrize("verb", ["mute", "resolve", "nonsense"])
    def test_other_deeds_are_done_one_by_one(self, cast, dana, verb):
        assert dana.post(f"{ISSUES}act/{verb}/", {"id": [an_issue(cast.north).pk]}).status_code == 404

    def test_boxes_stand_where_one_may_act_only(self, cast, client):
        an_issue(cast.north)
        client.force_login(cast.dana)
        assert 'name="id"' in client.get(ISSUES).content.decode()
        client.force_login(person(cast, "audrey", Role.AUDITOR))
        page = client.get(ISSUES).content.decode()
        assert 'name="id"' not in page
        assert "Give the chosen" not in page
