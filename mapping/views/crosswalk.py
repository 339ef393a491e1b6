"""The pages of a practice's drug crosswalk: the list, one drug, a file's preview, its save."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mapping.code_forms import CrosswalkFileForm, DrugForm
from mapping.codes.drug_imports import CannotCarry, changes, keep, packed, save_all, unpacked
from mapping.importers.base import ImportRefused
from mapping.models import CrosswalkDrug
from mapping.views.diagnosis_codes import READERS
from portal.access import practice_for, practice_of, somewhere
from portal.models import Practice, Role
from portal.requests import PortalRequest

EDITORS = (Role.DIRECTOR, Role.MAPPING_EDITOR)
A_PAGE = 50
TOO_OLD = "This preview is too old or not yours; nothing was saved. Choose the file again."
EDITED = ("name", "ecw_id", "strength", "formulation")


@require_safe
def drugs(request: PortalRequest) -> HttpResponse:
    """The crosswalk, searched by name or code."""
    somewhere(request.user, *READERS)
    practice = practice_of(request.user)
    sought = request.GET.get("q", "").strip()[:80]
    rows = CrosswalkDrug.objects.filter(practice=practice).select_related("verified_by")
    if sought:
        digits = sought.replace("-", "")
        rows = rows.filter(Q(name__icontains=sought) | Q(ecw_id=sought) | Q(rxcui=sought) | Q(ndc11__startswith=digits))
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    context = {"tab": "drugs", "page": page, "sought": sought, "may_change": may_change(request)}
    return render(request, "codes/drugs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def drug(request: PortalRequest, pk: int | None = None) -> HttpResponse:
    """One drug, new or known; saving it says that this person verified it now."""
    practice = practice_for(request.user, *EDITORS)
    row = _drug_of(practice, pk) if pk is not None else None
    form = DrugForm(row, request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        status = 200 if request.method != "POST" else 422
        return render(request, "codes/drug.html", {"form": form, "drug": row}, status=status)
    if row is None:
        row = keep(practice, form.cleaned_data["row"], request.user, "by hand")
    else:
        for name in EDITED:
            setattr(row, name, form.cleaned_data[name])
        row.verified_by, row.verified_at = request.user, timezone.now()
        row.save()
    messages.success(request, f"{row.name} is eCW's drug {row.ecw_id}.")
    return redirect("codes:drugs")


@require_POST
def remove(request: PortalRequest, pk: int) -> HttpResponse:
    """Take a drug out: notes with its code wait for a decision again."""
    row = _drug_of(practice_for(request.user, *EDITORS), pk)
    row.delete()
    messages.success(request, f"{row.name} was taken out of the crosswalk.")
    return redirect("codes:drugs")


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: PortalRequest) -> HttpResponse:
    """The form for the file; posted, what was read from it."""
    practice = practice_for(request.user, *EDITORS)
    form = CrosswalkFileForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "codes/import.html", {"form": form}, status=200 if request.method != "POST" else 422)
    try:
        rows, refused = form.rows()
        source = form.cleaned_data["file"].name
        token = packed(rows, source, practice, request.user)
    except ImportRefused as error:
        return render(request, "codes/import.html", {"form": form, "refused": str(error)}, status=422)
    found = changes(practice, rows)
    kinds = [each.kind for each in found]
    context = {
        "changes": [each for each in found if each.kind != "same"][:500],
        "counts": {kind: kinds.count(kind) for kind in ("new", "changed", "same")},
        "refused": refused,
        "token": token,
        "source": source,
    }
    return render(request, "codes/import_preview.html", context)


@require_POST
def save_page(request: PortalRequest) -> HttpResponse:
    """Save what the preview showed."""
    practice = practice_for(request.user, *EDITORS)
    try:
        rows, source = unpacked(request.POST.get("token", ""), practice, request.user)
    except CannotCarry:
        return render(request, "codes/import.html", {"form": CrosswalkFileForm(), "refused": TOO_OLD}, status=422)
    new, changed = save_all(practice, rows, request.user, source)
    messages.success(request, f"Saved: {new} new, {changed} changed.")
    return redirect("codes:drugs")


def may_change(request: PortalRequest) -> bool:
    """Whether to show what changes the crosswalk; the doors above decide."""
    return bool(request.selection.wide & set(EDITORS))


def _drug_of(practice: Practice, pk: int) -> CrosswalkDrug:
    row = CrosswalkDrug.objects.filter(practice=practice, pk=pk).first()
    if row is None:
        raise Http404("no such drug")
    return row
