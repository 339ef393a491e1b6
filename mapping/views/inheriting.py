"""The practice default: what the locations share and where they deviate, and a newer one, with what it would change."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from mapping.access import EDITORS, may_edit, template_for
from mapping.difference import in_words, labels_of
from mapping.explain import default_in_words, here_in_words
from mapping.following import default_for, defaults_of, is_newer, previews, rules_of, shared
from mapping.forms import PracticeDefaultForm
from mapping.inheritance import Followed, by_section, standings
from mapping.models import MappingVersion, PracticeDefault, Template
from mapping.note import MappingSpec
from mapping.practice_default import propose, publish_default
from mapping.publishing import NotADraft
from mapping.queries import draft_of, published_of, spec_of
from mapping.sections import name_of
from portal.access import practice_for, practice_of
from portal.models import Location
from portal.requests import PortalRequest

NOT_SEEN = "What is shared was changed after you looked: below stands what it would change now. Publish again."


@dataclass(frozen=True)
class Deviation:
    """One section that a location has otherwise than the default, in words; `refused`: its template cannot take it."""

    name: str
    here: str
    default: str
    refused: str


@dataclass(frozen=True)
class Place:
    """One template to which a default applies, and how its mapping in force stands to it."""

    template: Template
    mapping: MappingVersion | None
    inherited: int
    deviations: tuple[Deviation, ...]
    behind: bool
    draft: MappingVersion | None
    may_edit: bool


@dataclass(frozen=True)
class Shared:
    """A default in force with its rows in words, the templates it applies to, and the defaults before it."""

    default: PracticeDefault
    rows: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]
    earlier: tuple[PracticeDefault, ...]


@require_safe
def default_page(request: PortalRequest) -> HttpResponse:
    """The practice's defaults in force, each with the locations in view: what they inherit, where they deviate."""
    practice = practice_of(request.user)
    of_code: dict[str, list[PracticeDefault]] = {}
    for default in defaults_of(practice):
        of_code.setdefault(default.template_code, []).append(default)
    places: dict[int, list[Place]] = {}
    for template in _templates(request.selection.in_view):
        own = default_for(template)
        if own is not None:
            places.setdefault(own.pk, []).append(_place(request, template, own))
    listed = [
        Shared(newest, _rows(newest), tuple(places.get(newest.pk, [])), tuple(earlier))
        for newest, *earlier in of_code.values()
    ]
    return render(request, "mapping/default.html", {"listed": listed})


def _templates(locations: Sequence[Location]) -> list[Template]:
    found = Template.objects.filter(location__in=locations).select_related("location__practice")
    return list(found.order_by("location__code", "code"))


def _rows(default: PracticeDefault) -> tuple[tuple[str, str], ...]:
    labels = labels_of(spec_of(default.taken_from).fields)
    return tuple((name_of(rule.section_code), in_words(rule, labels)) for rule in rules_of(default))


