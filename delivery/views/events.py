"""Events: what arrived and what it started, and the sources of a location."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from delivery.doors import scope_for
from delivery.events import queries, sources
from delivery.events.forms import FORMS, SourceForm
from delivery.events.models import EventSource, Way
from portal.access import location_for
from portal.models import Location, Role
from portal.requests import PortalRequest


def events(request: PortalRequest) -> HttpResponse:
    """No patient is named here: a visit is reached through its deliveries, where looking is recorded."""
    scope = scope_for(request)
    context = {
        "rows": queries.recent(scope.locations),
        "sources": queries.source_rows(scope.locations),
        "several": len(scope.locations) > 1,
        "newest": queries.NEWEST,
        "may_change": Role.DIRECTOR in request.selection.roles,
        "first": scope.locations[0] if scope.locations else None,
    }
    return render(request, "delivery/events/list.html", context)


def source(request: PortalRequest, code: str, kind: str) -> HttpResponse:
    """One way of one location: made by the first save, changed by the next ones."""
    location, form_class = location_for(request.user, code, Role.DIRECTOR), _form(kind)
    row = _source(location, kind)
    form = form_class(location, row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _saved(request, location, row, form)
    return render(request, "delivery/events/source.html", _context(request, location, kind, row, form))


def _form(kind: str) -> type[SourceForm]:
    if kind not in FORMS:
        raise Http404("no such way")
    return FORMS[kind]


def _source(location: Location, kind: str) -> EventSource | None:
    rows = EventSource.objects.filter(location=location, way=kind).select_related("state", "location__practice")
    return rows.first()


def _context(
    request: PortalRequest, location: Location, kind: str, row: EventSource | None, form: SourceForm
) -> dict[str, object]:
    return {
        "location": location,
        "way": Way(kind),
        "source": row,
        "form": form,
        "state": queries.source_row(row) if row else None,
        "address": address_of(request, row) if row and kind == Way.WEBHOOK else "",
    }


def address_of(request: PortalRequest, row: EventSource) -> str:
    return request.build_absolute_uri(f"/api/v1/events/{row.public_id}")


def _saved(request: PortalRequest, location: Location, row: EventSource | None, form: SourceForm) -> HttpResponse:
    if row is not None:
        sources.change(row, form.settings(), form.chosen_connection(), form.cleaned_data["enabled"])
        messages.success(request, "Saved; it holds from the next event on.")
        return redirect("delivery:event-source", location.code, form.way.value)
    made, secret = sources.create(location, form.way, form.settings(), form.chosen_connection())
    if secret:
        return _shown_once(request, made, secret)
    messages.success(request, f"Events come in by this way now: {form.way.label}.")
    return redirect("delivery:event-source", location.code, form.way.value)


@require_POST
def new_secret(request: PortalRequest, code: str, kind: str) -> HttpResponse:
    """The answer holds the secret, this once."""
    location = location_for(request.user, code, Role.DIRECTOR)
    row = _source(location, kind)
    if row is None or kind != Way.WEBHOOK:
        raise Http404("no such source")
    return _shown_once(request, row, sources.rotate(row))


def _shown_once(request: PortalRequest, row: EventSource, secret: str) -> HttpResponse:
    context = {
        "location": row.location,
        "source": row,
        "secret": secret,
        "address": address_of(request, row),
    }
    return render(request, "delivery/events/secret.html", context)
