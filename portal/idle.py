"""Automatic log-off on the server: after idle minutes, and after a working day (45 CFR 164.312(a)(2)(iii)).

How many minutes, each location says (2 to 30); for somebody of several locations the shortest time holds. The time is
kept in the session and looked up again with each click that is noted, so that most clicks cost no query.
"""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from audit.record import record
from portal.access import locations_of, practice_code_of
from portal.factors import emergency
from portal.models import User

SEEN, BEGAN, LIMIT = "seen_at", "began_at", "idle_seconds"
USUAL_MINUTES = 15  # for those who belong to no location
NOTED_EVERY = 60.0  # seconds: a write for every click would be too much; never more than a tenth of the limit
POLL_HEADER = "X-Poll"  # sent by parts of a page that refresh themselves: nobody sits there for that


def limit_for(user: User) -> int:
    """After how many idle seconds this person is signed out: the shortest time among their locations."""
    shortest = locations_of(user).aggregate(minutes=Min("idle_minutes"))["minutes"]
    return 60 * (shortest or USUAL_MINUTES)


def _over(session: SessionBase, now: float) -> bool:
    idle = now - session.get(SEEN, now) > session.get(LIMIT, 60 * USUAL_MINUTES)
    return idle or now - session.get(BEGAN, now) > settings.SESSION_COOKIE_AGE


def _note(session: SessionBase, user: User, now: float) -> None:
    session.setdefault(BEGAN, now)
    if now - session.get(SEEN, 0.0) > min(NOTED_EVERY, session.get(LIMIT, 0) / 10):
        session[SEEN] = now
        session[LIMIT] = limit_for(user)


class IdleMiddleware:
    """Ends a session nobody uses; deliveries go on. Stands behind AuditContextMiddleware, before LoginRequired."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now().timestamp()
        if isinstance(request.user, User):
            if _over(request.session, now):
                self._end(request)
            # A session that was only ever polled with must have a beginning too, or it would never end.
            elif POLL_HEADER not in request.headers or SEEN not in request.session:
                _note(request.session, request.user, now)
        return self.get_response(request)

    def _end(self, request: HttpRequest) -> None:
        user, access = request.user, emergency.of_session(request)
        with transaction.atomic():
            if access is not None:
                emergency.close(access, "time" if emergency.is_over(access) else "idle")
            record(
                "auth.logout",
                outcome_class="idle",
                practice=practice_code_of(user),
                object_type="user",
                object_id=str(user.pk),
            )
            logout(request)
