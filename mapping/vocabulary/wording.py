"""How surely a phrase means a section: the shape in which the vocabulary is kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Headings:
    """Phrases, divided by bars. `second` yields to `said` where a template has both; `perhaps` is only a candidate.

    `only` is for a part or kind of the section: chosen where nothing else in the template may be for it.
    """

    said: str = ""
    second: str = ""
    only: str = ""
    perhaps: str = ""
