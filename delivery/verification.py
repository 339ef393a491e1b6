"""Read the chart back: prove where every section stands, and settle what nobody knows.

Identity is the control id, never similar text. *Not there* counts only where a probe has shown that this reader finds
fresh notes (`ConnectionState.reader_proven_at`), and only twice, DOUBT_SETTLE_SECONDS apart, the first that long after
the last byte that may have left: asked too early, a receiver still at work answers "not there" and the note would be
charted twice. The first look comes sooner (SETTLE_SECONDS): what it finds counts, what it does not find does not. What
was sent more than once is VERIFIED only by a look that long after the last time: both copies may be filed by then.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Count, Max
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.record import Actor, acting
from delivery import handed, lanes, rate, sql, visit_charts
from delivery.affected import by_outcomes
from delivery.asked import kept
from delivery.channels.base import ChartReader, Unavailable
from delivery.channels.compare import ALONE, Known, ReadBack, compare
from delivery.channels.registry import NAMES_TEMPLATE
from delivery.document_doubts import is_document, settle_documents
from delivery.document_verification import can_be_read, look_at_documents
from delivery.entries import CODED
from delivery.entry_verification import look_at_entries
from delivery.file_verification import is_left, look_at_files
from delivery.going_again import park, send_again
from delivery.keeping import keep_cut, keep_document, keep_misfiled
from delivery.misrouting import stop_for
from delivery.models import Attempt, ConnectionState, Delivery, ReceiverProfile
from delivery.opening import open_reader
from delivery.outgoing import POISON_AFTER, planned, visit_of
from delivery.readings import Found, Look, outcome_rows, took, write_readings
from delivery.states import State
from delivery.transition import Ticket, ticket_of, transition
from portal.keyring import KeysUnavailable
from portal.models import Connection

log = logging.getLogger(__name__)

BATCH = 64
READERS = 4
# Seconds between looks for an accepted note that is not there yet, or stands there differently.
LOOKS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
MISSING_AFTER = 5  # looks in vain, before an accepted note that cannot be found is called misfiled
DOUBT_LOOKS = 10
DOUBT_SECONDS = 3600.0
NEGATIVES_NEEDED = 2
NOT_ASKED = "reader_cannot_say"
READABLE = (State.ACCEPTED, State.UNKNOWN, State.MISFILED, State.VERIFIED)


def read_due() -> int:
    """Look for up to BATCH deliveries whose time has come; returns how many were looked for."""
    with acting(Actor("worker", lanes.owner())):
        due = to_look_for()
        coded = [delivery for delivery in due if delivery.part in CODED]
        look_at_entries(coded)
        left = [delivery for delivery in due if is_left(delivery)]
        look_at_files([delivery for delivery in left if delivery.state == State.UNKNOWN])
        attached = [delivery for delivery in due if is_document(delivery)]
        seen = [delivery for delivery in attached if can_be_read(delivery)]
        look_at_documents(seen)
        settle_documents([each for each in attached if each.state == State.UNKNOWN and each not in seen])
        notes = [delivery for delivery in due if delivery not in (*coded, *left, *attached)]
        if notes:
            looks = look_for(notes)
            try:
                conclude_all(looks)
            except (DatabaseError, InterfaceError, KeysUnavailable):
                raise  # nobody's fault here: all are looked for again
            except Exception as error:
                log.error("a reading could not be judged: %s; each is judged alone", type(error), exc_info=True)
                for look in looks:
                    conclude_alone(look)
        return len(due)


def conclude_all(looks: Sequence[Look]) -> None:
    with transaction.atomic():
        conclude(still_standing(looks))


def conclude_alone(look: Look) -> None:
    """One that cannot be judged is looked for later and later, a doubt parked the third time: others go on."""
    try:
        conclude_all([look])
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise
    except Exception as error:
        log.error("a reading could not be judged: %s", type(error))
        with transaction.atomic():
            for each in still_standing([look]):
                delivery = each.delivery
                if delivery.state == State.UNKNOWN and delivery.readings_made + 1 >= POISON_AFTER:
                    park(delivery, "reading_failed")
                else:
                    look_again(delivery, "reading_failed")


def to_look_for() -> list[Delivery]:
    """What this process has sent itself, and what is due by the database: each once, also if a person asked for it."""
    in_hand = handed.take(BATCH)
    if in_hand:
        kept.now().complete(in_hand)
    return [*in_hand, *(delivery for delivery in claim_reads() if delivery not in in_hand)]


def claim_reads() -> list[Delivery]:
    """Take due readings for a minute (or a shorter lease), so that two workers do not ask the same question."""
    now = timezone.now()
    until = handed.claimed_until(now)
    table = sql.table(Delivery)
    states = [state.value for state in READABLE]
    with transaction.atomic():
        rows = sql.returning(
            f"UPDATE {table} SET read_at = %s WHERE id IN (SELECT id FROM {table} WHERE read_at <= %s "  # noqa: S608
            f"AND state IN ({sql.marks(states)}) ORDER BY read_at LIMIT {BATCH}) AND read_at <= %s RETURNING id",
            [until, now, *states, now],
        )
    if not rows:
        return []
    due = list(Delivery.objects.filter(pk__in=[key for (key,) in rows]).select_related("note_version", "note", "wire"))
    kept.now().complete(due)
    return due


def look_for(due: Sequence[Delivery]) -> list[Look]:
    """Read each encounter once, several at a time, outside any transaction."""
    by_connection: dict[Connection | None, list[Delivery]] = defaultdict(list)
    for delivery in due:
        by_connection[delivery.location.reading_connection].append(delivery)
    looks: list[Look] = []
    for connection, members in by_connection.items():
        try:
            looks += read_all(connection, members) if connection else [Look(row, None, "no_reader") for row in members]
        except (DatabaseError, InterfaceError, KeysUnavailable):
            raise
        except Exception as error:
            log.error("a reading connection could not be asked: %s", type(error), exc_info=True)
            looks += [Look(row, None, "reading_failed") for row in members]
    return looks


def read_all(connection: Connection, members: Sequence[Delivery]) -> list[Look]:
    """Ask one reading connection for all these deliveries' encounters."""
    try:
        reader = open_reader(connection)
    except (ValueError, Unavailable) as error:
        reason = getattr(error, "reason_code", "reader_misconfigured")
        return [Look(delivery, None, reason) for delivery in members]
    # Two locations may share the connection, and their charts the number of an encounter.
    by_encounter: dict[tuple[int, str], list[Delivery]] = defaultdict(list)
    for delivery in members:
        by_encounter[(delivery.location_id, delivery.encounter_bidx)].append(delivery)
    allowed = [group for group in by_encounter.values() if rate.granted(connection)]
    refused = [row for group in list(by_encounter.values())[len(allowed) :] for row in group]
    try:
        read = read_groups(reader, allowed)
    finally:
        reader.close()
    return read + [Look(delivery, None, "rate_limited") for delivery in refused]


