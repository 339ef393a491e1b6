"""Weekly and monthly reports of the locations in view: on screen, as CSV and as PDF. Numbers only."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from audit.when_called import when_called
from delivery.completeness.days import day_of, read_day
from delivery.completeness.tables import Table
from delivery.doors import scope_for
from delivery.reports.mailing import choose, wishes_of
from delivery.reports.periods import MONTH, WEEK, Period, period_of
from delivery.reports.summary import Summary, summary
from delivery.views.completeness import exported
from portal.requests import PortalRequest

FILES: dict[str, Callable[[Period, Sequence[Summary]], Table]] = {
    kind: when_called(f"delivery.reports.files.as_{kind}") for kind in ("csv", "pdf")
}


@require_GET
def report(request: PortalRequest) -> HttpResponse:
    """The week or the month that the address names; the last whole week where it names none."""
    period, summaries, over = _asked(request)
    wishes = wishes_of(request.user)
    context = {
        "period": period,
        "summaries": summaries,
        "over": over,
        "wishes": [(one.location, wishes.get(one.location.pk)) for one in summaries],
        "address": request.user.email,
        "since": min((one.counted_at for one in summaries if one.counted_at), default=None),
        "mail": bool(settings.EMAIL_HOST),
    }
    return render(request, "delivery/reports/report.html", context)


@require_POST
def mailing(request: PortalRequest) -> HttpResponse:
    """Which of the locations in view this person is mailed of; of others their wish stays as it is."""
    for location in scope_for(request).locations:
        weekly, monthly = (location.code in request.POST.getlist(name) for name in ("weekly", "monthly"))
        choose(request.user, location, weekly, monthly)
    messages.success(request, "Kept. What comes due from now on is mailed.")
    return redirect("delivery:report")


def _asked(request: PortalRequest) -> tuple[Period, list[Summary], bool]:
    scope, now = scope_for(request), timezone.now()
    today = day_of(now, scope.zone)
    kind = MONTH if request.GET.get("kind") == MONTH else WEEK
    named = read_day(request.GET.get("day", ""))
    period = period_of(kind, min(named, today)) if named else period_of(kind, today).before
    return period, [summary(one, period, now) for one in scope.locations], period.last < today


@require_GET
def file(request: PortalRequest, kind: str) -> HttpResponse:
    """The same as a file, recorded as an export."""
    write = FILES.get(kind)
    if write is None:
        raise Http404("no such form")
    period, summaries, _ = _asked(request)
    places = [one.location for one in summaries]
    practice = places[0].practice.code if places else ""
    place = places[0] if len(places) == 1 else None
    name = f"report-{period.kind}-{period.first}"
    return exported(write(period, summaries), name, f"report_{period.kind}", str(period.first), practice, place, kind)
