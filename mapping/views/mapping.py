"""The mapping page: sections on the left, the template's fields on the right; save, publish, discard."""

from collections.abc import Callable

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mapping.access import EDITORS, mapping_for, may_edit, template_for
from mapping.board import Board, beside, board_of
from mapping.difference import differences
from mapping.explain import explained
from mapping.following import default_for, is_newer, rules_of
from mapping.forms import MappingForm, initial_rows, spec_in
from mapping.going_live import NotRehearsed, ask_second_person, rehearsal_of, request_for
from mapping.models import MappingState, MappingVersion, Template
from mapping.note import MappingSpec
from mapping.practice_default import CannotInherit, follow, make_own, take_over
from mapping.publishing import (
    CannotPublish,
    DraftChanged,
    NotADraft,
    ReasonNeeded,
    discard_draft,
    fingerprint,
    publish,
    renew_template,
    return_to,
    save_rules,
    spec_problems,
    start_draft,
)
from mapping.queries import draft_of, drifted_in_force, published_of, spec_of
from mapping.sections import is_code, name_of
from portal.requests import PortalRequest

GONE = "published or discarded"


@require_http_methods(["GET", "HEAD", "POST"])
def mapping_page(request: PortalRequest, pk: int) -> HttpResponse:
    """The template's draft to edit, or the mapping in force to read; every button posts here with its `action`."""
    if request.method == "POST":
        return _act(request, template_for(request.user, pk, *EDITORS))
    template = template_for(request.user, pk)
    draft = draft_of(template)
    may = may_edit(request.user, template.location)
    shown = draft or published_of(template)
    if shown is None:
        more = {"may_edit": may, "default": default_for(template)}
        return render(request, "mapping/no_mapping.html", _frame(template) | more)
    spec = spec_of(shown)
    board = board_of(_form_of(spec), spec, spec_problems(spec, template, thorough=False))
    return _page(request, shown, board, editing=may and shown == draft, seen=fingerprint(spec))


@require_safe
def version_page(request: PortalRequest, pk: int) -> HttpResponse:
    """Any version of a mapping, to be read."""
    mapping = mapping_for(request.user, pk)
    spec = spec_of(mapping)
    problems = spec_problems(spec, mapping.template, thorough=False)
    return _page(request, mapping, board_of(_form_of(spec), spec, problems), editing=False)


@require_safe
def values_page(request: PortalRequest, pk: int) -> HttpResponse:
    """For each section the value in force, from where it came, since when and by whom."""
    template = template_for(request.user, pk)
    return render(request, "mapping/explained.html", _frame(template) | {"rows": explained(template)})


@require_POST
def return_page(request: PortalRequest, pk: int) -> HttpResponse:
    """Put an earlier mapping in force again; posted from its page with a reason."""
    mapping = mapping_for(request.user, pk)
    template_for(request.user, mapping.template_id, *EDITORS)
    try:
        again = return_to(mapping, request.user, request.POST.get("reason", ""))
    except CannotPublish as refused:
        messages.error(request, "Nothing changed. " + " ".join(problem.message for problem in refused.problems[:3]))
        return redirect("mapping:version", pk=pk)
    except NotADraft:
        messages.error(request, "Nothing changed: only a mapping that was in force before can come back.")
        return redirect("mapping:version", pk=pk)
    messages.success(request, f"The rules of mapping {mapping.number} are in force again, as mapping {again.number}.")
    return redirect("mapping:mapping", pk=mapping.template_id)


@require_POST
def check(request: PortalRequest, pk: int) -> HttpResponse:
    """The right side for the form as it stands, unsaved: what fills each field, what is wrong."""
    template = template_for(request.user, pk, *EDITORS)
    form = MappingForm(request.POST)
    if not form.is_valid():
        return render(request, "mapping/complaints.html", {"complaints": list(form.complaints())})
    spec = spec_in(form, template)
    board = board_of(form, spec, spec_problems(spec, template, thorough=False))
    return render(request, "mapping/check.html", _frame(template) | {"board": board, "editing": True, "checked": True})


def _act(request: PortalRequest, template: Template) -> HttpResponse:
    action, _, value = request.POST.get("action", "save").partition(":")
    if action in ("start", "follow-start"):
        start_draft(template, request.user)
    if action == "start":
        return redirect("mapping:mapping", pk=template.pk)
    draft = draft_of(template)
    if action not in ACTIONS:
        return HttpResponseBadRequest("There is no such button.")
    if draft is None:
        return _gone(request, template)
    try:
        return ACTIONS[action](request, draft, value)
    except (NotADraft, DraftChanged) as met:
        return _gone(request, template, "saved by somebody else" if isinstance(met, DraftChanged) else GONE)


def _gone(request: PortalRequest, template: Template, how: str = GONE) -> HttpResponse:
    messages.error(request, f"This draft was {how} meanwhile; nothing of yours was saved.")
    return redirect("mapping:mapping", pk=template.pk)


