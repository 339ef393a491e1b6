"""Names that resemble one another, whatever their words' order."""

from collections.abc import Mapping

from rapidfuzz import fuzz, process, utils

NEAR = 60.0  # rapidfuzz's score from which a name counts as near


def near(text: str, names: Mapping[int, str], most: int) -> list[int]:
    """The keys of those names that are near the text, the nearest first."""
    found = process.extract(
        text, names, scorer=fuzz.token_set_ratio, processor=utils.default_process, score_cutoff=NEAR, limit=most
    )
    return [key for _name, _score, key in found]
