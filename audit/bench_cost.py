"""Measures what recording costs a transaction: with it and without it, in short turns of the same processes.

The speed of a machine that others use changes from minute to minute, and two runs of some seconds tell more of that
than of what is measured. So turns of a fraction of a second follow each other, in pairs, one of them with recording;
each pair gives one figure, and the result is their median with its quartiles.

Needs a database of its own (bench_audit makes one): what is recorded cannot be taken back.
"""

import multiprocessing
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil
from django.db import connection, connections, transaction

from audit.record import Actor, Entry, acting, record_beside, record_many

TABLE = "bench_audit_deed"
TURN = 0.5  # seconds
WARM_UP = 10  # transactions of each kind before the clock starts: connections, statements, look-ups
LOAD = 0.5  # of what saturated writers do: what those offer that are not
PATIENCE = 60.0  # seconds in which every writer must have ended its turn

Deed = Callable[[bool], object]  # one transaction, with recording or without
Writer = Callable[[], Deed]  # what makes a process ready


@dataclass(frozen=True)
class Turn:
    """What writers did in a turn: transactions a second, seconds that each took, processor seconds of all of them."""

    rate: float
    took: list[float]
    cpu: float


Pair = tuple[Turn, Turn]  # without recording, with it


def make_table() -> None:
    with connection.cursor() as cursor:
        key = "BIGSERIAL" if connection.vendor == "postgresql" else "INTEGER"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (id {key} PRIMARY KEY, body TEXT)")


INSERT = f"INSERT INTO {TABLE} (body) VALUES (%s) RETURNING id"  # noqa: S608 (our name)
event = partial(Entry, "note.view", practice="bench", location="NORTH", subject_bidx="a" * 32, detail={"what": "x"})


def bare(busy: float = 0.0) -> Deed:
    """One row of 500 bytes a transaction, its event in a statement of its own, and `busy` seconds of waiting."""

    def deed(recorded: bool) -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(INSERT, ["x" * 500])
            if recorded:
                record_many([event()])
            time.sleep(busy)

    return deed


def beside(busy: float = 0.0) -> Deed:
    """The same with the event in the row's own statement, as the product writes notes and deliveries."""

    def deed(recorded: bool) -> None:
        with transaction.atomic():
            record_beside([event()] if recorded else [], INSERT, ["x" * 500])
            time.sleep(busy)

    return deed


def cost(name: str, writer: Writer, writers: int, seconds: float) -> dict[str, Any]:
    """The three figures of a transaction, each measured for so many seconds.

    The rate of writers that do nothing but that, one after another; what the transaction's duration gains where they
    offer about half of that (saturated ones add to it by waiting for each other: the lost rate once more, in other
    words); and what a single writer's gains, with the processor time of it and of its database's process.
    """
    count = max(round(seconds / TURN / 2), 1)
    saturated = paired(writer, writers, count)
    offered = LOAD * median(plain.rate for plain, _ in saturated)
    return {
        "transaction": name,
        "pairs": count,
        "saturated": {"writers": writers} | rates(saturated),
        "half_loaded": {"writers": writers, "offered_tx_s": round(offered, 1)}
        | durations(paired(writer, writers, count, offered)),
        "alone": durations(alone := paired(writer, 1, count)) | processor_time(alone),
    }


def rates(pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        "plain_tx_s": round(median(plain.rate for plain, _ in pairs), 1),
        "recorded_tx_s": round(median(recorded.rate for _, recorded in pairs), 1),
        "fewer_percent": spread([100 * (1 - recorded.rate / plain.rate) for plain, recorded in pairs]),
    }


