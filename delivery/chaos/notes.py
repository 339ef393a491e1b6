"""The synthetic notes of a chaos run, each with a mark by which its filing is known in any chart."""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MARK = re.compile(r"\[(?P<note>[\w-]+) v(?P<version>\d+)\]")
VISIT = 3  # notes of an encounter, on average
AMENDED = 0.2  # of the notes, how many are a new version of an earlier one of the same encounter
# What the notes of a visit fill, each its own fields: a second note for a field of the first would be held.
FIELDS = (
    ("chief_complaint", "history_of_present_illness"),
    ("review_of_systems", "physical_exam"),
    ("past_medical_history", "results"),
    ("assessment_and_plan", "follow_up"),
)
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
        for _ in range(min(left, draw.randint(1, 2 * VISIT - 1))):
            visit.append(_next(draw, visit, f"{prefix}-{number}", encounter))
        yield visit
        left, number = left - len(visit), number + 1


def _next(draw: random.Random, visit: list[Posted], name: str, encounter: str) -> Posted:
    notes = len({each.note for each in visit})
    if visit and (draw.random() < AMENDED or notes == len(FIELDS)):
        older = draw.choice(visit)
        newest = max(each.version for each in visit if each.note == older.note)
        return Posted(older.note, newest + 1, encounter, len(visit))
    return Posted(f"{name}-{notes}", 1, encounter, len(visit))


def sections(mark: str) -> list[dict[str, str]]:
    """The note's sections; the number its name ends with says which fields it fills."""
    draw = random.Random(mark)
    last = mark.split(" ")[0].rpartition("-")[2]
    codes = FIELDS[int(last) % len(FIELDS) if last.isdigit() else 0]

    def text() -> str:
        return " ".join(draw.choices(WORDS, k=draw.randint(5, 60))).capitalize() + f". {draw.getrandbits(40)}"

    texts = [f"{mark} {text()}", text()]
    return [
        {"code": code, "title": code.replace("_", " ").upper(), "text": words}
        for code, words in zip(codes, texts, strict=True)
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
