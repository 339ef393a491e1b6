"""Names the actor of every web request, so that whatever is recorded inside is theirs."""

import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit.record import Actor, acting

AUTH_METHOD = "auth_method"  # in the session: how its person has shown who they are


def short_hash(value: str) -> str:
    """16 hex digits that tell two sessions or browsers apart without storing either."""
    return hashlib.sha256(value.encode()).hexdigest()[:16] if value else ""


def request_actor(request: HttpRequest) -> Actor:
    """The signed-in person, or the anonymous visitor."""
    user = request.user
    return Actor(
        type="user" if user.is_authenticated else "anonymous",
        id=str(user.pk) if user.is_authenticated else "",
        name=user.get_username(),
        auth_method=request.session.get(AUTH_METHOD, "session") if user.is_authenticated else "",
        session_hash=short_hash(request.session.session_key or ""),
        source_ip=request.META.get("REMOTE_ADDR", ""),
        user_agent_hash=short_hash(request.headers.get("User-Agent", "")),
    )


class AuditContextMiddleware:
    """Wraps each request in `acting(...)`; the scribe's API names its own actor once the key is checked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(request_actor(request)):
            return self.get_response(request)
