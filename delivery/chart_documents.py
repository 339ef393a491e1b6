"""What the chart's FHIR documents hold of one delivery, asked for by a person, beside what was sent."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from delivery import rate
from delivery.channels import in_document
from delivery.channels.base import Unavailable
from delivery.models import Delivery
from delivery.opening import open_reader
from delivery.outgoing import open_body, planned, visit_at
from delivery.words import OutcomeWords, outcome_words
from portal.models import ConnectionKind, Part

if TYPE_CHECKING:  # it takes 15 MB of each process, and few ask
    from delivery.channels.fhir_reader import FhirReader, HeldDocument


@dataclass(frozen=True)
class Shown:
    """One DocumentReference: its facts by FHIR's own names, its text (None: it has none), and each section sent."""

    facts: tuple[tuple[str, str], ...]
    text: str | None
    sections: tuple[tuple[str, OutcomeWords], ...]


def comparable(delivery: Delivery) -> bool:
    """Whether the location's chart is read by FHIR, and the part is one that stands there as documents."""
    reading = delivery.location.reading_connection
    return (
        reading is not None and reading.kind == ConnectionKind.FHIR and delivery.part in (Part.NOTE, Part.ATTACHMENTS)
    )


def held(delivery: Delivery) -> list[Shown]:
    """The documents of this delivery in the chart now, by its identity. Over the network; raises Unavailable."""
    connection = delivery.location.reading_connection
    if connection is None or not comparable(delivery):
        raise Unavailable("no_reader")
    if not rate.granted(connection):
        raise Unavailable("rate_limited")
    try:
        reader = cast("FhirReader", open_reader(connection))  # as `comparable` has it
    except ValueError:
        raise Unavailable("reader_misconfigured") from None
    try:
        found = reader.documents(visit_at(delivery.location, open_body(delivery)), delivery.control_id)
    finally:
        reader.close()
    values = planned(delivery) if delivery.part == Part.NOTE else []
    return [_shown(one, values) for one in found]


def _shown(one: "HeldDocument", values: list[Any]) -> Shown:
    looked = in_document.look(values, one.text) if one.text is not None else []
    sections = tuple((part.title or part.code or "Untitled section", outcome_words(said)) for _, part, said in looked)
    return Shown(facts_of(one), one.text, sections)


def facts_of(one: "HeldDocument") -> tuple[tuple[str, str], ...]:
    """What the resource says of itself; what it leaves out stands as such."""
    resource = one.resource
    said = {
        "id": resource.get("id"),
        "masterIdentifier": one.identity,
        "status": resource.get("status"),
        "docStatus": resource.get("docStatus"),
        "type": _coded(resource.get("type")),
        "date": resource.get("date"),
        "author": _first(resource.get("author"), "display", "reference"),
        "context.encounter": _first((resource.get("context") or {}).get("encounter"), "reference"),
        "contentType": one.content_type,
        "size": f"{len(one.content):,} bytes",
    }
    return tuple((name, str(value)[:200] if value else "not given") for name, value in said.items())


def _coded(concept: Any) -> str:
    if not isinstance(concept, dict):
        return ""
    rows = [row for row in concept.get("coding") or [] if isinstance(row, dict)]
    codes = " ".join(str(row["code"]) for row in rows if row.get("code"))
    words = concept.get("text") or next((row["display"] for row in rows if row.get("display")), "")
    return f"{codes} {words}".strip()


def _first(value: Any, *names: str) -> str:
    rows = value if isinstance(value, list) else [value]
    found = [row.get(name) for row in rows if isinstance(row, dict) for name in names]
    return next((str(one) for one in found if one), "")
