"""ICD-10-CM lists of a practice: look a code up, upload a newer list, take one away."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from mapping.code_forms import CodeListForm
from mapping.codes import code_lists, icd10
from mapping.codes.icd10_files import ListRefused
from mapping.models import DiagnosisList
from portal.access import practice_for, practice_of, somewhere
from portal.models import Practice, Role
from portal.requests import PortalRequest

READERS = (Role.DIRECTOR, Role.MAPPING_EDITOR, Role.OPERATOR, Role.AUDITOR)


@dataclass(frozen=True)
class LookedUp:
    """A code a person asked for, as the list in force today has it."""

    code: str
    verdict: icd10.Verdict
    words: str
    suggestions: tuple[tuple[str, str], ...]  # code and what it is called


@require_safe
def diagnoses(request: PortalRequest) -> HttpResponse:
    """The lists, and one code looked up."""
    somewhere(request.user, *READERS)
    practice = practice_of(request.user)
    code = request.GET.get("code", "").strip()[:20]
    return _page(request, practice, CodeListForm(), looked_up=look_up(practice, code) if code else None)


@require_POST
def upload(request: PortalRequest) -> HttpResponse:
    """Keep a newer list for diagnoses from a day on."""
    practice = practice_for(request.user, Role.DIRECTOR)
    form = CodeListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, practice, form, 422)
    try:
        codes = form.codes()
    except ListRefused as refused:
        form.add_error("file", str(refused))
        return _page(request, practice, form, 422)
    kept = code_lists.add(practice, codes, form.cleaned_data["in_force_from"], request.user)
    messages.success(request, f"{kept.name}: {kept.codes:,} codes, {kept.billable:,} of them billable.")
    return redirect("codes:diagnoses")


@require_POST
def remove(request: PortalRequest, pk: int) -> HttpResponse:
    """Take an uploaded list away: the one before it counts again."""
    practice = practice_for(request.user, Role.DIRECTOR)
    row = DiagnosisList.objects.filter(practice=practice, pk=pk).first()
    if row is None:
        raise Http404("no such list")
    row.delete()
    messages.success(request, f"{row.name} was taken away.")
    return redirect("codes:diagnoses")


def look_up(practice: Practice, code: str) -> LookedUp:
    verdict = icd10.judge(code, code_lists.list_for(practice.pk, timezone.now().date()))
    known = verdict.kind in (icd10.OK, icd10.NOT_BILLABLE)
    return LookedUp(
        code,
        verdict,
        code_lists.words_of(code) if known else "",
        tuple((each, code_lists.words_of(each)) for each in verdict.suggestions),
    )


def _page(
    request: PortalRequest,
    practice: Practice,
    form: CodeListForm,
    status: int = 200,
    looked_up: LookedUp | None = None,
) -> HttpResponse:
    today = timezone.now().date()
    row = code_lists.row_for(practice.pk, today)
    context = {
        "tab": "diagnoses",
        "form": form,
        "lists": DiagnosisList.objects.filter(practice=practice).defer("records").select_related("uploaded_by"),
        "in_force": code_lists.list_for(practice.pk, today),
        "in_force_pk": row[0] if row else None,
        "carried": code_lists.CARRIED,
        "looked_up": looked_up,
        "may_change": Role.DIRECTOR in request.selection.wide,
    }
    return render(request, "codes/diagnoses.html", context, status=status)
