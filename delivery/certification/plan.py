"""How a run is to be made: how many notes the load test sends, how long things may take. Kept with the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """The expected volume and the limits of one run; times are seconds.

    `load_notes` are posted as fast as the API takes them: the volume expected in the busiest minute. `verified_within`
    is the 95th percentile allowed from the API's answer to the proof in the chart. `settle_within` is how long a note
    may be on its way in any other test. `answer_within` is how long the relay's receiver may be silent (errors.py).
    """

    load_notes: int = 60
    verified_within: float = 30.0
    settle_within: float = 300.0
    answer_within: float = 2.0

    def __post_init__(self) -> None:
        if not 1 <= self.load_notes <= 2000:
            raise ValueError("The load test sends from 1 to 2,000 notes.")
        if not 0 < self.verified_within <= 3600 or not 0 < self.settle_within <= 3600:
            raise ValueError("A limit is more than 0 and at most 3,600 seconds.")
        if not 0 < self.answer_within <= 60:
            raise ValueError("A receiver is waited for more than 0 and at most 60 seconds.")

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Plan":
        """As a run keeps it; ValueError for what is no plan."""
        try:
            return cls(int(kept["load_notes"]), *(float(kept[name]) for name in TIMES))
        except (KeyError, TypeError) as wrong:
            raise ValueError("This is no plan of a run.") from wrong


TIMES = ("verified_within", "settle_within", "answer_within")
