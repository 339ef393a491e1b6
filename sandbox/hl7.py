"""Reads HL7 v2 text: delimiters, segments, fields, escape sequences. Strict; knows nothing of ORU or of charts.

HL7 v2.5.1 chapter 2: §2.5.4 delimiters, §2.6 construction, §2.7 escape sequences.
"""

import functools
import re
from dataclasses import dataclass

CHARSETS = {"": "ascii", "ASCII": "ascii", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "8859/1": "latin-1"}
SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f]")  # all of C0 and DEL but TAB and the segment end CR
FORMATTING = re.compile(r"\.(br|sp|ce|fi|nf|in|ti|sk)([+-]?\d{0,2})")
HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")


class Unreadable(ValueError):
    """These bytes are no HL7 v2 message. The text names the place and never quotes the message."""


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The characters of MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. `fields[n]` is field n as it came, still escaped; MSH-1 is the separator itself."""

    name: str
    fields: list[str]

    def raw(self, number: int) -> str:
        """Field `number` as it came, or "" where the segment ends earlier."""
        fields = self.fields
        return fields[number] if number < len(fields) else ""


@dataclass(frozen=True, slots=True)
class Message:
    """Segments in their order; the first is MSH."""

    delimiters: Delimiters
    charset: str
    segments: list[Segment]

    @property
    def header(self) -> Segment:
        return self.segments[0]

    def first(self, segment: Segment, number: int) -> str:
        """The first component of the first repetition of a field, unescaped."""
        field = segment.raw(number)
        return field if field.isalnum() else self.component(segment, number, 1)

    def component(self, segment: Segment, number: int, place: int) -> str:
        """Component `place` (from 1) of the first repetition of a field, unescaped."""
        marks = self.delimiters
        components = segment.raw(number).split(marks.repetition, 1)[0].split(marks.component)
        if place > len(components):
            return ""
        return unescape(components[place - 1].split(marks.subcomponent, 1)[0], marks, self.charset).strip()

    def text(self, segment: Segment, number: int) -> str:
        """A text field (TX, FT, ST): repetitions are lines.

        A primitive type has no components: what follows an unescaped component or subcomponent delimiter is
        ignored, as HL7 asks of receivers (§2.6.2). A sender that forgets to escape loses that text here too.
        """
        marks = self.delimiters
        lines = (
            line.split(marks.component, 1)[0].split(marks.subcomponent, 1)[0]
            for line in segment.raw(number).split(marks.repetition)
        )
        return unescape("\n".join(lines), marks, self.charset)


def read(frame: bytes) -> Message:
    """The message in a frame (without the framing bytes). Raises Unreadable."""
    if frame[:3] != b"MSH" or len(frame) < 8:
        raise Unreadable("The message does not begin with MSH.")
    delimiters = read_delimiters(frame[3:8].decode("latin-1"), frame[8:9].decode("latin-1"))
    charset = read_charset(frame, delimiters)
    try:
        text = frame.decode(charset)
    except UnicodeDecodeError as error:
        raise Unreadable("The bytes are not in the character set that MSH-18 declares.") from error
    if CONTROL.search(text):
        raise Unreadable("The message holds control characters.")
    lines = text.removesuffix("\r").split("\r")
    return Message(delimiters, charset, [read_segment(line, delimiters, place) for place, line in enumerate(lines)])


def read_delimiters(five: str, following: str) -> Delimiters:
    """MSH-1 and MSH-2 from the five characters after "MSH"; `following` must end MSH-2."""
    if len(set(five)) != 5 or any(mark.isalnum() or mark <= " " or mark > "~" for mark in five):
        raise Unreadable("MSH-1 and MSH-2 do not name five different delimiters.")
    if following not in ("", "\r", five[0]):
        raise Unreadable("MSH-2 holds more than four characters.")
    return Delimiters(*five)


def read_charset(frame: bytes, delimiters: Delimiters) -> str:
    """The Python codec for MSH-18; empty means ASCII (§2.15.9.18)."""
    fields = frame.split(b"\r", 1)[0].decode("latin-1").split(delimiters.field)
    declared = fields[17].split(delimiters.repetition, 1)[0].strip() if len(fields) > 17 else ""
    if declared not in CHARSETS:
        raise Unreadable("MSH-18 names a character set this receiver does not read.")
    return CHARSETS[declared]


def read_segment(line: str, delimiters: Delimiters, place: int) -> Segment:
    """One segment of the message; `place` counts from 0 and is used to name the segment at fault."""
    fields = line.split(delimiters.field)
    if not SEGMENT_NAME.fullmatch(fields[0]):
        raise Unreadable(f"Segment {place + 1} does not begin with a segment name.")
    if place == 0:
        fields.insert(1, delimiters.field)
    return Segment(fields[0], fields)


def unescape(text: str, delimiters: Delimiters, charset: str = "utf-8") -> str:
    """Resolves escape sequences (§2.7). Raises Unreadable for one that is unknown or not closed."""
    if delimiters.escape not in text:
        return text
    parts = text.split(delimiters.escape)
    if len(parts) % 2 == 0:
        raise Unreadable("An escape sequence is not closed.")
    plain = plain_sequences(delimiters)
    parts[1::2] = [plain[sequence] if sequence in plain else resolve(sequence, charset) for sequence in parts[1::2]]
    return "".join(parts)


@functools.cache
def plain_sequences(delimiters: Delimiters) -> dict[str, str]:
    """The escape sequences that always stand for the same text."""
    return {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        ".br": "\n",
        "H": "",  # highlighting on, off: plain text has none
        "N": "",
    }


def resolve(sequence: str, charset: str) -> str:
    """The text of a formatting command or a hexadecimal escape, given without its escape characters."""
    if found := FORMATTING.fullmatch(sequence):
        return format_command(found[1], found[2])
    if found := HEX.fullmatch(sequence):
        try:
            return bytes.fromhex(found[1]).decode(charset)
        except UnicodeDecodeError as error:
            raise Unreadable("A hexadecimal escape is not in the message's character set.") from error
    raise Unreadable("An escape sequence is unknown.")


def format_command(command: str, number: str) -> str:
    """FT formatting commands (§2.7.6): line breaks and spaces are kept, indents and fills are not."""
    amount = abs(int(number)) if number.strip("+-") else 1
    if command in ("br", "sp", "ce"):
        return "\n" * amount
    return " " * amount if command == "sk" else ""
