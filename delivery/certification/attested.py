"""Where no chart can be read: what a run can show there, and what a person has signed for (docs/decisions/015).

A test that needs a reader proves no more than that eCW accepted the note: it says so, and is marked. That each section
stands in its field is then a person's word: they compared a sample of exactly this mapping with the chart, printed its
page, and signed. Never shown as proven.
"""

from dataclasses import dataclass, replace

from delivery.certification.desk import (
    ATTESTED,
    NO_DELIVERY,
    UNPROVABLE,
    Desk,
    Test,
    Verdict,
    mapped_templates,
    wrong_with,
)
from delivery.models import Delivery
from delivery.states import State
from delivery.ways.models import Attestation
from mapping.models import Template
from mapping.queries import published_of
from portal.models import Connection, Location, Part, Route

NOT_PROVABLE = "Not provable here: the location has no connection that reads charts."


@dataclass(frozen=True)
class Sample:
    """One template of such a location: its newest accepted synthetic note to compare, and who signed for it."""

    template: Template
    delivery: Delivery | None
    signed: Attestation | None


def sender(location: Location) -> Connection | None:
    route = Route.objects.filter(location=location, part=Part.NOTE).select_related("connection").order_by("position")
    first = route.first()
    return first.connection if first else None


def signed_for(location: Location, template: Template) -> Attestation | None:
    """The newest signature, with a printed page, for a note of the mapping in force by the way in use; else None."""
    rows = Attestation.objects.filter(location=location, connection=sender(location))
    mine = rows.filter(mapping_version=published_of(template)).exclude(page_sha256="").exclude(mapping_version=None)
    return mine.order_by("-at", "-pk").first()


def samples(location: Location) -> list[Sample]:
    """What is to be compared and signed for; nothing where charts can be read."""
    if location.reading_connection_id is not None:
        return []
    return [Sample(each, sample(location, each), signed_for(location, each)) for each in mapped_templates(location)]


def sample(location: Location, template: Template) -> Delivery | None:
    """The newest synthetic note that eCW accepted with the mapping in force."""
    rows = Delivery.objects.filter(
        location=location, part=Part.NOTE, state=State.ACCEPTED, proof__in=("none", "attested"),
        connection=sender(location), mapping_version=published_of(template), note__source_note_id__startswith="cert-",
    )  # fmt: skip
    return rows.order_by("-pk").first()


def sections(desk: Desk, template: Template, found: list[Delivery]) -> Verdict:
    """The functional test where nothing can be read back: accepted, and signed for by a person."""
    wrong = [wrong_with(row) for row in found if row.state != State.ACCEPTED]
    if wrong or not found:
        return Verdict(False, "; ".join(wrong)[:300] or NO_DELIVERY)
    signed = signed_for(desk.location, template)
    if signed is None:
        return Verdict(
            False,
            f"Accepted. {NOT_PROVABLE} Compare a sample with the chart, print its page, and sign for it below.",
            proof=UNPROVABLE,
        )
    says = f"Accepted. Attested by {signed.by} on {signed.at:%Y-%m-%d} with the printed chart page of delivery "
    return Verdict(
        True, f"{says}{signed.delivery_id} (SHA-256 {signed.page_sha256[:12]}…); not read back.", proof=ATTESTED
    )


def as_far_as_it_goes(desk: Desk, test: Test, verdict: Verdict) -> Verdict:
    """What a test that needs a reader may claim where there is none: that its notes were accepted, and no more."""
    if not test.reads or desk.location.reading_connection_id is not None or not verdict.passed or verdict.proof:
        return verdict
    return replace(verdict, says=f"Accepted. {NOT_PROVABLE}", proof=UNPROVABLE)
