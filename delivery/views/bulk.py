"""One deed for all the deliveries that match: the preview that counts, the job's page, and its pause and end."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from audit.record import record
from delivery import bell, filters
from delivery.bulk.plan import MOST, Wanted, begin, deed_named, plan
from delivery.bulk.tables import ItemResult, Job, JobState
from delivery.doors import ACTS, scope_for
from delivery.other_way import ways_at
from delivery.queries import Scope
from delivery.states import WORDS
from delivery.tabs import chips
from delivery.views.forms import BulkForm
from delivery.words import ago
from portal.access import WrongRole, locations_of
from portal.requests import PortalRequest

# What a person may do with a job: from which states, to which.
STEPS = {
    "pause": ((JobState.RUNNING,), JobState.PAUSED),
    "resume": ((JobState.PAUSED,), JobState.RUNNING),
    "cancel": ((JobState.RUNNING, JobState.PAUSED), JobState.CANCELLED),
}
TONES = {JobState.RUNNING: "wait", JobState.PAUSED: "warn", JobState.CANCELLED: "off", JobState.DONE: "ok"}
RESULT_TONES = {"": "off", "done": "ok", "left": "off", "would": "wait", "failed": "act"}


def acting_scope(request: PortalRequest) -> Scope:
    """The locations in view at which the person may act; WrongRole where there is none."""
    may = set(locations_of(request.user, *ACTS).values_list("pk", flat=True))
    scope = Scope(tuple(location for location in scope_for(request).locations if location.pk in may))
    if not scope.locations:
        raise WrongRole(ACTS)
    return scope


def bulk(request: PortalRequest, verb: str) -> HttpResponse:
    """Counts first; a post begins the job."""
    deed, chosen, scope = deed_named(verb), filters.read(request.GET), acting_scope(request)
    if deed is None:
        raise Http404("no such deed for many")
    form = BulkForm(request.POST or None)
    form.fields["reason"].required = deed.reason_needed
    form.offer(ways_at(scope.locations) if deed.verb == "other-way" else ())
    if request.method == "POST" and form.is_valid():
        job = begin(scope, chosen, deed, Wanted(request.user, **form.cleaned_data))
        if job is not None:
            return redirect("delivery:job", pk=job.pk)
        messages.warning(request, "Nothing that matches stands where this can be done any more.")
    context = {"plan": plan(scope, chosen, deed), "form": form, "chips": chips(chosen, scope), "most": MOST}
    return render(request, "delivery/bulk/preview.html", context | {"query": chosen.query(), "chosen": chosen.id})


def job_for(request: PortalRequest, pk: int) -> Job:
    """A job of the person's practice, for those who may act at every location it has deliveries of."""
    found = Job.objects.select_related("created_by", "practice")
    job = found.filter(pk=pk, practice__in=locations_of(request.user).values("practice")).first()
    if job is None:
        raise Http404("no such job")
    mine = locations_of(request.user, *ACTS)
    if job.items.exclude(delivery__location__in=mine).exists():
        raise WrongRole(ACTS)
    return job


def job(request: PortalRequest, pk: int) -> HttpResponse:
    """How far it is, and each delivery's result."""
    one = job_for(request, pk)
    template = "delivery/bulk/progress.html" if request.htmx else "delivery/bulk/job.html"
    return render(request, template, job_context(one, request.GET.get("page", "1")))


def job_context(one: Job, page: str) -> dict[str, Any]:
    numbers = dict(one.items.order_by().values_list("result").annotate(Count("pk")))
    rows = one.items.select_related("delivery__location").defer("delivery__section_outcomes", "delivery__problems")
    through = one.total - numbers.get("", 0)
    return {
        "job": one,
        "deed": deed_named(one.verb),
        "tone": TONES[JobState(one.state)],
        "through": through,
        "results": [(ItemResult(key).label, number, RESULT_TONES[key]) for key, number in sorted(numbers.items())],
        "page": Paginator(rows.order_by("position"), 50).get_page(page),
        "since": ago((one.finished_at or timezone.now()) - one.created_at),
        "goes_on": one.state == JobState.RUNNING,
        "tones": RESULT_TONES,
        "words": {state.value: words.label for state, words in WORDS.items()},
    }


@require_POST
def step(request: PortalRequest, pk: int, verb: str) -> HttpResponse:
    """Pause, go on, or cancel; what was done stays done."""
    one = job_for(request, pk)
    if verb not in STEPS:
        raise Http404("no such step")
    before, after = STEPS[verb]
    ended = timezone.now() if after == JobState.CANCELLED else None
    with transaction.atomic():
        if Job.objects.filter(pk=pk, state__in=before).update(state=after, finished_at=ended):
            record(
                "job.step",
                practice=one.practice.code,
                object_type="job",
                object_id=str(pk),
                detail={"deed": one.verb, "word": verb},
            )
            transaction.on_commit(lambda: bell.publish("delivery.tasks.run_job", pk))
        else:
            messages.warning(request, "Nothing was changed: the job is already in another state.")
    return redirect("delivery:job", pk=pk)
