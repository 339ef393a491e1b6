"""Builds acknowledgements: MSH, MSA and, for a refusal, ERR (HL7 v2.5.1 §2.9, §2.15.8, §2.15.5)."""

import itertools
import time
from dataclasses import dataclass

from sandbox.hl7 import Delimiters, Message, Segment
from sandbox.oru import Refusal

RECEIVER = Delimiters()
UNKNOWN_HEADER = Segment("MSH", ["MSH", "|", "^~\\&"])
numbers = itertools.count(1)
started = f"{time.time_ns() // 1_000_000:X}"  # so that a restart does not repeat control ids


@dataclass(frozen=True, slots=True)
class Mode:
    """Which answers MSH-15 and MSH-16 ask for; both empty is original mode (§2.9.2): one application answer."""

    accept: str
    application: str

    @property
    def enhanced(self) -> bool:
        return bool(self.accept or self.application)


def wanted(condition: str, success: bool) -> bool:
    """HL7 table 0155: AL always, NE never, ER on error, SU on success; empty is never."""
    return condition == "AL" or condition == ("SU" if success else "ER")


def answers(message: Message | None, refusal: Refusal | None, control_id: str | None = None) -> list[bytes]:
    """The answers due to a message, in their order; `message` is None when it could not be read.

    `control_id` takes the place of the message's own in MSA-2.
    """
    code = refusal.code if refusal else "AA"
    if message is None:
        return [build(None, code, refusal)]
    mode = Mode(message.header.raw(15).strip(), message.header.raw(16).strip())
    codes = enhanced(mode, code) if mode.enhanced else [code]
    return [build(message, each, refusal, control_id) for each in codes]


def enhanced(mode: Mode, code: str) -> list[str]:
    """Accept answer, then application answer; a refusal that no application answer will name is named at once."""
    success = code == "AA"
    application = [code] if wanted(mode.application, success) else []
    if success or (code == "AE" and application):
        return (["CA"] if wanted(mode.accept, True) else []) + application
    return ["C" + code[1]] if wanted(mode.accept, False) else application


def build(message: Message | None, code: str, refusal: Refusal | None, control_id: str | None = None) -> bytes:
    """One acknowledgement, unframed. MSA-2 is the message's MSH-10 unless `control_id` says otherwise."""
    marks = message.delimiters if message else RECEIVER
    header = message.header if message else UNKNOWN_HEADER
    version = header.raw(12) or "2.5.1"
    msh = [
        "MSH",
        marks.component + marks.repetition + marks.escape + marks.subcomponent,
        *(header.raw(number) for number in (5, 6, 3, 4)),
        time.strftime("%Y%m%d%H%M%S+0000", time.gmtime()),
        "",
        marks.component.join(("ACK", "R01", "ACK")),
        f"{started}{next(numbers)}",
        header.raw(11) or "T",
        version,
        *[""] * 5,
        "UNICODE UTF-8",
    ]
    echoed = header.raw(10) if control_id is None else control_id
    msa = ["MSA", code, echoed, refusal.text if refusal and code[1] != "A" else ""]
    segments = [msh, msa]
    if refusal and code[1] != "A":
        segments.append(error(refusal, version, marks))
    return "".join(marks.field.join(fields) + "\r" for fields in segments).encode()


def error(refusal: Refusal, version: str, marks: Delimiters) -> list[str]:
    """ERR: four fields since v2.5, before that one with everything in it (§2.15.5)."""
    location = refusal.location.replace("^", marks.component)
    if version < "2.5":
        return [
            "ERR",
            marks.component.join((location, refusal.error)) if location else marks.component * 3 + refusal.error,
        ]
    return [
        "ERR",
        "",
        location,
        marks.component.join((refusal.error, refusal.text, "HL70357")),
        "E",
        "",
        "",
        "",
        refusal.text,
    ]
