"""Settings, first tab: locations, what can be changed of one, its routes and its lock."""

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from portal import locations
from portal.access import location_for, locations_of, practice_for, somewhere
from portal.connections import CARRIED
from portal.forms.locations import LocationForm, NewLocationForm, ReasonForm, RoutesForm
from portal.models import Environment, Location, Role
from portal.panels import rendered
from portal.requests import PortalRequest


def listing(request: PortalRequest) -> HttpResponse:
    somewhere(request.user, Role.DIRECTOR)
    own = locations_of(request.user, Role.DIRECTOR).filter(for_learning=False).select_related("reading_connection")
    rows = own.prefetch_related("routes__connection")
    return render(request, "portal/settings/locations.html", {"rows": rows, "tab": "locations"})


def new(request: PortalRequest) -> HttpResponse:
    practice = practice_for(request.user, Role.DIRECTOR)
    form = NewLocationForm(practice, request.POST or None)
    if form.is_valid():
        made = locations.create(practice, **form.cleaned_data)
        messages.success(request, f"{made.name} is created. Next: its connections and routes, then its templates.")
        return redirect("portal:location", made.code)
    return render(request, "portal/settings/location_new.html", {"form": form})


def _page(
    request: PortalRequest,
    location: Location,
    form: LocationForm | None = None,
    routes: list[RoutesForm] | None = None,
) -> HttpResponse:
    context = {
        "location": location,
        "form": form or LocationForm(location),
        "routes": routes or [RoutesForm(location, part) for part in CARRIED],
        "panels": rendered(settings.LOCATION_PANELS, request, location),
        "lacks": locations.lacks(location) if location.environment == Environment.PRODUCTION else [],
        "reason": ReasonForm(),
    }
    return render(request, "portal/settings/location.html", context)


def detail(request: PortalRequest, code: str) -> HttpResponse:
    location = location_for(request.user, code, Role.DIRECTOR)
    if request.method != "POST":
        return _page(request, location)
    form = LocationForm(location, request.POST)
    if not form.is_valid():
        return _page(request, location_for(request.user, code, Role.DIRECTOR), form)
    changed = locations.change(location_for(request.user, code, Role.DIRECTOR), form.wanted())
    messages.success(request, "Saved." if changed else "Nothing was different; nothing is changed.")
    return redirect("portal:location", code)


@require_POST
def routes(request: PortalRequest, code: str) -> HttpResponse:
    location = location_for(request.user, code, Role.DIRECTOR)
    forms = [RoutesForm(location, part, request.POST) for part in CARRIED]
    if [form for form in forms if not form.is_valid()]:
        return _page(request, location, routes=forms)
    with transaction.atomic():
        changed = [form.label for form in forms if locations.set_routes(location, form.part, form.chosen())]
    messages.success(request, f"Routes are changed: {', '.join(changed)}." if changed else "Nothing was different.")
    return redirect("portal:location", code)


@require_POST
def lock(request: PortalRequest, code: str, verb: str) -> HttpResponse:
    """Lock a location, or release one for production."""
    location = location_for(request.user, code, Role.DIRECTOR)
    form = ReasonForm(request.POST)
    deed = {"lock": locations.lock, "release": locations.release}.get(verb)
    if deed is None:
        raise Http404("no such verb")
    try:
        if form.is_valid():
            deed(location, form.cleaned_data["reason"])
            messages.success(request, f"{location.name} is {'locked' if verb == 'lock' else 'released'}.")
        else:
            messages.error(request, "Nothing is changed: say why, so that it stands in the audit log.")
    except ValueError:
        messages.error(request, "Not released: what is listed below is lacking still.")
    return redirect("portal:location", code)
