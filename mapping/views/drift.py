"""What a newer template changes for the mapping in force, and two template versions side by side."""

from collections import defaultdict
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from mapping.access import EDITORS, may_edit, template_for
from mapping.drift import Change, changes
from mapping.drift_report import report_of
from mapping.models import TemplateVersion
from mapping.note import FieldSpec
from mapping.publishing import NotADraft, start_copy
from mapping.queries import draft_of, field_specs
from portal.requests import PortalRequest


@require_http_methods(["GET", "HEAD", "POST"])
def drift_page(request: PortalRequest, pk: int) -> HttpResponse:
    """The changes by severity, what they hold, and the proposed mapping; posted, the proposal becomes the draft."""
    if request.method == "POST":
        return _propose(request, pk)
    template = template_for(request.user, pk)
    context = {
        "template": template,
        "location": template.location,
        "report": report_of(template),
        "drafted": draft_of(template) is not None,
        "may_edit": may_edit(request.user, template.location),
    }
    return render(request, "mapping/drift.html", context)


def _propose(request: PortalRequest, pk: int) -> HttpResponse:
    template = template_for(request.user, pk, *EDITORS)
    report = report_of(template)
    if report is None:
        messages.error(request, "Nothing was proposed: the mapping in force is for the newest version.")
        return redirect("mapping:mapping", pk=pk)
    try:
        start_copy(template, report.mapping, report.placed, request.user)
    except NotADraft:
        messages.error(request, "There is a draft already: publish or discard it first.")
    else:
        messages.success(request, "The proposal is the draft now. Look at each marked row, rehearse it, publish.")
    return redirect("mapping:mapping", pk=pk)


@dataclass(frozen=True)
class Row:
    """One field identifier on both sides, with the kinds of difference and how grave each is."""

    field_id: str
    left: FieldSpec | None
    right: FieldSpec | None
    changes: tuple[Change, ...]

    @property
    def sides(self) -> tuple[tuple[str, FieldSpec | None], ...]:
        return ("Left", self.left), ("Right", self.right)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        return [(change.kind.capitalize(), change.severity) for change in self.changes]


@require_safe
def compare_page(request: PortalRequest) -> HttpResponse:
    """Two template versions (`a`, `b`) of the person's locations, field by field in the order of the right one."""
    listed = TemplateVersion.objects.filter(template__location__in=request.selection.locations)
    versions = list(
        listed.select_related("template__location").order_by("template__location__code", "template", "-number")
    )
    left, right = (_chosen(request.GET.get(name, ""), versions) for name in ("a", "b"))
    if left is None and versions:
        left, right = versions[-1], versions[0]
    rows = _rows(left, right or left) if left else []
    context = {
        "versions": versions,
        "left": left,
        "right": right or left,
        "rows": rows,
        "differing": sum(bool(row.changes) for row in rows),
    }
    return render(request, "mapping/compare.html", context)


def _chosen(asked: str, versions: list[TemplateVersion]) -> TemplateVersion | None:
    """The asked version; Http404 for one that is not the person's."""
    if not asked:
        return None
    found = next((version for version in versions if str(version.pk) == asked), None)
    if found is None:
        raise Http404("no such template version")
    return found


def _rows(left: TemplateVersion, right: TemplateVersion | None) -> list[Row]:
    old, new = field_specs(left.pk), field_specs((right or left).pk)
    by_field: dict[str, list[Change]] = defaultdict(list)
    for change in changes(old, new):
        by_field[change.field_id].append(change)
    before, after = ({field.field_id: field for field in fields} for fields in (old, new))
    every = dict.fromkeys([*after, *before])
    return [Row(one, before.get(one), after.get(one), tuple(by_field[one])) for one in every]
