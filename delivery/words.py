"""The words of the delivery screens that are not a state's: outcomes of sections and attempts, lengths of time."""

import re
from dataclasses import dataclass
from datetime import timedelta

from delivery.models import Delivery
from delivery.states import WORDS, State, Words

# A lane's owner: host/boot/namespace|pid|start (delivery/lanes.py).
WORKER = re.compile(r"(?:worker )?(?P<host>[^/|\s]+)[^|]*\|(?P<pid>\d+)\|\d+")
# Nothing more happens to these by itself, and nothing is asked of anybody: their age stands still.
SETTLED = frozenset({State.VERIFIED, State.SUPERSEDED, State.CANCELLED})


@dataclass(frozen=True)
class OutcomeWords:
    """How one outcome is shown: a word, a sentence, a tone (ok, wait, act, off), an icon of heroicons."""

    label: str
    meaning: str
    tone: str
    icon: str

    @property
    def right(self) -> bool:
        return self.tone == "ok"


SECTION_OUTCOMES: dict[str, OutcomeWords] = {
    "verified": OutcomeWords("Verified", "Stands in its field, as sent.", "ok", "check"),
    "missing": OutcomeWords("Missing", "Sent, and nowhere in the chart.", "act", "x-mark"),
    "moved": OutcomeWords("Moved", "Stands in another field than the one it was sent to.", "act", "arrows-right-left"),
    "altered": OutcomeWords("Altered", "The field holds another text than the one sent.", "act", "pencil"),
    "duplicated": OutcomeWords("Duplicated", "Stands in the chart more than once.", "act", "document-duplicate"),
    "cut": OutcomeWords("Cut", "What was sent stands; the mapping's rule had cut the end off.", "act", "scissors"),
    "left_behind": OutcomeWords(
        "Left behind", "An earlier version's text, in a field this version leaves out.", "act", "clock"
    ),
    "waiting": OutcomeWords("Waits", "Taken by eCW; a person there has yet to take it over.", "wait", "user"),
    "unsent": OutcomeWords("Not sent", "The note has it, the message does not carry it.", "act", "no-symbol"),
}
NOT_READ = OutcomeWords("Not read yet", "The chart has not been read for this section.", "wait", "clock")
ATTEMPT_OUTCOMES: dict[str, OutcomeWords] = {
    "accepted": OutcomeWords("Accepted", "The receiver answered positively for this message.", "ok", "check"),
    "refused": OutcomeWords("Refused", "The receiver refused the message.", "act", "x-mark"),
    "unavailable": OutcomeWords("Not sent", "No byte of the message left.", "wait", "arrow-path"),
    "no_answer": OutcomeWords("No answer", "Perhaps it arrived: the chart is asked.", "act", "question-mark-circle"),
    "": OutcomeWords("Under way", "The intent is written down; no outcome yet.", "wait", "clock"),
}
# What became of filling a visit's template before its texts (delivery/population).
TEMPLATE_OUTCOMES: dict[str, OutcomeWords] = {
    "filled": OutcomeWords("Filled", "eCW says that the visit's note is made of the template.", "ok", "check"),
    "found": OutcomeWords("Stood there", "The visit's note was made of it already; no call was made.", "ok", "check"),
    "refused": OutcomeWords("Refused", "eCW refused; no text was sent.", "act", "x-mark"),
    "unavailable": OutcomeWords("Not asked", "No byte of the call left.", "wait", "arrow-path"),
    "no_answer": OutcomeWords("No answer", "Perhaps it was filled: the chart is read.", "act", "question-mark-circle"),
    "": OutcomeWords("Under way", "The intent is written down; no outcome yet.", "wait", "clock"),
}
ANSWERS: dict[str, OutcomeWords] = {
    "there": OutcomeWords("Found in the chart", "By its own identity.", "ok", "check"),
    "not_there": OutcomeWords("Not in the chart", "Not found by its identity.", "act", "x-mark"),
    "cannot_say": OutcomeWords("The chart gave no answer", "Nothing is known by this look.", "wait", "clock"),
}
STATE_ICONS: dict[State, str] = {
    State.HELD: "pause-circle",
    State.READY: "clock",
    State.SENDING: "paper-airplane",
    State.ACCEPTED: "inbox-arrow-down",
    State.VERIFIED: "check-circle",
    State.MISFILED: "exclamation-triangle",
    State.REJECTED: "x-circle",
    State.UNKNOWN: "question-mark-circle",
    State.PARKED: "hand-raised",
    State.SUPERSEDED: "arrow-up-circle",
    State.CANCELLED: "no-symbol",
}
GRADES: dict[str, str] = {
    "field": "each section read in its field",
    "section": "each section's text found in a document",
    "document": "the document was found",
    "attested": "a person compared a sample and signed for it",
    "app_data": "taken into eCW's App Data, where a person decides; not seen in the chart",
    "entry": "each entry found in the chart",
    "none": "this location cannot be read back",
}


IN_APP_DATA = Words(
    "Waits in eCW for a person",
    "eCW took the entries into its App Data. They are in the chart only once a person there has taken them over.",
    "wait",
)


def state_words(delivery: Delivery) -> Words:
    """What the screen says of a delivery's state; taken into App Data is neither verified nor plainly accepted."""
    waits = delivery.state == State.ACCEPTED and delivery.proof == "app_data"
    return IN_APP_DATA if waits else WORDS[State(delivery.state)]


def outcome_words(outcome: str) -> OutcomeWords:
    return SECTION_OUTCOMES.get(outcome, NOT_READ)


def attempt_words(outcome: str) -> OutcomeWords:
    return ATTEMPT_OUTCOMES.get(outcome, ATTEMPT_OUTCOMES[""])


def who(actor: str) -> str:
    """An actor as people read it: workers are named by host and process, everybody else as recorded."""
    found = WORKER.search(actor)
    return f"worker on {found['host']}, process {found['pid']}" if found else actor


def ago(length: timedelta) -> str:
    """A length of time in at most two units, rounded down: "0.8 s", "45 s", "3 min", "2 h 5 min", "4 d 3 h"."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, hours, days_ = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if not minutes:
        return f"{int(seconds)} s"
    if not hours:
        return f"{minutes} min"
    if not days_:
        return f"{hours} h {minutes % 60} min"
    return f"{days_} d {hours % 24} h"
