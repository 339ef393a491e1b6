"""Copy the mapping in force to other locations as drafts, every row marked with how it got there."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from mapping.access import EDITORS, may_edit, template_for
from mapping.models import MappingVersion, Template
from mapping.note import RuleSpec
from mapping.publishing import NotADraft, start_copy
from mapping.queries import draft_of, field_specs, learned_labels, newest_version, published_of, spec_of
from mapping.sections import name_of
from mapping.transfer import Transfer, keeping, transfer
from portal.models import User
from portal.requests import PortalRequest


@dataclass(frozen=True)
class Target:
    """A template of another location, and what the copy would place there."""

    template: Template
    transfer: Transfer
    drafted: bool

    @property
    def left(self) -> list[str]:
        return _names(self.transfer.left)

    @property
    def kept(self) -> list[str]:
        return _names(self.transfer.kept)


def _names(rules: Sequence[RuleSpec]) -> list[str]:
    return list(dict.fromkeys(name_of(rule.section_code) for rule in rules))


@require_http_methods(["GET", "HEAD", "POST"])
def copy_page(request: PortalRequest, pk: int) -> HttpResponse:
    """The templates it could be copied to, with what would find a field; posted, drafts for those chosen (`to`)."""
    template = template_for(request.user, pk, *EDITORS)
    mapping = published_of(template)
    if mapping is None:
        raise Http404("no mapping is in force to copy")
    targets = _targets(request.user, template, mapping)
    if request.method == "POST":
        asked = request.POST.getlist("to")
        chosen = [item for item in targets if str(item.template.pk) in asked and not item.drafted]
        _say(request, [item for item in chosen if _copied(request, item, mapping)])
        return redirect("mapping:templates")
    context = {"template": template, "location": template.location, "mapping": mapping, "targets": targets}
    return render(request, "mapping/copy.html", context)


def _copied(request: PortalRequest, target: Target, mapping: MappingVersion) -> bool:
    """Whether the draft was made; not where somebody began one there since the page was asked for."""
    try:
        start_copy(target.template, mapping, target.transfer, request.user)
    except NotADraft:
        messages.error(request, f"{target.template.location.name}: somebody began a draft there meanwhile.")
        return False
    return True


def _targets(user: User, template: Template, mapping: MappingVersion) -> list[Target]:
    practice = template.location.practice
    learned, spec = learned_labels(practice), spec_of(mapping)
    others = Template.objects.filter(location__practice=practice, location__for_learning=False).exclude(pk=template.pk)
    found = []
    for other in others.select_related("location__practice").order_by("location__code", "code"):
        newest = newest_version(other)
        if newest is not None and may_edit(user, other.location):
            fields, own = field_specs(newest.pk), published_of(other)
            placed = transfer(spec, fields, learned)
            placed = keeping(placed, spec_of(own), fields) if own else placed
            found.append(Target(other, placed, draft_of(other) is not None))
    return found


def _say(request: PortalRequest, chosen: list[Target]) -> None:
    if not chosen:
        messages.error(request, "Nothing was copied: choose a template that has no draft.")
    for item in chosen:
        left = f" Without a field: {', '.join(item.left)}." if item.left else ""
        kept = f" Kept as it is there: {', '.join(item.kept)}." if item.kept else ""
        messages.success(
            request,
            f"{item.template.location.name}: a draft with {len(item.transfer.rules)} rules, "
            f"{item.transfer.suggested} of them by suggestion.{kept}{left}",
        )
