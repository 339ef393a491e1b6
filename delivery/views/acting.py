"""The buttons of a delivery's page: each a form that posts here, a verb of delivery/actions.py, and a word back."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from audit.record import record
from delivery.deeds import Deed, by_way, deed_of
from delivery.doors import ACTS, delivery_for
from delivery.models import Delivery
from delivery.other_way import WHY_NOT, other_routes
from delivery.states import WORDS, State
from delivery.views.forms import ActForm
from portal.requests import PortalRequest


@require_POST
def act(request: PortalRequest, pk: int, verb: str) -> HttpResponse:
    """Do one thing to one delivery, for a reason; whoever was faster has won, and the page says so."""
    one = delivery_for(request.user, pk, *ACTS)
    deed = deed_of(one, verb)
    if deed is None:
        messages.warning(request, f"That is no longer possible: the delivery is now “{_state(one)}”.")
        return redirect("delivery:delivery", pk=pk)
    form = ActForm(request.POST)
    form.fields["reason"].required = deed.reason_needed
    if deed.verb == "other-way":
        form.offer(other_routes(one))
    else:
        del form.fields["way"]  # one form for all buttons
    if not form.is_valid():
        messages.error(request, _refusal(form, deed))
        return redirect("delivery:delivery", pk=pk)
    deed = by_way(deed, form.cleaned_data.get("way"))
    _carry_out(request, one, deed, form.cleaned_data["reason"])
    return redirect("delivery:delivery", pk=pk)


def _refusal(form: ActForm, deed: Deed) -> str:
    if "way" in form.errors:
        return f"Nothing was changed: {WHY_NOT['not_this_way']}."
    return f"“{deed.label}” needs a reason of at least five characters. Nothing was changed."


def _carry_out(request: PortalRequest, one: Delivery, deed: Deed, reason: str) -> None:
    with transaction.atomic():
        done = deed.carry_out([one.pk], reason)
        if done and deed.verb == "verify":  # the others are moves, which record themselves
            _record_asking(one, reason)
    if done:
        messages.success(request, deed.done)
        return
    one.refresh_from_db(fields=["state"])
    messages.warning(request, f"Nothing was changed: the delivery is now “{_state(one)}”.")


def _record_asking(one: Delivery, reason: str) -> None:
    record(
        "chart.ask",
        practice=one.location.practice.code,
        location=one.location.code,
        subject_bidx=one.note_version.patient_bidx,
        encounter_bidx=one.encounter_bidx,
        object_type="delivery",
        object_id=str(one.pk),
        correlation_id=one.note_version.correlation_id,
        reason=reason,
        detail={"delivery_id": one.pk},
    )


def _state(one: Delivery) -> str:
    return WORDS[State(one.state)].label
