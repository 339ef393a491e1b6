"""Reads acknowledgements leniently: what a receiver answers is taken as it comes, what we send is strict."""

import re
from dataclasses import dataclass

ACCEPTED = frozenset({"AA", "CA"})
REFUSED = frozenset({"AE", "AR", "CE", "CR"})  # HL7 table 0008

_LINE_ENDS = re.compile("[\r\n]+")


@dataclass(frozen=True)
class Acknowledgement:
    """MSA-1 in upper case and MSA-2 as sent; either is "" when it is missing."""

    code: str
    control_id: str


def read_acknowledgement(raw: bytes) -> Acknowledgement | None:
    """None when there is not exactly one MSA to be found. LF or CR LF line ends, a BOM and any charset are taken."""
    lines = [line.strip(" \t\ufeff\x00") for line in _LINE_ENDS.split(_text(raw))]
    separators = [line[3] for line in lines if line.startswith("MSH") and len(line) > 3]
    rows = [line for line in lines if line.startswith("MSA")]
    if len(rows) != 1:
        return None
    fields = rows[0].split(separators[0] if separators else "|")
    fields += [""] * (3 - len(fields))
    return Acknowledgement(code=fields[1].strip().upper(), control_id=fields[2].strip())


def _text(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    # MSA-1 and MSA-2 are ASCII in every other charset of HL7 table 0211: only they are read.
    return raw.decode("utf-8-sig", "replace")