def durations(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Medians of the whole transaction, commit included."""
    found = [(1000 * median(plain.took), 1000 * median(recorded.took)) for plain, recorded in pairs]
    return {
        "plain_median_ms": round(median(plain for plain, _ in found), 3),
        "recorded_median_ms": round(median(recorded for _, recorded in found), 3),
        "added_median_ms": spread([recorded - plain for plain, recorded in found]),
    }


def processor_time(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Of one transaction, the writer's and its database's process together."""
    found = [
        (1000 * plain.cpu / len(plain.took), 1000 * recorded.cpu / len(recorded.took)) for plain, recorded in pairs
    ]
    return {
        "plain_cpu_ms": round(median(plain for plain, _ in found), 3),
        "recorded_cpu_ms": round(median(recorded for _, recorded in found), 3),
        "added_cpu_percent": spread([100 * (recorded / plain - 1) for plain, recorded in found]),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles."""
    lower, middle, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": round(middle, 2), "lower_quartile": round(lower, 2), "upper_quartile": round(upper, 2)}


def paired(writer: Writer, writers: int, count: int, offered: float = 0.0) -> list[Pair]:
    """So many pairs of turns of so many processes; `offered` transactions a second of all together, 0: all they can.

    A pair in which a turn saw no transaction end is left out.
    """
    connections.close_all()
    barrier = multiprocessing.get_context("fork").Barrier(writers)
    with multiprocessing.get_context("fork").Pool(writers, initializer=_share, initargs=(barrier,)) as pool:
        jobs = [(writer, number, count, offered / writers) for number in range(writers)]
        turns = [together(each) for each in zip(*pool.starmap(written, jobs, chunksize=1), strict=True)]
    return pairs_of(list(zip(in_turn(count), turns, strict=True)))


def pairs_of(turns: Sequence[tuple[bool, Turn]]) -> list[Pair]:
    plain, recorded = ([turn for kind, turn in turns if kind is wanted] for wanted in (False, True))
    return [pair for pair in zip(plain, recorded, strict=True) if all(turn.took for turn in pair)]


def in_turn(pairs: int) -> Iterator[bool]:
    """Without, with; with, without; and so on: what grows slowly favours neither."""
    for number in range(pairs):
        yield from (False, True) if number % 2 == 0 else (True, False)


def together(turns: Sequence[Turn]) -> Turn:
    """A turn of all writers."""
    took = [seconds for turn in turns for seconds in turn.took]
    return Turn(sum(turn.rate for turn in turns), took, sum(turn.cpu for turn in turns))


_barrier: Barrier


def _share(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def written(writer: Writer, number: int, count: int, pace: float) -> list[Turn]:
    """A process's own turns: all begin one at the same moment, and each ends its last transaction in it."""
    deed = writer()
    try:
        with acting(Actor("worker", "bench")):
            for recorded in [*[False] * WARM_UP, *[True] * WARM_UP]:
                deed(recorded)
            turns = []
            for place, recorded in enumerate(in_turn(count)):
                _barrier.wait(PATIENCE)
                # The same moments for both turns of a pair.
                chance = random.Random(f"{place // 2} {number}")
                turns.append(turn(partial(deed, recorded), pace, chance))
            return turns
    except BaseException:
        _barrier.abort()
        raise
    finally:
        connections.close_all()


def turn(deed: Callable[[], object], pace: float, chance: random.Random) -> Turn:
    """One transaction after another; or, with a pace, about so many a second, at random moments."""
    took: list[float] = []
    used, begun = cpu(), time.perf_counter()
    due = begun
    while True:
        if pace:
            due += chance.expovariate(pace)
            time.sleep(max(min(due, begun + TURN) - time.perf_counter(), 0.0))
        start = time.perf_counter()
        if max(start, due) >= begun + TURN:
            break
        deed()
        took.append(time.perf_counter() - start)
    return Turn(len(took) / (time.perf_counter() - begun), took, cpu() - used)


def cpu() -> float:
    """Processor seconds of this process, and of its connection's process of the database if that runs here."""
    own = time.process_time()
    if connection.vendor != "postgresql" or connection.connection is None:
        return own
    server = connection.connection.info.backend_pid
    try:
        return own + int(Path(f"/proc/{server}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        pass  # Linux only; elsewhere in hundredths of a second
    try:
        return own + float(sum(psutil.Process(server).cpu_times()[:2]))
    except psutil.Error:
        return own
