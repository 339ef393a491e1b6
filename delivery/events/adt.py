"""Reads ADT and SIU messages leniently, as eCW's real ones are (v2.3, most of MSH empty), and writes the answer. Pure.

Which field holds which id is the feed's settings' to say. Sources: HL7 v2.3.1 chapters 2, 3 and 10; that A04 means a
check-in and A01 the begin of a visit is assumed for ambulatory practices.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from delivery.events.kinds import CANCELLED, CHECKED_IN, CLOSED, OPENED, Happening
from delivery.events.settings import FeedSettings
from delivery.events.told import Unreadable, credible, identifier

ADT = {"A01": OPENED, "A04": CHECKED_IN, "A03": CLOSED, "A11": CANCELLED}
# What an appointment's filler status (SCH-25) says of a patient who is there, in the words senders use.
ARRIVED = frozenset({"ARRIVED", "CHECKED IN", "CHECKEDIN", "CHECKED-IN", "CHK", "ARR"})
NULL = '""'  # "delete what you have", chapter 2: no id, and not one that all such visits share
STAMP = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:(\d{2})(?:\.\d{1,4})?)?)?([+-]\d{4})?")


@dataclass(frozen=True)
class Message:
    """A message in segments; `field` gives "" for whatever is not there."""

    rows: tuple[tuple[str, ...], ...]
    components: str

    def field(self, segment: str, number: int) -> str:
        """The first repetition of a field of the first such segment; MSH counts its separator as its first field."""
        row = next((row for row in self.rows if row[0] == segment), ())
        place = number - 1 if segment == "MSH" else number
        said = row[place].partition("~")[0].strip() if 0 < place < len(row) else ""
        return "" if said == NULL else said

    def part(self, segment: str, number: int, component: int = 1) -> str:
        """One component of a field."""
        parts = self.field(segment, number).split(self.components)
        said = parts[component - 1].strip() if component <= len(parts) else ""
        return "" if said == NULL else said


def read(raw: bytes) -> Message:
    """Segments by any line end, in UTF-8 or else Latin-1. Raises Unreadable where there is no MSH."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    lines = [line for line in re.split(r"[\r\n]+", text.strip(" \0\r\n\t")) if line.strip()]
    if not lines or not lines[0].startswith("MSH") or len(lines[0]) < 8:
        raise Unreadable("header")
    separator = lines[0][3]
    rows = tuple(tuple(line.lstrip().split(separator)) for line in lines)
    # Of two messages in one, neither is taken: the patient of the one must not meet the visit of the other.
    if any(row[0] == "MSH" for row in rows[1:]):
        raise Unreadable("header")
    return Message(rows, lines[0][4])


def happening(settings: FeedSettings, message: Message, zone: ZoneInfo, now: datetime) -> Happening | None:
    """The event; None for a message of another kind. Raises Unreadable."""
    kind = kind_of(message)
    if kind is None:
        return None
    by_appointment = message.part("MSH", 9) == "SIU"
    encounter = message.part("SCH", 2) if by_appointment else ""
    encounter = encounter or message.part("PV1", 19)
    segment, _, number = settings.patient_field.partition("-")
    return Happening(
        kind=kind,
        encounter_id=identifier(encounter, "encounter"),
        patient_id=identifier(message.part(segment, int(number)), "patient", needed=False),
        provider_id=identifier(message.part("PV1", 7) or message.part("AIP", 3), "provider", needed=False),
        at=moment(message.part("EVN", 2) or message.part("MSH", 7), zone, now),
        message=name_of(message),
    )


def kind_of(message: Message) -> str | None:
    """The kind that a trigger event means. Raises Unreadable where there is no type of message."""
    family, trigger = message.part("MSH", 9), message.part("MSH", 9, 2) or message.part("EVN", 1)
    if not family:
        raise Unreadable("type")
    if family == "ADT":
        return ADT.get(trigger)
    if family != "SIU":
        return None
    if trigger == "S15":
        return CANCELLED
    said = {message.part("SCH", 25).upper(), message.part("SCH", 25, 2).upper()}
    return CHECKED_IN if said & ARRIVED else None


def name_of(message: Message) -> str:
    """What a repeat is known by: control id and time; where either is empty, the whole message.

    Without the time a sender that counts anew each day would have its next day's messages taken for repeats.
    """
    control, stamp = message.field("MSH", 10), message.field("MSH", 7)
    if control and stamp:
        return f"{control}|{stamp}"
    return hashlib.sha256(repr(message.rows).encode()).hexdigest()


def moment(stamp: str, zone: ZoneInfo, now: datetime) -> datetime:
    """A time stamp; without an offset it is the location's. Now, where there is none that can be read."""
    found = STAMP.fullmatch(stamp)
    if not found:
        return now
    *numbers, offset = found.groups()
    try:
        read = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]  # at most six of them
    except ValueError:
        return now
    return credible(read, _offset(offset) if offset else zone, now) or now


def _offset(text: str) -> timezone:
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes)) if minutes < 1440 else UTC


def answer(message: Message | None, code: str, now: datetime, words: str = "") -> bytes:
    """An acknowledgement in original mode, unframed: AA, AE or AR for the message's control id. No content."""
    sent = message or Message((), "^")
    who: Sequence[str] = [_plain(sent.field("MSH", number)) for number in (5, 6, 3, 4)]
    trigger = sent.part("MSH", 9, 2)
    kind = f"ACK^{_plain(trigger)}" if trigger else "ACK"
    control = _plain(sent.field("MSH", 10))
    stamp, version = f"{now:%Y%m%d%H%M%S}", _plain(sent.field("MSH", 12)) or "2.3"
    own = hashlib.sha256(f"{control}{now.isoformat()}".encode()).hexdigest()[:20].upper()
    head = "|".join(["MSH", "^~\\&", *who, stamp, "", kind, own, _plain(sent.field("MSH", 11)) or "P", version])
    return f"{head}\rMSA|{code}|{control}|{words}\r".encode()


def _plain(value: str) -> str:
    """Nothing that would part the answer otherwise than it is meant."""
    return re.sub(r"[|\r\n\x0b\x1c]", "", value)[:180]
