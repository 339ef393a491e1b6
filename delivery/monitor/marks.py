"""What happened in a span that may explain its bars: mappings published, templates changed, connections stopped."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from audit.models import AuditEvent
from delivery.failures import failure
from delivery.models import Breaker
from delivery.monitor.span import Span
from delivery.queries import Scope
from mapping.models import MappingVersion, TemplateVersion
from portal.models import Connection

MOST = 40  # of each kind: more lines than that say nothing
STOPPED = {
    Breaker.OPEN: "cannot be reached",
    Breaker.AUTH: "stopped: sign-in refused",
    Breaker.CONTENT: "stopped: rejects",
}


@dataclass(frozen=True)
class Mark:
    """One vertical line: when, what kind (published, drift, stopped, restored), and the words for it."""

    at: datetime
    kind: str
    words: str


def marks(scope: Scope, span: Span) -> list[Mark]:
    """In order of time."""
    return sorted([*_published(scope, span), *_drift(scope, span), *_breakers(scope, span)], key=lambda mark: mark.at)


def _published(scope: Scope, span: Span) -> list[Mark]:
    rows = MappingVersion.objects.filter(
        template__location__in=scope.locations, published_at__gte=span.start, published_at__lt=span.end
    ).select_related("template__location")
    return [
        Mark(
            row.published_at, "published", f"{row.template.location.code}: mapping {row.number} of {row.template.code}"
        )
        for row in rows.order_by("-published_at")[:MOST]
        if row.published_at
    ]


def _drift(scope: Scope, span: Span) -> list[Mark]:
    rows = TemplateVersion.objects.filter(
        template__location__in=scope.locations, number__gt=1, imported_at__gte=span.start, imported_at__lt=span.end
    ).select_related("template__location")
    return [
        Mark(row.imported_at, "drift", f"{row.template.location.code}: template {row.template.code} changed")
        for row in rows.order_by("-imported_at")[:MOST]
    ]


def _breakers(scope: Scope, span: Span) -> list[Mark]:
    """From the audit log: a connection's own row knows only how it is now."""
    here = Q(routes__location__in=scope.locations) | Q(read_for__in=scope.locations)
    names = {str(pk): name for pk, name in Connection.objects.filter(here).values_list("pk", "name")}
    rows = AuditEvent.objects.filter(
        practice__in={location.practice.code for location in scope.locations},
        event="connection.breaker",
        at__gte=span.start,
        at__lt=span.end,
    )
    found = rows.order_by("-at").values_list("at", "object_id", "detail")[: MOST * 2]
    return [_breaker(at, names[pk], detail) for at, pk, detail in found if pk in names]


def _breaker(at: datetime, name: str, detail: dict[str, str]) -> Mark:
    said = STOPPED.get(Breaker(detail["state"])) if detail.get("state") in Breaker.values else None
    if said is None:
        return Mark(at, "restored", f"{name} works again")
    why = detail.get("reason_code", "")
    return Mark(at, "stopped", f"{name} {said}" + (f" ({failure(why).title.lower()})" if why else ""))