def _save(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    form = MappingForm(request.POST)
    answer = _saved(request, draft, form)
    if answer is not None:
        return answer
    messages.success(request, "Draft saved. Notes still follow the mapping in force until you publish.")
    return redirect("mapping:mapping", pk=draft.template_id)


@transaction.atomic  # the lock of saving lasts until it is in force: nobody else's draft slips in between
def _publish(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    form = MappingForm(request.POST)
    answer = _saved(request, draft, form)
    if answer is not None:
        return answer
    try:
        publish(draft, request.user, request.POST.get("reason", ""))
    except CannotPublish as refused:
        return _again(request, draft, form, refused=refused, status=422)
    except NotRehearsed:
        return _again(request, draft, form, status=422, unrehearsed=True)
    messages.success(request, f"Mapping {draft.number} is in force: notes follow it from now on.")
    return redirect("mapping:mapping", pk=draft.template_id)


def _go_live(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """Publish the saved draft from another page (a rehearsal's), if it is still the one that was looked at."""
    try:
        publish(draft, request.user, request.POST.get("reason", ""), seen=value)
    except DraftChanged:
        messages.error(request, "The draft was changed meanwhile; nothing was published. Look at it again.")
    except NotRehearsed:
        messages.error(request, "Nothing was published: the draft was not rehearsed as it stands.")
    except CannotPublish as refused:
        said = " ".join(problem.message for problem in refused.problems[:3])
        why = "Write a reason: there are warnings" if isinstance(refused, ReasonNeeded) else said
        messages.error(request, f"Nothing was published. {why}")
    else:
        messages.success(request, f"Mapping {draft.number} is in force: notes follow it from now on.")
    return redirect("mapping:mapping", pk=draft.template_id)


@transaction.atomic
def _ask(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """Save the form, and ask that a second person publish it without a rehearsal.

    From another page no form comes along, and `value` is the fingerprint of the draft that was looked at.
    """
    answer = _saved_along(request, draft)
    if answer is not None:
        return answer
    mark = fingerprint(spec_of(draft))
    try:
        if value and value != mark:
            raise ValueError("Nobody was asked: the draft was changed meanwhile. Look at it again.")
        ask_second_person(draft, mark, request.user, request.POST.get("reason", ""))
    except ValueError as error:
        if not value:
            return _again(request, draft, MappingForm(request.POST), status=422, complaint=str(error))
        messages.error(request, str(error))
    else:
        messages.success(request, "Asked. Another director or mapping editor can now publish this draft as it stands.")
    return redirect("mapping:mapping", pk=draft.template_id)


def _saved(request: PortalRequest, draft: MappingVersion, form: MappingForm) -> HttpResponse | None:
    """Save the posted rules; where that is not possible, the page again with what to correct."""
    if not form.is_valid():
        return _again(request, draft, form, status=422)
    head = form.head.cleaned_data
    try:
        save_rules(draft, form.rules(), head["catch_all_field_id"], request.user, head["seen"])
    except DraftChanged:
        return _again(request, draft, form, status=409)
    return None


def _discard(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    try:
        discard_draft(draft, request.POST.get("seen", ""))
    except DraftChanged:
        messages.error(request, "Not discarded: somebody else saved this draft since you opened it. Look at it first.")
        return redirect("mapping:mapping", pk=draft.template_id)
    messages.success(request, "Draft discarded. The mapping in force is unchanged.")
    return redirect("mapping:template", pk=draft.template_id)


def _renew(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    answer = _saved_along(request, draft)
    if answer is not None:
        return answer
    renewed = renew_template(draft, request.user)
    messages.success(request, f"The draft is now for version {renewed.template_version.number} of the template.")
    return redirect("mapping:mapping", pk=draft.template_id)


def _add(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """The page again with an open row more: for a section named by the button, or typed as the practice's own."""
    form = MappingForm(request.POST)
    code = value or request.POST.get("own_code", "").strip()
    if not is_code(code):
        said = "A code of your own has small letters, digits and underscores, and begins with a letter."
        return _again(request, draft, form, status=422, complaint=said)
    rows = [{name: line[name].value() for name in line.fields} for line in form.rows.forms]
    extended = MappingForm(initial=[*rows, {"section_code": code, "separator": "\\n\\n"}])
    extended.head.initial = {name: form.head[name].value() for name in form.head.fields}
    return _again(request, draft, extended, anchor=code)


def _follow(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """Let the draft take over the practice default in force, with what the form around the button holds."""
    answer = _saved_along(request, draft)
    if answer is not None:
        return answer
    default = default_for(draft.template)
    if default is None:
        messages.error(request, "The practice has no default mapping.")
        return redirect("mapping:mapping", pk=draft.template_id)
    found = follow(draft, default, request.user)
    said = f"The draft follows {default}. Sections taken over: {len(found.taken)}; dropped: {len(found.dropped)}."
    messages.success(request, f"{said} Nothing is in force yet.")
    for one in found.refused:
        messages.warning(request, f"{name_of(one.section_code)} stays as it is. {one.why}")
    return redirect("mapping:mapping", pk=draft.template_id)


def _inherit(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """One section as the practice default has it."""
    answer = _saved_along(request, draft)
    if answer is not None:
        return answer
    try:
        take_over(draft, value, request.user)
    except CannotInherit as refused:
        messages.error(request, f"{name_of(value)} stays as it is. {refused}")
    else:
        messages.success(request, f"{name_of(value)} comes from the practice default in this draft.")
    return _back_to(draft, value)


def _own(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """One section as the location's own, from now on."""
    answer = _saved_along(request, draft)
    if answer is not None:
        return answer
    make_own(draft, value, request.user)
    messages.success(request, f"{name_of(value)} is this location’s own in this draft: no default changes it.")
    return _back_to(draft, value)


def _back_to(draft: MappingVersion, code: str) -> HttpResponse:
    address = reverse("mapping:mapping", args=[draft.template_id])
    return redirect(f"{address}#section-{code}" if is_code(code) else address)


def _saved_along(request: PortalRequest, draft: MappingVersion) -> HttpResponse | None:
    """What the form around the button holds, saved first; nothing to do where the button stands on another page."""
    if "rules-TOTAL_FORMS" not in request.POST:
        return None
    return _saved(request, draft, MappingForm(request.POST))


def _connect(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """The page again with one section's first row sent to another field, unsaved: what the pair of selects asks for."""
    data = request.POST.copy()
    for name in [name for name in data if name.endswith("-section_code")]:
        if data[name] == data.get("connect_section"):
            data[name.replace("-section_code", "-field_id")] = data.get("connect_field", "")
            break
    return _again(request, draft, MappingForm(data), anchor=data.get("connect_section", ""))


def _preview(request: PortalRequest, draft: MappingVersion, value: str) -> HttpResponse:
    """The page again, unsaved, with what would be sent by the form: what a script asks for at every edit."""
    return _again(request, draft, MappingForm(request.POST))


def _again(
    request: PortalRequest,
    draft: MappingVersion,
    form: MappingForm,
    *,
    status: int = 200,
    complaint: str = "",
    refused: CannotPublish | None = None,
    anchor: str = "",
    unrehearsed: bool = False,
) -> HttpResponse:
    """The page with what was posted, not lost; the right side shows it where it is valid, else the saved draft."""
    valid = form.head.is_bound and form.is_valid()
    spec = spec_in(form, draft.template) if valid else spec_of(draft)
    problems = spec_problems(spec, draft.template, thorough=refused is not None)
    complaints = [complaint] if complaint else list(form.complaints()) if form.head.is_bound else []
    board = board_of(form, spec, problems, complaints)
    seen = fingerprint(spec_of(draft)) if refused or unrehearsed else str(form.head["seen"].value() or "")
    more = {"refused": refused, "conflict": status == 409, "unrehearsed": unrehearsed}
    return _page(request, draft, board, True, seen, status, **more)


ACTIONS: dict[str, Callable[[PortalRequest, MappingVersion, str], HttpResponse]] = {
    "save": _save,
    "publish": _publish,
    "discard": _discard,
    "renew": _renew,
    "add": _add,
    "follow": _follow,
    "follow-start": _follow,
    "inherit": _inherit,
    "own": _own,
    "connect": _connect,
    "preview": _preview,
    "live": _go_live,
    "ask": _ask,
}


def _form_of(spec: MappingSpec) -> MappingForm:
    form = MappingForm(initial=initial_rows(spec))
    form.head.initial = {"catch_all_field_id": spec.catch_all_field_id}
    return form


def _frame(template: Template) -> dict[str, object]:
    return {"template": template, "location": template.location}


def _page(
    request: PortalRequest,
    mapping: MappingVersion,
    board: Board,
    editing: bool,
    seen: str = "",
    status: int = 200,
    **more: object,
) -> HttpResponse:
    context = _frame(mapping.template) | {
        "mapping": mapping,
        "editing": editing,
        "may_edit": may_edit(request.user, mapping.template.location),
        "seen": seen,
        "reason": request.POST.get("reason", ""),
        **_standing(mapping),
        **_inheritance(request, mapping, board),
        **more,
    }
    return render(request, "mapping/mapping.html", context, status=status)


def _standing(mapping: MappingVersion) -> dict[str, object]:
    """What it does otherwise than the mapping in force, whether it was rehearsed, who asked for a second person."""
    in_force = published_of(mapping.template)
    spec = spec_of(mapping)
    mark = fingerprint(spec)
    draft = mapping.state == MappingState.DRAFT
    return {
        "in_force": in_force,
        "drifted": drifted_in_force(mapping.template),
        "differences": differences(spec_of(in_force), spec) if in_force and in_force != mapping else (),
        "rehearsed": rehearsal_of(mapping, mark) if draft else None,
        "asked": request_for(mapping, mark) if draft else None,
    }


def _inheritance(request: PortalRequest, mapping: MappingVersion, board: Board) -> dict[str, object]:
    """The board beside the default it follows, else the one in force; a newer one; whether one may be made of it."""
    default = default_for(mapping.template)
    newer = mapping.state != MappingState.RETIRED and is_newer(default, mapping)
    return {
        "board": beside(board, rules_of(mapping.follows or default)),
        "newer_default": default if newer else None,
        "may_share": bool(request.selection.wide & set(EDITORS)) and mapping.state == MappingState.PUBLISHED,
    }
