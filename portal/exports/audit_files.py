"""Makes exports of the audit log: a search as CSV, JSONL, FHIR or a PDF summary; a log or a patient with proofs."""

from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from audit import exports
from audit.canonical import canonical
from audit.event import AuditEvent
from audit.log_file import Line, NotCovered, patient_log, trees_of, whole_log
from audit.part_file import selected_log, time_log
from audit.queries import Search, every, found
from audit.record import filter_detail
from audit.when_called import when_called
from portal.access import WrongRole, location_for, roles_everywhere
from portal.exports.asking import CannotExport, Tell
from portal.exports.tables import ExportJob
from portal.forms.audit import AuditSearchForm
from portal.models import User
from portal.trail import READERS, home_zone, people_of, reads_installation, scope_for, zones_of

if TYPE_CHECKING:
    from audit.balp import line as as_fhir
    from audit.summary import summary
else:
    summary = when_called("audit.summary.summary")
    as_fhir = when_called("audit.balp.line")

FORMATS = {
    "csv": "CSV, for a spreadsheet",
    "jsonl": "JSON lines, each the very bytes that are sealed",
    "proved": "JSON lines with proofs, for verify_log.py",
    "fhir": "FHIR R4 AuditEvent (NDJSON)",
    "pdf": "PDF summary: counts, no single events",
}
ENDINGS = {"csv": "csv", "jsonl": "jsonl", "proved": "proved.jsonl", "fhir": "ndjson", "pdf": "pdf"}
NO_FILTER = {"of"}  # of which log, not which part of it
TOLD_EACH = 2000  # events between two words of progress


def part_of(query: str, location: str) -> str:
    """Which part of a log is asked for, as far as proofs go: a key of PROVES."""
    filters = QueryDict(query).keys() - NO_FILTER
    if not filters and not location:
        return "whole"
    if filters == {"subject"} and not location:
        return "patient"
    return "time" if filters <= {"since", "until"} and not location else "selection"


class AuditExport:
    """`asked`: format, query (the filters as in the page's address) and location (a code, or "")."""

    def name(self, job: ExportJob) -> str:
        return f"audit-{job.practice.code}-{job.created_at:%Y-%m-%d-%H%M%S}.{ENDINGS[job.asked['format']]}"

    def says(self, job: ExportJob) -> str:
        asked = job.asked
        filters = ", ".join(part.replace("=", " ") for part in filter_detail(asked["query"]))
        where = f"location {asked['location']}" if asked["location"] else ""
        return ", ".join(part for part in (filters, where) if part) or "everything"

    def may(self, user: User, asked: dict[str, Any]) -> None:
        location = location_for(user, asked["location"], *READERS) if asked["location"] else None
        scope_for(user, location)
        if asked["format"] == "proved" and not roles_everywhere(user) & READERS:
            raise WrongRole(READERS)  # proofs are of the whole practice's log, or of a patient at every location

    def everything(self, asked: dict[str, Any]) -> bool:
        """The log names no patient and holds no word of a note; an auditor has it alone."""
        return False

    def event(self, job: ExportJob) -> tuple[str, dict[str, Any]]:
        subject = QueryDict(job.asked["query"]).get("subject", "")
        return "audit.export", {"location": job.asked["location"], "subject_bidx": subject}

    def write(self, job: ExportJob, out: IO[bytes], tell: Tell) -> dict[str, Any]:
        search = self.search(job)
        kind = job.asked["format"]
        if kind == "pdf":
            rows = self._summary(job, search, out)
        elif kind == "proved":
            rows = self._proved(job, search, out, tell)
        else:
            rows = _lines(kind, search, out, tell)
        return {"rows": rows, "filter": filter_detail(job.asked["query"]), "format": kind}

    def search(self, job: ExportJob) -> Search:
        """What was asked for, as whoever asked may see it now."""
        user, asked = job.created_by, job.asked
        chosen = location_for(user, asked["location"], *READERS) if asked["location"] else None
        scope = scope_for(user, chosen)
        form = AuditSearchForm(QueryDict(asked["query"]), people_of(scope.practice), reads_installation(user))
        if not form.is_valid():
            raise CannotExport("filter")  # somebody has left since
        return form.search(scope, ZoneInfo(home_zone(zones_of(scope.practice), chosen)))

    def _summary(self, job: ExportJob, search: Search, out: IO[bytes]) -> int:
        by = job.created_by
        made = summary(
            search, filter_detail(job.asked["query"]), dict(people_of(job.practice.code)), by.get_full_name() or str(by)
        )
        out.write(made.content)
        return made.events

    def _proved(self, job: ExportJob, search: Search, out: IO[bytes], tell: Tell) -> int:
        practice, part = search.scope.practice, part_of(job.asked["query"], job.asked["location"])
        whole = part in ("whole", "time")
        total = sum(tree.size for tree in trees_of(practice)) if whole else found(search).count()
        try:
            return _written(self._lines(job, search, practice, part), out, tell, total)
        except NotCovered:
            raise CannotExport("not_covered") from None

    def _lines(self, job: ExportJob, search: Search, practice: str, part: str) -> Iterator[Line]:
        if part == "patient":
            return patient_log(practice, search.subject)
        if part == "time":
            return time_log(practice, search.since, search.until)
        if part == "selection":
            return selected_log(practice, found(search), filter_detail(job.asked["query"]))
        return whole_log(practice)


def _written(lines: Iterable[Line], out: IO[bytes], tell: Tell, total: int) -> int:
    events = 0
    for line in lines:
        out.write(line.content + b"\n")
        events += line.event
        if line.event and events % TOLD_EACH == 0:
            tell(events, max(total, events))
    tell(events, events)
    return events


def _lines(kind: str, search: Search, out: IO[bytes], tell: Tell) -> int:
    total = found(search).count()
    tell(0, total)
    count = 0

    def counted(events: Iterable[AuditEvent]) -> Iterator[AuditEvent]:
        nonlocal count
        for event in events:
            count += 1
            if count % TOLD_EACH == 0:
                tell(count, max(total, count))
            yield event

    events = counted(every(search))
    if kind == "csv":
        exports.write_csv(events, out)
    else:
        for event in events:
            out.write(as_fhir(event) if kind == "fhir" else canonical(event) + b"\n")
    tell(count, count)
    return count
