"""What became of each message of a batch, and writing it down: one transaction for all of them."""

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.utils import timezone

from delivery import breaker, fallback, handed, retry, sql
from delivery.channels.base import NoAnswer, Receipt, Refused, Unavailable
from delivery.channels.registry import LEAVES_FILES, SHOWS_DOCUMENTS
from delivery.entries import CODED
from delivery.models import Attempt
from delivery.outgoing import Prepared
from delivery.states import State
from delivery.transition import Change, Ticket, ticket_of
from portal import crypto
from portal.models import Connection, Part

# Reasons for which a message was not sent and that are not its own: they neither lengthen its wait nor end a series.
NOT_ITS_OWN = ("batch_ended", "lease_lost", "worker_ended")


@dataclass(frozen=True)
class Outcome:
    """One message's end: the attempt's word, the state it leads to, and the receiver's code and answer."""

    prepared: Prepared
    word: str  # accepted, refused, unavailable, no_answer
    state: State
    finished_at: datetime
    code: str = ""
    reason_code: str = ""
    answer: bytes = b""
    retry_after: float | None = None


def accepted(prepared: Prepared, receipt: Receipt) -> Outcome:
    waits = "waits_in_app_data" if prepared.delivery.part in CODED else ""
    return Outcome(prepared, "accepted", State.ACCEPTED, timezone.now(), receipt.code, waits, receipt.answer)


def ended(prepared: Prepared, error: Refused | Unavailable | NoAnswer) -> Outcome:
    """The error carries the decision; anything else must not be caught here."""
    word, state = {
        Refused: ("refused", State.REJECTED),
        Unavailable: ("unavailable", State.READY),
        NoAnswer: ("no_answer", State.UNKNOWN),
    }[type(error)]
    return Outcome(
        prepared, word, state, timezone.now(), error.code, error.reason_code, error.answer, error.retry_after
    )


def not_reached(prepared: Prepared, reason_code: str) -> Outcome:
    """Proof that no byte left: the batch ended before this one's turn."""
    return Outcome(prepared, "unavailable", State.READY, timezone.now(), "", reason_code)


