"""What lanes write down: the outcomes of the last batch and the intents of the next, for all lanes that come together.

A durable commit and its dozen statements cost the same for one lane as for sixteen (delivery/group.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from delivery import breaker, incarnation, lanes, retry, sql
from delivery.affected import by_problems
from delivery.group import Group
from delivery.lanes import Lease
from delivery.models import Attempt, Delivery
from delivery.outcomes import Outcome, changes_of, complete_attempts, fall_back, tell_breaker
from delivery.outgoing import Prepared, Stopped
from delivery.states import State
from delivery.transition import Change, change_all, ticket_of
from portal.models import Connection

MOST_LANES = 16  # in one transaction


@dataclass(frozen=True)
class Page:
    """What one lane has to write. `draining`: it will look again by itself."""

    lease: Lease
    connection: Connection
    draining: bool
    outcomes: Sequence[Outcome]
    stopped: Sequence[Stopped]
    ready: Sequence[Prepared]


@dataclass(frozen=True)
class Written:
    """What stands in the database now: the intents whose bytes may leave, and whether the lane may go on after them."""

    claimed: list[Prepared]
    may_go_on: bool
    newest_attempt: int = 0
    accepted: frozenset[int] = frozenset()  # of all lanes that wrote together


def write_all(pages: Sequence[Page]) -> list[Written | Exception]:
    """Every page, and the mark outside the database, before anybody's first byte."""
    fates = committed(pages)
    newest = max((fate.newest_attempt for fate in fates if isinstance(fate, Written)), default=0)
    try:
        if newest:
            incarnation.remember(newest)
    except Exception as error:  # what is claimed does not leave: whoever takes the lane next doubts it
        return [error if isinstance(fate, Written) and fate.claimed else fate for fate in fates]
    return fates


def committed(pages: Sequence[Page]) -> list[Written | Exception]:
    """In one transaction. What spoils that spoils it for one lane only: then each has its own."""
    try:
        return list(write(pages))
    except (OperationalError, InterfaceError):
        raise  # the database is away: every lane tries again
    except Exception:
        if len(pages) == 1:
            raise
        return [alone(page) for page in pages]


def alone(page: Page) -> Written | Exception:
    try:
        return write([page])[0]
    except Exception as error:
        return error


def write(pages: Sequence[Page]) -> list[Written]:
    with transaction.atomic():
        mine = lanes.renew_all([(page.lease, page.draining) for page in pages])
        outcomes = [outcome for page in pages for outcome in page.outcomes]
        complete_attempts(outcomes)
        going = [settled(page) and still for page, still in zip(pages, mine, strict=True)]
        ready = [(page, one) for page, go in zip(pages, going, strict=True) if go for one in page.ready]
        ended = [change for page in pages for change in endings(page)]
        *moved, claims = change_all([*ended, intents(ready)])
        fall_back(outcomes, ended, moved)
        accepted = frozenset(
            ticket.id
            for change, tickets in zip(ended, moved, strict=True)
            if change.new is State.ACCEPTED
            for ticket in tickets
        )
        ids = {ticket.id for ticket in claims}
        claimed = [(page, one) for page, one in ready if one.delivery.pk in ids]
        rows = [attempt(page, one) for page, one in claimed]
        sql.insert(rows, others=[[one.new_wire for _, one in claimed if one.new_wire]])
    newest = max((row.pk for row in rows), default=0)
    return [
        Written([one for owner, one in claimed if owner is page], go, newest, accepted)
        for page, go in zip(pages, going, strict=True)
    ]


def settled(page: Page) -> bool:
    """Tell the breaker of the last batch; False if that tripped it."""
    tell_breaker(page.outcomes, page.connection)
    refused = any(outcome.word == "refused" for outcome in page.outcomes)
    return not refused or breaker.allows(page.connection.pk)


def endings(page: Page) -> list[Change]:
    """The moves of what was sent, and of what must not leave."""
    stops = [change for item in page.stopped if (change := stop(item))]
    return [*changes_of(page.outcomes, page.lease.epoch), *stops]


def stop(item: Stopped) -> Change | None:
    """Hold or park what must not leave; what only waits is put off, and does not move."""
    if item.state is State.READY:
        put_off(item)
        return None
    return Change(
        [ticket_of(item.delivery)],
        State.READY,
        item.state,
        reason_code=item.reason_code,
        columns=by_problems([problem.__dict__ for problem in item.problems]),
    )


def put_off(item: Stopped) -> None:
    """It counts as a crash: tried again later, alone, and parked after the third."""
    tries = item.delivery.crashes + 1
    later = timezone.now() + timedelta(seconds=retry.delay(tries))
    Delivery.objects.filter(pk=item.delivery.pk, state=State.READY).update(
        crashes=tries, reason_code=item.reason_code, not_before=later, updated_at=timezone.now()
    )


def intents(ready: Sequence[tuple[Page, Prepared]]) -> Change:
    """Those still READY move to SENDING, each under its lane's epoch."""
    return Change(
        [ticket_of(one.delivery) for _, one in ready],
        State.READY,
        State.SENDING,
        each={
            one.delivery.pk: {
                "epoch": page.lease.epoch,
                "attempts": one.number,
                "mapping_version_id": one.mapping_version_id,
            }
            for page, one in ready
        },
        details={
            one.delivery.pk: {"attempt": one.number, "wire_sha256": one.sha256, "connection": page.connection.pk}
            for page, one in ready
        },
        recipients={one.delivery.pk: page.connection.name for page, one in ready},
    )


def attempt(page: Page, prepared: Prepared) -> Attempt:
    return Attempt(
        delivery_id=prepared.delivery.pk,
        number=prepared.number,
        epoch=page.lease.epoch,
        worker=lanes.owner(),
        connection=page.connection,
        wire_sha256=prepared.sha256,
        intent_at=timezone.now(),
    )


together: Group[Page, Written] = Group(write_all, MOST_LANES)