def read_groups(reader: ChartReader, groups: Sequence[Sequence[Delivery]]) -> list[Look]:
    """Several at a time, unless the reader asks the database for its tokens and calls: that stays in our thread."""
    if getattr(reader, "one_thread", False):
        return [look for group in groups for look in read_one(reader, group)]
    return [look for looks in _pool().map(lambda group: read_one(reader, group), groups) for look in looks]


@cache
def _pool() -> ThreadPoolExecutor:
    """Kept: to begin and end four threads takes as long as to read four charts."""
    return ThreadPoolExecutor(READERS, thread_name_prefix="chart")


def read_one(reader: ChartReader, group: Sequence[Delivery]) -> list[Look]:
    asked_at = timezone.now()
    try:
        chart = reader.read(visit_of(group[0]))
    except Unavailable as error:
        return [Look(delivery, None, error.reason_code) for delivery in group]
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise
    except Exception as error:  # one encounter that cannot be asked for must not stop the others
        log.error("a chart could not be read: %s", type(error), exc_info=True)
        return [Look(delivery, None, "reading_failed") for delivery in group]
    return [Look(delivery, chart, asked_at=asked_at) for delivery in group]


def still_standing(looks: Sequence[Look]) -> list[Look]:
    """The looks whose delivery has not moved meanwhile, its row locked until the caller's transaction ends.

    A process that was frozen while it read would else settle a doubt that arose after its look, and send again what
    has arrived.
    """
    rows = Delivery.objects.select_for_update().filter(pk__in=[look.delivery.pk for look in looks]).order_by("pk")
    now = {key: rest for key, *rest in rows.values_list("pk", "state", "attempts")}
    return [look for look in looks if now.get(look.delivery.pk) == [look.delivery.state, look.delivery.attempts]]


