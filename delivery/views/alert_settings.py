"""Who is told of a practice's alerts, by which way, and from when on conditions count. For its directors."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from delivery.alerts import queries, recipients
from delivery.alerts.course import settings_of
from delivery.alerts.forms import AlertSettingsForm, RecipientForm
from delivery.alerts.kinds import WEBHOOK
from delivery.alerts.models import AlertRecipient
from delivery.alerts.words import why
from portal.access import practice_for
from portal.models import Location, Practice, Role
from portal.requests import PortalRequest


def alert_settings(request: PortalRequest) -> HttpResponse:
    """The limits, and everybody who is told."""
    practice = practice_for(request.user, Role.DIRECTOR)
    form = AlertSettingsForm(request.POST or None, instance=settings_of(practice))
    if request.method == "POST" and form.is_valid():
        recipients.set_limits(form.save(commit=False))
        messages.success(request, "Saved; it holds from the next look on, within half a minute.")
        return redirect("delivery:alert-settings")
    context = {
        "form": form,
        "rows": queries.recipient_rows(practice),
        "standing_in": queries.standing_in(practice, Location.objects.filter(practice=practice, for_learning=False)),
        "mail": settings.EMAIL_HOST,
    }
    return render(request, "delivery/alerts/settings.html", context, status=422 if form.errors else 200)


def recipient_new(request: PortalRequest) -> HttpResponse:
    practice = practice_for(request.user, Role.DIRECTOR)
    form = RecipientForm(practice, None, request.POST or None)
    if request.method == "POST" and form.is_valid():
        row, secret = recipients.create(practice, form.wanted())
        if secret:
            return _shown_once(request, row, secret)
        messages.success(request, "Saved. Press Test to see whether it arrives.")
        return redirect("delivery:alert-recipient", row.pk)
    return render(request, "delivery/alerts/recipient.html", {"form": form}, status=422 if form.errors else 200)


def recipient(request: PortalRequest, pk: int) -> HttpResponse:
    practice = practice_for(request.user, Role.DIRECTOR)
    row = _row(practice, pk)
    form = RecipientForm(practice, row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        recipients.change(row, form.wanted())
        messages.success(request, "Saved; it holds for the next message.")
        return redirect("delivery:alert-recipient", row.pk)
    context = {"form": form, "row": row, "is_webhook": row.way == WEBHOOK}
    return render(request, "delivery/alerts/recipient.html", context, status=422 if form.errors else 200)


def _row(practice: Practice, pk: int) -> AlertRecipient:
    rows = AlertRecipient.objects.filter(practice=practice).select_related("practice", "location")
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404("no such recipient")
    return row


@require_POST
def recipient_act(request: PortalRequest, pk: int, verb: str) -> HttpResponse:
    """Test, a new secret, or removal."""
    row = _row(practice_for(request.user, Role.DIRECTOR), pk)
    deed = DEEDS.get(verb)
    if deed is None:
        raise Http404("no such deed")
    return deed(request, row)


def _test(request: PortalRequest, row: AlertRecipient) -> HttpResponse:
    sent = recipients.test(row)
    if sent.taken:
        messages.success(request, "The test message was taken. Whether it arrived, its reader knows.")
    else:
        messages.error(request, f"The test message was not taken. {why(sent.reason, sent.status)}")
    return redirect("delivery:alert-recipient", row.pk)


def _secret(request: PortalRequest, row: AlertRecipient) -> HttpResponse:
    if row.way != WEBHOOK:
        raise Http404("an e-mail address has no secret")
    return _shown_once(request, row, recipients.rotate(row))


def _remove(request: PortalRequest, row: AlertRecipient) -> HttpResponse:
    recipients.remove(row)
    messages.success(request, "Removed: nothing more is sent there.")
    return redirect("delivery:alert-settings")


def _shown_once(request: PortalRequest, row: AlertRecipient, secret: str) -> HttpResponse:
    return render(request, "delivery/alerts/secret.html", {"row": row, "secret": secret})


DEEDS: dict[str, Callable[[PortalRequest, AlertRecipient], HttpResponse]] = {
    "test": _test,
    "secret": _secret,
    "remove": _remove,
}
