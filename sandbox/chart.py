"""A chart out of its filings, pure: what stands, and what a clinician sees in each field."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

LostField = dict[str, str]  # the keys of filing.Lost


@dataclass(frozen=True, slots=True)
class Filing:
    """One filing as the store keeps it; `filed_at` in seconds since 1970."""

    sequence: int
    control_id: str
    note_id: str
    facility: str
    encounter: str
    patient: str
    template: str
    correction: bool
    filed_at: float
    lost: list[LostField]
    fields: dict[str, str]

    @property
    def moment(self) -> str:
        """`filed_at` in ISO 8601, UTC, with milliseconds."""
        return datetime.fromtimestamp(self.filed_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class EncounterLine:
    """An encounter as a list shows it."""

    encounter: str
    patient: str
    filings: int
    signed: bool


def standing(filings: Iterable[Filing]) -> list[Filing]:
    """The filings that make up the chart as it is now: a correction takes the place of its note's earlier filings."""
    current: list[Filing] = []
    for filing in filings:
        if filing.correction and filing.note_id:
            current = [each for each in current if each.note_id != filing.note_id]
        current.append(filing)
    return current


def chart_fields(filings: Iterable[Filing]) -> dict[str, str]:
    """For each field the newest text among the filings that stand."""
    fields: dict[str, str] = {}
    for filing in standing(filings):
        fields.update(filing.fields)
    return fields
