"""Accept suggestions into the draft, together with what the mapping page's form holds at that moment."""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from mapping.access import EDITORS, template_for
from mapping.forms import MappingForm
from mapping.models import MappingVersion
from mapping.offers import accepted, offers
from mapping.publishing import DraftChanged, NotADraft, save_rules
from mapping.queries import draft_of, learned_labels, spec_of
from portal.requests import PortalRequest

NOT_SAVED = (
    "Nothing was accepted: something in the form is not filled in rightly. Go back in the browser, save the draft "
    "to see what, and accept again."
)


@require_POST
def accept(request: PortalRequest, pk: int) -> HttpResponse:
    """Add the rules of the ticked (`accept`) and picked (`pick-<code>`) suggestions to the template's draft.

    `rest-<code>` names the field for what stands under none of the headings at which a section is divided.
    """
    template = template_for(request.user, pk, *EDITORS)
    draft = draft_of(template)
    if draft is None:
        messages.error(request, "This draft was published or discarded meanwhile; nothing of yours was saved.")
        return redirect("mapping:mapping", pk=pk)
    try:
        added = _accept(request, draft)
    except ValueError:
        messages.error(request, NOT_SAVED)
    except DraftChanged:
        messages.error(request, "Somebody else saved this draft meanwhile; nothing of yours was saved.")
    except NotADraft:
        messages.error(request, "This draft was published meanwhile; nothing of yours was saved.")
    else:
        said = f"{added} section{'' if added == 1 else 's'} added to the draft. Look at each before you publish."
        messages.success(request, said if added else "Nothing was chosen, so nothing was added.")
    return redirect("mapping:mapping", pk=pk)


def _accept(request: PortalRequest, draft: MappingVersion) -> int:
    """How many sections were added. Raises ValueError for a form that cannot be saved, DraftChanged, NotADraft."""
    before = spec_of(draft)
    rules, catch_all, seen = list(before.rules), before.catch_all_field_id, ""
    if "rules-TOTAL_FORMS" in request.POST:  # sent with the form around it: unsaved edits come along
        form = MappingForm(request.POST)
        if not form.is_valid():
            raise ValueError("the form is not a mapping yet")
        head = form.head.cleaned_data
        rules, catch_all, seen = list(form.rules()), head["catch_all_field_id"], head["seen"]
    offered = offers(before, learned_labels(draft.template.location.practice))
    mapped = {rule.section_code for rule in rules}
    chosen = accepted(offered, request.POST.getlist("accept"), _named(request, "pick-"), _named(request, "rest-"))
    last = max((rule.position for rule in rules), default=0)
    new = [
        replace(rule, position=last + place)
        for place, rule in enumerate((rule for rule in chosen if rule.section_code not in mapped), start=1)
    ]
    save_rules(draft, [*rules, *new], catch_all, request.user, seen)
    return len({rule.section_code for rule in new})


def _named(request: PortalRequest, prefix: str) -> dict[str, str]:
    """What was posted under the names that begin so, by the rest of the name."""
    return {name.removeprefix(prefix): str(value) for name, value in request.POST.items() if name.startswith(prefix)}
