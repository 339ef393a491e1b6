"""The kinds of conditions an alert can be about, with their words, and the states an alert passes through."""

from dataclasses import dataclass
from enum import StrEnum


class AlertState(StrEnum):
    """How far people have come with an alert. It recovers by itself, with its condition."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # somebody has it: nobody else is told until it gets worse or recovers
    ESCALATED = "escalated"  # nobody acknowledged it in time: the next ones were told
    RECOVERED = "recovered"


STATE_WORDS: dict[str, tuple[str, str]] = {
    AlertState.OPEN: ("act", "Open"),
    AlertState.ESCALATED: ("act", "Escalated"),
    AlertState.ACKNOWLEDGED: ("wait", "Acknowledged"),
    AlertState.RECOVERED: ("ok", "Recovered"),
}


@dataclass(frozen=True)
class Kind:
    """One kind. `urgent` ones may pass quiet hours; of the others only `soon` ones escalate within the hour."""

    code: str
    label: str
    todo: str
    urgent: bool = False
    soon: bool = True


FAILING, REFUSED, CONTENT, SILENT, ENDING, UNCERTAIN, DRIFT, WORKER, AGREEMENT, PILOT, CHANGED = (
    "connection_failing", "connection_refused", "connection_content", "no_traffic", "ending", "uncertain", "drift",
    "worker_away", "agreement_ending", "pilot_stepped_back", "ecw_changed",
)  # fmt: skip
KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind(FAILING, "Connection failing", "Test the connection; notes wait and go by themselves.", urgent=True),
        Kind(REFUSED, "Connection refused", "A person must sign in or renew its certificate.", urgent=True),
        Kind(CONTENT, "Same rejection again and again", "Open the rejected notes, then let it go on.", urgent=True),
        Kind(UNCERTAIN, "Outcome uncertain for too long", "Look into the chart and decide.", urgent=True),
        Kind(WORKER, "Worker away", "Start it again; what it held is taken over.", urgent=True),
        Kind(PILOT, "Pilot stepped back", "Look at its numbers; what waits is held, and goes when they hold again."),
        Kind(CHANGED, "eCW behaves otherwise than before", "Compare the daily runs; what is unsafe waits."),
        Kind(SILENT, "No notes in usual hours", "Ask the scribe’s vendor whether it posts."),
        Kind(DRIFT, "Template changed in eCW", "Map the changed fields; notes that use them are held."),
        Kind(ENDING, "Certificate or key ends soon", "Replace it before its end.", soon=False),
        Kind(AGREEMENT, "Agreement ends soon", "Renew it: at its end nothing is sent any more.", soon=False),
    )
}
OPENED, WORSE, LATE, WELL = "opened", "worse", "escalated", "recovered"
CHANGES = {OPENED: "Opened", WORSE: "Got worse", LATE: "Not acknowledged", WELL: "Recovered"}
EMAIL, WEBHOOK = "email", "webhook"
WAYS = {EMAIL: "E-mail", WEBHOOK: "Signed webhook"}
