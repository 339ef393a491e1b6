"""A message field by field: HL7 by its own addresses (PID-5.1), JSON and XML by their paths; read, never parsed back.

What is longer than a line of a screen is cut with its length said; empty fields are left out.
"""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from audit.when_called import when_called

LONGEST = 300
MOST = 4000  # rows; a message of documents has megabytes
Row = tuple[str, str]  # address, value
if TYPE_CHECKING:
    from delivery.xml_tree import in_xml
else:
    in_xml = when_called("delivery.xml_tree.in_xml")  # few messages are XML


def tree(content_type: str, lines: Sequence[str]) -> list[Row]:
    """The rows of a message as it was sent; none for a kind that is not known, or is broken."""
    text = "\n".join(lines)
    if "hl7-v2" in content_type:
        rows = _hl7(lines)
    elif "json" in content_type:
        rows = _json(text)
    elif "xml" in content_type:
        rows = in_xml(text)
    else:
        return []
    return [(address, _short(value)) for (address, value), _ in zip(rows, range(MOST), strict=False)]


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[:LONGEST]} … ({len(value):,} characters)"


def _hl7(lines: Sequence[str]) -> Iterator[Row]:
    """Segments by the separators that MSH names; repeated segments are numbered (OBX[2]-5), components with dots."""
    separator, component, seen = "|", "^", dict[str, int]()
    for line in lines:
        name, fields = line[:3], line[4:].split(line[3:4] or separator)
        if name == "MSH":
            separator, component = line[3:4], line[4:5]
            yield "MSH-1", separator
        seen[name] = seen.get(name, 0) + 1
        place = name if seen[name] == 1 else f"{name}[{seen[name]}]"
        for number, value in enumerate(fields, start=2 if name == "MSH" else 1):
            if value:
                yield from _parts(f"{place}-{number}", value, "" if (name, number) == ("MSH", 2) else component)


def _parts(address: str, value: str, component: str) -> Iterator[Row]:
    parts = value.split(component) if component else [value]
    if len(parts) == 1:
        yield address, value
        return
    for number, part in enumerate(parts, start=1):
        if part:
            yield f"{address}.{number}", part


def _json(text: str) -> Iterator[Row]:
    try:
        said = json.loads(text)
    except ValueError:
        return
    yield from _flat("", said)


def _flat(path: str, value: object) -> Iterator[Row]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(f"{path}[{number}]", inner)
    else:
        yield path, value if isinstance(value, str) else json.dumps(value)
