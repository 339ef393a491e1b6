"""The monitor: the list of deliveries with what stands above it; first paint, live updates and search."""

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseNotModified, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from audit.record import filter_detail, record
from delivery import filters, queries, tabs
from delivery.bulk.plan import VERBS
from delivery.columns import COLUMNS, keep, look_of
from delivery.deeds import DEEDS
from delivery.doors import ACTS, READS_CONTENT, scope_for
from delivery.filters import Filters
from delivery.models import Delivery
from delivery.monitor.issues import rail
from delivery.monitor.overview import overview
from delivery.monitor.times import RELATIVE, WAYS, way_of, zone_for
from delivery.pilot.narrowing import pilots
from delivery.queries import Cursor, Page, Scope
from delivery.rows import days
from delivery.search import search
from delivery.states import State
from delivery.words import SETTLED
from portal.access import locations_of
from portal.models import ConnectionKind, Location
from portal.navigation import SEES_NOTES
from portal.requests import PortalRequest

RECORDED = "X-Recorded"  # the header by which an open page says that its listing is in the audit log
AGAIN_AFTER = 60  # seconds
# The fields of narrow().
NARROWED_HERE = ("specialty", "template", "mapping", "section", "took", "tries", "cohort", "replayed", "method")


@dataclass(frozen=True)
class Live:
    """What an open page shows: enough to tell whether it is current, before anything is opened or rendered."""

    scope: Scope
    filters: Filters
    address: str
    shown: QuerySet[Delivery]
    cursor: Cursor | None
    numbers: dict[str, int]
    version: str
    times: str  # the way times are shown

    @cached_property
    def page(self) -> Page:
        """Its rows, read when first asked for."""
        return queries.page(self.shown, self.cursor)


def deliveries(request: PortalRequest) -> HttpResponse:
    """The whole page."""
    scope = scope_for(request)
    live = live_of(request, scope)
    _record_listing(live)
    context = {
        "chips": tabs.chips(live.filters, scope),
        "ranges": filters.RANGES,
        "providers": tabs.providers(scope),
        "parts": tabs.PARTS,
        "times": live.times,
        "ways": WAYS,
        **range_context(live.filters),
        "columns": COLUMNS,
        "more_chosen": sum(name in NARROWED_HERE for name, _ in live.filters.chosen()),
        "bulk_deeds": [deed for deed in DEEDS if deed.verb in VERBS],
        # Who has paged on looks at rows: the figures of the whole stand on the first page.
        **({} if live.cursor else above_context(live.scope, live.filters, live.times)),
    }
    return render(request, "delivery/list.html", live_context(request, live) | context)


def narrow(request: PortalRequest) -> HttpResponse:
    """What else the list can be narrowed by: a form of its own, fetched into the page when it is opened there."""
    scope = scope_for(request)
    chosen = filters.read(request.GET)
    codes, specialties = tabs.templates(scope)
    context = {
        "filters": chosen,
        "templates": codes,
        "specialties": specialties,
        "mappings": tabs.mappings(scope),
        "sections": tabs.sections(scope),
        "latencies": filters.LATENCIES,
        "tries": filters.TRIES,
        "methods": ConnectionKind.choices,
        "pilots": pilots(scope.locations),
        "own": NARROWED_HERE,
    }
    template = "delivery/narrow_form.html" if request.htmx else "delivery/narrow.html"
    return render(request, template, context)


def range_context(chosen: Filters) -> dict[str, Any]:
    """The addresses of the ranges, and the chosen times as the browser's own fields take them."""

    def timed(key: str) -> str:
        return replace(chosen, range=key, since="", until="").query()

    return {
        "any_time": timed(""),
        "range_links": {key: timed(key) for key in filters.RANGES},
        # Such a field has no place for an offset.
        "since_local": chosen.since[:16] if "T" in chosen.since or not chosen.since else f"{chosen.since}T00:00",
        "until_local": chosen.until[:16] if "T" in chosen.until or not chosen.until else f"{chosen.until}T23:59",
    }


def above(request: PortalRequest) -> HttpResponse:
    """The cards and the chart alone, asked every ten seconds by an open page. No patient stands in them."""
    chosen = filters.read(request.GET)
    context = above_context(scope_for(request), chosen, way_of(request)) | range_context(chosen) | {"filters": chosen}
    return render(request, "delivery/monitor/above.html", context)


def above_context(scope: Scope, chosen: Filters, times: str) -> dict[str, Any]:
    """Nothing above a list of few rows: one patient's, one visit's, what a search has found."""
    if chosen.narrow or not queries.within(scope, chosen).locations:
        return {}
    scope = queries.within(scope, chosen)
    timed = Filters(range=chosen.range, since=chosen.since, until=chosen.until, at=chosen.at)
    shown = overview(scope, timed, zone_for(times, scope))
    found = rail(scope, shown.made_at)
    return {"overview": shown, "rail": found, "above_address": chosen.query(), "at": Filters(at=chosen.at).query()}


def rows(request: PortalRequest) -> HttpResponse:
    """The part of the page that changes; 304 while nothing did. Asked every two seconds by an open page."""
    scope = scope_for(request)
    live = live_of(request, scope)
    if request.headers.get("If-None-Match") == live.version:
        return HttpResponseNotModified()
    recorded = _is_recorded(request, live)
    if not recorded:
        _record_listing(live)
    kept = {"recorded": request.headers[RECORDED]} if recorded else {}
    return render(request, "delivery/rows.html", live_context(request, live) | kept)


