"""The practices behind the FHIR base addresses: which facility each is, its encounters, and what else its charts hold.

In memory: charts themselves are in the store. A practice nobody has described is a facility of the same name, without
a template, where every encounter is taken to exist.
"""

from dataclasses import dataclass, field
from typing import Any

Resource = dict[str, Any]


@dataclass
class Practice:
    """One tenant. `strict`: an encounter that was not described is unknown (304)."""

    code: str
    facility: str
    template: str = ""
    strict: bool = False
    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)
    # Coded entries that wait for a person (sandbox/reconciling.py), and how many ever came.
    app_data: dict[str, Resource] = field(default_factory=dict)
    received: int = 0

    def patient_of(self, encounter: str) -> str | None:
        """The patient of a described encounter; None for any other."""
        found = self.resources.get(("Encounter", encounter))
        return str(found["subject"]["reference"]).removeprefix("Patient/") if found else None


class Practices:
    """Every practice that was described or asked for."""

    def __init__(self) -> None:
        self.known: dict[str, Practice] = {}

    def of(self, code: str) -> Practice:
        return self.known.setdefault(code, Practice(code, code))

    def clear(self) -> None:
        self.known.clear()
