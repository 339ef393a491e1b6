"""The pages of templates: the list per location, one template, one of its versions."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from mapping.access import EDITORS, may_edit, template_for
from mapping.defaults import set_defaults, visit_rules
from mapping.drift_report import report_of
from mapping.import_forms import DefaultsForm
from mapping.models import Template, TemplateVersion
from mapping.queries import draft_of, newest_version, published_of, template_rows
from portal.requests import PortalRequest


@require_safe
def template_list(request: PortalRequest) -> HttpResponse:
    """Every template of the locations in view, with where its mapping stands."""
    locations = request.selection.in_view
    rows = template_rows(locations)
    cards = [
        (
            location,
            rows[location.pk],
            may_edit(request.user, location),
            visit_rules([row.template for row in rows[location.pk]]),
        )
        for location in locations
    ]
    return render(request, "mapping/templates.html", {"cards": cards})


@require_safe
def template_page(request: PortalRequest, pk: int, number: int | None = None) -> HttpResponse:
    """One version of a template (the newest, where none is named) with its fields."""
    template = template_for(request.user, pk)
    version = _version(template, number)
    context = {
        "template": template,
        "location": template.location,
        "version": version,
        "fields": version.fields.order_by("position"),
        "drift": report_of(template),
        "older": template.versions.filter(number__lt=version.number).first() or version,
        "newest": number is None or version == newest_version(template),
        "versions": template.versions.select_related("imported_by"),
        "mappings": template.mappings.select_related("template_version", "published_by", "changed_by"),
        "published": published_of(template),
        "draft": draft_of(template),
        "may_edit": may_edit(request.user, template.location),
        "defaults": DefaultsForm(initial={"visit_types": template.default_for}),
    }
    return render(request, "mapping/template.html", context)


def _version(template: Template, number: int | None) -> TemplateVersion:
    if number is not None:
        return get_object_or_404(TemplateVersion, template=template, number=number)
    version = newest_version(template)
    if version is None:
        raise Http404("never imported")
    return version


@require_POST
def defaults(request: PortalRequest, pk: int) -> HttpResponse:
    """Set the visit types the template is used for."""
    template = template_for(request.user, pk, *EDITORS)
    form = DefaultsForm(request.POST)
    if form.is_valid():
        set_defaults(template, form.cleaned_data["visit_types"])
        messages.success(request, "Saved: which visits use this template.")
    else:
        messages.error(request, "Nothing was saved: that is not a type of visit.")
    return redirect("mapping:template", pk=template.pk)
