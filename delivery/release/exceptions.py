"""The information-blocking exceptions (45 CFR part 171) as data with dates: how many are in force depends on when.

Sources: 85 FR 25642 (1 May 2020; eight, to be complied with from 5 April 2021), 89 FR 1192 (HTI-1: TEFCA Manner, in
force 8 February 2024), 89 FR 102512 (HTI-3: Protecting Care Access, in force 17 December 2024). HTI-5, proposed on
29 December 2025, would take one away; as long as it is a proposal it changes nothing here.
"""

from dataclasses import dataclass
from datetime import date

COMPLIANCE, HTI_1, HTI_3 = date(2021, 4, 5), date(2024, 2, 8), date(2024, 12, 17)
CHECKED_ON = date(2026, 7, 1)  # when the list was last compared with the Code of Federal Regulations


@dataclass(frozen=True)
class BlockingException:
    """One exception: its section of 45 CFR, name, and from when (until when) it is in force."""

    section: str
    name: str
    since: date
    until: date | None = None


ALL = (
    BlockingException("171.201", "Preventing harm", COMPLIANCE),
    BlockingException("171.202", "Privacy", COMPLIANCE),
    BlockingException("171.203", "Security", COMPLIANCE),
    BlockingException("171.204", "Infeasibility", COMPLIANCE),
    BlockingException("171.205", "Health IT performance", COMPLIANCE),
    BlockingException("171.206", "Protecting care access", HTI_3),
    BlockingException("171.301", "Manner", COMPLIANCE),
    BlockingException("171.302", "Fees", COMPLIANCE),
    BlockingException("171.303", "Licensing", COMPLIANCE),
    BlockingException("171.403", "TEFCA manner", HTI_1),
)
WRITTEN_DAYS = 10  # business days for the written answer, 45 CFR 171.204(b)


def in_force(on: date) -> list[BlockingException]:
    return [one for one in ALL if one.since <= on and (one.until is None or on <= one.until)]


def said(on: date) -> str:
    """How many, and since when, in a sentence."""
    now = in_force(on)
    if not now:
        return "No exception is in force yet."
    newest = max(one.since for one in now)
    first = sum(one.since == COMPLIANCE for one in now)
    return (
        f"{len(now)} exceptions are in force since {newest:%-d %B %Y}: {first} since {COMPLIANCE:%-d %B %Y}"
        f"{f', {len(now) - first} added later' if len(now) > first else ''}."
    )
