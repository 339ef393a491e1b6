"""The lane loop: claim, commit the intent, send, write down what came of it; again until nothing is due.

One durable commit stands between any two batches: it writes the last batch's outcomes and the next one's intents
together. No byte leaves before its intent (with the sha256 of exactly those bytes) is committed, and none after the
lease's guard has tripped.
"""

import logging
import time
from collections.abc import Sequence
from itertools import takewhile

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections, transaction

from audit.record import Actor, acting
from delivery import breaker, incarnation, lanes, rate, sockets, whose_visit
from delivery.channels.base import Channel, ChannelError, NoAnswer, Refused, Unavailable
from delivery.due import due, first_due
from delivery.lanes import Lease
from delivery.models import Delivery, Lane, ReceiverProfile
from delivery.outcomes import Outcome, accepted, ended, hand_over, not_reached
from delivery.outgoing import Prepared, Stopped, prepare
from delivery.pages import Page, together
from delivery.population.filling import fill
from delivery.states import State
from delivery.transition import tickets, transition
from portal.keyring import KeysUnavailable
from portal.models import Connection

log = logging.getLogger(__name__)

DATABASE_PAUSE = 0.5


def drain(lane_id: int) -> int:
    """Send what is due on this lane; returns how many messages left. Nothing happens if somebody else holds it."""
    with acting(Actor("worker", lanes.owner())):  # from the first: entering recovery and taking over are deeds too
        if not incarnation.may_send():
            return 0
        lane = Lane.objects.select_related("connection__practice").get(pk=lane_id)
        if not lane.connection.enabled:
            hold_all(lane_id)
            return 0
        if not breaker.allows(lane.connection_id):
            doubt_only(lane_id)
            return 0
        lease = lanes.acquire(lane_id)
        return LaneRun(lane.connection, lease).run() if lease else 0


def doubt_only(lane_id: int) -> None:
    """Behind a breaker nothing is sent, but what a dead worker left SENDING becomes UNKNOWN and is looked for."""
    if Delivery.objects.filter(lane_id=lane_id, state=State.SENDING).exists():
        lease = lanes.acquire(lane_id)
        if lease is not None:
            lanes.release(lease)


def hold_all(lane_id: int) -> None:
    """A connection that was switched off is not even opened: what waits for it is held, with the reason."""
    doubt_only(lane_id)
    while ids := list(due(lane_id).values_list("pk", flat=True)):
        with transaction.atomic():
            if not transition(tickets(ids), State.READY, State.HELD, reason_code="connection_disabled"):
                return