@require_POST
def choose_columns(request: PortalRequest) -> HttpResponse:
    """Keep, for this person, which columns are shown and how closely; back to the list as it was narrowed."""
    scope_for(request)
    keep(request.user, request.POST.getlist("column"), request.POST.get("density") == "compact")
    chosen = filters.read(QueryDict(request.POST.get("query", "")[:2000]))
    return HttpResponseRedirect(f"{reverse('delivery:deliveries')}?{chosen.query()}")


@require_POST
def find(request: PortalRequest) -> HttpResponse:
    """Search: what was typed becomes ids and blind indexes, so that the address tells nobody anything."""
    scope = scope_for(request)
    found = search(request.POST.get("q", ""), scope)
    shown = queries.counts(queries.matching(scope, found.filters), found.filters.few)["all"]
    with transaction.atomic():
        record(
            "note.search",
            practice=_practice(scope),
            location=_location(scope),
            subject_bidx=found.patient_bidx,
            encounter_bidx=found.encounter_bidx,
            object_type="delivery",
            detail={"shown": shown, "fields": list(found.kinds)},
        )
    return HttpResponseRedirect(f"{reverse('delivery:deliveries')}?{found.filters.query()}")


def live_of(request: PortalRequest, scope: Scope) -> Live:
    """Whether a page is current is known after one statement; its rows are read when they are to be shown."""
    chosen, address = filters.read(request.GET), request.GET.urlencode()
    older = queries.read_cursor(request.GET.get("after", ""), older=True)
    cursor = older or queries.read_cursor(request.GET.get("before", ""), older=False)
    shown = queries.whole(queries.matching(scope, chosen), scope)
    counted = queries.matching(scope, filters.all_states(chosen))
    numbers, mark = queries.look(counted, shown, cursor, chosen.few)
    # Ages are said in minutes: a list with unsettled rows is stale after one.
    times = way_of(request)
    unsettled = times == RELATIVE or any(numbers[state] for state in State if state not in SETTLED)
    minute = timezone.now().replace(second=0, microsecond=0) if unsettled else ""
    version = queries.version(mark, numbers, address, scope, times, minute)
    return Live(scope, chosen, address, shown, cursor, numbers, f'"{version}"', times)


def live_context(request: PortalRequest, live: Live) -> dict[str, Any]:
    """What first paint and live update share."""
    places = [one.pk for one in live.scope.locations]
    return {
        "may_act": may_act(request, places),
        "reads_at": reads_at(request, places),
        "hidden": hidden(request, live),
        "look": look_of(request.user),
        "scope": live.scope,
        "filters": live.filters,
        "query": live.filters.query(),
        "address": live.address,
        "tabs": [
            *tabs.tabs(live.filters, live.numbers),
            tabs.mine(live.filters, live.scope, request.user),
        ],
        "days": days(live.page.deliveries, live.scope, live.times),
        "page": live.page,
        "total": live.numbers["all"],
        "mine": live.filters.whose == str(request.user.pk),
        "no_pilot": live.filters.cohort and not pilots(queries.within(live.scope, live.filters).locations),
        "version": live.version,
        "recorded": _signer().sign(_listing(request, live)),
    }


def reads_at(request: PortalRequest, places: list[int]) -> set[int]:
    """At which of these the person may see who a patient is, for a reason."""
    if request.selection.wide & READS_CONTENT:
        return set(places)
    return set(locations_of(request.user, *READS_CONTENT).filter(pk__in=places).values_list("pk", flat=True))


def hidden(request: PortalRequest, live: Live) -> str:
    """How many more match at locations of the practice that the person's roles do not open; "" for none.

    Not said of one patient, visit or note: that somebody was seen elsewhere is not theirs to know.
    """
    chosen = live.filters
    if request.selection.wide & SEES_NOTES or request.selection.chosen or chosen.at or chosen.few:
        return ""
    if not live.scope.locations:
        return ""
    others = Location.objects.filter(practice=live.scope.locations[0].practice_id, for_learning=False)
    closed = tuple(others.exclude(pk__in=[one.pk for one in live.scope.locations]))
    number = queries.matching(Scope(closed), chosen).order_by()[: queries.MANY].count() if closed else 0
    return tabs.many(number) if number else ""


def may_act(request: PortalRequest, places: list[int]) -> bool:
    """Whether the person acts at any of these; asked only of whoever does not act everywhere."""
    if request.selection.wide & ACTS:
        return bool(places)
    return locations_of(request.user, *ACTS).filter(pk__in=places).exists()


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="delivery.listing")


def _listing(request: PortalRequest, live: Live) -> str:
    """Who looks at which list, in a few characters."""
    return sha256(f"{request.user.pk} {live.address} {live.scope}".encode()).hexdigest()[:16]


def _is_recorded(request: PortalRequest, live: Live) -> bool:
    """Whether this very listing was recorded within the minute: an open page carries our signed word for it."""
    try:
        return _signer().unsign(request.headers.get(RECORDED, ""), max_age=AGAIN_AFTER) == _listing(request, live)
    except BadSignature:
        return False


def _record_listing(live: Live) -> None:
    """Write down that patients were listed: at once for a page, once a minute for one that stays open."""
    with transaction.atomic():
        record(
            "note.list",
            practice=_practice(live.scope),
            location=_location(live.scope),
            subject_bidx=live.filters.patient,
            encounter_bidx=live.filters.encounter,
            object_type="delivery",
            detail={"shown": len(live.page.deliveries), "filter": filter_detail(live.filters.query())},
        )


def _practice(scope: Scope) -> str:
    return scope.locations[0].practice.code if scope.locations else ""


def _location(scope: Scope) -> str:
    """The one location, or "" for several: the audit row's column holds one code."""
    return scope.locations[0].code if len(scope.locations) == 1 else ""
