"""What a person may do with a delivery in each state: the buttons, what they ask for, and the verbs behind them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from delivery import actions, other_way
from delivery.attesting import attest
from delivery.contested import FIELD_TAKEN
from delivery.document_doubts import is_document
from delivery.document_verification import can_be_read
from delivery.models import Delivery
from delivery.states import STRIKABLE, State


@dataclass(frozen=True)
class Deed:
    """One button. `carry_out(ids, reason)` is true where something moved; `caution` stands beside the button."""

    verb: str
    label: str
    icon: str
    states: frozenset[State]
    carry_out: Callable[[list[int], str], bool]
    done: str
    reason_needed: bool = True
    caution: str = ""
    tone: str = ""  # "primary", "danger" or ""
    # Looks at one delivery, says whether it would be done, and in words how or why not: for dry runs and job results.
    verdict: Callable[[Delivery], tuple[bool, str]] | None = None


def _states(*states: State) -> frozenset[State]:
    return frozenset(states)


DEEDS: tuple[Deed, ...] = (
    Deed(
        "release",
        "Release",
        "play",
        _states(State.HELD),
        lambda ids, reason: bool(actions.release(ids, reason)),
        "Released. Its problem is looked at again before anything is sent.",
        reason_needed=False,
        tone="primary",
    ),
    Deed(
        "strike",
        "It is struck in the chart",
        "check",
        STRIKABLE,
        lambda ids, reason: bool(actions.strike(ids, reason)),
        "Noted. The withdrawn note needs nobody any more.",
        caution="Open the visit in eCW first and strike the note there.",
        tone="primary",
    ),
    Deed(
        "verify",
        "Look into the chart now",
        "eye",
        _states(State.ACCEPTED, State.MISFILED, State.UNKNOWN),
        lambda ids, reason: bool(actions.verify_now(ids)),
        "The chart is read at the next turn, within seconds.",
        reason_needed=False,
        tone="primary",
    ),
    Deed(
        "attest",
        "I compared it in the chart",
        "pencil-square",
        _states(State.ACCEPTED),
        lambda ids, reason: bool(attest(ids, reason)),
        "Signed for, with your name and the date. It stays accepted: a person compared it, nothing was read back.",
        caution="Open the visit in eCW and compare every section with its field first.",
    ),
    Deed(
        "in-chart",
        "It is in the chart",
        "check",
        _states(State.PARKED),
        lambda ids, reason: bool(actions.decide_sent(ids, reason)),
        "Noted as accepted. It is read back like any other, where the location can be read.",
        caution="Open the visit in eCW first and look.",
    ),
    Deed(
        "not-there",
        "It is not there, send again",
        "paper-airplane",
        _states(State.PARKED),
        lambda ids, reason: bool(actions.decide_not_sent(ids, reason)),
        "The same message goes again under the same control id.",
        caution="If it is there after all, it will stand in the chart twice.",
    ),
    Deed(
        "hold",
        "Hold",
        "pause",
        _states(State.READY),
        lambda ids, reason: bool(actions.hold(ids, reason)),
        "Held. It waits until somebody releases it.",
    ),
    Deed(
        "replay",
        "Send as a new delivery",
        "arrow-path",
        _states(State.REJECTED, State.MISFILED, State.CANCELLED),
        lambda ids, reason: bool(actions.replay(ids, reason, same_identity=False)),
        "Filed again as a new delivery with the mapping now in force.",
    ),
    Deed(
        "other-way",
        "Send by another way",
        "arrows-right-left",
        other_way.STOPPED,
        lambda ids, reason: bool(other_way.send(ids, reason)),
        "It goes by the location’s other way, as a new delivery in this one’s place.",
        verdict=other_way.verdict,
    ),
    Deed(
        "cancel",
        "Cancel",
        "x-mark",
        _states(State.HELD, State.READY, State.PARKED),
        lambda ids, reason: bool(actions.cancel(ids, reason)),
        "Cancelled. Nothing more is sent of it.",
        tone="danger",
    ),
)
# What the key r asks for: whatever gets a delivery on its way again from where it stands.
AGAIN: dict[State, str] = {
    State.HELD: "release",
    State.ACCEPTED: "verify",
    State.UNKNOWN: "verify",
    State.REJECTED: "replay",
    State.MISFILED: "replay",
    State.CANCELLED: "replay",
}
TAKES_A_FIELD = "The other note's text may be lost from these fields of the chart."
MISFILED_TWICE = "The filing in the chart stays: what is right there already will stand twice."


def by_way(deed: Deed, way: int | None) -> Deed:
    """The same deed by the way (a connection) that a person chose; unchanged where nothing was, or is, to be chosen."""
    if deed.verb != "other-way" or way is None:
        return deed
    return replace(
        deed,
        carry_out=lambda ids, reason: bool(other_way.send(ids, reason, way)),
        verdict=lambda delivery: other_way.verdict(delivery, way),
    )


def ways_for(delivery: Delivery) -> list[tuple[int, str]]:
    """The ways to choose from, where it can go by more than one other."""
    found = [(one.connection_id, other_way.words_of(one.connection)) for one in other_way.other_routes(delivery)]
    return found if len(found) > 1 else []


def deeds_for(delivery: Delivery) -> list[Deed]:
    """The buttons for this delivery as it stands."""
    state = State(delivery.state)
    readable = delivery.location.reading_connection_id is not None
    if is_document(delivery):
        readable = can_be_read(delivery)
    possible = {
        "release": delivery.reason_code not in actions.NOT_ONE_BY_ONE,
        "verify": readable,
        "strike": delivery.to_strike,
        "attest": delivery.proof == "none",
    }
    found = [deed for deed in DEEDS if state in deed.states and possible.get(deed.verb, True)]
    return [deed for deed in found if deed.verb != "other-way" or not other_way.why_not(delivery)]


def deed_of(delivery: Delivery, verb: str) -> Deed | None:
    return next((deed for deed in deeds_for(delivery) if deed.verb == verb), None)


def caution_of(deed: Deed, delivery: Delivery) -> str:
    """What to think of before pressing; a repeated filing of what is already there is said in so many words."""
    if deed.verb == "replay" and delivery.state == State.MISFILED:
        return MISFILED_TWICE
    if deed.verb == "release" and delivery.reason_code == FIELD_TAKEN:
        return TAKES_A_FIELD
    if deed.verb == "other-way" and (route := other_way.other_route(delivery)):
        if ways_for(delivery):
            return "The message is made anew for the way that you choose."
        return f"By {other_way.words_of(route.connection)}; the message is made anew for it."
    return deed.caution