class LaneRun:
    """One holder's time on a lane."""

    def __init__(self, connection: Connection, lease: Lease) -> None:
        self.connection = connection
        self.lease = lease
        self.batch_size = batch_size(connection.pk)
        self.outcomes: list[Outcome] = []
        self.draining = True  # what the lane's row says: intake rings the bell only when it is False
        # The guard tripped, another epoch began, or a breaker opened: write down what is known and step back.
        self.lost = False
        self.sent = 0

    def run(self) -> int:
        try:
            # Twice before waiting: what was committed while the row still said "draining" rang no bell.
            while self.try_step() or (self.try_step() or self.rung()):
                pass
        except BaseException:
            lanes.abandon(self.lease)
            raise
        lanes.release(self.lease)
        return self.sent

    def rung(self) -> bool:
        return not (self.lost or sockets.stopping.is_set()) and sockets.rung_within(
            self.lease.lane_id, settings.LINGER_SECONDS
        )

    def try_step(self) -> bool:
        """A step whose commit fails is done again while the lease lasts: its outcomes are still in hand.

        Whether a failed commit took hold is not assumed either way: every move compares the state it changes.
        """
        while True:
            try:
                return self.step()
            except (OperationalError, InterfaceError):
                if not self.lease.holds():
                    raise
                time.sleep(DATABASE_PAUSE)
                connections["default"].close()
                self.lost = True  # the database may come back as an older one: take the lane anew

    def step(self) -> bool:
        """One batch: prepare, open, commit, send. False when nothing was due, or nothing may go now.

        What may not leave is stopped before a socket opens for it.
        """
        may_send = not (self.lost or sockets.stopping.is_set())
        candidates = batch_of(self.lease.lane_id, self.batch_size) if may_send else []
        channel = self.client() if candidates else None
        if channel is None:
            candidates = []
        ready, stopped = self.prepared(candidates, channel) if channel else ([], [])
        if ready and not self.open():
            ready = []
        ready, misplaced = whose_visit.checked(ready)
        stopped = [*stopped, *misplaced]
        ready = ready[: rate.granted(self.connection, len(ready))]
        if not (candidates or self.outcomes or self.draining):
            return False
        written = together.submit(self.page(ready, stopped, draining=bool(candidates)))
        hand_over(self.outcomes, written.accepted)
        self.draining, self.outcomes = bool(candidates), []
        if channel and written.claimed:
            self.outcomes = self.send_all(channel, written.claimed)
        self.lost = self.lost or not written.may_go_on
        return bool(written.claimed or stopped) and not self.lost

    def page(self, ready: Sequence[Prepared], stopped: Sequence[Stopped], *, draining: bool) -> Page:
        return Page(
            self.lease,
            self.connection,
            draining=draining,
            outcomes=self.outcomes,
            stopped=stopped,
            ready=() if self.lost else ready,
        )

    def prepared(self, candidates: Sequence[Delivery], channel: Channel) -> tuple[list[Prepared], list[Stopped]]:
        """Without keys nothing can be prepared, and no note is to blame: the lane is left until the next round."""
        try:
            return prepare(candidates, channel)
        except KeysUnavailable as error:
            log.warning("nothing can be prepared: %s", type(error))
            self.lost = True
            return [], []

    def client(self) -> Channel | None:
        """The lane's client, perhaps not open yet; None, with the breaker told, when its settings cannot be used."""
        try:
            return sockets.client_of(self.lease, self.connection)
        except ValueError:
            self.step_back("connection_misconfigured")
            return None

    def open(self) -> bool:
        """Whether the client is open; else the breaker is told: a failure here is *not sent*, never *unknown*."""
        try:
            if sockets.opened(self.lease.lane_id):
                breaker.succeeded(self.connection)
        except Unavailable as error:
            self.step_back(error.reason_code)
        except ValueError:
            self.step_back("connection_misconfigured")
        return not self.lost

    def step_back(self, reason_code: str) -> None:
        """Nobody knocks again before the breaker's wait is over."""
        breaker.failed(self.connection, reason_code)
        self.lost = True

    def send_all(self, channel: Channel, claimed: Sequence[Prepared]) -> list[Outcome]:
        """Send one after another on one socket. After the first doubt the rest is provably unsent."""
        outcomes: list[Outcome] = []
        for place, prepared in enumerate(claimed):
            if sockets.stopping.is_set():
                return outcomes + [not_reached(later, "worker_ended") for later in claimed[place:]]
            outcome = send_one(channel, prepared)
            outcomes.append(outcome)
            self.sent += outcome.word != "unavailable"
            self.lost = self.lost or outcome.reason_code == "lease_lost"
            if outcome.reason_code in breaker.PERSON_NEEDED:
                self.step_back(outcome.reason_code)
            if outcome.word in ("unavailable", "no_answer"):
                sockets.discard(self.lease.lane_id)
                return outcomes + [not_reached(later, "batch_ended") for later in claimed[place + 1 :]]
        return outcomes


def send_one(channel: Channel, prepared: Prepared) -> Outcome:
    try:
        fill(channel, prepared)
        return accepted(prepared, channel.send(prepared.rendered, prepared.delivery.control_id))
    except (Refused, Unavailable, NoAnswer) as error:
        return ended(prepared, error)
    except ChannelError as error:
        log.error("channel raised %s while sending", type(error))
        return ended(prepared, NoAnswer(error.reason_code))


def batch_size(connection_id: int) -> int:
    """A receiver that can neither ignore a repeat nor be asked gets one message at a time."""
    blind = breaker.state_of(connection_id).profile in ("", ReceiverProfile.BLIND)
    return 1 if blind else settings.BATCH_SIZE


def batch_of(lane_id: int, size: int) -> list[Delivery]:
    """The next deliveries to send together; a suspect of a crash goes alone."""
    rows = first_due(lane_id, size)
    return list(takewhile(lambda delivery: not delivery.crashes, rows)) or rows[:1]
