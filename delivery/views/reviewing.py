"""The page on which a clinician looks at a held note, changes it, lets it go or rejects it."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from delivery import contents, reviewing
from delivery.doors import REVIEWS, delivery_for
from delivery.models import Delivery
from delivery.reviewing import CannotReview
from delivery.views.detail import CANNOT_OPEN, feedback_context, record_view
from portal import crypto
from portal.requests import PortalRequest

MOVED = "This note is no longer held: nothing was changed."
LONGEST_REASON = 200


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: PortalRequest, pk: int) -> HttpResponse:
    one = delivery_for(request.user, pk, *REVIEWS)
    if not reviewing.reviewable(one):
        messages.warning(request, MOVED)
        return redirect("delivery:delivery", pk=pk)
    if request.method == "POST":
        return _decide(request, one)
    return _page(request, one)


def _page(
    request: PortalRequest, one: Delivery, texts: dict[int, str] | None = None, status: int = 200
) -> HttpResponse:
    """The note beside its fields; `texts` are what was typed and could not be taken."""
    context: dict[str, Any] = (
        {"delivery": one} | feedback_context(request, one) | {"feedback_from": "review", "may_read": True}
    )
    with transaction.atomic():
        try:
            body = contents.body(one.note_version)
            shown = reviewing.passages(one, body)
            context["patient"] = contents.patient(one.note_version)
            context["passages"] = [(passage, (texts or {}).get(passage.index, passage.text)) for passage in shown]
        except crypto.CannotOpen:
            context["cannot_open"] = CANNOT_OPEN
        except CannotReview as cannot:
            context["cannot_open"] = str(cannot)
        record_view(one, "review")
    return render(request, "delivery/review.html", context, status=422 if texts else 200)


def _decide(request: PortalRequest, one: Delivery) -> HttpResponse:
    deed, reason = request.POST.get("deed", ""), request.POST.get("reason", "").strip()[:LONGEST_REASON]
    texts = _texts(request)
    if deed == "reject":
        if len(reason) < 5:
            messages.error(request, "Rejecting needs a reason of at least five characters. Nothing was changed.")
            return _page(request, one, texts)
        done = reviewing.reject(one, reason)
        (messages.success if done else messages.warning)(request, "Rejected: it does not go." if done else MOVED)
        return redirect("delivery:delivery", pk=one.pk)
    try:
        made = reviewing.edit(one, texts, request.user)
    except CannotReview as cannot:
        messages.error(request, str(cannot))
        return _page(request, one, texts)
    except crypto.CannotOpen:
        messages.error(request, CANNOT_OPEN)
        return redirect("delivery:delivery", pk=one.pk)
    if deed == "release":
        done = reviewing.release(made)
        (messages.success if done else messages.warning)(request, "Signed off and released." if done else MOVED)
        return redirect("delivery:delivery", pk=made.pk)
    messages.success(request, "Kept, and still held." if made.pk != one.pk else "Nothing was changed.")
    return redirect("delivery:review", pk=made.pk)


def _texts(request: PortalRequest) -> dict[int, str]:
    """What was typed, by the section's place."""
    named = ((name.removeprefix("text-"), value) for name, value in request.POST.items() if name.startswith("text-"))
    return {int(place): str(value) for place, value in named if place.isdecimal() and len(place) < 6}
