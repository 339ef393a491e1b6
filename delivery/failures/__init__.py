"""The failure catalogue: every reason code with what happened, whose job it is and what to press."""

from collections.abc import Mapping
from types import MappingProxyType

from delivery.failures import chart, codes, content, events, fhir, files, journey, message, openapi, sending, signing_in
from delivery.failures.entry import Button, Failure, Owner

__all__ = ["CATALOGUE", "CHAPTERS", "FAMILIES", "Button", "Failure", "Owner", "failure"]

CHAPTERS: tuple[tuple[str, tuple[Failure, ...]], ...] = (
    ("On the way to the receiver", sending.FAILURES),
    ("Signing in with eCW", signing_in.FAILURES),
    ("By FHIR", fhir.FAILURES),
    ("By the Open API", openapi.FAILURES),
    ("C-CDA to a folder or by SFTP", files.FAILURES),
    ("The note, its mapping and the message", content.FAILURES + message.FAILURES),
    ("Codes of diagnoses and drugs", codes.FAILURES),
    ("The delivery's own course", journey.FAILURES),
    ("In the chart", chart.FAILURES),
    ("Events of visits", events.FAILURES),
)
CATALOGUE: Mapping[str, Failure] = MappingProxyType({entry.code: entry for _, entries in CHAPTERS for entry in entries})
# Codes made of a family and a detail, such as lint_segment_count: the family's entry speaks for all of them.
FAMILIES: tuple[str, ...] = ("lint", "hl7")


def failure(code: str) -> Failure:
    """The entry for a code; for one that is not listed, an entry that says so instead of guessing."""
    family = code.split("_", 1)[0]
    found = CATALOGUE.get(code) or (CATALOGUE[family] if family in FAMILIES else None)
    return found or Failure(
        code,
        f"A reason without an explanation yet ({code[:20]})",
        f"The program recorded the reason {code!r}, for which the catalogue has no entry.",
        Owner.US,
        "Look at the timeline; report the reason to us so that it gets an entry.",
    )
