"""What holds for every page: it may not be kept, it knows its locations, and what must be done first is done first."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect

from portal.factors import emergency
from portal.factors.totp import factor_of, is_required
from portal.keyring import KeysUnavailable
from portal.models import User
from portal.selection import selection_for
from portal.views.errors import NulInRequest, keys_away


class PrivatePagesMiddleware:
    """Marks every answer `no-store` (pages hold patient data); static files are served before this."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class NoNulMiddleware:
    """Refuses NUL in an address or a form: PostgreSQL cannot hold it, and every query with it would fail."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        form = request.POST if request.content_type == "application/x-www-form-urlencoded" else QueryDict()
        if "\0" in request.path or any(
            "\0" in value for _, values in (*request.GET.lists(), *form.lists()) for value in values
        ):
            raise NulInRequest
        return self.get_response(request)


class KeysAwayMiddleware:
    """A page that needs the keys while they cannot be had is no failure of ours to be hunted: it says so, as 503."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return keys_away(request) if isinstance(exception, KeysUnavailable) else None


class SelectionMiddleware:
    """Sets `request.selection`. In process_view, so that a location not theirs becomes an ordinary 404 page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        user = request.user
        request.selection = selection_for(  # type: ignore[attr-defined]
            user, request.session, request.GET.get("location") if user.is_authenticated else None
        )


ALLOWED_BEFORE_CHANGE = {"portal:password", "portal:sign-out", "portal:appearance"}


class OneTimePasswordMiddleware:
    """A person who signed in with a one-time password gets no further than the page that replaces it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = request.user
        due = isinstance(user, User) and user.one_time_until is not None
        if due and request.resolver_match and request.resolver_match.view_name not in ALLOWED_BEFORE_CHANGE:
            return redirect("portal:password")
        return None


ALLOWED_BEFORE_FACTOR = ALLOWED_BEFORE_CHANGE | {"portal:second-factor"}


class SecondFactorMiddleware:
    """A person who must have a second factor gets no further than the page that sets one up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = request.user
        if not settings.SECOND_FACTOR or not isinstance(user, User) or not request.resolver_match:
            return None
        passed = request.resolver_match.view_name in ALLOWED_BEFORE_FACTOR
        return None if passed or not is_required(user) or factor_of(user) else redirect("portal:second-factor")


class EmergencyMiddleware:
    """Ends the session of an emergency access with its hour, whatever it is being used for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User):
            access = emergency.of_session(request)
            if access is not None and emergency.is_over(access):
                with transaction.atomic():
                    emergency.close(access, "time")
                    logout(request)
        return self.get_response(request)
