"""The delivery list as a CSV file, made by a worker (portal/exports): what the filters leave, without any patient."""

import csv
import io
from collections.abc import Iterator
from typing import IO, Any

from django.db.models import QuerySet
from django.http import QueryDict

from audit.exports import safe
from audit.parts import in_parts
from audit.record import filter_detail
from delivery import affected, filters
from delivery.failures import failure
from delivery.models import Delivery
from delivery.queries import Scope, matching
from delivery.states import WORDS, State
from portal.access import WrongRole, locations_of
from portal.exports.asking import CannotExport, Tell
from portal.exports.tables import ExportJob
from portal.models import Location, User
from portal.navigation import SEES_NOTES

COLUMNS = (
    "delivery", "received_utc", "location", "state", "reason", "part", "provider", "template", "mapping", "method",
    "attempts", "verified_utc", "took_seconds", "sections_wrong", "sent_again_from", "control_id",
)  # fmt: skip
MOST = 100_000  # rows of one file; more are to be narrowed first, and that is said
PORTION = 2000


class DeliveryExport:
    """`asked`: query (the list's filters: codes, ids and blind indexes) and locations (the codes in view)."""

    def name(self, job: ExportJob) -> str:
        return f"deliveries-{job.practice.code}-{job.created_at:%Y-%m-%d-%H%M%S}.csv"

    def says(self, job: ExportJob) -> str:
        narrowed = ", ".join(part.replace("=", " ") for part in filter_detail(job.asked["query"]))
        return f"deliveries at {', '.join(job.asked['locations'])}" + (f": {narrowed}" if narrowed else "")

    def may(self, user: User, asked: dict[str, Any]) -> None:
        if len(_locations(user, asked)) != len(asked["locations"]):
            raise WrongRole(SEES_NOTES)

    def everything(self, asked: dict[str, Any]) -> bool:
        return False  # whatever the filters leave, no patient and no word of a note is in it

    def event(self, job: ExportJob) -> tuple[str, dict[str, Any]]:
        chosen, places = filters.read(QueryDict(job.asked["query"])), job.asked["locations"]
        place = places[0] if len(places) == 1 else ""
        about = {"subject_bidx": chosen.patient, "encounter_bidx": chosen.encounter}
        return "delivery.export", {"location": place, **about}

    def write(self, job: ExportJob, out: IO[bytes], tell: Tell) -> dict[str, Any]:
        found = listed(job)
        total = found.count()
        if total > MOST:
            raise CannotExport("too_many")
        tell(0, total)
        out.write(_line(COLUMNS))
        rows = 0
        for rows, one in enumerate(in_parts(found, "created_at", "pk", size=PORTION), start=1):
            out.write(_line(cells(one)))
            if rows % PORTION == 0:
                tell(rows, max(total, rows))
        tell(rows, rows)
        return {"rows": rows, "filter": filter_detail(job.asked["query"])}


def listed(job: ExportJob) -> QuerySet[Delivery]:
    """What was asked for, as whoever asked may see it now; the oldest first."""
    scope = Scope(tuple(_locations(job.created_by, job.asked)))
    found = matching(scope, filters.read(QueryDict(job.asked["query"]))).order_by("created_at", "pk")
    kept = found.select_related("location", "template", "mapping_version", "connection", "note_version")
    return kept.defer("note_version__sealed_body", "problems", "section_outcomes")


def _locations(user: User, asked: dict[str, Any]) -> list[Location]:
    return list(locations_of(user, *SEES_NOTES).filter(code__in=asked["locations"]).order_by("code"))


def cells(one: Delivery) -> Iterator[object]:
    """One row. A provider is named by id and name, a patient not at all."""
    version = one.note_version
    yield from (one.pk, _utc(one.created_at), one.location.code, WORDS[State(one.state)].label)
    yield failure(one.why).title if one.why else ""
    yield from (one.get_part_display(), version.provider_name or version.provider_id)
    yield from (one.template.code if one.template else "", one.mapping_version.number if one.mapping_version else "")
    yield from (one.connection.get_kind_display() if one.connection else "", one.attempts, _utc(one.verified_at))
    yield "" if one.took_seconds is None else one.took_seconds
    yield from (" ".join(affected.codes(one.affected)), one.replay_of_id or "", one.control_id)


def _utc(at: Any) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def _line(row: Any) -> bytes:
    """Every cell quoted, and none that a spreadsheet could take for a formula."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([safe(str(cell)) for cell in row])
    return text.getvalue().encode()
