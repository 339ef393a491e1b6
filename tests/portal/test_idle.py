"""Sessions end on the server when nobody uses them."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from audit.models import AuditEvent
from portal.idle import BEGAN, LIMIT, NOTED_EVERY, SEEN, USUAL_MINUTES, limit_for
from portal.models import Location, Membership, Role, User

HOME = "portal:home"


def back(client, key, seconds):
    """Move one of the session's times into the past."""
    session = client.session
    session[key] -= seconds
    session.save()


def signed_in(client, user):
    client.force_login(user)
    assert client.get(reverse(HOME)).status_code == 200
    return client


def test_an_idle_session_ends_and_the_end_is_recorded(client, cast):
    signed_in(client, cast.dana)
    key = client.session.session_key
    back(client, SEEN, USUAL_MINUTES * 60 + 1)
    assert client.get(reverse(HOME)).url.startswith(reverse("portal:sign-in"))
    assert not client.session.exists(key)
    event = AuditEvent.objects.get(event="auth.logout")
    assert (event.outcome_class, event.actor_id, event.practice) == ("idle", str(cast.dana.pk), "lakeside")


def test_using_a_session_keeps_it(client, cast):
    signed_in(client, cast.dana)
    for _ in range(5):
        back(client, SEEN, USUAL_MINUTES * 60 - 5)
        assert client.get(reverse(HOME)).status_code == 200


def test_a_page_that_refreshes_itself_does_not_keep_it(client, cast):
    signed_in(client, cast.dana)
    back(client, SEEN, USUAL_MINUTES * 60 - 5)
    assert client.get(reverse(HOME), headers={"X-Poll": "1"}).status_code == 200
    back(client, SEEN, 10)
    assert client.get(reverse(HOME), headers={"X-Poll": "1"}).status_code == 302


def test_no_session_outlives_a_working_day(client, cast, settings):
    signed_in(client, cast.dana)
    back(client, BEGAN, settings.SESSION_COOKIE_AGE + 1)
    assert client.get(reverse(HOME)).status_code == 302


def test_a_click_right_after_another_writes_nothing(client, cast):
    signed_in(client, cast.dana)
    before = client.session[SEEN]
    client.get(reverse(HOME))
    assert client.session[SEEN] == before
    back(client, SEEN, NOTED_EVERY + 1)
    client.get(reverse(HOME))
    assert client.session[SEEN] > before


def minutes(location, many):
    Location.objects.filter(pk=location.pk).update(idle_minutes=many)


def test_a_session_lasts_as_long_as_the_persons_location_says(client, cast):
    minutes(cast.north, 30)
    signed_in(client, cast.omar)
    back(client, SEEN, 29 * 60)
    assert client.get(reverse(HOME)).status_code == 200
    back(client, SEEN, 30 * 60 + 1)
    assert client.get(reverse(HOME)).status_code == 302


def test_for_somebody_of_several_locations_the_shortest_time_holds(cast):
    minutes(cast.north, 20)
    minutes(cast.south, 5)
    assert limit_for(cast.dana) == 5 * 60, "dana directs both"
    assert limit_for(cast.omar) == 20 * 60, "omar works at one"
    Membership.objects.create(user=cast.omar, practice=cast.practice, location=cast.south, role=Role.OPERATOR)
    assert limit_for(cast.omar) == 5 * 60


def test_another_practices_location_shortens_nobodys_time(cast):
    minutes(cast.elsewhere, 2)
    assert limit_for(cast.dana) == USUAL_MINUTES * 60
    assert limit_for(cast.sam) == 2 * 60


def test_somebody_without_a_location_has_the_usual_time(db):
    assert limit_for(User.objects.create_user("nobody")) == USUAL_MINUTES * 60


def test_a_shorter_time_holds_from_the_next_noted_click(client, cast):
    signed_in(client, cast.omar)
    minutes(cast.north, 2)
    back(client, SEEN, NOTED_EVERY + 1)
    client.get(reverse(HOME))
    assert client.session[LIMIT] == 2 * 60
    back(client, SEEN, 2 * 60 + 1)
    assert client.get(reverse(HOME)).status_code == 302


def test_with_a_short_time_clicks_are_noted_more_often(client, cast):
    """Noted once a minute only, a limit of two minutes could end a session used seventy seconds ago."""
    minutes(cast.north, 2)
    signed_in(client, cast.omar)
    before = client.session[SEEN]
    back(client, SEEN, 13)
    client.get(reverse(HOME))
    assert client.session[SEEN] >= before


def test_a_session_that_was_only_ever_polled_with_ends_too(client, cast):
    client.force_login(cast.dana)
    poll = {"X-Poll": "1"}
    assert client.get(reverse(HOME), headers=poll).status_code == 200
    back(client, SEEN, USUAL_MINUTES * 60 + 1)
    assert client.get(reverse(HOME), headers=poll).status_code == 302


def test_a_used_session_ends_with_the_working_day_whatever_it_was_used_for(client, cast, settings):
    signed_in(client, cast.dana)
    back(client, BEGAN, settings.SESSION_COOKIE_AGE - 5)
    assert client.get(reverse(HOME)).status_code == 200
    back(client, BEGAN, 10)
    assert client.get(reverse(HOME)).status_code == 302
    assert settings.SESSION_COOKIE_AGE == 12 * 3600


@pytest.mark.parametrize("many, good", [(1, False), (2, True), (15, True), (30, True), (31, False), (0, False)])
def test_a_location_sets_two_to_thirty_minutes(client, cast, many, good):
    client.force_login(cast.dana)
    data = {"name": "North Clinic", "time_zone": "America/New_York", "unmapped_policy": "hold", "idle_minutes": many}
    data["fallback_minutes"] = 30
    answer = client.post(reverse("portal:location", args=["NORTH"]), data)
    assert answer.status_code == (302 if good else 200)
    cast.north.refresh_from_db()
    assert cast.north.idle_minutes == (many if good else 15)
    if good and many != 15:
        assert AuditEvent.objects.get(event="location.change").detail["fields"] == [
            "idle_minutes",
            "reading_connection",
        ]


def test_no_location_can_be_kept_with_another_time(cast):
    cast.north.idle_minutes = 600
    with pytest.raises(ValidationError):
        cast.north.full_clean()


def test_every_part_of_a_page_that_refreshes_itself_says_so(settings):
    """A poll without the header would keep a session alive that nobody sits before."""
    polls = re.compile(r"hx-trigger=\"[^\"]*(?:every |\blive\b)[^\"]*\"")
    silent = [
        path.name
        for path in (settings.BASE_DIR / "templates").rglob("*.html")
        for tag in re.findall(r"<[a-z][^>]*>", path.read_text())
        if polls.search(tag) and "X-Poll" not in tag
    ]
    assert silent == []
