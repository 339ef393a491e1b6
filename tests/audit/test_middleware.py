"""Whatever a request records is the signed-in person's, or the anonymous visitor's."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from audit.context import current
from audit.middleware import AUTH_METHOD, AuditContextMiddleware, short_hash


def seen(user, session=None, **headers):
    """The context in force inside a request of this user."""
    request = RequestFactory().get("/", headers=headers)
    request.user = user
    request.session = type("Session", (dict,), {"session_key": "the-session-key"})(session or {})
    found = []
    AuditContextMiddleware(lambda _: found.append(current()))(request)
    return found[0]


def test_a_signed_in_person_is_the_actor(cast):
    actor = seen(cast.dana).actor
    assert (actor.type, actor.id, actor.name) == ("user", str(cast.dana.pk), "dana")
    assert (actor.auth_method, actor.source_ip) == ("session", "127.0.0.1")


def test_how_somebody_showed_who_they_are_is_told_by_their_session(cast):
    assert seen(cast.dana, {AUTH_METHOD: "openid"}).actor.auth_method == "openid"
    assert seen(AnonymousUser(), {AUTH_METHOD: "openid"}).actor.auth_method == ""


def test_a_visitor_is_anonymous():
    actor = seen(AnonymousUser()).actor
    assert (actor.type, actor.id, actor.name, actor.auth_method) == ("anonymous", "", "", "")


def test_session_and_browser_stand_there_as_hashes_only(cast):
    actor = seen(cast.dana, user_agent="Mozilla/5.0 (X11)").actor
    assert actor.session_hash == short_hash("the-session-key")
    assert actor.user_agent_hash == short_hash("Mozilla/5.0 (X11)")
    assert "Mozilla" not in repr(actor)
    assert "the-session-key" not in repr(actor)


@pytest.mark.parametrize("value, length", [("", 0), ("x", 16), ("é" * 5000, 16)])
def test_a_hash_is_short_and_nothing_stays_nothing(value, length):
    assert len(short_hash(value)) == length


def test_requests_have_correlation_ids_of_their_own(cast):
    assert seen(cast.dana).correlation_id != seen(cast.dana).correlation_id


def test_after_the_request_nobody_is_left_acting():
    before = current()
    seen(AnonymousUser())
    assert current() == before
