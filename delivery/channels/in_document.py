"""What became of the sections of a note in one document's text: there, there twice, changed, or not there. Pure."""

from collections.abc import Sequence

from delivery.channels.in_field import ALTERED, DUPLICATED, LONG, MISSING, VERIFIED, count, parts
from mapping.note import Contribution, FieldValue


def look(values: Sequence[FieldValue], text: str) -> list[tuple[FieldValue, Contribution, str]]:
    """Each planned section with its outcome: its whole text has to stand in the document as often as it was sent."""
    sent = "\n\n".join(value.text for value in values)
    return [(value, part, outcome(part.text, sent, text)) for value in values for part in parts(value)]


def outcome(section: str, sent: str, text: str) -> str:
    """One section's: a beginning that stands there says that it was cut or changed."""
    times, wanted = count(section, text), max(count(section, sent), 1)
    if times > wanted:
        return DUPLICATED
    if times:
        return VERIFIED if times == wanted else MISSING
    head = section[: max(LONG, len(section) // 4)]
    return ALTERED if len(section) > LONG and count(head, text) else MISSING
