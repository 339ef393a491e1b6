"""The kinds of events, how far each brings a visit, and the words for what an event started."""

from dataclasses import dataclass
from datetime import datetime

CHECKED_IN, OPENED, CLOSED = "patient.checked_in", "encounter.opened", "encounter.closed"
CANCELLED = "encounter.cancelled"  # ended without having taken place: no note is to be expected
# How far a visit has come with it. A visit's rank never falls: what arrives late changes nothing that came after it.
RANKS = {CHECKED_IN: 1, OPENED: 2, CLOSED: 3, CANCELLED: 3}
LABELS = {
    CHECKED_IN: "Patient checked in",
    OPENED: "Encounter opened",
    CLOSED: "Encounter closed",
    CANCELLED: "Encounter cancelled",
}
MAY_START = (CHECKED_IN, OPENED)


@dataclass(frozen=True)
class Happening:
    """One event as a source told it. `message` is the id the sender gave its message, `at` when it happened there."""

    kind: str
    encounter_id: str
    patient_id: str
    provider_id: str
    at: datetime
    message: str


@dataclass(frozen=True)
class OutcomeWords:
    """What the page says of what an event started (tone: ok, wait, act, off)."""

    label: str
    meaning: str
    tone: str


STARTED, ALREADY, RECORDED, LATE, TOO_OLD, NO_SCRIBE = (
    "started", "already", "recorded", "late", "too_old", "no_scribe",
)  # fmt: skip
OUTCOMES = {
    STARTED: OutcomeWords("Capture asked for", "The scribe is told to begin; its answer stands beside it.", "ok"),
    ALREADY: OutcomeWords("Already asked for", "An earlier event of this visit asked for capture.", "off"),
    RECORDED: OutcomeWords("Recorded", "An event of this kind starts nothing here.", "off"),
    LATE: OutcomeWords("Came too late", "The visit had been closed before this arrived.", "off"),
    TOO_OLD: OutcomeWords("Too long ago", "It happened longer ago than this source may start capture for.", "warn"),
    NO_SCRIBE: OutcomeWords("No scribe to tell", "No scribe with a key for this location has an endpoint.", "act"),
}
