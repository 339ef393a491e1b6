"""One sentence on where a delivery stands, for the head of its page: times in the location's zone."""

from datetime import datetime

from delivery.failures import failure
from delivery.models import Delivery
from delivery.queries import zone_of
from delivery.states import WORDS, State
from delivery.words import SECTION_OUTCOMES

UNREADABLE = {
    "none": "this location cannot be read back",
    "attested": "a person compared it in the chart and signed for it; not read back",
}


def sentence(delivery: Delivery, settled_at: datetime | None = None) -> str:
    """Such as "Accepted 10:42; Physical Exam missing at 10:44." `settled_at` is when the present state began."""
    state = State(delivery.state)
    since = clock(delivery, settled_at or delivery.updated_at)
    accepted = f"Accepted {clock(delivery, delivery.accepted_at)}" if delivery.accepted_at else ""
    why = failure(delivery.reason_code).title if delivery.reason_code else ""
    match state:
        case State.VERIFIED:
            return _joined(accepted, f"read back and verified {since}")
        case State.MISFILED:
            return _joined(accepted, f"{faults(delivery) or 'not as sent'} at {since}")
        case State.ACCEPTED:
            if delivery.proof == "app_data":
                return _joined(accepted, "waits in eCW's App Data for a person")
            if delivery.reason_code == "cut_by_rule":
                return _joined(accepted, f"read back; {faults(delivery)} by the mapping's rule")
            unread = f"not yet read back: {why[:1].lower()}{why[1:]}" if why else "not yet read back"
            note = UNREADABLE.get(delivery.proof, unread)
            return _joined(accepted or f"Accepted {since}", note)
        case _:
            return _joined(f"{WORDS[state].label} since {since}", why[:1].lower() + why[1:] if why else "")


def faults(delivery: Delivery) -> str:
    """The sections that are not right, by outcome: "Physical Exam missing; HPI and Plan altered"."""
    wrong: dict[str, list[str]] = {}
    for one in delivery.section_outcomes:
        outcome = str(one.get("outcome", ""))
        if outcome in SECTION_OUTCOMES and not SECTION_OUTCOMES[outcome].right:
            wrong.setdefault(outcome, []).append(str(one.get("title") or one.get("code")))
    return "; ".join(f"{_and(titles)} {SECTION_OUTCOMES[outcome].label.lower()}" for outcome, titles in wrong.items())


def clock(delivery: Delivery, at: datetime) -> str:
    """The time of day at the location; with the date, where it is another day than the note's."""
    local = at.astimezone(zone_of(delivery.location))
    same_day = local.date() == delivery.created_at.astimezone(zone_of(delivery.location)).date()
    return f"{local:%H:%M}" if same_day else f"{local:%d %b %H:%M}"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _joined(first: str, second: str) -> str:
    parts = [part for part in (first, second) if part]
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."
