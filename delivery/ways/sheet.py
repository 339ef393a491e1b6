"""The comparison sheet: for each way in, what it does at this location, and whether that was shown, when and by what.

Nothing is called proven without its date and the place of its evidence: a probe, a note read back, a test of a
certification. What only the catalogue says stays *assumed*; what a probe found otherwise is said as plainly.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet
from django.urls import reverse

from delivery.certification.desk import UNPROVABLE
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.standing import standing
from delivery.models import Delivery
from delivery.states import State
from delivery.ways.capabilities import Standing as Row
from delivery.ways.capabilities import newest
from delivery.ways.catalogue import WAYS, Way, best_grade, grade_words, way_of
from delivery.ways.changes import NO, YES
from delivery.ways.models import Attestation
from portal.models import Connection, Location, Part, Route

WORDS = {
    "proven": ("ok", "Proven"),
    "attested": ("warn", "Attested"),
    "outdated": ("warn", "Proven, changed since"),
    "not_so": ("act", "Not so here"),
    "assumed": ("off", "Assumed"),
    "not_done": ("off", "Not yet"),
}
SECTIONS, DOCUMENTS, CODED = "sections", "documents", "coded"
TAKEN = (State.ACCEPTED, State.VERIFIED)
CODED_PARTS = (Part.DIAGNOSES, Part.MEDICATIONS, Part.ALLERGIES, Part.IMMUNIZATIONS, Part.OBSERVATIONS)


@dataclass(frozen=True)
class Evidence:
    """What shows it: in words, since when, and where it can be looked at."""

    status: str  # a key of WORDS
    says: str
    at: datetime | None = None
    url: str = ""

    @property
    def tone(self) -> str:
        return WORDS[self.status][0]

    @property
    def word(self) -> str:
        return WORDS[self.status][1]


@dataclass(frozen=True)
class Claim:
    """One thing a way may do, and what stands behind it here."""

    what: str
    evidence: Evidence


@dataclass(frozen=True)
class Sheet:
    """One way: the connections it goes by here ("" none), and its claims."""

    way: Way
    connections: tuple[str, ...]
    claims: tuple[Claim, ...]


ASSUMED = Evidence("assumed", "Not shown here.")
NOT_DONE = Evidence("not_done", "Nothing is recorded here.")  # of a deed of ours, which nobody need assume


def sheets(location: Location) -> list[Sheet]:
    """Every way of the catalogue, in its order; one that is not used here has nothing but assumptions."""
    found = Finder(location)
    return [found.sheet(way) for way in WAYS]


class Finder:
    """Looks for the newest evidence at one location; reads its probe, its runs and its routes once."""

    def __init__(self, location: Location) -> None:
        self.location = location
        made, rows = newest(location)
        self.probed_at = made.at if made else None
        self.probe = {(row.capability.connection, row.capability.key): row for row in rows}
        self.holds = standing(location).run
        self.run = self.holds or self._last_run()
        routes = Route.objects.filter(location=location).select_related("connection").order_by("part", "position")
        self.first: dict[str, Connection] = {}
        self.used: dict[int, Connection] = {}
        for route in routes:
            self.first.setdefault(route.part, route.connection)
            self.used.setdefault(route.connection_id, route.connection)

    def _last_run(self) -> CertificationRun | None:
        over = CertificationRun.objects.filter(location=self.location, state__in=("passed", "failed"))
        return over.order_by("-finished_at", "-pk").first()

    def sheet(self, way: Way) -> Sheet:
        mine = [one for one in sorted(self.used.values(), key=lambda one: one.name) if way_of(one) is way]
        claims = [Claim("Takes a note", best([self.takes(one) for one in mine]))]
        claims.append(Claim(_of_sections(way), best([self.sections(one) for one in mine])))
        claims.append(Claim("A repeated message is filed once", best([self.probed(one, "repeat") for one in mine])))
        claims.append(Claim("What it sent can be read back", best([self.back(one) for one in mine])))
        if way.key in ("hl7", "fhir-document"):
            claims.append(Claim("Carries documents", best([self.part(one, Part.ATTACHMENTS) for one in mine])))
        if way.key in ("clinical-notes", "fhir-document"):
            claims += [
                Claim(f"Takes coded {Part(part).label.lower()}", best([self.part(one, part) for one in mine]))
                for part in CODED_PARTS
            ]
        return Sheet(way, tuple(one.name for one in mine), tuple(claims))

    def takes(self, one: Connection) -> Evidence:
        return best([self.probed(one, "write"), self.delivered(one, Part.NOTE, "")])

    def sections(self, one: Connection) -> Evidence:
        """Each section where it belongs: by a note read back at the grade this way can reach, or by certification."""
        wanted = "field" if way_of(one).key in ("hl7", "openapi") else "section"
        found = [self.delivered(one, Part.NOTE, wanted), self.certified(one, Part.NOTE, "functional.", SECTIONS)]
        if best_grade(one, self.location.reading_connection) == "none":
            found.append(self.signed(one))
        return best(found)

    def back(self, one: Connection) -> Evidence:
        return best([self.probed(one, "read_back"), self.delivered(one, Part.NOTE, "any")])

    def part(self, one: Connection, part: Part) -> Evidence:
        return best([self.delivered(one, part, ""), self.certified(one, part, f"functional.{part}", CODED)])

    def probed(self, one: Connection, key: str) -> Evidence:
        row: Row | None = self.probe.get((one.pk, key))
        if row is None or row.capability.outcome not in (YES, NO):
            return ASSUMED
        url = f"{reverse('delivery:ways', args=[self.location.code])}#probe"
        status = "proven" if row.capability.outcome == YES else "not_so"
        return Evidence(status, f"Probe: {row.capability.says}", self.probed_at, url)

    def delivered(self, one: Connection, part: str, grade: str) -> Evidence:
        """The newest delivery that shows it: "" accepted is enough, "any" read back, else proven at that grade."""
        rows = Delivery.objects.filter(location=self.location, connection=one, part=part)
        if grade:
            rows = rows.filter(state=State.VERIFIED)
            if grade != "any":
                rows = rows.filter(proof__in=("field",) if grade == "field" else ("field", "section"))
            return _of_delivery(rows.order_by(F("verified_at").desc(nulls_last=True), "-pk"), read=True)
        return _of_delivery(rows.filter(state__in=TAKEN).order_by("-accepted_at", "-pk"), read=False)

    def certified(self, one: Connection, part: str, prefix: str, what: str) -> Evidence:
        """Tests of the run that holds for this location; of an earlier one only as that: something changed since."""
        if self.run is None or self.first.get(part) != one or self.run.subject.get("ways", {}).get(part) is None:
            return ASSUMED
        if self.run.subject["ways"][part][:1] != [way_of(one).key]:
            return ASSUMED
        results = list(CertificationResult.objects.filter(run=self.run, name__startswith=prefix, applies=True))
        if what == SECTIONS:
            results = [row for row in results if row.name.count(".") > 1]
        if not results or not all(row.passed and row.proof != UNPROVABLE for row in results):
            return ASSUMED
        url = reverse("delivery:certification-report", args=[self.run.pk, "html"])
        says = f"Certification, run {self.run.pk}: {', '.join(row.name for row in results[:4])}."
        word = any(row.proof for row in results)
        status = "attested" if word else "proven" if self.holds else "outdated"
        return Evidence(status, says, self.run.finished_at, url)

    def signed(self, one: Connection) -> Evidence:
        row = Attestation.objects.filter(location=self.location, connection=one).order_by("-at", "-pk").first()
        if row is None:
            return ASSUMED
        url = reverse("delivery:delivery", args=[row.delivery_id])
        return Evidence("attested", f"{row.by} compared a note with the chart and signed; not read back.", row.at, url)


def _of_delivery(rows: QuerySet[Delivery], read: bool) -> Evidence:
    row = rows.only("pk", "proof", "verified_at", "accepted_at").first()
    at = (row.verified_at if read else row.accepted_at or row.verified_at) if row else None
    if row is None or at is None:
        return ASSUMED
    says = (
        f"Read back: {grade_words(row.proof).lower()}." if read else "eCW accepted it; that is not proof of the chart."
    )
    return Evidence("proven", says, at, reverse("delivery:delivery", args=[row.pk]))


def best(found: list[Evidence]) -> Evidence:
    """What weighs most: a contradiction of the newest date outweighs an older proof; else the best, the newest."""
    shown = [one for one in found if one.at is not None]
    if not shown:
        return ASSUMED
    refuted = [one for one in shown if one.status == "not_so"]
    proven = [one for one in shown if one.status != "not_so"]
    if refuted and (not proven or _newest(refuted).at >= _newest(proven).at):  # type: ignore[operator]
        return _newest(refuted)
    order = list(WORDS)
    highest = min(order.index(one.status) for one in proven)
    return _newest([one for one in proven if order.index(one.status) == highest])


def _newest(found: list[Evidence]) -> Evidence:
    return max(found, key=lambda one: one.at.timestamp() if one.at else 0.0)


def _of_sections(way: Way) -> str:
    if way.key in ("hl7", "openapi"):
        return "Each section stands in its own field"
    return "Each section's text is found again" if way.key != "ccda" else "Each section's text is found again, by FHIR"
