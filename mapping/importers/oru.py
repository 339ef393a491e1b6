"""A template from a sample ORU^R01: each OBX names a field. Its texts may be a patient's and are never kept."""

import re

import hl7

from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.csv import decoded
from mapping.importers.fields import RawField, stem, template_of
from mapping.importers.headers import NOTHING, Known
from mapping.importers.reading import Reading

_FRAME = "\x0b\x1c"
_START = re.compile(rb"^(?:\xef\xbb\xbf)?[\x0b\s]*MSH[^\w\s]")
# HL7 table 0125: the types that carry text as dictated. Everything else is an entry of some structure.
_TEXTS = frozenset({"TX", "FT", "ST"})
_MOST_MESSAGES = 50
SAID = (
    "Read from a sample message: it shows only the fields it fills. Lengths and required fields are not known; "
    "compare with the template at eCW.",
    "Only field identifiers, labels and types were taken over; the texts of the sample were not kept.",
)


def looks_like(content: bytes) -> bool:
    """Whether a file of text is HL7, whatever its name ends in."""
    return _START.match(content[:100]) is not None


def read(filename: str, content: bytes, known: Known = NOTHING) -> Reading:
    """The templates of a file with one or more ORU^R01 messages. Raises ImportRefused."""
    text, notes = decoded(content)
    lines = [line.strip(_FRAME + " ") for line in re.split(r"[\r\n]+", text)]
    messages: list[list[str]] = []
    for line in filter(None, lines):
        if line.startswith("MSH"):
            messages.append([])
        elif line.startswith(("FHS", "BHS", "BTS", "FTS")) and not (messages and line.startswith("OBX")):
            continue
        if not messages:
            raise ImportRefused("The file does not begin with an MSH segment: it is not an HL7 message.")
        messages[-1].append(line)
    if not messages:
        raise ImportRefused("The file holds no HL7 message.")
    if len(messages) > _MOST_MESSAGES:
        raise ImportRefused(f"The file holds {len(messages)} messages; {_MOST_MESSAGES} are the most.")
    templates = tuple(_template(place, lines, filename, notes) for place, lines in enumerate(messages, start=1))
    return Reading(stem(filename), templates=templates)


def _template(place: int, lines: list[str], filename: str, notes: list[str]) -> ImportedTemplate:
    try:
        message = hl7.parse("\r".join(lines) + "\r")
        kind = _part(message, _only(message, "MSH"), 9, 1)
        if (kind, _part(message, _only(message, "MSH"), 9, 2)) != ("ORU", "R01"):
            raise ImportRefused(f"Message {place} is {kind or 'of no kind'}: a sample must be an ORU^R01.")
        fields = _fields(message, f"message {place}, " if place > 1 else "")
        order = _only(message, "OBR")
    except ImportRefused:
        raise
    except Exception:
        # python-hl7 raises what lists and splits raise; the message's own words must not come out with it.
        raise ImportRefused(f"Message {place} cannot be read as HL7. Export the sample again.") from None
    if not fields:
        raise ImportRefused(f"Message {place} has no OBX segment: it names no field.")
    code, name = (_part(message, order, 4, part) for part in (1, 2))
    sites = [_part(message, _only(message, "MSH"), number, 1) for number in (4, 6)]
    site = next(filter(None, sites), "")
    said = [f"The sample names the site {site}: check that this is the right location."] if site else []
    return template_of(fields, name=name or code or stem(filename), code=code, notes=[*notes, *said, *SAID])


def _only(message: hl7.Message, name: str) -> hl7.Segment | None:
    found = [segment for segment in message if str(segment[0]) == name]
    return found[0] if found else None


def _part(message: hl7.Message, segment: hl7.Segment | None, number: int, part: int) -> str:
    """One component of a segment's field, unescaped; "" where it is not there."""
    if segment is None or len(segment) <= number:
        return ""
    first = segment[number][0] if isinstance(segment[number], hl7.Field) else segment[number]
    parts = first if isinstance(first, hl7.Repetition) else [first]
    return str(message.unescape(str(parts[part - 1]))).strip() if len(parts) >= part else ""


def _fields(message: hl7.Message, before: str) -> list[RawField]:
    """The OBX in their order. Lines of one text repeat the identifier one after the other: they are one field."""
    rows: list[RawField] = []
    last = ""
    for number, segment in enumerate((one for one in message if str(one[0]) == "OBX"), start=1):
        kind, field_id, label = (_part(message, segment, *where) for where in ((2, 1), (3, 1), (3, 2)))
        if field_id and field_id == last:
            continue
        last = field_id
        values = {"id": field_id, "label": label, "kind": "free_text" if kind.upper() in _TEXTS else "structured"}
        rows.append(RawField(f"{before}OBX {number}", values))
    return rows
