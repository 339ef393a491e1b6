"""The comparison sheet of a location: one page to print and hand on, and the same as CSV and PDF."""

from collections.abc import Callable, Sequence

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from audit.when_called import when_called
from delivery.completeness.tables import Table
from delivery.views.completeness import exported
from delivery.ways.compared import compared
from delivery.ways.sheet import Claim, Sheet, sheets
from portal.access import location_for
from portal.models import Location, Role
from portal.requests import PortalRequest

FILES: dict[str, Callable[[Location, Sequence[Claim], Sequence[Sheet]], Table]] = {
    kind: when_called(f"delivery.ways.sheet_files.as_{kind}") for kind in ("csv", "pdf")
}


@require_GET
def sheet(request: PortalRequest, code: str) -> HttpResponse:
    location = location_for(request.user, code, Role.DIRECTOR)
    context = {
        "location": location,
        "head": compared(location),
        "sheets": sheets(location),
        "today": timezone.now(),
        "by": request.user.get_full_name() or request.user.username,
    }
    return render(request, "delivery/sheet.html", context)


@require_GET
def sheet_file(request: PortalRequest, code: str, kind: str) -> HttpResponse:
    """The same as a file, recorded as an export."""
    location = location_for(request.user, code, Role.DIRECTOR)
    write = FILES.get(kind)
    if write is None:
        raise Http404("no such form")
    day = timezone.now().date().isoformat()
    made = write(location, compared(location), sheets(location))
    return exported(made, f"ways-{location.code}-{day}", "ways", day, location.practice.code, location, kind)