def changes_of(outcomes: Sequence[Outcome], epoch: int) -> list[Change]:
    """The moves these outcomes of one lane's batch lead to, alike ones together."""
    groups: dict[tuple[State, str, float, bool, bool], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        readable = _readable(outcome.prepared)
        in_hand = _stays_in_hand(outcome, readable)
        groups[(outcome.state, outcome.reason_code, _waits(outcome), readable, in_hand)].append(outcome)
    return [
        Change(
            [ticket_of(member.prepared.delivery) for member in members],
            State.SENDING,
            state,
            reason_code=reason_code,
            epoch=epoch,
            columns=_columns(state, wait, readable, reason_code, in_hand),
            details={
                member.prepared.delivery.pk: {"attempt": member.prepared.number, "code": member.code}
                for member in members
            },
        )
        for (state, reason_code, wait, readable, in_hand), members in groups.items()
    ]


def _stays_in_hand(outcome: Outcome, readable: bool) -> bool:
    """Whether this process reads it back from memory; what it will not must not look as if it did."""
    delivery = outcome.prepared.delivery
    if not (readable and outcome.state is State.ACCEPTED and handed.takes(delivery)):
        delivery.in_hand = None
    return delivery.in_hand is not None


def hand_over(outcomes: Sequence[Outcome], accepted: Set[int]) -> None:
    """To the reader, after the commit: those of a lane's batch that were written down as accepted and claimed."""
    given = [one for one in outcomes if one.prepared.delivery.pk in accepted and one.prepared.delivery.in_hand]
    for one in given:
        delivery = one.prepared.delivery
        delivery.state, delivery.attempts, delivery.accepted_at = one.state.value, one.prepared.number, timezone.now()
        delivery.reason_code, delivery.readings_made = one.reason_code, 0
        delivery.read_at = handed.claimed_until(delivery.accepted_at)
    if given:
        handed.give([one.prepared.delivery for one in given])


def _readable(prepared: Prepared) -> bool:
    """Whether some reader may see it in the chart. What a partner takes from a folder it charts when it likes, and
    attached documents are seen only by the connection that sent them, where it shows any."""
    delivery = prepared.delivery
    if delivery.part == Part.ATTACHMENTS:
        return delivery.connection is not None and delivery.connection.kind in SHOWS_DOCUMENTS
    left = delivery.connection is not None and delivery.connection.kind in LEAVES_FILES
    return delivery.location.reading_connection_id is not None and not left


def fall_back(outcomes: Sequence[Outcome], changes: Sequence[Change], moved: Sequence[Sequence[Ticket]]) -> None:
    """What these changes have just made REJECTED goes by the location's next way, where that is allowed."""
    for change, tickets in zip(changes, moved, strict=True):
        if change.new is State.REJECTED:
            keys = {ticket.id for ticket in tickets}
            rows = [outcome.prepared.delivery for outcome in outcomes if outcome.prepared.delivery.pk in keys]
            fallback.after_refusal(rows, change.reason_code)


def _waits(outcome: Outcome) -> float:
    """Seconds before the next try. The wait of a message whose turn never came is not its own fault."""
    if outcome.state is not State.READY or outcome.reason_code in NOT_ITS_OWN:
        return 0.0
    return retry.delay(failed_in_a_row(outcome.prepared.delivery.pk), outcome.retry_after)


def failed_in_a_row(delivery_id: int) -> int:
    """How many tries in a row, the last one included, could not be sent at all (as many as lengthen the wait).

    A crash or a doubt ends the series: the receiver was reached then, and what it settles is not a reason to wait.
    """
    rows = Attempt.objects.filter(delivery_id=delivery_id).exclude(reason_code__in=NOT_ITS_OWN).order_by("-number")
    words = rows.values_list("outcome", flat=True)[: len(retry.STEPS)]
    return sum(1 for _ in takewhile(lambda word: word == "unavailable", words))


def _columns(state: State, wait: float, readable: bool, reason_code: str, in_hand: bool) -> dict[str, Any]:
    now = timezone.now()
    if state is State.ACCEPTED and reason_code == "waits_in_app_data":
        return {"accepted_at": now, "read_at": now, "proof": "app_data", "readings_made": 0}
    if state is State.ACCEPTED:
        when = handed.claimed_until(now) if in_hand else now if readable else None
        return {"accepted_at": now, "read_at": when, "proof": "" if readable else "none", "readings_made": 0}
    if state is State.UNKNOWN:
        return {"read_at": now + timedelta(seconds=settings.SETTLE_SECONDS), "negatives": 0, "readings_made": 0}
    return {"not_before": now + timedelta(seconds=wait)} if state is State.READY else {}


def complete_attempts(outcomes: Sequence[Outcome]) -> None:
    """What became of each try, of one batch or of several, in one statement."""
    sql.update_each(
        Attempt,
        ["delivery_id", "number"],
        ["finished_at", "outcome", "code", "reason_code", "sealed_answer"],
        [
            (
                outcome.prepared.delivery.pk,
                outcome.prepared.number,
                outcome.finished_at,
                outcome.word,
                outcome.code[:20],
                outcome.reason_code,
                _sealed(outcome),
            )
            for outcome in outcomes
        ],
    )


def _sealed(outcome: Outcome) -> bytes | None:
    if not outcome.answer:
        return None
    row = f"{outcome.prepared.delivery.pk}:{outcome.prepared.number}"
    return crypto.seal(outcome.answer, table="attempt", column="answer", row=row)


def tell_breaker(outcomes: Sequence[Outcome], connection: Connection) -> None:
    """Rejections count only in a row: one acceptance after them starts the count anew."""
    last = next((outcome for outcome in reversed(outcomes) if outcome.word in ("accepted", "refused")), None)
    if last is None:
        return
    if last.word == "accepted":
        breaker.content_accepted(connection.pk)
        return
    tail = [outcome for outcome in outcomes if outcome.word in ("accepted", "refused")]
    count = 0
    for outcome in reversed(tail):
        if outcome.word != "refused" or outcome.code != last.code:
            break
        count += 1
    breaker.rejected(connection, f"{last.code}/{last.reason_code}", count)
