"""The events a scribe can be told of, and the words for them."""

from delivery.states import State

CAPTURE = "capture.start"
TEST = "endpoint.test"
# The moves of a delivery that are told, by the state they lead to.
OF_STATE: dict[State, str] = {
    State.VERIFIED: "delivery.verified",
    State.MISFILED: "delivery.misfiled",
    State.REJECTED: "delivery.rejected",
    State.PARKED: "delivery.parked",
    State.HELD: "delivery.held",
}
LABELS = {
    CAPTURE: "A visit has begun: start capture",
    "delivery.verified": "Verified in the chart",
    "delivery.misfiled": "Not as sent",
    "delivery.rejected": "Rejected by eCW",
    "delivery.parked": "Needs a decision",
    "delivery.held": "Held",
}
