"""The states of a delivery, the one table of allowed moves, and the words people read.

The database refuses every other move too (the trigger in migration 0002; tests/delivery compares the two tables).
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a delivery (note version, route, part) stands. *Accepted* is not *verified*."""

    HELD = "held"  # waits for a person: a problem is named
    READY = "ready"  # may be sent when `not_before` has come
    SENDING = "sending"  # the intent is committed; bytes may be under way
    ACCEPTED = "accepted"  # the receiver answered positively for this very message
    VERIFIED = "verified"  # read back: every section stands where it belongs
    MISFILED = "misfiled"  # read back: something is missing, moved, altered or duplicated
    REJECTED = "rejected"  # the receiver refused it for good
    UNKNOWN = "unknown"  # perhaps it arrived: nobody may resend before looking
    PARKED = "parked"  # nobody but a person can decide
    SUPERSEDED = "superseded"  # a newer version of the note goes instead, or the same one by the next way
    CANCELLED = "cancelled"  # a person called it off before it was sent


@dataclass(frozen=True)
class Words:
    """What the screen says of a state, and how alarming it is (tone: ok, wait, act, off)."""

    label: str
    meaning: str
    tone: str


WORDS: dict[State, Words] = {
    State.HELD: Words("Held", "Not sent. It waits for the problem named below to be put right.", "act"),
    State.READY: Words("Waiting to be sent", "Its turn has not come yet, or a retry is due.", "wait"),
    State.SENDING: Words("Being sent", "On its way to eCW at this moment.", "wait"),
    State.ACCEPTED: Words(
        "Accepted, not yet verified", "eCW took the message; the chart has not been read back.", "wait"
    ),
    State.VERIFIED: Words("Verified in the chart", "Read back: every section stands in its field.", "ok"),
    State.MISFILED: Words("Not as sent", "Read back: the chart differs from what was sent.", "act"),
    State.REJECTED: Words("Rejected by eCW", "eCW refused the message; the reason stands below.", "act"),
    State.UNKNOWN: Words(
        "Outcome unknown",
        "Sent, but no answer came. The chart is looked at before anything is resent.",
        "act",
    ),
    State.PARKED: Words("Needs a decision", "Only a person can decide what happens next.", "act"),
    State.SUPERSEDED: Words("Superseded", "A newer version, or another way, took its place.", "off"),
    State.CANCELLED: Words("Cancelled", "Called off before it was sent.", "off"),
}

MOVES: dict[State, frozenset[State]] = {
    State.HELD: frozenset({State.READY, State.SUPERSEDED, State.CANCELLED}),
    # READY -> UNKNOWN only in recovery mode: a restored database cannot know what the lost days sent.
    State.READY: frozenset({State.SENDING, State.HELD, State.PARKED, State.SUPERSEDED, State.CANCELLED, State.UNKNOWN}),
    State.SENDING: frozenset({State.ACCEPTED, State.REJECTED, State.READY, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.ACCEPTED, State.READY, State.PARKED}),
    State.ACCEPTED: frozenset({State.VERIFIED, State.MISFILED}),
    State.MISFILED: frozenset({State.VERIFIED}),
    State.PARKED: frozenset({State.READY, State.ACCEPTED, State.CANCELLED}),
    # Only where a later look finds its text gone from the chart, because another note of the visit took its place.
    State.VERIFIED: frozenset({State.MISFILED}),
    # REJECTED -> SUPERSEDED only where the part goes by the location's next way (delivery/fallback.py).
    State.REJECTED: frozenset({State.SUPERSEDED}),
    State.SUPERSEDED: frozenset(),
    State.CANCELLED: frozenset(),
}

# Deliveries that still stand between a later note of the same encounter and its turn.
BLOCKING = frozenset({State.READY, State.SENDING, State.UNKNOWN})
# Charted, or as good as: what a withdrawn note must be struck out of. (Where it is misfiled as well, that says more.)
STRIKABLE = frozenset({State.ACCEPTED, State.VERIFIED})
STRUCK = "struck_in_chart"  # the reason code of a withdrawn note that a person has struck
# What a delivery has failed by when it came to stand there; so it has when a try at sending did not get through.
TROUBLE = frozenset({State.MISFILED, State.REJECTED, State.UNKNOWN, State.PARKED})
NEEDS_ATTENTION = frozenset({State.HELD, State.MISFILED, State.REJECTED, State.UNKNOWN, State.PARKED})


def fails(old: State, new: State) -> bool:
    """Whether a move is a failure of the delivery's own, whatever comes of it later."""
    return new in TROUBLE or (old is State.SENDING and new is State.READY)


def allowed(old: State, new: State) -> bool:
    """Whether a delivery may move from `old` to `new`."""
    return new in MOVES[old]
