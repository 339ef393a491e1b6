"""Connections: the list, one seen close, and the forms to create and change one."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from portal import connections
from portal.access import connection_for, connection_to_change, connections_of, practice_for, somewhere
from portal.forms.connections import ConnectionForm
from portal.forms.fhir import FhirForm
from portal.forms.folder import FolderForm
from portal.forms.hl7 import Hl7Form
from portal.forms.openapi import OpenApiForm
from portal.forms.sftp import SftpForm
from portal.models import Connection, ConnectionKind, Role
from portal.panels import rendered
from portal.queries.connections import connection_facts, connection_rows
from portal.requests import PortalRequest

FORMS: dict[str, type[ConnectionForm]] = {
    form.kind.value: form for form in (Hl7Form, FhirForm, OpenApiForm, FolderForm, SftpForm)
}
SEES = (Role.DIRECTOR, Role.OPERATOR, Role.AUDITOR)


def _form(kind: str) -> type[ConnectionForm]:
    if kind not in FORMS:
        raise Http404("no such kind of connection")
    return FORMS[kind]


def _may_change(request: PortalRequest) -> bool:
    return Role.DIRECTOR in request.selection.roles


def listing(request: PortalRequest) -> HttpResponse:
    somewhere(request.user, *SEES)
    rows = connection_rows(connections_of(request.user, *SEES))
    context = {"rows": rows, "kinds": ConnectionKind.choices, "may_change": _may_change(request)}
    return render(request, "portal/connections.html", context)


def detail(request: PortalRequest, pk: int) -> HttpResponse:
    connection = connection_for(request.user, pk, *SEES)
    context = {
        "connection": connection,
        "facts": connection_facts(connection),
        "panels": rendered(settings.CONNECTION_PANELS, request, connection),
        "may_change": _may_change(request),
    }
    return render(request, "portal/connection.html", context)


@sensitive_post_parameters()
def new(request: PortalRequest, kind: str) -> HttpResponse:
    form_class, practice = _form(kind), practice_for(request.user, Role.DIRECTOR)
    form = form_class(practice, None, request.POST or None)
    if form.is_valid():
        made = connections.create(practice, kind, form.cleaned_data["environment"], form.draft())
        messages.success(request, f"{made.name} is created. Give it routes under the locations it serves.")
        return redirect("portal:connection", made.pk)
    context = {"form": form, "kind": ConnectionKind(kind).label}
    return render(request, "portal/connection_form.html", context)


@sensitive_post_parameters()
def edit(request: PortalRequest, pk: int) -> HttpResponse:
    connection = connection_to_change(request.user, pk)
    form = _form(connection.kind)(connection.practice, connection, request.POST or None)
    if form.is_valid() and _changed(request, connection, form):
        return redirect("portal:connection", pk)
    context = {"form": form, "kind": connection.get_kind_display(), "connection": connection}
    return render(request, "portal/connection_form.html", context)


def _changed(request: PortalRequest, connection: Connection, form: ConnectionForm) -> bool:
    seen = request.POST.get("revision", "")
    try:
        saved = connections.change(connection, form.draft(), int(seen) if seen.isdecimal() and len(seen) < 19 else 0)
    except connections.ChangedMeanwhile:
        form.add_error(None, "Somebody else changed this connection while you had it open. Load the page again.")
        return False
    if saved.revision == connection.revision:
        messages.info(request, "Nothing was different; nothing is changed.")
    else:
        messages.success(request, f"{saved.name} is changed. Open connections are renewed with the next note.")
    return True