def conclude(looks: Sequence[Look]) -> None:
    """Write the looks down and move the deliveries by what was seen, in the caller's transaction."""
    whose = visit_charts.known(looks)
    found = [compared(look, whose.get(look.delivery.pk, ALONE)) for look in looks]
    write_readings(found)
    visit_charts.look_at_displaced(looks)
    both_filed_by = second_copies([look.delivery for look in looks])
    verified: dict[tuple[str, str, str], list[Found]] = defaultdict(list)
    for one in found:
        delivery, seen = one.look.delivery, one.seen
        if State(delivery.state) is State.UNKNOWN:
            settle_doubt(one.look, one.ticket, seen)
        elif State(delivery.state) is State.VERIFIED:
            recheck(one.look, one.ticket, seen)
        elif seen is None or not (seen.verified or seen.as_sent):
            judge(one.look, one.ticket, seen)
        elif (later := both_filed_by.get(delivery.pk)) and one.look.asked_at < later:
            look_once_more(delivery, later)
        elif seen.as_sent:
            judge(one.look, one.ticket, seen)
        else:
            verified[delivery.state, seen.grade, json.dumps(outcome_rows(seen))].append(one)
    for (old, grade, outcomes), members in verified.items():
        verify(State(old), grade, json.loads(outcomes), members)


def compared(look: Look, known: Known) -> Found:
    delivery, seen = look.delivery, None
    if look.chart is not None:
        seen = compare(planned(delivery), look.chart, delivery.control_id, known, template_named(delivery))
    return Found(look, ticket_of(delivery), seen)


def template_named(delivery: Delivery) -> str:
    """The template that the message told eCW to fill; "" where its way names none."""
    template, connection = delivery.note_version.template, delivery.connection
    return template.code if template and connection and connection.kind in NAMES_TEMPLATE else ""


def second_copies(deliveries: Sequence[Delivery]) -> dict[int, datetime]:
    """By when a slow receiver has filed every copy of those whose bytes may have left more than once."""
    again = [delivery.pk for delivery in deliveries if delivery.attempts > 1]
    if not again:
        return {}
    left = Attempt.objects.filter(delivery__in=again).exclude(outcome="unavailable").values_list("delivery")
    rows = left.annotate(times=Count("pk"), last=Max(Coalesce("finished_at", "intent_at"))).filter(times__gt=1)
    return {key: last + timedelta(seconds=settings.DOUBT_SETTLE_SECONDS) for key, _, last in rows}


def look_once_more(delivery: Delivery, when: datetime) -> None:
    """Everything stands as sent, and a second copy may still come: not verified before."""
    Delivery.objects.filter(pk=delivery.pk, state=delivery.state).update(
        read_at=when, reason_code="sent_twice_look_again"
    )


def verify(old: State, grade: str, outcomes: list[dict[str, Any]], members: Sequence[Found]) -> None:
    """Those of which the same was seen with the same proof, every section where it belongs."""
    now, subjects = timezone.now(), [one.ticket for one in members]
    columns = by_outcomes(outcomes) | {"verified_at": now, "proof": grade, "read_at": None}
    each = {one.ticket.id: {"took_seconds": took(one.look.delivery, now)} for one in members}
    details = {ticket.id: {"grade": grade, "sections": len(outcomes)} for ticket in subjects}
    transition(subjects, old, State.VERIFIED, columns=columns, each=each, details=details)


def judge(look: Look, ticket: Ticket, seen: ReadBack | None) -> None:
    """An accepted (or misfiled) delivery that is not verified: misfiled, or look again."""
    delivery, old = look.delivery, State(look.delivery.state)
    if seen is not None and seen.grade == "document":
        keep_document(delivery)
    elif seen is None or not seen.sections:
        look_again(delivery, look.reason_code or NOT_ASKED)
    elif old is State.MISFILED:
        keep_misfiled(delivery, seen)
    elif seen.as_sent:
        keep_cut(delivery, seen)
    elif may_still_be_filing(look, seen):
        look_again(delivery, "reader_says_not_there" if not seen.found else "differs_so_far")
    else:
        misfiled(ticket, seen)


