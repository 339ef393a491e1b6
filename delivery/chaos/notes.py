"""The synthetic notes of a chaos run, each with a mark by which its filing is known in any chart."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MARK = re.compile(r"\[(?P<note>[\w-]+) v(?P<version>\d+)\]")
VISIT = 3  # notes of an encounter, on average
AMENDED = 0.2  # of the notes, how many are a new version of an earlier one of the same encounter
WORDS = ("cough", "fever", "knee", "pain", "shoulder", "rest", "fluids", "stable", "improved", "daily", "mild", "week")


@dataclass(frozen=True)
class Posted:
    """One version of a note; `place` orders what a scribe posted for one encounter."""

    note: str
    version: int
    encounter: str
    place: int

    @property
    def mark(self) -> str:
        return f"[{self.note} v{self.version}]"


def mark_of(fields: Mapping[str, str]) -> str:
    """The mark in a filing's fields, "" where there is none (a probe)."""
    found = [match[0] for text in fields.values() for match in MARK.finditer(text)]
    return found[0] if found else ""


def plan(notes: int, seed: int, prefix: str = "chaos") -> Iterator[list[Posted]]:
    """`notes` versions in all, an encounter at a time, each encounter's in the order they are to be posted."""
    draw = random.Random(seed)
    left, number = notes, 0
    while left:
        encounter = f"E-{prefix}-{number}"
        visit: list[Posted] = []
        for place in range(min(left, draw.randint(1, 2 * VISIT - 1))):
            visit.append(_next(draw, visit, f"{prefix}-{number}-{place}", encounter))
        yield visit
        left, number = left - len(visit), number + 1


def _next(draw: random.Random, visit: list[Posted], name: str, encounter: str) -> Posted:
    if visit and draw.random() < AMENDED:
        older = draw.choice(visit)
        newest = max(each.version for each in visit if each.note == older.note)
        return Posted(older.note, newest + 1, encounter, len(visit))
    return Posted(name, 1, encounter, len(visit))


def sections(mark: str) -> list[dict[str, str]]:
    """The note's sections: no field but the mark's is the same in two notes."""
    draw = random.Random(mark)

    def text() -> str:
        return " ".join(draw.choices(WORDS, k=draw.randint(5, 60))).capitalize() + f". {draw.getrandbits(40)}"

    return [
        {"code": "chief_complaint", "title": "CHIEF COMPLAINT", "text": f"{mark} {text()}"},
        {"code": "history_of_present_illness", "title": "HPI", "text": text()},
        {"code": "physical_exam", "title": "EXAM", "text": text()},
        {"code": "assessment_and_plan", "title": "A/P", "text": text()},
    ]


def body(posted: Posted, location: str) -> dict[str, Any]:
    """What a scribe posts."""
    return {
        "source_note_id": posted.note,
        "version": posted.version,
        "location": location,
        "patient": {"id": f"P-{posted.encounter}", "family": "Chaos", "given": "Synthetic", "birth_date": "1980-01-01"},
        "encounter": {"id": posted.encounter, "start": "2026-03-19T10:15:00-05:00"},
        "provider": {"id": "DR7", "family": "Lee", "given": "Ann"},
        "sections": sections(posted.mark),
    }