def _place(request: PortalRequest, template: Template, default: PracticeDefault) -> Place:
    mapping, deviations, count = published_of(template), [], 0
    if mapping is not None:
        spec = spec_of(mapping)
        labels = labels_of(spec_of(default.taken_from).fields) | labels_of(spec.fields)
        found = standings(spec.rules, rules_of(default), spec.fields)
        count = sum(one.inherited for one in found)
        deviations = [
            Deviation(one.name, here_in_words(one, labels), default_in_words(one, labels), one.refused)
            for one in found
            if one.deviates
        ]
    return Place(
        template,
        mapping,
        count,
        tuple(deviations),
        mapping is None or is_newer(default, mapping),
        draft_of(template),
        may_edit(request.user, template.location),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def make_default(request: PortalRequest, pk: int) -> HttpResponse:
    """Choose what of a mapping in force the locations share, see what it would change at each; posted, publish it."""
    template = template_for(request.user, pk, *EDITORS)
    practice_for(request.user, *EDITORS)  # it concerns every location, so the role must be held at all of them
    mapping = published_of(template)
    if mapping is None:
        raise Http404("no mapping is in force to share")
    mapping.template = template
    spec = spec_of(mapping)
    if request.method != "POST":
        return _choosing(request, mapping, _fresh(mapping, spec))
    form = PracticeDefaultForm(spec, request.POST)
    if request.POST.get("action") != "publish":
        return _choosing(request, mapping, form)
    if not form.is_valid():
        complaints = [str(message) for listed in form.errors.values() for message in listed]
        return _choosing(request, mapping, form, complaints, 422)
    if request.POST.get("seen") != _mark(mapping, form):
        return _choosing(request, mapping, form, [NOT_SEEN], 422)
    return _publish(request, mapping, form)


def _fresh(mapping: MappingVersion, spec: MappingSpec) -> PracticeDefaultForm:
    """Every section chosen, for the same templates as the default in force."""
    default = default_for(mapping.template)
    codes = list(dict.fromkeys(rule.section_code for rule in spec.rules))
    scope = "code" if default is not None and default.template_code else "every"
    return PracticeDefaultForm(spec, initial={"sections": codes, "scope": scope})


def _chosen(form: PracticeDefaultForm) -> tuple[list[str], str]:
    """The sections and the scope as they stand in the form, valid or not."""
    return sorted(map(str, form["sections"].value() or [])), str(form["scope"].value() or "every")


def _mark(mapping: MappingVersion, form: PracticeDefaultForm) -> str:
    """What the preview was made of; another mapping in force, section or scope makes it another."""
    sections, scope = _chosen(form)
    return f"{mapping.pk}:{scope}:{','.join(sections)}"


def _choosing(
    request: PortalRequest,
    mapping: MappingVersion,
    form: PracticeDefaultForm,
    complaints: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    sections, scope = _chosen(form)
    spec = spec_of(mapping)
    context = {
        "template": mapping.template,
        "location": mapping.template.location,
        "mapping": mapping,
        "rows": _words(spec),
        "chosen": sections,
        "scope": scope,
        "reason": form["reason"].value() or "",
        "seen": _mark(mapping, form),
        "complaints": complaints,
        "previews": previews(mapping, shared(spec, sections), _code(mapping, scope)),
        "asked": request.POST.getlist("to"),
    }
    return render(request, "mapping/make_default.html", context, status=status)


def _words(spec: MappingSpec) -> list[tuple[str, str, str]]:
    """Per section its code, its name, and where its rules file it."""
    labels = labels_of(spec.fields)
    listed = by_section(spec.rules).items()
    return [(code, name_of(code), "; ".join(in_words(rule, labels) for rule in rules)) for code, rules in listed]


def _code(mapping: MappingVersion, scope: str) -> str:
    return mapping.template.code if scope == "code" else ""


@transaction.atomic
def _publish(request: PortalRequest, mapping: MappingVersion, form: PracticeDefaultForm) -> HttpResponse:
    """Publish the default, and propose it where the person left the box ticked."""
    given = form.cleaned_data
    code = _code(mapping, given["scope"])
    default = publish_default(mapping, given["sections"], code, request.user, given["reason"])
    asked = request.POST.getlist("to")
    for one in previews(mapping, rules_of(default), code):
        if one.proposable and str(one.template.pk) in asked:
            try:
                _say(request, one.template, propose(one.template, default, request.user))
            except NotADraft:
                messages.error(request, f"{one.template.location.name}: somebody began a draft there meanwhile.")
    said = f"{str(default).capitalize()} is published. No mapping in force was changed."
    messages.success(request, said)
    return redirect("mapping:default")


def _say(request: PortalRequest, template: Template, found: Followed) -> None:
    refused = f" It cannot take: {' '.join(one.why for one in found.refused)}" if found.refused else ""
    name = template.location.name
    messages.success(request, f"{name}: a draft of {template.name}, to be rehearsed and published there.{refused}")