def recheck(look: Look, ticket: Ticket, seen: ReadBack | None) -> None:
    """A verified delivery whose fields another note has filled since: it stays so unless its text is gone for good."""
    if seen is None or (not seen.verified and may_still_be_filing(look, seen)):
        look_again(look.delivery, "")
    elif seen.verified or not seen.sections:
        Delivery.objects.filter(pk=look.delivery.pk, state=State.VERIFIED).update(read_at=None)
    else:
        misfiled(ticket, seen, State.VERIFIED, "displaced")


def may_still_be_filing(look: Look, seen: ReadBack) -> bool:
    """A receiver still at work looks like one that lost something: a second, settled look decides."""
    since = look.delivery.accepted_at or look.delivery.updated_at
    settled = look.asked_at >= since + timedelta(seconds=settings.SETTLE_SECONDS)
    needed = 1 if seen.found else MISSING_AFTER
    return not settled or look.delivery.readings_made < needed


def misfiled(ticket: Ticket, seen: ReadBack, old: State = State.ACCEPTED, reason_code: str = "sections_differ") -> None:
    outcomes = outcome_rows(seen)
    wrong = [row["code"] or f"section {row['index']}" for row in outcomes if row["outcome"] != "verified"]
    transition(
        [ticket],
        old,
        State.MISFILED,
        reason_code=reason_code if seen.found else "not_in_chart",
        columns=by_outcomes(outcomes) | {"proof": seen.grade, "read_at": None},
        details={ticket.id: {"sections": wrong[:20]}},
    )
    if reason_code == "sections_differ":
        stop_for(ticket.id, outcomes)


def settle_doubt(look: Look, ticket: Ticket, seen: ReadBack | None) -> None:
    """UNKNOWN: found by identity, proven not there, or still in doubt."""
    delivery = look.delivery
    if seen is not None and seen.found:
        now = timezone.now()
        columns = {"accepted_at": now, "read_at": now, "readings_made": 0}
        transition([ticket], State.UNKNOWN, State.ACCEPTED, reason_code="reader_found_it", columns=columns)
        return
    profile = profile_of(delivery)
    if profile == ReceiverProfile.DEDUPE:
        send_again(delivery, "receiver_ignores_repeats")
    elif profile not in (ReceiverProfile.READBACK, ReceiverProfile.BOTH):
        park(delivery, "blind_receiver")
    elif seen is not None:
        count_negative(look)
    elif delivery.readings_made >= DOUBT_LOOKS or in_doubt_too_long(delivery):
        park(delivery, NOT_ASKED)
    else:
        look_again(delivery, look.reason_code)


def profile_of(delivery: Delivery) -> str:
    """How doubt may be settled: what the probe proved of the connection that sent."""
    state = ConnectionState.objects.filter(connection=delivery.connection).first()
    return state.profile if state else ""


def count_negative(look: Look) -> None:
    """One *not there* more. A look before its time (a person may ask for one) finds a receiver still at work."""
    delivery, settle = look.delivery, timedelta(seconds=settings.DOUBT_SETTLE_SECONDS)
    negatives, again = delivery.negatives, timezone.now() + settle
    counts_from = delivery.updated_at + settle * (negatives + 1)
    if look.asked_at < counts_from:
        again = counts_from
    elif negatives + 1 >= NEGATIVES_NEEDED:
        send_again(delivery, "reader_says_not_there")
        return
    else:
        negatives += 1
    Delivery.objects.filter(pk=delivery.pk, state=State.UNKNOWN).update(negatives=negatives, read_at=again)


def in_doubt_too_long(delivery: Delivery) -> bool:
    return timezone.now() - delivery.updated_at > timedelta(seconds=DOUBT_SECONDS)


def look_again(delivery: Delivery, reason_code: str) -> None:
    """Later, and later still: a reader that is down must not be hammered."""
    if reason_code == "no_reader" and delivery.state == State.ACCEPTED:
        Delivery.objects.filter(pk=delivery.pk, state=State.ACCEPTED).update(read_at=None, proof="none")
        return
    wait = LOOKS[min(delivery.readings_made, len(LOOKS) - 1)]
    Delivery.objects.filter(pk=delivery.pk, state=delivery.state).update(
        read_at=timezone.now() + timedelta(seconds=wait),
        readings_made=delivery.readings_made + 1,
        reason_code=reason_code,
    )
