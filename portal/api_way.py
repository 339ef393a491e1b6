"""The scribe's own way in: its API needs no session, form, selection or static file.

What holds for every answer holds here too: settings.API_MIDDLEWARE names it, as MIDDLEWARE does for pages.
"""

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.module_loading import import_string

from audit.record import Actor, acting

# Of one address nearly always: to try fifty patterns took a twentieth of what a note took.
matched = lru_cache(64)(resolve)
Answer = Callable[[HttpRequest], HttpResponse]


class ApiMiddleware:
    """Sends what goes to the API past the middleware behind this one."""

    def __init__(self, get_response: Answer) -> None:
        self.pages = get_response
        self.api: Answer = answered
        for name in reversed(settings.API_MIDDLEWARE):
            self.api = import_string(name)(self.api)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return (self.api if request.path_info.startswith(settings.API_PATHS) else self.pages)(request)


def answered(request: HttpRequest) -> HttpResponse:
    """The view's answer, under a correlation id of its own; the view names its actor once the key is checked."""
    request.get_host()  # raises DisallowedHost
    with acting(Actor("anonymous", "", source_ip=request.META.get("REMOTE_ADDR", ""))):
        request.resolver_match = match = matched(request.path_info)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        render = getattr(response, "render", None)
        response = render() if callable(render) else response
    response.headers["Content-Length"] = str(len(response.content))
    return response
