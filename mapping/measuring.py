"""Suggestions against templates whose right fields are known: how many were found, how many were right, how sure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mapping.importers.base import ImportedField
from mapping.matching import suggest
from mapping.sections import CODES
from mapping.suggestion import THRESHOLD

# Lower ends of the bands of the reliability table, the surest first.
BANDS = (0.98, 0.95, THRESHOLD, 0.45, 0.2, 0.0)


@dataclass(frozen=True)
class Known:
    """A template with its truth: per field id the codes it takes, and those it may take without harm."""

    name: str
    specialty: str
    fields: tuple[ImportedField, ...]
    takes: dict[str, frozenset[str]]
    may: dict[str, frozenset[str]]
    language: str = "English"


@dataclass(frozen=True)
class Verdict:
    """One field suggested for one section, or only named as a candidate. `harmful`: the field is for another kind."""

    template: str
    code: str
    label: str
    confidence: float
    suggested: bool
    target: bool
    acceptable: bool
    harmful: bool


@dataclass(frozen=True)
class Measured:
    """All verdicts, and the right fields that no suggestion named, as (template, code, label)."""

    verdicts: tuple[Verdict, ...]
    missed: tuple[tuple[str, str, str], ...]

    @property
    def suggested(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.suggested]

    @property
    def found(self) -> int:
        return sum(verdict.target for verdict in self.suggested)

    @property
    def recall(self) -> float:
        return self.found / (self.found + len(self.missed))

    @property
    def precision(self) -> float:
        return sum(verdict.target or verdict.acceptable for verdict in self.suggested) / len(self.suggested)

    @property
    def wrong(self) -> list[Verdict]:
        return [verdict for verdict in self.suggested if not (verdict.target or verdict.acceptable)]

    def band(self, lower: float) -> list[Verdict]:
        """The verdicts whose confidence is in the band that begins at `lower`."""
        upper = BANDS[BANDS.index(lower) - 1] if lower != BANDS[0] else 1.01
        return [verdict for verdict in self.verdicts if lower <= verdict.confidence < upper]


def read_known(path: Path) -> list[Known]:
    """Templates with truth: a list of {name, specialty, fields: [{field_id, label, kind, group, takes, may}]}.

    `language` may stand beside `specialty`; else it is English.
    """
    return [_known(item) for item in json.loads(path.read_text(encoding="utf-8"))]


def _known(item: dict) -> Known:
    rows = item["fields"]
    fields = (
        ImportedField(row["field_id"], row["label"], place, row["kind"], group=row["group"])
        for place, row in enumerate(rows, start=1)
    )
    takes, may = ({row["field_id"]: frozenset(row[key]) for row in rows} for key in ("takes", "may"))
    return Known(item["name"], item["specialty"], tuple(fields), takes, may, item.get("language", "English"))


def measure(templates: Sequence[Known]) -> Measured:
    """Suggest for every template, and compare with its truth."""
    return Measured(
        tuple(verdict for known in templates for verdict in _verdicts(known)),
        tuple(lost for known in templates for lost in _missed(known)),
    )


def _verdicts(known: Known) -> Iterator[Verdict]:
    labels = {field.field_id: field.label for field in known.fields}
    for code, suggestion in suggest(known.fields).items():
        named = [(field_id, suggestion.confidence, True) for field_id in suggestion.field_ids]
        named += [(item.field_id, item.confidence, False) for item in suggestion.candidates]
        for field_id, confidence, is_suggested in named:
            target, acceptable = code in known.takes[field_id], code in known.may[field_id]
            harmful = bool(known.takes[field_id]) and not (target or acceptable)
            label = labels[field_id]
            yield Verdict(known.name, code, label, confidence, is_suggested, target, acceptable, harmful)


def _missed(known: Known) -> Iterator[tuple[str, str, str]]:
    suggestions = suggest(known.fields)
    for code in CODES:
        for field in known.fields:
            if code in known.takes[field.field_id] and field.field_id not in suggestions[code].field_ids:
                yield known.name, code, field.label
