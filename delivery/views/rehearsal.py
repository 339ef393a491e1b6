"""Rehearse a draft over stored notes, and look at what the replay found."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from delivery import rehearsal as rehearsals
from delivery.failures import failure
from delivery.models import NoteVersion
from mapping.access import EDITORS, may_edit, template_for
from mapping.difference import differences
from mapping.forms import MappingForm
from mapping.going_live import DraftGone, NotRehearsed, rehearsal_of, request_for, way
from mapping.models import MappingState, MappingVersion, Rehearsal
from mapping.publishing import DraftChanged, NotADraft, fingerprint, save_rules, spec_problems
from mapping.queries import draft_of, spec_of
from mapping.sections import name_of
from mapping.validation import errors, warnings
from portal.models import User
from portal.requests import PortalRequest

NOT_SAVED = "Nothing was rehearsed: the form is not a mapping yet. Save the draft to see what to correct."


@require_POST
def rehearse(request: PortalRequest, template_pk: int) -> HttpResponse:
    """Save what the mapping page holds, replay it, show what was found."""
    template = template_for(request.user, template_pk, *EDITORS)
    draft = draft_of(template)
    try:
        if draft is None:
            raise NotADraft
        _save(request, draft)
    except NotADraft:
        messages.error(request, "This draft was published or discarded meanwhile; nothing was rehearsed.")
    except DraftChanged:
        messages.error(request, "Somebody else saved this draft meanwhile; nothing of yours was saved or rehearsed.")
    except ValueError:
        messages.error(request, NOT_SAVED)
    else:
        asked = request.POST.get("replay", "")
        count = int(asked) if asked in map(str, rehearsals.COUNTS) else rehearsals.USUAL
        try:
            kept = rehearsals.rehearse(draft, request.user, count)
        except DraftGone:
            messages.error(request, "This draft was published or discarded while it was rehearsed; nothing was kept.")
        else:
            return redirect("delivery:rehearsal", pk=kept.pk)
    return redirect("mapping:mapping", pk=template_pk)


def _save(request: PortalRequest, draft: MappingVersion) -> None:
    """The mapping page's form, where it came along. Raises ValueError, DraftChanged, NotADraft."""
    if "rules-TOTAL_FORMS" not in request.POST:
        return
    form = MappingForm(request.POST)
    if not form.is_valid():
        raise ValueError("the form is not a mapping yet")
    head = form.head.cleaned_data
    save_rules(draft, form.rules(), head["catch_all_field_id"], request.user, head["seen"])


@dataclass(frozen=True)
class Row:
    """One note of the list: when it came, for whom it was written, and what would become of it. No patient."""

    received_at: datetime
    provider: str
    changed: tuple[str, ...]
    lost: tuple[str, ...]
    caught: tuple[str, ...]
    blocked: tuple[str, ...]
    freed: bool


@require_safe
def rehearsal(request: PortalRequest, pk: int) -> HttpResponse:
    """What a rehearsal found, the gravest first; and, while the draft is as it was, the button to publish it."""
    kept = get_object_or_404(Rehearsal.objects.select_related("mapping", "rehearsed_by", "in_force"), pk=pk)
    template = template_for(request.user, kept.mapping.template_id)
    kept.mapping.template = template
    spec = spec_of(kept.mapping)
    problems = spec_problems(spec, template, thorough=False)
    is_draft = kept.mapping.state == MappingState.DRAFT
    mark = fingerprint(spec)
    rows = _rows(kept)
    context = {
        "template": template,
        "location": template.location,
        "kept": kept,
        "rows": rows,
        "gone": len(kept.findings) - len(rows),
        "differences": differences(spec_of(kept.in_force), spec) if kept.in_force else (),
        "counts": rehearsals.COUNTS,
        "current": is_draft and rehearsal_of(kept.mapping, mark) == kept,
        "is_draft": is_draft,
        "asked": request_for(kept.mapping, mark),
        "way": _way(kept.mapping, mark, request.user) if is_draft else "",
        "mark": mark,
        "errors": errors(problems),
        "reason_needed": bool(warnings(problems)),
        "may_edit": may_edit(request.user, template.location),
    }
    return render(request, "delivery/rehearsal.html", context)


def _way(draft: MappingVersion, mark: str, user: User) -> str:
    """How this person may publish the draft; "" where neither a rehearsal nor a second person lets them."""
    try:
        return way(draft, mark, user)
    except NotRehearsed:
        return ""


def _rows(kept: Rehearsal) -> list[Row]:
    found = {str(finding["note"]): finding for finding in kept.findings}
    versions = NoteVersion.objects.filter(pk__in=found, note__location=kept.mapping.template.location_id)
    rows = [_row(version, found[str(version.pk)]) for version in versions.order_by("-received_at")]
    return sorted(rows, key=lambda row: (not row.lost, not row.blocked, not row.caught))


def _row(version: NoteVersion, finding: dict[str, list[str]]) -> Row:
    changed, lost, caught = (tuple(map(name_of, finding.get(kind, ()))) for kind in ("changed", "lost", "caught"))
    return Row(
        version.received_at,
        version.provider_name or "provider not given",
        changed,
        lost,
        caught,
        tuple(_title(code) for code in finding["blocked"]),
        bool(finding["freed"]),
    )


def _title(code: str) -> str:
    if code == rehearsals.CANNOT_OPEN:
        return "The stored note cannot be opened, so it was not replayed"
    return failure(code).title
