"""The synthetic notes of a run: patients that cannot be anybody, and a sentence of its own in every section."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

FAMILY = "Certification"
NO_HEADINGS: Mapping[str, Sequence[str]] = MappingProxyType({})
PROVIDER = {"id": "CERT-DR", "npi": "", "family": FAMILY, "given": "Provider"}


@dataclass
class Numbering:
    """Gives every note of a run its own patient, encounter and id; all of them say which run made them."""

    run: int
    made: int = field(default=0)

    def next(self) -> "Visit":
        self.made += 1
        return Visit(self.run, self.made)


@dataclass(frozen=True)
class Visit:
    """One synthetic visit."""

    run: int
    number: int

    @property
    def patient(self) -> str:
        return f"CERT{self.run}-P{self.number}"

    @property
    def encounter(self) -> str:
        return f"CERT{self.run}-E{self.number}"


def note(location: str, visit: Visit, sections: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    """A note as a scribe posts it. `more` are further or other members of the body."""
    body = {
        "source_note_id": f"cert-{visit.run}-{visit.number}",
        "version": 1,
        "location": location,
        "patient": {
            "id": visit.patient,
            "family": FAMILY,
            "given": f"Synthetic {visit.number}",
            "birth_date": "1970-01-01",
            "sex": "U",
        },
        "encounter": {"id": visit.encounter, "start": datetime.now(UTC).replace(microsecond=0).isoformat()},
        "provider": dict(PROVIDER),
        "sections": sections,
    }
    return body | more


def sections(
    codes: Iterable[str],
    visit: Visit,
    said: str = "Synthetic text",
    headings: Mapping[str, Sequence[str]] = NO_HEADINGS,
) -> list[dict[str, str]]:
    """A section for each code, each with a sentence that stands nowhere else.

    `headings`: by code, those at which the mapping divides a section; each gets a sentence of its own under it, and ""
    is the text above them all.
    """
    return [
        {
            "code": code,
            "title": code.replace("_", " "),
            "text": "\n".join(
                f"{heading}:\n{sentence} of {code}, {heading}." if heading else f"{sentence} of {code}."
                for heading in headings.get(code, [""])
            ),
        }
        for place, code in enumerate(codes, start=1)
        if (sentence := f"{said} {visit.run}.{visit.number}.{place}")
    ]
